"""What is read from a circuit, and what is refused, with words a user can act on."""

from __future__ import annotations

import math

import pytest
from qiskit.circuit import ClassicalRegister, Clbit, Gate, Parameter, QuantumCircuit, QuantumRegister, Qubit
from qiskit.quantum_info import Operator

from qcos_optimizer import CircuitError, UnknownTarget, optimize
from qcos_optimizer.parsing import parse
from qcos_optimizer.simulation import fuse, unitary
from qcos_optimizer.source import clean, take_apart

from .circuits import DATA, HEADER, load, random_circuit, text
from .test_pulses import apart


def test_measurements_keep_their_bits() -> None:
    source = take_apart(parse(text("asymmetric")))
    assert source.registers == (("high", 1), ("low", 4))
    assert source.measured == (2, 3, None, 0, 1)
    assert source.qubits == 4


def test_no_measurement_measures_all() -> None:
    source = take_apart(parse(HEADER + "qreg q[3]; creg left[1]; h q[1];"))
    assert source.registers == (("c", 3),)
    assert source.measured == (0, 1, 2)


REFUSED = {
    "mid_circuit": [
        "qreg q[2];creg c[2];measure q[0]->c[0];h q[0];",
        "qreg q[2];creg c[2];measure q[0]->c[0];cx q[1],q[0];",
        "qreg q[1];creg c[1];reset q[0];",
        "qreg q[1];creg c[1];if(c==1) x q[0];",
        "qreg q[1];creg c[1];measure q[0]->c[0];reset q[0];",
    ],
    "clbit_reused": ["qreg q[2];creg c[1];measure q[0]->c[0];measure q[1]->c[0];"],
    "no_qubits": ["", "creg c[1];"],
    "angle": [
        "qreg q[1];rx(9^9^9^9) q[0];",
        "qreg q[1];rx((-1)^0.5) q[0];",
        "qreg q[1];rx(10.0^300) q[0];",
        "gate g(t) a{rx(1/t) a;}qreg q[1];g(0) q[0];",
        "gate g(t) a{rx(ln(t)) a;}qreg q[1];g(-1) q[0];",
    ],
    "too_many_operations": [
        "gate g0 a{h a;}"
        + "".join(f"gate g{k} a{{g{k - 1} a;g{k - 1} a;}}" for k in range(1, 60))
        + "qreg q[1];g59 q[0];",
        # Nothing but empty gates: no operation at all, and yet too many to look at.
        "gate g0 a{}" + "".join(f"gate g{k} a{{g{k - 1} a;g{k - 1} a;}}" for k in range(1, 60)) + "qreg q[1];g59 q[0];",
        "qreg q[3];" + "ccx q[0],q[1],q[2];" * 4000,
        "qreg q[1];" + "h q[0];" * 50_001,
    ],
    "unsupported_gate": ["opaque magic a;qreg q[1];magic q[0];", "opaque swap a,b;qreg q[2];swap q[0],q[1];"],
    "syntax": [
        "qreg q[1];nope q[0];",
        "qreg q[1];rx q[0];",
        "qreg q[1];h q[1];",
        "qreg q[1];rx(1/0) q[0];",
        'include "/etc/passwd";qreg q[1];',
        'include "../../secrets.inc";qreg q[1];',
        'include "/proc/self/environ";qreg q[1];',
        "qreg q[1];delay(5) q[0];",
        "qreg q[1];h q[0]; \ud800",
        "qreg q[9223372036854775808];",
    ],
    "too_many_qubits": ["qreg q[37];h q[0];"],
}


@pytest.mark.parametrize(("rule", "body"), [(rule, body) for rule, bodies in REFUSED.items() for body in bodies])
def test_refusals(rule: str, body: str) -> None:
    with pytest.raises(CircuitError) as caught:
        optimize(HEADER + body, "ionq_forte", 1)
    assert caught.value.rule == rule
    assert str(caught.value)
    for leak in ("qiskit", "root:", "<input>", "Traceback", "nope", "magic"):
        assert leak not in str(caught.value).lower()


def test_syntax_errors_say_where() -> None:
    with pytest.raises(CircuitError, match="line 4, column 1"):
        parse(HEADER + "qreg q[1];\nnope q[0];")


def test_no_file_is_ever_read(tmp_path: object) -> None:
    path = f"{tmp_path}/gates.inc"
    with open(path, "w") as file:  # noqa: PTH123  the path goes into the circuit as text
        file.write("gate mine a { h a; }")
    with pytest.raises(CircuitError) as caught:
        parse(HEADER + f'include "{path}"; qreg q[1]; mine q[0];')
    assert caught.value.rule == "syntax"


