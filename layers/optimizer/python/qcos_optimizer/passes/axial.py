"""A circuit as entangling gates between rotated axes, all one-qubit gates pushed to the end.

U V = V (V^-1 U V): a one-qubit gate moves right past an entangling gate by turning the gate's axis on that qubit. What
is left are entangling gates, each diagonal in some direction of the Bloch sphere on some of its qubits, and one unitary
on every qubit at the end. Whether two gates commute, merge or cancel can then be read off their axes; no pair of
Hadamards or T gates hides it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..matrices import turns_of_one
from ..native import IDENTITY, Matrix
from ..pauli import Turn
from ..rotations import Local, parts_of
from ..simulation import Step, unitary
from ..source import Operation, clean, expand

Vector = NDArray[np.float64]
Mark = tuple[int, str]
Kind = Literal["zz", "ccp", "cciz", "margolus", "peres", "peres_xx", "zzz", "cswap", "window"]

PARALLEL = 1e-10
"""Axes whose cross product is shorter are the same: what that neglects is smaller still."""

PAULI: Matrix = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], dtype=np.complex128)
HADAMARD: Matrix = np.array([[1, 1], [1, -1]], dtype=np.complex128) / math.sqrt(2)
# Basis changes B with B P B^-1 = Z.
TO_Z: dict[str, Matrix] = {
    "x": HADAMARD,
    "y": HADAMARD @ np.diag([np.exp(0.25j * math.pi), np.exp(-0.25j * math.pi)]),
    "z": IDENTITY,
}
_AXES: dict[Kind, str] = {
    "zz": "zz",
    "ccp": "zzz",
    "cciz": "zzz",
    "margolus": "zz.",
    "peres": "z.z",
    "peres_xx": "..z",
    "zzz": "zzz",
    "cswap": "z..",
}


@dataclass(frozen=True, slots=True, eq=False)
class Entangler:
    """``core`` between basis changes: (x F_w^-1) core (x F_w), F_w = ``frames[w]`` on ``wires[w]``.

    Cores, with n = (1 - Z) / 2: ``zz`` exp(-i pi ``angle`` Z Z); ``ccp`` exp(i ``angle`` n n n); ``cciz`` CCZ after
    exp(-i pi ``angle`` Z Z 1), ``angle`` = 1/8 or -1/8; ``margolus`` CCZ and an X on the third qubit where the first
    two are in state ``pattern`` (the two commute; a positive ``angle`` says that the X is the later part); ``peres``
    exp(i pi/4 Z X 1) and ``peres_xx`` exp(i pi/4 X X 1) after CCZ, or the inverse if ``angle`` is negative; ``zzz``
    exp(-i pi ``angle`` Z Z Z); ``cswap``; ``window`` stands for a group of gates.

    ``marks``, where a frame is still the one the circuit was read with, tell how many of the circuit's one-qubit
    rotations on that wire came before (see :class:`Axial`), and which axis was then turned to Z.
    """

    kind: Kind
    wires: tuple[int, ...]
    frames: tuple[Matrix, ...]
    angle: float = 0.0
    pattern: tuple[int, int] = (1, 0)
    marks: tuple[Mark | None, ...] = ()
    axes: tuple[Vector | None, ...] = field(init=False)

    def __post_init__(self) -> None:
        letters = _AXES.get(self.kind, "." * len(self.wires))
        if not self.marks:
            object.__setattr__(self, "marks", (None,) * len(self.wires))
        axes = tuple(
            axis_of(frame) if letter == "z" else None for letter, frame in zip(letters, self.frames, strict=True)
        )
        object.__setattr__(self, "axes", axes)

    def axis(self, wire: int) -> Vector | None:
        """The direction in which the gate is diagonal on ``wire``, if there is one."""
        return self.axes[self.wires.index(wire)]

    def core(self) -> Matrix:
        """The unitary without its frames; ``wires[0]`` is the least significant bit."""
        return core(self.kind, self.angle, self.pattern)

    def unitary(self) -> Matrix:
        """The unitary on ``wires``, ``wires[0]`` the least significant bit."""
        turn: Matrix = np.eye(1, dtype=np.complex128)
        for frame in self.frames:
            turn = np.kron(frame, turn).astype(np.complex128, copy=False)
        made: Matrix = turn.conj().T @ self.core() @ turn
        return made

    def turned(self, wire: int, by: Matrix) -> Entangler:
        """The gate as it reads before ``by`` on ``wire``: U by = by turned."""
        place = self.wires.index(wire)
        frames = (*self.frames[:place], self.frames[place] @ by, *self.frames[place + 1 :])
        marks = (*self.marks[:place], None, *self.marks[place + 1 :])
        return replace(self, frames=frames, marks=marks)

    def zz(self, places: Sequence[int], turns: float) -> Entangler:
        """A ZZ rotation about two of the gate's axes."""
        return self.ordered(places, "zz", turns)

    def ordered(self, places: Sequence[int], kind: Kind | None = None, angle: float | None = None) -> Entangler:
        """The gate on its qubits in another order (only for cores that do not notice), or another gate on them."""
        return replace(
            self,
            kind=self.kind if kind is None else kind,
            angle=self.angle if angle is None else angle,
            wires=tuple(self.wires[k] for k in places),
            frames=tuple(self.frames[k] for k in places),
            marks=tuple(self.marks[k] for k in places),
        )


