"""IonQ's native gates as plain data, with their matrices and what is counted of a circuit made of them.

Angles are in turns (1 = 2 pi), as IonQ writes them:
GPI(f) = [[0, e(-f)], [e(f), 0]], GPI2(f) = [[1, -i e(-f)], [-i e(f), 1]] / sqrt(2), with e(x) = exp(2 pi i x),
MS(f0, f1, t) = exp(-i pi t GPI(f0) x GPI(f1)), ZZ(t) = exp(-i pi t Z x Z). Source: IonQ, "Native gates" guide.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.complex128]
GateName = Literal["gpi", "gpi2", "ms", "zz"]

IDENTITY: Matrix = np.eye(2, dtype=np.complex128)


@dataclass(frozen=True, slots=True)
class Native:
    """One native gate. ``angles`` is (phase,) for gpi and gpi2, (phase0, phase1, angle) for ms, (angle,) for zz."""

    gate: GateName
    qubits: tuple[int, ...]
    angles: tuple[float, ...]

    def matrix(self) -> Matrix:
        """Its unitary; ``qubits[0]`` is the least significant bit of the index."""
        if self.gate == "gpi":
            return gpi(self.angles[0])
        if self.gate == "gpi2":
            return gpi2(self.angles[0])
        turn = self.angles[-1]
        if self.gate == "zz":
            same, other = cmath.exp(-1j * math.pi * turn), cmath.exp(1j * math.pi * turn)
            return np.diag([same, other, other, same]).astype(np.complex128)
        product = np.kron(gpi(self.angles[1]), gpi(self.angles[0]))
        identity: Matrix = np.eye(4, dtype=np.complex128)
        return math.cos(math.pi * turn) * identity - 1j * math.sin(math.pi * turn) * product


def gpi(phase: float) -> Matrix:
    """GPI: half a turn about an axis in the equator at ``phase`` turns."""
    up = cmath.exp(2j * math.pi * phase)
    return np.array([[0, up.conjugate()], [up, 0]], dtype=np.complex128)


def gpi2(phase: float) -> Matrix:
    """GPI2: a quarter turn about the same axis."""
    up = -1j * cmath.exp(2j * math.pi * phase)
    return np.array([[1, -up.conjugate()], [up, 1]], dtype=np.complex128) / math.sqrt(2)


def rz(turns: float) -> Matrix:
    """RZ by ``turns``: free on a trapped ion, it only shifts the phases of later pulses."""
    half = cmath.exp(1j * math.pi * turns)
    return np.array([[half.conjugate(), 0], [0, half]], dtype=np.complex128)


@dataclass(frozen=True, slots=True)
class Metrics:
    """Counts of a native circuit, measurements left out. The angle is the sum of |t| in millionths of a turn."""

    depth: int
    two_qubit_depth: int
    two_qubit_gates: int
    one_qubit_gates: int
    entangling_angle_microturns: int

    def to_dict(self) -> dict[str, int]:
        """The counts by name."""
        return {
            "depth": self.depth,
            "two_qubit_depth": self.two_qubit_depth,
            "two_qubit_gates": self.two_qubit_gates,
            "one_qubit_gates": self.one_qubit_gates,
            "entangling_angle_microturns": self.entangling_angle_microturns,
        }


def measure_up(gates: Iterable[Native]) -> Metrics:
    """Count ``gates``; depth is the longest chain of gates that share qubits."""
    depth: dict[int, int] = {}
    entangling: dict[int, int] = {}
    one = two = 0
    angle = 0.0
    for gate in gates:
        level = 1 + max(depth.get(qubit, 0) for qubit in gate.qubits)
        for qubit in gate.qubits:
            depth[qubit] = level
        if len(gate.qubits) == 1:
            one += 1
            continue
        two += 1
        angle += abs(gate.angles[-1])
        layer = 1 + max(entangling.get(qubit, 0) for qubit in gate.qubits)
        for qubit in gate.qubits:
            entangling[qubit] = layer
    return Metrics(
        max(depth.values(), default=0), max(entangling.values(), default=0), two, one, round(angle * 1_000_000)
    )
