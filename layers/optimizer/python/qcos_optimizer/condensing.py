"""Rotations of a few qubits brought together in a :class:`PauliForm` and written anew, so that blocks cancel.

Two decompositions of one block need not have an angle in common, so their rotations do not cancel one by one. All
rotations that are Paulis of the block's own qubits, seen through the Clifford, and that only commuting ones separate
from the end are multiplied out. If what comes out is a Clifford and one-qubit gates after it, these take their place.
On two qubits a Clifford is, up to one-qubit gates after it, a quarter turn about a Pauli or nothing, and a swap or not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import permutations, product

import numpy as np

from .matrices import factors, norm_apart, permuted, spread, turns_matrix, turns_of_one
from .native import Matrix
from .pauli import PauliForm, Turn, anticommute, sign

NEAR = 1e-8
"""What a block may differ by, in Frobenius norm, from what is taken for it."""

_MAGIC: Matrix = np.array(
    [[1, 0, 0, 1j], [0, 1j, 1, 0], [0, 1j, -1, 0], [1, 0, 0, -1j]], dtype=np.complex128
) / math.sqrt(2)
_CLIFFORD_INVARIANTS = ((1, 3), (0, 1), (0, -1), (-1, -3))
"""Of nothing, CNOT, iSWAP and swap."""

_PAIRS = tuple(
    (x << 1 | other_x, z << 1 | other_z)
    for x, z, other_x, other_z in product((0, 1), repeat=4)
    if (x or z) and (other_x or other_z)
)


def condense(form: PauliForm, wires: Sequence[int], *, cautious: bool) -> None:
    """Write anew what can be brought to the end of ``form`` and acts on ``wires`` (one or two) alone, if that is a
    Clifford and one-qubit gates; ``cautious``: the fewest rotations that are a Clifford before any that leave gates.

    ``form.error`` grows by the operator norm, from above, of what that neglects.
    """
    while _condensed_to_a_clifford(form, wires, cautious):
        pass


def _condensed_to_a_clifford(form: PauliForm, wires: Sequence[int], cautious: bool) -> bool:
    """Do it once; true if only a Clifford was left of some, so that more may have become possible."""
    size = len(wires)
    inside: dict[tuple[int, int], Turn] = {}
    for x in range(2**size):
        for z in range(2**size):
            image = form.image(spread(x, wires), spread(z, wires))
            inside[image[0], image[1]] = (x, z, sign(image))
    places, turns = _movable(form, wires, inside)
    # Of what can be brought there, the oldest may belong to an earlier block that is not through yet.
    made: list[Matrix] = [turns_matrix((), size)]
    for turn in reversed(turns):
        made.append(made[-1] @ turns_matrix((turn,), size))
    every = range(len(turns) - 1 if size > 1 else min(1, len(turns)))
    # Where nothing but a Clifford is left, nothing of an earlier block is written anew.
    exact = [(start, True) for start in reversed(every)] if cautious else []
    for start, only_clifford in [*exact, *((start, False) for start in every)]:
        matrix = made[len(turns) - start]
        again = _simple(matrix, size)
        if again is None or sum(abs(turns) != 0.25 for *_, turns in again) >= len(turns) - start:
            continue
        if only_clifford and any(turns % 0.25 for *_, turns in again):
            continue
        apart = norm_apart(matrix, turns_matrix(again, size))
        if not apart <= NEAR:
            continue
        form.error += apart
        gone = set(places[start:])
        form.rotations = [turn for place, turn in enumerate(form.rotations) if place not in gone]
        for x, z, angle in again:
            form.turn(spread(x, wires), spread(z, wires), angle)
        return only_clifford
    return False


def _simple(matrix: Matrix, size: int) -> list[Turn] | None:
    """``matrix`` as a Clifford and one-qubit gates after it, if it is that."""
    quarters: list[tuple[Turn, ...]] = [()]
    if size == 2:
        if not _clifford_class(matrix):
            return None
        quarters += [((x, z, 0.25),) for x, z in _PAIRS]
    for quarter in quarters:
        rest = matrix @ turns_matrix(quarter, size).conj().T
        for order in permutations(range(size)):
            parts, apart = factors(permuted(rest, order))
            if apart <= NEAR:
                made = [(x << wire, z << wire, t) for wire, part in enumerate(parts) for x, z, t in turns_of_one(part)]
                return [*quarter, *made, *_swaps(order)]
    return None


def _clifford_class(matrix: Matrix) -> bool:
    """Whether a two-qubit unitary is nearly a Clifford but for one-qubit gates on both sides, by Makhlin's invariants
    (Quantum Information Processing 1, 243, 2002): quick, where it is not worth looking closer."""
    seen = _MAGIC.conj().T @ matrix @ _MAGIC
    gram = seen.T @ seen
    trace = complex(np.trace(gram))
    determinant = complex(np.linalg.det(matrix))
    first = trace**2 / (16 * determinant)
    second = (trace**2 - complex(np.trace(gram @ gram))) / (4 * determinant)
    return any(abs(first - one) + abs(second - other) < 1e-4 for one, other in _CLIFFORD_INVARIANTS)


def _movable(
    form: PauliForm, wires: Sequence[int], inside: dict[tuple[int, int], Turn]
) -> tuple[list[int], list[Turn]]:
    """The rotations of ``inside`` that commute with all later ones that stay: their places, and they as rotations of
    ``wires`` after the Clifford, the first applied first."""
    generators = [form.image(1 << wire, 0) for wire in wires] + [form.image(0, 1 << wire) for wire in wires]
    size = len(wires)
    # How what stays behind commutes: bit j of the masks for anticommuting with X, or with Z, of wire j.
    staying: set[tuple[int, int]] = set()
    chosen: list[int] = []
    turns: list[Turn] = []
    for place in range(len(form.rotations) - 1, -1, -1):
        x, z, angle = form.rotations[place]
        form.passed += len(generators)
        local = inside.get((x, z))
        if local is not None and not any(
            ((local[0] & with_x).bit_count() + (local[1] & with_z).bit_count()) & 1 for with_x, with_z in staying
        ):
            chosen.append(place)
            turns.append((local[0], local[1], angle * local[2]))
            continue
        marks = [anticommute(x, z, other[0], other[1]) for other in generators]
        with_x = sum(1 << wire for wire in range(size) if marks[wire])
        with_z = sum(1 << wire for wire in range(size) if marks[size + wire])
        if with_x or with_z:
            staying.add((with_x, with_z))
            if len(staying) >= 2 * size and _rank(staying, size) == 2 * size:
                break
    return chosen[::-1], turns[::-1]


def _rank(masks: set[tuple[int, int]], size: int) -> int:
    """How many of ``masks`` are independent: if all that can be are, no Pauli but the identity commutes with them."""
    kept: list[int] = []
    for with_x, with_z in masks:
        vector = with_x | with_z << size
        for other in kept:
            vector = min(vector, vector ^ other)
        if vector:
            kept.append(vector)
    return len(kept)


def _swaps(order: Sequence[int]) -> Iterator[Turn]:
    """Qubit q to where ``order[q]`` was, each swap as quarter turns about XX, YY and ZZ."""
    now = list(range(len(order)))
    for qubit, wanted in enumerate(order):
        if now[qubit] != wanted:
            both = 1 << now[qubit] | 1 << wanted
            yield from ((both, 0, 0.25), (both, both, 0.25), (0, both, 0.25))
            now[now.index(wanted)], now[qubit] = now[qubit], wanted
