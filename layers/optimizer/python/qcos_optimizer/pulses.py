"""One-qubit unitaries and Pauli rotations into native pulses, with every Z rotation carried along for free.

Identities (turns, products right to left; checked to 1e-12 by the tests):
GPI2(f) RZ(a) = RZ(a) GPI2(f - a), GPI likewise; MS(f, g, t) (RZ(a) x RZ(b)) = (RZ(a) x RZ(b)) MS(f - a, g - b, t);
MS(f, g, -t) = MS(f + 1/2, g, t); MS(0, 0, t + 1/2) = (X x X) MS(0, 0, t); ZZ commutes with RZ;
ZZ(t + 1/2) = (Z x Z) ZZ(t); ZZ(-t) = X ZZ(t) X with X on either qubit. All up to a global phase.
"""

from __future__ import annotations

import cmath
import math
from typing import Literal

import numpy as np

from .native import IDENTITY, GateName, Matrix, Native, gpi2, rz
from .targets import TwoQubitGate

Axis = Literal["x", "y", "z"]
Frame = Literal["z", "pauli", "x"]
"""What may stay behind an entangling gate instead of becoming pulses: Z rotations only, a bit flip too (ZZ machines),
or an X rotation too (MS machines)."""

FRAMES: dict[TwoQubitGate, tuple[Frame, ...]] = {"zz": ("z", "pauli"), "ms": ("z", "x")}

NEGLIGIBLE = 1e-12
SNAP = 96  # steps of a turn: multiples of pi / 48, which circuits in the wild are made of

_X: Matrix = np.array([[0, 1], [1, 0]], dtype=np.complex128)
_Z: Matrix = np.array([[1, 0], [0, -1]], dtype=np.complex128)
_H: Matrix = np.array([[1, 1], [1, -1]], dtype=np.complex128) / math.sqrt(2)
_Y_TO_Z: Matrix = _H @ rz(-0.25)

# Basis changes B with B P B^-1 equal to the axis of the machine's own rotation.
_TURN: dict[tuple[TwoQubitGate, Axis], Matrix] = {
    ("zz", "z"): IDENTITY,
    ("zz", "x"): _H,
    ("zz", "y"): _Y_TO_Z,
    ("ms", "x"): IDENTITY,
    ("ms", "z"): _H,
    ("ms", "y"): rz(-0.25),
}

Pulses = tuple[tuple[tuple[GateName, float], ...], float]


def tidy(turns: float) -> float:
    """``turns`` rounded to what a float holds, noise of 1e-13 about multiples of pi / 48 removed."""
    near = round(turns * SNAP) / SNAP
    return near if abs(turns - near) < 1e-13 else round(turns, 15)


def phase(turns: float) -> float:
    """``turns`` as a legal phase, in [0, 1)."""
    inside = tidy(turns % 1.0)
    return 0.0 if inside >= 1.0 else inside


def pulses(matrix: Matrix) -> Pulses:
    """The fewest pulses (at most two) and the RZ after them, in turns, that make ``matrix`` up to a global phase."""
    low, high = abs(matrix[0, 0]), abs(matrix[1, 0])
    if high < NEGLIGIBLE:
        return (), _angle(matrix[1, 1] * matrix[0, 0].conjugate())
    if low < NEGLIGIBLE:
        # RZ(a) GPI(f): both entries are known only up to one phase, so all of it goes into f.
        return (("gpi", phase(_angle(matrix[1, 0] * matrix[0, 1].conjugate()) / 2)),), 0.0
    # matrix = RZ(plus) RZ(-lam) RY(theta) RZ(lam)
    plus = _angle(matrix[1, 1] * matrix[0, 0].conjugate())
    lam = _half(
        plus - _angle(-matrix[1, 0] * matrix[0, 1].conjugate()), _angle(-matrix[0, 1] * matrix[0, 0].conjugate())
    )
    if abs(low - high) < NEGLIGIBLE:
        return (("gpi2", phase(0.25 - lam)),), plus
    theta = 2 * math.atan2(high, low) / (2 * math.pi)
    return (("gpi2", phase(-lam)), ("gpi2", phase(-lam - theta - 0.5))), plus + theta + 1.0


def _angle(number: complex) -> float:
    return cmath.phase(number) / (2 * math.pi)


def _half(double: float, near: float) -> float:
    """Half of ``double`` turns, of the two there are the one nearer to ``near``.

    The phase of a small entry is known badly, but it must be equally wrong wherever it enters: phases of products of
    the small entries and of the large ones alone keep the large ones right.
    """
    half = double / 2
    return half + round(2 * (near - half)) / 2


def _frame_turns(matrix: Matrix) -> float:
    """The a of ``matrix`` = RX(g) RZ(a), whatever g."""
    return _angle(matrix[1, 1] * matrix[0, 0].conjugate() + matrix[0, 1] * matrix[1, 0].conjugate())


def _pole_along_x(matrix: Matrix) -> float:
    """The x component of where ``matrix`` takes the north pole; 0 exactly if it is RX(g) RZ(a)."""
    return float(2 * (matrix[0, 0].conjugate() * matrix[1, 0]).real)


