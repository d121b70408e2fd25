"""Products of small unitaries on many qubits; circuits are fused into blocks first, so that big arrays are touched
seldom.

Every index is little-endian: qubit 0 is the least significant bit.
"""

from __future__ import annotations

import time
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
    """Steps, in order, that together touch only ``qubits``; ``members`` are their places in the original sequence."""

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


def unitary(steps: Iterable[Step], qubits: int) -> Matrix:
    """The 2**qubits square matrix of ``steps``."""
    identity: Matrix = np.eye(2**qubits, dtype=np.complex128)
    return run(steps, identity.reshape((2,) * qubits + (2**qubits,))).reshape(2**qubits, 2**qubits)


def run(steps: Iterable[Step], state: Matrix, deadline: float | None = None) -> Matrix:
    """Apply ``steps`` to an array of shape (2,) * n + (columns,), axis 0 the highest qubit; returns one of that shape.

    Raises TimeoutError once ``time.perf_counter()`` is past ``deadline``."""
    qubits = state.ndim - 1
    columns = state.shape[-1]
    # The axes stay where a step leaves them: those used last in front, so that long stretches are moved as a whole.
    order = list(range(qubits - 1, -1, -1))
    array = state.reshape(2**qubits, columns)
    for step in steps:
        if deadline is not None and time.perf_counter() > deadline:
            raise TimeoutError
        used = [qubit for qubit in order if qubit in step.qubits]
        kept = [qubit for qubit in order if qubit not in step.qubits]
        size = len(used)
        axes = [size - 1 - step.qubits.index(qubit) for qubit in used]
        matrix = step.matrix.reshape((2,) * (2 * size)).transpose(axes + [size + axis for axis in axes])
        place = {qubit: axis for axis, qubit in enumerate(order)}
        moved = array.reshape((2,) * qubits + (columns,)).transpose([place[q] for q in used + kept] + [qubits])
        array = matrix.reshape(2**size, 2**size) @ moved.reshape(2**size, -1)
        order = used + kept
    place = {qubit: axis for axis, qubit in enumerate(order)}
    return array.reshape((2,) * qubits + (columns,)).transpose(
        [place[qubit] for qubit in range(qubits - 1, -1, -1)] + [qubits]
    )


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
    """The product of one-qubit ``vectors`` (vector k is qubit k), shaped as :func:`run` takes it with one column."""
    state = np.ones(1, dtype=np.complex128)
    for vector in vectors:
        state = np.kron(vector, state).astype(np.complex128, copy=False)
    return state.reshape((2,) * len(vectors) + (1,))
