"""Gates into native gates: each gate by itself, one-qubit runs fused, Z rotations free."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import UnitaryGate

from .candidate import Candidate, Checkpoint
from .pulses import Emitter, Frame
from .rotations import Part, emit, parts_of
from .source import Operation, Source, clean, expand
from .targets import TwoQubitGate
from .windows import Window

Piece = tuple[tuple[Operation, ...], tuple[int, ...]]
"""Gates of at most two qubits on the places of a window, and the place where each of its qubits ends."""


@dataclass(slots=True)
class PartsCache:
    """The parts of gates already met: circuits repeat a few gates many times."""

    known: dict[tuple[str, tuple[float, ...]], tuple[Part, ...]] = field(default_factory=dict)

    def parts(self, operation: Operation) -> tuple[Part, ...]:
        """What ``operation`` is made of."""
        gate = clean(operation.gate)
        if isinstance(gate, UnitaryGate):
            return parts_of("unitary", (), np.asarray(gate.to_matrix(), dtype=np.complex128))
        params = tuple(float(angle) for angle in gate.params)
        key = (gate.name, params)
        if key not in self.known:
            self.known[key] = parts_of(gate.name, params, np.asarray(gate.to_matrix(), dtype=np.complex128))
        return self.known[key]


def operations_of(circuit: QuantumCircuit) -> tuple[Operation, ...]:
    """The gates of a circuit made of gates of at most two qubits."""
    place = {bit: number for number, bit in enumerate(circuit.qubits)}
    return tuple(
        Operation(entry.operation, tuple(place[bit] for bit in entry.qubits))
        for entry in circuit.data
        if entry.qubits and entry.operation.name != "barrier"
    )


def lower(
    name: str,
    operations: Iterable[Operation],
    layout: tuple[int, ...],
    two_qubit_gate: TwoQubitGate,
    frame: Frame,
    cache: PartsCache,
) -> Candidate:
    """The native circuit of ``operations``, gate by gate; ``layout`` is the permutation they leave to the output."""
    emitter = Emitter(len(layout), two_qubit_gate, frame)
    for operation in operations:
        emit(emitter, cache.parts(operation), operation.qubits)
    final_z = emitter.finish()
    return Candidate(name, tuple(emitter.gates), final_z, layout)


def lower_windows(
    name: str,
    qubits: int,
    windows: Iterable[tuple[Window, Piece]],
    two_qubit_gate: TwoQubitGate,
    frame: Frame,
    cache: PartsCache,
) -> Candidate:
    """The same window by window, each replaced by its piece, with a checkpoint after each."""
    emitter = Emitter(qubits, two_qubit_gate, frame)
    layout = list(range(qubits))
    checkpoints = []
    for window, (operations, ends) in windows:
        wires = [layout[qubit] for qubit in window.qubits]
        for operation in operations:
            emit(emitter, cache.parts(operation), tuple(wires[place] for place in operation.qubits))
        for qubit, end in zip(window.qubits, ends, strict=True):
            layout[qubit] = wires[end]
        checkpoints.append(Checkpoint(len(emitter.gates), tuple(layout)))
    final_z = emitter.finish()
    return Candidate(name, tuple(emitter.gates), final_z, tuple(layout), tuple(checkpoints))


def piece_of(window: Window) -> Piece:
    """The window's own gates, expanded to at most two qubits."""
    place = {qubit: number for number, qubit in enumerate(window.qubits)}
    return (
        tuple(
            Operation(operation.gate, tuple(place[qubit] for qubit in operation.qubits))
            for operation in expand(window.operations, 2)
        ),
        tuple(range(len(window.qubits))),
    )


def level_zero(source: Source, windows: Iterable[Window], two_qubit_gate: TwoQubitGate, cache: PartsCache) -> Candidate:
    """The honest "before": no optimization but what lowering itself is (fused one-qubit runs, free Z, one native gate
    for a rotation)."""
    pieces = [(window, piece_of(window)) for window in windows]
    return lower_windows("level0", source.qubits, pieces, two_qubit_gate, "z", cache)
