"""Windows of a circuit synthesised anew, drawn at random and kept where that is no worse.

Greedy synthesis of a whole circuit commits itself early. Here a few neighbouring rotations are taken out again and
again, synthesised with another weighting, from the beginning or from the end, and put back if that costs no more. What
costs the same is kept too: the circuit drifts through equal ones until a way down opens. A window may be brought
together from rotations that stand apart, if each commutes with all it has to pass; so it is right for the same reason
as :mod:`.gather`. The draws come from the seed and the number of them is fixed. Source of the idea: Xu et al.,
"Optimizing quantum circuits, fast and slow" (ASPLOS 2025), there with other ways to make a window anew.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ..pauli import PauliForm, Turn, bits
from ..turns import placed_claims
from .blocks import cost, merge
from .cliffords import IDENTITY, image
from .gadgets import Placed, Synthesized, Weighting, synthesize
from .gather import gathered, locals_of, placed, pushed, wide

Goal = Literal["gates", "depth"]

WIDTHS = (3, 4, 5, 6, 7, 8)
REACH = 160
"""How many rotations after its first one a window may look at."""

LONGEST = 60
LEAST = 3
"""Rotations of a window at most, and rotations of two qubits at least."""

TIDY = 50
"""After so many windows put back, rotations that may meet are brought together."""


@dataclass(frozen=True, slots=True)
class _Circuit:
    """Rotations over all qubits, none of them a Clifford on one qubit; then ``tail`` on the wires; qubit q ends on
    ``layout[q]``."""

    turns: list[Turn]
    tail: list[Placed]
    layout: tuple[int, ...]

    @classmethod
    def of(cls, made: Synthesized) -> _Circuit:
        turns, numbers = pushed(_wide(made.turns), len(made.layout))
        return cls(gathered(turns), locals_of(numbers), made.layout)

    def tidied(self) -> _Circuit:
        """Equal rotations added up, and those on the same qubits brought together."""
        turns, numbers = pushed([*self.turns, *_wide(self.tail)], len(self.layout))
        return replace(self, turns=gathered(turns), tail=locals_of(numbers))

    def places(self) -> list[int]:
        """Where rotations of two qubits are."""
        return [place for place, (x, z, _) in enumerate(self.turns) if (x | z).bit_count() == 2]

    def synthesized(self) -> Synthesized:
        return Synthesized((*(placed(*turn) for turn in self.turns), *self.tail), self.layout)


class Walk:
    """Windows of ``start`` made anew one after the other. ``best`` is the circuit with the fewest two-qubit gates met
    so far, of those the one of least two-qubit depth; with ``goal`` "depth" the other way round."""

    def __init__(self, start: Synthesized, seed: int | Sequence[int], goal: Goal = "gates") -> None:
        self._random = np.random.default_rng(seed)
        self._costs = _Costs()
        self._goal: Goal = goal
        self._now = self._best = _Circuit.of(start)
        self._places = self._now.places()
        self._at = self._best_at = self._costs.of(self._now.turns, goal)
        self._kept = 0

    @property
    def best(self) -> Synthesized:
        """The best circuit so far."""
        return self._best.synthesized()

    @property
    def cost(self) -> tuple[int, int]:
        """Two-qubit gates and two-qubit depth of the best circuit so far, the goal first."""
        return self._best_at

    def go(self, tries: int) -> bool:
        """Draw so many windows; true if the best is a new one."""
        before = self._best_at
        for _ in range(tries):
            if len(self._places) < LEAST:
                break
            first = self._places[int(self._random.integers(len(self._places)))]
            width = min(int(self._random.choice(WIDTHS)), len(self._now.layout))
            members = _window(self._now.turns, first, width, self._random)
            changed = _changed(self._now, members, self._costs, self._goal, self._random)
            if changed is not None:
                self._move(changed)
        return self._best_at < before

    def _move(self, changed: _Circuit) -> None:
        self._kept += 1
        if self._kept % TIDY == 0:
            changed = changed.tidied()
        found = self._costs.of(changed.turns, self._goal)
        if found < self._at:
            changed = changed.tidied()
            found = self._costs.of(changed.turns, self._goal)
        if self._goal == "depth" and found > self._at:
            return
        self._now, self._places, self._at = changed, changed.places(), found
        if found < self._best_at:
            self._best, self._best_at = changed, found


class _Costs:
    """Two-qubit gates and two-qubit depth of rotations over all qubits, in the order they stand in."""

    def __init__(self) -> None:
        self._known: dict[tuple[Placed, ...], int] = {}

    def of(self, turns: Sequence[Turn], goal: Goal) -> tuple[int, int]:
        """Both, the one that is the goal first."""
        levels: dict[int, int] = {}
        total = 0
        for members in _runs(turns):
            gates = self._block(members)
            total += gates
            low, high = _two(members[0])
            levels[low] = levels[high] = gates + max(levels.get(low, 0), levels.get(high, 0))
        depth = max(levels.values(), default=0)
        return (total, depth) if goal == "gates" else (depth, total)

    def _block(self, members: Sequence[Turn]) -> int:
        if len(members) == 1:
            return 1
        low, high = _two(members[0])
        if _one_letter(members, low) or _one_letter(members, high):
            # Diagonal in one direction of this qubit: a controlled gate.
            return 1
        if [x | z for x, z, _ in members].count(low | high) == 2:
            # One less for a few Cliffords only, which are seen when all is merged.
            return 2
        wires = tuple(bits(low | high))
        narrow = tuple(_narrow((x, z, round(turn, 9)), wires) for x, z, turn in members)
        if narrow not in self._known:
            self._known[narrow] = cost(merge([claim.step for claim in placed_claims(narrow)]))[0]
        return self._known[narrow]


def _two(turn: Turn) -> tuple[int, int]:
    """The qubits of a rotation of two, as masks."""
    support = turn[0] | turn[1]
    low = support & -support
    return low, support ^ low


def _one_letter(members: Sequence[Turn], wire: int) -> bool:
    """Whether all that act on this qubit have the letter there that the first one has."""
    first_x, first_z = members[0][0] & wire, members[0][1] & wire
    for x, z, _ in members:  # noqa: SIM110 (this loop and the next are where walks spend their time)
        if (x | z) & wire and (x & wire != first_x or z & wire != first_z):
            return False
    return True


def _runs(turns: Sequence[Turn]) -> list[list[Turn]]:
    """Rotations of two qubits, each with those right after it on the same qubits."""
    made: list[list[Turn]] = []
    last: dict[int, int] = {}
    for turn in turns:
        low, high = _two(turn)
        home = last.get(low, -1)
        if home >= 0 and (not high or home == last.get(high, -1)):
            made[home].append(turn)
        elif high:
            last[low] = last[high] = len(made)
            made.append([turn])
    return made


def _window(turns: Sequence[Turn], first: int, width: int, random: np.random.Generator) -> list[int]:
    """Rotations on at most ``width`` qubits that can be brought right behind number ``first``."""
    wires = turns[first][0] | turns[first][1]
    members, passed, stuck = [first], list[tuple[int, int]](), 0
    for place in range(first + 1, min(len(turns), first + REACH)):
        x, z, _ = turns[place]
        support = x | z
        fits = not support & ~wires or ((wires | support).bit_count() <= width and random.random() < 0.8)
        if fits and support & wires and _passes(x, z, passed):
            wires |= support
            members.append(place)
            if len(members) == LONGEST:
                break
            continue
        passed.append((x, z))
        stuck |= support & wires if support & wires else 0
        if stuck == wires and wires.bit_count() == width:
            break
    return members


def _passes(x: int, z: int, others: Iterable[tuple[int, int]]) -> bool:
    """Whether a Pauli commutes with all the others."""
    for other_x, other_z in others:  # noqa: SIM110
        if ((x & other_z).bit_count() + (z & other_x).bit_count()) & 1:
            return False
    return True


def _changed(
    circuit: _Circuit, members: Sequence[int], costs: _Costs, goal: Goal, random: np.random.Generator
) -> _Circuit | None:
    """``circuit`` with that window made anew, or None if there is nothing to make, or it takes more gates."""
    support = 0
    for member in members:
        support |= circuit.turns[member][0] | circuit.turns[member][1]
    wires = tuple(bits(support))
    inside = [_narrow(circuit.turns[member], wires)[0] for member in members]
    if sum((x | z).bit_count() == 2 for x, z, _ in inside) < LEAST:
        return None
    back = random.random() < 0.5
    weighting = Weighting(
        fade=float(random.uniform(0.3, 0.85)),
        tail=float(10 ** random.uniform(-2, -0.3)),
        window=int(random.choice((20, 40, 120))),
    )
    form = PauliForm(len(wires))
    for x, z, turn in reversed(inside) if back else inside:
        form.turn(x, z, -turn if back else turn)
    made = synthesize(form, weighting)
    if made is None:
        return None
    if back:
        made = made.inverse()
    turns, numbers = pushed(_wide(made.turns), len(wires))
    new = gathered(turns)
    if goal == "gates" and costs.of(new, goal)[0] > costs.of(gathered(inside), goal)[0]:
        return None
    return _spliced(circuit, members, wires, new, numbers, made.layout)


def _spliced(
    circuit: _Circuit,
    members: Sequence[int],
    wires: tuple[int, ...],
    new: Sequence[Turn],
    numbers: Sequence[int],
    layout: tuple[int, ...],
) -> _Circuit:
    """``new``, then the one-qubit Cliffords of ``numbers``, then a renaming of qubits, in place of ``members``; what
    follows is renamed and turned."""
    names = list(range(len(circuit.layout)))
    for slot, wire in enumerate(wires):
        names[wire] = wires[layout[slot]]
    after = [IDENTITY] * len(names)
    for slot, wire in enumerate(wires):
        after[wire] = numbers[slot]
    taken = set(members)
    mask = sum(1 << wire for wire in wires)
    made = [*circuit.turns[: members[0]], *_wide((turn, wires) for turn in new)]
    for number in range(members[0] + 1, len(circuit.turns)):
        if number in taken:
            continue
        x, z, turn = circuit.turns[number]
        if (x | z) & mask:
            x = sum(1 << names[wire] for wire in bits(x))
            z = sum(1 << names[wire] for wire in bits(z))
            x, z, factor = image(after, x, z)
            turn *= factor
        made.append((x, z, turn))
    local: list[Placed] = [(turn, (wires[places[0]],)) for turn, places in locals_of(numbers)]
    tail = [*local, *((turn, (names[places[0]],)) for turn, places in circuit.tail)]
    return _Circuit(made, tail, tuple(names[wire] for wire in circuit.layout))


def _narrow(turn: Turn, wires: Sequence[int]) -> Placed:
    """A rotation over all qubits, its masks over ``wires`` only."""
    x = sum(1 << slot for slot, wire in enumerate(wires) if turn[0] >> wire & 1)
    z = sum(1 << slot for slot, wire in enumerate(wires) if turn[1] >> wire & 1)
    return (x, z, turn[2]), tuple(wires)


def _wide(turns: Iterable[Placed]) -> list[Turn]:
    return [(*wide(turn, wires), turn[2]) for turn, wires in turns]
