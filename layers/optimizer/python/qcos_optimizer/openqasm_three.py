"""OpenQASM 3 text into unitaries, for checking: a reader that shares nothing with the one the optimizer uses.

Reads what the package :mod:`openqasm3` accepts: ``stdgates.inc``, qubits and bits, constants, gate definitions, the
modifiers ctrl, negctrl, inv and pow of a whole number, ``gphase`` and final measurements. A call is taken apart into
standard gates, each with the controls it stands under. Language: OpenQASM 3.1 specification.
"""

from __future__ import annotations

import cmath
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .native import Matrix
from .openqasm import read_circuit
from .scanning import MAX_QUBITS, Circuit, CircuitReader, Language, Number, Program
from .simulation import Step
from .standard_gates import STANDARD, controlled, matrix

MAX_WHOLE = 2**53
WIDEST_GATE = 10
"""Of qubits, controls among them."""
MAX_ENTRIES = 2**23
"""Of all matrices together."""

_OTHER_NAMES = {"phase": "p", "cphase": "cp"}
_STDGATES = frozenset({
    "p", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "rx", "ry", "rz", "cx", "cy", "cz", "cp", "crx", "cry",
    "crz", "ch", "swap", "ccx", "cswap", "cu", "CX", "phase", "cphase", "id", "u1", "u2", "u3",
})  # fmt: skip
_LOOSE = frozenset({"U", "u2", "u3"})
"""Tools do not agree about their phase, which a control would show."""
_PHASE = "gphase"
_MODIFIERS = frozenset({"ctrl", "negctrl", "inv", "pow"})
_KEPT = _MODIFIERS | {"gate", "barrier", "measure", "const", "qubit", "bit", "qreg", "creg", "include", _PHASE}


def _number(digits: str) -> Number:
    if not digits.isdecimal():
        return float(digits)
    if len(digits) > 16:
        raise OverflowError
    return _bounded(int(digits))


def _bounded(value: Number) -> Number:
    """A whole number beyond has no exact float."""
    if isinstance(value, int) and abs(value) > MAX_WHOLE:
        raise OverflowError
    return value


def _divided(left: Number, right: Number) -> Number:
    if isinstance(left, int) and isinstance(right, int):
        if left % right:
            raise ValueError  # 0 to the specification, a half to many tools
        return left // right
    return left / right


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, int) and isinstance(exponent, int) and exponent >= 0:
        if abs(base) > 1 and exponent > 53:
            raise OverflowError
        return _bounded(base**exponent)
    return math.pow(base, exponent)


_LANGUAGE = Language(
    "OpenQASM 3",
    re.compile(
        r"(?:[ \t\r\n]++|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+"
        r"(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*+|[πτℇ])|(?P<symbol>->|\*\*|[-+*/=@;,()\[\]{}])"
        r"|(?P<number>(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+)(?![A-Za-z0-9_.])"
        r'|(?P<text>"[^"\r\n]*+")|(?P<end>\Z))'
    ),
    _number,
    {"pi": math.pi, "π": math.pi, "tau": math.tau, "τ": math.tau, "euler": math.e, "ℇ": math.e},
    {
        **{"sin": math.sin, "cos": math.cos, "tan": math.tan, "exp": math.exp, "log": math.log, "sqrt": math.sqrt},
        **{"arcsin": math.asin, "arccos": math.acos, "arctan": math.atan},
    },
    {
        "+": lambda left, right: _bounded(left + right),
        "-": lambda left, right: _bounded(left - right),
        "*": lambda left, right: _bounded(left * right),
        "/": _divided,
        "**": _power,
    },
)
_BEGINS = re.compile(r"(?:[ \t\r\n]++|//[^\n]*+|/\*(?:[^*]++|\*(?!/))*+\*/)*+OPENQASM\s++3")


