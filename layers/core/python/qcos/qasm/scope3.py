"""The names of an OpenQASM 3 circuit: the gates of stdgates.inc, constants, and modifiers before a call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from qcos.errors import InvalidCircuit
from qcos.qasm.expression import Whole, parse_expression
from qcos.qasm.gates import QELIB1, Gate, Modifiers, similar_gate
from qcos.qasm.scope import Scope

INCLUDE = 'include "stdgates.inc";'
MODIFIERS = frozenset({"ctrl", "negctrl", "inv", "pow"})

GPHASE = Gate("gphase", 1, 0, operations=0, phases=1)
_NAMES = (
    "p:1:1 x:0:1 y:0:1 z:0:1 h:0:1 s:0:1 sdg:0:1 t:0:1 tdg:0:1 sx:0:1 rx:1:1 ry:1:1 rz:1:1 cx:0:2 cy:0:2 cz:0:2 cp:1:2"
    " crx:1:2 cry:1:2 crz:1:2 ch:0:2 swap:0:2 ccx:0:3 cswap:0:3 cu:4:2 CX:0:2 phase:1:1 cphase:1:2 id:0:1 u1:1:1"
)
#: The gates of stdgates.inc. Of the last two and of U, tools do not agree about the phase.
STDGATES: Mapping[str, Gate] = {
    **{
        name: Gate(name, int(parameters), int(qubits))
        for name, parameters, qubits in (entry.split(":") for entry in _NAMES.split())
    },
    "u2": Gate("u2", 2, 1, loose=True),
    "u3": Gate("u3", 3, 1, loose=True),
}


class Scope3(Scope):
    """Gates, registers and constants by name."""

    calls = frozenset({"identifier", "gphase"}) | MODIFIERS

    def declare_language(self) -> None:
        """Nothing but U is there without the include."""
        self.gates = {"U": Gate("U", 3, 1, loose=True)}

    def read_whole(self) -> int:
        """Read a constant expression that is a whole number."""
        tokens = self.tokens
        place = tokens.offset
        value = parse_expression(tokens, {}, self.limits, self.constants)[0]
        if not isinstance(value, Whole):
            raise tokens.refuse("whole_number", "A whole number is needed here, like 2 or n-1 of a const int.", place)
        return int(value)

    def read_gate(self, defining: str | None = None) -> tuple[Gate, Modifiers]:
        tokens = self.tokens
        place = tokens.offset
        modifiers = self._read_modifiers()
        gate = GPHASE
        if not tokens.accept("gphase"):
            gate, _ = super().read_gate(defining)
        if modifiers.controls and gate.loose:
            message = f"'{gate.name}' cannot be controlled: tools do not agree about the phase of U, u2 and u3, which a"
            raise tokens.refuse("loose_phase", f"{message} control would show. Use cu, or rz and ry.", place)
        return gate, modifiers

    def _read_modifiers(self) -> Modifiers:
        tokens = self.tokens
        controls, repeat = 0, 1
        while tokens.kind in MODIFIERS:
            kind, place, number = tokens.kind, tokens.offset, 1
            tokens.advance()
            if kind == "pow" and tokens.kind != "(":
                raise tokens.unexpected("'(' and a whole number after pow")
            if kind != "inv" and tokens.accept("("):
                number = self.read_whole()
                tokens.take(")", "')' after the number")
            tokens.take("@", f"'@' after {kind}")
            if kind == "pow":
                repeat *= abs(number)
                if repeat > self.limits.expansion:
                    message = f"A power repeats a gate more than {self.limits.expansion} times, the limit"
                    raise tokens.refuse("expansion", f"{message}; make it smaller.", place)
            elif kind != "inv":
                controls += number
                if number < 1 or controls > self.limits.arguments:
                    message = f"A gate may have 1 to {self.limits.arguments} controls; this one has another number."
                    raise tokens.refuse("arguments", message, place)
        return Modifiers(controls, repeat)

    def unknown_gate(self, name: str, place: int, defining: str | None) -> InvalidCircuit:
        if name in self.registers or name == defining:
            return super().unknown_gate(name, place, defining)
        if name in self.constants:
            message = f"'{name}' is a constant, where a gate is needed."
        elif name in STDGATES:
            message = f"'{name}' is a gate of stdgates.inc; write {INCLUDE} after the version."
        elif name in QELIB1:
            message = f"'{name}' is not in stdgates.inc, which has fewer gates than qelib1.inc; define it with 'gate'."
        else:
            similar = similar_gate(name, self.gates.keys() | STDGATES.keys())
            hint = f"; did you mean '{similar}'?" if similar else "."
            message = f"Unknown gate '{name}'{hint} Gates are those of stdgates.inc and those defined above by 'gate'."
        return self.tokens.refuse("unknown_gate", message, place)

    def read_constant(self, kind: str, width: int) -> float:
        """Read the value of a constant of this type: ``int`` or ``uint`` of so many bits, or ``float``."""
        tokens = self.tokens
        place = tokens.offset
        value = cast("float", parse_expression(tokens, {}, self.limits, self.constants)[0])
        if kind == "float":
            return float(value)
        low, high = (0, 2**width) if kind == "uint" else (-(2 ** (width - 1)), 2 ** (width - 1))
        if not isinstance(value, Whole) or not low <= value < high:
            message = f"The value is no whole number that a {kind} of {width} bits holds."
            raise tokens.refuse("whole_number", message, place)
        return value
