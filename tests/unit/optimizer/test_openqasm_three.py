"""The checker's own reader of OpenQASM 3, against the optimizer's and against Qiskit's importer."""

from __future__ import annotations

import json
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import qasm3
from qiskit.quantum_info import Operator

from qcos_optimizer import certify, optimize
from qcos_optimizer.certificate import canonical, digest
from qcos_optimizer.errors import CircuitError
from qcos_optimizer.lowering import PartsCache, level_zero
from qcos_optimizer.matrices import norm_apart, turns_matrix
from qcos_optimizer.native import Matrix
from qcos_optimizer.openqasm_three import read_openqasm3, read_source
from qcos_optimizer.parsing import parse
from qcos_optimizer.recheck import NotShown, recheck
from qcos_optimizer.scanning import Unreadable
from qcos_optimizer.simulation import unitary
from qcos_optimizer.source import take_apart
from qcos_optimizer.verification import Verifier
from qcos_optimizer.windows import cut
from tests.unit.qasm.programs import broken
from tests.unit.qasm.programs3 import SPARE_WORDS, ProgramWriter3

from .circuits import load, random_circuit

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'
SEEDS = st.integers(0, 2**64)


def assert_read_alike(text: str) -> None:
    """Qubits, bits, the whole unitary, and gate by gate."""
    source, read = take_apart(parse(text)), read_openqasm3(text)
    assert (read.qubits, read.registers, read.measured) == (source.qubits, source.registers, source.measured)
    steps = [operation.step() for operation in source.operations]
    assert norm_apart(unitary(steps, read.qubits), unitary(read.steps, read.qubits)) < 1e-11
    operations = iter(source.operations)
    assert len(read.steps) == len(source.parts)
    for step, count in zip(read.steps, source.parts, strict=True):
        part = [next(operations) for _ in range(count)]
        assert {qubit for operation in part for qubit in operation.qubits} <= set(step.qubits)


@settings(max_examples=150, deadline=None, database=None)
@given(SEEDS)
def test_both_readers_understand_random_programs_alike(seed: int) -> None:
    assert_read_alike(ProgramWriter3(random.Random(seed)).program())


@settings(max_examples=300, deadline=None, database=None)
@given(SEEDS)
def test_a_broken_program_that_both_readers_take_means_the_same_to_both(seed: int) -> None:
    numbers = random.Random(seed)
    text = broken(ProgramWriter3(numbers).program(), numbers, SPARE_WORDS.split())
    try:
        take_apart(parse(text))
        read_openqasm3(text)
    except (CircuitError, Unreadable):
        return
    assert_read_alike(text)


@settings(max_examples=40, deadline=None, database=None)
@given(SEEDS)
def test_programs_mean_what_qiskit_takes_them_to_mean(seed: int) -> None:
    text = ProgramWriter3(random.Random(seed), known_to_qiskit=True).program()
    wanted, read = load(text), read_openqasm3(text)
    bits = {
        wanted.find_bit(entry.clbits[0]).index: wanted.find_bit(entry.qubits[0]).index
        for entry in wanted.get_instructions("measure")
    }
    if bits:
        assert {bit: qubit for bit, qubit in enumerate(read.measured) if qubit is not None} == bits
    wanted.data = [entry for entry in wanted.data if entry.operation.name != "measure"]
    assert norm_apart(Operator(wanted).data, unitary(read.steps, read.qubits)) < 1e-11


@pytest.mark.parametrize("seed", range(20))
def test_what_qiskit_exports_is_read_as_it_was_meant(seed: int) -> None:
    """Every gate that Qiskit knows, written with modifiers and definitions of Qiskit's own."""
    circuit = random_circuit(4, 12, seed)
    text = qasm3.dumps(circuit)
    assert norm_apart(Operator(circuit).data, unitary(read_openqasm3(text).steps, 4)) < 1e-11


def matrices(text: str) -> list[Matrix]:
    return [step.matrix for step in read_openqasm3(text).steps]


