"""The names a circuit has declared so far, and what every gate call does with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from qcos.errors import InvalidCircuit
from qcos.qasm.expression import NoValue, Program, parse_expression
from qcos.qasm.gates import LANGUAGE, OPENQASM_3, PLAIN, QELIB1, Gate, Modifiers, ParameterWalk, counted, similar_gate
from qcos.qasm.limits import Limits
from qcos.qasm.tokens import Tokens

INCLUDE = 'include "qelib1.inc";'


@dataclass(frozen=True, slots=True)
class Register:
    """A ``qreg`` or ``creg``; its bits are numbered from ``start`` among all bits of its kind."""

    kind: str
    name: str
    size: int
    start: int


class Scope:
    """Gates, registers and constants by name, and the reading of a gate's name and parameters."""

    calls = frozenset({"identifier"})
    """What a call of a gate begins with."""

    def __init__(self, tokens: Tokens, limits: Limits) -> None:
        self.tokens = tokens
        self.limits = limits
        self.gates: dict[str, Gate] = dict(LANGUAGE)
        self.registers: dict[str, Register] = {}
        self.constants: dict[str, float] = {}
        self.included = False
        self.definitions = 0
        self.redefined: list[str] = []
        self.used: set[str] = set()
        self._walk = ParameterWalk(limits)

    def refuse_taken(self, name: str, place: int) -> None:
        """Refuse a declaration of a name that is a register or a gate already."""
        if name in self.registers or name in self.gates or name in self.constants:
            what = "a register" if name in self.registers else "a gate" if name in self.gates else "a constant"
            raise self.tokens.refuse("redefined", f"'{name}' is already {what}; choose another name.", place)

    def read_gate(self, defining: str | None = None) -> tuple[Gate, Modifiers]:
        """Read what gate is called, and how; ``defining`` is the gate whose body is being read."""
        place = self.tokens.offset
        name = self.tokens.take("identifier", "a gate")
        gate = self.gates.get(name)
        if gate is None:
            raise self.unknown_gate(name, place, defining)
        self.used.add(name)
        return gate, PLAIN

    def read_parameters(self, gate: Gate, place: int, names: Mapping[str, int]) -> tuple[Program, ...]:
        """Read the parameters of a call, which may use ``names``; brackets may be left out when there are none."""
        tokens = self.tokens
        programs = []
        if tokens.accept("("):
            if tokens.kind != ")":
                programs.append(parse_expression(tokens, names, self.limits, self.constants))
                while tokens.accept(","):
                    programs.append(parse_expression(tokens, names, self.limits, self.constants))
            tokens.take(")", "',' or ')' after the parameter")
        self.refuse_arity(gate, place, len(programs), "parameter", gate.parameters)
        return tuple(programs)

    def refuse_arity(self, gate: Gate, place: int, found: int, noun: str, expected: int) -> None:
        """Refuse a call with another number of parameters or qubits than the gate has."""
        if found != expected:
            message = f"'{gate.name}' takes {counted(expected, noun)}, this call gives {found}."
            raise self.tokens.refuse("arity", message, place)

    def check_values(self, gate: Gate, programs: tuple[Program, ...], place: int) -> None:
        """Check a call with constant parameters down to the library gates it expands to."""
        if not programs:
            return
        try:
            # A constant expression is folded into its one value.
            self._walk.check(gate, tuple([cast("float", program[0]) for program in programs]))
        except NoValue as error:
            inside = f" inside '{gate.name}'" if gate.depth else ""
            message = f"A parameter{inside} {error}; change the value given here."
            raise self.tokens.refuse("parameter", message, place) from None
        if self._walk.exhausted:
            message = (
                f"Evaluating the parameters inside gate definitions takes over {self.limits.evaluation_steps} steps"
            )
            raise self.tokens.refuse("expression_work", f"{message}; write the gates out or simplify them.", place)

    def duplicate(self, gate: Gate, place: int) -> InvalidCircuit:
        """The error of a call that names a qubit twice."""
        return self.tokens.refuse("duplicate_qubit", f"'{gate.name}' is given the same qubit twice.", place)

    def unknown_gate(self, name: str, place: int, defining: str | None) -> InvalidCircuit:
        """The error of a call of a gate that there is not."""
        if name in self.registers:
            message = f"'{name}' is a register, where a gate is needed."
        elif name == defining:
            message = f"'{name}' is used inside its own definition; a gate can use gates defined above it only."
        elif name in OPENQASM_3:
            message = f"'{name}' is a word of OpenQASM 3; write OpenQASM 2.0 (qreg q[2]; creg c[2]; measure q -> c;)."
        elif name in QELIB1:
            message = f"'{name}' is a gate of qelib1.inc; write {INCLUDE} after the version."
        else:
            similar = similar_gate(name, self.gates.keys() | QELIB1.keys())
            hint = f"; did you mean '{similar}'?" if similar else "."
            message = f"Unknown gate '{name}'{hint} Gates are those of qelib1.inc and those defined above with 'gate'."
        return self.tokens.refuse("unknown_gate", message, place)
