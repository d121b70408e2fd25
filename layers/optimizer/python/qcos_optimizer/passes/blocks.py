"""Neighbouring gates on two qubits as one unitary, made with the fewest native gates and the least angle.

A two-qubit unitary is, up to one-qubit gates, exp(-i (a XX + b YY + c ZZ)) with pi/4 >= a >= b >= |c| (its Weyl
coordinates), and needs as many rotations of any angle as there are non-zero coordinates: none to three. The
coordinates in that chamber have the least sum too. Source: Zhang, Vala, Sastry, Whaley, "Geometric theory of nonlocal
two-qubit operations", Phys. Rev. A 67, 042313 (2003).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..candidate import Candidate, Checkpoint, Via
from ..pulses import Emitter, Frame
from ..rotations import Part, Rotation, emit, parts_of
from ..simulation import Step, blocks, unitary
from ..targets import TwoQubitGate

BLOCK_QUBITS = 2


@dataclass(frozen=True, slots=True)
class Merged:
    """A block's qubits and what it is made of."""

    qubits: tuple[int, ...]
    parts: tuple[Part, ...]


def merge(steps: Sequence[Step]) -> tuple[Merged, ...]:
    """``steps``, of at most two qubits each, as blocks; their order is that of :func:`simulation.blocks`."""
    made = []
    for block in blocks([step.qubits for step in steps], BLOCK_QUBITS):
        place = {qubit: number for number, qubit in enumerate(block.qubits)}
        inside = (
            Step(steps[member].matrix, tuple(place[qubit] for qubit in steps[member].qubits))
            for member in block.members
        )
        made.append(Merged(tuple(block.qubits), parts_of("block", (), unitary(inside, len(block.qubits)))))
    return tuple(made)


def cost(merged: Sequence[Merged]) -> tuple[int, float]:
    """Two-qubit gates, and the sum of their angles in turns."""
    turns = [part.turns for block in merged for part in block.parts if isinstance(part, Rotation)]
    return len(turns), sum(abs((2 * angle + 0.5) % 1 - 0.5) / 2 for angle in turns)


def lower_merged(
    name: str,
    via: Via,
    merged: Sequence[Merged],
    two_qubit_gate: TwoQubitGate,
    frame: Frame,
) -> Candidate:
    """The native circuit of ``merged``, the blocks of ``via``, with a checkpoint after each."""
    emitter = Emitter(len(via.layout), two_qubit_gate, frame)
    every = tuple(range(len(via.layout)))
    checkpoints = []
    for block in merged:
        emit(emitter, block.parts, block.qubits)
        checkpoints.append(Checkpoint(len(emitter.gates), tuple(emitter.pending), every))
    final_z = emitter.finish()
    return Candidate(name, tuple(emitter.gates), final_z, via.layout, tuple(checkpoints), via)
