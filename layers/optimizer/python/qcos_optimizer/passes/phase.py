"""Phase folding in place: equal rotations are added up where the first of them stands, and nothing else changes.

Pulled back through the Clifford gates before it, each rotation is a Pauli on the input. Two rotations of the same Pauli
may be added up if all rotations between them commute with it, however the circuit between them looks; the gates that
entangle stay where they are. So circuits keep a structure that was thought out, such as that of an arithmetic
circuit, where synthesis from scratch would lose it. Source: Nam et al., "Automated optimization of large quantum
circuits with continuous parameters", npj Quantum Information 4, 23 (2018); Zhang and Chen, "Optimizing T gates in
Clifford+T circuit as pi/4 rotations around Paulis" (arXiv:1903.12456).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..pauli import PauliForm, anticommute, sign
from .gadgets import Placed

_CLIFFORD = 1e-11
MAX_ROTATIONS = 6_000
"""Above this the circuit is left as it is: the work grows with the square of the rotations."""


@dataclass(slots=True)
class _Seen:
    """A rotation kept: its Pauli on the input, its sign there, and its place in the circuit."""

    x: int
    z: int
    sign: int
    place: int


def fold(placed: Sequence[Placed], qubits: int) -> list[Placed]:
    """The same circuit with as few rotations that are no Cliffords as this finds."""
    frame = PauliForm(qubits)
    kept: list[Placed | None] = []
    seen: list[_Seen] = []
    for (x, z, turns), wires in placed:
        wide_x = sum(1 << wire for slot, wire in enumerate(wires) if x >> slot & 1)
        wide_z = sum(1 << wire for slot, wire in enumerate(wires) if z >> slot & 1)
        if abs(math.remainder(turns, 0.25)) < _CLIFFORD or len(seen) > MAX_ROTATIONS:
            frame.turn(wide_x, wide_z, round(4 * turns) / 4)
            kept.append(((x, z, turns), wires))
            continue
        image = frame.image(wide_x, wide_z)
        home = _partner(seen, image[0], image[1])
        if home is None:
            seen.append(_Seen(image[0], image[1], sign(image), len(kept)))
            kept.append(((x, z, turns), wires))
            continue
        first = kept[home.place]
        if first is None:
            raise AssertionError("a rotation that is gone is not looked at again")
        (first_x, first_z, had), first_wires = first
        total = math.remainder(had + turns * sign(image) * home.sign, 1.0)
        if abs(total) < _CLIFFORD:
            kept[home.place] = None
            seen.remove(home)
        else:
            kept[home.place] = ((first_x, first_z, total), first_wires)
    return [one for one in kept if one is not None]


def _partner(seen: Sequence[_Seen], x: int, z: int) -> _Seen | None:
    for one in reversed(seen):
        if one.x == x and one.z == z:
            return one
        if anticommute(x, z, one.x, one.z):
            return None
    return None
