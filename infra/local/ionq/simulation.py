"""Running one circuit with qiskit-aer.

Ideal runs up to ``STATEVECTOR_QUBITS`` answer exact probabilities from a statevector (16 bytes an amplitude: 1 GiB at
26 qubits); wider ones are sampled from a matrix product state. Noisy runs, which is every run on a QPU, simulate the
native gates with a depolarising channel after each, then flip readout bits: exactly, with a density matrix, up to
``DENSITY_MATRIX_QUBITS``; above, by drawing Pauli errors, the shots being spread over a bounded number of drawn error
patterns. Outcomes are keyed by integers whose bit k is qubit k.
"""

import math
import re
import time
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy
from numpy.typing import NDArray
from qiskit import qasm3, transpile
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import IGate, XGate, YGate, ZGate
from qiskit_aer import AerSimulator
from qiskit_aer.noise import depolarizing_error

from infra.local.ionq.backends import Backend, NoiseFigures
from infra.local.ionq.compiler import compile_native
from infra.local.ionq.errors import JobFailure
from infra.local.ionq.gates import build, check_width
from infra.local.ionq.payload import Circuit, Gate

STATEVECTOR_QUBITS = 26
DENSITY_MATRIX_QUBITS = 10
MAX_OUTCOMES = 2**18
"""An exact distribution with more outcomes than this is sampled instead, and the job says so in a warning."""
WIDE_SAMPLES = 10_000
"""Samples drawn at least where an exact distribution cannot be had."""

