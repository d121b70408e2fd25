"""The gate-by-gate lowering that qiskit-ionq's equivalences give: what a circuit costs with no thought at all."""

from __future__ import annotations

from functools import cache

from qiskit.circuit import EquivalenceLibrary, QuantumCircuit
from qiskit.circuit.equivalence_library import SessionEquivalenceLibrary
from qiskit.transpiler import PassManager
from qiskit.transpiler.passes import BasisTranslator, UnrollCustomDefinitions
from qiskit_ionq import add_equivalences

from .lowering import operations_of
from .native import Metrics, Native, measure_up
from .source import Source
from .targets import TwoQubitGate


@cache
def _library() -> EquivalenceLibrary:
    # qiskit-ionq can only add to the library of the process, and adding twice would list every rule twice.
    add_equivalences()
    return SessionEquivalenceLibrary


def literal_metrics(source: Source, two_qubit_gate: TwoQubitGate) -> Metrics:
    """Counts of that lowering; the circuit itself is never run."""
    basis = ["gpi", "gpi2", two_qubit_gate]
    circuit: QuantumCircuit = PassManager(
        [UnrollCustomDefinitions(_library(), basis_gates=basis), BasisTranslator(_library(), basis)]
    ).run(source.body())
    return measure_up(
        Native(operation.gate.name, operation.qubits, tuple(float(angle) for angle in operation.gate.params))
        for operation in operations_of(circuit)
    )
