"""Neighbouring gates on two qubits as one unitary, made with the fewest native gates and the least angle.

A two-qubit unitary is, up to one-qubit gates, exp(-i (a XX + b YY + c ZZ)) with pi/4 >= a >= b >= |c| (its Weyl
coordinates), and needs as many rotations of any angle as there are non-zero coordinates: none to three. The
coordinates in that chamber have the least sum too. The unitary followed by a swap, which costs nothing, may need less:
it is taken if so. Source: Zhang, Vala, Sastry, Whaley, "Geometric theory of nonlocal
two-qubit operations", Phys. Rev. A 67, 042313 (2003).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..candidate import Candidate, Checkpoint, Via
from ..native import Matrix
from ..pulses import Emitter, Frame
from ..rotations import Part, Rotation, emit, parts_of
from ..simulation import Step, blocks
from ..targets import TwoQubitGate

BLOCK_QUBITS = 2
SWAPPABLE = 0.375
"""Turns in all above which a swap after the block is worth trying: with it, s turns become 3/4 - s."""
NEGLIGIBLE = 1e-11


_SWAP: Matrix = np.eye(4, dtype=np.complex128)[[0, 2, 1, 3]]


@dataclass(frozen=True, slots=True)
class Merged:
    """A block's qubits and what it is made of; with ``swapped``, its two qubits have changed places after it."""

    qubits: tuple[int, ...]
    parts: tuple[Part, ...]
    swapped: bool = False


def merge(steps: Sequence[Step]) -> tuple[Merged, ...]:
    """``steps``, of at most two qubits each, as blocks; their order is that of :func:`simulation.blocks`."""
    made = []
    for block in blocks([step.qubits for step in steps], BLOCK_QUBITS):
        parts, swapped = _best_parts(_product([steps[member] for member in block.members], block.qubits).tobytes())
        made.append(Merged(tuple(block.qubits), parts, swapped))
    return tuple(made)


def _product(steps: Sequence[Step], qubits: Sequence[int]) -> Matrix:
    """Their unitary on one or two qubits."""
    size = 2 ** len(qubits)
    made: Matrix = np.eye(size, dtype=np.complex128)
    for step in steps:
        if len(step.qubits) == 2:
            matrix = step.matrix if step.qubits[0] == qubits[0] else _SWAP @ step.matrix @ _SWAP
            made = matrix @ made
        elif step.qubits[0] == qubits[0]:
            made = (step.matrix @ made.reshape(-1, 2, size)).reshape(size, size)
        else:
            made = (step.matrix @ made.reshape(2, -1)).reshape(size, size)
    return made


@lru_cache(maxsize=4096)
def _best_parts(entries: bytes) -> tuple[tuple[Part, ...], bool]:
    """The parts of a block's unitary and whether a swap follows them. The same blocks come in many chains."""
    matrix = np.frombuffer(entries, dtype=np.complex128)
    size = math.isqrt(len(matrix))
    matrix = matrix.reshape(size, size)
    best = Merged((0, 1)[: size // 2], parts_of("block", (), matrix))
    if size == 4 and cost([best])[1] > SWAPPABLE:
        other = Merged((0, 1), parts_of("block", (), _SWAP @ matrix), swapped=True)
        best = min(best, other, key=lambda one: cost([one]))
    return best.parts, best.swapped


def cost(merged: Sequence[Merged]) -> tuple[int, float]:
    """Two-qubit gates, and the sum of their angles in turns, to 1e-9."""
    angles = [
        abs(math.remainder(part.turns, 0.5))
        for block in merged
        for part in block.parts
        if isinstance(part, Rotation) and abs(math.remainder(part.turns, 1.0)) > NEGLIGIBLE
    ]
    return sum(angle > NEGLIGIBLE for angle in angles), round(sum(angles), 9)


def depth(merged: Sequence[Merged]) -> int:
    """Two-qubit depth."""
    levels: dict[int, int] = {}
    for block in merged:
        count, _ = cost([block])
        level = count + max(levels.get(qubit, 0) for qubit in block.qubits)
        for qubit in block.qubits:
            levels[qubit] = level
    return max(levels.values(), default=0)


def lower_merged(
    name: str,
    via: Via,
    merged: Sequence[Merged],
    two_qubit_gate: TwoQubitGate,
    frame: Frame,
) -> Candidate:
    """The native circuit of ``merged``, the blocks of ``via``, with a checkpoint after each."""
    emitter = Emitter(len(via.layout), two_qubit_gate, frame)
    wires = list(range(len(via.layout)))
    checkpoints = []
    for block in merged:
        emit(emitter, block.parts, tuple(wires[qubit] for qubit in block.qubits))
        if block.swapped:
            first, second = block.qubits
            wires[first], wires[second] = wires[second], wires[first]
        checkpoints.append(Checkpoint(len(emitter.gates), tuple(wires)))
    final_z = emitter.finish()
    layout = tuple(wires[qubit] for qubit in via.layout)
    return Candidate(name, tuple(emitter.gates), final_z, layout, tuple(checkpoints), via)
