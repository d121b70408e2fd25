"""Toffoli gates found again in CX and one-qubit gates, whatever stands around them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import CCXGate, CCZGate
from qiskit.quantum_info import Operator, random_unitary

from qcos_optimizer.native import Matrix
from qcos_optimizer.passes.recogniser import diagonal, recognise
from qcos_optimizer.passes.toffoli import cost, rewrite

from .axials import apart, read, wanted


def hidden(seed: int) -> tuple[QuantumCircuit, QuantumCircuit]:
    """A circuit with CCX gates, and the same with each written in six CX."""
    random = np.random.default_rng(seed)
    size = int(random.integers(3, 6))
    circuit = QuantumCircuit(size)
    for _ in range(int(random.integers(2, 6))):
        places = [int(place) for place in random.permutation(size)]
        circuit.ccx(*places[:3])
        for gate, qubits in (("h", places[:1]), ("t", places[2:3]), ("cx", places[:2])):
            if random.random() < 0.5:
                getattr(circuit, gate)(*qubits)
    return circuit, circuit.decompose(["ccx"])


@pytest.mark.parametrize("seed", range(25))
def test_the_unitary_stays(seed: int) -> None:
    _, circuit = hidden(seed)
    start = read(circuit)
    made = recognise(start)
    assert apart(made.unitary(), wanted(circuit, made)) < 1e-9
    assert apart(rewrite(made).unitary(), wanted(circuit, made)) < 1e-9
    assert cost(rewrite(made)) <= cost(start)


def test_most_are_found() -> None:
    plain = found = 0
    for seed in range(25):
        native, circuit = hidden(seed)
        plain += native.count_ops()["ccx"]
        found += Counter(item.kind for item in recognise(read(circuit)).items)["ccp"]
    assert found >= 0.8 * plain


@pytest.mark.parametrize("basis", [["cx", "u"], ["cz", "h", "rz", "sx"]])
def test_a_ladder_in_cx_is_as_good_as_in_ccx(basis: list[str]) -> None:
    from qiskit import transpile

    ladder = QuantumCircuit(5)
    for places in ((0, 1, 3), (2, 3, 4), (0, 1, 3)):
        ladder.ccx(*places)
    written = transpile(ladder, basis_gates=basis, optimization_level=0)
    assert cost(rewrite(recognise(read(written)))) == cost(rewrite(read(ladder))) == 11


def test_phases_are_read_off() -> None:
    dressed = QuantumCircuit(3)
    for qubit in range(3):
        dressed.unitary(random_unitary(2, seed=qubit), [qubit])
    dressed.ccx(2, 0, 1)
    dressed.cp(0.4, 0, 2)
    for qubit in range(3):
        dressed.unitary(random_unitary(2, seed=9 + qubit), [qubit])
    found = diagonal(Operator(dressed).data)
    assert found is not None
    assert abs(found.phases[7]) == pytest.approx(np.pi)
    assert abs(found.phases[5]) == pytest.approx(0.4)
    assert found.phases[3] == pytest.approx(0)
    assert found.phases[6] == pytest.approx(0)


@pytest.mark.parametrize("gate", [CCXGate(), CCZGate()])
def test_what_is_almost_a_toffoli_is_not(gate: CCXGate) -> None:
    circuit = QuantumCircuit(3)
    circuit.append(gate, [0, 1, 2])
    assert diagonal(Operator(circuit).data) is not None
    circuit.rxx(1e-6, 0, 1)
    assert diagonal(Operator(circuit).data) is None


def test_others_are_left_alone() -> None:
    matrix: Matrix = random_unitary(8, seed=1).data
    assert diagonal(matrix) is None
    assert diagonal(np.eye(8, dtype=np.complex128)) is None
    swapped = QuantumCircuit(3)
    swapped.cswap(0, 1, 2)
    assert diagonal(Operator(swapped).data) is None
