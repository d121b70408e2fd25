"""The 24 Cliffords of one qubit: what each makes of X, Y and Z, and how they multiply, looked up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from ..pauli import Pauli, PauliForm, Turn, bits, sign

IDENTITY = 0
"""The number of the Clifford that does nothing."""


@dataclass(frozen=True, slots=True)
class Clifford:
    """C as ``turns``, and for a letter l (1 X, 2 Z, 3 Y): C^-1 l C is ``signs[l]`` times the letter ``letters[l]``;
    ``then[l][n]`` is the number of the Clifford that C followed by n quarter turns about l is."""

    turns: tuple[Turn, ...]
    letters: tuple[int, int, int, int]
    signs: tuple[int, int, int, int]
    then: tuple[tuple[int, ...], ...]


@cache
def local_cliffords() -> dict[tuple[Pauli, ...], tuple[Turn, ...]]:
    """Turns for each one-qubit Clifford C, by C^-1 X C and C^-1 Z C."""
    found: dict[tuple[Pauli, ...], tuple[Turn, ...]] = {}
    for first in range(4):
        for middle in range(4):
            for last in range(4):
                angles = ((0, 1, first / 4), (1, 0, middle / 4), (0, 1, last / 4))
                turns = tuple(turn for turn in angles if turn[2])
                key = _key(turns)
                if key not in found or len(turns) < len(found[key]):
                    found[key] = turns
    return found


@cache
def cliffords() -> tuple[Clifford, ...]:
    """All of them; number 0 is the identity."""
    known = local_cliffords()
    number = {key: place for place, key in enumerate(known)}
    made = []
    for turns in known.values():
        form = _form(turns)
        images = [form.image(letter & 1, letter >> 1) for letter in range(4)]
        then = tuple(
            tuple(number[_key((*turns, (letter & 1, letter >> 1, quarters / 4)))] for quarters in range(4))
            for letter in range(4)
        )
        letters = [image[0] | image[1] << 1 for image in images]
        signs = [sign(image) for image in images]
        made.append(
            Clifford(
                turns,
                (letters[0], letters[1], letters[2], letters[3]),
                (signs[0], signs[1], signs[2], signs[3]),
                then,
            )
        )
    return tuple(made)


def image(numbers: Sequence[int], x: int, z: int) -> Turn:
    """The Pauli (x, z) pulled back through one Clifford on every qubit, and its sign in place of turns."""
    table = cliffords()
    made_x = made_z = 0
    factor = 1
    for qubit in bits(x | z):
        letter = x >> qubit & 1 | (z >> qubit & 1) << 1
        one = table[numbers[qubit]]
        seen = one.letters[letter]
        made_x |= (seen & 1) << qubit
        made_z |= seen >> 1 << qubit
        factor *= one.signs[letter]
    return made_x, made_z, factor


def _form(turns: Iterable[Turn]) -> PauliForm:
    form = PauliForm(1)
    for turn in turns:
        form.turn(*turn)
    return form


def _key(turns: Iterable[Turn]) -> tuple[Pauli, Pauli]:
    form = _form(turns)
    return form.image_x[0], form.image_z[0]
