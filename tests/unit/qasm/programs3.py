"""Random OpenQASM 3 programs: right by construction."""

from __future__ import annotations

import random

from qcos.qasm.scope3 import STDGATES

SPARE_WORDS = """
; , ( ) [ ] { } + - * / ** -> = @ pi tau sin log sqrt x h cx ccx rx u3 U p swap gphase ctrl negctrl inv pow q0 q1 c0 k0
0 1 2 3 1.0 0.5 1e5 1e309 .5 5. 007 1a 1/2 7/2 q0[0] q1[-1] q0[k0] c0[0] gate barrier measure if reset for let def input
"stdgates.inc" include OPENQASM 3.0 qubit bit qreg creg const int float uint _a // /* */ ! ^ % é π
"""
LOOSE = ("U", "u2", "u3")


class ProgramWriter3:
    """Writes valid programs; the same random numbers give the same program.

    ``known_to_qiskit`` leaves out what Qiskit's own importer does not read, constants and powers of numbers, and what
    it reads wrongly: Qiskit 2.6 inverts a cu under a further control without its last angle.
    """

    def __init__(self, numbers: random.Random, *, known_to_qiskit: bool = False) -> None:
        self.numbers = numbers
        self.known_to_qiskit = known_to_qiskit
        self.gates = {name: (gate.parameters, gate.qubits) for name, gate in STDGATES.items()}
        self.gates["U"] = (3, 1)
        self.loose = set(LOOSE)
        self.registers = {f"q{index}": numbers.randint(1, 3) for index in range(numbers.randint(1, 2))}
        self.registers["_alone"] = 0
        self.lines = [
            numbers.choice(("OPENQASM 3.0;", "OPENQASM 3;", "/* a */ OPENQASM 3.1;")),
            'include "stdgates.inc";',
        ]
        self.constants: list[str] = []

    def program(self) -> str:
        numbers = self.numbers
        for name, size in self.registers.items():
            self.lines.append(f"qubit[{size}] {name};" if size else f"qubit {name};")
        if not self.known_to_qiskit:
            self.lines.append("const int[8] k0 = 2 * 3 - 5; const float k1 = pi / k0; const uint k2 = 2**3;")
            self.constants = ["k0", "k1", "k2"]
        for index in range(numbers.randint(0, 3)):
            self._definition(f"g{index}")
        self.lines.append("h _alone;")
        for _ in range(numbers.randint(1, 8)):
            self._operation()
        for name, size in self.registers.items():
            if numbers.random() < 0.5:
                kind, bits = f"bit[{size}]" if size else "bit", f"c_{name.strip('_')}"
                forms = (f"{kind} {bits}; {bits} = measure {name};", f"{kind} {bits}; measure {name} -> {bits};")
                self.lines.append(numbers.choice((*forms, f"{kind} {bits} = measure {name};")))
        return numbers.choice((" ", "\n", "\n// measure q0\n", " /* x ** y */ ")).join(self.lines)

    def _expression(self, names: list[str], depth: int = 2) -> str:
        if self.known_to_qiskit:
            number = self.numbers.choice(("pi/3", "tau", "π", "0.5*2.5", ".25", "3. - 1.5e-3", "4"))
            return self.numbers.choice((number, f"-({number})", *names))
        choice = self.numbers.randint(0, 6 if depth else 2)
        inner = lambda: self._expression(names, depth - 1)  # noqa: E731 (a name for one expression)
        if choice == 0:
            return self.numbers.choice(("pi", "tau", "π", "0.5", ".25", "3.", "1.5e-3", "4"))
        if choice <= 2:
            return self.numbers.choice([*names, *self.constants, f"{self.numbers.random():.15f}"])
        if choice == 3:
            return f"-{inner()}"
        if choice == 4:
            return f"({inner()})*{self.numbers.choice(('2.0', '7.5'))}/{self.numbers.choice(('2.0', '0.75'))}"
        if choice == 5:
            return f"{self.numbers.choice(('sin', 'arctan'))}({inner()})**2"
        return f"{inner()} {self.numbers.choice('+-*')} {inner()}"

    def _modified(self, name: str, free: int) -> tuple[str, int]:
        """Modifiers for a gate, and how many controls they ask for."""
        made, controls = "", 0
        barred = self.loose | {"cu"} if self.known_to_qiskit else self.loose
        while self.numbers.random() < 0.4:
            kind = self.numbers.choice(("inv", "pow", "ctrl", "negctrl"))
            if kind == "inv":
                made += "inv @ "
            elif kind == "pow" and not (self.known_to_qiskit and name != "x"):
                made += f"pow({self.numbers.choice(('2', '-1', '1', '0') if name != 'gphase' else ('2', '-1'))}) @ "
            elif kind.endswith("ctrl") and name not in barred and controls < free:
                controls += 1
                made += f"{kind}{self.numbers.choice(('', '(1)'))} @ "
        return made, controls

    def _call(self, qubits: list[str], names: list[str]) -> tuple[str, str]:
        """A call on some of ``qubits``, and the gate's name."""
        fitting = [name for name, (_, width) in self.gates.items() if width <= len(qubits)]
        name = self.numbers.choice([*fitting, "gphase"])
        parameters, width = (1, 0) if name == "gphase" else self.gates[name]
        modifiers, controls = self._modified(name, min(2, len(qubits) - width))
        given = ", ".join(self._expression(names) for _ in range(parameters))
        chosen = ", ".join(self.numbers.sample(qubits, width + controls))
        brackets = f"({given})" if parameters else self.numbers.choice(("", "()")) if not self.known_to_qiskit else ""
        return f"{modifiers}{name}{brackets} {chosen};", name

    def _definition(self, name: str) -> None:
        # Qiskit's importer cannot tell parameters of one name in two gates apart.
        parameters = [f"a{index}_{name}" for index in range(self.numbers.randint(0, 2))]
        qubits = [f"b{index}" for index in range(self.numbers.randint(1, 3))]
        calls = [self._call(qubits, parameters) for _ in range(self.numbers.randint(0, 3))]
        body = [text for text, _ in calls]
        if self.numbers.random() < 0.3 and not self.known_to_qiskit:
            body.append(f"barrier {', '.join(qubits)};")
        if any(inner in self.loose for _, inner in calls):
            self.loose.add(name)
        head = f"({', '.join(parameters)})" if parameters else ""
        self.lines.append(f"gate {name}{head} {', '.join(qubits)} {{ {' '.join(body)} }}")
        self.gates[name] = (len(parameters), len(qubits))

    def _operation(self) -> None:
        numbers = self.numbers
        everywhere = ["_alone"]
        for name, size in self.registers.items():
            everywhere += [f"{name}[{numbers.choice((index, index - size))}]" for index in range(size)]
        kind = numbers.randint(0, 9)
        if kind == 0:
            self.lines.append(f"barrier{numbers.choice(('', ' q0', ' _alone, q0[0]'))};")
        elif kind == 1:
            self.lines.append(f"{numbers.choice(('x', 'inv @ s', 'rx(0.3)', 'pow(2) @ t'))} q0;")
        elif kind == 2:
            self.lines.append(f"{numbers.choice(('cx', 'ctrl @ z', 'negctrl @ h'))} _alone, q0;")
        else:
            self.lines.append(self._call(everywhere, [])[0])