GATES = {
    **dict.fromkeys(["x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "id"], (0, 1)),
    **dict.fromkeys(["p", "phase", "u1", "rx", "ry", "rz"], (1, 1)),
    **dict.fromkeys(["cx", "CX", "cy", "cz", "ch", "swap"], (0, 2)),
    **dict.fromkeys(["cp", "cphase", "crx", "cry", "crz"], (1, 2)),
    **{"ccx": (0, 3), "cswap": (0, 3), "cu": (4, 2)},
}
"""Angles and qubits of the gates of stdgates.inc; those whose phase is loose are left out."""


@pytest.mark.parametrize("name", GATES)
def test_modifiers_of_every_gate(name: str) -> None:
    """Against powers and blocks of the matrix that Qiskit has for it, phase included."""
    angles, size = GATES[name]
    values = np.random.default_rng(len(name)).uniform(-4, 4, angles)
    call = f"{name}({','.join(map(repr, map(float, values)))})" if angles else name
    kept = ",".join(f"q[{place}]" for place in range(size))
    plain = Operator(load(f"{HEAD}qubit[{size}] q;\n{call} {kept};\n")).data
    for modifiers, exponent, states in (
        ("ctrl @", 1, (1,)),
        ("negctrl @ ctrl @ inv @", -1, (0, 1)),
        ("pow(3) @ ctrl(2) @", 3, (1, 1)),
        ("ctrl @ pow(-2) @ negctrl @", -2, (1, 0)),
        ("inv @ pow(-1) @ inv @ ctrl @", -1, (1,)),
        ("ctrl @ pow(0) @", 0, (1,)),
    ):
        more = len(states)
        wanted = np.eye(2 ** (size + more), dtype=np.complex128)
        on = [row for row in range(len(wanted)) if all(row >> slot & 1 == state for slot, state in enumerate(states))]
        wanted[np.ix_(on, on)] = np.linalg.matrix_power(plain, exponent)
        every = ",".join(f"q[{place}]" for place in range(size + more))
        text = f"{HEAD}qubit[{size + more}] q;\n{modifiers} {call} {every};\n"
        made = unitary(read_openqasm3(text).steps, size + more)
        assert np.abs(made - wanted).max() < 1e-12, modifiers


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        # A phase of a gate is one of the controls of its calls, there and back.
        ("gate g(a) x { gphase(a); p(2*a) x; } ctrl @ g(0.3) q[0], q[1];", "p(0.3) q[0]; cp(0.6) q[0], q[1];"),
        ("gate g(a) x { gphase(a); p(2*a) x; } inv @ ctrl @ g(0.3) q[0], q[1];", "p(-0.3) q[0]; cp(-0.6) q[0], q[1];"),
        ("negctrl @ gphase(0.4) q[1];", "x q[1]; p(0.4) q[1]; x q[1];"),
        # A gate runs backward in the order of its calls, too.
        ("gate g x { h x; t x; sx x; } inv @ g q[0];", "inv @ sx q[0]; tdg q[0]; h q[0];"),
        ("gate g x { h x; t x; } pow(-2) @ g q[0];", "tdg q[0]; h q[0]; tdg q[0]; h q[0];"),
        # The first controls are the outermost.
        ("negctrl @ ctrl @ x q[2], q[0], q[1];", "x q[2]; ccx q[2], q[0], q[1]; x q[2];"),
        # A name of the gate hides a constant; its angles are never whole numbers.
        ("const int a = 4; gate g(a) x { rx(a / 2) x; } g(3) q[0]; rx(a) q[1];", "rx(1.5) q[0]; rx(4) q[1];"),
        ("x q[-1]; cx q[0], q[-2];", "x q[2]; cx q[0], q[1];"),
        ("qubit one; cx one, q; barrier; h one;", "qubit one; cx one, q[0]; cx one, q[1]; cx one, q[2]; h one;"),
        ("qreg r[2]; cx q[0], r[1]; qubit[2] v; cx r, v;", "qubit[4] r; cx q[0], r[1]; cx r[0], r[2]; cx r[1], r[3];"),
    ],
)
def test_what_stands_for_the_same(body: str, wanted: str) -> None:
    made, meant = (read_openqasm3(f"{HEAD}qubit[3] q;\n{text}") for text in (body, wanted))
    assert made.qubits == meant.qubits
    assert norm_apart(unitary(made.steps, made.qubits), unitary(meant.steps, meant.qubits)) < 1e-12


def test_a_gate_that_the_text_defines_means_what_the_text_says() -> None:
    (made,) = matrices("OPENQASM 3.0; gate h a { U(0.3, 0, 0) a; } qubit q; h q;")
    assert made[0, 0] == pytest.approx(np.cos(0.15))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("-2**2", -4.0),
        ("2**-1*4", 2.0),
        ("2**3**2/2**8", 2.0),
        ("(2.0**3)**0.5", 8.0**0.5),
        ("7-2-3", 2.0),
        ("8/4/2", 1.0),
        ("7/2.0", 3.5),
        ("-(1+2)*-3", 9.0),
        ("+cos(0)+log(exp(2))", 3.0),
        ("τ/2-π+ℇ-euler+tau/pi", 2.0),
        ("arcsin(1)+arccos(1)-arctan(1)*2", 0.0),
        ("sqrt(2*(3-1))/.5e1", 0.4),
        ("k*m-n", 4.5),
        ("/* 1 + ** */ 2 // - 1\n", 2.0),
    ],
)
def test_expressions(expression: str, value: float) -> None:
    constants = "const int[4] k = 2**2 - 1; const float m = 5/2.0; const uint n = 3;\n"
    (made,) = matrices(f"{HEAD}{constants}gate g(a,b) x {{ p(b) x; }}\nqubit q;\ng(7,{expression}) q;\n")
    assert made[1, 1] == pytest.approx(np.exp(1j * value))


