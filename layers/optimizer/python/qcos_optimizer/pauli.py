"""Circuits as Pauli rotations followed by one Clifford, signs exact.

A Pauli is (x, z, k) = i^k X^x Z^z, bit q of the integers for qubit q; it is Hermitian if k - |x & z| is even, and then
its sign is (-1)^((k - |x & z|) / 2). A rotation is exp(-i pi turns P): a Clifford for multiples of a quarter, a Pauli
for a half. Source of the form: Litinski, "A game of surface codes", Quantum 3, 128 (2019).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

Pauli = tuple[int, int, int]
"""i^k X^x Z^z as (x, z, k)."""

Turn = tuple[int, int, float]
"""exp(-i pi turns P) as (x, z, turns), P the Hermitian Pauli of plus sign with these bits."""

SNAP = 1e-11
"""Turns this near to a Clifford's are taken for it; what that neglects is summed up in ``PauliForm.error``."""

NEGLIGIBLE = 1e-9
"""Turns that may be left over where blocks were multiplied out, which costs digits."""


def times(one: Pauli, other: Pauli) -> Pauli:
    """The operator product ``one`` ``other``."""
    return (one[0] ^ other[0], one[1] ^ other[1], (one[2] + other[2] + 2 * (one[1] & other[0]).bit_count()) % 4)


def anticommute(x: int, z: int, other_x: int, other_z: int) -> bool:
    """Whether two Paulis, given by their bits, anticommute."""
    return ((x & other_z).bit_count() + (z & other_x).bit_count()) % 2 == 1


def sign(pauli: Pauli) -> int:
    """1 or -1 for a Hermitian Pauli."""
    return -1 if (pauli[2] - (pauli[0] & pauli[1]).bit_count()) % 4 else 1


def bits(mask: int) -> Iterable[int]:
    """The places of the ones, lowest first."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class PauliForm:
    """A circuit U = C R_m ... R_1: ``rotations`` R_1 to R_m, none a Clifford, then the Clifford C.

    ``image_x[q]`` is C^-1 X_q C, ``image_z[q]`` likewise. Equal rotations are merged whenever those between commute
    with them, which is sound because a rotation then may change places with each of them. ``error`` bounds, in
    operator norm, what was neglected by taking angles within ``SNAP`` of a Clifford's for that Clifford's. ``passed``
    counts the rotations that others were compared with: what the work grows with.
    """

    def __init__(self, qubits: int) -> None:
        self.qubits = qubits
        self.rotations: list[Turn] = []
        self.image_x: list[Pauli] = [(1 << qubit, 0, 0) for qubit in range(qubits)]
        self.image_z: list[Pauli] = [(0, 1 << qubit, 0) for qubit in range(qubits)]
        self.error = 0.0
        self.passed = 0
        self._met: set[tuple[int, int]] = set()

    def turn(self, x: int, z: int, turns: float) -> None:
        """Append the rotation exp(-i pi turns P) to the circuit."""
        image = self.image(x, z)
        quarters, rest = self._split(turns)
        if quarters:
            self._advance(image, quarters, bits(x | z))
        if rest:
            self._rotate(image[0], image[1], rest * sign(image))

    def image(self, x: int, z: int) -> Pauli:
        """C^-1 P C of the Hermitian P of plus sign."""
        made: Pauli = (0, 0, (x & z).bit_count() % 4)
        for qubit in bits(x):
            made = times(made, self.image_x[qubit])
        for qubit in bits(z):
            made = times(made, self.image_z[qubit])
        return made

    def relabel(self, layout: Iterable[int]) -> None:
        """From here on, what was qubit q is called ``layout[q]``."""
        rows_x, rows_z = list(self.image_x), list(self.image_z)
        for qubit, wire in enumerate(layout):
            self.image_x[wire], self.image_z[wire] = rows_x[qubit], rows_z[qubit]

    def settle(self) -> None:
        """Merge until nothing merges: a rotation that vanished may have stood between two others."""
        count = -1
        while count != len(self.rotations):
            count = len(self.rotations)
            again = PauliForm(self.qubits)
            for x, z, turns in self.rotations:
                again.turn(x, z, turns)
            self.rotations = again.rotations
            self.error += again.error
            self.passed += again.passed
            for rows in (self.image_x, self.image_z):
                for qubit, row in enumerate(rows):
                    seen = again.image(row[0], row[1])
                    rows[qubit] = (seen[0], seen[1], (seen[2] + row[2] - (row[0] & row[1]).bit_count()) % 4)

    def drop(self) -> None:
        """Leave out rotations of next to no angle; they are only ever as far from nothing as ``error`` then says."""
        self.error += sum(math.pi * abs(turns) for _, _, turns in self.rotations if abs(turns) < NEGLIGIBLE)
        self.rotations = [turn for turn in self.rotations if abs(turn[2]) >= NEGLIGIBLE]

    def is_identity(self) -> bool:
        """Whether this is the identity (up to a global phase and ``error``)."""
        return not self.rotations and all(
            self.image_x[qubit] == (1 << qubit, 0, 0) and self.image_z[qubit] == (0, 1 << qubit, 0)
            for qubit in range(self.qubits)
        )

    def _split(self, turns: float) -> tuple[int, float]:
        quarters = math.floor(4 * turns + 0.5 - 1e-9)
        rest = turns - quarters / 4
        if abs(rest) < SNAP:
            self.error += math.pi * abs(rest)
            rest = 0.0
        return quarters % 4, rest

    def _advance(self, image: Pauli, quarters: int, qubits: Iterable[int]) -> None:
        """C becomes C exp(-i pi quarters/4 ``image``); only the rows of ``qubits`` may change."""
        x, z, k = image
        # g^-1 Q g = i P Q for a quarter, -Q for a half, -i P Q for three quarters, if P and Q anticommute
        factor: Pauli = (0, 0, 2) if quarters == 2 else (x, z, (k + quarters) % 4)
        for qubit in qubits:
            row = self.image_x[qubit]
            if anticommute(x, z, row[0], row[1]):
                self.image_x[qubit] = times(factor, row)
            row = self.image_z[qubit]
            if anticommute(x, z, row[0], row[1]):
                self.image_z[qubit] = times(factor, row)

    def _rotate(self, x: int, z: int, turns: float) -> None:
        """Append a rotation on the near side of C."""
        rotations = self.rotations
        # Most Paulis are new: nothing of theirs is there to be found.
        last = len(rotations) - 1 if (x, z) in self._met else -1
        self._met.add((x, z))
        for place in range(last, -1, -1):
            self.passed += 1
            other_x, other_z, had = rotations[place]
            if other_x == x and other_z == z:
                quarters, rest = self._split(had + turns)
                if rest:
                    rotations[place] = (x, z, rest)
                else:
                    del rotations[place]
                if quarters:
                    # It commutes with all that follow it, so it joins C and changes none of them.
                    plus: Pauli = (x, z, (x & z).bit_count() % 4)
                    self._advance(plus, quarters, range(self.qubits))
                return
            if ((x & other_z).bit_count() + (z & other_x).bit_count()) & 1:
                break
        rotations.append((x, z, turns))
