"""Windows drawn at random and made anew: the circuit stays what it is, and drifts to a shorter one."""

from __future__ import annotations

import pytest
from qiskit.circuit import QuantumCircuit

from qcos_optimizer.certify import Certifier, Claim
from qcos_optimizer.chains import MOST_TRIES, chains
from qcos_optimizer.passes.blocks import cost, depth, merge
from qcos_optimizer.passes.gadgets import Synthesized
from qcos_optimizer.passes.gather import straighten
from qcos_optimizer.passes.walk import Goal, Walk
from qcos_optimizer.source import expand, take_apart
from qcos_optimizer.turns import TurnsCache, placed_claims

from .circuits import load, random_circuit, text


def start_of(circuit: QuantumCircuit) -> Synthesized:
    qubits = circuit.num_qubits
    return Synthesized(tuple(straighten(claims_of(circuit), qubits)), tuple(range(qubits)))


def claims_of(circuit: QuantumCircuit) -> list[Claim]:
    cache = TurnsCache()
    return [cache.claim(operation) for operation in expand(take_apart(circuit).operations, 2)]


def counts(made: Synthesized) -> tuple[int, int]:
    merged = merge([claim.step for claim in placed_claims(made.turns)])
    return cost(merged)[0], depth(merged)


def walk(start: Synthesized, seed: int, tries: int, goal: Goal = "gates") -> Synthesized:
    made = Walk(start, seed, goal)
    made.go(tries)
    return made.best


def apart(wanted: QuantumCircuit, made: Synthesized) -> float | None:
    return Certifier().distance(claims_of(wanted), placed_claims(made.turns), wanted.num_qubits, made.layout)


@pytest.mark.parametrize("goal", ["gates", "depth"])
@pytest.mark.parametrize("seed", range(6))
def test_the_circuit_stays(seed: int, goal: Goal) -> None:
    circuit = random_circuit(2 + seed % 4, 25, seed)
    made = walk(start_of(circuit), seed, 60, goal)
    found = apart(circuit, made)
    assert found is not None
    assert found < 1e-9
    if goal == "gates":
        assert counts(made)[0] <= counts(start_of(circuit))[0]


def test_and_then_its_inverse_is_nothing() -> None:
    circuit = random_circuit(4, 30, 7)
    made = walk(start_of(circuit), 1, 80)
    nothing = QuantumCircuit(4)
    back = made.inverse()
    turns = [*start_of(circuit).turns, *back.turns]
    assert sorted(made.layout) == list(range(4))
    found = Certifier().distance(claims_of(nothing), placed_claims(turns), 4, back.layout)
    assert found is not None
    assert found < 1e-9


def test_it_goes_on_where_the_other_chains_end() -> None:
    source = take_apart(load(text("barenco_tof_5")))
    best = min(
        (chain for chain in chains(source, 1, 0) if not chain.name.endswith("-walked")),
        key=lambda chain: cost(chain.merged),
    )
    start = Synthesized(tuple(straighten(best.via.claims, source.qubits)), best.via.layout)
    assert counts(walk(start, 0, 2 * MOST_TRIES[2]))[0] < counts(start)[0]


def test_depth_is_worth_gates_if_it_is_the_goal() -> None:
    circuit = load(text("barenco_tof_5"))
    start = start_of(circuit)
    assert counts(walk(start, 0, 200, "depth"))[1] < counts(start)[1]


def test_the_seed_decides() -> None:
    start = start_of(random_circuit(4, 30, 3))
    assert walk(start, 5, 60) == walk(start, 5, 60)
    assert len({walk(start, seed, 60).turns for seed in range(4)}) > 1


def test_rotations_that_commute_are_brought_together_past_others() -> None:
    """CX with the same target commute: four of them on two pairs are the identity, whatever the order."""
    circuit = QuantumCircuit(4)
    for control in (0, 1, 2, 0, 1, 2):
        circuit.cx(control, 3)
        circuit.rx(0.3, 3)
    assert counts(walk(start_of(circuit), 0, 20))[0] == 0
