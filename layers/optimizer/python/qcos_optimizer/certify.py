"""A proof that two circuits are the same unitary, by pulling Pauli rotations through Cliffords.

The wanted circuit, then the inverse of the other one, must leave nothing: every rotation meets its inverse (equal
Pauli, opposite angle, only commuting rotations between), and the Clifford that remains is the identity, signs
included. What a gate is in rotations is a claim of whoever asks; each claim is checked here against the gate's matrix.
Imports no pass and no optimizing library.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from .condensing import condense
from .matrices import norm_apart, spread, turns_matrix
from .pauli import PauliForm, Turn
from .simulation import Step, blocks

MAX_TURNS = 1_000_000
MAX_ROTATIONS = 20_000
MAX_PASSED = 30_000_000
"""Beyond these nothing is tried: the work grows with the square of the rotations where all of them commute."""

CONDENSED_QUBITS = 2
"""Blocks of up to so many qubits are multiplied out where rotations alone do not cancel."""


@dataclass(frozen=True, slots=True)
class Claim:
    """``step`` is claimed to be the product of ``turns``, the first applied first, up to a global phase; bit s of a
    turn's masks is the qubit ``step.qubits[s]``."""

    step: Step
    turns: tuple[Turn, ...]


class Certifier:
    """Compares circuits given as claims; a claim seen before is not multiplied out again."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, tuple[Turn, ...]], float] = {}

    def distance(
        self,
        wanted: Sequence[Claim],
        made: Sequence[Claim],
        qubits: int,
        layout: Sequence[int],
        *,
        condensed: bool = False,
    ) -> float | None:
        """A bound, in operator norm and up to a global phase, on how far ``made``, with output qubit q of ``wanted``
        read on its qubit ``layout[q]``, is from ``wanted``; None if the two could not be shown equal.

        With ``condensed``, after each block of ``made`` the rotations on the block's qubits are multiplied out and
        written anew (see :mod:`condensing`): it takes longer and proves decompositions that have no angle in common."""
        if sorted(layout) != list(range(qubits)):
            return None
        if sum(len(claim.turns) for claims in (wanted, made) for claim in claims) > MAX_TURNS:
            return None
        if not all(_well_placed(claim, qubits) for claims in (wanted, made) for claim in claims):
            return None
        error = sum(self.apart(claim) for claims in (wanted, made) for claim in claims)
        # Either way proves what the other does not, and what one has proved before must stay proved.
        for cautious in (True, False) if condensed else (None,):
            left = _left(wanted, made, layout, cautious)
            if left is not None and math.isfinite(error + left):
                return error + left
        return None

    def apart(self, claim: Claim) -> float:
        """The operator norm by which a claim fails, from above."""
        key = (claim.step.matrix.tobytes(), claim.turns)
        if key not in self._known:
            self._known[key] = norm_apart(claim.step.matrix, turns_matrix(claim.turns, len(claim.step.qubits)))
        return self._known[key]


def _left(wanted: Sequence[Claim], made: Sequence[Claim], layout: Sequence[int], cautious: bool | None) -> float | None:
    """What was neglected until nothing was left of ``wanted`` and the inverse of ``made``, None if something is; with
    blocks multiplied out unless ``cautious``, how they are, is None."""
    form = PauliForm(len(layout))
    for claim in wanted:
        for x, z, turns in claim.turns:
            form.turn(spread(x, claim.step.qubits), spread(z, claim.step.qubits), turns)
        if _too_much(form):
            return None
    form.relabel(layout)
    condensed = cautious is not None
    width = CONDENSED_QUBITS if condensed else 1
    for block in reversed(blocks([claim.step.qubits for claim in made], width)):
        for place in reversed(block.members):
            claim = made[place]
            for x, z, turns in reversed(claim.turns):
                form.turn(spread(x, claim.step.qubits), spread(z, claim.step.qubits), -turns)
            if condensed and len(claim.step.qubits) == 1:
                condense(form, claim.step.qubits, cautious=bool(cautious))
        if condensed and len(block.qubits) <= CONDENSED_QUBITS:
            condense(form, block.qubits, cautious=bool(cautious))
        if _too_much(form):
            return None
    form.settle()
    if condensed:
        for qubit in range(form.qubits):
            condense(form, (qubit,), cautious=bool(cautious))
        form.drop()
    return form.error if form.is_identity() else None


def _too_much(form: PauliForm) -> bool:
    return len(form.rotations) > MAX_ROTATIONS or form.passed > MAX_PASSED


def _well_placed(claim: Claim, qubits: int) -> bool:
    """Whether matrix, masks and qubits fit each other and the circuit."""
    places = claim.step.qubits
    return (
        len(set(places)) == len(places)
        and all(0 <= place < qubits for place in places)
        and claim.step.matrix.shape == (2 ** len(places),) * 2
        and all(0 <= x | z < 2 ** len(places) for x, z, _ in claim.turns)
    )
