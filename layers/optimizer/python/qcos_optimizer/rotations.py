"""Gates of one and two qubits as one-qubit unitaries and Pauli rotations exp(-i pi t P x P), as few as possible."""

from __future__ import annotations

import cmath
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit.synthesis import TwoQubitWeylDecomposition

from .native import IDENTITY, Matrix, rz
from .pulses import Axis, Emitter

NEGLIGIBLE = 1e-12


@dataclass(frozen=True, slots=True)
class Local:
    """A one-qubit unitary on the gate's qubit number ``slot``."""

    slot: int
    matrix: Matrix


@dataclass(frozen=True, slots=True)
class Rotation:
    """exp(-i pi turns P x P) on the gate's two qubits."""

    axis: Axis
    turns: float


Part = Local | Rotation


def emit(emitter: Emitter, parts: tuple[Part, ...], qubits: tuple[int, ...]) -> None:
    """Ask ``emitter`` for ``parts`` on ``qubits``."""
    for part in parts:
        if isinstance(part, Local):
            emitter.one(qubits[part.slot], part.matrix)
        else:
            emitter.two(part.axis, qubits[0], qubits[1], part.turns)


def parts_of(name: str, params: tuple[float, ...], matrix: Matrix) -> tuple[Part, ...]:
    """The parts of a standard gate; ``matrix`` is its unitary, its first qubit the least significant bit.

    Controlled gates and rotations become one Pauli rotation, any other gate as many as it has non-zero Weyl
    coordinates (at most three), which is the least possible.
    """
    if matrix.shape == (2, 2):
        return (Local(0, matrix),)
    if name == "rxx":
        return (Rotation("x", params[0] / (2 * math.pi)),)
    if name == "ryy":
        return (Rotation("y", params[0] / (2 * math.pi)),)
    for control in (0, 1):
        found = _multiplexed(matrix, control)
        if found is not None:
            return found
    return _weyl(matrix)


def _multiplexed(matrix: Matrix, control: int) -> tuple[Part, ...] | None:
    """The parts of a gate that applies one unitary to the other qubit if ``control`` is 0, another if it is 1."""
    tensor = matrix.reshape(2, 2, 2, 2)  # out1, out0, in1, in0
    if control == 1:
        tensor = tensor.transpose(1, 0, 3, 2)
    # now: out target, out control, in target, in control
    if max(abs(tensor[:, 0, :, 1]).max(), abs(tensor[:, 1, :, 0]).max()) > 1e-14:
        return None
    off, on = tensor[:, 0, :, 0], tensor[:, 1, :, 1]
    target = 1 - control
    # on = e^(i d) R off, with R = exp(-i w/2 n.s)
    relative = on @ off.conj().T
    shift = cmath.phase(relative[0, 0] * relative[1, 1] - relative[0, 1] * relative[1, 0]) / 2
    rotation = relative * cmath.exp(-1j * shift)
    vector = np.array(
        [
            -(rotation[0, 1] + rotation[1, 0]).imag / 2,
            (rotation[1, 0] - rotation[0, 1]).real / 2,
            (rotation[1, 1] - rotation[0, 0]).imag / 2,
        ]
    )
    length = float(np.linalg.norm(vector))
    half = math.atan2(length, (rotation[0, 0] + rotation[1, 1]).real / 2)
    local: list[Part] = [Local(target, off), Local(control, rz(shift / (2 * math.pi)))]
    if length < NEGLIGIBLE:
        # R is 1 or -1, and -1 is a Z on the control.
        return (*local, Local(control, rz(0.5 if half > 1 else 0.0)))
    basis, sign = _to_z(vector / length)
    # controlled R = exp(-i w/4 n.s) exp(+i w/4 Z x n.s), and n.s = sign * basis^-1 Z basis
    turns = half * sign / (2 * math.pi)
    middle: list[Part] = [Local(target, basis), Local(target, rz(turns)), Rotation("z", -turns)]
    return (*local, *middle, Local(target, basis.conj().T))


def _to_z(axis: NDArray[np.float64]) -> tuple[Matrix, int]:
    """A unitary B and a sign with B (axis . sigma) B^-1 = sign * Z."""
    sign = 1 if axis[2] >= 0 else -1
    x, y, z = (sign * float(value) for value in axis)
    slope = math.atan2(math.hypot(x, y), z)
    if slope == 0:
        return IDENTITY, sign
    tilt = np.array(
        [[math.cos(slope / 2), math.sin(slope / 2)], [-math.sin(slope / 2), math.cos(slope / 2)]], dtype=np.complex128
    )
    return tilt @ rz(-math.atan2(y, x) / (2 * math.pi)), sign


def _weyl(matrix: Matrix) -> tuple[Part, ...]:
    """Any two-qubit unitary by its Cartan (KAK) decomposition."""
    # A product of thousands of gates is not unitary to the last digits, which Qiskit's diagonalisation insists on.
    left, _, right = np.linalg.svd(matrix)
    found = TwoQubitWeylDecomposition(left @ right, fidelity=None)
    coordinates: tuple[tuple[Axis, float], ...] = (("x", found.a), ("y", found.b), ("z", found.c))
    middle = [Rotation(axis, -angle / math.pi) for axis, angle in coordinates if abs(angle) > 1e-11]
    return (Local(1, found.K2l), Local(0, found.K2r), *middle, Local(1, found.K1l), Local(0, found.K1r))
