"""Checks one OpenQASM 2 circuit, statement by statement, and counts what it expands to.

Accepted is what Qiskit's importer loads in its strict mode with its legacy gates and no include path, and what a
backend that measures once, at the end, can run. Language: arXiv:1707.03429.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from qcos.errors import InvalidCircuit
from qcos.qasm.definition import read_definition
from qcos.qasm.gates import ADDED, PUBLISHED, QELIB1
from qcos.qasm.limits import Limits
from qcos.qasm.scope import INCLUDE, Register, Scope
from qcos.qasm.summary import CircuitSummary

FINAL = "the backend runs circuits with final measurements only"


class Operand(NamedTuple):
    """One bit, or all bits of a register."""

    bits: range
    whole: bool
    place: int


class Checker:
    """Reads one source; :meth:`run` is called once."""

    version = "2.0"

    def __init__(self, scope: Scope, max_qubits: int, limits: Limits) -> None:
        self.tokens = scope.tokens
        self.limits = limits
        self.scope = scope
        self.max_qubits = max_qubits
        self.total = {"qreg": 0, "creg": 0}
        self.operations = 0
        self.expansion = 0
        self.measured: set[int] = set()
        self.written: set[int] = set()

    def statements(self) -> dict[str, Callable[[], None]]:
        """What reads a statement, by the kind of its first token."""
        return {
            "identifier": self.read_application,
            "measure": self.read_measurement,
            "barrier": self.read_barrier,
            "qreg": self.read_register,
            "creg": self.read_register,
            "gate": lambda: read_definition(self.scope),
            "include": self.read_include,
        }

    def run(self) -> CircuitSummary:
        """Read the whole source."""
        self.read_version()
        tokens, statements = self.tokens, self.statements()
        while tokens.kind != "end":
            read = statements.get(tokens.kind)
            if read is None:
                raise self.no_statement()
            read()
        if not self.operations:
            message = "The circuit has no gate and no measurement, so there is nothing to run; add some."
            raise tokens.refuse("empty", message)
        return CircuitSummary(
            version=self.version,
            qubits=self.total["qreg"],
            clbits=self.total["creg"],
            operations=self.operations,
            measured=bool(self.measured),
            registers=tuple((entry.kind, entry.name, entry.size) for entry in self.scope.registers.values()),
            redefined=tuple(self.scope.redefined),
        )

    def read_version(self) -> None:
        tokens = self.tokens
        if not tokens.accept("OPENQASM"):
            raise tokens.refuse("version", "A circuit begins with 'OPENQASM 2.0;' before any other statement.")
        if tokens.kind not in ("integer", "real"):
            raise tokens.unexpected("the version 2.0")
        if tokens.text not in ("2.0", "2"):
            raise tokens.refuse("version", "Only OpenQASM 2.0, 3.0 and 3.1 are accepted; export the circuit as one.")
        tokens.advance()
        tokens.take(";", "';' after the version")

    def no_statement(self) -> InvalidCircuit:
        tokens = self.tokens
        if tokens.kind in ("if", "reset"):
            message = f"'{tokens.kind}' is not accepted: {FINAL}. Remove it or split the circuit."
            return tokens.refuse("mid_circuit", message)
        if tokens.kind == "opaque":
            return tokens.refuse("opaque", "An opaque gate has no definition to run; define it with 'gate' instead.")
        if tokens.kind == "OPENQASM":
            return tokens.refuse("version", "The version is given once, as the first statement; remove this one.")
        if tokens.kind == ";":
            return tokens.refuse("syntax", "There is no statement before this ';'; remove it.")
        return tokens.unexpected("a statement")

    def read_include(self) -> None:
        tokens, scope = self.tokens, self.scope
        include = tokens.offset
        tokens.advance()
        place = tokens.offset
        path = tokens.take("string", "a file name in double quotes")
        tokens.take(";", "';' after the file name")
        if path != '"qelib1.inc"':
            raise tokens.refuse("include", f"No file but qelib1.inc can be included; write {INCLUDE}", place)
        if scope.included:
            raise tokens.refuse("include", "qelib1.inc is included twice; remove this line.", include)
        scope.included = True
        for name in PUBLISHED:
            if name in scope.gates or name in scope.registers:
                message = f"qelib1.inc defines '{name}', which is declared above; include it first and rename yours."
                raise tokens.refuse("redefined", message, include)
        # Definitions of the source that stand above stay in force.
        scope.gates = {**QELIB1, **scope.gates}

    def read_register(self) -> None:
        tokens, scope = self.tokens, self.scope
        kind = tokens.kind
        tokens.advance()
        place = tokens.offset
        name = tokens.take("identifier", "the name of the register")
        tokens.take("[", f"'[' and the size of '{name}'")
        size_place = tokens.offset
        size = int(tokens.take("integer", f"the size of '{name}'"))
        tokens.take("]", "']' after the size")
        tokens.take(";", "';' after the declaration")
        scope.refuse_taken(name, place)
        if name in ADDED:
            raise tokens.refuse("redefined", f"'{name}' is a gate of qelib1.inc; rename the register.", place)
        if not size:
            raise tokens.refuse("register", f"Register '{name}' is empty; give it a size of at least 1.", size_place)
        total = self.total[kind] + size
        if kind == "qreg" and total > self.max_qubits:
            message = f"The circuit needs {total} qubits here and the backend has {self.max_qubits}"
            raise tokens.refuse("qubits", f"{message}; use fewer or choose a larger backend.", size_place)
        if kind == "creg" and total > self.limits.clbits:
            message = f"A circuit may have {self.limits.clbits} classical bits; this one has {total} here."
            raise tokens.refuse("clbits", message, size_place)
        scope.registers[name] = Register(kind, name, size, self.total[kind])
        self.total[kind] = total

    def read_operand(self, kind: str) -> Operand:
        """Read ``name`` or ``name[index]`` of a register of this kind."""
        tokens = self.tokens
        place = tokens.offset
        wanted = "a quantum register" if kind == "qreg" else "a classical register"
        name = tokens.take("identifier", wanted)
        register = self.scope.registers.get(name)
        if register is None:
            raise tokens.refuse("undefined", f"There is no register '{name}'; declare it above with {kind}.", place)
        if register.kind != kind:
            raise tokens.refuse("undefined", f"'{name}' is a {register.kind}, where {wanted} is needed.", place)
        if not tokens.accept("["):
            return Operand(range(register.start, register.start + register.size), True, place)
        index_place = tokens.offset
        index = int(tokens.take("integer", f"an index of '{name}'"))
        tokens.take("]", "']' after the index")
        if index >= register.size:
            message = f"'{name}' has {register.size} bits, counted from 0; there is no '{name}[{index}]'."
            raise tokens.refuse("index", message, index_place)
        return Operand(range(register.start + index, register.start + index + 1), False, place)

    def read_application(self) -> None:
        tokens, scope = self.tokens, self.scope
        place = tokens.offset
        gate, modifiers = scope.read_gate()
        programs = scope.read_parameters(gate, place, {})
        wanted = gate.qubits + modifiers.controls
        # A global phase is on no qubit.
        operands = [self.read_operand("qreg")] if wanted or tokens.kind != ";" else []
        while operands and tokens.accept(","):
            operands.append(self.read_operand("qreg"))
        tokens.take(";", "',' or ';' after the qubit")
        scope.refuse_arity(gate, place, len(operands), "qubit", wanted)
        whole = [operand for operand in operands if operand.whole]
        times = len(whole[0].bits) if whole else 1
        for operand in whole:
            if len(operand.bits) != times:
                message = f"Registers of {times} and {len(operand.bits)} qubits cannot be paired; use equal sizes."
                raise tokens.refuse("broadcast", message, operand.place)
        self.count(modifiers.operations(gate) * times, modifiers.expansion(gate) * times, place)
        bits = [bit for operand in operands for bit in operand.bits]
        if len(bits) > 1 and len(set(bits)) < len(bits):
            raise scope.duplicate(gate, place)
        if self.measured and not self.measured.isdisjoint(bits):
            message = f"'{gate.name}' acts on a qubit after it was measured, but {FINAL}. Measure it later."
            raise tokens.refuse("mid_circuit", message, place)
        scope.check_values(gate, programs, place)

    def read_barrier(self) -> None:
        tokens = self.tokens
        place = tokens.offset
        tokens.advance()
        self.read_operand("qreg")
        while tokens.accept(","):
            self.read_operand("qreg")
        tokens.take(";", "',' or ';' after the qubit")
        self.count(0, 1, place)

    def read_measurement(self) -> None:
        tokens = self.tokens
        place = tokens.offset
        tokens.advance()
        qubits = self.read_operand("qreg")
        tokens.take("->", "'->' and the classical bit")
        clbits = self.read_operand("creg")
        tokens.take(";", "';' after the measurement")
        if qubits.whole != clbits.whole or len(qubits.bits) != len(clbits.bits):
            raise self.refuse_sizes(place)
        self.measure(qubits, clbits, place)

    def refuse_sizes(self, place: int) -> InvalidCircuit:
        message = "One qubit is measured into one bit, a register into a register of the same size."
        return self.tokens.refuse("broadcast", message, place)

    def measure(self, qubits: Operand, clbits: Operand, place: int) -> None:
        """Note a measurement that was read."""
        self.count(len(qubits.bits), len(qubits.bits), place)
        if not self.written.isdisjoint(clbits.bits):
            message = "A classical bit is written twice, which would lose the first result; use another bit."
            raise self.tokens.refuse("clbit_overwritten", message, clbits.place)
        self.measured.update(qubits.bits)
        self.written.update(clbits.bits)

    def count(self, operations: int, expansion: int, place: int) -> None:
        self.operations += operations
        self.expansion += expansion
        if self.operations > self.limits.operations:
            message = f"The circuit expands to more than {self.limits.operations} gates and measurements"
            raise self.tokens.refuse("operations", f"{message}, the limit; make it smaller.", place)
        if self.expansion > self.limits.expansion:
            message = f"The circuit expands through more than {self.limits.expansion} gates, definitions and barriers"
            raise self.tokens.refuse("expansion", f"{message}, the limit; make it smaller.", place)
