"""Windows of three qubits made again with fewer ZZ rotations, their angles and one-qubit gates found numerically.

A window is a set of gates on three wires that can be brought next to each other by commutation. Its rotations in their
order are a structure that is known to work; a structure with one rotation less is tried (see :mod:`.fitting`), and if
that fits the window's unitary, one less again. Effort is counted in structures tried, never in time, so that the same
seed gives the same answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from ..native import IDENTITY, Matrix
from ..rotations import Rotation, parts_of
from ..simulation import Step, blocks, unitary
from .assembly import Group, grouped
from .axial import PAULI, Entangler, commute
from .fitting import Fit, Pair, fit, shorten
from .templates import of_fit, template

QUBITS = 3
PAIRS: tuple[Pair, ...] = ((0, 1), (0, 2), (1, 2))
REACH = 60
"""How many gates after its first one a window may look at."""

STARTS = 2
"""From almost every start a structure that can make a unitary does so: more structures help more than more starts."""

COMPLETE = 4
"""Of at most so many rotations every structure is tried."""

LEAST = 4
"""Windows of fewer rotations are left alone: merging two-qubit blocks has found what there is."""

_GRID = 77777.7
"""Invariants are rounded to steps of one in so many, which no simple fraction is halfway between."""


@dataclass(slots=True)
class Effort:
    """``structures`` may still be tried; windows have at most ``widest`` rotations; ``guesses`` random structures of
    more than ``COMPLETE`` rotations are tried where dropping one rotation does not succeed; ``rounds`` of making the
    angles smaller follow."""

    structures: int
    widest: int = 8
    guesses: int = 0
    rounds: int = 8


_Made = tuple[int, Matrix, Fit]
"""The rotations saved, a window's unitary, and what makes it."""


@dataclass(frozen=True, slots=True)
class _Window:
    members: tuple[int, ...]
    wires: tuple[int, ...]


@dataclass(slots=True)
class Refit:
    """What has been learned about windows: circuits repeat a few of them many times."""

    seed: int
    effort: Effort
    _failed: set[tuple[bytes, tuple[Pair, ...]]] = field(default_factory=set)
    _shorter: dict[bytes, tuple[Pair, ...]] = field(default_factory=dict)
    _made: dict[tuple[int, ...], _Made | None] = field(default_factory=dict)
    _alive: list[Entangler] = field(default_factory=list)

    def groups(self, items: Sequence[Entangler]) -> list[Group]:
        """``items`` in groups, those windows made anew that get shorter, the greatest gain first."""
        work = list(items)
        found: dict[int, Group] = {}
        while True:
            better: list[tuple[_Window, _Made]] = []
            for window in _windows(work, self.effort.widest):
                made = self._known(window, [work[member] for member in window.members])
                if made is not None:
                    better.append((window, made))
            if not better:
                break
            for window, (_, wanted, fitted) in _disjoint(better):
                inside = tuple(work[member] for member in window.members)
                unit = Entangler("window", window.wires, (IDENTITY,) * len(window.wires))
                found[id(unit)] = Group(window.wires, inside, of_fit(shorten(wanted, fitted, self.effort.rounds)))
                taken = set(window.members)
                rest = [item for place, item in enumerate(work) if place not in taken]
                work = [*rest[: window.members[0]], unit, *rest[window.members[0] :]]
        return [found.get(id(group.items[0]), group) for group in grouped(work)]

    def _known(self, window: _Window, items: list[Entangler]) -> _Made | None:
        key = tuple(id(item) for item in items)
        if key not in self._made:
            # Identities stay unique only while the items live.
            self._alive += items
            self._made[key] = self._search(items, window.wires)
        return self._made[key]

    def _search(self, items: list[Entangler], wires: tuple[int, ...]) -> _Made | None:
        place = {wire: number for number, wire in enumerate(wires)}
        structure = _structure(items, place)
        wanted = unitary([Step(item.unitary(), tuple(place[wire] for wire in item.wires)) for item in items], QUBITS)
        key, order = fingerprint(wanted)
        named = tuple(_renamed(structure, order))
        made: Fit | None = None
        while True:
            shorter = self._one_less(wanted, key, order, named)
            if shorter is None:
                break
            made, named = shorter
        if made is None:
            return None
        return len(structure) - len(named), wanted, made

    def _one_less(
        self, wanted: Matrix, key: bytes, order: tuple[int, ...], named: tuple[Pair, ...]
    ) -> tuple[Fit, tuple[Pair, ...]] | None:
        """A fit with fewer pairs than ``named``; structures are named so that equal windows on other wires agree."""
        back = tuple(order.index(number) for number in range(QUBITS))
        known = self._shorter.get(key)
        if known is not None and len(known) < len(named):
            options = [known]
        else:
            random = np.random.default_rng([self.seed, len(named)])
            options = [named[:place] + named[place + 1 :] for place in range(len(named))]
            if len(named) - 1 <= COMPLETE:
                options += _all(len(named) - 1)
            else:
                options += [_guess(random, len(named) - 1) for _ in range(self.effort.guesses)]
        for option in dict.fromkeys(options):
            if (key, option) in self._failed:
                continue
            if self.effort.structures <= 0:
                return None
            self.effort.structures -= 1
            found = fit(wanted, _renamed(option, back), np.random.default_rng([self.seed, len(option)]), STARTS)
            if found:
                self._shorter[key] = option
                return found[0], option
            self._failed.add((key, option))
        return None


