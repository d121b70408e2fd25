"""What a circuit asks for, taken apart: its gates, and which classical bit holds what at the end."""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from qiskit.circuit import (
    AnnotatedOperation,
    ControlFlowOp,
    ControlModifier,
    Instruction,
    InverseModifier,
    QuantumCircuit,
)
from qiskit.circuit.library import C4XGate, IGate, UnitaryGate
from qiskit.exceptions import QiskitError

from .errors import CircuitError
from .simulation import Step

MAX_OPERATIONS = 50_000
MAX_ANGLE = 1e6
_MAX_VISITS = 4 * MAX_OPERATIONS
_WIDEST_LEAF = 5
_NAME = re.compile(r"[a-z][A-Za-z0-9_]{0,63}")
# What OpenQASM 2 and its standard library already call something.
_RESERVED = re.compile(
    r"barrier|creg|qreg|gate|if|include|measure|opaque|reset|pi|sin|cos|tan|exp|ln|sqrt|"
    r"u[123]|c?[xyzh]|id|(s|t)(dg)?|c?r[xyz]|ccx|cu[13]"
)


@dataclass(frozen=True, slots=True)
class Operation:
    """A gate with a known matrix; ``qubits[0]`` is the least significant bit."""

    gate: Instruction
    qubits: tuple[int, ...]

    def step(self) -> Step:
        """Its unitary, in place."""
        return Step(np.asarray(self.gate.to_matrix(), dtype=np.complex128), self.qubits)


@dataclass(frozen=True, slots=True)
class Source:
    """A circuit without its measurements.

    ``operations`` are gates of at most five qubits, as the circuit names them or, where it names others, as these are
    defined: gate k of the circuit, ``id`` and barriers not counted, became ``parts[k]`` of them. ``measured[k]`` is the
    qubit classical bit k reads at the end, or None; ``registers`` name and size the classical bits in the order they
    were declared.
    """

    qubits: int
    operations: tuple[Operation, ...]
    registers: tuple[tuple[str, int], ...]
    measured: tuple[int | None, ...]
    parts: tuple[int, ...]

    def body(self) -> QuantumCircuit:
        """The gates as a circuit, angles a hair from a multiple of pi / 48 put on it."""
        circuit = QuantumCircuit(self.qubits)
        for operation in self.operations:
            circuit.append(clean(operation.gate), list(operation.qubits), copy=False)
        return circuit


def clean(gate: Instruction) -> Instruction:
    """``gate`` with angles below 1e-12 dropped and those within 1e-12 of a multiple of pi / 48 made exact."""
    if not gate.params or isinstance(gate, UnitaryGate):
        return gate
    params = [_clean_angle(float(angle)) for angle in gate.params]
    if params == [float(angle) for angle in gate.params]:
        return gate
    cleaned = gate.copy()
    cleaned.params = params
    return cleaned


def _clean_angle(angle: float) -> float:
    near = round(angle * 48 / math.pi) * math.pi / 48
    return near if abs(angle - near) < 1e-12 else angle


def take_apart(circuit: QuantumCircuit) -> Source:
    """Read ``circuit``; raises :class:`CircuitError` for whatever is not gates followed by final measurements."""
    if circuit.num_qubits == 0:
        raise CircuitError("the circuit has no qubits; declare a qreg", "no_qubits")
    measured: dict[int, int] = {}
    done: set[int] = set()
    asked: list[Operation] = []
    place = {bit: number for number, bit in enumerate(circuit.qubits)}
    bits = {bit: number for number, bit in enumerate(circuit.clbits)}
    for entry in circuit.data:
        gate = entry.operation
        qubits = tuple(place[bit] for bit in entry.qubits)
        if gate.name == "barrier":
            continue
        if gate.name in ("reset", "initialize", "store") or isinstance(gate, ControlFlowOp):
            raise CircuitError(
                "reset, initialize and conditions are not supported; optimize_stretches keeps resets and conditions",
                "mid_circuit",
            )
        # Measuring again reads the same value into another bit.
        if gate.name != "measure" and not done.isdisjoint(qubits):
            raise CircuitError(
                "nothing may follow the measurement of a qubit; measure at the end, or use optimize_stretches",
                "mid_circuit",
            )
        if gate.name != "measure":
            if not isinstance(gate, IGate):
                asked.append(Operation(gate, qubits))
            continue
        bit = bits[entry.clbits[0]]
        if bit in measured:
            raise CircuitError("two measurements write the same classical bit; give each its own", "clbit_reused")
        measured[bit] = qubits[0]
        done.add(qubits[0])
    parts = [0] * len(asked)
    expanded = []
    for number, operation in _expanded(asked, _WIDEST_LEAF):
        parts[number] += 1
        expanded.append(operation)
    operations = tuple(expanded)
    # Only to count: what is expanded here is what every later stage has to work on.
    deque(expand(operations, 2), maxlen=0)
    if not measured:
        every = tuple(range(circuit.num_qubits))
        return Source(circuit.num_qubits, operations, (("c", circuit.num_qubits),), every, tuple(parts))
    registers = registers_of(circuit)
    reads = tuple(measured.get(bit) for bit in range(len(bits)))
    return Source(circuit.num_qubits, operations, registers, reads, tuple(parts))


