"""What a caller may choose: budget, targets with a calibration, and inputs that are nearly circuits."""

from __future__ import annotations

import math

import pytest
from qiskit.circuit import (
    AnnotatedOperation,
    ClassicalRegister,
    ControlModifier,
    InverseModifier,
    Parameter,
    QuantumCircuit,
    QuantumRegister,
)
from qiskit.circuit.library import HGate, TGate

from qcos_optimizer import CircuitError, UnknownTarget, optimize, target
from qcos_optimizer.native import Native
from qcos_optimizer.targets import Target

from .circuits import HEADER, close, distribution, text


@pytest.mark.parametrize("mode", ["unitary", "distribution"])
def test_the_budget_bounds_the_candidates(mode: str) -> None:
    names = []
    for budget in (1, 2, 5):
        made = optimize(text("fredkin_n3"), "ionq_forte", 1, budget=budget, mode=mode)  # type: ignore[arg-type]
        assert len(made.candidates) == budget
        names.append({tried.name for tried in made.candidates})
    assert names[0] == {"level0"}
    assert names[0] < names[1] < names[2]
    free = optimize(text("fredkin_n3"), "ionq_forte", 1, mode=mode)  # type: ignore[arg-type]
    assert len(free.candidates) > 5
    assert free.to_dict()["qasm2"] == optimize(
        text("fredkin_n3"), "ionq_forte", 1, budget=len(free.candidates), mode=mode  # type: ignore[arg-type]
    ).to_qasm2()  # fmt: skip


@pytest.mark.parametrize(
    "choice",
    [
        *({"level": level} for level in (True, 2.0, "2", -1, 4, None)),
        *({"budget": budget} for budget in (0, -3, 1.5, True, "9")),
        *({"seed": seed} for seed in (1.0, -1, 2**32, True)),
        *({"mode": mode} for mode in ("fast", None, "Unitary")),
        *({"objective": objective} for objective in ("beauty", None)),
    ],
)
def test_there_is_no_such_choice(choice: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        optimize(text("bell"), "ionq_forte", **choice)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [None, "", "IONQ_FORTE", "ionq", 3, ["ionq_forte"]])
def test_there_is_no_such_target(name: object) -> None:
    with pytest.raises(UnknownTarget, match="ionq_forte"):
        optimize(text("bell"), name)  # type: ignore[arg-type]


NATIVE = (Native("gpi2", (0,), (0.1,)), Native("zz", (0, 1), (0.25,)), Native("zz", (0, 1), (0.05,)))


def test_an_error_follows_the_angle_as_far_as_it_is_said_to() -> None:
    flat = Target("machine", "zz", 3, one_qubit_error=0.01, two_qubit_error=0.1)
    assert flat.model_score(NATIVE, 2) == pytest.approx(0.99 * 0.9 * 0.9)
    steep = Target("machine", "zz", 3, one_qubit_error=0.01, two_qubit_error=0.1, angle_floor=0.25)
    assert steep.model_score(NATIVE, 2) == pytest.approx(0.99 * 0.9 * (1 - 0.1 * (0.25 + 0.75 * 0.2)))
    assert target("ionq_forte").angle_floor == 1.0


def test_a_characterization_goes_before_the_defaults_where_it_says_something() -> None:
    machine = target("ionq_forte")
    assert machine.rates() == {
        "one_qubit_error": 2e-4,
        "two_qubit_error": 5e-3,
        "readout_error": None,
        "angle_floor": 1.0,
        "rates": "defaults",
        "assumed": ["one_qubit_error", "two_qubit_error"],
        "missing": ["readout_error"],
    }
    spam = machine.calibrated({"fidelity": {"spam": {"median": 0.9967, "stderr": None}}})
    assert spam.rates()["readout_error"] == 0.0033
    assert (spam.rates()["rates"], spam.rates()["missing"]) == ("defaults", [])
    assert spam.rates()["assumed"] == ["one_qubit_error", "two_qubit_error"]
    assert spam.model_score((), 3) == pytest.approx(0.9967**3)
    whole = machine.calibrated(
        {"fidelity": {"spam": {"median": 0.99}, "1q": {"median": 0.999}, "2q": {"median": 0.98}}}
    )
    assert (whole.rates()["rates"], whole.rates()["assumed"]) == ("calibration", [])
    assert whole.model_score(NATIVE, 1) == pytest.approx(0.99 * 0.999 * 0.98**2)
    for nothing in ({}, {"fidelity": None}, {"fidelity": {"2q": None}}):
        assert machine.calibrated(nothing).rates() == machine.rates()
    for wrong in (2, -0.1, "0.99", True, math.nan):
        with pytest.raises(ValueError, match="fidelity"):
            machine.calibrated({"fidelity": {"2q": {"median": wrong}}})
    with pytest.raises(ValueError, match="0 to 1"):
        Target("machine", "zz", 3, angle_floor=1.5)


