"""Keeping only the distribution of the measured bits: what it saves, and that its checks catch every wrong step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from qiskit import qasm2
from qiskit.circuit import ClassicalRegister, QuantumCircuit
from qiskit.circuit.library import CZGate, RXXGate, UGate

from qcos_optimizer import optimize
from qcos_optimizer import portfolio as portfolio_module
from qcos_optimizer.candidate import Candidate
from qcos_optimizer.distribution import Absorbed, DistributionVerifier, Kept, Prepared, Reduction, replay
from qcos_optimizer.lowering import PartsCache, level_zero
from qcos_optimizer.native import Native
from qcos_optimizer.parsing import read
from qcos_optimizer.passes import reduction as reduction_module
from qcos_optimizer.passes.reduction import reduce
from qcos_optimizer.simulation import Step
from qcos_optimizer.source import Operation, Source
from qcos_optimizer.windows import cut

from .circuits import HEADER, close, distribution, load, random_circuit, text


def lowered(source: Source) -> Candidate:
    return level_zero(source, cut(source), "zz", PartsCache())


def measured(seed: int) -> QuantumCircuit:
    """A random circuit with registers, some bits of which hold permuted qubits."""
    circuit = random_circuit(2 + seed % 4, 4 + seed % 13, seed)
    if seed % 3:
        for name, size in (("high", 1), ("low", 2)):
            circuit.add_register(ClassicalRegister(size, name))
        circuit.measure(1, 0)
        circuit.measure(0, 2)
    return circuit


@pytest.mark.parametrize("seed", range(40))
def test_random_circuits_keep_their_distribution(seed: int) -> None:
    source = read(measured(seed))
    reduction = reduce(source)
    assert replay(source, reduction) < 1e-12
    made = DistributionVerifier(source, reduction, 0).verify(lowered(reduction.source))
    assert made is not None
    assert (made.verdict, made.method) == ("distribution", "statevector")


@pytest.mark.parametrize("seed", range(4))
def test_answers_keep_their_distribution(seed: int) -> None:
    circuit = measured(3 * seed + 1)
    made = optimize(circuit, "ionq_aria", 1, mode="distribution")
    assert close(distribution(circuit), distribution(qasm2.loads(made.to_qasm2())))
    assert made.verification.verdict == "distribution"
    assert made.to_dict()["mode"] == "distribution"
    assert {tried.verdict for tried in made.candidates} <= {"distribution", "unchecked"}
    honest = optimize(circuit, "ionq_aria", 1)
    assert made.original == honest.original
    assert made.optimized.two_qubit_gates <= honest.optimized.two_qubit_gates


BERNSTEIN_VAZIRANI = (
    "qreg q[7]; creg c[6]; x q[6]; h q; cx q[0],q[6]; cx q[2],q[6]; cx q[3],q[6]; cx q[5],q[6]; h q;"
    "measure q[0]->c[0]; measure q[1]->c[1]; measure q[2]->c[2]; measure q[3]->c[3]; measure q[4]->c[4];"
    "measure q[5]->c[5];"
)


@pytest.mark.parametrize(
    ("body", "left"),
    [
        (BERNSTEIN_VAZIRANI, 0),
        ("qreg q[3]; creg c[1]; h q; cz q[0],q[1]; cp(0.3) q[1],q[2]; measure q[0]->c[0];", 1),  # a phase at the end
        ("qreg q[3]; creg c[1]; h q; rx(0.4) q[1]; cx q[0],q[1]; measure q[0]->c[0];", 0),  # outside of what is read
        ("qreg q[3]; x q[0]; ccx q[0],q[1],q[2]; h q[1]; cswap q[1],q[0],q[2];", 6),  # controls that are known
        ("qreg q[2]; ry(0.3) q[0]; ry(1.1) q[1]; cx q[0],q[1]; rzz(0.4) q[0],q[1];", 2),  # an entangled state
    ],
)
def test_what_is_saved(body: str, left: int) -> None:
    made = optimize(HEADER + body, "ionq_forte", 1, mode="distribution")
    assert made.metrics["optimized"]["two_qubit_gates"] <= left
    assert close(distribution(load(HEADER + body)), distribution(qasm2.loads(made.to_qasm2())))


def test_larger_circuits_are_checked_stage_by_stage() -> None:
    made = optimize(text("wstate_n27"), "ionq_forte", 1, mode="distribution")
    assert (made.verification.verdict, made.verification.method) == ("distribution", "stages")
    assert made.certificate is None


def test_a_wrong_candidate_is_never_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolio_module, "reduce", lambda source: emptied(reduce(source)))
    made = optimize(text("bell"), "ionq_forte", 1, mode="distribution")
    assert not made.strategy.startswith("reduced")
    assert "failed" in {tried.verdict for tried in made.candidates if tried.name.startswith("reduced")}


def emptied(reduction: Reduction) -> Reduction:
    return replace(reduction, source=replace(reduction.source, operations=()))


# What reads this keeps a control that is known, one that is not, an entangled pair, and something to drop.
RICH = HEADER + (
    "qreg q[5]; creg c[3]; x q[0]; h q[1]; ry(0.4) q[2]; ccx q[0],q[1],q[3]; ry(0.3) q[4]; cry(0.9) q[2],q[4];"
    "cx q[2],q[1]; cp(0.7) q[3],q[1]; h q[1]; cx q[1],q[4]; cz q[1],q[3]; measure q[1]->c[2];"
    "measure q[3]->c[0]; measure q[2]->c[1];"
)


def first(reduction: Reduction, kind: type) -> int:
    return next(place for place, record in enumerate(reduction.records) if isinstance(record, kind))


def with_record(reduction: Reduction, place: int, record: Absorbed | Kept | Prepared) -> Reduction:
    return replace(reduction, records=(*reduction.records[:place], record, *reduction.records[place + 1 :]))


def turned(reduction: Reduction) -> Reduction:
    """A state that is known, wrong by 1e-6."""
    place = first(reduction, Absorbed)
    record = reduction.records[place]
    assert isinstance(record, Absorbed)
    off = np.array([[np.cos(1e-6), -np.sin(1e-6)], [np.sin(1e-6), np.cos(1e-6)]], dtype=np.complex128)
    return with_record(reduction, place, replace(record, after=(off @ record.after[0], *record.after[1:])))


def unprepared(reduction: Reduction) -> Reduction:
    place = next(
        place for place, record in enumerate(reduction.records) if isinstance(record, Absorbed) and record.preparations
    )
    record = reduction.records[place]
    assert isinstance(record, Absorbed)
    return with_record(reduction, place, replace(record, preparations=()))


def swapped(reduction: Reduction) -> Reduction:
    """Two entangled qubits, the wrong way round."""
    place = first(reduction, Prepared)
    record = reduction.records[place]
    assert isinstance(record, Prepared)
    pair = {qubit: other for step in record.steps if len(step.qubits) == 2 for qubit, other in [step.qubits]}
    pair |= {other: qubit for qubit, other in pair.items()}
    steps = tuple(Step(step.matrix, tuple(pair[qubit] for qubit in step.qubits)) for step in record.steps)
    return with_record(reduction, place, Prepared(steps))


def overdropped(reduction: Reduction) -> Reduction:
    """One more step dropped, one that is seen."""
    count = len(reduction.source.operations) + len(reduction.dropped)
    place = next(place for place in reversed(range(count)) if place not in reduction.dropped)
    operations = reduction.source.operations[:-1]
    return replace(
        reduction, source=replace(reduction.source, operations=operations), dropped=reduction.dropped | {place}
    )


def unmeasured(reduction: Reduction) -> Reduction:
    return replace(reduction, source=replace(reduction.source, measured=(3, None, 1)))


def exchanged(reduction: Reduction) -> Reduction:
    return replace(reduction, source=replace(reduction.source, measured=(1, 2, 3)))


def shortened(reduction: Reduction) -> Reduction:
    return replace(reduction, records=reduction.records[:-1])


WRONG = [turned, unprepared, swapped, overdropped, unmeasured, exchanged, shortened, emptied]


def test_the_steps_are_accepted() -> None:
    source = read(RICH)
    reduction = reduce(source)
    assert replay(source, reduction) < 1e-12
    assert reduction.dropped
    assert {type(record) for record in reduction.records} == {Absorbed, Kept, Prepared}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_planted_wrong_step_is_caught(wrong: Callable[[Reduction], Reduction]) -> None:
    source = read(RICH)
    assert replay(source, wrong(reduce(source))) == float("inf")


def off_angle(entangle: Callable[..., list[Operation]]) -> Callable[..., list[Operation]]:
    def wrong(*args: object) -> list[Operation]:
        rotation, *rest = entangle(*args)
        return [Operation(RXXGate(rotation.gate.params[0] + 1e-6), rotation.qubits), *rest]

    return wrong


def off_state(making: Callable[..., UGate]) -> Callable[..., UGate]:
    def wrong(state: object) -> UGate:
        right = making(state)
        return UGate(right.params[0] + 1e-6, *right.params[1:])

    return wrong


def off_gate(gate_of: Callable[..., object]) -> Callable[..., object]:
    return lambda gate, *rest: None if gate_of(gate, *rest) is None else CZGate()


def overeager(backward: Callable[..., set[int]]) -> Callable[..., set[int]]:
    return lambda made, read: backward(made, read) | {len(made) - 4}


@pytest.mark.parametrize(
    ("name", "wrong"),
    [("_entangle", off_angle), ("_making", off_state), ("_gate_of", off_gate), ("_backward", overeager)],
)
def test_a_wrong_pass_is_caught(
    name: str, wrong: Callable[[Callable[..., object]], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pass makes the mistake itself, so that its record and its circuit agree with each other."""
    monkeypatch.setattr(reduction_module, name, wrong(getattr(reduction_module, name)))
    source = read(RICH)
    assert replay(source, reduce(source)) == float("inf")


