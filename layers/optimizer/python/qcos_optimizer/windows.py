"""The input cut into windows of few qubits: each can be checked exactly, whatever the number of qubits in all."""

from __future__ import annotations

from dataclasses import dataclass

from .simulation import blocks
from .source import Operation, Source

WINDOW_QUBITS = 6


@dataclass(frozen=True, slots=True)
class Window:
    """Consecutive ``operations`` that touch only ``qubits``."""

    qubits: tuple[int, ...]
    operations: tuple[Operation, ...]


def cut(source: Source) -> tuple[Window, ...]:
    """Windows whose product, in order, is the circuit (gates on disjoint qubits may have changed places)."""
    return tuple(
        Window(tuple(block.qubits), tuple(source.operations[member] for member in block.members))
        for block in blocks([operation.qubits for operation in source.operations], WINDOW_QUBITS)
    )