def _disjoint(better: list[tuple[_Window, _Made]]) -> list[tuple[_Window, _Made]]:
    """Windows no two of which overlap, those of the greatest gain preferred, the last of the circuit first."""
    chosen: list[tuple[_Window, _Made]] = []
    for window, made in sorted(better, key=lambda one: (-one[1][0], len(one[0].members), one[0].members)):
        first, last = window.members[0], window.members[-1]
        if all(last < other.members[0] or first > other.members[-1] for other, _ in chosen):
            chosen.append((window, made))
    return sorted(chosen, key=lambda one: -one[0].members[0])


def fingerprint(matrix: Matrix) -> tuple[bytes, tuple[int, ...]]:
    """What one-qubit gates before and after cannot change, the same for any order of the qubits, and the order in
    which it was read: how much of the Paulis on one set of qubits the unitary takes to Paulis on another."""
    size = len(matrix)
    qubits = size.bit_length() - 1
    basis = np.concatenate([np.eye(2, dtype=np.complex128)[None], PAULI])
    paulis: Matrix = np.ones((1, 1, 1), dtype=np.complex128)
    support = np.zeros(1, dtype=np.int64)
    for qubit in range(qubits):
        paulis = np.einsum("aij,bkl->abikjl", basis, paulis).reshape(4 * len(paulis), 2 << qubit, 2 << qubit)
        support = (np.array([0, 1, 1, 1])[:, None] << qubit | support[None]).ravel()
    turned = (matrix @ paulis @ matrix.conj().T).reshape(len(paulis), -1)
    weights = np.abs(turned @ paulis.reshape(len(paulis), -1).conj().T) ** 2 / size**2
    sets = (support[:, None] == np.arange(size)).astype(np.float64)
    table = np.round(sets.T @ weights @ sets * _GRID).astype(np.int64)
    best = None
    for order in permutations(range(qubits)):
        moved = [sum(1 << order[qubit] for qubit in range(qubits) if mask >> qubit & 1) for mask in range(size)]
        read = np.empty_like(table)
        read[np.ix_(moved, moved)] = table
        entry = (read.tobytes(), order)
        if best is None or entry < best:
            best = entry
    assert best is not None
    return best


def _renamed(structure: Sequence[Pair], order: Sequence[int]) -> list[Pair]:
    return [(min(order[a], order[b]), max(order[a], order[b])) for a, b in structure]


def _all(length: int) -> list[tuple[Pair, ...]]:
    """Every structure of so many pairs, no two equal ones next to each other."""
    made: list[tuple[Pair, ...]] = [()]
    for _ in range(length):
        made = [(*one, pair) for one in made for pair in PAIRS if not one or one[-1] != pair]
    return made


def _guess(random: np.random.Generator, length: int) -> tuple[Pair, ...]:
    made: list[Pair] = []
    while len(made) < length:
        pair = PAIRS[random.integers(3)]
        if not made or made[-1] != pair:
            made.append(pair)
    return tuple(made)


def _structure(items: Sequence[Entangler], place: dict[int, int]) -> tuple[Pair, ...]:
    """The pairs of the rotations the items take now, two-qubit blocks merged."""
    made: list[Pair] = []
    for block in blocks([item.wires for item in items], 2):
        inside = [items[member] for member in block.members]
        if len(inside) == 1:
            wires = inside[0].wires
            made += [(place[wires[low]], place[wires[high]]) for low, high in template(inside[0]).pairs]
        else:
            local = {wire: number for number, wire in enumerate(block.qubits)}
            steps = [Step(item.unitary(), tuple(local[wire] for wire in item.wires)) for item in inside]
            parts = parts_of("block", (), unitary(steps, len(block.qubits)))
            low, high = block.qubits
            made += [(place[low], place[high]) for part in parts if isinstance(part, Rotation)]
    return tuple(made)


def _windows(items: Sequence[Entangler], widest: int) -> Iterator[_Window]:
    seen: set[tuple[int, ...]] = set()
    for first, item in enumerate(items):
        if item.kind == "window":
            continue
        for wires in _triples(items, first):
            members = _members(items, first, wires, widest)
            touched = {wire for member in members for wire in items[member].wires}
            if members in seen or len(touched) < QUBITS or len(members) < 2:
                continue
            seen.add(members)
            place = {wire: number for number, wire in enumerate(wires)}
            if LEAST <= len(_structure([items[member] for member in members], place)) <= widest:
                yield _Window(members, wires)


def _triples(items: Sequence[Entangler], first: int) -> list[tuple[int, ...]]:
    own = items[first].wires
    if len(own) == QUBITS:
        return [tuple(sorted(own))]
    thirds: dict[int, None] = {}
    for item in items[first + 1 : first + REACH]:
        if len(item.wires) <= QUBITS and not set(item.wires).isdisjoint(own):
            more = set(item.wires) - set(own)
            if len(more) == 1:
                thirds.setdefault(more.pop())
    return [tuple(sorted((*own, third))) for third in list(thirds)[:4]]


def _members(items: Sequence[Entangler], first: int, wires: tuple[int, ...], widest: int) -> tuple[int, ...]:
    """Gates on ``wires`` only that can be moved next to the first one."""
    inside, members, passed = set(wires), [first], list[Entangler]()
    rotations = len(template(items[first]).pairs)
    stuck: set[int] = set()
    for place in range(first + 1, min(first + REACH, len(items))):
        item = items[place]
        shared = inside.intersection(item.wires)
        if not shared:
            continue
        if len(shared) == len(item.wires) and item.kind != "window" and all(commute(item, other) for other in passed):
            rotations += len(template(item).pairs)
            if rotations > widest:
                break
            members.append(place)
            continue
        passed.append(item)
        stuck.update(wire for wire in shared if item.axis(wire) is None)
        if len(stuck) > 1:
            break
    return tuple(members)
