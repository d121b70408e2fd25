"""Every rule: what breaks it, and the place it points at."""

from __future__ import annotations

import pytest

from qcos.errors import InvalidCircuit
from qcos.qasm import Limits, check
from qcos_optimizer.parsing import parse

HEAD = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];\ncreg c[3];\n'
BARE = "OPENQASM 2.0;\nqreg q[3];\n"

#: Rule, what the message must say, and a source; ⟦ stands just before the place of the error and is no part of it.
REFUSED = [
    # characters
    ("characters", "NUL", HEAD + "x q; // ⟦\0"),
    ("characters", "NUL", "⟦\0"),
    ("characters", "UTF-8", HEAD + "// ⟦\ud800"),
    ("characters", "byte order mark", "⟦\ufeff" + HEAD),
    ("characters", "U+00E9", HEAD + "x ⟦é;"),
    ("characters", "U+000B", HEAD + "x⟦\x0bq;"),
    ("characters", "U+00A0", HEAD + "x⟦\xa0q;"),
    ("characters", "'@'", HEAD + "⟦@x q;"),
    ("characters", "'_'", HEAD + "x ⟦_q;"),
    ("characters", "'.'", HEAD + "rx(⟦.) q;"),
    # version
    ("version", "OPENQASM 2.0;", "⟦"),
    ("version", "OPENQASM 2.0;", " // only this\n⟦"),
    ("version", "OPENQASM 2.0;", '⟦include "qelib1.inc";'),
    ("version", "Only OpenQASM 2.0", "OPENQASM ⟦3.2;"),
    ("version", "Only OpenQASM 2.0", "OPENQASM ⟦30;"),
    ("version", "Only OpenQASM 2.0", "OPENQASM ⟦2.1;"),
    ("version", "first statement", HEAD + "⟦OPENQASM 2.0;"),
    ("syntax", "the version 2.0", "OPENQASM ⟦x;"),
    ("syntax", "after the version", "OPENQASM 2.0\n⟦qreg q[1];"),
    # include
    ("include", "No file but qelib1.inc", 'OPENQASM 2.0;\ninclude ⟦"/etc/passwd";'),
    ("include", "No file but qelib1.inc", 'OPENQASM 2.0;\ninclude ⟦"../../qelib1.inc";'),
    ("include", "No file but qelib1.inc", 'OPENQASM 2.0;\ninclude ⟦"/proc/self/environ";'),
    ("include", "No file but qelib1.inc", 'OPENQASM 2.0;\ninclude ⟦"stdgates.inc";'),
    ("include", "No file but qelib1.inc", 'OPENQASM 2.0;\ninclude ⟦"";'),
    ("include", "twice", HEAD + '⟦include "qelib1.inc";'),
    ("syntax", "double quotes", "OPENQASM 2.0;\ninclude ⟦'qelib1.inc';"),
    ("syntax", "close it", 'OPENQASM 2.0;\ninclude ⟦"qelib1.inc;\n'),
    ("syntax", "file name", "OPENQASM 2.0;\ninclude ⟦qelib1;"),
    ("syntax", "file name", 'OPENQASM 2.0;\ninclude "qelib1.inc" ⟦x;'),
    # syntax
    ("syntax", "ends where ';'", "OPENQASM 2.0⟦"),
    ("syntax", "ends", HEAD + "x q[0]⟦"),
    ("syntax", "remove it", HEAD + "x q;⟦;"),
    ("syntax", "a statement", HEAD + "⟦}"),
    ("syntax", "a quoted text", HEAD + '⟦"x";'),
    ("syntax", "quantum register", HEAD + "cx q[0],⟦;"),
    ("syntax", "',' or ';'", HEAD + "cx q[0] ⟦q[1];"),
    ("syntax", "an index", HEAD + "x q[⟦i];"),
    ("syntax", "an index", HEAD + "x q[⟦-1];"),
    ("syntax", "an index", HEAD + "x q[⟦1.0];"),
    ("syntax", "after the index", HEAD + "x q[0⟦;"),
    ("syntax", "quantum register", HEAD + "barrier⟦;"),
    ("syntax", "->", HEAD + "measure q⟦;"),
    ("syntax", "no meaning", HEAD + "rx(⟦=1) q;"),
    ("syntax", "the name of the register", "OPENQASM 2.0; qreg ⟦3;"),
    ("syntax", "the name", "OPENQASM 2.0; qreg ⟦pi[3];"),
    ("syntax", "'['", "OPENQASM 2.0; qreg q⟦;"),
    ("syntax", "the size", "OPENQASM 2.0; qreg q[⟦-1];"),
    ("syntax", "after the size", "OPENQASM 2.0; qreg q[1⟦;"),
    ("syntax", "a number", HEAD + "rx(1+⟦) q;"),
    ("syntax", "a number", HEAD + "rx(1,⟦) q;"),
    ("syntax", "a number", HEAD + "rx(⟦*1) q;"),
    ("syntax", "a number", HEAD + "rx((⟦)) q;"),
    ("syntax", "',' or ')'", HEAD + "rx(1 ⟦2) q;"),
    ("syntax", "',' or ')'", HEAD + "rx(1⟦;"),
    ("syntax", "an operator or ')'", HEAD + "rx((1⟦, 2) q;"),
    ("syntax", "an operator or ')'", HEAD + "rx(sin(1⟦,)) q;"),
    ("syntax", "'(' after sin", HEAD + "rx(sin ⟦1) q;"),
    ("syntax", "the name of the gate", HEAD + "gate ⟦(a) b {}"),
    ("syntax", "a parameter name", HEAD + "gate g(⟦,) b {}"),
    ("syntax", "a parameter name", HEAD + "gate g(a,⟦) b {}"),
    ("syntax", "',' or ')'", HEAD + "gate g(a ⟦b) b {}"),
    ("syntax", "a qubit name", HEAD + "gate g ⟦{}"),
    ("syntax", "'{'", HEAD + "gate g a⟦;"),
    ("syntax", "not closed", HEAD + "gate g a ⟦{ x a;"),
    ("syntax", "a gate, a barrier", HEAD + "gate g a { ⟦measure a -> c[0]; }"),
    ("syntax", "a gate, a barrier", HEAD + "gate g a { ⟦reset a; }"),
    ("syntax", "',' or ';'", HEAD + "gate g a { x a⟦[0]; }"),
    ("syntax", "a qubit of the gate", HEAD + "gate g a { barrier⟦; }"),
    # names and numbers
    ("identifier", "'h'", HEAD + "⟦H q[0];"),
    ("identifier", "lower-case", "OPENQASM 2.0; qreg ⟦Q[3];"),
    ("identifier_length", "64", HEAD + "⟦" + "a" * 65 + " q;"),
    ("number", "letter", HEAD + "rx(⟦2pi) q;"),
    ("number", "letter", HEAD + "rx(⟦1e) q;"),
    ("number", "letter", HEAD + "rx(⟦1.5x) q;"),
    ("number", "begin with 0", HEAD + "x q[⟦01];"),
    ("number_length", "9 digits", "OPENQASM 2.0; qreg q[⟦" + "9" * 10 + "];"),
    ("number_length", "9 digits", "OPENQASM 2.0; creg c[⟦1" + "0" * 40 + "];"),
    ("number_length", "9 digits", HEAD + "rx(⟦1" + "0" * 400 + ") q;"),
    ("number_length", "64 characters", HEAD + "rx(⟦0." + "1" * 63 + ") q;"),
    # gates
    ("unknown_gate", "did you mean 'cx'", HEAD + "⟦cnot q[0],q[1];"),
    ("unknown_gate", "did you mean 'swap'", HEAD + "⟦swpa q[0],q[1];"),
    ("unknown_gate", "did you mean 'mygate'", HEAD + "gate mygate a {}\n⟦mygat q[0];"),
    ("unknown_gate", "Unknown gate 'zzzzzz'.", HEAD + "⟦zzzzzz q[0],q[1];"),
    ("unknown_gate", "a word of OpenQASM 3", HEAD + "⟦qubit[2] r;"),
    ("unknown_gate", "a word of OpenQASM 3", HEAD + "⟦delay(100) q[0];"),
    ("unknown_gate", 'include "qelib1.inc";', BARE + "⟦h q[0];"),
    ("unknown_gate", 'include "qelib1.inc";', BARE + "⟦sx q[0];"),
    ("unknown_gate", 'include "qelib1.inc";', BARE + "gate g a { ⟦x a; }"),
    ("unknown_gate", "a register", HEAD + "⟦q x;"),
    ("unknown_gate", "own definition", HEAD + "gate g a { ⟦g a; }"),
    ("unknown_gate", "own definition", HEAD + "gate swap a,b { ⟦swap a,b; }"),
    ("unknown_gate", "defined above", HEAD + "gate f a { ⟦g a; }\ngate g a { f a; }"),
    ("arity", "1 parameter, this call gives 0", HEAD + "⟦rx q[0];"),
    ("arity", "1 parameter, this call gives 0", HEAD + "⟦rx() q[0];"),
    ("arity", "3 parameters, this call gives 2", HEAD + "⟦u3(1,2) q[0];"),
    ("arity", "0 parameters, this call gives 1", HEAD + "⟦x(1) q[0];"),
    ("arity", "2 qubits, this call gives 1", HEAD + "⟦cx q[0];"),
    ("arity", "1 qubit, this call gives 2", HEAD + "⟦x q[0],q[1];"),
    ("arity", "1 parameter", HEAD + "gate g a { ⟦rx a; }"),
    ("arity", "2 qubits", HEAD + "gate g a { ⟦cx a; }"),
    ("duplicate_qubit", "twice", HEAD + "⟦cx q[1],q[1];"),
    ("duplicate_qubit", "twice", HEAD + "⟦cx q,q;"),
    ("duplicate_qubit", "twice", HEAD + "⟦cx q[0],q;"),
    ("duplicate_qubit", "twice", HEAD + "⟦ccx q[0],q[1],q[0];"),
    ("duplicate_qubit", "twice", HEAD + "gate g a,b { ⟦cx a,a; }"),
    ("broadcast", "3 and 2", HEAD + "qreg r[2];\ncx q,⟦r;"),
    ("broadcast", "1 and 3", HEAD + "qreg r[1];\ncx r,⟦q;"),
    ("opaque", "gate", HEAD + "⟦opaque g(a) b;"),
    # declarations
    ("redefined", "'q' is already a register", HEAD + "creg ⟦q[1];"),
    ("redefined", "'x' is already a gate", HEAD + "qreg ⟦x[1];"),
    ("redefined", "'sx' is a gate of qelib1.inc", "OPENQASM 2.0; qreg ⟦sx[1];"),
    ("redefined", "'q' is already a register", HEAD + "gate ⟦q a {}"),
    ("redefined", "'x' is already a gate", HEAD + "gate ⟦x a {}"),
    ("redefined", "'U' is already a gate", HEAD + "gate ⟦U(a,b,c) d {}"),
    ("redefined", "'g' is already a gate", HEAD + "gate g a {}\ngate ⟦g a {}"),
    ("redefined", "'swap' is already a gate", HEAD + "gate swap a,b {}\ngate ⟦swap a,b {}"),
    ("redefined", "used above", HEAD + "swap q[0],q[1];\ngate ⟦swap a,b {}"),
    ("redefined", "used above", HEAD + "gate g a,b { swap a,b; }\ngate ⟦swap a,b {}"),
    ("redefined", "qelib1.inc defines 'x'", 'OPENQASM 2.0;\nqreg x[1];\n⟦include "qelib1.inc";'),
    ("redefined", "qelib1.inc defines 'h'", 'OPENQASM 2.0;\ngate h a {}\n⟦include "qelib1.inc";'),
    ("redefined", "'a' stands twice", HEAD + "gate g(a,⟦a) b {}"),
    ("redefined", "'a' stands twice", HEAD + "gate g(a) b,⟦a {}"),
    ("register", "at least 1", "OPENQASM 2.0; qreg q[⟦0];"),
    ("register", "at least 1", "OPENQASM 2.0; creg c[⟦0];"),
    ("undefined", "no register 'r'", HEAD + "x ⟦r[0];"),
    ("undefined", "'c' is a creg", HEAD + "x ⟦c[0];"),
    ("undefined", "'q' is a qreg", HEAD + "measure q -> ⟦q;"),
    ("undefined", "its qubits are a, b", HEAD + "gate g a,b { x ⟦q; }"),
    ("undefined", "there is none", HEAD + "rx(⟦theta) q;"),
    ("undefined", "that is a, b", HEAD + "gate g(a,b) d { rx(⟦d) d; }"),
    ("undefined", "'asin' is no number", HEAD + "rx(⟦asin(1)) q;"),
    ("index", "'q' has 3 bits", HEAD + "x q[⟦3];"),
    ("index", "'c' has 3 bits", HEAD + "measure q[0] -> c[⟦999999999];"),
    # parameters
    ("parameter", "too large", HEAD + "rx(⟦1.0e309) q;"),
    ("parameter", "too large", HEAD + "rx(9^9⟦^9^9) q;"),
    ("parameter", "too large", HEAD + "rx(⟦exp(1.0e9)) q;"),
    ("parameter", "too large", HEAD + "rx(1.0e308⟦*10) q;"),
    ("parameter", "no real value", HEAD + "rx((-1)⟦^0.5) q;"),
    ("parameter", "no real value", HEAD + "rx(0⟦^-1) q;"),
    ("parameter", "divides by zero", HEAD + "rx(1⟦/0) q;"),
    ("parameter", "divides by zero", HEAD + "rx(0⟦/(1-1)) q;"),
    ("parameter", "divides by zero", HEAD + "gate g(a) b { rx(a⟦/0) b; }"),
    ("parameter", "logarithm", HEAD + "rx(⟦ln(0)) q;"),
    ("parameter", "square root", HEAD + "rx(⟦sqrt(-1)) q;"),
    ("parameter", "beyond 1000000 radians", HEAD + "⟦rx(1.0e300) q;"),
    ("parameter", "beyond 1000000 radians", HEAD + "⟦rx(-1000000.1) q;"),
    ("parameter", "beyond 1000000 radians", HEAD + "⟦u3(0,0,tan(pi/2)) q;"),
    ("parameter", "beyond 1000000 radians", HEAD + "gate g a { ⟦rx(1.0e7) a; }"),
    ("parameter", "inside 'g' divides by zero", HEAD + "gate g(a) b { rx(1/a) b; }\n⟦g(0) q;"),
    ("parameter", "inside 'g' divides by zero", HEAD + "gate g(a) b { rx(1/(a-2)) b; }\ngate f b { ⟦g(2) b; }"),
    ("parameter", "inside 'f' divides", HEAD + "gate g(a) b { rx(1/a) b; }\ngate f(a) b { g(a-1) b; }\n⟦f(1) q;"),
    ("parameter", "inside 'g' takes the log", HEAD + "gate g(a) b { rx(ln(a)) b; }\ng(1) q;\n⟦g(-1) q;"),
    ("parameter", "inside 'g' is beyond", HEAD + "gate g(a) b { rx(a*a) b; }\n⟦g(1001) q;"),
    ("parameter", "inside 'g' is too large", HEAD + "gate g(a) b { rx(exp(a)) b; }\n⟦g(1000) q;"),
    ("parameter", "whole number", HEAD + "⟦u0(1.5) q;"),
    ("parameter", "whole number", HEAD + "⟦u0(11) q;"),
    ("parameter", "whole number", HEAD + "⟦u0(-1) q;"),
    # measurements
    ("mid_circuit", "final measurements only", HEAD + "⟦if(c==1) x q[0];"),
    ("mid_circuit", "final measurements only", HEAD + "⟦reset q[0];"),
    ("mid_circuit", "after it was measured", HEAD + "measure q[0] -> c[0];\nx q[1];\n⟦x q[0];"),
    ("mid_circuit", "after it was measured", HEAD + "measure q[2] -> c[0];\n⟦x q;"),
    ("clbit_overwritten", "written twice", HEAD + "measure q[0] -> c[0];\nmeasure q[1] -> ⟦c[0];"),
    ("clbit_overwritten", "written twice", HEAD + "measure q[0] -> c[2];\nmeasure q -> ⟦c;"),
    ("broadcast", "same size", HEAD + "⟦measure q -> c[0];"),
    ("broadcast", "same size", HEAD + "⟦measure q[0] -> c;"),
    ("broadcast", "same size", HEAD + "creg d[2];\n⟦measure q -> d;"),
    # nothing to run
    ("empty", "nothing to run", "OPENQASM 2.0;⟦"),
    ("empty", "nothing to run", HEAD + "barrier q;\n⟦"),
    ("empty", "nothing to run", HEAD + "gate g a {}\ng q;\n// nothing⟦"),
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
    assert refusal.details == [{"field": "qasm", "rule": rule, "line": refusal.line, "column": refusal.column}]


#: Rule, the limit made small, a source at the limit, and one just past it.
LIMITED = [
    ("source_size", Limits(source_bytes=len(HEAD) + 4), HEAD + "x q;", "⟦" + HEAD + "x q; "),
    ("source_size", Limits(source_bytes=len(HEAD) + 9), HEAD + "x q;//éa", "⟦" + HEAD + "x q;//éé"),
    ("identifier_length", Limits(identifier_length=4), HEAD + "qreg abcd[1]; x q;", HEAD + "qreg ⟦abcde[1]; x q;"),
    ("number_length", Limits(integer_digits=3), HEAD + "rx(123) q;", HEAD + "rx(⟦1234) q;"),
    ("number_length", Limits(real_length=4), HEAD + "rx(1.25) q;", HEAD + "rx(⟦1.250) q;"),
    ("nesting", Limits(nesting=3), HEAD + "rx(((sin(1)))) q;", HEAD + "rx(1+(((⟦(1))))) q;"),
    ("nesting", Limits(nesting=3), HEAD + "rx((1)+((1))) q;", HEAD + "rx(((sin(⟦(1))))) q;"),
    ("expression_length", Limits(expression_tokens=5), HEAD + "rx(1+1+1) q;", HEAD + "rx(1+1+1⟦+1) q;"),
    ("gate_definitions", Limits(gate_definitions=1), HEAD + "gate g a {} x q;", HEAD + "gate g a {} ⟦gate f a {} x q;"),
    (
        "gate_depth",
        Limits(gate_depth=2),
        HEAD + "gate g a { x a; } gate f a { g a; } x q;",
        HEAD + "gate g a { x a; } gate f a { g a; } gate ⟦e a { f a; x a; } x q;",
    ),
    ("arguments", Limits(arguments=2), HEAD + "gate g(a,b) d,e {} x q;", HEAD + "gate g(a,b,⟦d) e {} x q;"),
    ("arguments", Limits(arguments=2), HEAD + "gate g(a,b) d,e {} x q;", HEAD + "gate g d,e,⟦f {} x q;"),
    ("clbits", Limits(clbits=4), HEAD + "creg d[1]; x q;", HEAD + "creg d[⟦2]; x q;"),
    ("operations", Limits(operations=4), HEAD + "x q; x q[0];", HEAD + "x q; cx q[0],q[1]; ⟦x q[0];"),
    (
        "operations",
        Limits(operations=4),
        HEAD + "gate g a { x a; x a; } g q[0]; g q[0];",
        HEAD + "gate g a { x a; x a; } g q[0]; ⟦measure q -> c;",
    ),
    (
        "expansion",
        Limits(expansion=6),
        HEAD + "gate g a { x a; barrier a; } g q[0]; x q;",
        HEAD + "gate g a { x a; } g q; ⟦g q[0];",
    ),
    ("expansion", Limits(expansion=2), HEAD + "x q[0]; barrier q;", HEAD + "x q[0]; barrier q; ⟦barrier q[0];"),
    (
        "expression_work",
        Limits(evaluation_steps=8),
        HEAD + "gate g(a) b { rx(a+1) b; } g(1) q; g(2) q; g(1) q;",
        HEAD + "gate g(a) b { rx(a+1) b; } g(1) q; g(2) q; ⟦g(3) q;",
    ),
    ("parameter", Limits(angle=2.0), HEAD + "rx(-2) q;", HEAD + "⟦rx(2.5) q;"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "limits", "allowed", "marked"), LIMITED)
def test_limit(rule: str, limits: Limits, allowed: str, marked: str) -> None:
    check(allowed, max_qubits=8, limits=limits)
    before, after = marked.split("⟦")
    check(before + after, max_qubits=8)
    with pytest.raises(InvalidCircuit) as caught:
        check(before + after, max_qubits=8, limits=limits)
    assert caught.value.rule == rule
    place = (before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)
    assert (caught.value.line, caught.value.column) == place


def test_qubits_of_the_backend() -> None:
    source = "OPENQASM 2.0;\nqreg q[4];\nqreg r[4];\nU(0,0,0) q;"
    assert check(source, max_qubits=8).qubits == 8
    with pytest.raises(InvalidCircuit, match="needs 8 qubits here and the backend has 7") as caught:
        check(source, max_qubits=7)
    assert (caught.value.rule, caught.value.line, caught.value.column) == ("qubits", 3, 8)


def test_a_path_is_not_repeated_to_the_caller() -> None:
    for statement in ('include "/home/someone/key.pem";', '"/home/someone/key.pem";', 'qreg "/home/someone/key.pem";'):
        with pytest.raises(InvalidCircuit) as caught:
            check(f"OPENQASM 2.0; {statement}", max_qubits=8)
        assert "someone" not in caught.value.message


#: Operations it expands to, and a source at the edge of what is accepted.
ACCEPTED = [
    (1, "OPENQASM 2; qreg q[1]; U(0,0,0) q;"),
    (1, "OPENQASM\t2.0;\r\nqreg q[1];\r\n// note\r\nU(0,0,0) q[0];"),
    (1, "// note\n\nOPENQASM 2.0;qreg q[1];qreg x[1];CX q,x;//"),
    (1, "OPENQASM 2.0; gate x a { U(0,0,0) a; } qreg q[1]; x q;"),
    (2, "OPENQASM 2.0; gate h(t) a,b { CX a,b; CX b,a; } qreg q[2]; h(0) q[0],q[1];"),
    (1, 'OPENQASM 2.0; gate sx a { U(0,0,0) a; } include "qelib1.inc"; qreg q[1]; sx q;'),
    (8, HEAD + "qreg r[5]; x q; x r;"),
    (1, HEAD + "x q[2];"),
    (1, HEAD + "u0(0) q[0];"),
    (1, HEAD + "u0(10) q[0];"),
    (1, HEAD + "gate u0(t) a { rx(t) a; } u0(1.5) q[0];"),
    (1, HEAD + "gate delay(t) a { rx(t) a; } delay(1.5) q[0];"),
    (1, HEAD + "gate p(s,t) a { rx(s*t) a; } p(1.5, 2) q[0];"),
    (2, HEAD + "rx(1000000) q[0]; rx(-1000000) q[0];"),
    (1, HEAD + "rx(999999999/1000) q[0];"),
    (1, HEAD + "rx(0." + "1" * 62 + ") q[0];"),
    (1, HEAD + "rx(" + "(" * 64 + "1" + ")" * 64 + ") q[0];"),
    (1, HEAD + "rx(1" + "+1" * 499 + ") q[0];"),
    (1, HEAD + f"gate {'g' * 64} a {{ x a; }} {'g' * 64} q[0];"),
    (2, HEAD + "measure q[0] -> c[0]; measure q[0] -> c[1];"),
    (5, HEAD + "measure q -> c; barrier q; qreg r[2]; x r;"),
    (2, HEAD + "measure q[0] -> c[2]; barrier q[0], q; x q[1];"),
    (3, HEAD + "qreg one[1]; cx q, one[0];"),
    (1, HEAD + "gate g(q) c { rx(q) c; } g(1) q[0];"),
    (1, HEAD + "gate g(x, cx) h { rx(x + cx) h; } g(1, 2) q[0];"),
    (1, HEAD + "gate g(a) b { rx(1/a) b; } gate f(a) b { g(a) b; } f(1.0e-6) q[0];"),
    (1, HEAD + "gate unused(a) b { rx(1/a) b; } x q[0];"),
]  # fmt: skip


@pytest.mark.parametrize(("operations", "source"), ACCEPTED)
def test_accepted(operations: int, source: str) -> None:
    assert check(source, max_qubits=8).operations == operations
    parse(source)


def test_numbers_with_an_exponent_need_no_point() -> None:
    source = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\nrx(1e-05+2E3) q[0];'
    assert check(source, max_qubits=1).operations == 1
