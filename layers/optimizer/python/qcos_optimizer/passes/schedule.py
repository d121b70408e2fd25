"""Rotations in an order of little depth, wherever they commute.

Blocks of rotations on the same two qubits wait only for earlier ones that do not commute with them; among those that
could come next, the one that can start first is taken, and of those the one with the longest chain waiting for it.
This is list scheduling by critical path, with qubits as the machines that are busy. Source: Graham, "Bounds on
multiprocessing timing anomalies", SIAM J. Appl. Math. 17, 416 (1969).
"""

from __future__ import annotations

from collections.abc import Sequence

from ..pauli import Turn, bits
from .gadgets import Placed
from .gather import blocks_of, placed, wide

MAX_BLOCKS = 1_200
"""Above this the order stays: the work grows with the square of the blocks."""

_MOST = 3  # native gates a block needs at most


def schedule(turns: Sequence[Placed]) -> list[Placed]:
    """The same rotations in another order."""
    made = blocks_of((*wide(turn, wires), turn[2]) for turn, wires in turns)
    if len(made) > MAX_BLOCKS:
        return list(turns)
    before: list[list[int]] = [[] for _ in made]
    after: list[list[int]] = [[] for _ in made]
    for later, block in enumerate(made):
        for earlier in range(later):
            if made[earlier].qubits & block.qubits and _ordered(made[earlier].members, block.members):
                before[later].append(earlier)
                after[earlier].append(later)
    length = [min(_MOST, sum((x | z).bit_count() == 2 for x, z, _ in block.members)) for block in made]
    behind = list(length)
    for place in range(len(made) - 1, -1, -1):
        behind[place] += max((behind[later] for later in after[place]), default=0)
    order: list[int] = []
    waiting = [len(earlier) for earlier in before]
    starts = [0] * len(made)
    ready = [place for place, number in enumerate(waiting) if not number]
    free = [0] * max((block.qubits.bit_length() for block in made), default=0)
    while ready:
        for place in ready:
            starts[place] = max(starts[place], *(free[qubit] for qubit in bits(made[place].qubits)))
        chosen = min(ready, key=lambda place: (starts[place], -behind[place], place))
        ready.remove(chosen)
        order.append(chosen)
        ends = starts[chosen] + length[chosen]
        for qubit in bits(made[chosen].qubits):
            free[qubit] = ends
        for later in after[chosen]:
            starts[later] = max(starts[later], ends)
            waiting[later] -= 1
            if not waiting[later]:
                ready.append(later)
    return [placed(*member) for place in order for member in made[place].members]


def _ordered(earlier: Sequence[Turn], later: Sequence[Turn]) -> bool:
    """Whether two blocks do not commute, judged rotation by rotation."""
    return any(((x & b).bit_count() ^ (z & a).bit_count()) & 1 for x, z, _ in earlier for a, b, _ in later)
