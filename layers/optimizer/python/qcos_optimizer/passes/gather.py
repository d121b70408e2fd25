"""A circuit as rotations without one-qubit Cliffords between them, and those that may meet brought together.

A one-qubit Clifford turns the letter of every later rotation on its qubit and stays a one-qubit Clifford, so all of
them can go to the end. What is left are rotations of one or two qubits, and whether two of them commute can be read
off their letters. Then equal rotations that only commuting ones separate are added up, and every rotation goes back
past those it commutes with to the last block on its own two qubits, where it costs no gate more if that has three
already, and often none if it has fewer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ..certify import Claim
from ..pauli import Turn, anticommute, bits
from .cliffords import IDENTITY, cliffords, image
from .gadgets import Placed

LOOK_BACK = 400
"""Rotations looked at when one is moved back: the work grows no more than so many times the circuit."""


def straighten(claims: Iterable[Claim], qubits: int) -> list[Placed]:
    """``claims`` (of at most two qubits each) as rotations none of which is a Clifford on one qubit, and one-qubit
    Cliffords at the end."""
    turned, numbers = pushed(
        ((*wide((x, z, turns), claim.step.qubits), turns) for claim in claims for x, z, turns in claim.turns), qubits
    )
    return [placed(*turn) for turn in turned] + locals_of(numbers)


def pushed(turns: Iterable[Turn], qubits: int) -> tuple[list[Turn], list[int]]:
    """Rotations over all qubits, one-qubit Cliffords pushed to the end and equal ones added up, and the numbers of
    those Cliffords."""
    table = cliffords()
    turned: list[Turn] = []
    numbers = [IDENTITY] * qubits
    for x, z, turn in turns:
        new_x, new_z, factor = image(numbers, x, z)
        support = x | z
        if support & (support - 1) == 0:
            quarters = math.floor(4 * turn + 0.5 - 1e-9)
            if quarters % 4:
                qubit = support.bit_length() - 1
                letter = x >> qubit & 1 | (z >> qubit & 1) << 1
                numbers[qubit] = table[numbers[qubit]].then[letter][quarters % 4]
            turn -= quarters / 4
        if abs(turn) > 1e-14:
            _add(turned, new_x, new_z, turn * factor)
    return turned, numbers


def locals_of(numbers: Sequence[int]) -> list[Placed]:
    """The rotations of one Clifford on every qubit."""
    table = cliffords()
    return [(turn, (qubit,)) for qubit, number in enumerate(numbers) for turn in table[number].turns]


def _add(turned: list[Turn], x: int, z: int, angle: float) -> None:
    """Append a rotation, or add it to an equal one."""
    for place in range(len(turned) - 1, max(-1, len(turned) - LOOK_BACK), -1):
        other_x, other_z, had = turned[place]
        if other_x == x and other_z == z:
            total = math.remainder(had + angle, 1.0)
            if abs(total) < 1e-12:
                del turned[place]
            else:
                turned[place] = (x, z, total)
            return
        if anticommute(x, z, other_x, other_z):
            break
    turned.append((x, z, angle))


@dataclass(slots=True)
class Block:
    """Rotations over all qubits on at most two ``qubits`` (a mask), in order."""

    qubits: int
    members: list[Turn] = field(default_factory=list)


def gather(turns: Iterable[Placed]) -> list[Placed]:
    """The same rotations, each as near to others on its qubits as commutation allows."""
    return [placed(*member) for member in gathered((*wide(turn, wires), turn[2]) for turn, wires in turns)]


def gathered(turns: Iterable[Turn]) -> list[Turn]:
    """The same of rotations over all qubits."""
    return [member for block in blocks_of(turns) for member in block.members]


def blocks_of(turns: Iterable[Turn]) -> list[Block]:
    """The blocks of that order."""
    made: list[Block] = []
    for x, z, turn in turns:
        support = x | z
        home = None
        for place in range(len(made) - 1, max(-1, len(made) - LOOK_BACK), -1):
            block = made[place]
            if block.qubits & support:
                if block.qubits & support == support:
                    home = block
                    break
                if any(((x & b).bit_count() ^ (z & a).bit_count()) & 1 for a, b, _ in block.members):
                    break
        if home is None:
            home = Block(support)
            made.append(home)
        home.members.append((x, z, turn))
    return made


def wide(turn: Turn, wires: tuple[int, ...]) -> tuple[int, int]:
    """The masks of a rotation over all qubits."""
    x = sum(1 << wire for slot, wire in enumerate(wires) if turn[0] >> slot & 1)
    return x, sum(1 << wire for slot, wire in enumerate(wires) if turn[1] >> slot & 1)


def placed(x: int, z: int, angle: float) -> Placed:
    """A rotation over all qubits on those it acts on."""
    wires = tuple(bits(x | z))
    local_x = sum(1 << slot for slot, wire in enumerate(wires) if x >> wire & 1)
    local_z = sum(1 << slot for slot, wire in enumerate(wires) if z >> wire & 1)
    return (local_x, local_z, angle), wires