def _one_pulse_to_x_frame(matrix: Matrix) -> tuple[float, Matrix]:
    """A phase f and the rest V with ``matrix`` = V GPI2(f) and V = RX(g) RZ(a)."""

    def along_x(turns: float) -> float:
        return _pole_along_x(matrix @ gpi2(turns + 0.5))

    # As f turns, the pole's image runs along a circle: its x component is a cosine, so two values give its zero.
    turns = phase(_angle(complex(along_x(0.25), -along_x(0.0))))
    return turns, matrix @ gpi2(turns + 0.5)


class Emitter:
    """Collects one-qubit unitaries per qubit and turns them into pulses only when an entangling gate needs it.

    ``pending[q]`` is what has been asked of qubit q but not emitted: the circuit asked for so far is always the
    product of the pending matrices after ``gates``, up to a global phase.
    """

    def __init__(self, qubits: int, two_qubit_gate: TwoQubitGate, frame: Frame = "z") -> None:
        if frame not in FRAMES[two_qubit_gate]:
            raise ValueError("this machine has no such frame")
        self.gates: list[Native] = []
        self.pending: list[Matrix] = [IDENTITY] * qubits
        self._native: TwoQubitGate = two_qubit_gate
        self._frame = frame

    def one(self, qubit: int, matrix: Matrix) -> None:
        """Ask for a one-qubit unitary."""
        self.pending[qubit] = matrix @ self.pending[qubit]

    def two(self, axis: Axis, first: int, second: int, turns: float) -> None:
        """Ask for exp(-i pi turns P x P), P the Pauli matrix of ``axis``."""
        if abs(turns - round(turns)) < NEGLIGIBLE:
            return
        change = _TURN[self._native, axis]
        self.one(first, change)
        self.one(second, change)
        # Legal angles are 0 to 1/4: half a turn more is a Pauli on both qubits.
        turns = tidy(turns - round(turns))
        flipped = not -0.25 < turns <= 0.25
        if flipped:
            turns = tidy(turns - math.copysign(0.5, turns))
        if abs(turns) >= NEGLIGIBLE:
            if self._native == "zz":
                flipped ^= self._zz(first, second, turns)
            else:
                self._ms(first, second, turns)
        if flipped:
            pauli = _Z if self._native == "zz" else _X
            self.one(first, pauli)
            self.one(second, pauli)
        self.one(first, change.conj().T)
        self.one(second, change.conj().T)

    def finish(self) -> tuple[float, ...]:
        """Emit what is pending; return, for each qubit, the RZ in turns that is left out of ``gates``."""
        return tuple(_angle_of_frame(self._flush(qubit, self.pending[qubit])) for qubit in range(len(self.pending)))

    def _emit(self, qubit: int, made: Pulses) -> Matrix:
        for gate, turns in made[0]:
            self.gates.append(Native(gate, (qubit,), (turns,)))
        return rz(made[1])

    def _flush(self, qubit: int, matrix: Matrix) -> Matrix:
        self.pending[qubit] = self._emit(qubit, pulses(matrix))
        return self.pending[qubit]

    def _zz(self, first: int, second: int, turns: float) -> bool:
        """Emit ZZ(turns); true if a Z on both qubits has to follow."""
        quarter = turns == 0.25
        ends = [(pulses(self.pending[qubit]), pulses(_X @ self.pending[qubit])) for qubit in (first, second)]
        options = []
        for flips in ((0, 0), (1, 0), (0, 1), (1, 1)):
            odd = sum(flips) % 2 == 1
            if self._frame == "z" and (sum(flips) > 1 or odd != (turns < 0)):
                continue
            if not quarter and odd != (turns < 0):
                continue
            made = tuple(end[flip] for flip, end in zip(flips, ends, strict=True))
            # A flip left behind will often cost a pulse later, but not always.
            cost = sum(len(one[0]) for one in made) + sum(flips) / 2
            options.append((cost, flips, made))
        _, flips, made = min(options, key=lambda option: option[:2])
        for qubit, flip, pulse in zip((first, second), flips, made, strict=True):
            frame = self._emit(qubit, pulse)
            self.pending[qubit] = _X @ frame if flip else frame
        self.gates.append(Native("zz", (first, second), (abs(turns),)))
        return quarter and sum(flips) % 2 == 1

    def _ms(self, first: int, second: int, turns: float) -> None:
        phases = []
        for qubit in (first, second):
            matrix = self.pending[qubit]
            if self._frame == "z":
                matrix = self._flush(qubit, matrix)
            elif abs(_pole_along_x(matrix)) > NEGLIGIBLE:
                pulse, matrix = _one_pulse_to_x_frame(matrix)
                self.gates.append(Native("gpi2", (qubit,), (pulse,)))
                self.pending[qubit] = matrix
            phases.append(-_frame_turns(matrix))
        if turns < 0:
            phases[0] += 0.5
        self.gates.append(Native("ms", (first, second), (phase(phases[0]), phase(phases[1]), abs(turns))))


def _angle_of_frame(frame: Matrix) -> float:
    return tidy(_angle(frame[1, 1] * frame[0, 0].conjugate()))
