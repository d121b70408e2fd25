"""Two-qubit gates into Pauli rotations: right, and as few as can be."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit.circuit import Gate
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Operator, random_unitary
from scipy.linalg import expm

from qcos_optimizer.native import Matrix
from qcos_optimizer.rotations import Local, parts_of
from qcos_optimizer.simulation import Step, unitary

from .test_pulses import PAULI, apart

ROTATIONS = {"swap": 3, "iswap": 2, "dcx": 2, "xx_minus_yy": 2, "xx_plus_yy": 2}
GATES = [
    gate
    for gate in get_standard_gate_name_mapping().values()
    if gate.num_qubits in (1, 2) and gate.name not in ("delay", "reset", "measure")
]


def product(name: str, params: tuple[float, ...], matrix: Matrix) -> tuple[Matrix, int]:
    parts = parts_of(name, params, matrix)
    steps = []
    for part in parts:
        if isinstance(part, Local):
            steps.append(Step(part.matrix, (part.slot,)))
        else:
            pauli = PAULI[part.axis]
            steps.append(Step(expm(-1j * math.pi * part.turns * np.kron(pauli, pauli)), (0, 1)))
    return unitary(steps, int(math.log2(len(matrix)))), sum(not isinstance(part, Local) for part in parts)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.name)
@pytest.mark.parametrize("angle", [0.3, -2.9, math.pi, math.pi / 2, 5.5, 1e-7])
def test_standard_gates(gate: Gate, angle: float) -> None:
    params = tuple(angle * (1 + 0.1 * place) for place in range(len(gate.params)))
    made = type(gate)(*params)
    matrix = Operator(made).data
    found, rotations = product(made.name, params, matrix)
    assert apart(matrix, found) < 1e-12
    if made.num_qubits == 2:
        assert rotations <= ROTATIONS.get(made.name, 1)


@pytest.mark.parametrize("seed", range(30))
def test_any_unitary_needs_at_most_three(seed: int) -> None:
    matrix = random_unitary(4, seed=seed).data
    found, rotations = product("unitary", (), matrix)
    assert apart(matrix, found) < 1e-11
    assert rotations <= 3


@pytest.mark.parametrize("seed", range(10))
def test_local_unitaries_need_none_and_one_rotation_stays_one(seed: int) -> None:
    sides = [np.kron(random_unitary(2, seed=seed + k).data, random_unitary(2, seed=seed + k + 50).data) for k in (0, 9)]
    found, rotations = product("unitary", (), sides[0])
    assert apart(sides[0], found) < 1e-10
    assert rotations == 0
    turned = sides[0] @ expm(-1j * 0.4 * np.kron(PAULI["z"], PAULI["z"])) @ sides[1]
    found, rotations = product("unitary", (), turned)
    assert apart(turned, found) < 1e-10
    assert rotations == 1
