"""The checker's own reader of OpenQASM 2 and its gates, against Qiskit's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from qiskit import qasm2
from qiskit.quantum_info import Operator

from qcos_optimizer.errors import CircuitError
from qcos_optimizer.matrices import norm_apart
from qcos_optimizer.openqasm import read_circuit
from qcos_optimizer.parsing import parse
from qcos_optimizer.scanning import Unreadable
from qcos_optimizer.simulation import unitary
from qcos_optimizer.source import take_apart
from qcos_optimizer.standard_gates import STANDARD
from tests.bench.random_circuits import circuit

from .circuits import HEADER, load

DATA = Path(__file__).parents[2] / "data"
FILES = sorted(DATA.rglob("*.qasm"))


def test_every_gate_of_qelib1_is_there() -> None:
    assert {known.name for known in qasm2.LEGACY_CUSTOM_INSTRUCTIONS} - {"delay"} <= set(STANDARD)


@pytest.mark.parametrize("name", sorted(set(STANDARD) - {"u0"}))
def test_gates_are_what_qiskit_takes_them_for(name: str) -> None:
    angles, size = STANDARD[name]
    random = np.random.default_rng(len(name))
    brackets = f"({','.join(repr(float(angle)) for angle in random.uniform(-4, 4, angles))})" if angles else ""
    order = ",".join(f"q[{place}]" for place in random.permutation(size))
    text = f"{HEADER}qreg q[{size}];\n{name}{brackets} {order};\n"
    for whole in (False, True):
        made = unitary(read_circuit(text, whole=whole).steps, size)
        assert norm_apart(Operator(load(text)).data, made) < 1e-13


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_both_readers_understand_files_alike(path: Path) -> None:
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        pytest.skip("not text")
    try:
        source = take_apart(parse(text))
    except CircuitError:
        with pytest.raises(Unreadable):
            read_circuit(text)
        return
    read = read_circuit(text)
    assert (read.qubits, read.registers, read.measured) == (source.qubits, source.registers, source.measured)
    assert [step.qubits for step in read.steps] == [operation.qubits for operation in source.operations]
    for step, operation in zip(read.steps, source.operations, strict=True):
        assert norm_apart(operation.step().matrix, step.matrix) < 1e-12


@pytest.mark.parametrize("seed", range(15))
def test_both_readers_understand_random_circuits_alike(seed: int) -> None:
    text = circuit(seed)
    source = take_apart(parse(text))
    read = read_circuit(text)
    assert (read.qubits, read.registers, read.measured) == (source.qubits, source.registers, source.measured)
    for step, operation in zip(read.steps, source.operations, strict=True):
        assert step.qubits == operation.qubits
        assert norm_apart(operation.step().matrix, step.matrix) < 1e-12
    whole = read_circuit(text, whole=True).steps
    assert norm_apart(unitary(whole, read.qubits), unitary(read.steps, read.qubits)) < 1e-11


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("-2^2", -4.0),
        ("2^-1*4", 2.0),
        ("2^3^0.5", 2.0 ** (3.0**0.5)),
        ("1-2-3", -4.0),
        ("8/4/2", 1.0),
        ("-(1+2)*-3", 9.0),
        ("+cos(0)+ln(exp(2))", 3.0),
        ("sqrt(2*(3-1))/.5e1", 0.4),
        ("1e-05*3E+2", 0.003),
        ("sin(pi/2)-tan(0)", 1.0),
    ],
)
def test_expressions(expression: str, value: float) -> None:
    text = f"{HEADER}gate g(a,b) x {{ rz(b) x; }}\nqreg q[1];\ng(7,{expression}) q[0];\n"
    (step,) = read_circuit(text).steps
    assert np.angle(step.matrix[1, 1] / step.matrix[0, 0]) == pytest.approx(np.angle(np.exp(1j * value)))


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "OPENQASM 3.0;\nqubit q;",
        "qreg q[1];",
        HEADER,
        HEADER + "qreg q[2];\nh r[0];",
        HEADER + "qreg q[2];\nnothing q[0];",
        HEADER + "qreg q[2];\nh q[2];",
        HEADER + "qreg q[2];\nh q[0]",
        HEADER + "qreg q[2];\nqreg q[1];",
        HEADER + "qreg q[2];\ncx q[0],q[0];",
        HEADER + "qreg q[2];\ncx q,q;",
        HEADER + "qreg q[2];\nqreg r[3];\ncx q,r;",
        HEADER + "qreg q[2];\nrx q[0];",
        HEADER + "qreg q[2];\nrx() q[0];",
        HEADER + "qreg q[2];\nrx(1/0) q[0];",
        HEADER + "qreg q[2];\nrx(ln(-1)) q[0];",
        HEADER + "qreg q[2];\nrx(1e7) q[0];",
        HEADER + "qreg q[2];\nrx(10^400) q[0];",
        HEADER + "qreg q[2];\nrx((1) q[0];",
        HEADER + "qreg q[2];\nrx(1)) q[0];",
        HEADER + "qreg q[2];\nrx(a) q[0];",
        HEADER + "qreg q[2];\nreset q[0];",
        HEADER + "qreg q[2];\ncreg c[2];\nif(c==1) x q[0];",
        HEADER + "qreg q[2];\ncreg c[2];\nmeasure q -> c;\nx q[0];",
        HEADER + "qreg q[2];\ncreg c[2];\nmeasure q[0] -> c[0];\nmeasure q[1] -> c[0];",
        HEADER + "qreg q[2];\ncreg c[3];\nmeasure q -> c;",
        HEADER + "qreg q[2];\ncreg c[2];\nmeasure q[0] -> c;",
        HEADER + "gate g a { h b; }\nqreg q[1];\ng q[0];",
        HEADER + "gate g a { g a; }\nqreg q[1];\ng q[0];",
        HEADER + "gate g a,b { cx a,a; }\nqreg q[2];\ng q[0],q[1];",
        HEADER + "gate h a { x a; }\nqreg q[1];\nh q[0];",
        HEADER + "qreg q[1001];",
        HEADER + "qreg q[2];\nh q[0]; \u00e9",
        'OPENQASM 2.0;\ninclude "other.inc";\nqreg q[1];',
        "OPENQASM 2.0;\nqreg q[1];\nh q[0];",
    ],
)
def test_what_is_no_circuit_is_refused(broken: str) -> None:
    with pytest.raises(Unreadable):
        read_circuit(broken)


def test_definitions_that_double_again_and_again_are_bounded() -> None:
    lines = [f"gate g{depth + 1} a {{ g{depth} a; g{depth} a; }}" for depth in range(60)]
    text = HEADER + "gate g0 a { id a; }\n" + "\n".join(lines) + "\nqreg q[1];\ng60 q[0];\n"
    with pytest.raises(Unreadable, match="too many"):
        read_circuit(text)


def test_a_gate_the_text_defines_means_what_the_text_says() -> None:
    text = HEADER + "gate swap a,b { cx a,b; }\nqreg q[2];\nswap q[0],q[1];\n"
    assert norm_apart(read_circuit(text).steps[0].matrix, np.eye(4)[[0, 3, 2, 1]].astype(np.complex128)) < 1e-12
