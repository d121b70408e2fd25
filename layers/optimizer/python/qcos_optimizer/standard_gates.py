"""The unitaries of OpenQASM 2's own gates and of qelib1.inc's, and of those in OpenQASM 3's stdgates.inc.

They are exact but for a global phase of U, u2 and u3, which OpenQASM 3 has differently: no circuit can see it, unless
the gate is under a control.

``qubits[0]`` of a gate is the least significant bit of the index. Source: Cross, Bishop, Smolin, Gambetta, "Open
Quantum Assembly Language" (arXiv:1707.03429), and the gates that qelib1.inc has gained since.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from .native import Matrix, rz
from .simulation import Step, unitary


def _u(theta: float, phi: float, lam: float) -> Matrix:
    cosine, sine = math.cos(theta / 2), math.sin(theta / 2)
    return np.array(
        [
            [cosine, -cmath.exp(1j * lam) * sine],
            [cmath.exp(1j * phi) * sine, cmath.exp(1j * (phi + lam)) * cosine],
        ],
        dtype=np.complex128,
    )


def _phase(angle: float) -> Matrix:
    return _u(0, 0, angle)


def _rotation(theta: float, pauli: Matrix) -> Matrix:
    """exp(-i theta/2 P)."""
    identity: Matrix = np.eye(len(pauli), dtype=np.complex128)
    return math.cos(theta / 2) * identity - 1j * math.sin(theta / 2) * pauli


def controlled(matrix: Matrix, states: Sequence[int]) -> Matrix:
    """``matrix`` on the last qubits where the first, one for each of ``states``, are in these states, 0 or 1."""
    step = 2 ** len(states)
    made: Matrix = np.eye(len(matrix) * step, dtype=np.complex128)
    places = np.arange(sum(state << slot for slot, state in enumerate(states)), len(made), step)
    made[np.ix_(places, places)] = matrix
    return made


def _controlled(matrix: Matrix, controls: int = 1) -> Matrix:
    return controlled(matrix, (1,) * controls)


_X: Matrix = np.array([[0, 1], [1, 0]], dtype=np.complex128)
_Y: Matrix = np.array([[0, -1j], [1j, 0]], dtype=np.complex128)
_Z: Matrix = np.diag([1, -1]).astype(np.complex128)
_H: Matrix = np.array([[1, 1], [1, -1]], dtype=np.complex128) / math.sqrt(2)
_SX: Matrix = np.array([[1 + 1j, 1 - 1j], [1 - 1j, 1 + 1j]], dtype=np.complex128) / 2
_SWAP: Matrix = np.eye(4, dtype=np.complex128)[[0, 2, 1, 3]]


def _sequence(qubits: int, text: str) -> Matrix:
    """The product of gates named with their qubits, the first applied first."""
    steps = []
    for entry in text.split():
        name, *places = entry.split(":")
        steps.append(Step(matrix(name, ()), tuple(map(int, places))))
    return unitary(steps, qubits)


_RCCX = "h:2 t:2 cx:1:2 tdg:2 cx:0:2 t:2 cx:1:2 tdg:2 h:2"
_RC3X = "h:3 t:3 cx:2:3 tdg:3 h:3 cx:0:3 t:3 cx:1:3 tdg:3 cx:0:3 t:3 cx:1:3 tdg:3 h:3 t:3 cx:2:3 tdg:3 h:3"

_GATES: dict[str, tuple[int, int, Callable[..., Matrix]]] = {
    "U": (3, 1, _u),
    "CX": (0, 2, partial(_controlled, _X)),
    "u3": (3, 1, _u),
    "u2": (2, 1, partial(_u, math.pi / 2)),
    "u1": (1, 1, _phase),
    "u": (3, 1, _u),
    "p": (1, 1, _phase),
    "id": (0, 1, partial(_phase, 0.0)),
    "u0": (1, 1, lambda _: _phase(0.0)),
    "x": (0, 1, _X.copy),
    "y": (0, 1, _Y.copy),
    "z": (0, 1, _Z.copy),
    "h": (0, 1, _H.copy),
    "s": (0, 1, partial(_phase, math.pi / 2)),
    "sdg": (0, 1, partial(_phase, -math.pi / 2)),
    "t": (0, 1, partial(_phase, math.pi / 4)),
    "tdg": (0, 1, partial(_phase, -math.pi / 4)),
    "sx": (0, 1, _SX.copy),
    "sxdg": (0, 1, lambda: _SX.conj().T),
    "rx": (1, 1, lambda theta: _rotation(theta, _X)),
    "ry": (1, 1, lambda theta: _rotation(theta, _Y)),
    "rz": (1, 1, lambda theta: rz(theta / (2 * math.pi))),
    "cx": (0, 2, partial(_controlled, _X)),
    "cy": (0, 2, partial(_controlled, _Y)),
    "cz": (0, 2, partial(_controlled, _Z)),
    "ch": (0, 2, partial(_controlled, _H)),
    "csx": (0, 2, partial(_controlled, _SX)),
    "swap": (0, 2, _SWAP.copy),
    "crx": (1, 2, lambda theta: _controlled(_rotation(theta, _X))),
    "cry": (1, 2, lambda theta: _controlled(_rotation(theta, _Y))),
    "crz": (1, 2, lambda theta: _controlled(_rotation(theta, _Z))),
    "cu1": (1, 2, lambda angle: _controlled(_phase(angle))),
    "cp": (1, 2, lambda angle: _controlled(_phase(angle))),
    "cu3": (3, 2, lambda theta, phi, lam: _controlled(_u(theta, phi, lam))),
    "cu": (4, 2, lambda theta, phi, lam, more: _controlled(cmath.exp(1j * more) * _u(theta, phi, lam))),
    "rxx": (1, 2, lambda theta: _rotation(theta, np.kron(_X, _X).astype(np.complex128))),
    "rzz": (1, 2, lambda theta: _rotation(theta, np.kron(_Z, _Z).astype(np.complex128))),
    "ccx": (0, 3, partial(_controlled, _X, 2)),
    "cswap": (0, 3, partial(_controlled, _SWAP)),
    "rccx": (0, 3, partial(_sequence, 3, _RCCX)),
    "rc3x": (0, 4, partial(_sequence, 4, _RC3X)),
    "c3x": (0, 4, partial(_controlled, _X, 3)),
    "c3sqrtx": (0, 4, partial(_controlled, _SX, 3)),
    "c4x": (0, 5, partial(_controlled, _X, 4)),
}

STANDARD: dict[str, tuple[int, int]] = {name: (angles, qubits) for name, (angles, qubits, _) in _GATES.items()}
"""How many angles and qubits each gate takes."""

LANGUAGE = frozenset({"U", "CX"})
"""Gates that need no include."""

PUBLISHED = frozenset({
    "u3", "u2", "u1", "cx", "id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "rx", "ry", "rz", "cz", "cy", "ch", "ccx",
    "crz", "cu1", "cu3",
})  # fmt: skip
"""What qelib1.inc had when it was published; a circuit may define the others itself."""


def matrix(name: str, angles: Sequence[float]) -> Matrix:
    """The unitary of a standard gate; angles in radians."""
    return _GATES[name][2](*angles)
