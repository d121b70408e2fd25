"""OpenQASM 3: every rule and place, limits, and agreement with the optimizer's reader and with Qiskit's importer."""

from __future__ import annotations

import random
import re
import warnings
from pathlib import Path

import pytest
import qiskit
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit, qasm3
from qiskit.quantum_info import Operator

from qcos.errors import InvalidCircuit
from qcos.qasm import Limits, check
from qcos.qasm.scope3 import STDGATES
from qcos_optimizer.errors import CircuitError
from qcos_optimizer.openqasm3 import gates
from qcos_optimizer.parsing import parse
from tests.unit.qasm.programs import broken
from tests.unit.qasm.programs3 import SPARE_WORDS, ProgramWriter3

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;\nbit[3] c;\n'
SIZE = Limits().source_bytes

#: Rule, what the message must say, and a source; ⟦ stands just before the place of the error and is no part of it.
REFUSED = [
    ("version", "3.1", "OPENQASM ⟦3.2;"),
    ("version", "3.1", "OPENQASM ⟦30;"),
    ("syntax", "after the version", "OPENQASM 3.0\n⟦qubit q;"),
    ("characters", "':'", HEAD + "x q[0⟦:1];"),
    ("characters", "'%'", HEAD + "rx(5⟦%2) q;"),
    ("characters", "'^'", HEAD + "rx(2⟦^2) q;"),
    ("characters", "'$'", HEAD + "x ⟦$0;"),
    ("characters", "U+03B8", HEAD + "qubit ⟦θ;"),
    ("include", "stdgates.inc", 'OPENQASM 3.0;\ninclude ⟦"qelib1.inc";'),
    ("include", "stdgates.inc", 'OPENQASM 3.0;\ninclude ⟦"/etc/passwd";'),
    ("include", "twice", HEAD + '⟦include "stdgates.inc";'),
    ("redefined", "defines 'x'", 'OPENQASM 3.0;\nqubit x;\n⟦include "stdgates.inc";'),
    ("redefined", "'q' is already a register", HEAD + "bit ⟦q;"),
    ("redefined", "'h' is already a gate", HEAD + "gate ⟦h a {}"),
    ("redefined", "'n' is already a constant", HEAD + "const int n = 2; qubit ⟦n;"),
    ("redefined", "'a' stands twice", HEAD + "gate g(a) b,⟦a {}"),
    ("register", "at least 1", "OPENQASM 3.0; qubit[⟦0] q;"),
    ("register", "at least 1", "OPENQASM 3.0; qubit[⟦-3] q;"),
    ("register_name", "OpenQASM 2", HEAD + "bit ⟦Upper;"),
    ("register_name", "OpenQASM 2", HEAD + "bit[2] ⟦cu1;"),
    ("qubits", "needs 9 qubits", HEAD + "qubit[⟦6] r;"),
    ("whole_number", "whole number", "OPENQASM 3.0; qubit[⟦2.0] q;"),
    ("whole_number", "whole number", HEAD + "x q[⟦1.0];"),
    ("whole_number", "8 bits", HEAD + "const int[8] n = ⟦128;"),
    ("whole_number", "64 bits", HEAD + "const uint n = ⟦-1;"),
    ("whole_number", "int of 64", HEAD + "const int n = ⟦2.5;"),
    ("index", "'q' has 3 bits", HEAD + "x q[⟦3];"),
    ("index", "'q' has 3 bits", HEAD + "x q[⟦-4];"),
    ("index", "single bit", HEAD + "qubit one; x one⟦[0];"),
    ("undefined", "'r' is not a qubit", HEAD + "x ⟦r;"),
    ("undefined", "'c' is not a qubit", HEAD + "x ⟦c;"),
    ("undefined", "no number", HEAD + "rx(⟦theta) q;"),
    ("undefined", "its qubits are a", HEAD + "gate g a { x ⟦q; }"),
    ("unknown_gate", "not in stdgates.inc", HEAD + "⟦rzz(0.1) q[0],q[1];"),
    ("unknown_gate", 'include "stdgates.inc";', "OPENQASM 3.0; qubit q; ⟦h q;"),
    ("unknown_gate", "did you mean 'cx'", HEAD + "⟦cnot q[0],q[1];"),
    ("unknown_gate", "a constant", HEAD + "const int n = 2; ⟦n q;"),
    ("unknown_gate", "own definition", HEAD + "gate g a { ⟦g a; }"),
    ("unsupported", "'let'", HEAD + "⟦let a = q[0];"),
    ("unsupported", "'def'", HEAD + "⟦def f(qubit a) { x a; }"),
    ("unsupported", "needs its value", HEAD + "⟦input float theta;"),
    ("unsupported", "'int'", HEAD + "⟦int n = 3;"),
    ("unsupported", "an int, a uint or a float", HEAD + "const ⟦angle a = pi;"),
    ("unsupported", "leave the width out", HEAD + "const float[⟦32] a = pi;"),
    ("mid_circuit", "'if'", HEAD + "⟦if (c == 1) x q[0];"),
    ("mid_circuit", "'reset'", HEAD + "⟦reset q;"),
    ("mid_circuit", "'for'", HEAD + "⟦for int i in [0:1] { x q[i]; }"),
    ("mid_circuit", "'while'", HEAD + "⟦while (c == 0) x q[0];"),
    ("mid_circuit", "after it was measured", HEAD + "c = measure q;\n⟦x q[1];"),
    ("clbit_overwritten", "written twice", HEAD + "c = measure q; ⟦c[0] = measure q[1];"),
    ("broadcast", "same size", HEAD + "⟦c = measure q[0];"),
    ("broadcast", "same size", HEAD + "⟦measure q -> c[0];"),
    ("broadcast", "3 and 2", HEAD + "qubit[2] r; cx q,⟦r;"),
    ("syntax", "'->'", HEAD + "measure q⟦;"),
    ("syntax", "nothing else can be assigned", HEAD + "c = ⟦3;"),
    ("syntax", "'@' after inv", HEAD + "inv ⟦x q;"),
    ("syntax", "after pow", HEAD + "pow ⟦@ x q;"),
    ("whole_number", "whole number", HEAD + "pow(⟦0.5) @ x q;"),
    ("loose_phase", "cannot be controlled", HEAD + "⟦ctrl @ U(1,2,3) q[0],q[1];"),
    ("loose_phase", "cannot be controlled", HEAD + "gate g a { u3(1,2,3) a; }\n⟦negctrl @ inv @ g q[0],q[1];"),
    ("arguments", "controls", HEAD + "⟦ctrl(0) @ x q[0];"),
    ("arguments", "controls", HEAD + "⟦ctrl(65) @ x q[0];"),
    ("expansion", "power", HEAD + "⟦pow(200001) @ x q[0];"),
    ("arity", "2 qubits, this call gives 1", HEAD + "⟦ctrl @ x q[0];"),
    ("arity", "0 qubits, this call gives 1", HEAD + "⟦gphase(1) q[0];"),
    ("arity", "1 parameter, this call gives 0", HEAD + "⟦gphase;"),
    ("duplicate_qubit", "twice", HEAD + "⟦ctrl @ x q[0],q[-3];"),
    ("parameter", "leaves a rest", HEAD + "rx(1⟦/2) q;"),
    ("parameter", "leaves a rest", HEAD + "const int n = 3; rx(n⟦/2*pi) q;"),
    ("parameter", "divides by zero", HEAD + "rx(1⟦/0) q;"),
    ("parameter", "too large", HEAD + "rx(9⟦**9**9) q;"),
    ("parameter", "arcsine", HEAD + "rx(⟦arcsin(2)) q;"),
    ("parameter", "beyond 1000000", HEAD + "⟦gphase(1.0e7);"),
    ("empty", "nothing to run", HEAD + "gphase(1);⟦"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "says", "marked"), REFUSED)
