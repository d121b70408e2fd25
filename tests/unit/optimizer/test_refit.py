"""Windows made anew: fewer rotations, the same unitary, the same answer each time, and an end to the effort."""

from __future__ import annotations

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Operator, random_unitary

from qcos_optimizer.native import measure_up
from qcos_optimizer.passes.assembly import Group, grouped, lower_groups
from qcos_optimizer.passes.axial import Axial, axial, of_turns
from qcos_optimizer.passes.fitting import fit, refine
from qcos_optimizer.passes.refit import Effort, Refit, fingerprint
from qcos_optimizer.passes.toffoli import rewrite
from qcos_optimizer.source import take_apart
from qcos_optimizer.turns import TurnsCache
from qcos_optimizer.verification import Verifier

from .axials import apart, read, toffolis


def adder() -> QuantumCircuit:
    """Majority, and its inverse."""
    circuit = QuantumCircuit(4)
    for places in ((0, 1, 2), (1, 2, 3)):
        circuit.cx(places[2], places[1])
        circuit.cx(places[2], places[0])
        circuit.ccx(*places)
    return circuit


@pytest.fixture(scope="module")
def majorities() -> tuple[Axial, list[Group]]:
    made = rewrite(read(adder()))
    return made, Refit(0, Effort(40)).groups(made.items)


def count(circuit: Axial, groups: list[Group]) -> int:
    return measure_up(lower_groups("refit", circuit, groups, "zz", "pauli").gates).two_qubit_gates


def test_majorities_get_shorter_and_stay_proved(majorities: tuple[Axial, list[Group]]) -> None:
    circuit = adder()
    made, groups = majorities
    assert count(made, groups) < count(made, grouped(made.items))
    verifier = Verifier(take_apart(circuit), 0)
    for gate, frame in (("zz", "z"), ("zz", "pauli"), ("ms", "z"), ("ms", "x")):
        found = verifier.verify(lower_groups("refit", made, groups, gate, frame))  # type: ignore[arg-type]
        assert found is not None
        assert found.verdict == "proved"


def test_peres_is_found() -> None:
    circuit = QuantumCircuit(3)
    circuit.ccx(0, 1, 2)
    circuit.cx(0, 1)
    made = read(circuit)
    assert count(made, Refit(0, Effort(40)).groups(made.items)) == 4


@pytest.mark.parametrize("seed", range(4))
def test_random_circuits_stay_what_they_are(seed: int) -> None:
    circuit = toffolis(200 + seed, swaps=False)
    made = rewrite(read(circuit))
    groups = Refit(0, Effort(8)).groups(made.items)
    assert sorted(id(item) for group in groups for item in group.items) == sorted(id(item) for item in made.items)
    reordered = Axial(
        made.qubits, [item for group in groups for item in group.items], made.tail, made.ends, made.history, []
    )
    assert apart(reordered.unitary(), made.unitary()) < 1e-9
    assert count(made, groups) <= count(made, grouped(made.items))
    assert Verifier(take_apart(circuit), 0).verify(lower_groups("refit", made, groups, "zz", "pauli")) is not None


def test_the_same_seed_gives_the_same_answer_and_effort_ends() -> None:
    circuit = QuantumCircuit(3)
    circuit.ccx(0, 1, 2)
    circuit.cx(0, 1)
    made = read(circuit)
    first, second = (Refit(7, Effort(8)) for _ in range(2))
    one, other = first.groups(made.items), second.groups(made.items)
    assert [group.made and group.made.turns for group in one] == [group.made and group.made.turns for group in other]
    none = Refit(7, Effort(0))
    assert all(group.made is None for group in none.groups(made.items))
    assert none.effort.structures == 0
    assert first.effort.structures >= 0


def test_wrong_windows_are_caught(majorities: tuple[Axial, list[Group]]) -> None:
    circuit = adder()
    made, groups = majorities
    verifier = Verifier(take_apart(circuit), 0)
    wrong = 0
    for place, group in enumerate(groups):
        if group.made is None:
            continue
        for number in range(len(group.made.turns)):
            turns = list(group.made.turns)
            turns[number] += 1e-6
            changed = type(group.made)(group.made.pairs, tuple(turns), group.made.first, group.made.after)
            others = [*groups[:place], Group(group.wires, group.items, changed), *groups[place + 1 :]]
            assert verifier.verify(lower_groups("wrong", made, others, "zz", "z")) is None
            wrong += 1
    assert wrong


def test_fingerprints_ignore_local_gates_and_the_order_of_qubits() -> None:
    random = np.random.default_rng(0)
    circuit = QuantumCircuit(3)
    circuit.ccx(0, 1, 2)
    circuit.cx(2, 1)
    circuit.cp(0.3, 0, 1)
    for _ in range(5):
        order = [int(place) for place in random.permutation(3)]
        dressed = QuantumCircuit(3)
        for qubit in range(3):
            dressed.unitary(random_unitary(2, seed=int(random.integers(1000))), [qubit])
        dressed.compose(circuit, order, inplace=True)
        for qubit in range(3):
            dressed.unitary(random_unitary(2, seed=int(random.integers(1000))), [qubit])
        assert fingerprint(Operator(dressed).data)[0] == fingerprint(Operator(circuit).data)[0]
    other = circuit.copy()
    other.cp(0.01, 0, 1)
    assert fingerprint(Operator(other).data)[0] != fingerprint(Operator(circuit).data)[0]


@pytest.mark.parametrize("seed", range(6))
def test_fits_reach_what_such_a_structure_makes(seed: int) -> None:
    random = np.random.default_rng(seed)
    pairs = ((0, 1), (1, 2), (0, 2), (0, 1))
    hidden = QuantumCircuit(3)
    for pair in pairs:
        for qubit in range(3):
            hidden.unitary(random_unitary(2, seed=int(random.integers(1000))), [qubit])
        hidden.rzz(float(random.uniform(-1, 1)), *pair)
    wanted = np.asarray(Operator(hidden).data, dtype=np.complex128)
    found = fit(wanted, pairs, np.random.default_rng(1), 12)
    assert found
    assert all(apart(one.matrix(), wanted) < 1e-11 for one in found)
    assert refine(random_unitary(8, seed=seed).data, found[0]) is None


def test_chains_of_others_are_read_as_they_are() -> None:
    circuit = toffolis(3, swaps=False)
    source = take_apart(circuit)
    cache = TurnsCache()
    claims = [cache.claim(operation) for operation in source.operations if len(operation.qubits) <= 2]
    ends = tuple(range(source.qubits))
    direct = axial([operation for operation in source.operations if len(operation.qubits) <= 2], source.qubits)
    made = of_turns([(claim.step.qubits, claim.turns) for claim in claims], ends)
    assert apart(made.unitary(), direct.unitary()) < 1e-9
    with pytest.raises(ValueError, match="one or two"):
        of_turns([((0, 1, 2), [(7, 0, 0.1)])], (0, 1, 2))