@pytest.mark.parametrize("kind", ["lost", "angle", "permutation", "flipped"])
def test_a_planted_wrong_circuit_is_caught(kind: str) -> None:
    """Whole circuits run from |0...0>; the angle is wrong by 1e-6 where it matters to first order."""
    source = read(HEADER + "qreg q[3]; creg c[2]; ry(0.4) q[0]; cx q[0],q[1]; ry(1.0) q[1]; measure q[0]->c[1];"
                  "measure q[1]->c[0];")  # fmt: skip
    reduction = reduce(source)
    right = lowered(reduction.source)
    assert DistributionVerifier(source, reduction, 0).verify(right) is not None
    place = max(number for number, gate in enumerate(right.gates) if gate.gate == "gpi2")
    gate = right.gates[place]
    wrong = {
        "lost": replace(right, gates=right.gates[:place] + right.gates[place + 1 :]),
        "angle": replace(
            right,
            gates=(
                *right.gates[:place],
                Native("gpi2", gate.qubits, (gate.angles[0] + 1e-6,)),
                *right.gates[place + 1 :],
            ),
        ),
        "permutation": replace(right, layout=(1, 0, 2)),
        "flipped": replace(right, gates=(*right.gates, Native("gpi", (0,), (0.0,)))),
    }[kind]
    assert DistributionVerifier(source, reduction, 0).verify(wrong) is None


def test_large_wrong_circuits_are_caught() -> None:
    source = read(text("wstate_n27"))
    reduction = reduce(source)
    right = lowered(reduction.source)
    assert DistributionVerifier(source, reduction, 0).verify(right) is not None
    assert DistributionVerifier(source, emptied(reduction), 0).verify(lowered(emptied(reduction).source)) is None
    wrong = replace(right, gates=right.gates[:-1])
    assert DistributionVerifier(source, reduction, 0).verify(wrong) is None