def test_refusal(rule: str, says: str, marked: str) -> None:
    before, after = marked.split("⟦")
    with pytest.raises(InvalidCircuit) as caught:
        check(before + after, max_qubits=8)
    refusal = caught.value
    assert refusal.rule == rule
    assert says in refusal.message
    assert (refusal.line, refusal.column) == (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)


def test_what_stands_for_the_same() -> None:
    source = HEAD + "const uint n = 2; const float a = tau / n; rx(a) q[n - 1]; ctrl @ inv @ t q[0], q[2];"
    summary = check(source + "barrier; c[0] = measure q[-1]; bit last = measure q[0];", max_qubits=3)
    assert (summary.version, summary.qubits, summary.clbits, summary.operations) == ("3.0", 3, 4, 4)
    circuit = parse(source)
    assert [(entry.operation.name, entry.operation.params) for entry in circuit.data] == [
        ("rx", [3.141592653589793]),
        ("ctdg", []),
    ]


def bomb(levels: int, call: str, factor: int = 2) -> str:
    lines = [f"gate g0 a {{ {call} }}"]
    lines += [f"gate g{level} a {{ {f'g{level - 1} a;' * factor} }}" for level in range(1, levels + 1)]
    return HEAD + "\n".join(lines) + f"\ng{levels} q[0];"