@pytest.mark.parametrize(
    ("body", "registers", "measured"),
    [
        ("", (("c", 3),), (0, 1, 2)),
        ("bit[2] c;", (("c", 3),), (0, 1, 2)),
        ("bit[3] c; c = measure q;", (("c", 3),), (0, 1, 2)),
        ("bit b; bit[2] c; c[-1] = measure q[0]; measure q[2] -> b;", (("b", 1), ("c", 2)), (2, None, 0)),
        ("bit[2] c; bit a = measure q[1]; c[0] = measure q[1];", (("c", 2), ("a", 1)), (1, None, 1)),
        ("creg c[3]; measure q -> c;", (("c", 3),), (0, 1, 2)),
        ("bit[1] c; c = measure q[2];", (("c", 1),), (2,)),
    ],
)
def test_bits(body: str, registers: tuple[tuple[str, int], ...], measured: tuple[int | None, ...]) -> None:
    read = read_openqasm3(f"{HEAD}qubit[3] q;\n{body}")
    assert (read.registers, read.measured) == (registers, measured)


@pytest.mark.parametrize(
    "body",
    [
        "h r[0];",
        "nothing q[0];",
        "h q[2];",
        "h q[-3];",
        "h q[1.0];",
        "h q[0]",
        "qubit[2] q;",
        "qubit[0] r;",
        "qubit pi;",
        "bit ctrl;",
        "qubit one; h one[0];",
        "cx q[0],q[0];",
        "cx q,q;",
        "cx q[0];",
        "qubit[3] r; cx q,r;",
        "rx q[0];",
        "rx() q[0];",
        "rx(1,2) q[0];",
        "rx(1/2) q[0];",
        "rx(1/0) q[0];",
        "rx(log(-1)) q[0];",
        "rx(1e7) q[0];",
        "rx(10**400) q[0];",
        "rx(9007199254740993) q[0];",
        "rx(99999999999999999999999) q[0];",
        "rx(9007199254740992*2/2) q[0];",
        "rx(1e400) q[0];",
        "rx((1) q[0];",
        "rx(1)) q[0];",
        "rx(a) q[0];",
        "rx(2^2) q[0];",
        "reset q[0];",
        "for int i in [0:1] { x q[i]; }",
        "bit[2] c; if (c == 1) x q[0];",
        "bit[2] c; c = measure q; x q[0];",
        "bit[2] c; c[0] = measure q[0]; c[0] = measure q[1];",
        "bit[2] c; c = measure q[0];",
        "bit[2] c; c = 3;",
        "const int n = 2.5;",
        "const uint n = -1;",
        "const int[8] n = 128;",
        "const float[32] f = 1;",
        "const angle a = pi;",
        "int n = 3;",
        "gate g a { h b; }",
        "gate g a { barrier b; }",
        "gate g a { g a; }",
        "gate g a, a { h a; }",
        "gate g(a) a { h a; }",
        "gate g a,b { cx a,a; }",
        "gate h a { x a; }",
        "ctrl @ U(1,2,3) q[0],q[1];",
        "gate g a { u3(1,2,3) a; } negctrl @ inv @ g q[0],q[1];",
        "ctrl @ x q[0];",
        "ctrl(0) @ x q[0];",
        "pow(0.5) @ x q[0];",
        "pow(200001) @ x q[0];",
        "gphase(1) q[0];",
        'include "stdgates.inc";',
        'include "other.inc";',
        "qubit[1001] r;",
        "x $0;",
        "x q[0]; é",
        "x q[0]; /* open",
    ],
)
def test_what_is_no_circuit_is_refused(body: str) -> None:
    with pytest.raises(Unreadable):
        read_source(f"{HEAD}qubit[2] q;\n{body}")


@pytest.mark.parametrize("text", ["OPENQASM 3.2; qubit q;", "OPENQASM 3.0; qubit q; h q;", "OPENQASM 3;", HEAD])
def test_what_has_another_version_or_no_gates_or_qubits(text: str) -> None:
    with pytest.raises(Unreadable):
        read_source(text)


def test_definitions_that_double_again_and_again_are_bounded() -> None:
    for call in ("x a;", "", "gphase(0.1);", "pow(100000) @ pow(100000) @ x a;"):
        lines = [f"gate g{depth + 1} a {{ g{depth} a; g{depth} a; }}" for depth in range(60)]
        with pytest.raises(Unreadable, match="too many"):
            read_openqasm3(f"{HEAD}gate g0 a {{ {call} }}\n" + "\n".join(lines) + "\nqubit q;\ng60 q;\n")


