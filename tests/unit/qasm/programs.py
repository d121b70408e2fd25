"""Random OpenQASM 2 programs: right by construction, and broken by small edits."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from qcos.qasm.gates import QELIB1

_PARTS = re.compile(r"\s+|//[^\n]*|[A-Za-z_]\w*|[0-9.]+(?:[eE][-+]?[0-9]+)?|->|==|\"[^\"]*\"|.", re.DOTALL)
_SPARE_WORDS = """
; , ( ) [ ] { } + - * / ^ -> == = pi sin ln sqrt exp x h cx ccx rx u3 cu1 u p swap u0 delay q0 q1 c0 0 1 2 3 1.0 0.5 1e5
1e309 .5 5. 007 1a q0[0] q1[1] c0[0] gate opaque barrier measure if reset "qelib1.inc" 'qelib1.inc' "x" include
OPENQASM 2.0 3.0 qreg creg U CX H _a // ! @ é
"""
_SPARE_PARTS = [*_SPARE_WORDS.split(), "\x0b", "\x00", "\r", "\n", "\ud800", " "]


class ProgramWriter:
    """Writes valid programs; the same random numbers give the same program."""

    def __init__(self, numbers: random.Random) -> None:
        self.numbers = numbers
        self.gates: dict[str, tuple[int, int]] = {
            name: (gate.parameters, gate.qubits) for name, gate in QELIB1.items() if name != "u0"
        }
        self.gates |= {"U": (3, 1), "CX": (0, 2)}
        # Names of the library that this program gives a meaning, and a signature, of its own.
        self.own = numbers.sample(("swap", "p", "u0", "delay", "rzz", "cu"), numbers.choice((0, 0, 1, 2)))
        for name in self.own:
            self.gates.pop(name, None)
        self.registers = {f"q{index}": numbers.randint(1, 4) for index in range(numbers.randint(1, 3))}
        self.lines = ["OPENQASM 2.0;", 'include "qelib1.inc";']
        self.lines += [f"qreg {name}[{size}];" for name, size in self.registers.items()]

    def program(self) -> str:
        names = [*self.own, *(f"g{index}" for index in range(self.numbers.randint(0, 4)))]
        self.numbers.shuffle(names)
        for name in names:
            self._definition(name)
        self._operation("h", [self._qubit()])
        for _ in range(self.numbers.randint(0, 8)):
            self.numbers.choice((self._application, self._application, self._broadcast, self._barrier))()
        for index, (name, size) in enumerate(self.registers.items()):
            if self.numbers.random() < 0.5:
                self.lines += [f"creg c{index}[{size}];", f"measure {name} -> c{index};"]
        return self.numbers.choice((" ", "\n", "\n// measure q\n")).join(self.lines)

    def _expression(self, names: list[str], depth: int = 3) -> str:
        # Never a division, a logarithm or a power that could leave the real numbers.
        choice = self.numbers.randint(0, 7 if depth else 2)
        inner: Callable[[], str] = lambda: self._expression(names, depth - 1)  # noqa: E731 (a name for one expression)
        if choice == 0:
            return self.numbers.choice(("pi", "0", "1", "2", "0.5", ".25", "3.", "1.5e-3", "1.e-05", "2.E+1"))
        if choice <= 2:
            return self.numbers.choice(names) if names else f"{self.numbers.random():.17g}"
        if choice == 3:
            return f"{self.numbers.choice('-+')}{inner()}"
        if choice == 4:
            return f"({inner()}){self.numbers.choice('*/')}{self.numbers.choice(('2', '7.5', 'exp(2)', 'pi^2'))}"
        if choice == 5:
            return f"{self.numbers.choice(('sin', 'cos'))}({inner()})^2"
        return f"{inner()} {self.numbers.choice('+-*')} {inner()}"

    def _call(self, name: str, names: list[str]) -> str:
        count = self.gates[name][0]
        if not count:
            return name + self.numbers.choice(("", "()"))
        # A sine keeps what nested definitions pass on within the limit of an angle.
        return f"{name}({', '.join(f'sin({self._expression(names)})' for _ in range(count))})"

    def _definition(self, name: str) -> None:
        parameters = [f"a{index}" for index in range(self.numbers.randint(0, 3))]
        qubits = [f"b{index}" for index in range(self.numbers.randint(1, 4))]
        body = []
        for _ in range(self.numbers.randint(0, 3)):
            fitting = [known for known, (_, width) in self.gates.items() if width <= len(qubits)]
            inner = self.numbers.choice(fitting)
            chosen = self.numbers.sample(qubits, self.gates[inner][1])
            body.append(f"{self._call(inner, parameters)} {','.join(chosen)};")
        if self.numbers.random() < 0.3:
            body.append(f"barrier {','.join(qubits)};")
        head = f"({','.join(parameters)})" if parameters else self.numbers.choice(("", "()"))
        self.lines.append(f"gate {name}{head} {','.join(qubits)} {{ {' '.join(body)} }}")
        self.gates[name] = (len(parameters), len(qubits))

    def _qubit(self) -> str:
        name = self.numbers.choice(list(self.registers))
        return f"{name}[{self.numbers.randrange(self.registers[name])}]"

    def _operation(self, name: str, operands: list[str]) -> None:
        self.lines.append(f"{self._call(name, [])} {', '.join(operands)};")

    def _application(self) -> None:
        everywhere = [f"{name}[{index}]" for name, size in self.registers.items() for index in range(size)]
        fitting = [name for name, (_, width) in self.gates.items() if width <= len(everywhere)]
        name = self.numbers.choice(fitting)
        self._operation(name, self.numbers.sample(everywhere, self.gates[name][1]))

    def _broadcast(self) -> None:
        first = self.numbers.choice(list(self.registers))
        others = [name for name, size in self.registers.items() if name != first]
        partners = [name for name in others if self.registers[name] == self.registers[first]]
        partners += [f"{name}[{self.numbers.randrange(self.registers[name])}]" for name in others]
        if partners and self.numbers.random() < 0.7:
            pair = [first, self.numbers.choice(partners)]
            self.numbers.shuffle(pair)
            self._operation(self.numbers.choice(("cx", "cz", "crz", "CX")), pair)
        else:
            self._operation(self.numbers.choice(("x", "U", "rx", "h")), [first])

    def _barrier(self) -> None:
        self.lines.append(f"barrier {self.numbers.choice(list(self.registers))}, {self._qubit()};")


def broken(program: str, numbers: random.Random, spare: Sequence[str] = tuple(_SPARE_PARTS)) -> str:
    """The program after one to four edits of its words and characters; now and then it stays valid."""
    parts = _PARTS.findall(program)
    for _ in range(numbers.randint(1, 4)):
        place = numbers.randrange(len(parts))
        edit = numbers.randint(0, 4)
        if edit == 0:
            parts[place] = ""
        elif edit == 1:
            parts.insert(place, numbers.choice(spare))
        elif edit == 2:
            parts[place] = numbers.choice(spare)
        elif edit == 3:
            parts.insert(place, numbers.choice(parts))
        else:
            other = numbers.randrange(len(parts))
            parts[place], parts[other] = parts[other], parts[place]
    return "".join(parts)
