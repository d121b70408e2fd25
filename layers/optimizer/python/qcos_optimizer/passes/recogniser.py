"""Toffoli gates found in circuits of CX and one-qubit gates, by what a window of gates does to single-qubit Paulis.

If a window takes, on each of its three wires, some direction of the Bloch sphere to a direction on the same wire, it is
diagonal up to one-qubit gates: exp(i (sum of a_i n_i + b_ij n_i n_j + c n_1 n_2 n_3)), n the projector on that
direction. The phases are read off; c = pi is CCZ, CCX, and with b_ij = pi/2 their C-C-iX forms, whatever gates the
window is written in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ..native import Matrix, rz
from ..simulation import Step, unitary
from .axial import PAULI, Axial, Entangler, Vector, commute
from .fitting import embed
from .hygiene import turn_rest

REACH = 40
"""How many gates after its first one a window may look at."""

LONGEST = 14
"""Entangling gates in a window at most; Toffoli gates are written with six to eight CX."""

SHORTEST = 5
EXACT = 1e-9


@dataclass(frozen=True, slots=True)
class Diagonal:
    """A unitary as (x ``after``[w]) exp(i sum over s of ``phases[s]`` n_s) between ``frames``: n_s the product of the
    projectors n on the wires whose bits are set in s, ``phases`` of two or three wires within half a turn."""

    frames: tuple[Matrix, Matrix, Matrix]
    after: tuple[Matrix, Matrix, Matrix]
    phases: dict[int, float]


def recognise(circuit: Axial) -> Axial:
    """The same circuit, with every window that is a CCZ up to phases of two qubits replaced by these, if that takes no
    more rotations."""
    made = Axial(
        circuit.qubits,
        list(circuit.items),
        list(circuit.tail),
        circuit.ends,
        circuit.history,
        list(circuit.tail_as_read),
    )
    first = 0
    while first < len(made.items):
        found = _best(made.items, first) if made.items[first].kind == "zz" else None
        if found is None:
            first += 1
            continue
        members, wires, shape = found
        taken = set(members)
        new, singles = _entanglers(shape, wires)
        made.items[:] = [
            *made.items[:first],
            *new,
            *(item for place, item in enumerate(made.items) if place > first and place not in taken),
        ]
        first += len(new)
        for wire, frame, after, angle in zip(wires, shape.frames, shape.after, singles, strict=True):
            turn_rest(made, first, wire, after @ _phase(frame, angle))
    return made


def diagonal(matrix: Matrix) -> Diagonal | None:
    """A three-qubit unitary as a diagonal one between one-qubit gates, or None."""
    frames: list[Matrix] = []
    images: list[Matrix] = []
    for wire in range(3):
        found = _axes(matrix, wire)
        if found is None:
            return None
        frames.append(_frame_of(found[0]))
        images.append(_frame_of(found[1]))
    middle = _kron(images) @ matrix @ _kron(frames).conj().T
    if np.abs(middle - np.diag(np.diag(middle))).max() > EXACT:
        return None
    angles = np.angle(np.diag(middle) / middle[0, 0])
    after = [image.conj().T @ frame for image, frame in zip(images, frames, strict=True)]
    # An axis may point either way: the projector on its other end gives other phases of the same unitary.
    made = []
    for flips in range(8):
        turned = [PAULI[0] @ frame if flips >> wire & 1 else frame for wire, frame in enumerate(frames)]
        phases = _phases([float(angles[part ^ flips]) for part in range(8)])
        made.append(Diagonal((turned[0], turned[1], turned[2]), (after[0], after[1], after[2]), phases))
    return min(made, key=_cost)


def _phases(angles: Sequence[float]) -> dict[int, float]:
    """The angle of each product of projectors, from the angles of the basis states."""
    made: dict[int, float] = {}
    for mask in range(1, 8):
        inside = [part for part in range(8) if part & mask == part]
        total = sum((-1) ** (mask.bit_count() - part.bit_count()) * angles[part] for part in inside)
        made[mask] = math.remainder(total, 2 * math.pi)
    return made


def _axes(matrix: Matrix, wire: int) -> tuple[Vector, Vector] | None:
    """A direction on ``wire`` and the direction there that the unitary takes it to; None if there is none, or all."""
    paulis = [embed(pauli, wire, 3) for pauli in PAULI]
    turned = [matrix @ pauli @ matrix.conj().T for pauli in paulis]
    transfer = np.array([[np.vdot(to, one).real / 8 for one in turned] for to in paulis])
    left, values, right = np.linalg.svd(transfer)
    if values[0] < 1 - EXACT or values[1] > 1 - 1e-6:
        return None
    return right[0], left[:, 0]


def _frame_of(axis: Vector) -> Matrix:
    """A unitary V with V (axis.sigma) V^-1 = Z."""
    _, vectors = np.linalg.eigh(np.einsum("k,kij->ij", axis, PAULI))
    made: Matrix = vectors[:, ::-1].conj().T
    return made


def _kron(matrices: Sequence[Matrix]) -> Matrix:
    return np.kron(matrices[2], np.kron(matrices[1], matrices[0])).astype(np.complex128, copy=False)


def _phase(frame: Matrix, angle: float) -> Matrix:
    """exp(i ``angle`` n) up to a phase."""
    return frame.conj().T @ rz(angle / (2 * math.pi)) @ frame


def _cost(found: Diagonal) -> int:
    pairs = sum(abs(found.phases[1 << low | 1 << high]) > EXACT for low, high in combinations(range(3), 2))
    # One phase of a quarter turn comes with the CCZ: as C-C-iX it is a rotation cheaper.
    quarter = any(
        abs(abs(found.phases[1 << low | 1 << high]) - math.pi / 2) < EXACT for low, high in combinations(range(3), 2)
    )
    return 5 + pairs - 2 * quarter


def _best(items: Sequence[Entangler], first: int) -> tuple[tuple[int, ...], tuple[int, ...], Diagonal] | None:
    best: tuple[int, tuple[int, ...], tuple[int, ...], Diagonal] | None = None
    for wires in _triples(items, first):
        place = {wire: number for number, wire in enumerate(wires)}
        matrix: Matrix = np.eye(8, dtype=np.complex128)
        members: list[int] = []
        for member in _members(items, first, wires):
            members.append(member)
            item = items[member]
            matrix = unitary([Step(item.unitary(), tuple(place[wire] for wire in item.wires))], 3) @ matrix
            if len(members) < SHORTEST:
                continue
            found = diagonal(matrix)
            if found is None or abs(abs(found.phases[7]) - math.pi) > EXACT:
                continue
            gain = len(members) - _cost(found)
            if gain >= 0 and (best is None or gain > best[0]):
                best = (gain, tuple(members), wires, found)
    return None if best is None else best[1:]


def _triples(items: Sequence[Entangler], first: int) -> list[tuple[int, ...]]:
    own = items[first].wires
    thirds: dict[int, None] = {}
    for item in items[first + 1 : first + REACH]:
        if item.kind == "zz" and not set(item.wires).isdisjoint(own):
            for wire in item.wires:
                if wire not in own:
                    thirds.setdefault(wire)
    return [(*own, third) for third in list(thirds)[:4]]


def _members(items: Sequence[Entangler], first: int, wires: tuple[int, ...]) -> Iterator[int]:
    """Rotations on ``wires`` that can be moved next to the first one, in order."""
    passed: list[Entangler] = []
    stuck: set[int] = set()
    count = 1
    yield first
    for place in range(first + 1, min(first + REACH, len(items))):
        item = items[place]
        shared = [wire for wire in item.wires if wire in wires]
        if not shared:
            continue
        if len(shared) == len(item.wires) and item.kind == "zz" and all(commute(item, other) for other in passed):
            count += 1
            if count > LONGEST:
                return
            yield place
            continue
        passed.append(item)
        stuck.update(wire for wire in shared if item.axis(wire) is None)
        if len(stuck) > 1:
            return


def _entanglers(found: Diagonal, wires: tuple[int, ...]) -> tuple[list[Entangler], list[float]]:
    """The entangling gates of ``found``, and the phases of the single wires that go with them."""
    made = [Entangler("ccp", wires, found.frames, math.pi)]
    singles = [found.phases[1 << place] for place in range(3)]
    for low, high in combinations(range(3), 2):
        angle = found.phases[1 << low | 1 << high]
        if abs(angle) > EXACT:
            # n m = (1 - A - B + A B) / 4 and A = 1 - 2 n
            made.append(made[0].zz((low, high), -angle / (4 * math.pi)))
            singles[low] += angle / 2
            singles[high] += angle / 2
    return made, singles