def test_matrices_are_bounded() -> None:
    qubits = ", ".join(f"q[{place}]" for place in range(11))
    with pytest.raises(Unreadable, match="more than 10 qubits"):
        read_openqasm3(f"{HEAD}qubit[11] q; ctrl(10) @ x {qubits};")
    fewer = qubits.removesuffix(", q[10]")
    wide = "".join(f"ctrl(9) @ rx({angle}) {fewer};\n" for angle in range(1, 10))
    with pytest.raises(Unreadable, match="too many"):
        read_openqasm3(f"{HEAD}qubit[10] q;\n{wide}")


def test_gates_wider_than_any_window_are_proved_from_the_text() -> None:
    """As rotations on up to ten qubits; the circuit is too large to be compared as a whole."""
    qubits = ", ".join(f"q[{place}]" for place in range(9))
    text = f"{HEAD}qubit[12] q;\nh q;\nctrl(7) @ negctrl @ rz(0.3) {qubits};\ncz q[4], q[10];\nh q;\n"
    made = optimize(text, "ionq_forte", 0)
    assert made.certificate is not None
    assert recheck(text.encode(), made.to_qasm2().encode(), made.certificate).error < 1e-10
    source = take_apart(parse(text.replace("0.3", "0.300001")))
    assert Verifier(source, 0, text).verify(level_zero(source, cut(source), "zz", PartsCache())) is None


@pytest.mark.parametrize("level", [0, 1])
@settings(max_examples=8, deadline=None, database=None)
@given(SEEDS)
def test_random_programs_get_certificates_that_hold(level: int, seed: int) -> None:
    """Compared as a whole, and beside more qubits by rotations and windows; of another circuit they do not hold."""
    text = ProgramWriter3(random.Random(seed)).program()
    wide = text.replace("qubit _alone;", "qubit _alone; qubit[11] more;") + "\ncx more[0], _rest;\n"
    wide = wide.replace("h _alone;", "qubit _rest; h _alone; h more; cp(0.3) _alone, more[10];", 1)
    for source in (text, wide):
        made = optimize(source, "ionq_forte", level)
        assert made.certificate is not None
        assert recheck(source.encode(), made.to_qasm2().encode(), made.certificate).error < 1e-9
        other = source.replace("h _alone;", "rx(0.000001) _alone; h _alone;", 1)
        document = json.loads(made.certificate)
        document["input"]["openqasm3"] = digest(other.encode())
        with pytest.raises(NotShown):
            recheck(other.encode(), made.to_qasm2().encode(), canonical(document))


def test_too_many_rotations_for_a_stage_are_compared_gate_by_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no file then, and still no gate that one reader takes for another."""
    monkeypatch.setattr(certify, "MAX_ROTATIONS", 100)
    turns = "".join(f"rx(0.{place % 97 + 1}) q[{place % 30}]; h q[{place % 30}];\n" for place in range(300))
    text = f"{HEAD}qubit[30] q;\n{turns}negctrl @ ry(0.1) q[3], q[4];\n"
    made = optimize(text, "ionq_forte", 0)
    assert made.verification.verdict == "proved"
    assert made.certificate is None
    source = take_apart(parse(text.replace("0.1) q[3], q[4]", "0.100001) q[3], q[4]")))
    assert Verifier(source, 0, text).verify(level_zero(source, cut(source), "zz", PartsCache())) is None


@pytest.mark.parametrize("qubits", [1, 3, 6, 8])
def test_rotations_on_many_qubits_are_multiplied_out_right(qubits: int) -> None:
    numbers = np.random.default_rng(qubits)
    turns = tuple(
        (int(numbers.integers(2**qubits)) & mask, int(numbers.integers(2**qubits)) & mask, float(angle))
        for angle in numbers.uniform(-1, 1, 12)
        for mask in (0, 1, 2 ** (qubits - 1) + 1, 2**qubits - 1)
    )
    wanted = np.eye(2**qubits, dtype=np.complex128)
    for x, z, angle in turns:
        letters = "".join("IXZY"[(x >> qubit & 1) + 2 * (z >> qubit & 1)] for qubit in reversed(range(qubits)))
        pauli = Operator.from_label(letters).data
        wanted = (np.cos(np.pi * angle) * np.eye(2**qubits) - 1j * np.sin(np.pi * angle) * pauli) @ wanted
    assert np.abs(turns_matrix(turns, qubits) - wanted).max() < 1e-12


def test_a_file_is_read_in_the_language_it_names() -> None:
    newer = '// OPENQASM 2.0;\n/* " */ OPENQASM 3;\ninclude "stdgates.inc"; qubit q; h q;'
    older = '// OPENQASM 3.0;\nOPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1]; h q[0];'
    assert [read_source(text).form for text in (newer, older)] == ["openqasm3", "openqasm2"]
