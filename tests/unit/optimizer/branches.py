"""The exact distribution of a circuit with measurements, resets and conditions on the way, branch by branch."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from qiskit.circuit import Clbit, QuantumCircuit
from qiskit.quantum_info import Operator

SMALL = 1e-13


def distribution(circuit: QuantumCircuit) -> dict[tuple[int, ...], float]:
    """Probability of every value of all classical bits, in their order."""
    start = np.zeros((2,) * circuit.num_qubits, dtype=complex)
    start[(0,) * circuit.num_qubits] = 1
    branches: list[tuple[np.ndarray[Any, Any], list[int]]] = [(start, [0] * circuit.num_clbits)]
    for entry in circuit.data:
        qubits = [circuit.find_bit(bit).index for bit in entry.qubits]
        bits = [circuit.find_bit(bit).index for bit in entry.clbits]
        branches = [
            after for state, held in branches for after in _step(circuit, entry.operation, qubits, bits, state, held)
        ]
    found: dict[tuple[int, ...], float] = defaultdict(float)
    for state, held in branches:
        found[tuple(held)] += float(np.sum(np.abs(state) ** 2))
    return dict(found)


def _step(
    circuit: QuantumCircuit, gate: Any, qubits: list[int], bits: list[int], state: Any, held: list[int]
) -> list[tuple[Any, list[int]]]:
    if gate.name == "barrier":
        return [(state, held)]
    if gate.name in ("measure", "reset"):
        made = []
        for value in (0, 1):
            kept = np.zeros_like(state)
            place: list[Any] = [slice(None)] * state.ndim
            place[qubits[0]] = value
            there = list(place)
            there[qubits[0]] = value if gate.name == "measure" else 0
            kept[tuple(there)] = state[tuple(place)]
            if np.sum(np.abs(kept) ** 2) > SMALL:
                after = list(held)
                if bits:
                    after[bits[0]] = value
                made.append((kept, after))
        return made
    if gate.name == "if_else":
        tested, value = gate.condition
        read = [tested] if isinstance(tested, Clbit) else list(tested)
        if sum(held[circuit.find_bit(bit).index] << number for number, bit in enumerate(read)) != value:
            return [(state, held)]
        branches = [(state, held)]
        body = gate.blocks[0]
        for entry in body.data:
            inner = [qubits[body.find_bit(bit).index] for bit in entry.qubits]
            outer = [bits[body.find_bit(bit).index] for bit in entry.clbits]
            branches = [
                after for one, kept in branches for after in _step(circuit, entry.operation, inner, outer, one, kept)
            ]
        return branches
    size = len(qubits)
    matrix = Operator(gate).data.reshape((2,) * (2 * size))
    # The matrix has the first qubit last.
    axes = [size + size - 1 - number for number in range(size)]
    moved = np.tensordot(matrix, state, axes=(axes, qubits))
    rest = [axis for axis in range(state.ndim) if axis not in qubits]
    order = list(reversed(qubits)) + rest
    return [(moved.transpose([order.index(axis) for axis in range(state.ndim)]), held)]
