"""The gate-by-gate lowering that qiskit-ionq's equivalences give: what a circuit costs with no thought at all."""

from __future__ import annotations

import math
from functools import cache

from qiskit.circuit import EquivalenceLibrary, Parameter, QuantumCircuit
from qiskit.circuit.library import CXGate, UGate
from qiskit.circuit.library.standard_gates.equivalence_library import StandardEquivalenceLibrary
from qiskit.transpiler import PassManager
from qiskit.transpiler.passes import BasisTranslator, UnrollCustomDefinitions
from qiskit_ionq import GPI2Gate, GPIGate, MSGate, ZZGate

from .lowering import operations_of
from .native import Metrics, Native, measure_up
from .source import Source
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
    """Counts of that lowering; the circuit itself is never run."""
    basis = ["gpi", "gpi2", two_qubit_gate]
    library = _library(two_qubit_gate)
    circuit: QuantumCircuit = PassManager(
        [UnrollCustomDefinitions(library, basis_gates=basis), BasisTranslator(library, basis)]
    ).run(source.body())
    return measure_up(
        Native(operation.gate.name, operation.qubits, tuple(float(angle) for angle in operation.gate.params))
        for operation in operations_of(circuit)
    )
