"""Circuits of Toffoli gates to rewrite, and their comparison as unitaries, phase aside."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Operator

from qcos_optimizer.passes.axial import Axial, axial
from qcos_optimizer.source import take_apart

Array = NDArray[np.complex128]


def read(circuit: QuantumCircuit) -> Axial:
    return axial(take_apart(circuit).operations, circuit.num_qubits)


def apart(one: Array, other: Array) -> float:
    overlap = np.vdot(other, one)
    return float(np.abs(one - other * overlap / abs(overlap)).max()) if overlap else 2.0


def wanted(circuit: QuantumCircuit, made: Axial) -> Array:
    """The circuit's own matrix as Qiskit gives it, its output qubit q moved to wire ``made.ends[q]``."""
    size = circuit.num_qubits
    matrix = Operator(circuit).data.reshape((2,) * size + (2**size,))
    home = {wire: qubit for qubit, wire in enumerate(made.ends)}
    axes = [size - 1 - home[size - 1 - axis] for axis in range(size)]
    moved: Array = matrix.transpose([*axes, size]).reshape(2**size, 2**size)
    return moved


def toffolis(seed: int, swaps: bool = True) -> QuantumCircuit:
    """Toffoli-like gates, some of them in pairs, with all sorts of gates between."""
    random = np.random.default_rng(seed)
    size = int(random.integers(3, 6))
    circuit = QuantumCircuit(size)
    for _ in range(int(random.integers(4, 18))):
        places = [int(place) for place in random.permutation(size)]
        kind = int(random.integers(9))
        if kind < 3:
            circuit.ccx(*sorted(places[:2]), places[2])
        elif kind == 3:
            circuit.ccz(*places[:3])
        elif kind == 4:
            circuit.cx(*places[:2])
        elif kind == 5:
            circuit.cp(float(random.choice([np.pi / 2, 0.3])), *places[:2])
        elif kind == 6:
            getattr(circuit, str(random.choice(["h", "x", "t", "s", "z"])))(places[0])
        elif kind == 7:
            circuit.rx(0.7, places[0])
        elif swaps:
            circuit.cswap(*places[:3]) if random.random() < 0.7 else circuit.swap(*places[:2])
    return circuit