def test_python_circuits_are_held_to_the_same_rules() -> None:
    free = QuantumCircuit(1)
    free.rx(Parameter("t"), 0)
    opaque = QuantumCircuit(1)
    opaque.append(Gate("mystery", 1, []), [0])
    loose = QuantumCircuit([Qubit()], [Clbit()])
    loose.measure(0, 0)
    named = QuantumCircuit(QuantumRegister(1), ClassicalRegister(1, "Not A Name"))
    named.measure(0, 0)
    taken = QuantumCircuit(QuantumRegister(1), ClassicalRegister(1, "cx"))
    taken.measure(0, 0)
    loop = QuantumCircuit(1, 1)
    with loop.for_loop(range(3)):
        loop.h(0)
    for circuit, rule in (
        (free, "free_parameter"),
        (opaque, "unsupported_gate"),
        (loose, "registers"),
        (named, "register_name"),
        (taken, "register_name"),
        (loop, "mid_circuit"),
    ):
        with pytest.raises(CircuitError) as caught:
            optimize(circuit, "ionq_forte")
        assert caught.value.rule == rule


def test_arguments() -> None:
    for kwargs in ({"level": 4}, {"objective": "beauty"}, {"seed": -1}):
        with pytest.raises(ValueError, match="must be"):
            optimize(text("bell"), "ionq_forte", **kwargs)
    with pytest.raises(UnknownTarget, match="ionq_forte"):
        optimize(text("bell"), "ionq_harmony")


def test_a_gate_means_what_the_text_says() -> None:
    # Here "swap" and "rzz" are not what Qiskit calls so, and the comment defines nothing.
    body = "// gate cp(t) a,b {}\ngate swap a,b { cx a,b; }\ngate rzz(t) a,b { ry(t) a; cx a,b; }\nqreg q[2];"
    circuit = parse(HEADER + body + "swap q[0],q[1]; rzz(0.3) q[1],q[0]; cp(0.2) q[0],q[1];")
    wanted = QuantumCircuit(2)
    wanted.cx(0, 1)
    wanted.ry(0.3, 1)
    wanted.cx(1, 0)
    wanted.cp(0.2, 0, 1)
    assert apart(Operator(wanted).data, unitary([part.step() for part in take_apart(circuit).operations], 2)) < 1e-12


@pytest.mark.parametrize("path", sorted(DATA.glob("*.qasm")), ids=lambda path: path.stem)
def test_circuits_in_the_wild_load(path: object) -> None:
    source = take_apart(parse(path.read_text()))  # type: ignore[attr-defined]
    assert source.operations


@pytest.mark.parametrize("seed", range(8))
def test_operations_are_the_circuit(seed: int) -> None:
    circuit = random_circuit(4, 30, seed)
    open_control = QuantumCircuit(3)
    open_control.x(1)
    circuit.append(open_control.to_gate(label="custom"), [3, 0, 1])
    extra = QuantumCircuit(2)
    extra.ch(0, 1, ctrl_state=0)
    extra.unitary(Operator(random_circuit(2, 4, seed)), [1, 0])
    extra.mcp(0.3, [0], 1)
    circuit.append(extra.to_gate(), [2, 1])
    circuit.append(random_circuit(2, 3, seed).to_gate().control(1), [0, 1, 2])
    source = take_apart(circuit)
    steps = [part.step() for part in source.operations]
    assert apart(Operator(circuit).data, unitary(steps, 4)) < 1e-9
    assert apart(unitary(steps, 4), unitary(fuse(steps, 3), 4)) < 1e-11
    assert apart(unitary(steps, 4), Operator(source.body()).data) < 1e-9


def test_angle_hygiene() -> None:
    circuit = load(
        HEADER
        + "qreg q[1]; rz(0.7853981633974484) q[0]; rz(1e-16*1.0) q[0]; rz(0.785398) q[0];".replace(
            "1e-16*1.0", "0.0000000000000001"
        )
    )
    angles = [clean(part.gate).params[0] for part in take_apart(circuit).operations]
    assert angles == [math.pi / 4, 0.0, 0.785398]


def test_one_qubit_may_be_read_into_two_bits() -> None:
    program = HEADER + "qreg q[2];creg c[2];x q[1];measure q[1]->c[0];measure q[1]->c[1];"
    assert take_apart(parse(program)).measured == (1, 1)


@pytest.mark.parametrize("angle", ["1e-05", "2E3", "3e+2*1.5e1", "1.e2", ".5e-3"])
def test_numbers_with_an_exponent_need_no_point(angle: str) -> None:
    circuit = parse(HEADER + f"qreg q[1];rx({angle}) q[0];")
    assert circuit.data[0].operation.params == [eval(angle)]  # noqa: S307 - Python reads these numbers alike
