"""A proof that two circuits are the same unitary, by pulling Pauli rotations through Cliffords.

The wanted circuit, then the inverse of the other one, must leave nothing: every rotation meets its inverse (equal
Pauli, opposite angle, only commuting rotations between), and the Clifford that remains is the identity, signs
included. What a gate is in rotations is a claim of whoever asks; each claim is checked here against the gate's matrix.
Imports no pass and no optimizing library.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from .native import Matrix
from .pauli import PauliForm, Turn, bits
from .simulation import Step

_PAULIS: tuple[Matrix, ...] = (
    np.array([[1, 0], [0, 1]], dtype=np.complex128),
    np.array([[0, 1], [1, 0]], dtype=np.complex128),
    np.array([[1, 0], [0, -1]], dtype=np.complex128),
    np.array([[0, -1j], [1j, 0]], dtype=np.complex128),
)

MAX_TURNS = 60_000
MAX_ROTATIONS = 3_000
"""Beyond these nothing is tried: the work grows with the square of the rotations."""


@dataclass(frozen=True, slots=True)
class Claim:
    """``step`` is claimed to be the product of ``turns``, the first applied first, up to a global phase; bit s of a
    turn's masks is the qubit ``step.qubits[s]``."""

    step: Step
    turns: tuple[Turn, ...]


@lru_cache(maxsize=4096)
def pauli_matrix(x: int, z: int, qubits: int) -> Matrix:
    """The Hermitian Pauli of plus sign with these bits, read only; qubit 0 is the least significant bit."""
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


class Certifier:
    """Compares circuits given as claims; a claim seen before is not multiplied out again."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, tuple[Turn, ...]], float] = {}

    def distance(
        self, wanted: Sequence[Claim], made: Sequence[Claim], qubits: int, layout: Sequence[int]
    ) -> float | None:
        """A bound, in operator norm and up to a global phase, on how far ``made``, with output qubit q of ``wanted``
        read on its qubit ``layout[q]``, is from ``wanted``; None if the two could not be shown equal."""
        if sorted(layout) != list(range(qubits)):
            return None
        if sum(len(claim.turns) for claims in (wanted, made) for claim in claims) > MAX_TURNS:
            return None
        if not all(_well_placed(claim, qubits) for claims in (wanted, made) for claim in claims):
            return None
        error = 0.0
        form = PauliForm(qubits)
        for claim in wanted:
            error += self._check(claim)
            for x, z, turns in claim.turns:
                form.turn(_spread(x, claim.step.qubits), _spread(z, claim.step.qubits), turns)
            if len(form.rotations) > MAX_ROTATIONS:
                return None
        form.relabel(layout)
        for claim in reversed(made):
            error += self._check(claim)
            for x, z, turns in reversed(claim.turns):
                form.turn(_spread(x, claim.step.qubits), _spread(z, claim.step.qubits), -turns)
            if len(form.rotations) > MAX_ROTATIONS:
                return None
        form.settle()
        error += form.error
        return error if form.is_identity() and math.isfinite(error) else None

    def _check(self, claim: Claim) -> float:
        """The operator norm by which a claim fails, from above."""
        key = (claim.step.matrix.tobytes(), claim.turns)
        if key not in self._known:
            wanted, made = claim.step.matrix, turns_matrix(claim.turns, len(claim.step.qubits))
            overlap = complex(np.vdot(wanted, made))
            self._known[key] = float("inf")
            if overlap != 0:
                self._known[key] = float(np.linalg.norm(wanted - made * cmath.exp(-1j * cmath.phase(overlap))))
        return self._known[key]


def _well_placed(claim: Claim, qubits: int) -> bool:
    """Whether matrix, masks and qubits fit each other and the circuit."""
    places = claim.step.qubits
    return (
        len(set(places)) == len(places)
        and all(0 <= place < qubits for place in places)
        and claim.step.matrix.shape == (2 ** len(places),) * 2
        and all(0 <= x | z < 2 ** len(places) for x, z, _ in claim.turns)
    )


def _spread(mask: int, qubits: tuple[int, ...]) -> int:
    made = 0
    for slot in bits(mask):
        made |= 1 << qubits[slot]
    return made
