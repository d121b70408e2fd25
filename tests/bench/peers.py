"""Other compilers, each run as its documentation says, on a circuit of gates without measurements.

Trailing swaps are free where all qubits are connected, so each tool's output permutation is kept as one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import pyzx
from pytket import OpType, passes
from pytket.circuit import Circuit
from pytket.qasm import circuit_from_qasm_str, circuit_to_qasm_str
from qiskit import qasm2
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.transpiler import PassManager, PassManagerConfig, generate_preset_pass_manager
from qiskit.transpiler import Target as QiskitTarget
from qiskit_ionq import GPI2Gate, GPIGate, TrappedIonOptimizerPlugin, ZZGate
from qiskit_ionq.ionq_equivalence_library import add_equivalences

Made = tuple[QuantumCircuit, tuple[int, ...]]
"""A circuit of gates of at most two qubits, and the qubit on which each output qubit of the input ends."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A compiler. ``in_cx``: all its two-qubit gates are CX."""

    name: str
    run: Callable[[QuantumCircuit], Made]
    in_cx: bool


def versions() -> dict[str, str]:
    """What was measured."""
    return {name: version(name) for name in ("qiskit", "qiskit-ionq", "pytket", "pyzx")}


def _ends(made: QuantumCircuit) -> tuple[int, ...]:
    return tuple(range(made.num_qubits)) if made.layout is None else tuple(made.layout.final_index_layout())


def _qiskit(gates: list[str]) -> Callable[[QuantumCircuit], Made]:
    def run(circuit: QuantumCircuit) -> Made:
        # No |0> is assumed, by any of the tools: the answer is to be the same unitary.
        made = generate_preset_pass_manager(
            optimization_level=3, basis_gates=gates, seed_transpiler=0, qubits_initially_zero=False
        ).run(circuit)
        return made, _ends(made)

    return run


def _qiskit_ionq(circuit: QuantumCircuit) -> Made:
    add_equivalences()
    angle = Parameter("a")
    target = QiskitTarget(num_qubits=circuit.num_qubits)
    for gate in (GPIGate(angle), GPI2Gate(angle), ZZGate(angle)):
        target.add_instruction(gate)
    native: PassManager = TrappedIonOptimizerPlugin().pass_manager(
        PassManagerConfig(target=target, seed_transpiler=0), optimization_level=3
    )
    made = native.run(circuit)
    return made, _ends(made)


def _flat(circuit: QuantumCircuit) -> str:
    return str(qasm2.dumps(generate_preset_pass_manager(optimization_level=0, basis_gates=["u3", "cx"]).run(circuit)))


def _tket(every: Callable[[], list[passes.BasePass]], gates: set[OpType]) -> Callable[[QuantumCircuit], Made]:
    def run(circuit: QuantumCircuit) -> Made:
        made = circuit_from_qasm_str(_flat(circuit))
        for one in every():
            one.apply(made)
        passes.AutoRebase({*gates, OpType.U3}).apply(made)
        return _from_tket(made)

    return run


def _from_tket(made: Circuit) -> Made:
    place = {qubit: number for number, qubit in enumerate(made.qubits)}
    layout = [0] * len(place)
    # "Input to output": what comes in on the first leaves on the wire of the first, as the output qubit of the second.
    for wire, output in made.implicit_qubit_permutation().items():
        layout[place[output]] = place[wire]
    return qasm2.loads(circuit_to_qasm_str(made), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS), tuple(layout)


def _gadgets(allow_zzphase: bool) -> list[passes.BasePass]:
    return [
        passes.AutoRebase({OpType.CX, OpType.Rz, OpType.Rx}),
        passes.GreedyPauliSimp(allow_zzphase=allow_zzphase),
        passes.RemoveRedundancies(),
    ]


def _pyzx(simplify: Callable[[pyzx.Circuit], pyzx.Circuit]) -> Callable[[QuantumCircuit], Made]:
    def run(circuit: QuantumCircuit) -> Made:
        made = simplify(pyzx.Circuit.from_qasm(_plain(_flat(circuit))).to_basic_gates())
        return qasm2.loads(made.to_basic_gates().to_qasm()), tuple(range(circuit.num_qubits))

    return run


def _plain(text: str) -> str:
    """u3 as rotations about z and x, whose angles PyZX keeps as fractions of pi."""
    made = QuantumCircuit(*qasm2.loads(text).qregs)
    flat = generate_preset_pass_manager(optimization_level=0, basis_gates=["rz", "rx", "cx"]).run(qasm2.loads(text))
    for entry in flat.data:
        qubits = [flat.find_bit(qubit).index for qubit in entry.qubits]
        angles = [_snapped(float(angle)) for angle in entry.operation.params]
        if angles != [0.0]:
            made.append(type(entry.operation)(*angles), qubits)
    return str(qasm2.dumps(made))


def _snapped(angle: float) -> float:
    """Angles a hair from a multiple of pi / 48 put on it: PyZX 0.10 gives wrong circuits for angles near 1e-16."""
    near = round(angle / math.pi * 48)
    return near * math.pi / 48 if abs(angle - near * math.pi / 48) < 1e-12 else angle


def _teleport(circuit: pyzx.Circuit) -> pyzx.Circuit:
    graph = pyzx.optimize.basic_optimization(circuit).to_graph()
    return pyzx.optimize.basic_optimization(
        pyzx.Circuit.from_graph(pyzx.simplify.teleport_reduce(graph)).to_basic_gates()
    )


def _extract(circuit: pyzx.Circuit) -> pyzx.Circuit:
    graph = circuit.to_graph()
    pyzx.simplify.full_reduce(graph)
    return pyzx.optimize.basic_optimization(pyzx.extract_circuit(graph, up_to_perm=False).to_basic_gates())


PEERS = (
    Peer("Qiskit 3, cx", _qiskit(["u", "cx"]), in_cx=True),
    Peer("Qiskit 3, rzz", _qiskit(["u", "rzz"]), in_cx=False),
    Peer(
        "tket FullPeephole",
        _tket(lambda: [passes.FullPeepholeOptimise(), passes.RemoveRedundancies()], {OpType.CX}),
        in_cx=True,
    ),
    Peer("tket GreedyPauliSimp, CX", _tket(lambda: _gadgets(False), {OpType.CX}), in_cx=True),
    Peer("tket GreedyPauliSimp, ZZPhase", _tket(lambda: _gadgets(True), {OpType.CX, OpType.ZZPhase}), in_cx=False),
    Peer("PyZX teleport", _pyzx(_teleport), in_cx=True),
    Peer("PyZX full_reduce", _pyzx(_extract), in_cx=True),
    Peer("qiskit-ionq native", _qiskit_ionq, in_cx=False),
)