def filled(start: str, unit: str, end: str = "") -> str:
    return start + unit * ((SIZE - len(start) - len(end)) // len(unit)) + end


HOSTILE = {
    "bomb": ("operations", bomb(60, "x a;")),
    "bomb_of_nothing": ("expansion", bomb(60, "")),
    "bomb_of_phases": ("expansion", bomb(60, "gphase(0.1);")),
    "bomb_of_powers": ("operations", HEAD + "gate g a { pow(100000) @ x a; } gate f a { pow(100000) @ g a; } f q[0];"),
    "powers_of_powers": ("expansion", filled(HEAD, "pow(9) @ ", "x q;")),
    "controls": ("arguments", filled(HEAD, "ctrl @ ", "x q;")),
    "inverses": ("empty", filled('OPENQASM 3; include "stdgates.inc"; qubit q; pow(0) @ ', "inv @ ", "x q;")),
    "brackets": ("nesting", filled(HEAD + "rx(", "(")),
    "brackets_of_an_index": ("nesting", filled(HEAD + "x q[", "(")),
    "signs": ("expression_length", filled(HEAD + "rx(", "-")),
    "powers": ("expression_length", filled(HEAD + "rx(1", "**1", ") q;")),
    "block_comment": ("version", filled("/*", "*")),
    "open_comment": ("syntax", HEAD + "/* x q;"),
    "whole_number": ("parameter", HEAD + "rx(999999999*999999999) q;"),
    "qubits": ("qubits", "OPENQASM 3.0; qubit[999999999] q;"),
    "qubits_by_power": ("qubits", "OPENQASM 3.0; qubit[2**52] q;"),
    "include": ("include", 'OPENQASM 3.0; include "/dev/zero";'),
    "condition": ("mid_circuit", HEAD + "if (c[0]) x q[0];"),
}  # fmt: skip


@pytest.mark.parametrize(("rule", "source"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_source(rule: str, source: str) -> None:
    with pytest.raises(InvalidCircuit) as caught:
        check(source, max_qubits=36)
    assert caught.value.rule == rule
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    "name", ["bomb", "bomb_of_nothing", "bomb_of_powers", "controls", "brackets", "qubits_by_power"]
)
def test_the_reader_is_bounded_too(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "MAX_OPERATIONS", 500)
    with pytest.raises(CircuitError):
        parse(HOSTILE[name][1])


def test_gates_are_those_of_stdgates() -> None:
    """As Qiskit's exporter takes them to be: what it defines itself is not among them."""
    importer = Path(qiskit.__file__).parent / "qasm/libs/stdgates.inc"
    text = importer.read_text(encoding="utf-8")
    heads = re.findall(r"^gate (\w+)\s*(?:\(([^)]*)\))?\s*([\w\s,]+)", text, re.MULTILINE)
    shipped = {
        name: (len(parameters.split(",")) if parameters else 0, len(qubits.split(",")))
        for name, parameters, qubits in heads
    }
    assert {name: (gate.parameters, gate.qubits) for name, gate in STDGATES.items()} == shipped


#: Refused although the reader takes it.
OUR_RULES = {
    "mid_circuit", "clbit_overwritten", "empty", "qubits", "clbits", "number_length", "number", "parameter",
    "arguments", "characters", "identifier_length", "register_name", "nesting", "expression_length", "expansion",
    "operations",
}  # fmt: skip


def count(circuit: QuantumCircuit) -> int:
    return sum(entry.operation.name != "barrier" for entry in circuit.data)


def assert_same(source: str) -> None:
    summary, circuit = check(source, max_qubits=12), parse(source)
    assert (circuit.num_qubits, circuit.num_clbits) == (summary.qubits, summary.clbits)
    assert [(register.name, register.size) for register in circuit.qregs] == [
        (name, size) for kind, name, size in summary.registers if kind == "qreg"
    ]
    assert count(circuit) == summary.operations
    assert summary.measured == ("measure" in circuit.count_ops())


@settings(max_examples=100, deadline=None, database=None)
@given(st.integers(0, 2**64))
def test_valid_programs_are_accepted_and_counted(seed: int) -> None:
    assert_same(ProgramWriter3(random.Random(seed)).program())


@settings(max_examples=200, deadline=None, database=None)
@given(st.integers(0, 2**64))
def test_broken_programs_get_the_same_verdict(seed: int) -> None:
    numbers = random.Random(seed)
    source = broken(ProgramWriter3(numbers).program(), numbers, SPARE_WORDS.split())
    try:
        check(source, max_qubits=12)
    except InvalidCircuit as refusal:
        if refusal.rule not in OUR_RULES:
            with pytest.raises(CircuitError):
                parse(source)
        return
    assert_same(source)


@settings(max_examples=12, deadline=None, database=None)
@given(st.integers(0, 2**64))
def test_programs_mean_what_qiskit_takes_them_to_mean(seed: int) -> None:
    """Another parser and another reading of modifiers, as an oracle."""
    source = ProgramWriter3(random.Random(seed), known_to_qiskit=True).program()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its parser warns of its own grammar
        wanted = qasm3.loads(source)
    made = parse(source)
    # It has no register for a single bit.
    assert [(register.name, register.size) for register in made.cregs if register.name != "c_alone"] == [
        (register.name, register.size) for register in wanted.cregs
    ]
    reads = [
        [
            (circuit.find_bit(entry.qubits[0]).index, circuit.find_bit(entry.clbits[0]).index)
            for entry in circuit.get_instructions("measure")
        ]
        for circuit in (made, wanted)
    ]
    assert reads[0] == reads[1]
    for circuit in (made, wanted):
        circuit.remove_final_measurements()
        circuit.data = [entry for entry in circuit.data if entry.operation.name != "measure"]
    assert Operator(made).equiv(Operator(wanted))
