"""Toffoli gates that come in pairs made cheaper: what one of them does too much, the other undoes.

CCZ = M D with M cheaper than CCZ. If D commutes with all that stands between two equal CCZs, and the second is written
D^-1 M', then D meets its inverse and both vanish. Two kinds of D are used:

* D = exp(-i pi/8 A B) on two of the three axes: M takes four ZZ rotations instead of five. If D meets no second CCZ but
  a ZZ rotation about the same axes, it merges with that.
* D = an X perpendicular to one axis, where the other two qubits are in one of the three states in which CCZ does
  nothing: M is Margolus' gate, three ZZ rotations. See D. Maslov, Phys. Rev. A 93, 022311 (2016).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from ..native import Matrix, rz
from .axial import HADAMARD, PAULI, Axial, Entangler, Vector, axis_of, commute, parallel
from .hygiene import merge

PARTNERS = 3
"""How many of the next gates on the same qubits are tried."""

REACH = 200
"""How many gates D may have to pass."""

MANY = 60
"""With more possible rewrites than this, all that do not disturb each other are made at once."""

ROUNDS = 6
"""How often that may happen; the time taken stays in proportion to the circuit."""

COST = {"zz": 1, "ccp": 5, "cciz": 4, "margolus": 3, "peres": 4, "cswap": 6}
"""ZZ rotations needed for each kind."""


@dataclass(frozen=True, slots=True)
class _Move:
    """Items to replace, and by how many ZZ rotations the circuit shrinks. ``crossed`` are the items D passes."""

    gain: int
    places: tuple[int, int]
    items: tuple[Entangler, Entangler]
    crossed: tuple[int, ...]
    d: Entangler


def cost(circuit: Axial) -> int:
    """ZZ rotations the circuit takes; windows are not counted."""
    return sum(COST.get(item.kind, 0) for item in circuit.items)


def rewrite(circuit: Axial) -> Axial:
    """The same circuit with pairs of CCZs rewritten until no pair is left that helps, the greatest gains first."""
    made = merge(circuit)
    rounds = 0
    while rounds < ROUNDS:
        moves = list(_moves(made.items))
        if not moves:
            break
        if len(moves) > MANY:
            chosen = _apart(sorted(moves, key=lambda one: (-one.gain, *_nearest(one))))
            rounds += 1
        else:
            items = made.items
            chosen = [min(moves, key=lambda one: (-_worth(one, moves, items), *_nearest(one)))]
        for move in chosen:
            for place, item in zip(move.places, move.items, strict=True):
                made.items[place] = item
        made = merge(made)
    return made


def _nearest(move: _Move) -> tuple[int, tuple[int, int]]:
    return abs(move.places[1] - move.places[0]), move.places


def _apart(moves: list[_Move]) -> list[_Move]:
    """Moves that can be made together: none replaces what another one replaces or passes."""
    chosen: list[_Move] = []
    changed: set[int] = set()
    passed: set[int] = set()
    for move in moves:
        if changed.isdisjoint((*move.places, *move.crossed)) and passed.isdisjoint(move.places):
            chosen.append(move)
            changed.update(move.places)
            passed.update(move.crossed)
    return chosen


def _worth(move: _Move, moves: list[_Move], items: list[Entangler]) -> float:
    """The gain, less half of what becomes impossible because new gates are diagonal on fewer qubits."""
    lost: dict[tuple[int, int], int] = {}
    kept: dict[tuple[int, int], int] = {}
    for other in moves:
        if other.places == move.places:
            continue
        clash = not set(other.places).isdisjoint(move.places)
        for place, item in zip(move.places, move.items, strict=True):
            if not clash and place in other.crossed:
                clash = not commute(item, other.d)
        table = lost if clash else kept
        table[other.places] = max(table.get(other.places, 0), other.gain)
    return move.gain - sum(max(0, gain - kept.get(places, 0)) for places, gain in lost.items()) / 2


def _moves(items: list[Entangler]) -> Iterator[_Move]:
    homes: dict[tuple[int, ...], list[int]] = {}
    for place, item in enumerate(items):
        if _is_ccz(item):
            homes.setdefault(tuple(sorted(item.wires)), []).append(place)
    for places in homes.values():
        for number, first in enumerate(places):
            for second in places[number + 1 : number + 1 + PARTNERS]:
                if second - first <= REACH:
                    yield from _pair(items, first, second)
    for places in homes.values():
        for place in places:
            yield from _absorb(items, place)


def _is_ccz(item: Entangler) -> bool:
    return item.kind == "ccp" and abs(math.remainder(item.angle - math.pi, 2 * math.pi)) < 1e-12


def _pair(items: list[Entangler], first: int, second: int) -> Iterator[_Move]:
    one, other = items[first], _aligned(items[second], items[first].wires)
    between = [place for place in range(first + 1, second) if not set(items[place].wires).isdisjoint(one.wires)]
    same = [parallel(one.axes[k], other.axes[k]) for k in range(3)]
    # Margolus: the same axes on two qubits, one perpendicular to both on the third.
    for target in range(3):
        low, high = (k for k in range(3) if k != target)
        if not (same[low] and same[high]):
            continue
        for normal in _normals(items, between, one, other, target, same[target]):
            found = _margolus(one, other, (low, high, target), normal)
            if found is None:
                continue
            *pair, d = found
            crossed = _crossed(items, between, d)
            if crossed is not None:
                yield _Move(4, (first, second), (pair[0], pair[1]), crossed, d)
                break
    for low, high in combinations(range(3), 2):
        if not (same[low] and same[high]):
            continue
        d = _rotation(one, (low, high))
        crossed = _crossed(items, between, d)
        if crossed is not None:
            # CCZ = (CCZ D) D^-1, and the second is D (D^-1 CCZ), D written with the second's own axes.
            sign = 1 if _dot(one.axes[low], other.axes[low]) * _dot(one.axes[high], other.axes[high]) > 0 else -1
            pair_ = (_cciz(one, (low, high), 0.125), _cciz(other, (low, high), -0.125 * sign))
            yield _Move(2, (first, second), pair_, crossed, d)


def _absorb(items: list[Entangler], place: int) -> Iterator[_Move]:
    """A ZZ rotation next to a CCZ, about two of its axes (or one of them) on two of its qubits."""
    one = items[place]
    rotations = [(pair, _rotation(one, pair)) for pair in combinations(range(3), 2)]
    for step in (1, -1):
        for pair, d in rotations:
            yield from _absorb_towards(items, place, step, d, pair)


def _absorb_towards(
    items: list[Entangler], place: int, step: int, d: Entangler, pair: tuple[int, int]
) -> Iterator[_Move]:
    one = items[place]
    between: list[int] = []
    other = place + step
    while 0 <= other < len(items) and abs(other - place) <= REACH:
        item = items[other]
        if set(item.wires) == set(d.wires) and item.kind == "zz":
            sides = [parallel(d.axis(wire), item.axis(wire)) for wire in d.wires]
            if all(sides):
                sign = 1 if math.prod(_dot(d.axis(wire), item.axis(wire)) for wire in d.wires) > 0 else -1
                # The angle moves to whichever side leaves the smaller one.
                shift = min((0.125, -0.125), key=lambda s: abs(_fold(item.angle - sign * s)))
                changed = replace(item, angle=item.angle - sign * shift)
                gain = 2 if abs(_fold(changed.angle)) < 1e-12 else 1
                yield _Move(gain, (place, other), (_cciz(one, pair, shift), changed), tuple(between), d)
                return
        if not set(item.wires).isdisjoint(d.wires):
            if not commute(item, d):
                return
            between.append(other)
        other += step


def _normals(
    items: list[Entangler], between: list[int], one: Entangler, other: Entangler, target: int, same: bool
) -> list[Vector]:
    """Directions perpendicular to both gates' axes on one qubit, those that gates between have first."""
    first, second = one.axes[target], other.axes[target]
    assert first is not None
    assert second is not None
    if not same:
        normal = np.cross(first, second)
        return [normal / np.linalg.norm(normal)]
    wire = one.wires[target]
    for place in between:
        if wire in items[place].wires:
            axis = items[place].axis(wire)
            return [axis] if axis is not None and abs(float(np.dot(axis, first))) < 1e-10 else []
    frame = one.frames[target]
    return [axis_of(HADAMARD @ frame)]


