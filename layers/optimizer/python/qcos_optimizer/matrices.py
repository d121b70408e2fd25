"""Small unitaries: as Pauli rotations, as one-qubit gates side by side, and how far apart two of them are.

Qubit 0 is the least significant bit of every index.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from .native import IDENTITY, Matrix
from .pauli import Turn, bits
from .simulation import FUSED_QUBITS, Step, fuse, run

_TIDY = 1e-13


@lru_cache(maxsize=1024)
def _pauli_rows(x: int, z: int, qubits: int) -> tuple[NDArray[np.intp], Matrix]:
    """Of each row of the Pauli, the one column that is not zero, and what stands there, as a column vector."""
    columns = np.arange(2**qubits) ^ x
    signs = 1 - 2.0 * (np.bitwise_count(columns & z) & 1)
    return columns, (1j ** (x & z).bit_count() * signs).reshape(-1, 1)


def turns_matrix(turns: Iterable[Turn], qubits: int) -> Matrix:
    """The unitary of ``turns``."""
    made: Matrix = np.eye(2**qubits, dtype=np.complex128)
    wide = qubits > FUSED_QUBITS
    for fusible, some in groupby(turns, lambda turn: wide and (turn[0] | turn[1]).bit_count() in (1, 2)):
        if fusible:
            # A large matrix is to be touched seldom.
            made = run(fuse([_alone(turn) for turn in some]), made.reshape((2,) * qubits + (-1,))).reshape(made.shape)
        else:
            for turn in some:
                made = _turned(made, turn, qubits)
    return made


def _turned(matrix: Matrix, turn: Turn, qubits: int) -> Matrix:
    x, z, angle = turn
    columns, entries = _pauli_rows(x, z, qubits)
    made: Matrix = math.cos(math.pi * angle) * matrix - 1j * math.sin(math.pi * angle) * (entries * matrix[columns])
    return made


def _alone(turn: Turn) -> Step:
    """A rotation on none but the qubits it acts on."""
    x, z, angle = turn
    places = tuple(bits(x | z))
    local_x, local_z = (sum((mask >> place & 1) << slot for slot, place in enumerate(places)) for mask in (x, z))
    size = len(places)
    return Step(_turned(np.eye(2**size, dtype=np.complex128), (local_x, local_z, angle), size), places)


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

    If the unitary ``matrix`` is such a product, these are its factors; if not, the distance says so. What keeps it from
    being one, if that is small, moves the factors in second order only: a hair's breadth that a circuit spreads over
    its qubits is not found again in each of them, to be spread again.
    """
    size = len(matrix).bit_length() - 1
    row, column = divmod(int(np.argmax(np.abs(matrix))), len(matrix))
    made: list[Matrix] = []
    for qubit in range(size):
        bit = 1 << qubit
        rows, columns = [row & ~bit, row | bit], [column & ~bit, column | bit]
        made.append(_nearest(matrix[np.ix_(rows, columns)]))
    rest = _side_by_side(made).conj().T @ matrix
    made = [factor @ _nearest(_traced(rest, qubit)) for qubit, factor in enumerate(made)]
    return tuple(made), norm_apart(matrix, _side_by_side(made))


def _side_by_side(factors: Sequence[Matrix]) -> Matrix:
    product: Matrix = np.ones((1, 1), dtype=np.complex128)
    for factor in factors:
        product = np.kron(factor, product).astype(np.complex128)
    return product


def _traced(matrix: Matrix, qubit: int) -> Matrix:
    """What is left on one qubit when all others are traced out."""
    below = 1 << qubit
    above = len(matrix) // (2 * below)
    split = matrix.reshape(above, 2, below, above, 2, below)
    traced: Matrix = np.einsum("aibajb->ij", split)
    return traced


def _nearest(matrix: Matrix) -> Matrix:
    """A 2 x 2 matrix of which ``matrix`` is a multiple, if there is one, exactly unitary."""
    phase = cmath.phase(complex(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])) / 2
    turned = matrix * cmath.exp(-1j * phase)
    # Of determinant 1: [[a, -b*], [b, a*]]
    first = (turned[0, 0] + turned[1, 1].conjugate()) / 2
    second = (turned[1, 0] - turned[0, 1].conjugate()) / 2
    length = math.hypot(abs(first), abs(second))
    if not 0 < length < math.inf:
        return IDENTITY
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
