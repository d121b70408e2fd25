"""OpenQASM 2 text into unitaries, for checking: a reader that shares nothing with the one the optimizer uses.

Reads what :func:`parsing.parse` and :func:`source.take_apart` accept (gates, then final measurements) and gives every
gate as a matrix. Language: Cross, Bishop, Smolin, Gambetta, arXiv:1707.03429; ``-2^2`` is -4, as in Qiskit's importer.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .native import Matrix
from .simulation import Step, unitary
from .standard_gates import LANGUAGE, PUBLISHED, STANDARD, matrix

MAX_VISITS = 200_000
MAX_QUBITS = 1_000
MAX_ANGLE = 1e6
WIDEST_GATE = 6

_TOKEN = re.compile(
    r"(?:[ \t\r\n]++|//[^\n]*+)*+(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*+)|(?P<symbol>->|[-+*/^;,()\[\]{}])"
    r'|(?P<number>(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+)|(?P<text>"[^"\r\n]*+")|(?P<end>\Z))'
)
_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "exp": math.exp,
    "ln": math.log,
    "sqrt": math.sqrt,
    "negate": operator.neg,
}
_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": math.pow,
}
# How strongly an operator holds what is on its left and on its right; a sign holds what is on its right.
_BINDING = {"+": (1, 2), "-": (1, 2), "*": (3, 4), "/": (3, 4), "^": (8, 7)}
_SIGN = 5

Program = tuple[float | int | str, ...]
"""An expression in postfix order: a constant, the number of a parameter, an operator or a function."""


class Unreadable(ValueError):
    """Not a circuit that can be checked; the message says why, and where."""


@dataclass(frozen=True, slots=True)
class Circuit:
    """``steps`` on ``qubits`` qubits, in order. ``measured[k]`` is the qubit classical bit k reads at the end, or None;
    ``registers`` name and size the classical bits in the order they were declared."""

    qubits: int
    steps: tuple[Step, ...]
    registers: tuple[tuple[str, int], ...]
    measured: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class _Call:
    gate: str
    angles: tuple[Program, ...]
    qubits: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Definition:
    angles: int
    qubits: int
    calls: tuple[_Call, ...]


@dataclass(frozen=True, slots=True)
class _Register:
    kind: str
    name: str
    start: int
    size: int


def read_circuit(text: str, *, whole: bool = False) -> Circuit:
    """The circuit ``text`` describes.

    Every step is a standard gate, what the text defines itself expanded into them; with ``whole``, every step is one
    gate as the circuit applies it. Raises :class:`Unreadable`, also for what no step after a measurement can be:
    resets, conditions, gates on measured qubits, a bit written twice.
    """
    return _Reader(text, whole).run()


class _Reader:
    def __init__(self, text: str, whole: bool) -> None:
        self.text = text
        self.whole = whole
        self.place = 0
        self.kind = self.word = ""
        self.registers: dict[str, _Register] = {}
        self.definitions: dict[str, _Definition] = {}
        self.included = False
        self.qubits = self.bits = self.visits = 0
        self.steps: list[Step] = []
        self.measured: dict[int, int] = {}
        self.matrices: dict[tuple[str, tuple[float, ...]], Matrix] = {}
        self.advance()

    def run(self) -> Circuit:
        if self.take("word", "the version") != "OPENQASM" or self.take("number", "2.0") not in ("2.0", "2"):
            raise self.refuse("the text must begin with OPENQASM 2.0;")
        self.symbol(";")
        read = {
            "include": self.include,
            "qreg": self.register,
            "creg": self.register,
            "gate": self.definition,
            "barrier": self.barrier,
            "measure": self.measurement,
        }
        while self.kind != "end":
            read.get(self.word if self.kind == "word" else "", self.application)()
        if not self.qubits:
            raise self.refuse("there are no qubits")
        if not self.measured:
            every = tuple(range(self.qubits))
            return Circuit(self.qubits, tuple(self.steps), (("c", self.qubits),), every)
        registers = tuple((one.name, one.size) for one in self.registers.values() if one.kind == "creg")
        return Circuit(
            self.qubits, tuple(self.steps), registers, tuple(self.measured.get(bit) for bit in range(self.bits))
        )

    def refuse(self, message: str) -> Unreadable:
        return Unreadable(f"line {self.text.count(chr(10), 0, self.place) + 1}: {message}")

    def advance(self) -> None:
        found = _TOKEN.match(self.text, self.place)
        if found is None or found.lastgroup is None:
            raise self.refuse("a character that OpenQASM 2 does not know")
        self.kind, self.word, self.place = found.lastgroup, found[found.lastgroup], found.end()

    def take(self, kind: str, wanted: str) -> str:
        word = self.word
        if self.kind != kind:
            raise self.refuse(f"{wanted} is missing")
        self.advance()
        return word

    def symbol(self, wanted: str) -> None:
        if not self.accept(wanted):
            raise self.refuse(f"'{wanted}' is missing")

    def accept(self, wanted: str) -> bool:
        if self.kind != "symbol" or self.word != wanted:
            return False
        self.advance()
        return True

    def number(self, most: int) -> int:
        digits = self.take("number", "a whole number")
        if not digits.isdecimal() or len(digits) > 9 or int(digits) > most:
            raise self.refuse(f"a whole number up to {most} is needed")
        return int(digits)

    def include(self) -> None:
        self.advance()
        if self.take("text", "a file name") != '"qelib1.inc"':
            raise self.refuse("no file but qelib1.inc can be included")
        self.symbol(";")
        self.included = True

    def register(self) -> None:
        kind = self.word
        self.advance()
        name = self.take("word", "a name")
        self.symbol("[")
        size = self.number(MAX_QUBITS)
        self.symbol("]")
        self.symbol(";")
        if name in self.registers or self.known(name):
            raise self.refuse(f"'{name}' is declared twice")
        start = self.qubits if kind == "qreg" else self.bits
        self.registers[name] = _Register(kind, name, start, size)
        if kind == "qreg":
            self.qubits += size
        else:
            self.bits += size
        if max(self.qubits, self.bits) > MAX_QUBITS:
            raise self.refuse(f"more than {MAX_QUBITS} qubits or bits")

    def known(self, gate: str) -> bool:
        """Whether the name means a gate here; what qelib1.inc has gained since needs no include to be taken."""
        return gate in self.definitions or gate in LANGUAGE or (self.included and gate in PUBLISHED)

    def size(self, gate: str) -> tuple[int, int]:
        """How many angles and qubits it takes; what the text defines goes before what qelib1.inc has."""
        if gate in self.definitions:
            return self.definitions[gate].angles, self.definitions[gate].qubits
        if gate in LANGUAGE or (self.included and gate in STANDARD):
            return STANDARD[gate]
        raise self.refuse(f"'{gate}' is no gate")

    def operand(self, kind: str) -> tuple[range, bool]:
        """The bits named, and whether they are a whole register."""
        found = self.registers.get(self.take("word", "a register"))
        if found is None or found.kind != kind:
            raise self.refuse(f"a {kind} is needed")
        if not self.accept("["):
            return range(found.start, found.start + found.size), True
        index = self.number(found.size - 1)
        self.symbol("]")
        return range(found.start + index, found.start + index + 1), False

    def operands(self) -> list[tuple[range, bool]]:
        made = [self.operand("qreg")]
        while self.accept(","):
            made.append(self.operand("qreg"))
        self.symbol(";")
        return made

    def barrier(self) -> None:
        self.advance()
        self.operands()

    def measurement(self) -> None:
        self.advance()
        qubits, whole = self.operand("qreg")
        self.symbol("->")
        bits, all_bits = self.operand("creg")
        self.symbol(";")
        if whole != all_bits or len(qubits) != len(bits):
            raise self.refuse("a measurement needs as many bits as qubits")
        for qubit, bit in zip(qubits, bits, strict=True):
            if bit in self.measured:
                raise self.refuse("a classical bit is written twice")
            self.measured[bit] = qubit

    def application(self) -> None:
        gate = self.take("word", "a statement")
        angles, size = self.size(gate)
        programs = self.parameters({})
        operands = self.operands()
        if len(programs) != angles or len(operands) != size:
            raise self.refuse(f"'{gate}' takes {angles} angles and {size} qubits")
        times = max((len(bits) for bits, whole in operands if whole), default=1)
        done = set(self.measured.values())
        values = tuple(self.value(program, ()) for program in programs)
        for number in range(times):
            if any(whole and len(bits) != times for bits, whole in operands):
                raise self.refuse("registers of different sizes")
            qubits = tuple(bits[number] if whole else bits[0] for bits, whole in operands)
            if len(set(qubits)) < len(qubits):
                raise self.refuse("a gate is given the same qubit twice")
            if not done.isdisjoint(qubits):
                raise self.refuse("nothing may follow the measurement of a qubit")
            self.apply(gate, values, qubits)

    def apply(self, gate: str, values: tuple[float, ...], qubits: tuple[int, ...]) -> None:
        if not self.whole:
            self.steps += self.expanded(gate, values, qubits)
            return
        if len(qubits) > WIDEST_GATE:
            raise self.refuse(f"a gate on more than {WIDEST_GATE} qubits")
        if (gate, values) not in self.matrices:
            inside = self.expanded(gate, values, tuple(range(len(qubits))))
            self.matrices[gate, values] = unitary(inside, len(qubits))
        self.steps.append(Step(self.matrices[gate, values], qubits))

    def expanded(self, gate: str, values: tuple[float, ...], qubits: tuple[int, ...]) -> Iterator[Step]:
        """Standard gates; those that do nothing are left out."""
        stack = [(gate, values, qubits)]
        while stack:
            gate, values, qubits = stack.pop()
            self.visits += 1
            if self.visits > MAX_VISITS:
                raise self.refuse("the circuit expands to too many gates")
            definition = self.definitions.get(gate)
            if definition is not None:
                stack.extend(
                    (
                        call.gate,
                        tuple(self.value(program, values) for program in call.angles),
                        tuple(qubits[place] for place in call.qubits),
                    )
                    for call in reversed(definition.calls)
                )
            elif gate not in ("id", "u0"):
                if (gate, values) not in self.matrices:
                    self.matrices[gate, values] = matrix(gate, values)
                yield Step(self.matrices[gate, values], qubits)

    def definition(self) -> None:
        self.advance()
        name = self.take("word", "a name")
        if name in self.registers or self.known(name):
            raise self.refuse(f"'{name}' is declared twice")
        angles: list[str] = []
        if self.accept("(") and not self.accept(")"):
            angles = self.names()
            self.symbol(")")
        qubits = self.names()
        self.symbol("{")
        calls: list[_Call] = []
        while not self.accept("}"):
            gate = self.take("word", "a gate")
            if gate == "barrier":
                self.names()
                self.symbol(";")
                continue
            wanted, size = self.size(gate)
            programs = self.parameters({angle: number for number, angle in enumerate(angles)})
            places = [qubits.index(qubit) if qubit in qubits else -1 for qubit in self.names()]
            self.symbol(";")
            if -1 in places or len(set(places)) < len(places) or (len(programs), len(places)) != (wanted, size):
                raise self.refuse(f"'{gate}' takes {wanted} angles and {size} qubits of '{name}'")
            calls.append(_Call(gate, programs, tuple(places)))
        self.definitions[name] = _Definition(len(angles), len(qubits), tuple(calls))

    def names(self) -> list[str]:
        made = [self.take("word", "a name")]
        while self.accept(","):
            made.append(self.take("word", "a name"))
        return made

    def parameters(self, names: dict[str, int]) -> tuple[Program, ...]:
        if not self.accept("(") or self.accept(")"):
            return ()
        made = [self.expression(names)]
        while self.accept(","):
            made.append(self.expression(names))
        self.symbol(")")
        return tuple(made)

    def expression(self, names: dict[str, int]) -> Program:
        made: list[float | int | str] = []
        waiting: list[tuple[str, int]] = []
        operand = True
        opened = 0
        while True:
            if operand:
                if self.kind == "number":
                    made.append(float(self.word))
                    operand = False
                elif self.kind == "word" and (self.word == "pi" or self.word in names):
                    made.append(math.pi if self.word == "pi" else names[self.word])
                    operand = False
                elif self.kind == "word" and self.word in _FUNCTIONS:
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
            elif self.word in _BINDING:
                left, right = _BINDING[self.word]
                while waiting and waiting[-1][1] > left:
                    made.append(waiting.pop()[0])
                waiting.append((self.word, right))
                operand = True
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

    def value(self, program: Program, values: Sequence[float]) -> float:
        stack: list[float] = []
        try:
            for item in program:
                if isinstance(item, float):
                    stack.append(item)
                elif isinstance(item, int):
                    stack.append(values[item])
                elif item in _OPERATORS:
                    right = stack.pop()
                    stack[-1] = _OPERATORS[item](stack[-1], right)
                else:
                    stack[-1] = _FUNCTIONS[item](stack[-1])
        except (ArithmeticError, ValueError):
            raise self.refuse("an angle has no value") from None
        if not abs(stack[0]) <= MAX_ANGLE:
            raise self.refuse(f"an angle is beyond {MAX_ANGLE:.0f} radians")
        return stack[0]
