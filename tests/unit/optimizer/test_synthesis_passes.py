"""Every pass gives back the circuit it was given, and none that is meant to help makes it dearer."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Operator, random_clifford
from qiskit.synthesis import synth_qft_full

from qcos_optimizer import optimize
from qcos_optimizer.candidate import Via
from qcos_optimizer.certify import Certifier, Claim
from qcos_optimizer.chains import WEIGHTINGS, chains
from qcos_optimizer.passes.blocks import cost, depth, lower_merged, merge
from qcos_optimizer.passes.gadgets import Placed, Weighting, synthesize
from qcos_optimizer.passes.gather import gather, straighten
from qcos_optimizer.passes.phase import fold
from qcos_optimizer.passes.resynthesis import cost_of, resynthesize
from qcos_optimizer.passes.schedule import schedule
from qcos_optimizer.simulation import Step, unitary
from qcos_optimizer.source import expand, take_apart
from qcos_optimizer.turns import TurnsCache, form_of, placed_claims
from qcos_optimizer.verification import Verifier

from .circuits import load, random_circuit, text


def claims_of(circuit: QuantumCircuit) -> tuple[Claim, ...]:
    cache = TurnsCache()
    return tuple(cache.claim(operation) for operation in expand(take_apart(circuit).operations, 2))


def matrix_of(claims: Sequence[Claim], qubits: int, layout: Sequence[int]) -> np.ndarray:
    """The unitary of ``claims``, output qubit q read on ``layout[q]``, by multiplying matrices only."""
    made = unitary([claim.step for claim in claims], qubits).reshape((2,) * qubits + (2**qubits,))
    axes = [qubits - 1 - layout[qubits - 1 - axis] for axis in range(qubits)]
    return made.transpose([*axes, qubits]).reshape(2**qubits, 2**qubits)


def same(wanted: np.ndarray, made: np.ndarray) -> bool:
    overlap = np.vdot(made, wanted)
    return bool(abs(overlap) > 0 and np.abs(made * overlap / abs(overlap) - wanted).max() < 1e-9)


CIRCUITS = {f"random-{qubits}-{seed}": random_circuit(qubits, 30, seed) for qubits in (2, 3, 4) for seed in range(4)}
CIRCUITS |= {name: load(text(name)) for name in ("tof_3", "fredkin_n3", "variational_n4", "qaoa_n6", "bell")}


@pytest.fixture(params=CIRCUITS, scope="module")
def circuit(request: pytest.FixtureRequest) -> QuantumCircuit:
    return CIRCUITS[request.param]


@pytest.mark.parametrize("weighting", WEIGHTINGS[:3])
def test_gadgets(circuit: QuantumCircuit, weighting: Weighting) -> None:
    qubits = circuit.num_qubits
    made = synthesize(form_of(claims_of(circuit), qubits), weighting)
    assert made is not None
    assert all(1 <= len(wires) <= 2 for _, wires in made.turns)
    assert same(Operator(circuit).data, matrix_of(placed_claims(made.turns), qubits, made.layout))
    back = made.inverse()
    assert same(Operator(circuit).data.conj().T, matrix_of(placed_claims(back.turns), qubits, back.layout))


def test_straighten_gather_and_fold(circuit: QuantumCircuit) -> None:
    qubits = circuit.num_qubits
    every = tuple(range(qubits))
    wanted = Operator(circuit).data
    straight = straighten(claims_of(circuit), qubits)
    assert same(wanted, matrix_of(placed_claims(straight), qubits, every))
    gathered = gather(straight)
    assert same(wanted, matrix_of(placed_claims(gathered), qubits, every))
    assert sorted(gathered) == sorted(straight)
    scheduled = schedule(gathered)
    assert same(wanted, matrix_of(placed_claims(scheduled), qubits, every))
    assert sorted(scheduled) == sorted(straight)
    folded = fold(straight, qubits)
    assert same(wanted, matrix_of(placed_claims(folded), qubits, every))
    assert rotations(folded) <= rotations(straight)
    assert cliffords(folded) >= cliffords(straight)


def rotations(placed: Sequence[Placed]) -> int:
    return sum(abs(math.remainder(angle, 0.25)) > 1e-9 for (_, _, angle), _ in placed)


def cliffords(placed: Sequence[Placed]) -> int:
    return len(placed) - rotations(placed)


@pytest.mark.parametrize("width", [3, 4])
def test_windows_synthesised_anew(circuit: QuantumCircuit, width: int) -> None:
    qubits = circuit.num_qubits
    turns = gather(straighten(claims_of(circuit), qubits))
    made = resynthesize(turns, qubits, width, WEIGHTINGS[:2], 20)
    assert same(Operator(circuit).data, matrix_of(placed_claims(made.turns), qubits, made.layout))
    assert cost_of(made.turns)[0] <= cost_of(turns)[0]
    assert resynthesize(turns, qubits, width, WEIGHTINGS[:2], 0).layout == tuple(range(qubits))


@pytest.mark.parametrize("native", ["zz", "ms"])
def test_blocks(circuit: QuantumCircuit, native: str) -> None:
    source = take_apart(circuit)
    via = Via(claims_of(circuit), tuple(range(source.qubits)))
    merged = merge([claim.step for claim in via.claims])
    candidate = lower_merged("blocks", via, merged, native, "z")  # type: ignore[arg-type]
    assert Verifier(source, 0).verify(candidate) is not None
    entangling = [gate for gate in candidate.gates if len(gate.qubits) == 2]
    assert len(entangling) == cost(merged)[0]
    assert math.isclose(sum(gate.angles[-1] for gate in entangling), cost(merged)[1], abs_tol=1e-8)
    assert 0 <= depth(merged) <= len(entangling)


def block_cost(build: str, angles: tuple[float, ...] = ()) -> tuple[int, float]:
    circuit = QuantumCircuit(2)
    for name in build.split():
        gate = getattr(circuit, name)
        gate(*angles, 0, 1) if name.startswith("r") else gate(0, 1)
    return cost(merge([claim.step for claim in claims_of(circuit)]))


def test_blocks_take_the_fewest_gates() -> None:
    assert block_cost("cx cz swap") == (1, 0.25)
    assert block_cost("swap") == (0, 0.0)
    assert block_cost("iswap")[0] == 1
    assert block_cost("cx cx")[0] == 0
    gates, angle = block_cost("rzz", (0.3,))
    assert gates == 1
    assert math.isclose(angle, 0.3 / (2 * math.pi), abs_tol=1e-8)
    assert block_cost("rzz rxx", (0.3,))[0] == 2
    assert block_cost("rzz rxx ryy", (0.3,))[0] == 3
    assert block_cost("rzz swap", (math.pi - 0.3,))[0] == 1
    # A swap, which is free, leaves 3/4 of a turn less what there was.
    gates, angle = block_cost("rzz rxx ryy", (1.2,))
    assert gates == 3
    assert math.isclose(angle, 0.75 - 3 * 1.2 / (2 * math.pi), abs_tol=1e-8)


def test_gather_brings_equal_pairs_together() -> None:
    circuit = QuantumCircuit(3)
    circuit.rzz(0.3, 0, 1)
    circuit.rzz(0.4, 1, 2)
    circuit.rxx(0.5, 0, 1)
    circuit.rzz(0.2, 1, 2)
    circuit.rzz(-0.3, 0, 1)
    turns = straighten(claims_of(circuit), 3)
    assert cost_of(gather(turns))[0] <= cost(merge([claim.step for claim in claims_of(circuit)]))[0]
    circuit = QuantumCircuit(3)
    circuit.cx(0, 1)
    circuit.rzz(0.4, 0, 2)
    circuit.cx(0, 1)
    assert cost_of(straighten(claims_of(circuit), 3))[0] == 1


def test_schedule_colours_commuting_rotations() -> None:
    """A ring of eight commuting rotations, in the worst order: two layers are enough."""
    circuit = QuantumCircuit(8)
    for first in range(8):
        circuit.rzz(0.1 + first / 10, first, (first + 1) % 8)
    turns = straighten(claims_of(circuit), 8)
    assert depth(merge([claim.step for claim in placed_claims(turns)])) == 8
    assert depth(merge([claim.step for claim in placed_claims(schedule(turns))])) == 2


def test_fold_keeps_the_entangling_gates() -> None:
    circuit = QuantumCircuit(3)
    for _ in range(2):
        circuit.cx(0, 1)
        circuit.t(1)
        circuit.cx(1, 2)
        circuit.t(2)
        circuit.cx(1, 2)
        circuit.cx(0, 1)
    straight = straighten(claims_of(circuit), 3)
    assert (rotations(straight), rotations(fold(straight, 3))) == (4, 0)
    assert sum(len(wires) == 2 for _, wires in fold(straight, 3)) == sum(len(wires) == 2 for _, wires in straight)


@pytest.mark.parametrize("qubits", [2, 5, 9])
@pytest.mark.parametrize("seed", range(3))
def test_cliffords_alone(qubits: int, seed: int) -> None:
    wanted = claims_of(random_clifford(qubits, seed).to_circuit())
    form = form_of(wanted, qubits)
    assert form.rotations == []
    made = synthesize(form, Weighting())
    assert made is not None
    assert Certifier().distance(wanted, placed_claims(made.turns), qubits, made.layout) is not None


def test_permutations_cost_nothing() -> None:
    circuit = QuantumCircuit(5)
    for first, second in ((0, 3), (3, 1), (4, 2)):
        circuit.swap(first, second)
    made = optimize(circuit, "ionq_forte", 1)
    assert made.metrics["optimized"]["two_qubit_gates"] == 0


def test_too_many_rotations_are_left_to_others() -> None:
    circuit = QuantumCircuit(2)
    for number in range(1600):
        circuit.rx(0.1 + number / 1e4, 0)
        circuit.rz(0.1 + number / 1e4, 0)
    assert synthesize(form_of(claims_of(circuit), 2), Weighting()) is None


@pytest.mark.parametrize("name", ["tof_3", "fermi6"])
def test_the_chains_of_a_level_are_among_those_of_the_next(name: str) -> None:
    source = take_apart(load(text(name)))
    found = [{chain.name: cost(chain.merged) for chain in chains(source, level, 0)} for level in (1, 2)]
    assert found[0].items() <= found[1].items()
    assert min(found[1].values()) <= min(found[0].values())


def test_less_than_other_compilers_need() -> None:
    """Known counts: one gate for a rotation of two qubits, three for one of three, n (n - 1) / 2 for a QFT."""
    circuit = QuantumCircuit(3)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.rz(0.4, 2)
    circuit.cx(1, 2)
    circuit.cx(0, 1)
    assert optimize(circuit, "ionq_forte", 1).metrics["optimized"]["two_qubit_gates"] == 3
    made = optimize(synth_qft_full(6), "ionq_forte", 1)
    assert made.metrics["optimized"]["two_qubit_gates"] == 15


def test_a_step_is_what_it_claims() -> None:
    for claim in claims_of(random_circuit(3, 40, 5)):
        identity = Claim(Step(claim.step.matrix, claim.step.qubits), claim.turns)
        found = Certifier().distance([claim], [identity], 3, (0, 1, 2))
        assert found is not None
        assert found < 1e-12
