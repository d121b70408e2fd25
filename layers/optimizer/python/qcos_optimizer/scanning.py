"""What the checker's readers of OpenQASM 2 and 3 have in common: tokens, expressions, registers and measurements.

Shares nothing with what the optimizer reads circuits with. Linear in the text, without recursion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .simulation import Step

MAX_VISITS = 200_000
MAX_QUBITS = 1_000
MAX_ANGLE = 1e6

# How strongly an operator holds what is on its left and on its right; a sign holds what is on its right.
_POWER = (8, 7)
_BINDING = {"+": (1, 2), "-": (1, 2), "*": (3, 4), "/": (3, 4), "^": _POWER, "**": _POWER}
_SIGN = 5

Number = int | float
Form = Literal["openqasm2", "openqasm3"]


@dataclass(frozen=True, slots=True)
class Argument:
    """The value that a call gives for the angle of this number."""

    number: int


Program = tuple[Number | Argument | str, ...]
"""An expression in postfix order; an operator or a function is its name."""


class Unreadable(ValueError):
    """Not a circuit that can be checked; the message says why, and where."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """``steps`` on ``qubits`` qubits, in order, read from text of this ``form``. ``measured[k]`` is the qubit classical
    bit k reads at the end, or None; ``registers`` name and size the classical bits in the order they were declared."""

    qubits: int
    steps: tuple[Step, ...]
    registers: tuple[tuple[str, int], ...]
    measured: tuple[int | None, ...]
    form: Form


@dataclass(frozen=True, slots=True)
class Language:
    """How a language is spelled. ``token`` matches one token after blanks and comments, as a group named ``word``,
    ``symbol``, ``number``, ``text`` or ``end``; ``number`` gives a numeral its value."""

    name: str
    token: re.Pattern[str]
    number: Callable[[str], Number]
    constants: Mapping[str, float]
    functions: Mapping[str, Callable[[Number], Number]]
    operators: Mapping[str, Callable[[Number, Number], Number]]


@dataclass(frozen=True, slots=True)
class Register:
    """``bits`` among all of their ``kind``; ``single``: declared without a size, so that it has no index."""

    kind: Literal["qubit", "bit"]
    bits: range
    single: bool


class Scanner:
    """Stands on one token of a text; every method raises :class:`Unreadable` with the line."""

    def __init__(self, text: str, language: Language) -> None:
        self.text = text
        self.language = language
        self.place = 0
        self.kind = self.word = ""
        self.constants: dict[str, Number] = dict(language.constants)
        self.advance()

    def refuse(self, message: str) -> Unreadable:
        """The error to raise, for where the scanner stands."""
        return Unreadable(f"line {self.text.count(chr(10), 0, self.place) + 1}: {message}")

    def advance(self) -> None:
        """Step to the next token."""
        found = self.language.token.match(self.text, self.place)
        if found is None or found.lastgroup is None:
            raise self.refuse(f"a character that {self.language.name} does not know")
        self.kind, self.word, self.place = found.lastgroup, found[found.lastgroup], found.end()

    def take(self, kind: str, wanted: str) -> str:
        """The token, which must be of this kind, and step on."""
        word = self.word
        if self.kind != kind:
            raise self.refuse(f"{wanted} is missing")
        self.advance()
        return word

    def symbol(self, wanted: str) -> None:
        """Step over this symbol, which must be there."""
        if not self.accept(wanted):
            raise self.refuse(f"'{wanted}' is missing")

    def accept(self, wanted: str, kind: str = "symbol") -> bool:
        """Step over the token if it is this one, and say whether it was."""
        if self.kind != kind or self.word != wanted:
            return False
        self.advance()
        return True

    def names(self) -> list[str]:
        """Names with commas between them."""
        made = [self.take("word", "a name")]
        while self.accept(","):
            made.append(self.take("word", "a name"))
        return made

    def parameters(self, names: Mapping[str, int]) -> tuple[Program, ...]:
        """The expressions in brackets, if there are any; ``names`` number the angles of the gate around them."""
        if not self.accept("(") or self.accept(")"):
            return ()
        made = [self.expression(names)]
        while self.accept(","):
            made.append(self.expression(names))
        self.symbol(")")
        return tuple(made)

    def operand(self, names: Mapping[str, int]) -> Number | Argument | None:
        """What the token stands for, if it stands for a number."""
        if self.kind == "number":
            try:
                return self.language.number(self.word)
            except ArithmeticError:
                raise self.refuse("a number is too large") from None
        if self.kind != "word":
            return None
        if self.word in names and self.word not in self.language.constants:
            return Argument(names[self.word])
        return self.constants.get(self.word)

    def expression(self, names: Mapping[str, int]) -> Program:
        """One expression, up to the token that cannot belong to it."""
        made: list[Number | Argument | str] = []
        waiting: list[tuple[str, int]] = []
        wanted = True
        opened = 0
        while True:
            if wanted:
                number = self.operand(names)
                if number is not None:
                    made.append(number)
                    wanted = False
                elif self.kind == "word" and self.word in self.language.functions:
                    waiting.append((self.word, 0))
                    self.advance()
                    opened += 1
                    if (self.kind, self.word) != ("symbol", "("):
                        raise self.refuse("'(' is missing")
                elif self.word == "(":
                    waiting.append(("", 0))
                    opened += 1
                elif self.word == "-":
                    waiting.append(("negate", _SIGN))
                elif self.word != "+":
                    raise self.refuse("a number is missing")
            elif self.word in self.language.operators:
                left, right = _BINDING[self.word]
                while waiting and waiting[-1][1] > left:
                    made.append(waiting.pop()[0])
                waiting.append((self.word, right))
                wanted = True
            elif self.word == ")" and opened:
                while waiting[-1][1]:
                    made.append(waiting.pop()[0])
                function = waiting.pop()[0]
                if function:
                    made.append(function)
                opened -= 1
            elif opened:
                raise self.refuse("')' is missing")
            else:
                return (*made, *(name for name, _ in reversed(waiting)))
            self.advance()

    def value(self, program: Program, values: Sequence[float]) -> Number:
        """What an expression comes to with these ``values`` for the angles."""
        stack: list[Number] = []
        try:
            for item in program:
                if isinstance(item, Argument):
                    stack.append(values[item.number])
                elif not isinstance(item, str):
                    stack.append(item)
                elif item == "negate":
                    stack[-1] = -stack[-1]
                elif item in self.language.operators:
                    right = stack.pop()
                    stack[-1] = self.language.operators[item](stack[-1], right)
                else:
                    stack[-1] = self.language.functions[item](stack[-1])
        except (ArithmeticError, ValueError):
            raise self.refuse("an expression has no value") from None
        return stack[0]

    def angle(self, program: Program, values: Sequence[float]) -> float:
        """The same where it is an angle, in radians."""
        made = float(self.value(program, values))
        if not abs(made) <= MAX_ANGLE:
            raise self.refuse(f"an angle is beyond {MAX_ANGLE:.0f} radians")
        return made


class CircuitReader(Scanner):
    """Registers, and what is measured into which bit, as both languages have them."""

    def __init__(self, text: str, language: Language) -> None:
        super().__init__(text, language)
        self.registers: dict[str, Register] = {}
        self.sizes = {"qubit": 0, "bit": 0}
        self.measured: dict[int, int] = {}
        self.read_out: set[int] = set()
        self.visits = 0

    def declare(self, kind: Literal["qubit", "bit"], name: str, size: int, *, single: bool = False) -> None:
        """A register of the next ``size`` bits of its kind; ``name`` is free."""
        start = self.sizes[kind]
        self.registers[name] = Register(kind, range(start, start + size), single)
        self.sizes[kind] += size
        if self.sizes[kind] > MAX_QUBITS:
            raise self.refuse(f"more than {MAX_QUBITS} {kind}s")

    def measure(self, qubits: range, bits: range) -> None:
        """Each qubit into the bit beside it."""
        if len(qubits) != len(bits):
            raise self.refuse("a measurement needs as many bits as qubits")
        for qubit, bit in zip(qubits, bits, strict=True):
            if bit in self.measured:
                raise self.refuse("a classical bit is written twice")
            self.measured[bit] = qubit
            self.read_out.add(qubit)

    def spread(self, operands: Sequence[tuple[range, bool]]) -> list[tuple[int, ...]]:
        """The qubits of every gate that one statement asks for: operands that are whole registers give one qubit to
        each, the others the same one to all."""
        widths = {len(bits) for bits, whole in operands if whole} or {1}
        if len(widths) > 1:
            raise self.refuse("registers of different sizes")
        made = [tuple(bits[number] if whole else bits[0] for bits, whole in operands) for number in range(widths.pop())]
        for qubits in made:
            if len(set(qubits)) < len(qubits):
                raise self.refuse("a gate is given the same qubit twice")
            if not self.read_out.isdisjoint(qubits):
                raise self.refuse("nothing may follow the measurement of a qubit")
        return made

    def visit(self, times: int = 1) -> None:
        """Count gates, so that definitions within definitions cannot go on for ever."""
        self.visits += times
        if self.visits > MAX_VISITS:
            raise self.refuse("the circuit expands to too many gates")

    def circuit(self, steps: Sequence[Step], form: Form) -> Circuit:
        """What was read; without measurements all qubits are measured into a register c."""
        qubits = self.sizes["qubit"]
        if not qubits:
            raise self.refuse("there are no qubits")
        if not self.measured:
            return Circuit(qubits, tuple(steps), (("c", qubits),), tuple(range(qubits)), form)
        registers = tuple((name, len(one.bits)) for name, one in self.registers.items() if one.kind == "bit")
        measured = tuple(self.measured.get(bit) for bit in range(self.sizes["bit"]))
        return Circuit(qubits, tuple(steps), registers, measured, form)
