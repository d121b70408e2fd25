"""The statements of OpenQASM 3."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from qiskit.circuit import ClassicalRegister, QuantumCircuit, QuantumRegister

from ..errors import CircuitError
from .expression import evaluate, expression
from .gates import GPHASE, STANDARD, Call, Defined, Expansion, Standard, U
from .tokens import Tokens

MAX_BITS = 10_000
_VERSION_3 = re.compile(r"(?:[ \t\r\n]++|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+OPENQASM\s++3")
_DYNAMIC = frozenset({"if", "else", "while", "for", "switch", "reset"})


@dataclass(frozen=True, slots=True)
class _Register:
    """``bits`` among all of its ``kind``, qubit or bit; one that is ``scalar`` was declared without a size."""

    kind: str
    bits: range
    scalar: bool


def is_openqasm3(text: str) -> bool:
    """Whether ``text`` says that it is OpenQASM 3."""
    return _VERSION_3.match(text) is not None


def parse3(text: str) -> QuantumCircuit:
    """The circuit ``text`` describes, its gates those of Qiskit's library, or one of them controlled.

    Raises :class:`CircuitError`, with line and column where the text is at fault.
    """
    return _Reader(Tokens(text)).run()


class _Reader:
    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens
        self.gates: dict[str, Standard | Defined] = {"U": U}
        self.registers: dict[str, _Register] = {}
        self.constants: dict[str, int | float] = {}
        self.circuit = QuantumCircuit()
        self.expansion = Expansion()

    def run(self) -> QuantumCircuit:
        tokens = self.tokens
        tokens.take("OPENQASM")
        if tokens.text not in ("3", "3.0", "3.1"):
            raise tokens.refuse("only OpenQASM 2.0, 3.0 and 3.1 can be read")
        tokens.advance()
        tokens.take(";")
        statements = {
            "include": self.include,
            "qubit": self.declaration,
            "bit": self.declaration,
            "qreg": self.older_declaration,
            "creg": self.older_declaration,
            "const": self.constant,
            "gate": self.definition,
            "barrier": self.barrier,
            "measure": self.measurement,
            "name": self.assignment_or_application,
            **dict.fromkeys(("ctrl", "negctrl", "inv", "pow", "gphase"), self.application),
        }
        while tokens.kind != "end":
            if tokens.kind in _DYNAMIC:
                message = f"'{tokens.kind}' is not supported; use gates and final measurements"
                raise tokens.refuse(message, "mid_circuit")
            if tokens.kind not in statements:
                raise tokens.refuse("no statement that is supported begins like this")
            statements[tokens.kind]()
        return self.circuit

    # --- declarations ---------------------------------------------------------------------------------------

    def include(self) -> None:
        tokens = self.tokens
        tokens.advance()
        if tokens.text != '"stdgates.inc"':
            raise tokens.refuse("no file but stdgates.inc can be included")
        if STANDARD.keys() & {*self.gates, *self.registers, *self.constants}:
            raise tokens.refuse("stdgates.inc is included twice, or defines what is declared above it")
        tokens.advance()
        tokens.take(";")
        self.gates |= STANDARD

    def new_name(self) -> str:
        name = self.tokens.text
        if name in self.gates or name in self.registers or name in self.constants:
            raise self.tokens.refuse("the name is taken already")
        return self.tokens.take("name")

    def declaration(self) -> None:
        tokens = self.tokens
        kind = tokens.kind
        tokens.advance()
        scalar = tokens.kind != "["
        size = 1 if scalar else self.bracket()
        name = self.new_name()
        self.declare(kind, name, size, scalar)
        if kind == "bit" and tokens.kind == "=":
            self.assignment(self.registers[name].bits)
        else:
            tokens.take(";")

    def older_declaration(self) -> None:
        tokens = self.tokens
        kind = "qubit" if tokens.kind == "qreg" else "bit"
        tokens.advance()
        name = self.new_name()
        scalar = tokens.kind != "["
        self.declare(kind, name, 1 if scalar else self.bracket(), scalar)
        tokens.take(";")

    def declare(self, kind: str, name: str, size: int, scalar: bool) -> None:
        circuit = self.circuit
        start = circuit.num_qubits if kind == "qubit" else circuit.num_clbits
        if size < 1:
            raise self.tokens.refuse("a register needs at least one bit")
        if start + size > MAX_BITS:
            raise CircuitError(f"the circuit has more than {MAX_BITS:,} {kind}s", f"too_many_{kind}s")
        circuit.add_register(QuantumRegister(size, name) if kind == "qubit" else ClassicalRegister(size, name))
        self.registers[name] = _Register(kind, range(start, start + size), scalar)

    def bracket(self) -> int:
        """A whole number in brackets."""
        self.tokens.take("[")
        value = self.whole()
        self.tokens.take("]")
        return value

    def whole(self) -> int:
        place = self.tokens.offset
        value = evaluate(expression(self.tokens, {}, self.constants), ())
        if not isinstance(value, int):
            raise self.tokens.refuse("a whole number is needed here", place=place)
        return value

    def constant(self) -> None:
        tokens = self.tokens
        tokens.advance()
        kind = tokens.kind
        if kind not in ("int", "uint", "float"):
            raise tokens.refuse("a constant is an int, a uint or a float")
        tokens.advance()
        width = self.bracket() if tokens.kind == "[" else 64
        if not 1 <= width <= 64 or (kind == "float" and width != 64):
            raise tokens.refuse("a whole number has 1 to 64 bits, a float has 64")
        name = self.new_name()
        tokens.take("=")
        if kind == "float":
            self.constants[name] = float(evaluate(expression(tokens, {}, self.constants), ()))
        else:
            place = tokens.offset
            value = self.whole()
            low, high = (0, 2**width) if kind == "uint" else (-(2 ** (width - 1)), 2 ** (width - 1))
            if not low <= value < high:
                raise tokens.refuse("the type does not hold this value", place=place)
            self.constants[name] = value
        tokens.take(";")

    def definition(self) -> None:
        tokens = self.tokens
        tokens.advance()
        name = self.new_name()
        gate = Defined({}, {})
        if tokens.accept("(") and not tokens.accept(")"):
            self.own_names(gate, gate.parameters)
            tokens.take(")")
        self.own_names(gate, gate.qubits)
        tokens.take("{")
        while not tokens.accept("}"):
            if tokens.accept("barrier"):
                self.own_qubits(gate)
                tokens.take(";")
                continue
            place = tokens.offset
            call = self.call(gate.parameters)
            qubits = () if tokens.kind == ";" else self.own_qubits(gate)
            tokens.take(";")
            self.check_qubits(call, [range(qubit, qubit + 1) for qubit in qubits], place)
            gate.calls.append(
                Call(call.gate, call.parameters, qubits, call.controls, call.inverse, call.repeat),
            )
            gate.loose = gate.loose or call.gate.loose
        self.gates[name] = gate

    def own_names(self, gate: Defined, into: dict[str, int]) -> None:
        while True:
            if self.tokens.text in gate.parameters or self.tokens.text in gate.qubits:
                raise self.tokens.refuse("the name stands twice in the head of the gate")
            into[self.tokens.take("name")] = len(into)
            if not self.tokens.accept(","):
                return

    def own_qubits(self, gate: Defined) -> tuple[int, ...]:
        found: list[int] = []
        while True:
            number = gate.qubits.get(self.tokens.text)
            if number is None:
                raise self.tokens.refuse("this is no qubit of the gate")
            found.append(number)
            self.tokens.advance()
            if not self.tokens.accept(","):
                return tuple(found)

    # --- gates ----------------------------------------------------------------------------------------------

    def call(self, parameters: dict[str, int]) -> Call:
        """A gate with modifiers and parameters, its qubits still to be read."""
        tokens = self.tokens
        place = tokens.offset
        controls, inverse, repeat = self.modifiers()
        gate: Standard | Defined = GPHASE
        if not tokens.accept("gphase"):
            if tokens.kind != "name" or tokens.text not in self.gates:
                raise tokens.refuse("there is no such gate; define it above, or include stdgates.inc")
            gate = self.gates[tokens.text]
            tokens.advance()
        programs = []
        if tokens.accept("(") and not tokens.accept(")"):
            programs.append(expression(tokens, parameters, self.constants))
            while tokens.accept(","):
                programs.append(expression(tokens, parameters, self.constants))
            tokens.take(")")
        wanted = gate.parameters if isinstance(gate, Standard) else len(gate.parameters)
        if len(programs) != wanted:
            raise tokens.refuse(f"the gate takes {wanted} parameters, this call gives {len(programs)}", place=place)
        if controls and gate.loose:
            message = "tools do not agree about the phase of U, u2 and u3, which a control would show; use cu or rz, ry"
            raise tokens.refuse(message, place=place)
        return Call(gate, tuple(programs), (), controls, inverse, repeat)

    def modifiers(self) -> tuple[tuple[int, ...], bool, int]:
        tokens = self.tokens
        controls: list[int] = []
        inverse, repeat = False, 1
        while tokens.kind in ("ctrl", "negctrl", "inv", "pow"):
            kind, place = tokens.kind, tokens.offset
            tokens.advance()
            number = 1
            if kind == "pow" or (kind != "inv" and tokens.kind == "("):
                tokens.take("(")
                number = self.whole()
                tokens.take(")")
            tokens.take("@")
            if kind == "inv":
                inverse = not inverse
            elif kind == "pow":
                inverse, repeat = inverse != (number < 0), repeat * abs(number)
            elif not 1 <= number <= MAX_BITS - len(controls):
                raise tokens.refuse("the number of controls must be at least 1, and no more than qubits", place=place)
            else:
                controls += [int(kind == "ctrl")] * number
        return tuple(controls), inverse, repeat

    def check_qubits(self, call: Call, operands: list[range], place: int) -> None:
        wanted = call.gate.qubits if isinstance(call.gate, Standard) else len(call.gate.qubits)
        wanted += len(call.controls)
        if len(operands) != wanted:
            raise self.tokens.refuse(f"the gate takes {wanted} qubits, this call gives {len(operands)}", place=place)
        if len(operands) > 1 and len({qubit for one in operands for qubit in one}) < sum(map(len, operands)):
            raise self.tokens.refuse("a gate is given the same qubit twice", place=place)

    def application(self) -> None:
        place = self.tokens.offset
        call = self.call({})
        operands = [] if self.tokens.kind == ";" else self.operands()
        self.tokens.take(";")
        self.check_qubits(call, [bits for bits, _ in operands], place)
        width = next((len(bits) for bits, whole in operands if whole), 1)
        if any(whole and len(bits) != width for bits, whole in operands):
            raise self.tokens.refuse("registers of different sizes cannot be paired", place=place)
        for number in range(width):
            qubits = tuple(bits[number] if whole else bits[0] for bits, whole in operands)
            for gate, places in self.expansion.expand(call, qubits):
                self.circuit.append(gate, places, copy=False)

    def assignment_or_application(self) -> None:
        if self.tokens.text in self.registers:
            self.assignment(self.operand("bit")[0])
        else:
            self.application()

    # --- bits -----------------------------------------------------------------------------------------------

    def operands(self) -> list[tuple[range, bool]]:
        found = [self.operand("qubit")]
        while self.tokens.accept(","):
            found.append(self.operand("qubit"))
        return found

    def operand(self, kind: Literal["qubit", "bit"]) -> tuple[range, bool]:
        """Bits, and whether they are a whole register."""
        tokens = self.tokens
        register = self.registers.get(tokens.text) if tokens.kind == "name" else None
        if register is None or register.kind != kind:
            raise tokens.refuse(f"this is no {kind} and no register of them")
        tokens.advance()
        if tokens.kind != "[":
            return register.bits, not register.scalar
        if register.scalar:
            raise tokens.refuse("a single bit has no index")
        place = tokens.offset
        index = self.bracket()
        if not -len(register.bits) <= index < len(register.bits):
            raise tokens.refuse("the register has no such bit", place=place)
        chosen = register.bits[index]
        return range(chosen, chosen + 1), False

    def barrier(self) -> None:
        self.tokens.advance()
        every = range(self.circuit.num_qubits)
        chosen = [(every, True)] if self.tokens.kind == ";" else self.operands()
        self.tokens.take(";")
        self.expansion.count(0, 1)
        qubits = sorted({qubit for bits, _ in chosen for qubit in bits})
        if qubits:
            self.circuit.barrier(qubits)

    def measurement(self) -> None:
        place = self.tokens.offset
        self.tokens.advance()
        qubits, _ = self.operand("qubit")
        self.tokens.take("->")
        bits, _ = self.operand("bit")
        self.measure(qubits, bits, place)

    def assignment(self, bits: range) -> None:
        place = self.tokens.offset
        self.tokens.take("=")
        self.tokens.take("measure")
        qubits, _ = self.operand("qubit")
        self.measure(qubits, bits, place)

    def measure(self, qubits: range, bits: range, place: int) -> None:
        self.tokens.take(";")
        if len(qubits) != len(bits):
            raise self.tokens.refuse("as many qubits are measured as there are bits to hold them", place=place)
        self.expansion.count(len(bits), len(bits))
        self.circuit.measure(qubits, bits)
