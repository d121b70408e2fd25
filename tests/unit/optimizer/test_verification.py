"""A wrong candidate never passes, whichever of the four ways it is checked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit

from qcos_optimizer.candidate import Candidate, Via
from qcos_optimizer.chains import _gathered, chains
from qcos_optimizer.lowering import PartsCache, level_zero, lower, lower_windows, operations_of
from qcos_optimizer.native import Native
from qcos_optimizer.passes.blocks import lower_merged, merge
from qcos_optimizer.source import Source, take_apart
from qcos_optimizer.synthesis import in_windows, whole
from qcos_optimizer.turns import TurnsCache
from qcos_optimizer.verification import Verifier
from qcos_optimizer.windows import cut

from .circuits import HEADER, load, random_circuit

METHODS = {"unitary": 5, "windows": 12, "pauli": 12, "product_states": 12}


def made(method: str, native: str = "zz") -> tuple[Source, Candidate]:
    """A source with swaps at its end, and a right candidate for it."""
    circuit = random_circuit(METHODS[method], 60, 11)
    circuit.swap(0, 3)
    circuit.swap(3, 4)
    source = take_apart(circuit)
    if method == "windows":
        return source, level_zero(source, cut(source), native, PartsCache())  # type: ignore[arg-type]
    if method == "pauli":
        chain = next(chain for chain in chains(source, 1, 0) if chain.name.startswith("gadgets"))
        return source, lower_merged("pauli", chain.via, chain.merged, native, "z")  # type: ignore[arg-type]
    for name, operations, layout in whole(source, 2, 0):
        if name == "l2-rzz":
            assert layout != tuple(range(source.qubits))
            return source, lower(name, operations, layout, native, "z", PartsCache())  # type: ignore[arg-type]
    raise AssertionError


def shifted(gate: Native, by: float) -> Native:
    return replace(gate, angles=(*gate.angles[:-1], gate.angles[-1] + by))


@pytest.mark.parametrize("native", ["zz", "ms"])
@pytest.mark.parametrize("method", METHODS)
def test_a_right_candidate_passes(method: str, native: str) -> None:
    source, candidate = made(method, native)
    found = Verifier(source, 3).verify(candidate)
    assert found is not None
    assert found.method == method
    assert found.verdict == ("tested" if method == "product_states" else "proved")
    assert (found.states > 0) == (method == "product_states")
    assert (found.windows > 0) == (method in ("windows", "pauli"))
    assert 0 <= found.max_infidelity < 1e-10


@pytest.mark.parametrize(("qubits", "method"), [(6, "unitary"), (7, "windows"), (10, "windows")])
def test_gate_by_gate_lowering_is_checked_window_by_window_where_that_is_less_work(qubits: int, method: str) -> None:
    source = take_apart(random_circuit(qubits, 60, 5))
    found = Verifier(source, 0).verify(level_zero(source, cut(source), "zz", PartsCache()))
    assert found is not None
    assert (found.verdict, found.method) == ("proved", method)


@pytest.mark.parametrize("method", METHODS)
def test_mutants_are_caught(method: str) -> None:
    source, candidate = made(method)
    verifier = Verifier(source, 0)
    random = np.random.default_rng(2)
    mutants: dict[str, Candidate] = {}
    gates = candidate.gates
    for place in random.choice(len(gates), 6, replace=False):
        mutants[f"dropped {place}"] = replace(candidate, gates=gates[:place] + gates[place + 1 :])
        mutants[f"turned {place}"] = replace(
            candidate, gates=(*gates[:place], shifted(gates[place], 1e-5), *gates[place + 1 :])
        )
        if len(gates[place].qubits) == 1:
            other = replace(gates[place], qubits=((gates[place].qubits[0] + 1) % source.qubits,))
            mutants[f"moved {place}"] = replace(candidate, gates=(*gates[:place], other, *gates[place + 1 :]))
    late = next(place for place in range(len(gates) // 2, len(gates)) if len(gates[place].qubits) == 2)
    for name, by in (("an angle wrong by 1e-6", 1e-6), ("a wrong sign", -2 * gates[late].angles[-1])):
        mutants[name] = replace(candidate, gates=(*gates[:late], shifted(gates[late], by), *gates[late + 1 :]))
    layout = list(candidate.layout)
    layout[0], layout[1] = layout[1], layout[0]
    mutants["wrong permutation"] = replace(candidate, layout=tuple(layout))
    mutants["no permutation at all"] = replace(candidate, layout=(0,) * source.qubits)
    wire = max(range(source.qubits), key=lambda wire: abs(candidate.final_z[wire] - round(candidate.final_z[wire])))
    mutants["wrong final Z"] = replace(
        candidate, final_z=tuple(z + 0.01 * (place == wire) for place, z in enumerate(candidate.final_z))
    )
    mutants["a qubit there is not"] = replace(candidate, gates=(*gates, Native("gpi", (source.qubits,), (0.0,))))
    mutants["a qubit with itself"] = replace(candidate, gates=(*gates, Native("zz", (0, 0), (0.25,))))
    mutants["a bit flip more"] = replace(candidate, gates=(*gates, Native("gpi", (0,), (0.0,))))
    for name, mutant in mutants.items():
        assert verifier.verify(mutant) is None, name
    if method == "unitary":
        assert verifier.verify(candidate) is not None


@pytest.mark.parametrize("method", METHODS)
def test_a_dropped_cz_at_the_end_is_caught(method: str) -> None:
    """No measurement sees it: it keeps the distribution of the bits, not the unitary."""
    circuit = random_circuit(METHODS[method], 60, 11)
    circuit.swap(0, 3)
    circuit.swap(3, 4)
    circuit.cz(0, 1)
    _, candidate = made(method)
    assert Verifier(take_apart(circuit), 0).verify(candidate) is None


@pytest.mark.parametrize("method", METHODS)
def test_a_dropped_z_that_is_not_final_is_caught(method: str) -> None:
    """Z rotations live in the phases of later pulses: as if the frame of one qubit were forgotten half-way."""
    source, candidate = made(method)
    gates = list(candidate.gates)
    half = len(gates) // 2
    wire = next(gate.qubits[0] for gate in gates[half:] if gate.gate == "gpi2")
    forgot = tuple(
        shifted(gate, 0.05) if place >= half and gate.qubits == (wire,) else gate for place, gate in enumerate(gates)
    )
    assert forgot != candidate.gates
    assert Verifier(source, 0).verify(replace(candidate, gates=forgot)) is None


def test_a_circuit_in_between_that_is_not_the_input_is_caught() -> None:
    """The native circuit is what the circuit in between says, but that is another circuit than the input."""
    source, candidate = made("pauli")
    other = take_apart(random_circuit(METHODS["pauli"], 60, 12))
    assert Verifier(other, 0).verify(candidate) is None
    assert candidate.via is not None
    without = replace(candidate.via, claims=candidate.via.claims[:-1])
    assert Verifier(source, 0).verify(replace(candidate, via=without)) is None
    swapped = replace(
        candidate.via, layout=(candidate.via.layout[1], candidate.via.layout[0], *candidate.via.layout[2:])
    )
    assert Verifier(source, 0).verify(replace(candidate, via=swapped)) is None
    assert Verifier(source, 0).verify(replace(candidate, checkpoints=candidate.checkpoints[:-1])) is None


def test_nothing_is_assumed_of_the_input_state() -> None:
    """On zeros a first CNOT does nothing; a candidate without it is wrong all the same."""
    circuit = QuantumCircuit(11)
    circuit.cx(0, 1)
    circuit.h(range(11))
    without = QuantumCircuit(11)
    without.h(range(11))
    for qubits in (2, 11):
        source = take_apart(circuit if qubits == 11 else circuit_of_two(circuit))
        short = operations_of(without if qubits == 11 else circuit_of_two(without))
        candidate = lower("short", short, tuple(range(qubits)), "zz", "z", PartsCache())
        assert Verifier(source, 0).verify(candidate) is None


def circuit_of_two(circuit: QuantumCircuit) -> QuantumCircuit:
    small = QuantumCircuit(2)
    for entry in circuit.data:
        places = [circuit.find_bit(bit).index for bit in entry.qubits]
        if max(places) < 2:
            small.append(entry.operation, places)
    return small


@pytest.mark.parametrize("native", ["zz", "ms"])
@pytest.mark.parametrize("basis", ["rzz", "cx"])
def test_windows_with_permutations(native: str, basis: str) -> None:
    circuit = random_circuit(13, 50, 4)
    for qubit in range(12):
        circuit.swap(qubit, qubit + 1)
    source = take_apart(circuit)
    pieces = dict(in_windows(cut(source), 2, 0))[f"windows-l2-{basis}"]
    candidate = lower_windows("w", 13, pieces, native, "z", PartsCache())  # type: ignore[arg-type]
    assert candidate.layout != tuple(range(13))
    verifier = Verifier(source, 0)
    assert verifier.verify(candidate) is not None
    # The same gates stand the other test too, and a claim about a window that is not kept does not.
    assert verifier.verify(replace(candidate, checkpoints=())) is not None
    first = candidate.checkpoints[0]
    for broken in (
        replace(first, cut=candidate.checkpoints[-1].cut),
        replace(first, cut=-1),
        replace(first, layout=(first.layout[-1], *first.layout[1:-1], first.layout[0])),
    ):
        assert verifier.verify(replace(candidate, checkpoints=(broken, *candidate.checkpoints[1:]))) is None
    assert verifier.verify(replace(candidate, checkpoints=candidate.checkpoints[:-1])) is None


def test_too_large_for_states_needs_windows() -> None:
    circuit = QuantumCircuit(27)
    for qubit in range(26):
        circuit.cx(qubit, qubit + 1)
    source = take_apart(circuit)
    candidate = level_zero(source, cut(source), "zz", PartsCache())
    verifier = Verifier(source, 0)
    found = verifier.verify(candidate)
    assert found is not None
    assert found.method == "windows"
    assert verifier.verify(replace(candidate, checkpoints=())) is None


def test_states_stop_at_the_deadline() -> None:
    source, candidate = made("product_states")
    with pytest.raises(TimeoutError):
        Verifier(source, 0).verify(candidate, deadline=0.0)


def test_no_proof_by_rotations_begins_after_the_deadline() -> None:
    """Candidates whose proof fails one after the other would else take more time than there is."""
    source, candidate = made("pauli")
    with pytest.raises(TimeoutError):
        Verifier(source, 0).verify(candidate, deadline=0.0)
    _, simple = made("windows")
    assert Verifier(source, 0).verify(simple, deadline=0.0) is not None


def test_wide_gates_are_taken_apart_before_others_may_choose_how() -> None:
    """Qiskit has more than one way to make a gate of four qubits and more, with other rotations than its definition."""
    text = "qreg q[12]; c3x q[0],q[1],q[2],q[3]; t q[3]; c4x q[1],q[4],q[3],q[5],q[6]; h q[6]; c3x q[6],q[2],q[7],q[1];"
    source = take_apart(load(HEADER + text + "rccx q[8],q[9],q[10]; cx q[10],q[11]; u(0.3,0.2,0.1) q[1];"))
    for name, operations, layout in whole(source, 2, 0):
        cache = TurnsCache()
        claims = tuple(cache.claim(operation) for operation in operations)
        candidate = lower_merged(name, Via(claims, layout), merge([claim.step for claim in claims]), "zz", "z")
        found = Verifier(source, 0).verify(candidate)
        assert found is not None
        assert found.verdict == "proved", name


def test_a_circuit_is_proved_over_the_one_it_was_made_of() -> None:
    """Bringing rotations together mixes blocks that are not the input's: the circuit before that still has them."""
    source = take_apart(random_circuit(12, 100, 0))
    operations, layout = next(
        (operations, layout) for name, operations, layout in whole(source, 1, 0) if name == "l1-cx"
    )
    cache = TurnsCache()
    chain = _gathered("l1-cx", Via(tuple(cache.claim(operation) for operation in operations), layout))
    candidate = lower_merged(chain.name, chain.via, chain.merged, "zz", "z")
    found = Verifier(source, 0).verify(candidate)
    assert found is not None
    assert found.proof is not None
    assert (found.verdict, len(found.proof.stages)) == ("proved", 3)
    missing = replace(chain.via, claims=chain.via.claims[:-1])
    assert Verifier(source, 0).verify(replace(candidate, via=missing)) is None
