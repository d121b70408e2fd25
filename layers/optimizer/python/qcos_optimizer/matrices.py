"""Small unitaries: as Pauli rotations, as one-qubit gates side by side, and how far apart two of them are.

Qubit 0 is the least significant bit of every index.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable, Sequence
from functools import lru_cache

import numpy as np

from .native import Matrix
from .pauli import Turn, bits

_TIDY = 1e-13
_PAULIS: tuple[Matrix, ...] = (
    np.array([[1, 0], [0, 1]], dtype=np.complex128),
    np.array([[0, 1], [1, 0]], dtype=np.complex128),
    np.array([[1, 0], [0, -1]], dtype=np.complex128),
    np.array([[0, -1j], [1j, 0]], dtype=np.complex128),
)


@lru_cache(maxsize=4096)
def pauli_matrix(x: int, z: int, qubits: int) -> Matrix:
    """The Hermitian Pauli of plus sign with these bits, read only."""
    made: Matrix = np.ones((1, 1), dtype=np.complex128)
    for qubit in range(qubits):
        made = np.kron(_PAULIS[(x >> qubit & 1) + 2 * (z >> qubit & 1)], made).astype(np.complex128)
    made.flags.writeable = False
    return made


def turns_matrix(turns: Iterable[Turn], qubits: int) -> Matrix:
    """The unitary of ``turns``."""
    made: Matrix = np.eye(2**qubits, dtype=np.complex128)
    for x, z, angle in turns:
        made = math.cos(math.pi * angle) * made - 1j * math.sin(math.pi * angle) * (pauli_matrix(x, z, qubits) @ made)
    return made


def spread(mask: int, qubits: Sequence[int]) -> int:
    """``mask`` with bit s moved to bit ``qubits[s]``."""
    made = 0
    for slot in bits(mask):
        made |= 1 << qubits[slot]
    return made


def permuted(matrix: Matrix, layout: Sequence[int]) -> Matrix:
    """``matrix`` followed by reading qubit q from qubit ``layout[q]``; any number of columns."""
    size = len(layout)
    last = size - 1
    tensor = matrix.reshape((2,) * size + (-1,))
    return tensor.transpose([last - layout[last - axis] for axis in range(size)] + [size]).reshape(matrix.shape)


def norm_apart(wanted: Matrix, made: Matrix) -> float:
    """The Frobenius norm of the difference up to a global phase: at least the operator norm."""
    overlap = complex(np.vdot(wanted, made))
    if overlap == 0 or not cmath.isfinite(overlap):
        return float("inf")
    return float(np.linalg.norm(wanted - made * cmath.exp(-1j * cmath.phase(overlap))))


def factors(matrix: Matrix) -> tuple[tuple[Matrix, ...], float]:
    """One-qubit unitaries, and how far (see :func:`norm_apart`) ``matrix`` is from them side by side.

    If the unitary ``matrix`` is such a product, these are its factors; if not, the distance says so.
    """
    size = len(matrix).bit_length() - 1
    row, column = divmod(int(np.argmax(np.abs(matrix))), len(matrix))
    made: list[Matrix] = []
    product: Matrix = np.ones((1, 1), dtype=np.complex128)
    for qubit in range(size):
        bit = 1 << qubit
        rows, columns = [row & ~bit, row | bit], [column & ~bit, column | bit]
        made.append(_nearest(matrix[np.ix_(rows, columns)]))
        product = np.kron(made[-1], product).astype(np.complex128)
    return tuple(made), norm_apart(matrix, product)


def _nearest(matrix: Matrix) -> Matrix:
    """A 2 x 2 matrix of which ``matrix`` is a multiple, if there is one, exactly unitary."""
    phase = cmath.phase(complex(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])) / 2
    turned = matrix * cmath.exp(-1j * phase)
    # Of determinant 1: [[a, -b*], [b, a*]]
    first = (turned[0, 0] + turned[1, 1].conjugate()) / 2
    second = (turned[1, 0] - turned[0, 1].conjugate()) / 2
    length = math.hypot(abs(first), abs(second))
    if not 0 < length < math.inf:
        return _PAULIS[0]
    return np.array([[first, -second.conjugate()], [second, first.conjugate()]], dtype=np.complex128) / length


def turns_of_one(matrix: Matrix) -> tuple[Turn, ...]:
    """A one-qubit unitary as RZ RX RZ; angles a hair from an eighth of a turn are put on it."""
    low, high = abs(matrix[0, 0]), abs(matrix[1, 0])
    middle = 2 * math.atan2(high, low) / (2 * math.pi)
    if high < 1e-13:
        return kept((0, 1, _angle(matrix[1, 1] * matrix[0, 0].conjugate())))
    if low < 1e-13:
        after = _angle(-matrix[1, 0] * matrix[0, 1].conjugate()) + 0.5
        return kept((1, 0, 0.5), (0, 1, after))
    # RZ(a) RX(b) RZ(c) = [[c e(-a-c), -i s e(-a+c)], [-i s e(a-c), c e(a+c)]], each e of half the angle
    total = _angle(matrix[1, 1] * matrix[0, 0].conjugate())
    # A small entry's phase is known badly: so of the angles only a + c comes from the diagonal, a - c from the rest.
    half = (total + _angle(matrix[1, 0] * matrix[0, 1].conjugate())) / 2
    after = half + round(2 * (_angle(1j * matrix[1, 0] * matrix[0, 0].conjugate()) - half)) / 2
    return kept((0, 1, total - after), (1, 0, middle), (0, 1, after))


def kept(*turns: Turn) -> tuple[Turn, ...]:
    """``turns`` tidied, without those that do nothing."""
    return tuple((x, z, angle) for x, z, angle in ((x, z, _tidy(angle)) for x, z, angle in turns) if angle)


def _tidy(turns: float) -> float:
    """``turns`` within half a turn, put on a multiple of 1/96 if it is within rounding of it."""
    turns = math.remainder(turns, 1.0)
    near = round(turns * 96) / 96
    return near if abs(turns - near) < _TIDY else turns


def _angle(number: complex) -> float:
    return cmath.phase(number) / (2 * math.pi)
