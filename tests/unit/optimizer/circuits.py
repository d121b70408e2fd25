"""Circuits to try, and judgements on them that use nothing of the library under test."""

from __future__ import annotations

import warnings
from collections import defaultdict
from pathlib import Path

import numpy as np
from qiskit import qasm2, qasm3
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Operator, Statevector

DATA = Path(__file__).parents[2] / "data" / "circuits"
HEADER = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'

_GATES = [
    gate
    for gate in get_standard_gate_name_mapping().values()
    if gate.num_qubits in (1, 2, 3) and gate.num_clbits == 0 and gate.name not in ("delay", "reset", "measure")
]


def text(name: str) -> str:
    return (DATA / f"{name}.qasm").read_text()


def load(source: str) -> QuantumCircuit:
    """What Qiskit makes of OpenQASM 2 or 3."""
    if "OPENQASM 3" not in source:
        return qasm2.loads(source, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its parser warns of its own grammar
        made: QuantumCircuit = qasm3.loads(source)
    return made


def random_circuit(qubits: int, gates: int, seed: int) -> QuantumCircuit:
    """Gates of every kind Qiskit knows on up to three qubits, with angles that are sometimes special."""
    random = np.random.default_rng([seed, qubits, gates])
    circuit = QuantumCircuit(qubits)
    fitting = [gate for gate in _GATES if gate.num_qubits <= qubits]
    for _ in range(gates):
        gate = fitting[random.integers(len(fitting))]
        angles = [
            float(random.choice([random.uniform(-7, 7), random.integers(-8, 9) * np.pi / 4])) for _ in gate.params
        ]
        places = random.choice(qubits, gate.num_qubits, replace=False)
        circuit.append(type(gate)(*angles), [int(place) for place in places])
    return circuit


def same_but_for_final_z(wanted: QuantumCircuit, made: QuantumCircuit, layout: list[int], within: float = 1e-8) -> bool:
    """Are two measurement-free circuits equal up to a phase, RZs at the very end, and output qubit q on layout[q]?"""
    size = wanted.num_qubits
    permuted = QuantumCircuit(size)
    permuted.compose(made, inplace=True)
    matrix = Operator(permuted).data.reshape((2,) * size + (2**size,))
    matrix = matrix.transpose([size - 1 - layout[size - 1 - axis] for axis in range(size)] + [size])
    rest = Operator(wanted).data @ matrix.reshape(2**size, 2**size).conj().T
    phases = np.diag(rest)
    expected = np.full(2**size, phases[0])
    for qubit in range(size):
        bit = (np.arange(2**size) >> qubit) & 1
        expected = np.where(bit == 1, expected * phases[1 << qubit] / phases[0], expected)
    off_diagonal = np.abs(rest - np.diag(phases)).max()
    return bool(off_diagonal < within and np.abs(phases - expected).max() < within)


def distribution(circuit: QuantumCircuit) -> dict[str, float]:
    """The exact distribution of the classical bits as Qiskit prints them; without measurements, of all qubits."""
    body = QuantumCircuit(circuit.num_qubits)
    reads: dict[int, int] = {}
    for entry in circuit.data:
        places = [circuit.find_bit(bit).index for bit in entry.qubits]
        if entry.operation.name == "measure":
            reads[circuit.find_bit(entry.clbits[0]).index] = places[0]
        elif entry.operation.name != "barrier":
            body.append(entry.operation, places)
    # A bit of OpenQASM 3 may stand alone; what it becomes in OpenQASM 2 is a register of one.
    homes = [circuit.find_bit(bit).registers for bit in circuit.clbits]
    sizes = [home[0][0].size if home else 1 for home in homes if not home or home[0][1] == 0]
    if not reads:
        reads = {qubit: qubit for qubit in range(circuit.num_qubits)}
        sizes = [circuit.num_qubits]
    found: dict[str, float] = defaultdict(float)
    for index, probability in enumerate(Statevector(body).probabilities()):
        if probability < 1e-12:
            continue
        bits = ["0"] * sum(sizes)
        for bit, qubit in reads.items():
            bits[bit] = str((index >> qubit) & 1)
        words, start = [], 0
        for size in sizes:
            words.append("".join(reversed(bits[start : start + size])))
            start += size
        found[" ".join(reversed(words))] += probability
    return dict(found)


def close(one: dict[str, float], other: dict[str, float], within: float = 1e-9) -> bool:
    return all(abs(one.get(key, 0) - other.get(key, 0)) < within for key in one | other)