@dataclass(frozen=True, slots=True)
class _Call:
    """``gate`` ``times`` over; the first of ``qubits`` are controls, each with the state that switches it on."""

    gate: str
    angles: tuple[Program, ...]
    states: tuple[int, ...]
    inverse: bool
    times: int
    qubits: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class _Definition:
    angles: int
    qubits: int
    calls: tuple[_Call, ...]
    loose: bool


def read_source(text: str) -> Circuit:
    """The circuit that OpenQASM 2 or 3 ``text`` describes; raises :class:`Unreadable`."""
    return read_openqasm3(text) if _BEGINS.match(text) else read_circuit(text)


def read_openqasm3(text: str) -> Circuit:
    """The circuit ``text`` describes; raises :class:`Unreadable`.

    Every step is a standard gate with its controls, in front of its own qubits, or a phase under controls on these;
    modifiers are worked out, and phases of the whole circuit left out. ``id`` is left out too, if nothing controls it.
    """
    return _Reader(text).run()


class _Reader(CircuitReader):
    def __init__(self, text: str) -> None:
        super().__init__(text, _LANGUAGE)
        self.gates: dict[str, _Definition | None] = {"U": None}
        self.steps: list[Step] = []
        self.matrices: dict[tuple[str, tuple[float, ...], bool, tuple[int, ...]], Matrix] = {}
        self.entries = 0

    def run(self) -> Circuit:
        version = self.take("word", "the version") == "OPENQASM" and self.take("number", "3.0")
        if version not in ("3", "3.0", "3.1"):
            raise self.refuse("the text must begin with OPENQASM 3.0; or OPENQASM 3.1;")
        self.symbol(";")
        read = {
            "include": self.include,
            "qubit": self.declaration,
            "bit": self.declaration,
            "qreg": self.older_declaration,
            "creg": self.older_declaration,
            "const": self.constant,
            "gate": self.definition,
            "barrier": self.barrier,
            "measure": self.arrow,
        }
        while self.kind != "end":
            read.get(self.word if self.kind == "word" else "", self.assignment_or_application)()
        return self.circuit(self.steps, "openqasm3")

    def include(self) -> None:
        self.advance()
        if self.take("text", "a file name") != '"stdgates.inc"':
            raise self.refuse("no file but stdgates.inc can be included")
        if not _STDGATES.isdisjoint((*self.gates, *self.registers, *self.constants)):
            raise self.refuse("stdgates.inc is included twice, or defines what is declared above it")
        self.symbol(";")
        self.gates |= dict.fromkeys(_STDGATES)

    def free_name(self) -> str:
        name = self.take("word", "a name")
        taken = (self.gates, self.registers, self.constants, self.language.functions, _KEPT)
        if any(name in names for names in taken):
            raise self.refuse(f"'{name}' is declared twice, or means something else")
        return name

    def declaration(self) -> None:
        kind: Literal["qubit", "bit"] = "qubit" if self.word == "qubit" else "bit"
        self.advance()
        size = self.bracket() if self.word == "[" else None
        name = self.free_name()
        self.sized(kind, name, size)
        if kind == "bit" and self.accept("="):
            self.assigned(self.registers[name].bits)
        else:
            self.symbol(";")

    def older_declaration(self) -> None:
        kind: Literal["qubit", "bit"] = "qubit" if self.word == "qreg" else "bit"
        self.advance()
        name = self.free_name()
        self.sized(kind, name, self.bracket() if self.word == "[" else None)
        self.symbol(";")

    def sized(self, kind: Literal["qubit", "bit"], name: str, size: int | None) -> None:
        if size is not None and not 1 <= size <= MAX_QUBITS:
            raise self.refuse(f"a register of 1 to {MAX_QUBITS} bits is needed")
        self.declare(kind, name, size or 1, single=size is None)

    def bracket(self) -> int:
        self.symbol("[")
        value = self.whole()
        self.symbol("]")
        return value

    def whole(self) -> int:
        value = self.value(self.expression({}), ())
        if not isinstance(value, int) or abs(value) > MAX_WHOLE:
            raise self.refuse("a whole number is needed")
        return value

    def constant(self) -> None:
        self.advance()
        kind = self.take("word", "a type")
        width = self.bracket() if self.word == "[" else 64
        if kind not in ("int", "uint", "float") or not 1 <= width <= 64 or (kind == "float" and width != 64):
            raise self.refuse("a constant is a float, or an int or uint of 1 to 64 bits")
        name = self.free_name()
        self.symbol("=")
        if kind == "float":
            self.constants[name] = float(self.value(self.expression({}), ()))
        else:
            value = self.whole()
            if not (0 <= value < 2**width if kind == "uint" else -(2**width) <= 2 * value < 2**width):
                raise self.refuse("the type does not hold this value")
            self.constants[name] = value
        self.symbol(";")

    # --- gates ----------------------------------------------------------------------------------------------

    def definition(self) -> None:
        self.advance()
        name = self.free_name()
        angles: list[str] = []
        if self.accept("(") and not self.accept(")"):
            angles = self.names()
            self.symbol(")")
        qubits = self.names()
        if len({*angles, *qubits}) < len(angles) + len(qubits):
            raise self.refuse("a name stands twice in the head of the gate")
        self.symbol("{")
        calls: list[_Call] = []
        while not self.accept("}"):
            if self.accept("barrier", "word"):
                if not set(self.names()) <= set(qubits):
                    raise self.refuse(f"a barrier is given qubits that '{name}' does not have")
                self.symbol(";")
                continue
            call = self.call({angle: number for number, angle in enumerate(angles)})
            named = [] if self.word == ";" else self.names()
            self.symbol(";")
            places = tuple(qubits.index(qubit) if qubit in qubits else -1 for qubit in named)
            if -1 in places or len(set(places)) < len(places):
                raise self.refuse(f"a gate is given qubits that '{name}' does not have, or one twice")
            self.check_width(call, len(places))
            calls.append(_Call(call.gate, call.angles, call.states, call.inverse, call.times, places))
        loose = any(self.loose(call.gate) for call in calls)
        self.gates[name] = _Definition(len(angles), len(qubits), tuple(calls), loose)

    def size(self, gate: str) -> tuple[int, int]:
        """How many angles and qubits it takes."""
        if gate == _PHASE:
            return 1, 0
        definition = self.gates[gate]
        if definition is None:
            return STANDARD[_OTHER_NAMES.get(gate, gate)]
        return definition.angles, definition.qubits

    def loose(self, gate: str) -> bool:
        definition = self.gates.get(gate)
        return gate in _LOOSE if definition is None else definition.loose

    def check_width(self, call: _Call, given: int) -> None:
        wanted = len(call.states) + self.size(call.gate)[1]
        if given != wanted:
            raise self.refuse(f"'{call.gate}' takes {wanted} qubits here")

    def call(self, names: dict[str, int]) -> _Call:
        """Up to the qubits, which are not read yet; ``names`` number the angles of the gate around it."""
        states: list[int] = []
        inverse, times = False, 1
        while self.kind == "word" and self.word in _MODIFIERS:
            modifier = self.word
            self.advance()
            number = 1
            if modifier == "pow" or (modifier != "inv" and self.word == "("):
                self.symbol("(")
                number = self.whole()
                self.symbol(")")
            self.symbol("@")
            if modifier == "pow":
                times *= abs(number)
                inverse ^= number < 0
            elif modifier == "inv":
                inverse = not inverse
            elif 1 <= number <= MAX_QUBITS - len(states):
                states += [1 if modifier == "ctrl" else 0] * number
            else:
                raise self.refuse("no such number of controls")
        gate = self.take("word", "a statement")
        if gate != _PHASE and gate not in self.gates:
            raise self.refuse(f"'{gate}' is no gate")
        angles = self.parameters(names)
        if len(angles) != self.size(gate)[0]:
            raise self.refuse(f"'{gate}' takes {self.size(gate)[0]} angles")
        if states and self.loose(gate):
            raise self.refuse(f"the phase of '{gate}', which a control would show, is not agreed on")
        return _Call(gate, angles, tuple(states), inverse, times)

    def application(self) -> None:
        call = self.call({})
        operands = [] if self.word == ";" else self.operands("qubit")
        self.symbol(";")
        self.check_width(call, len(operands))
        for qubits in self.spread(operands):
            self.steps += self.expanded(call, qubits)

    def expanded(self, call: _Call, qubits: tuple[int, ...]) -> Iterator[Step]:
        """Standard gates under their controls."""
        stack: list[tuple[str, tuple[float, ...], bool, tuple[int, ...], tuple[int, ...]]] = []

        def push(
            inner: _Call, outer: tuple[float, ...], turned: bool, states: tuple[int, ...], places: tuple[int, ...]
        ) -> None:
            self.visit(max(1, inner.times))
            values = tuple(self.angle(program, outer) for program in inner.angles)
            stack.extend([(inner.gate, values, inner.inverse != turned, states + inner.states, places)] * inner.times)

        push(call, (), False, (), qubits)
        while stack:
            gate, angles, inverse, states, places = stack.pop()
            definition = self.gates.get(gate)
            if definition is None:
                if states or gate not in (_PHASE, "id"):
                    yield Step(self.matrix(gate, angles, inverse, states), places)
                continue
            controls, inside = places[: len(states)], places[len(states) :]
            # The one pushed last comes first.
            for inner in definition.calls if inverse else reversed(definition.calls):
                push(inner, angles, inverse, states, controls + tuple(inside[place] for place in inner.qubits))

    def matrix(self, gate: str, angles: tuple[float, ...], inverse: bool, states: tuple[int, ...]) -> Matrix:
        key = (gate, angles, inverse, states)
        if key not in self.matrices:
            width = len(states) + self.size(gate)[1]
            self.entries += 4**width
            if width > WIDEST_GATE or self.entries > MAX_ENTRIES:
                raise self.refuse(f"a gate on more than {WIDEST_GATE} qubits, or too many on nearly so many")
            made: Matrix = (
                np.array([[cmath.exp(1j * angles[0])]], dtype=np.complex128)
                if gate == _PHASE
                else matrix(_OTHER_NAMES.get(gate, gate), angles)
            )
            self.matrices[key] = controlled(made.conj().T if inverse else made, states)
        return self.matrices[key]

    # --- bits -----------------------------------------------------------------------------------------------

    def bits(self, kind: str) -> tuple[range, bool]:
        """The bits named, and whether they are a whole register."""
        found = self.registers.get(self.take("word", "a register"))
        if found is None or found.kind != kind:
            raise self.refuse(f"a {kind} is needed")
        if self.word != "[":
            return found.bits, not found.single
        index = self.bracket()
        if found.single or not -len(found.bits) <= index < len(found.bits):
            raise self.refuse("there is no such bit")
        chosen = found.bits[index]
        return range(chosen, chosen + 1), False

    def operands(self, kind: str) -> list[tuple[range, bool]]:
        made = [self.bits(kind)]
        while self.accept(","):
            made.append(self.bits(kind))
        return made

    def barrier(self) -> None:
        self.advance()
        if self.word != ";":
            self.operands("qubit")
        self.symbol(";")

    def arrow(self) -> None:
        self.advance()
        qubits, _ = self.bits("qubit")
        self.symbol("->")
        bits, _ = self.bits("bit")
        self.symbol(";")
        self.measure(qubits, bits)

    def assignment_or_application(self) -> None:
        if self.kind == "word" and self.word in self.registers:
            bits, _ = self.bits("bit")
            self.symbol("=")
            self.assigned(bits)
        else:
            self.application()

    def assigned(self, bits: range) -> None:
        if not self.accept("measure", "word"):
            raise self.refuse("nothing but a measurement can be assigned")
        qubits, _ = self.bits("qubit")
        self.symbol(";")
        self.measure(qubits, bits)
