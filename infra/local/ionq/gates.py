"""IonQ's gates as Qiskit circuits: qubit k of a job is qubit k of the circuit, so it is bit k of a result's key.

Angles of the abstract gate set (``qis``) are in radians, those of the native gate set in turns (1 turn = 2 pi). What
IonQ's compiler would refuse raises ``JobFailure`` here.
"""

import cmath
import math
from typing import Any

import numpy
from numpy.typing import NDArray
from qiskit.circuit import Gate as QiskitGate
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import (
    HGate,
    PauliEvolutionGate,
    PhaseGate,
    RXGate,
    RXXGate,
    RYGate,
    RYYGate,
    RZGate,
    RZZGate,
    SdgGate,
    SGate,
    SwapGate,
    SXdgGate,
    SXGate,
    TdgGate,
    TGate,
    UnitaryGate,
    XGate,
    YGate,
    ZGate,
)
from qiskit.quantum_info import SparsePauliOp

from infra.local.ionq.backends import Backend
from infra.local.ionq.errors import JobFailure
from infra.local.ionq.payload import Circuit, Gate

MAX_CONTROLS = 8
"""Controls one gate may have here; the emulator's own limit."""
MAX_ENTANGLING_ANGLE = 0.25
"""Turns; the legal range of ms and zz is from 0 to this."""
_DENSE_PAULI_QUBITS = 6

_FIXED: dict[str, type[QiskitGate]] = {
    "x": XGate,
    "not": XGate,
    "cnot": XGate,
    "y": YGate,
    "h": HGate,
    "s": SGate,
    "si": SdgGate,
    "t": TGate,
    "ti": TdgGate,
    "v": SXGate,
    "vi": SXdgGate,
    "swap": SwapGate,
}
_ROTATIONS: dict[str, type[QiskitGate]] = {
    "rx": RXGate,
    "ry": RYGate,
    "rz": RZGate,
    "xx": RXXGate,
    "yy": RYYGate,
    "zz": RZZGate,
}
_NATIVE = ("gpi", "gpi2", "ms", "zz", "nop")


def gpi(phase: float) -> NDArray[numpy.complex128]:
    """GPI(phase), phase in turns: [[0, exp(-2 pi i phase)], [exp(2 pi i phase), 0]]."""
    turn = cmath.exp(2j * math.pi * phase)
    return numpy.array([[0, turn.conjugate()], [turn, 0]], dtype=complex)


def gpi2(phase: float) -> NDArray[numpy.complex128]:
    """GPI2(phase), phase in turns: half of a GPI, a rotation by a quarter turn about the axis at ``phase``."""
    turn = cmath.exp(2j * math.pi * phase)
    half = math.sqrt(0.5)
    return numpy.array([[half, -1j * half * turn.conjugate()], [-1j * half * turn, half]], dtype=complex)


def ms(phase0: float, phase1: float, angle: float) -> NDArray[numpy.complex128]:
    """MS = exp(-i pi angle GPI(phase0) x GPI(phase1)), turns; 0.25 entangles fully. The first target is the low bit."""
    generator = numpy.kron(gpi(phase1), gpi(phase0))
    half_turns = math.pi * angle
    return numpy.asarray(math.cos(half_turns) * numpy.eye(4) - 1j * math.sin(half_turns) * generator)


def build(circuit: Circuit, backend: Backend) -> QuantumCircuit:
    """The Qiskit circuit of a gate list; raises ``JobFailure`` as IonQ's compiler would fail the job."""
    width = circuit.qubits or 1 + max((max(_qubits(gate), default=0) for gate in circuit.gates), default=0)
    check_width(width, backend)
    built = QuantumCircuit(width)
    append = _append_native if circuit.gateset == "native" else _append_qis
    for index, gate in enumerate(circuit.gates):
        where = f"gate {index} ({gate['gate']})"
        qubits = _qubits(gate)
        if any(not 0 <= qubit < width for qubit in qubits):
            raise JobFailure("InvalidInput", f"{where}: qubit out of range, the circuit has {width}")
        if len(set(qubits)) != len(qubits):
            raise JobFailure("InvalidInput", f"{where}: a qubit is named twice")
        append(built, gate, backend, where)
    return built


def check_width(width: int, backend: Backend) -> None:
    """Raise ``NotEnoughQubits`` when the machine is smaller than the circuit."""
    if width > backend.qubits:
        raise JobFailure("NotEnoughQubits", f"The circuit needs {width} qubits, {backend.name} has {backend.qubits}")


def _controls(gate: Gate) -> list[int]:
    return _listed(gate, "control", "controls")


def _targets(gate: Gate) -> list[int]:
    return _listed(gate, "target", "targets")


def _listed(gate: Gate, single: str, several: str) -> list[int]:
    if gate.get(several) is not None:
        return list(gate[several])
    return [] if gate.get(single) is None else [gate[single]]


def _qubits(gate: Gate) -> list[int]:
    return _controls(gate) + _targets(gate)