_MAX_PATTERNS = 64
_PATTERN_BUDGET_SECONDS = 20.0
_SECONDS_PER_AMPLITUDE = 4e-9
_QUBIT_REGISTER = re.compile(r"\bqubit\s*\[\s*(\d{1,6})\s*\]")
_PAULIS = (IGate(), XGate(), YGate(), ZGate())
_READING = ("measure", "reset", "barrier")
_AER_GATES = [
    "u", "p", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "rx", "ry", "rz",
    "rxx", "ryy", "rzz", "swap", "cx", "cy", "cz", "cp", "csx", "ccx", "cswap",
]  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What one circuit gave.

    ``keys`` (uint64, ascending) and ``weights`` are of equal length: probabilities (float64) when ``exact``, else
    counts (int64) that add up to the samples drawn. ``bits`` is the width of a key; ``registers`` maps names of
    classical registers to the key's bits, lowest first, when the program has registers.
    """

    bits: int
    qubits: int
    keys: NDArray[numpy.uint64]
    weights: NDArray[Any]
    exact: bool
    gate_counts: dict[str, int]
    native_gates: list[Gate] | None
    seconds: float
    warnings: list[str] = field(default_factory=list)
    registers: dict[str, list[int]] = field(default_factory=dict)

    @property
    def probabilities(self) -> NDArray[numpy.float64]:
        """The weights as probabilities or relative frequencies."""
        return numpy.asarray(self.weights if self.exact else self.weights / self.weights.sum(), dtype=float)


@dataclass(frozen=True)
class Task:
    """One circuit to simulate. Without ``noise`` the run is ideal; ``dry_run`` only compiles."""

    circuit: Circuit
    backend: Backend
    shots: int
    noise: NoiseFigures | None
    seed: tuple[int, ...]
    entangler: str
    dry_run: bool = False

    def estimated_seconds(self) -> float:
        """A rough guess of the time on one core, to decide where to run."""
        width, gates = self.circuit.qubits or 36, len(self.circuit.gates)
        if self.circuit.qasm3 is not None:
            width = sum(int(size) for size in _QUBIT_REGISTER.findall(self.circuit.qasm3)) or 36
            gates = self.circuit.qasm3.count(";") * self.shots  # measuring midway means a run for each shot
        if width > self.backend.qubits:
            return 0.0  # fails before it runs
        if self.dry_run:
            return gates * 1e-4
        if width > STATEVECTOR_QUBITS:
            return math.inf
        exact = self.noise is not None and width <= DENSITY_MATRIX_QUBITS and self.circuit.qasm3 is None
        size: int = 4**width if exact else 2**width
        passes = 20 if self.noise is not None and not exact else 1
        return passes * (gates + 1) * (size * _SECONDS_PER_AMPLITUDE + 1e-5)


def simulate(task: Task) -> Outcome:
    """Run one circuit; raises ``JobFailure`` for what the service would fail."""
    started = time.perf_counter()
    generator = numpy.random.default_rng(task.seed)
    circuit = _load_qasm3(task) if task.circuit.qasm3 is not None else build(task.circuit, task.backend)
    counts = _gate_counts(circuit)
    registers = {register.name: [circuit.find_bit(bit).index for bit in register] for register in circuit.cregs}
    native: list[Gate] | None = None
    if task.circuit.gateset == "native":
        native = list(task.circuit.gates)
    elif task.noise is not None or task.dry_run:
        native = compile_native(circuit, task.entangler)
    notes: list[str] = []
    exact = False
    if task.dry_run:
        keys, weights = numpy.zeros(0, dtype=numpy.uint64), numpy.zeros(0, dtype=numpy.int64)
    elif circuit.num_clbits:
        keys, weights = _run_program(circuit, native, task, generator)
        if task.noise is None:
            notes.append(f"The distribution was estimated from {task.shots} samples")
    elif task.noise is None:
        keys, weights, exact = _run_ideal(circuit, task, generator, notes)
    else:
        keys, weights = _run_noisy(circuit, native or [], task, task.noise, generator)
    return Outcome(
        bits=circuit.num_clbits or circuit.num_qubits,
        qubits=circuit.num_qubits,
        keys=keys,
        weights=weights,
        exact=exact,
        gate_counts=_native_counts(native) if native is not None else counts,
        native_gates=[gate for gate in native if gate["gate"] != "nop"] if native is not None else None,
        seconds=time.perf_counter() - started,
        warnings=notes,
        registers=registers,
    )


def _load_qasm3(task: Task) -> QuantumCircuit:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parser warns of its own grammar
            circuit = qasm3.loads(task.circuit.qasm3 or "")
    except Exception as error:  # noqa: BLE001 - parser and importer raise many kinds for a program they cannot read
        raise JobFailure("CompilationError", f"Cannot compile the OpenQASM 3 program: {error}"[:2000]) from None
    if not circuit.num_qubits:
        raise JobFailure("InvalidInput", "The program declares no qubits")
    check_width(circuit.num_qubits, task.backend)
    return circuit


def _gate_counts(circuit: QuantumCircuit) -> dict[str, int]:
    """Gates by size, a gate on n > 2 qubits being worth 6 (n - 2) two-qubit gates."""
    counts = {"1q": 0, "2q": 0}
    for instruction in circuit.data:
        width = len(instruction.qubits)
        if instruction.operation.name in _READING:
            continue
        if width == 1:
            counts["1q"] += 1
        else:
            counts["2q"] += 1 if width == 2 else 6 * (width - 2)
    return counts


def _native_counts(gates: list[Gate]) -> dict[str, int]:
    return {
        "1q": sum(gate["gate"] in ("gpi", "gpi2") for gate in gates),
        "2q": sum(gate["gate"] in ("ms", "zz") for gate in gates),
    }


def _simulator(method: str, width: int, seed: int = 0) -> Any:
    # Threads only pay for themselves on wide states; 0 means one for each core.
    return AerSimulator(method=method, seed_simulator=seed, max_parallel_threads=0 if width > 16 else 1)


def _aer_ready(circuit: QuantumCircuit) -> QuantumCircuit:
    """The same circuit in gates Aer knows, matrices of up to two qubits kept as they are."""
    ready = circuit.copy_empty_like()
    for instruction in circuit.data:
        operation = instruction.operation
        known = operation.name in _AER_GATES or operation.name in _READING
        if known or operation.name == "unitary":
            ready.append(instruction)
            continue
        single = QuantumCircuit(len(instruction.qubits))
        single.append(operation, range(len(instruction.qubits)))
        lowered = transpile(single, basis_gates=list(_AER_GATES), optimization_level=0)
        ready.compose(lowered, qubits=instruction.qubits, inplace=True)
    return ready


def _checked(job: Any) -> Any:
    result = job.result()
    if not result.success:
        raise JobFailure("SimulationError", str(result.status)[:2000])
    return result


def _run_ideal(
    circuit: QuantumCircuit, task: Task, generator: numpy.random.Generator, notes: list[str]
) -> tuple[NDArray[numpy.uint64], NDArray[Any], bool]:
    ready = _aer_ready(circuit)
    if circuit.num_qubits > STATEVECTOR_QUBITS:
        samples = max(task.shots, WIDE_SAMPLES)
        notes.append(f"Over {STATEVECTOR_QUBITS} qubits probabilities are estimated from {samples} samples")
        ready.measure_all()
        keys, counts = _sampled(
            _simulator("matrix_product_state", circuit.num_qubits, _seed(generator)), [ready], [samples]
        )
        return keys, counts, False
    ready.save_probabilities()
    probabilities = _checked(_simulator("statevector", circuit.num_qubits).run(ready, shots=1)).data(0)["probabilities"]
    found = numpy.flatnonzero(probabilities > 1e-12)
    if len(found) > MAX_OUTCOMES:
        samples = max(task.shots, WIDE_SAMPLES)
        notes.append(f"Over {MAX_OUTCOMES} outcomes probabilities are estimated from {samples} samples")
        keys, counts = _draw(probabilities, samples, generator)
        return keys, counts, False
    return found.astype(numpy.uint64), probabilities[found], True


def _run_noisy(
    circuit: QuantumCircuit, native: list[Gate], task: Task, noise: NoiseFigures, generator: numpy.random.Generator
) -> tuple[NDArray[numpy.uint64], NDArray[Any]]:
    width = circuit.num_qubits
    compiled = _native_circuit(native, width, task.backend)
    if width <= DENSITY_MATRIX_QUBITS:
        noisy = _with_channels(compiled, noise)
        noisy.save_probabilities()
        probabilities = _checked(_simulator("density_matrix", width).run(noisy, shots=1)).data(0)["probabilities"]
        return _draw(_flip_probabilities(probabilities, width, noise.readout_flip), task.shots, generator)
    wide = width > STATEVECTOR_QUBITS
    seconds = (len(native) + 1) * (1e-3 if wide else 2**width * _SECONDS_PER_AMPLITUDE + 1e-5)
    patterns = max(1, min(task.shots, _MAX_PATTERNS, math.ceil(_PATTERN_BUDGET_SECONDS / seconds)))
    circuits = [_with_paulis(compiled, noise, generator) for _ in range(patterns)]
    shares = [task.shots // patterns + (index < task.shots % patterns) for index in range(patterns)]
    circuits, shares = _merge_clean(circuits, shares, len(compiled.data))
    if wide:
        for drawn in circuits:
            drawn.measure_all()
        keys, counts = _sampled(_simulator("matrix_product_state", width, _seed(generator)), circuits, shares)
    else:
        keys, counts = _drawn(circuits, shares, generator)
    return _flip_samples(keys, counts, width, noise.readout_flip, generator)


def _run_program(
    circuit: QuantumCircuit, native: list[Gate] | None, task: Task, generator: numpy.random.Generator
) -> tuple[NDArray[numpy.uint64], NDArray[Any]]:
    """A program with its own measurements: sampled, keyed by its classical bits."""
    if task.noise is None or native is None:
        ready = _aer_ready(circuit)
        return _sampled(_simulator("automatic", circuit.num_qubits, _seed(generator)), [ready], [task.shots])
    compiled = _native_circuit(native, circuit.num_qubits, task.backend, circuit.num_clbits)
    noisy = _with_channels(compiled, task.noise)
    keys, counts = _sampled(_simulator("automatic", circuit.num_qubits, _seed(generator)), [noisy], [task.shots])
    return _flip_samples(keys, counts, circuit.num_clbits, task.noise.readout_flip, generator)


def _native_circuit(native: list[Gate], width: int, backend: Backend, bits: int = 0) -> QuantumCircuit:
    """The circuit of native gates, measurements and resets."""
    if not bits:
        return build(Circuit(None, "native", width, tuple(native)), backend)
    circuit = QuantumCircuit(width, bits)
    for gate in native:
        if gate["gate"] == "measure":
            circuit.measure(gate["target"], gate["bit"])
        elif gate["gate"] == "reset":
            circuit.reset(gate["target"])
        else:
            circuit.compose(build(Circuit(None, "native", width, (gate,)), backend), inplace=True)
    return circuit


def _with_channels(circuit: QuantumCircuit, noise: NoiseFigures) -> QuantumCircuit:
    noisy = circuit.copy_empty_like()
    one = depolarizing_error(noise.one_qubit_depolarising, 1)
    two = depolarizing_error(noise.two_qubit_depolarising, 2)
    for instruction in circuit.data:
        noisy.append(instruction)
        if instruction.operation.name not in ("measure", "reset"):
            noisy.append(one if len(instruction.qubits) == 1 else two, instruction.qubits)
    return noisy


def _with_paulis(circuit: QuantumCircuit, noise: NoiseFigures, generator: numpy.random.Generator) -> QuantumCircuit:
    """One draw of the depolarising channels: after a gate, with their strength, a uniformly random Pauli."""
    noisy = circuit.copy_empty_like()
    draws = generator.random(len(circuit.data))
    for instruction, draw in zip(circuit.data, draws, strict=True):
        noisy.append(instruction)
        single = len(instruction.qubits) == 1
        if draw < (noise.one_qubit_depolarising if single else noise.two_qubit_depolarising):
            for qubit in instruction.qubits:
                noisy.append(_PAULIS[generator.integers(4)], [qubit])
    return noisy


def _merge_clean(
    circuits: list[QuantumCircuit], shares: list[int], gates: int
) -> tuple[list[QuantumCircuit], list[int]]:
    """Run the draws without any error once, for all their shots; ``gates`` is the number of gates before drawing."""
    erred = [sum(item.operation.name not in _READING for item in circuit.data) > gates for circuit in circuits]
    clean = [index for index, error in enumerate(erred) if not error]
    kept = clean[:1] + [index for index, error in enumerate(erred) if error]
    merged = [shares[index] if erred[index] else sum(shares[other] for other in clean) for index in kept]
    return [circuits[index] for index in kept], merged


def _seed(generator: numpy.random.Generator) -> int:
    return int(generator.integers(2**31))


def _sampled(
    simulator: Any, circuits: list[QuantumCircuit], shares: list[int]
) -> tuple[NDArray[numpy.uint64], NDArray[numpy.int64]]:
    """Counts over several circuits, each with its own number of shots."""
    total: dict[int, int] = {}
    for shots in sorted(set(shares)):
        batch = [circuit for circuit, share in zip(circuits, shares, strict=True) if share == shots]
        result = _checked(simulator.run(batch, shots=shots))
        for index in range(len(batch)):
            for key, count in result.data(index)["counts"].items():
                total[int(key, 16)] = total.get(int(key, 16), 0) + count
    keys = numpy.array(sorted(total), dtype=numpy.uint64)
    return keys, numpy.array([total[int(key)] for key in keys], dtype=numpy.int64)


def _drawn(
    circuits: list[QuantumCircuit], shares: list[int], generator: numpy.random.Generator
) -> tuple[NDArray[numpy.uint64], NDArray[numpy.int64]]:
    """Counts over several circuits, each with its own number of shots.

    They are drawn from each one's exact distribution: Aer's own sampling takes ten seconds for a million shots.
    """
    parts: list[tuple[NDArray[numpy.uint64], NDArray[numpy.int64]]] = []
    for circuit, share in zip(circuits, shares, strict=True):
        circuit.save_probabilities()
        result = _checked(_simulator("statevector", circuit.num_qubits).run(circuit, shots=1))
        parts.append(_draw(result.data(0)["probabilities"], share, generator))
    keys, places = numpy.unique(numpy.concatenate([found for found, _ in parts]), return_inverse=True)
    counts = numpy.bincount(places, numpy.concatenate([number for _, number in parts]))  # exact below 2**53
    return keys, counts.astype(numpy.int64)


def _draw(
    probabilities: NDArray[numpy.float64], shots: int, generator: numpy.random.Generator
) -> tuple[NDArray[numpy.uint64], NDArray[numpy.int64]]:
    clipped = numpy.clip(probabilities, 0.0, None)
    counts = generator.multinomial(shots, clipped / clipped.sum())
    found = numpy.flatnonzero(counts)
    return found.astype(numpy.uint64), counts[found]


def _flip_probabilities(probabilities: NDArray[numpy.float64], width: int, flip: float) -> NDArray[numpy.float64]:
    tensor = probabilities.reshape([2] * width)
    for axis in range(width):
        tensor = (1.0 - flip) * tensor + flip * numpy.flip(tensor, axis)
    return numpy.asarray(tensor.reshape(-1))


def _flip_samples(
    keys: NDArray[numpy.uint64],
    counts: NDArray[numpy.int64],
    width: int,
    flip: float,
    generator: numpy.random.Generator,
) -> tuple[NDArray[numpy.uint64], NDArray[numpy.int64]]:
    shots = numpy.repeat(keys, counts)
    for bit in range(width):
        shots ^= (generator.random(len(shots)) < flip).astype(numpy.uint64) << numpy.uint64(bit)
    found, number = numpy.unique(shots, return_counts=True)
    return found, number.astype(numpy.int64)