def registers_of(circuit: QuantumCircuit) -> tuple[tuple[str, int], ...]:
    """Names and sizes of the classical registers, which must hold every bit once and have names OpenQASM 2 takes."""
    declared = [bit for register in circuit.cregs for bit in register]
    if declared != list(circuit.clbits):
        raise CircuitError("every classical bit must be in exactly one register", "registers")
    for register in circuit.cregs:
        if not _NAME.fullmatch(register.name) or _RESERVED.fullmatch(register.name):
            raise CircuitError("a classical register's name is not a free OpenQASM 2 identifier", "register_name")
    return tuple((register.name, register.size) for register in circuit.cregs)


def expand(operations: Sequence[Operation], widest: int) -> Iterator[Operation]:
    """Replace gates of no known matrix, or of too many qubits, by their definitions; bounded, without recursion."""
    return (operation for _, operation in _expanded(operations, widest))


def _expanded(operations: Sequence[Operation], widest: int) -> Iterator[tuple[int, Operation]]:
    """The same, each with the number of the operation it came of."""
    stack = list(reversed(list(enumerate(operations))))
    visits = leaves = 0
    known: dict[tuple[object, ...], QuantumCircuit] = {}
    while stack:
        number, operation = stack.pop()
        visits += 1
        if visits > _MAX_VISITS or leaves >= MAX_OPERATIONS:
            raise CircuitError(
                f"the circuit has more than {MAX_OPERATIONS:,} operations once its gates are expanded",
                "too_many_operations",
            )
        gate = operation.gate
        if isinstance(gate, AnnotatedOperation):
            stack.append((number, Operation(_plain(gate), operation.qubits)))
            continue
        _check_angles(gate)
        if _is_leaf(gate, widest):
            if gate.num_qubits and gate.name != "id":
                leaves += 1
                yield number, operation
            continue
        # Gates defined in the text: the name and the parameters are all there is, and repetition may be astronomical.
        if type(gate).__module__ == "qiskit.qasm2.parse":
            key = (gate.name, *gate.params)
            inner = known[key] = known[key] if key in known else _definition(gate)
        else:
            inner = _definition(gate)
        if inner.num_clbits:
            raise CircuitError("a gate's definition measures; use gates only", "mid_circuit")
        place = dict(zip(inner.qubits, operation.qubits, strict=True))
        if len(stack) + len(inner.data) > _MAX_VISITS:
            raise CircuitError("the circuit's gates expand to too many operations", "too_many_operations")
        stack.extend(
            (number, Operation(entry.operation, tuple(place[bit] for bit in entry.qubits)))
            for entry in reversed(inner.data)
            if entry.operation.name != "barrier"
        )


def _plain(annotated: AnnotatedOperation) -> Instruction:
    """The gate that Qiskit's modifiers make of another."""
    gate = annotated.base_op
    for modifier in annotated.modifiers:
        if isinstance(modifier, InverseModifier):
            gate = gate.inverse()
        elif isinstance(modifier, ControlModifier):
            gate = gate.control(modifier.num_ctrl_qubits, ctrl_state=modifier.ctrl_state, annotated=False)
        else:
            gate = gate.power(modifier.power)
    return gate


def _check_angles(gate: Instruction) -> None:
    if isinstance(gate, UnitaryGate):
        return
    for angle in gate.params:
        try:
            value = float(angle)
        except (TypeError, ValueError):
            raise CircuitError(
                "every gate parameter must be a number; bind free ones, as assign_parameters does", "free_parameter"
            ) from None
        if not math.isfinite(value) or abs(value) > MAX_ANGLE:
            raise CircuitError(f"every angle must be finite and at most {MAX_ANGLE:g} radians", "angle")


def _is_leaf(gate: Instruction, widest: int) -> bool:
    if isinstance(gate, UnitaryGate):
        return bool(gate.num_qubits <= 2)
    # The only gate of qelib1.inc that Qiskit does not count as a standard one.
    standard = getattr(gate, "_standard_gate", None) is not None or isinstance(gate, C4XGate)
    controls = getattr(gate, "num_ctrl_qubits", 0)
    closed = not controls or gate.ctrl_state == 2**controls - 1
    return standard and closed and gate.num_qubits <= widest


def _definition(gate: Instruction) -> QuantumCircuit:
    try:
        inner = gate.definition
    except (QiskitError, ArithmeticError, ValueError):
        raise CircuitError("the angles in a gate's definition cannot be worked out", "angle") from None
    if inner is None:
        raise CircuitError("a gate has no definition; opaque gates and delays are not supported", "unsupported_gate")
    return inner