def _need(gate: Gate, targets: int, where: str) -> list[int]:
    found = _targets(gate)
    if len(found) != targets:
        raise JobFailure("InvalidInput", f"{where}: needs {targets} target(s), has {len(found)}")
    return found


def _append_qis(built: QuantumCircuit, gate: Gate, _backend: Backend, where: str) -> None:
    controls = _controls(gate)
    if len(controls) > MAX_CONTROLS:
        raise JobFailure("TooManyControls", f"{where}: at most {MAX_CONTROLS} controls")
    if gate["gate"] == "cnot" and not controls:
        raise JobFailure("InvalidInput", f"{where}: needs a control")
    if gate["gate"] == "pauliexp":
        built.compose(_pauli_exponential(gate, len(controls), where), [*_targets(gate), *controls], inplace=True)
        return
    base = _qis_gate(gate, where)
    targets = _need(gate, base.num_qubits, where)
    operation = base.control(len(controls), annotated=False) if controls else base
    built.append(operation, [*controls, *targets])


def _qis_gate(gate: Gate, where: str) -> QiskitGate:
    name = gate["gate"]
    if name == "z":
        return PhaseGate(gate["rotation"]) if gate.get("rotation") is not None else ZGate()
    if name in _FIXED:
        return _FIXED[name]()
    if name in _ROTATIONS:
        if gate.get("rotation") is None:
            raise JobFailure("InvalidInput", f"{where}: needs a rotation")
        return _ROTATIONS[name](gate["rotation"])
    hint = "; native gates need gateset 'native'" if name in _NATIVE else ""
    raise JobFailure("UnsupportedGate", f"{where}: not a gate of the qis gate set{hint}")


def _pauli_exponential(gate: Gate, controls: int, where: str) -> QuantumCircuit:
    """exp(-i time sum_k coefficient_k term_k) on the targets, then ``controls`` control qubits.

    A term's leftmost letter acts on the last target.
    """
    terms, coefficients, width = gate.get("terms") or [], gate.get("coefficients") or [], len(_targets(gate))
    if not terms or len(terms) != len(coefficients):
        raise JobFailure("InvalidInput", f"{where}: needs as many coefficients as terms")
    if not width or any(len(term) != width or set(term) - set("IXYZ") for term in terms):
        raise JobFailure("InvalidInput", f"{where}: every term needs one letter of I, X, Y, Z for each target")
    operator = SparsePauliOp(terms, coefficients)
    time = 1.0 if gate.get("time") is None else gate["time"]
    if not controls and len(operator.group_commuting()) == 1:
        # A product of commuting factors, so its synthesis is exact.
        return PauliEvolutionGate(operator, time).definition
    if width + controls > _DENSE_PAULI_QUBITS:
        message = f"{where}: controls, or terms that do not commute, are limited to {_DENSE_PAULI_QUBITS} qubits"
        raise JobFailure("QuantumCircuitComplexityError", message)
    energies, states = numpy.linalg.eigh(operator.to_matrix())
    matrix = numpy.eye(2 ** (width + controls), dtype=complex)
    matrix[-(2**width) :, -(2**width) :] = states @ numpy.diag(numpy.exp(-1j * time * energies)) @ states.conj().T
    dense = QuantumCircuit(width + controls)
    dense.append(UnitaryGate(matrix), range(width + controls))
    return dense


def _append_native(built: QuantumCircuit, gate: Gate, backend: Backend, where: str) -> None:
    name = gate["gate"]
    if name not in _NATIVE:
        raise JobFailure("UnsupportedGate", f"{where}: not a gate of the native gate set")
    if name != "nop" and name not in backend.native_gates:
        raise JobFailure("UnsupportedGate", f"{where}: {backend.name} runs {', '.join(backend.native_gates)}")
    if _controls(gate):
        raise JobFailure("InvalidInput", f"{where}: native gates take no controls")
    if name in ("gpi", "gpi2"):
        phase = _phase(gate.get("phase"), where)
        matrix = gpi(phase) if name == "gpi" else gpi2(phase)
        built.append(UnitaryGate(matrix, label=name), _need(gate, 1, where))
    elif name == "ms":
        phases = gate.get("phases")
        if phases is None or len(phases) != 2:
            raise JobFailure("InvalidInput", f"{where}: needs two phases")
        matrix = ms(_phase(phases[0], where), _phase(phases[1], where), _angle(gate.get("angle", 0.25), where))
        built.append(UnitaryGate(matrix, label=name), _need(gate, 2, where))
    elif name == "zz":
        built.append(RZZGate(2.0 * math.pi * _angle(gate.get("angle"), where)), _need(gate, 2, where))


def _phase(value: Any, where: str) -> float:
    if value is None or not -1.0 <= value <= 1.0:
        raise JobFailure("InvalidInput", f"{where}: a phase is a number of turns between -1 and 1")
    return float(value)


def _angle(value: Any, where: str) -> float:
    if value is None or not 0.0 <= value <= MAX_ENTANGLING_ANGLE:
        raise JobFailure("InvalidInput", f"{where}: an angle is a number of turns between 0 and {MAX_ENTANGLING_ANGLE}")
    return float(value)
