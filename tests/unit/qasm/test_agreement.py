"""What the checker accepts is what the optimizer can read, which is Qiskit's strict mode; both count the same."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest
import qiskit
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit, qasm2
from qiskit.qasm2.parse import _DefinedGate

from qcos.errors import InvalidCircuit
from qcos.qasm import CircuitSummary, check
from qcos.qasm.gates import LANGUAGE, QELIB1
from qcos_optimizer.errors import CircuitError
from qcos_optimizer.parsing import parse
from tests.unit.qasm.programs import ProgramWriter, broken

DATA = Path(__file__).parents[2] / "data"
SOURCES = sorted([*DATA.glob("qasm/*.qasm"), *DATA.glob("circuits/*.qasm")])
LEGACY = qasm2.LEGACY_CUSTOM_INSTRUCTIONS
#: Refused although the importer loads it: rule and words of the message.
OUR_RULES = [
    ("mid_circuit", ""),
    ("clbit_overwritten", ""),
    ("opaque", ""),
    ("empty", ""),
    ("register", "is empty"),
    ("qubits", ""),
    ("number_length", ""),
    ("characters", "NUL"),
    ("version", "Only OpenQASM 2.0"),  # "02.00" is two to the importer
    ("parameter", ""),
    ("redefined", ""),
    ("arity", "gives 0"),  # it overlooks missing parameters inside definitions
    ("unknown_gate", 'write include "qelib1.inc";'),  # it knows some gates without their file
]


def count(circuit: QuantumCircuit) -> int:
    """Library gates and measurements after all definitions of the source are expanded."""
    total, pending = 0, [circuit]
    while pending:
        for entry in pending.pop().data:
            if isinstance(entry.operation, _DefinedGate):
                pending.append(entry.operation.definition)
            elif entry.operation.name != "barrier":
                total += 1
    return total


def assert_same(source: str, summary: CircuitSummary) -> None:
    circuit = parse(source)
    assert (circuit.num_qubits, circuit.num_clbits) == (summary.qubits, summary.clbits)
    assert [(register.name, register.size) for register in circuit.qregs] == [
        (name, size) for kind, name, size in summary.registers if kind == "qreg"
    ]
    assert count(circuit) == summary.operations
    assert summary.measured == ("measure" in circuit.count_ops())


def test_gates_are_those_of_qelib1() -> None:
    importer = {entry.name: (entry.num_params, entry.num_qubits) for entry in LEGACY if entry.name != "delay"}
    assert {name: (gate.parameters, gate.qubits) for name, gate in QELIB1.items()} == importer
    text = (Path(qiskit.__file__).parent / "qasm/libs/qelib1.inc").read_text(encoding="utf-8")
    heads = re.findall(r"^gate (\w+)\s*(?:\(([^)]*)\))?\s*([\w\s,]+)", text, re.MULTILINE)
    shipped = {
        name: (len(parameters.split(",")) if parameters else 0, len(qubits.split(",")))
        for name, parameters, qubits in heads
    }
    assert importer == shipped
    assert set(LANGUAGE) == {"U", "CX"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_sources_are_accepted_and_counted(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    summary = check(source, max_qubits=64)
    assert_same(source, summary)
    stated = re.match(r"// operations: (\d+)", source)
    if stated:
        assert summary.operations == int(stated[1])


@settings(max_examples=200, deadline=None, database=None)
@given(st.integers(0, 2**64))
def test_valid_programs_are_accepted_and_counted(seed: int) -> None:
    source = ProgramWriter(random.Random(seed)).program()
    assert_same(source, check(source, max_qubits=12))


@settings(max_examples=600, deadline=None, database=None)
@given(st.integers(0, 2**64))
def test_broken_programs_get_the_same_verdict(seed: int) -> None:
    numbers = random.Random(seed)
    source = broken(ProgramWriter(numbers).program(), numbers)
    try:
        summary = check(source, max_qubits=12)
    except InvalidCircuit as refusal:
        if not any(refusal.rule == rule and words in refusal.message for rule, words in OUR_RULES):
            with pytest.raises(CircuitError):
                parse(source)
        return
    assert_same(source, summary)


def test_a_gate_the_source_redefines_is_its_own() -> None:
    source = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; gate swap a,b { cx a,b; } swap q[0],q[1];'
    summary = check(source, max_qubits=2)
    assert summary.redefined == ("swap",)
    (entry,) = parse(source).decompose().data
    assert entry.operation.name == "cx"
