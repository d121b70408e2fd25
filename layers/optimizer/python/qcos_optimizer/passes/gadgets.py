"""Greedy synthesis of Pauli rotations and the Clifford after them, into rotations of at most two qubits.

Any rotation of two qubits is one native gate, whatever its angle. So a rotation of weight w needs w - 2 quarter turns
exp(-i pi/4 A B) around it, and each such quarter turn changes all the rotations that are left: the one is taken that
lowers their weights most, those to come soon counting most. Rotations that commute may be taken in any order, which
decides what comes soon. The Clifford at the end is a set of Paulis like the others (what it makes of each X and Z) and
is reduced in the same way; swaps in it cost nothing. In the spirit of Schmitz et al., "Graph optimization perspective
for low-depth Trotter-Suzuki decomposition" (arXiv:2103.08602), Martiel and de Brugiere, "Faster and shorter synthesis
of Hamiltonian simulation circuits" (arXiv:2404.03280) and Paykin et al., "PCOAST" (arXiv:2305.10966).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..pauli import Pauli, PauliForm, Turn, bits, sign
from .cliffords import local_cliffords

Bits = NDArray[np.int8]
Placed = tuple[Turn, tuple[int, ...]]
"""A rotation on the qubits named: its masks are over them."""

MAX_ROTATIONS = 1_500
_LETTERS = ((1, 0), (1, 1), (0, 1))  # x, y, z as bits


@dataclass(frozen=True, slots=True)
class Weighting:
    """How much rotations count: ``fade`` for each layer further away, ``tail`` for each Pauli of the last Clifford;
    at most ``window`` rotations are looked at."""

    fade: float = 0.7
    tail: float = 0.05
    window: int = 120


@dataclass(frozen=True, slots=True)
class Synthesized:
    """Rotations of one or two qubits in order, and the wire on which each qubit ends."""

    turns: tuple[Placed, ...]
    layout: tuple[int, ...]

    def inverse(self) -> Synthesized:
        """The inverse circuit, its wires renamed so that qubit q enters on wire q."""
        home = [0] * len(self.layout)
        for qubit, wire in enumerate(self.layout):
            home[wire] = qubit
        turns = tuple(
            ((x, z, -angle), tuple(home[wire] for wire in wires)) for (x, z, angle), wires in reversed(self.turns)
        )
        return Synthesized(turns, tuple(home))


def synthesize(form: PauliForm, weighting: Weighting) -> Synthesized | None:
    """A circuit for ``form``; None if it has too many rotations."""
    if len(form.rotations) > MAX_ROTATIONS:
        return None
    work = _Work(form, weighting)
    while work.left.size:
        work.step()
    work.reduce_tail()
    return work.finish()


class _Work:
    """What is left to do, as bit arrays: row i < m is rotation i, rows m.. the images of X_0, Z_0, X_1, ... ."""

    def __init__(self, form: PauliForm, weighting: Weighting) -> None:
        self.qubits = form.qubits
        self.weighting = weighting
        self.angles = [turns for _, _, turns in form.rotations]
        self.count = len(self.angles)
        paulis: list[Pauli] = [(x, z, (x & z).bit_count() % 4) for x, z, _ in form.rotations]
        for qubit in range(form.qubits):
            paulis += [form.image_x[qubit], form.image_z[qubit]]
        self.x = _unpack([pauli[0] for pauli in paulis], form.qubits)
        self.z = _unpack([pauli[1] for pauli in paulis], form.qubits)
        self.k = np.array([pauli[2] for pauli in paulis], dtype=np.int64)
        self.made: list[Placed] = []
        x, z = (rows[: self.count].astype(np.float32) for rows in (self.x, self.z))
        before = np.tril(((x @ z.T + z @ x.T) % 2) > 0.5, -1)
        self.follows = [np.flatnonzero(before[:, row]) for row in range(self.count)]
        self.waits = before.sum(axis=1)
        layer = np.zeros(self.count, dtype=np.int64)
        for row in range(self.count):
            behind = np.flatnonzero(before[row])
            layer[row] = 1 + layer[behind].max() if behind.size else 0
        self.layer = layer
        self.left = np.argsort(layer, kind="stable")

    def step(self) -> None:
        """Emit what costs nothing; then one two-qubit gate."""
        front = self.left[self.waits[self.left] == 0]
        weights = (self.x[front] | self.z[front]).sum(axis=1)
        least = int(weights.min())
        if least <= 1:
            for row in front[weights <= 1]:
                self._emit(int(row))
            return
        targets = front[weights == least]
        seen = self.left[: self.weighting.window]
        value = self.weighting.fade ** (self.layer[seen] - self.layer[seen].min()).astype(np.float64)
        rows = np.concatenate([seen, np.arange(self.count, len(self.k))])
        value = np.concatenate([value, np.full(2 * self.qubits, self.weighting.tail)])
        change, shrinks = self._changes(rows, value, targets)
        best = np.where(shrinks, change, np.inf)
        place = int(best.argmin())
        if least == 2 and best.flat[place] > -1 - 1e-9:
            self._emit(int(targets[0]))
            return
        self._conjugate(*_gate(place, self.qubits))

    def _emit(self, row: int) -> None:
        x, z = _pack(self.x[row]), _pack(self.z[row])
        wires = tuple(bits(x | z))
        local_x = sum(1 << slot for slot, wire in enumerate(wires) if x >> wire & 1)
        local_z = sum(1 << slot for slot, wire in enumerate(wires) if z >> wire & 1)
        turned = sign((x, z, int(self.k[row]))) * self.angles[row]
        self.made.append(((local_x, local_z, turned), wires))
        self.waits[self.follows[row]] -= 1
        self.left = self.left[self.left != row]

    def _changes(
        self, rows: NDArray[np.int64], value: NDArray[np.float64], targets: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """For each quarter turn about A_a B_b, at [a, A, b, B]: by how much it changes the weighted sum of weights,
        and whether it lowers the weight of a target."""
        letters = _one_hot(self.x[rows], self.z[rows])
        size = self.qubits
        together = (letters * value[:, None]).T @ letters
        single = value @ letters
        # Where a has its own letter A, or none, and b a letter other than B:
        pairs = together.reshape(size, 3, size, 3)
        without_a = single.reshape(1, size, 3) - (pairs[:, 0] + pairs[:, 1] + pairs[:, 2])
        change = _others(without_a)[:, None, :, :] - _others(pairs)
        change = change + change.transpose(2, 3, 0, 1)
        if targets is None:
            return change, np.ones_like(change, dtype=np.bool_)
        letters = _one_hot(self.x[targets], self.z[targets])
        pairs = (letters.T @ letters).reshape(size, 3, size, 3)
        shrinks = _others(pairs)
        own = np.arange(size)
        shrinks[own, :, own, :] = 0
        return change, (shrinks + shrinks.transpose(2, 3, 0, 1)) > 0.5

    def _conjugate(self, first: int, letter: int, second: int, other: int) -> None:
        """Apply g = exp(-i pi/4 A B) now: every row P that anticommutes with A B becomes g P g^-1 = -i A B P."""
        (x1, z1), (x2, z2) = _LETTERS[letter], _LETTERS[other]
        self.made.append(((x1 | x2 << 1, z1 | z2 << 1, 0.25), (first, second)))
        xa, za, xb, zb = self.x[:, first], self.z[:, first], self.x[:, second], self.z[:, second]
        odd = ((xa & z1) ^ (za & x1) ^ (xb & z2) ^ (zb & x2)).astype(np.bool_)
        gain = 3 + (x1 & z1) + (x2 & z2) + 2 * ((z1 & xa) + (z2 & xb)).astype(np.int64)
        self.k[odd] = (self.k[odd] + gain[odd]) % 4
        for column, bit in ((xa, x1), (za, z1), (xb, x2), (zb, z2)):
            if bit:
                column[odd] ^= 1

    def reduce_tail(self) -> None:
        """Quarter turns until every X and Z of the Clifford is on one wire."""
        rows = np.arange(self.count, len(self.k))
        value = np.ones(2 * self.qubits)
        while True:
            support = self.x[rows] | self.z[rows]
            if (support.sum(axis=1) <= 1).all():
                return
            change, _ = self._changes(rows, value, None)
            own = np.arange(self.qubits)
            change[own, :, own, :] = np.inf
            place = int(change.argmin())
            if change.flat[place] > -1e-9:
                self._sweep(rows)
                continue
            self._conjugate(*_gate(place, self.qubits))

    def _sweep(self, rows: NDArray[np.int64]) -> None:
        """Bring the images of one X and its Z, the pair of least weight that is not yet there, onto one wire."""
        weights = (self.x[rows] | self.z[rows]).sum(axis=1)
        pairs = [(int(weights[2 * q] + weights[2 * q + 1]), q) for q in range(self.qubits)]
        _, qubit = min(pair for pair in pairs if pair[0] > 2)
        first, second = int(rows[2 * qubit]), int(rows[2 * qubit + 1])
        both = np.flatnonzero((self.x[first] | self.z[first]) & (self.x[second] | self.z[second]))
        # The two anticommute, so on some wire they have different letters: that wire is kept.
        home = int(next(wire for wire in both.tolist() if self._letter(first, wire) != self._letter(second, wire)))
        for wire in np.flatnonzero(self.x[first] | self.z[first]):
            if wire != home:
                # A turn about (another letter at home) (this letter there) moves the letter at home only.
                other = next(letter for letter in range(3) if letter != self._letter(first, home))
                self._conjugate(home, other, int(wire), self._letter(first, int(wire)))
        if self._letter(second, home) in (self._letter(first, home), -1):
            raise AssertionError("anticommuting Paulis stay anticommuting")
        for wire in np.flatnonzero(self.x[second] | self.z[second]):
            if wire != home:
                # The first one's letter at home: it commutes with the first one.
                self._conjugate(home, self._letter(first, home), int(wire), self._letter(second, int(wire)))

    def _letter(self, row: int, wire: int) -> int:
        """Its place in ``_LETTERS``, -1 for none."""
        found = (int(self.x[row, wire]), int(self.z[row, wire]))
        return _LETTERS.index(found) if any(found) else -1

    def finish(self) -> Synthesized:
        """The one-qubit Cliffords and the permutation that remain."""
        layout = []
        for qubit in range(self.qubits):
            first = self.count + 2 * qubit
            wire = int(np.flatnonzero(self.x[first] | self.z[first])[0])
            layout.append(wire)
            seen = []
            for row in (first, first + 1):
                x, z = int(self.x[row, wire]), int(self.z[row, wire])
                seen.append((x, z, int(self.k[row])))
            self.made += [(turn, (wire,)) for turn in local_cliffords()[tuple(seen)]]
        return Synthesized(tuple(self.made), tuple(layout))


def _gate(place: int, qubits: int) -> tuple[int, int, int, int]:
    first, letter, second, other = np.unravel_index(place, (qubits, 3, qubits, 3))
    return int(first), int(letter), int(second), int(other)


def _others(letters: NDArray[np.float64]) -> NDArray[np.float64]:
    """Along the last axis, for each of the three letters: what the other two have together."""
    # Three slices: numpy's own sum takes many times as long over an axis this short.
    return (letters[..., 0] + letters[..., 1] + letters[..., 2])[..., None] - letters


def _one_hot(x: Bits, z: Bits) -> NDArray[np.float64]:
    """Row i, column 3 q + l: whether row i has letter l (x, y, z) on qubit q."""
    made = np.empty((*x.shape, 3))
    both = x & z
    np.subtract(x, both, out=made[..., 0])
    made[..., 1] = both
    np.subtract(z, both, out=made[..., 2])
    return made.reshape(len(x), -1)


def _unpack(masks: Sequence[int], qubits: int) -> Bits:
    return np.array([[mask >> qubit & 1 for qubit in range(qubits)] for mask in masks], dtype=np.int8).reshape(
        len(masks), qubits
    )


def _pack(row: Bits) -> int:
    return sum(1 << int(wire) for wire in np.flatnonzero(row))