def _dot(one: Vector | None, other: Vector | None) -> float:
    assert one is not None
    assert other is not None
    return float(np.dot(one, other))


def _fold(turns: float) -> float:
    return turns - round(turns * 2) / 2


def _aligned(item: Entangler, wires: tuple[int, ...]) -> Entangler:
    """A CCZ with its qubits named in another order."""
    return item.ordered([item.wires.index(wire) for wire in wires])


def _rotation(item: Entangler, pair: tuple[int, int]) -> Entangler:
    return item.zz(pair, 0.125)


def _cciz(item: Entangler, pair: tuple[int, int], turns: float) -> Entangler:
    rest = next(k for k in range(3) if k not in pair)
    return item.ordered((*pair, rest), "cciz", turns)


def _margolus(
    one: Entangler, other: Entangler, order: tuple[int, int, int], normal: Vector
) -> tuple[Entangler, Entangler, Entangler] | None:
    """Both gates as Margolus gates with the same D, and D."""
    first, second = one.ordered(order), other.ordered(order)
    flips = tuple(0 if _dot(first.axes[k], second.axes[k]) > 0 else 1 for k in (0, 1))
    # D acts in a state of the two controls in which neither CCZ does anything; one control different is cheaper.
    for pattern in ((1, 0), (0, 1), (0, 0)):
        seen = (pattern[0] ^ flips[0], pattern[1] ^ flips[1])
        if seen != (1, 1):
            break
    else:
        return None
    made = []
    # D stands after the first gate and before the second.
    for item, acts, side in ((first, pattern, 1.0), (second, seen, -1.0)):
        frame = _with_x(item.frames[2], normal)
        frames, marks = (*item.frames[:2], frame), (*item.marks[:2], None)
        made.append(replace(item, kind="margolus", angle=side, frames=frames, marks=marks, pattern=acts))
    # D is diagonal in the normal, which is what matters for passing other gates.
    d = Entangler("ccp", first.wires, (*first.frames[:2], HADAMARD @ made[0].frames[2]), math.pi)
    return made[0], made[1], d


def _with_x(frame: Matrix, normal: Vector) -> Matrix:
    """``frame`` followed by a turn about Z, so that ``normal`` (perpendicular to its axis) becomes X."""
    turned = frame @ np.einsum("k,kij->ij", normal, PAULI) @ frame.conj().T
    # turned = cos X + sin Y
    turns = math.atan2(turned[1, 0].imag, turned[1, 0].real) / (2 * math.pi)
    return rz(-turns) @ frame


def _crossed(items: list[Entangler], between: list[int], d: Entangler) -> tuple[int, ...] | None:
    met = [place for place in between if not set(items[place].wires).isdisjoint(d.wires)]
    return tuple(met) if all(commute(items[place], d) for place in met) else None