def test_the_answer_says_which_rates_it_used() -> None:
    machine = target("ionq_forte").calibrated({"fidelity": {"spam": {"median": 0.99}, "2q": {"median": 0.98}}})
    made = optimize(text("bell"), machine, 1, "model_score")
    score = made.model_score
    assert (score["rates"], score["assumed"], score["missing"]) == ("mixed", ["one_qubit_error"], [])
    assert (
        score["optimized"] == machine.model_score(made.gates, 2) == max(tried.model_score for tried in made.candidates)
    )
    assert score["original"] <= score["optimized"]


def shared_bits() -> QuantumCircuit:
    circuit = QuantumCircuit(QuantumRegister(2, "q"), ClassicalRegister(2, "c"))
    circuit.add_register(ClassicalRegister(name="again", bits=list(circuit.cregs[0])))
    circuit.measure([0, 1], [0, 1])
    return circuit


def unbound() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.rx(Parameter("theta"), 0)
    return circuit


def made_of(name: str, *arguments: object) -> QuantumCircuit:
    circuit = QuantumCircuit(1, 1)
    getattr(circuit, name)(*arguments)
    return circuit


@pytest.mark.parametrize(
    ("circuit", "rule", "says"),
    [
        (None, "circuit_type", "NoneType"),
        ([QuantumCircuit(1)], "circuit_type", "one by one"),
        (b"OPENQASM 2.0;", "circuit_type", "bytes"),
        ("", "syntax", "begins with"),
        ("circuit.qasm", "syntax", "read first"),
        ("OPENQASM 4.0; qubit q;", "syntax", "begins with"),
        (HEADER + "qreg q[1];\nh q[1];", "syntax", "line 4"),
        ("OPENQASM 3.0;\nqubit q;\nreset q;", "mid_circuit", "line 3, column 1"),
        (QuantumCircuit(0), "no_qubits", "no qubits"),
        (QuantumCircuit(37), "too_many_qubits", "37 qubits, ionq_forte has 36"),
        (unbound(), "free_parameter", "assign_parameters"),
        (shared_bits(), "registers", "exactly one register"),
        (made_of("initialize", [0, 1], 0), "mid_circuit", "initialize"),
        (made_of("reset", 0), "mid_circuit", "optimize_stretches"),
        (made_of("delay", 10, 0), "unsupported_gate", "delays"),
        (made_of("rx", math.nan, 0), "angle", "finite"),
        (made_of("rx", 1e9, 0), "angle", "1e+06"),
    ],
)
def test_what_is_no_circuit_is_refused_with_words_that_help(circuit: object, rule: str, says: str) -> None:
    with pytest.raises(CircuitError) as caught:
        optimize(circuit, "ionq_forte", 1)  # type: ignore[arg-type]
    assert caught.value.rule == rule
    assert says in caught.value.message


def test_circuits_that_look_odd_are_circuits() -> None:
    bound = unbound().assign_parameters([0.3])
    phased = QuantumCircuit(1, global_phase=1.2)
    phased.h(0)
    phased.barrier()
    crossed = QuantumCircuit(QuantumRegister(2, "c"), ClassicalRegister(2, "q"))
    crossed.h(0)
    crossed.cx(0, 1)
    crossed.x(1)
    crossed.measure(0, 1)
    annotated = QuantumCircuit(2)
    annotated.h([0, 1])
    annotated.append(AnnotatedOperation(TGate(), [InverseModifier(), ControlModifier(1)]), [1, 0])
    annotated.append(HGate().control(1, annotated=True), [0, 1])
    for circuit in (QuantumCircuit(2), bound, phased, crossed, annotated):
        made = optimize(circuit, "ionq_forte", 1)
        assert made.verification.verdict == "proved"
        plain = circuit.decompose("annotated") if circuit is annotated else circuit
        assert close(distribution(plain), distribution(made.circuit))
    assert optimize(crossed, "ionq_forte").registers == [("q", 2)]
