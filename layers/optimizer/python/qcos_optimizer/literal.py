"""The gate-by-gate lowering that qiskit-ionq's equivalences give: what a circuit costs with no thought at all."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

from qiskit.circuit import EquivalenceLibrary, Parameter, QuantumCircuit
from qiskit.circuit.library import CXGate, UGate, UnitaryGate
from qiskit.circuit.library.standard_gates.equivalence_library import StandardEquivalenceLibrary
from qiskit.transpiler import PassManager
from qiskit.transpiler.passes import BasisTranslator, UnrollCustomDefinitions
from qiskit_ionq import GPI2Gate, GPIGate, MSGate, ZZGate

from .lowering import operations_of
from .native import Metrics, Native, measure_up
from .source import Operation, Source
from .targets import TwoQubitGate


@cache
def _library(two_qubit_gate: TwoQubitGate) -> EquivalenceLibrary:
    """Qiskit's equivalences and qiskit-ionq's rules for U and CX.

    qiskit-ionq itself can only add them to the library of the whole process, which would change what Qiskit's passes
    find afterwards; a test compares the counts with its own.
    """
    library = EquivalenceLibrary(base=StandardEquivalenceLibrary)
    theta, phi, lam = (Parameter(name) for name in ("theta", "phi", "lam"))
    one = QuantumCircuit(1)
    one.append(GPI2Gate(0.5 - lam / (2 * math.pi)), [0])
    one.append(GPIGate((theta + phi - lam) / (4 * math.pi)), [0])
    one.append(GPI2Gate(0.5 + phi / (2 * math.pi)), [0])
    library.add_equivalence(UGate(theta, phi, lam), one)
    two = QuantumCircuit(2)
    if two_qubit_gate == "ms":
        two.append(GPI2Gate(0.25), [0])
        two.append(MSGate(0, 0, 0.25), [0, 1])
        two.append(GPI2Gate(0.5), [0])
        two.append(GPI2Gate(0.5), [1])
        two.append(GPI2Gate(-0.25), [0])
    else:
        two.h(1)
        two.append(ZZGate(0.25), [0, 1])
        two.sdg(0)
        two.sdg(1)
        two.h(1)
    library.add_equivalence(CXGate(), two)
    return library


def literal_metrics(source: Source, two_qubit_gate: TwoQubitGate) -> Metrics:
    """Counts of that lowering; the circuit itself is never run.

    The rules look at a gate's name and width alone, so each kind is translated once, all kinds in one circuit side by
    side. Arbitrary matrices have a definition each, and are a kind of their own.
    """
    kinds: dict[object, Operation] = {}
    keys: list[object] = []
    for number, operation in enumerate(source.operations):
        gate = operation.gate
        keys.append(number if isinstance(gate, UnitaryGate) else (gate.name, gate.num_qubits))
        kinds.setdefault(keys[-1], operation)
    made = dict(zip(kinds, _translated(list(kinds.values()), two_qubit_gate), strict=True))
    return measure_up(
        Native(gate.gate, tuple(operation.qubits[slot] for slot in gate.qubits), gate.angles)
        for key, operation in zip(keys, source.operations, strict=True)
        for gate in made[key]
    )


def _translated(operations: Sequence[Operation], two_qubit_gate: TwoQubitGate) -> list[list[Native]]:
    """The native gates of each operation, on its own qubits."""
    wires = [(number, slot) for number, operation in enumerate(operations) for slot in range(len(operation.qubits))]
    place = {wire: qubit for qubit, wire in enumerate(wires)}
    circuit = QuantumCircuit(len(wires))
    for number, operation in enumerate(operations):
        circuit.append(operation.gate, [place[number, slot] for slot in range(len(operation.qubits))], copy=False)
    basis = ["gpi", "gpi2", two_qubit_gate]
    library = _library(two_qubit_gate)
    passes = [UnrollCustomDefinitions(library, basis_gates=basis), BasisTranslator(library, basis)]
    made: list[list[Native]] = [[] for _ in operations]
    for entry in operations_of(PassManager(passes).run(circuit)):
        angles = tuple(float(angle) for angle in entry.gate.params)
        number = wires[entry.qubits[0]][0]
        made[number].append(Native(entry.gate.name, tuple(wires[qubit][1] for qubit in entry.qubits), angles))
    return made
