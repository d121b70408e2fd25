"""Circuits with measurements, resets and conditions on the way keep their distribution, to the last bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qiskit import qasm2
from qiskit.circuit import ClassicalRegister, QuantumCircuit, QuantumRegister

from qcos_optimizer import CircuitError, optimize
from qcos_optimizer import segments as segments_module
from qcos_optimizer.parsing import parse
from qcos_optimizer.segments import optimize_stretches

from .branches import distribution
from .circuits import HEADER, random_circuit

DYNAMIC = Path(__file__).parents[2] / "data" / "dynamic"
#: 18 qubits take the test's own simulation too long.
NAMES = sorted(path.stem for path in DYNAMIC.glob("*.qasm") if path.stem not in ("qb_square_root_n18", "qb_cc_n12"))


def alike(one: dict[tuple[int, ...], float], other: dict[tuple[int, ...], float]) -> bool:
    return all(abs(one.get(key, 0) - other.get(key, 0)) < 1e-9 for key in one | other)


def random_dynamic(seed: int) -> QuantumCircuit:
    """Nothing symmetric: registers of different sizes, permuted bits, every kind of instruction."""
    random = np.random.default_rng(seed)
    high, low = ClassicalRegister(1, "high"), ClassicalRegister(2, "low")
    circuit = QuantumCircuit(QuantumRegister(4, "r"), high, low)
    for step in range(7):
        circuit.compose(random_circuit(4, 4, seed=100 * seed + step), inplace=True)
        qubit = int(random.integers(4))
        kind = int(random.integers(5))
        if kind == 0:
            circuit.measure(qubit, int(random.integers(3)))
        elif kind == 1:
            circuit.reset(qubit)
        elif kind == 2:
            with circuit.if_test((low, int(random.integers(4)))):
                circuit.ry(0.3 + step, qubit)
                circuit.cx(qubit, (qubit + 1) % 4)
        elif kind == 3:
            with circuit.if_test((high, 1)):
                circuit.measure(qubit, 2)
        else:
            with circuit.if_test((high, 1)):
                circuit.reset(qubit)
    circuit.measure([2, 0, 3], [0, 2, 1])
    return circuit


@pytest.mark.parametrize("name", NAMES)
def test_circuits_in_the_wild(name: str) -> None:
    text = (DYNAMIC / f"{name}.qasm").read_text()
    made = optimize_stretches(text, "ionq_forte", 1)
    wanted = distribution(parse(text))
    assert alike(wanted, distribution(made.circuit))
    assert alike(wanted, distribution(qasm2.loads(made.to_qasm2())))
    assert made.verdict == "proved"
    assert made.optimized.two_qubit_gates <= made.original.two_qubit_gates
    with pytest.raises(CircuitError) as caught:
        optimize(text, "ionq_forte")
    assert caught.value.rule in ("mid_circuit", "clbit_reused")


@pytest.mark.parametrize("machine", ["ionq_aria", "ionq_forte"])
@pytest.mark.parametrize("seed", range(3))
def test_random_circuits(seed: int, machine: str) -> None:
    circuit = random_dynamic(seed)
    made = optimize_stretches(circuit, machine, 1)
    assert alike(distribution(circuit), distribution(made.circuit))
    assert alike(distribution(circuit), distribution(qasm2.loads(made.to_qasm2())))


def test_the_check_sees_a_lost_rotation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the Z rotations carried along, something must differ."""
    monkeypatch.setattr(segments_module, "_turn", lambda *_: None)
    assert not all(
        alike(
            distribution(random_dynamic(seed)),
            distribution(optimize_stretches(random_dynamic(seed), "ionq_aria", 1).circuit),
        )
        for seed in range(5)
    )


def test_openqasm_3_says_the_same() -> None:
    text = (DYNAMIC / "qb_qec_sm_n5.qasm").read_text()
    lines = optimize_stretches(text, "ionq_forte", 1).to_qasm3().splitlines()
    assert any(line.startswith("if (syn == 3) { ") and line.endswith(" }") for line in lines)
    assert sum(" = measure q[" in line for line in lines) == 5


def test_one_bit_can_decide_in_openqasm_3_only() -> None:
    circuit = QuantumCircuit(1, 2)
    circuit.h(0)
    circuit.measure(0, 1)
    with circuit.if_test((circuit.clbits[1], 1)):
        circuit.x(0)
    circuit.measure(0, 0)
    made = optimize_stretches(circuit, "ionq_aria", 1)
    assert alike(distribution(made.circuit), {(0, 0): 0.5, (0, 1): 0.5})
    assert "if (c[1] == 1)" in made.to_qasm3()
    with pytest.raises(CircuitError, match="one bit"):
        made.to_qasm2()


def test_what_is_refused() -> None:
    with_else, loop, nested = (QuantumCircuit(1, 1) for _ in range(3))
    with with_else.if_test((with_else.clbits[0], 1)) as otherwise:
        with_else.x(0)
    with otherwise:
        with_else.h(0)
    with loop.for_loop(range(2)):
        loop.h(0)
    with nested.if_test((nested.clbits[0], 1)):
        nested.x(0)
        nested.measure(0, 0)
    for circuit in (with_else, loop, nested):
        with pytest.raises(CircuitError) as caught:
            optimize_stretches(circuit, "ionq_forte")
        assert caught.value.rule == "mid_circuit"
    for text, rule in (("", "no_qubits"), ("qreg q[37]; reset q[0];", "too_many_qubits")):
        with pytest.raises(CircuitError) as caught:
            optimize_stretches(HEADER + text, "ionq_forte")
        assert caught.value.rule == rule