def core(kind: Kind, angle: float, pattern: tuple[int, int]) -> Matrix:
    """The unitary of a core (see :class:`Entangler`)."""
    if kind == "zz":
        return np.diag(np.exp(-1j * math.pi * angle * np.array([1, -1, -1, 1]))).astype(np.complex128)
    if kind == "zzz":
        signs = np.array([1, -1, -1, 1, -1, 1, 1, -1])
        return np.diag(np.exp(-1j * math.pi * angle * signs)).astype(np.complex128)
    made: Matrix = np.eye(8, dtype=np.complex128)
    if kind == "cswap":
        return made[[0, 1, 2, 5, 4, 3, 6, 7]]
    made[7, 7] = np.exp(1j * angle) if kind == "ccp" else -1
    if kind == "cciz":
        return made @ np.kron(np.eye(2), core("zz", angle, pattern))
    if kind == "margolus":
        low = pattern[0] + 2 * pattern[1]
        made[[low, low + 4]] = made[[low + 4, low]]
    if kind in ("peres", "peres_xx"):
        first = PAULI[2] if kind == "peres" else PAULI[0]
        axes = np.kron(PAULI[0], first)
        made = np.kron(np.eye(2), (np.eye(4) + 1j * axes) / math.sqrt(2)) @ made
        return made if angle > 0 else made.conj().T
    return made


@dataclass(slots=True)
class Axial:
    """``items`` in order, then ``tail[w]`` on every wire; input qubit q ends on wire ``ends[q]``. ``history[w]`` are
    the one-qubit rotations read on each wire, which ``tail_as_read`` says the tail still is."""

    qubits: int
    items: list[Entangler]
    tail: list[Matrix]
    ends: tuple[int, ...]
    history: tuple[list[Turn], ...]
    tail_as_read: list[bool]

    def steps(self) -> Iterator[Step]:
        """The circuit's unitaries in order."""
        for item in self.items:
            yield Step(item.unitary(), item.wires)
        for wire, matrix in enumerate(self.tail):
            yield Step(matrix, (wire,))

    def unitary(self) -> Matrix:
        """The whole circuit's matrix, before ``ends`` is applied; for few qubits."""
        return unitary(self.steps(), self.qubits)


class _Reader:
    """Frames and history while a circuit is read."""

    def __init__(self, qubits: int) -> None:
        self.items: list[Entangler] = []
        self.frames: list[Matrix] = [IDENTITY] * qubits
        self.history: tuple[list[Turn], ...] = tuple([] for _ in range(qubits))

    def local(self, wire: int, matrix: Matrix, turns: Iterable[Turn]) -> None:
        self.frames[wire] = matrix @ self.frames[wire]
        self.history[wire].extend(turns)

    def entangler(self, kind: Kind, wires: tuple[int, ...], letters: str, angle: float = 0.0) -> None:
        frames = tuple(TO_Z[letter] @ self.frames[wire] for letter, wire in zip(letters, wires, strict=True))
        marks = tuple((len(self.history[wire]), letter) for letter, wire in zip(letters, wires, strict=True))
        self.items.append(Entangler(kind, wires, frames, angle, marks=marks))

    def read(self, ends: Sequence[int]) -> Axial:
        return Axial(len(self.frames), self.items, self.frames, tuple(ends), self.history, [True] * len(self.frames))


