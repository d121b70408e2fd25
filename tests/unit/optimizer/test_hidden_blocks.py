"""Blocks of arithmetic written in CX and T between one-qubit gates of any kind come out with the fewest ZZ rotations
known, without anybody looking for them by name."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from qiskit import transpile
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import RCCXGate, UnitaryGate
from qiskit.quantum_info import random_unitary

from qcos_optimizer import optimize

Block = Callable[[QuantumCircuit], object]


def relative_phase_toffoli(circuit: QuantumCircuit) -> None:
    circuit.append(RCCXGate(), [0, 1, 2])


def relative_phase_swap(circuit: QuantumCircuit) -> None:
    circuit.cx(2, 1)
    circuit.append(RCCXGate(), [0, 1, 2])
    circuit.cx(2, 1)


def doubly_controlled_ix(circuit: QuantumCircuit) -> None:
    circuit.ccx(0, 1, 2)
    circuit.cs(0, 1)


def peres(circuit: QuantumCircuit) -> None:
    circuit.ccx(0, 1, 2)
    circuit.cx(0, 1)


def majority(circuit: QuantumCircuit) -> None:
    circuit.cx(2, 1)
    circuit.cx(2, 0)
    circuit.ccx(0, 1, 2)


def unmajority(circuit: QuantumCircuit) -> None:
    circuit.ccx(0, 1, 2)
    circuit.cx(2, 0)
    circuit.cx(0, 1)


@pytest.mark.parametrize(
    ("block", "level", "fewest"),
    [
        (lambda circuit: circuit.ccx(0, 1, 2), 1, 5),
        (doubly_controlled_ix, 1, 4),
        (relative_phase_toffoli, 1, 3),
        (lambda circuit: circuit.cswap(0, 1, 2), 1, 6),
        (relative_phase_swap, 2, 4),
        (peres, 2, 4),
        (majority, 1, 6),
        (unmajority, 1, 6),
    ],
    ids=["ccx", "ccix", "rccx", "cswap", "rcswap", "peres", "maj", "uma"],
)
def test_as_few_as_are_known(block: Block, level: int, fewest: int) -> None:
    around = [UnitaryGate(random_unitary(2, seed=seed)) for seed in range(6)]
    circuit, inside = QuantumCircuit(3), QuantumCircuit(3)
    block(inside)
    for qubit in range(3):
        circuit.append(around[qubit], [qubit])
    circuit.compose(
        transpile(inside, basis_gates=["cx", "h", "t", "tdg", "s", "sdg", "u"], optimization_level=0), inplace=True
    )
    for qubit in range(3):
        circuit.append(around[3 + qubit], [qubit])
    made = optimize(circuit, "ionq_forte", level)
    assert made.optimized.two_qubit_gates == fewest
    assert made.verification.verdict == "proved"
    assert made.original.two_qubit_gates > fewest or fewest == 3
