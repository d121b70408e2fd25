"""Entangling gates of two and three qubits as the fewest ZZ rotations known, with free one-qubit gates between them.

The table was found numerically (see :mod:`.fitting` and tests/bench/templates.py): no search with one rotation less
succeeded, and of the solutions found each entry has the least total angle. Each is exact to about 1e-15.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from qiskit.circuit.library import RZZGate, UnitaryGate

from ..native import IDENTITY, Matrix
from ..source import Operation
from .axial import HADAMARD, PAULI, TO_Z, Axial, Entangler, core
from .fitting import Fit, fit, shorten
from .template_table import TABLE

Pair = tuple[int, int]

NEGLIGIBLE = 1e-14

_PHASE_PAIRS: tuple[Pair, ...] = ((0, 1), (1, 2), (0, 1), (0, 2), (1, 2))


@dataclass(frozen=True, slots=True)
class Template:
    """One-qubit gates ``first`` on every qubit, then for each of ``pairs`` exp(-i pi ``turns[k]`` Z Z) and
    ``after[k]`` on its two qubits."""

    pairs: tuple[Pair, ...]
    turns: tuple[float, ...]
    first: tuple[Matrix, ...]
    after: tuple[tuple[Matrix, Matrix], ...]

    def inverse(self) -> Template:
        """The template of the inverse unitary."""
        first = [IDENTITY] * len(self.first)
        after: list[list[Matrix]] = []
        # Where, seen from the end, the next matrix on a qubit goes: right after the rotation last seen there.
        last: dict[int, tuple[int, int]] = {}

        def put(qubit: int, matrix: Matrix) -> None:
            if qubit in last:
                number, side = last[qubit]
                after[number][side] = matrix.conj().T
            else:
                first[qubit] = matrix.conj().T

        for pair, matrices in zip(reversed(self.pairs), reversed(self.after), strict=True):
            for qubit, matrix in zip(pair, matrices, strict=True):
                put(qubit, matrix)
            after.append([IDENTITY, IDENTITY])
            last[pair[0]], last[pair[1]] = (len(after) - 1, 0), (len(after) - 1, 1)
        for qubit, matrix in enumerate(self.first):
            put(qubit, matrix)
        turns = tuple(-turn for turn in reversed(self.turns))
        return Template(tuple(reversed(self.pairs)), turns, tuple(first), tuple((one, other) for one, other in after))

    def renamed(self, order: tuple[int, ...]) -> Template:
        """The template with qubit q called ``order[q]``."""
        first = [IDENTITY] * len(order)
        for qubit, matrix in zip(order, self.first, strict=True):
            first[qubit] = matrix
        pairs = tuple((order[low], order[high]) for low, high in self.pairs)
        return Template(pairs, self.turns, tuple(first), self.after)


@cache
def stored(name: str) -> Template:
    """An entry of the table."""
    pairs, turns, quaternions = TABLE[name]
    locals_ = [a * IDENTITY + 1j * np.einsum("k,kij->ij", np.array([x, y, z]), PAULI) for a, x, y, z in quaternions]
    qubits = len(locals_) - 2 * len(pairs)
    rest = locals_[qubits:]
    after = tuple((rest[2 * k], rest[2 * k + 1]) for k in range(len(pairs)))
    return Template(pairs, turns, tuple(locals_[:qubits]), after)


def template(item: Entangler) -> Template:
    """The fewest rotations for the core of ``item``; ValueError for a kind that has none."""
    if item.kind == "zz":
        return Template(((0, 1),), (item.angle,), (IDENTITY, IDENTITY), ((IDENTITY, IDENTITY),))
    if item.kind == "ccp":
        return _controlled_phase(math.remainder(item.angle, 2 * math.pi))
    if item.kind == "cciz":
        return stored("cciz") if item.angle > 0 else stored("cciz").inverse()
    if item.kind == "margolus":
        if item.pattern == (0, 0):
            return stored("margolus_00")
        return stored("margolus") if item.pattern == (1, 0) else stored("margolus").renamed((1, 0, 2))
    if item.kind in ("peres", "peres_xx"):
        return stored(item.kind) if item.angle > 0 else stored(item.kind).inverse()
    if item.kind == "zzz":
        return _triple(item.angle)
    if item.kind == "cswap":
        return stored("cswap")
    raise ValueError(f"no template for {item.kind}")


def _triple(turns: float) -> Template:
    """exp(-i pi t Z Z Z): a quarter turn about Z X takes Y on the second qubit to -Z Z, and another back."""
    y_to_z = TO_Z["y"]
    first = (IDENTITY, HADAMARD, IDENTITY)
    between = (IDENTITY, y_to_z @ HADAMARD)
    return Template(
        ((0, 1), (1, 2), (0, 1)),
        (0.25, -turns, -0.25),
        first,
        (between, (HADAMARD @ y_to_z.conj().T, IDENTITY), (IDENTITY, HADAMARD)),
    )


@cache
def _controlled_phase(angle: float) -> Template:
    if abs(abs(angle) - math.pi) < 1e-12:
        return stored("ccz")
    wanted = core("ccp", angle, (1, 0))
    found = fit(wanted, _PHASE_PAIRS, np.random.default_rng(0), 16)
    best = min((shorten(wanted, one, 25) for one in found[:2]), key=lambda one: one.total)
    return of_fit(best)


def of_fit(found: Fit) -> Template:
    """What was found numerically, as a template."""
    turns = tuple(float(turn) for turn in found.turns)
    return Template(found.pairs, turns, tuple(found.first), tuple((one[0], one[1]) for one in found.after))


def operations(circuit: Axial) -> tuple[Operation, ...]:
    """``circuit`` in one-qubit unitaries and RZZ gates, every entangling gate by its template."""
    pending = [IDENTITY] * circuit.qubits
    made: list[Operation] = []

    def flush(wire: int) -> None:
        if np.abs(pending[wire] - pending[wire][0, 0] * IDENTITY).max() > NEGLIGIBLE:
            made.append(Operation(UnitaryGate(pending[wire], check_input=False), (wire,)))
        pending[wire] = IDENTITY

    for item in circuit.items:
        used = template(item)
        for wire, frame, matrix in zip(item.wires, item.frames, used.first, strict=True):
            pending[wire] = matrix @ frame @ pending[wire]
        for pair, turns, after in zip(used.pairs, used.turns, used.after, strict=True):
            wires = (item.wires[pair[0]], item.wires[pair[1]])
            for wire in wires:
                flush(wire)
            made.append(Operation(RZZGate(2 * math.pi * turns), wires))
            for wire, matrix in zip(wires, after, strict=True):
                pending[wire] = matrix @ pending[wire]
        for wire, frame in zip(item.wires, item.frames, strict=True):
            pending[wire] = frame.conj().T @ pending[wire]
    for wire, matrix in enumerate(circuit.tail):
        pending[wire] = matrix @ pending[wire]
        flush(wire)
    return tuple(made)