def axial(operations: Iterable[Operation], qubits: int) -> Axial:
    """``operations`` in that form. CCX, CCZ and CSWAP stay whole, wider gates are expanded, SWAPs only rename wires."""
    reader = _Reader(qubits)
    place = list(range(qubits))
    for operation in _leaves(operations):
        wires = tuple(place[qubit] for qubit in operation.qubits)
        name = operation.gate.name
        if name == "swap":
            one, other = operation.qubits
            place[one], place[other] = place[other], place[one]
        elif name in ("ccx", "ccz"):
            reader.entangler("ccp", wires, "zzx" if name == "ccx" else "zzz", math.pi)
        elif name == "cswap":
            reader.entangler("cswap", wires, "zzz")
        else:
            gate = clean(operation.gate)
            params = () if name == "unitary" else tuple(float(angle) for angle in gate.params)
            for part in parts_of(name, params, np.asarray(gate.to_matrix(), dtype=np.complex128)):
                if isinstance(part, Local):
                    reader.local(wires[part.slot], part.matrix, turns_of_one(part.matrix))
                else:
                    reader.entangler("zz", wires, part.axis * 2, part.turns)
    return reader.read(place)


def of_turns(placed: Iterable[tuple[tuple[int, ...], Iterable[Turn]]], ends: Sequence[int]) -> Axial:
    """Pauli rotations of one or two qubits, each given by the qubits its masks are over, in that form."""
    reader = _Reader(len(ends))
    for qubits, turns in placed:
        for x, z, angle in turns:
            paulis = {
                qubit: "z" if not x >> slot & 1 else "y" if z >> slot & 1 else "x"
                for slot, qubit in enumerate(qubits)
                if (x | z) >> slot & 1
            }
            if len(paulis) == 1:
                ((wire, letter),) = paulis.items()
                pauli = TO_Z[letter].conj().T @ PAULI[2] @ TO_Z[letter]
                turned = math.cos(math.pi * angle) * IDENTITY - 1j * math.sin(math.pi * angle) * pauli
                reader.local(wire, turned, [(int(letter != "z"), int(letter != "x"), angle)])
            elif len(paulis) == 2:
                reader.entangler("zz", tuple(paulis), "".join(paulis.values()), angle)
            else:
                raise ValueError("only rotations of one or two qubits")
    return reader.read(ends)


def _leaves(operations: Iterable[Operation]) -> Iterator[Operation]:
    for operation in operations:
        if len(operation.qubits) <= 2 or operation.gate.name in ("ccx", "ccz", "cswap"):
            yield operation
        else:
            yield from expand([operation], 2)


def axis_of(frame: Matrix) -> Vector:
    """The unit vector v with frame^-1 Z frame = v.sigma."""
    # Written out, as in :func:`parallel`: this is asked whenever a gate is made.
    (a, b), (c, d) = frame.tolist()
    off = b.conjugate() * a - d.conjugate() * c
    return np.array([off.real, off.imag, abs(a) ** 2 - abs(c) ** 2])


def rotation(axis: Vector, angle: float) -> Matrix:
    """exp(-i ``angle`` axis.sigma)."""
    made: Matrix = math.cos(angle) * np.eye(2) - 1j * math.sin(angle) * np.einsum("k,kij->ij", axis, PAULI)
    return made


def parallel(one: Vector | None, other: Vector | None) -> bool:
    """The same axis, or the opposite one."""
    if one is None or other is None:
        return False
    # Written out: this is asked for every pair of gates that meet, and numpy's cross is slow for three numbers.
    (a, b, c), (x, y, z) = one.tolist(), other.tolist()
    return math.hypot(b * z - c * y, c * x - a * z, a * y - b * x) < PARALLEL


def perpendicular(one: Vector | None, other: Vector | None) -> bool:
    """Axes at right angles."""
    return one is not None and other is not None and abs(float(np.dot(one, other))) < PARALLEL


def commute(one: Entangler, other: Entangler) -> bool:
    """True only if the gates commute: no wire in common, the same axis on all common ones, or two ZZ rotations whose
    axes are perpendicular on both."""
    shared = [wire for wire in one.wires if wire in other.wires]
    pairs = [(one.axis(wire), other.axis(wire)) for wire in shared]
    if all(parallel(first, second) for first, second in pairs):
        return True
    return (
        one.kind == other.kind == "zz"
        and len(shared) == 2
        and all(
            abs(float(np.dot(first, second))) < PARALLEL
            for first, second in pairs
            if first is not None and second is not None
        )
    )


def embed_bits(mask: int, places: Sequence[int]) -> int:
    """``mask`` with bit s moved to ``places[s]``."""
    return sum(1 << place for slot, place in enumerate(places) if mask >> slot & 1)
