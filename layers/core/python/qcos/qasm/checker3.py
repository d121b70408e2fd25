"""Checks one OpenQASM 3 circuit: the part of the language that OpenQASM 2 can say too.

Accepted are stdgates.inc, qubit and bit (also qreg and creg), constants, gate definitions, the modifiers ctrl, negctrl,
inv and pow of a whole number, gphase, barriers and final measurements. Language: OpenQASM 3.1 specification.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from qcos.errors import InvalidCircuit
from qcos.qasm.checker import FINAL, Checker, Operand
from qcos.qasm.gates import PUBLISHED
from qcos.qasm.limits import Limits
from qcos.qasm.scope import Register
from qcos.qasm.scope3 import INCLUDE, MODIFIERS, STDGATES, Scope3
from qcos.qasm.tokens import KEYWORDS
from qcos.qasm.tokens3 import DYNAMIC, UNREAD

_KINDS = {"qubit": "qreg", "bit": "creg", "qreg": "qreg", "creg": "creg"}
_PLAIN = re.compile(r"[a-z][A-Za-z0-9_]*")
_RESERVED = KEYWORDS | PUBLISHED.keys() | {"crx", "cry"}


class Checker3(Checker):
    """Reads one OpenQASM 3 source."""

    version = "3.0"
    scope: Scope3

    def __init__(self, scope: Scope3, max_qubits: int, limits: Limits) -> None:
        super().__init__(scope, max_qubits, limits)
        scope.declare_language()
        self.scalars: set[str] = set()

    def statements(self) -> dict[str, Callable[[], None]]:
        return {
            **super().statements(),
            "identifier": self.read_assignment_or_application,
            "qubit": self.read_register,
            "bit": self.read_register,
            "const": self.read_constant,
            **dict.fromkeys((*MODIFIERS, "gphase"), self.read_application),
        }

    def read_version(self) -> None:
        tokens = self.tokens
        tokens.take("OPENQASM", "the version")
        if tokens.text not in ("3", "3.0", "3.1"):
            raise tokens.refuse("version", "Only OpenQASM 2.0, 3.0 and 3.1 are accepted; export the circuit as one.")
        tokens.advance()
        tokens.take(";", "';' after the version")

    def no_statement(self) -> InvalidCircuit:
        tokens = self.tokens
        if tokens.kind in DYNAMIC:
            message = f"'{tokens.kind}' is not accepted: {FINAL}. Remove it or split the circuit."
            return tokens.refuse("mid_circuit", message)
        if tokens.kind in ("input", "output"):
            message = f"'{tokens.kind}' is not accepted: every parameter needs its value. Write it in place."
            return tokens.refuse("unsupported", message)
        if tokens.kind in UNREAD or tokens.kind in ("int", "uint", "float"):
            message = f"'{tokens.kind}' is not accepted; of OpenQASM 3 the part is read that OpenQASM 2 has, and const."
            return tokens.refuse("unsupported", message)
        return super().no_statement()

    def read_include(self) -> None:
        tokens, scope = self.tokens, self.scope
        include = tokens.offset
        tokens.advance()
        place = tokens.offset
        path = tokens.take("string", "a file name in double quotes")
        tokens.take(";", "';' after the file name")
        if path != '"stdgates.inc"':
            raise tokens.refuse("include", f"No file but stdgates.inc can be included; write {INCLUDE}", place)
        if scope.included:
            raise tokens.refuse("include", "stdgates.inc is included twice; remove this line.", include)
        scope.included = True
        for name in STDGATES:
            if name in scope.gates or name in scope.registers or name in scope.constants:
                message = f"stdgates.inc defines '{name}', which is declared above; include it first and rename yours."
                raise tokens.refuse("redefined", message, include)
        scope.gates |= STDGATES

    # --- declarations ---------------------------------------------------------------------------------------

    def read_register(self) -> None:
        tokens = self.tokens
        word, kind = tokens.kind, _KINDS[tokens.kind]
        tokens.advance()
        size, size_place = (None, 0) if word in ("qreg", "creg") else self.read_size()
        place = tokens.offset
        name = tokens.take("identifier", "the name of the register")
        self.scope.refuse_taken(name, place)
        if word in ("qreg", "creg"):
            size, size_place = self.read_size()
        if kind == "creg" and (not _PLAIN.fullmatch(name) or name in _RESERVED):
            message = f"Results are given in OpenQASM 2 too, where no register can be called '{name}'; rename it."
            raise tokens.refuse("register_name", message, place)
        self.declare(kind, name, 1 if size is None else size, size_place or place)
        if size is None:
            self.scalars.add(name)
        if word == "bit" and tokens.kind == "=":
            register = self.scope.registers[name]
            self.read_measured(Operand(range(register.start, register.start + register.size), True, place), place)
        else:
            tokens.take(";", "';' after the declaration")

    def read_size(self) -> tuple[int | None, int]:
        """A size in brackets and its place; None where there is none."""
        tokens = self.tokens
        if not tokens.accept("["):
            return None, 0
        place = tokens.offset
        size = self.scope.read_whole()
        tokens.take("]", "']' after the size")
        return size, place

    def declare(self, kind: str, name: str, size: int, place: int) -> None:
        tokens = self.tokens
        if size < 1:
            raise tokens.refuse("register", f"Register '{name}' is empty; give it a size of at least 1.", place)
        total = self.total[kind] + size
        if kind == "qreg" and total > self.max_qubits:
            message = f"The circuit needs {total} qubits here and the backend has {self.max_qubits}"
            raise tokens.refuse("qubits", f"{message}; use fewer or choose a larger backend.", place)
        if kind == "creg" and total > self.limits.clbits:
            message = f"A circuit may have {self.limits.clbits} classical bits; this one has {total} here."
            raise tokens.refuse("clbits", message, place)
        self.scope.registers[name] = Register(kind, name, size, self.total[kind])
        self.total[kind] = total

    def read_constant(self) -> None:
        tokens, scope = self.tokens, self.scope
        tokens.advance()
        kind, place = tokens.kind, tokens.offset
        if kind not in ("int", "uint", "float"):
            raise tokens.refuse(
                "unsupported", "A constant is an int, a uint or a float; write 'const float name = ...'."
            )
        tokens.advance()
        width, width_place = self.read_size()
        width = 64 if width is None else width
        if not 1 <= width <= 64 or (kind == "float" and width != 64):
            message = "A whole number has 1 to 64 bits, a float has 64; leave the width out."
            raise tokens.refuse("unsupported", message, width_place)
        place = tokens.offset
        name = tokens.take("identifier", "the name of the constant")
        scope.refuse_taken(name, place)
        tokens.take("=", "'=' and the value of the constant")
        value = scope.read_constant(kind, width)
        tokens.take(";", "';' after the value")
        scope.constants[name] = value

    # --- statements -----------------------------------------------------------------------------------------

    def read_operand(self, kind: str) -> Operand:
        tokens = self.tokens
        place = tokens.offset
        wanted = "a qubit or a register of qubits" if kind == "qreg" else "a bit or a register of bits"
        name = tokens.take("identifier", wanted)
        register = self.scope.registers.get(name)
        if register is None or register.kind != kind:
            message = f"'{name}' is not {wanted}; declare it above, like 'qubit[2] q;' or 'bit[2] c;'."
            raise tokens.refuse("undefined", message, place)
        if tokens.kind != "[":
            bits = range(register.start, register.start + register.size)
            return Operand(bits, name not in self.scalars, place)
        if name in self.scalars:
            raise tokens.refuse("index", f"'{name}' is a single bit, which has no index; write '{name}'.")
        tokens.advance()
        index_place = tokens.offset
        index = self.scope.read_whole()
        tokens.take("]", "']' after the index")
        if not -register.size <= index < register.size:
            message = f"'{name}' has {register.size} bits, counted from 0; there is no '{name}[{index}]'."
            raise tokens.refuse("index", message, index_place)
        chosen = register.start + index % register.size
        return Operand(range(chosen, chosen + 1), False, place)

    def read_barrier(self) -> None:
        tokens = self.tokens
        place = tokens.offset
        tokens.advance()
        if tokens.kind != ";":
            self.read_operand("qreg")
            while tokens.accept(","):
                self.read_operand("qreg")
        tokens.take(";", "',' or ';' after the qubit")
        self.count(0, 1, place)

    def read_assignment_or_application(self) -> None:
        register = self.scope.registers.get(self.tokens.text)
        if register is None or register.kind != "creg":
            self.read_application()
            return
        place = self.tokens.offset
        self.read_measured(self.read_operand("creg"), place)

    def read_measured(self, clbits: Operand, place: int) -> None:
        """Read what is assigned to ``clbits``, which is a measurement."""
        tokens = self.tokens
        tokens.take("=", "'=' and a measurement")
        tokens.take("measure", "a measurement; nothing else can be assigned to a bit")
        qubits = self.read_operand("qreg")
        tokens.take(";", "';' after the measurement")
        self.measure_equal(qubits, clbits, place)

    def read_measurement(self) -> None:
        tokens = self.tokens
        place = tokens.offset
        tokens.advance()
        qubits = self.read_operand("qreg")
        tokens.take("->", "'->' and the bit that holds the result")
        clbits = self.read_operand("creg")
        tokens.take(";", "';' after the measurement")
        self.measure_equal(qubits, clbits, place)

    def measure_equal(self, qubits: Operand, clbits: Operand, place: int) -> None:
        if len(qubits.bits) != len(clbits.bits):
            raise self.refuse_sizes(place)
        self.measure(qubits, clbits, place)
