"""OpenQASM 2 text into unitaries, for checking: a reader that shares nothing with the one the optimizer uses.

Reads what :func:`parsing.parse` and :func:`source.take_apart` accept (gates, then final measurements) and gives every
gate as a matrix. Language: Cross, Bishop, Smolin, Gambetta, arXiv:1707.03429; ``-2^2`` is -4, as in Qiskit's importer.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterator
from dataclasses import dataclass

from .native import Matrix
from .scanning import MAX_QUBITS, Circuit, CircuitReader, Language, Program
from .simulation import Step, unitary
from .standard_gates import LANGUAGE, PUBLISHED, STANDARD, matrix

WIDEST_GATE = 6

_LANGUAGE = Language(
    "OpenQASM 2",
    re.compile(
        r"(?:[ \t\r\n]++|//[^\n]*+)*+(?:(?P<word>[A-Za-z_][A-Za-z0-9_]*+)|(?P<symbol>->|[-+*/^;,()\[\]{}])"
        r'|(?P<number>(?:[0-9]++(?:\.[0-9]*+)?+|\.[0-9]++)(?:[eE][-+]?[0-9]++)?+)|(?P<text>"[^"\r\n]*+")|(?P<end>\Z))'
    ),
    float,
    {"pi": math.pi},
    {"sin": math.sin, "cos": math.cos, "tan": math.tan, "exp": math.exp, "ln": math.log, "sqrt": math.sqrt},
    {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "^": math.pow},
)


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


def read_circuit(text: str, *, whole: bool = False) -> Circuit:
    """The circuit ``text`` describes.

    Every step is a standard gate, what the text defines itself expanded into them; with ``whole``, every step is one
    gate as the circuit applies it. Raises :class:`Unreadable`, also for what no step after a measurement can be:
    resets, conditions, gates on measured qubits, a bit written twice.
    """
    return _Reader(text, whole).run()


class _Reader(CircuitReader):
    def __init__(self, text: str, whole: bool) -> None:
        super().__init__(text, _LANGUAGE)
        self.whole = whole
        self.definitions: dict[str, _Definition] = {}
        self.included = False
        self.steps: list[Step] = []
        self.matrices: dict[tuple[str, tuple[float, ...]], Matrix] = {}

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
        return self.circuit(self.steps, "openqasm2")

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
        self.declare("qubit" if kind == "qreg" else "bit", name, size)

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

    def bits(self, kind: str) -> tuple[range, bool]:
        """The bits named, and whether they are a whole register."""
        found = self.registers.get(self.take("word", "a register"))
        if found is None or found.kind != kind:
            raise self.refuse(f"a {kind} is needed")
        if not self.accept("["):
            return found.bits, True
        index = self.number(len(found.bits) - 1)
        self.symbol("]")
        return found.bits[index : index + 1], False

    def operands(self) -> list[tuple[range, bool]]:
        made = [self.bits("qubit")]
        while self.accept(","):
            made.append(self.bits("qubit"))
        self.symbol(";")
        return made

    def barrier(self) -> None:
        self.advance()
        self.operands()

    def measurement(self) -> None:
        self.advance()
        qubits, whole = self.bits("qubit")
        self.symbol("->")
        bits, all_bits = self.bits("bit")
        self.symbol(";")
        if whole != all_bits:
            raise self.refuse("a measurement needs as many bits as qubits")
        self.measure(qubits, bits)

    def application(self) -> None:
        gate = self.take("word", "a statement")
        angles, size = self.size(gate)
        programs = self.parameters({})
        operands = self.operands()
        if len(programs) != angles or len(operands) != size:
            raise self.refuse(f"'{gate}' takes {angles} angles and {size} qubits")
        values = tuple(self.angle(program, ()) for program in programs)
        for qubits in self.spread(operands):
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
            self.visit()
            definition = self.definitions.get(gate)
            if definition is not None:
                stack.extend(
                    (
                        call.gate,
                        tuple(self.angle(program, values) for program in call.angles),
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
