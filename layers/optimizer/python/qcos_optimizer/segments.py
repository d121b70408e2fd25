"""Circuits that measure, reset or decide on the way: the unitary stretches between are optimized, the rest is kept.

A gate goes to the earliest stretch its qubits allow, so that stretches are as long as they can be. Each is optimized
and shown equal like a circuit of its own; its permutation renames the qubits of all that follows, and the Z rotations
it leaves out go into the next stretch. A measurement does not see them, only a phase of the branch it leads to; a reset
does not either. What is done under a condition is turned by them, Z^-1 B Z for B, and leaves none behind.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from qiskit.circuit import ClassicalRegister, Clbit, ControlFlowOp, IfElseOp, QuantumCircuit, QuantumRegister
from qiskit.circuit.library import RZGate

from .choices import Objective, check_choices
from .document import DEFINITIONS, Optimized, free_name, gate_of, written
from .errors import CircuitError
from .native import Metrics, Native, measure_up
from .parsing import parse
from .portfolio import optimize
from .source import registers_of
from .targets import Target
from .targets import target as find_target

NEGLIGIBLE = 1e-12


@dataclass(frozen=True, slots=True)
class Measure:
    """Native ``qubit`` into classical ``bit``, counted through the registers."""

    qubit: int
    bit: int


@dataclass(frozen=True, slots=True)
class Reset:
    """Native ``qubit`` to |0>."""

    qubit: int


@dataclass(frozen=True, slots=True)
class Condition:
    """Classical ``bits`` (a register's, the least significant first) read as a number are ``value``."""

    bits: tuple[int, ...]
    value: int


@dataclass(frozen=True, slots=True)
class Conditional:
    """``body``, if ``condition`` holds."""

    condition: Condition
    body: tuple[Native | Measure | Reset, ...]


Item = Native | Measure | Reset | Conditional


@dataclass(frozen=True, slots=True)
class Stretches:
    """A circuit with measurements on the way, its unitary stretches in native gates.

    ``items`` are in order, on native qubits. ``original`` counts the gates of level 0, conditional ones among them, and
    ``optimized`` those here; no time passes in what is not a gate. ``verdict`` is that of the stretch shown least.
    """

    items: tuple[Item, ...]
    target: str
    qubits: int
    registers: tuple[tuple[str, int], ...]
    original: Metrics
    optimized: Metrics
    stretches: tuple[Optimized, ...]
    seconds: float

    @property
    def verdict(self) -> Literal["proved", "tested"]:
        """``proved`` if every stretch is."""
        return "proved" if all(one.verification.verdict == "proved" for one in self.stretches) else "tested"

    @property
    def circuit(self) -> QuantumCircuit:
        """Native gates with measurements, resets and conditions, on the input's own classical registers."""
        wires = QuantumRegister(self.qubits, free_name("q", {name for name, _ in self.registers}))
        circuit = QuantumCircuit(wires, *(ClassicalRegister(size, name) for name, size in self.registers))
        for item in self.items:
            if isinstance(item, Conditional):
                name = self._tested(item.condition)
                registers = [register for register in circuit.cregs if register.name == name]
                tested = registers[0] if registers else circuit.clbits[item.condition.bits[0]]
                with circuit.if_test((tested, item.condition.value)):
                    for inner in item.body:
                        _append(circuit, inner)
            else:
                _append(circuit, item)
        return circuit

    def to_qasm2(self) -> str:
        """OpenQASM 2.0, which has no condition on one bit of several: raises :class:`CircuitError` for one."""
        lines = ['OPENQASM 2.0;\ninclude "qelib1.inc";', *self._definitions(), f"qreg {self._wires()}[{self.qubits}];"]
        lines += [f"creg {name}[{size}];" for name, size in self.registers]
        for item in self.items:
            if isinstance(item, Conditional):
                register = self._tested(item.condition)
                if register.endswith("]"):
                    raise CircuitError("OpenQASM 2 has no condition on one bit of a register", "mid_circuit")
                lines += [f"if({register}=={item.condition.value}) {self._old(inner)}" for inner in item.body]
            else:
                lines.append(self._old(item))
        return "\n".join(lines) + "\n"

    def to_qasm3(self) -> str:
        """The same in OpenQASM 3.0."""
        lines = ['OPENQASM 3.0;\ninclude "stdgates.inc";', *self._definitions()]
        lines.append(f"qubit[{self.qubits}] {self._wires()};")
        lines += [f"bit[{size}] {name};" for name, size in self.registers]
        for item in self.items:
            if isinstance(item, Conditional):
                body = " ".join(self._new(inner) for inner in item.body)
                lines.append(f"if ({self._tested(item.condition)} == {item.condition.value}) {{ {body} }}")
            else:
                lines.append(self._new(item))
        return "\n".join(lines) + "\n"

    def _spelled(self) -> dict[str, str]:
        return {gate: free_name(gate, {name for name, _ in self.registers}) for gate in DEFINITIONS}

    def _wires(self) -> str:
        return free_name("q", {*(name for name, _ in self.registers), *self._spelled().values()})

    def _definitions(self) -> list[str]:
        spelled = self._spelled()
        return [DEFINITIONS[gate].format(**spelled) for gate in sorted({gate.gate for gate in _gates(self.items)})]

    def _bits(self) -> list[str]:
        return [f"{name}[{place}]" for name, size in self.registers for place in range(size)]

    def _tested(self, condition: Condition) -> str:
        """The register, or the one bit, that is compared."""
        start = 0
        for name, size in self.registers:
            if condition.bits == tuple(range(start, start + size)):
                return name
            start += size
        return self._bits()[condition.bits[0]]

    def _old(self, item: Native | Measure | Reset) -> str:
        if isinstance(item, Measure):
            return f"measure {self._wires()}[{item.qubit}] -> {self._bits()[item.bit]};"
        return self._new(item)

    def _new(self, item: Native | Measure | Reset) -> str:
        if isinstance(item, Measure):
            return f"{self._bits()[item.bit]} = measure {self._wires()}[{item.qubit}];"
        if isinstance(item, Reset):
            return f"reset {self._wires()}[{item.qubit}];"
        angles = ",".join(written(angle) for angle in item.angles)
        operands = ",".join(f"{self._wires()}[{qubit}]" for qubit in item.qubits)
        return f"{self._spelled()[item.gate]}({angles}) {operands};"

    def to_dict(self) -> dict[str, Any]:
        """Figures and the circuit as JSON values."""
        return {
            "target": self.target,
            "qubits": self.qubits,
            "registers": [[name, size] for name, size in self.registers],
            "metrics": {"original": self.original.to_dict(), "optimized": self.optimized.to_dict()},
            "verdict": self.verdict,
            "stretches": [one.verification.to_dict() for one in self.stretches],
            "seconds": round(self.seconds, 3),
            "qasm3": self.to_qasm3(),
        }


def optimize_stretches(
    circuit: str | QuantumCircuit,
    target: str | Target,
    level: int = 2,
    objective: Objective = "two_qubit_gates",
    seed: int = 0,
    budget: int | None = None,
) -> Stretches:
    """The unitary stretches of ``circuit`` (OpenQASM 2 text or a circuit) optimized, all else kept in its order.

    For machines that run measurements, resets and conditions on the way; IonQ's native jobs do not. ``budget`` is that
    of each stretch. Conditions compare a whole register, or one bit, with a number; there is no else, and a body is
    gates, or one measurement or reset. Raises what :func:`portfolio.optimize` raises.
    """
    started = time.perf_counter()
    machine = target if isinstance(target, Target) else find_target(target)
    check_choices(level, objective, seed, budget, "unitary")
    circuit = parse(circuit) if isinstance(circuit, str) else circuit
    if circuit.num_qubits == 0:
        raise CircuitError("the circuit has no qubits", "no_qubits")
    if circuit.num_qubits > machine.qubits:
        raise CircuitError(
            f"the circuit has {circuit.num_qubits} qubits, {machine.name} has {machine.qubits}", "too_many_qubits"
        )
    registers = registers_of(circuit)
    parts = _cut(circuit)
    items, stretches = _build(circuit, parts, machine, (level, objective, seed, budget))
    plain, _ = _build(circuit, parts, machine, (0, objective, seed, None))
    return Stretches(
        items=tuple(items),
        target=machine.name,
        qubits=circuit.num_qubits,
        registers=registers,
        original=measure_up(_gates(plain)),
        optimized=measure_up(_gates(items)),
        stretches=tuple(stretches),
        seconds=time.perf_counter() - started,
    )


@dataclass(slots=True)
class _Part:
    """Gates, and what comes after them: a measurement, a reset or a condition, or nothing at the end."""

    gates: list[Any]
    then: Any


def _cut(circuit: QuantumCircuit) -> list[_Part]:
    """The circuit's instructions in parts, one after the other the same circuit."""
    parts = [_Part([], None)]
    earliest = dict.fromkeys(circuit.qubits, 0)
    for entry in circuit.data:
        name = entry.operation.name
        if name == "barrier":
            continue
        if name in ("measure", "reset") or isinstance(entry.operation, ControlFlowOp):
            parts[-1].then = entry
            parts.append(_Part([], None))
            place = len(parts) - 1
        elif entry.clbits or name == "initialize":
            raise CircuitError("only gates, measurements, resets and conditions are supported", "mid_circuit")
        else:
            place = max((earliest[qubit] for qubit in entry.qubits), default=0)
            parts[place].gates.append(entry)
        earliest.update(dict.fromkeys(entry.qubits, place))
    return parts


class _Frame:
    """Where the circuit's qubits are, and the RZ in turns each native qubit still lacks."""

    def __init__(self, qubits: int) -> None:
        self.wires = list(range(qubits))
        self.turns = [0.0] * qubits


def _build(
    circuit: QuantumCircuit, parts: Sequence[_Part], machine: Target, how: tuple[int, Objective, int, int | None]
) -> tuple[list[Item], list[Optimized]]:
    frame = _Frame(circuit.num_qubits)
    items: list[Item] = []
    stretches: list[Optimized] = []
    place = {qubit: number for number, qubit in enumerate(circuit.qubits)}
    for part in parts:
        if part.gates:
            made, gates = _stretch(part.gates, place, frame, machine, how)
            stretches.append(made)
            items += gates
        if part.then is None:
            continue
        qubits = [place[qubit] for qubit in part.then.qubits]
        if isinstance(part.then.operation, ControlFlowOp):
            item, shown = _conditional(circuit, part.then, qubits, frame, machine)
            items.append(item)
            stretches += shown
            continue
        (qubit,) = qubits
        frame.turns[frame.wires[qubit]] = 0.0
        bits = [circuit.find_bit(bit).index for bit in part.then.clbits]
        items.append(Measure(frame.wires[qubit], bits[0]) if bits else Reset(frame.wires[qubit]))
    return items, stretches


def _stretch(
    entries: Sequence[Any],
    place: dict[Any, int],
    frame: _Frame,
    machine: Target,
    how: tuple[int, Objective, int, int | None],
) -> tuple[Optimized, list[Native]]:
    qubits = sorted({place[qubit] for entry in entries for qubit in entry.qubits})
    local = {qubit: number for number, qubit in enumerate(qubits)}
    wires = [frame.wires[qubit] for qubit in qubits]
    asked = QuantumCircuit(len(qubits))
    for number, wire in enumerate(wires):
        _turn(asked, number, frame.turns[wire])
    for entry in entries:
        asked.append(entry.operation, [local[place[qubit]] for qubit in entry.qubits])
    made = optimize(asked, machine, *how)
    for qubit, number in local.items():
        frame.wires[qubit] = wires[made.layout[number]]
    for number, wire in enumerate(wires):
        frame.turns[wire] = made.final_z[number]
    return made, [Native(gate.gate, tuple(wires[wire] for wire in gate.qubits), gate.angles) for gate in made.gates]


def _conditional(
    circuit: QuantumCircuit, entry: Any, qubits: Sequence[int], frame: _Frame, machine: Target
) -> tuple[Conditional, list[Optimized]]:
    condition = _condition(circuit, entry.operation)
    body = entry.operation.blocks[0]
    wires = [frame.wires[qubit] for qubit in qubits]
    inner = [one for one in body.data if one.operation.name != "barrier"]
    local = {bit: number for number, bit in enumerate(body.qubits)}
    if len(inner) == 1 and inner[0].operation.name in ("measure", "reset"):
        wire = wires[local[inner[0].qubits[0]]]
        if not inner[0].clbits:
            # Where the condition does not hold the qubit is not reset, so what it lacks stays.
            return Conditional(condition, (Reset(wire),)), []
        outer = dict(zip(body.clbits, entry.clbits, strict=True))
        return Conditional(condition, (Measure(wire, circuit.find_bit(outer[inner[0].clbits[0]]).index),)), []
    asked = QuantumCircuit(len(qubits))
    for number, wire in enumerate(wires):
        _turn(asked, number, frame.turns[wire])
    for one in inner:
        if one.clbits or one.operation.name in ("reset", "initialize") or isinstance(one.operation, ControlFlowOp):
            raise CircuitError("a condition is followed by gates, or by one measurement or reset", "mid_circuit")
        asked.append(one.operation, [local[bit] for bit in one.qubits])
    for number, wire in enumerate(wires):
        _turn(asked, number, -frame.turns[wire])
    # Level 0 permutes nothing: there is no other place where the qubits could be if the condition does not hold.
    made = optimize(asked, machine, 0)
    gates = [Native(gate.gate, tuple(wires[wire] for wire in gate.qubits), gate.angles) for gate in made.gates]
    for number, wire in enumerate(wires):
        gates += _pulses(wire, made.final_z[number])
    return Conditional(condition, tuple(gates)), [made]


def _condition(circuit: QuantumCircuit, operation: ControlFlowOp) -> Condition:
    if not isinstance(operation, IfElseOp) or len(operation.blocks) != 1 or not isinstance(operation.condition, tuple):
        raise CircuitError("of control flow only 'if' a register or a bit has a value is supported", "mid_circuit")
    tested, value = operation.condition
    bits = (tested,) if isinstance(tested, Clbit) else tuple(tested)
    return Condition(tuple(circuit.find_bit(bit).index for bit in bits), int(value))


def _turn(circuit: QuantumCircuit, qubit: int, turns: float) -> None:
    if abs(turns) > NEGLIGIBLE:
        circuit.append(RZGate(2 * math.pi * turns), [qubit])


def _pulses(wire: int, turns: float) -> list[Native]:
    """An RZ that has to be made after all: GPI(a / 2) GPI(0)."""
    if abs(turns - round(turns)) <= NEGLIGIBLE:
        return []
    return [Native("gpi", (wire,), (0.0,)), Native("gpi", (wire,), (turns / 2 % 1.0,))]


def _gates(items: Sequence[Item]) -> Iterator[Native]:
    for item in items:
        for one in item.body if isinstance(item, Conditional) else (item,):
            if isinstance(one, Native):
                yield one


def _append(circuit: QuantumCircuit, item: Native | Measure | Reset) -> None:
    if isinstance(item, Measure):
        circuit.measure(item.qubit, item.bit)
    elif isinstance(item, Reset):
        circuit.reset(item.qubit)
    else:
        circuit.append(gate_of(item), list(item.qubits))
