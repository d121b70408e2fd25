"""Products of small unitaries on many qubits: circuits are fused into blocks first, so that big arrays are touched seldom.

Every index is little-endian: qubit 0 is the least significant bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .native import Matrix

FUSED_QUBITS = 5


@dataclass(frozen=True, slots=True)
class Step:
    """A unitary on ``qubits``; ``qubits[0]`` is the least significant bit of the matrix index."""

    matrix: Matrix
    qubits: tuple[int, ...]


@dataclass(slots=True)
class Block:
    """Steps, in order, that together touch only ``qubits``; ``members`` are their places in the sequence they are from."""

    qubits: list[int]
    members: list[int] = field(default_factory=list)


def blocks(supports: Sequence[tuple[int, ...]], width: int) -> list[Block]:
    """Cut a sequence of gates, given by their qubits, into blocks of at most ``width`` qubits (or one wider gate).

    The blocks one after the other are the same circuit: a gate only ever joins a block no later block of which touches
    the gate's qubits, so nothing but gates on disjoint qubits changes places.
    """
    made: list[Block] = []
    last: dict[int, int] = {}
    for place, support in enumerate(supports):
        earliest = max((last[qubit] for qubit in support if qubit in last), default=-1)
        home = None
        if earliest >= 0 and len(set(made[earliest].qubits) | set(support)) <= width:
            home = earliest
        if home is None:
            home = len(made)
            made.append(Block([]))
        block = made[home]
        block.members.append(place)
        for qubit in support:
            last[qubit] = home
            if qubit not in block.qubits:
                block.qubits.append(qubit)
    return made


def apply(state: Matrix, step: Step) -> Matrix:
    """Apply ``step`` to an array of shape (2,) * n + (columns,); axis 0 is the highest qubit."""
    qubits = state.ndim - 1
    size = len(step.qubits)
    axes = [qubits - 1 - qubit for qubit in reversed(step.qubits)]
    tensor = step.matrix.reshape((2,) * (2 * size))
    moved = np.tensordot(tensor, state, axes=(list(range(size, 2 * size)), axes))
    return np.moveaxis(moved, list(range(size)), axes)


def unitary(steps: Iterable[Step], qubits: int) -> Matrix:
    """The 2**qubits square matrix of ``steps``."""
    identity: Matrix = np.eye(2**qubits, dtype=np.complex128)
    return run(steps, identity.reshape((2,) * qubits + (2**qubits,))).reshape(2**qubits, 2**qubits)


def run(steps: Iterable[Step], state: Matrix) -> Matrix:
    """Apply ``steps`` one by one to an array as :func:`apply` takes it."""
    for step in steps:
        state = apply(state, step)
    return state


def fuse(steps: Sequence[Step], width: int = FUSED_QUBITS) -> list[Step]:
    """The same circuit in fewer, wider steps."""
    fused = []
    for block in blocks([step.qubits for step in steps], width):
        local = {qubit: place for place, qubit in enumerate(block.qubits)}
        inside = (
            Step(steps[member].matrix, tuple(local[qubit] for qubit in steps[member].qubits))
            for member in block.members
        )
        fused.append(Step(unitary(inside, len(block.qubits)), tuple(block.qubits)))
    return fused


def product_state(vectors: Sequence[Matrix]) -> Matrix:
    """The product of one-qubit ``vectors`` (vector k is qubit k), shaped as :func:`apply` takes it with one column."""
    state: Matrix = np.ones(1, dtype=np.complex128)
    for vector in vectors:
        state = np.kron(vector, state)
    return state.reshape((2,) * len(vectors) + (1,))
