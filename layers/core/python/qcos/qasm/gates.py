"""The gates a circuit may use: the two of the language, those of qelib1.inc, and those the source defines."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from qcos.qasm.expression import NoValue, Program, evaluate
from qcos.qasm.limits import Limits


@dataclass(frozen=True, slots=True)
class Call:
    """A gate call inside a definition whose parameters depend on the definition's parameters."""

    gate: Gate
    parameters: tuple[Program, ...]


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate and what one use of it expands to.

    ``operations`` counts library gates, ``expansion`` those and every barrier and defined gate met on the way,
    ``depth`` how many definitions are inside one another; ``calls`` is empty for library gates. ``phases`` counts
    global phases, which become operations under a control; ``loose`` says that tools do not agree about its phase.
    """

    name: str
    parameters: int
    qubits: int
    operations: int = 1
    expansion: int = 1
    depth: int = 0
    calls: tuple[Call, ...] = ()
    phases: int = 0
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Modifiers:
    """What stands before a gate in OpenQASM 3: so many controls, and how often the gate (or its inverse) follows."""

    controls: int = 0
    repeat: int = 1

    def operations(self, gate: Gate) -> int:
        """Library gates of one use."""
        return self.repeat * (gate.operations + (gate.phases if self.controls else 0))

    def expansion(self, gate: Gate) -> int:
        """Those, and barriers and calls met on the way."""
        return max(1, self.repeat * gate.expansion)

    def phases(self, gate: Gate) -> int:
        """Global phases that stay such."""
        return 0 if self.controls else self.repeat * gate.phases


PLAIN = Modifiers()


def counted(number: int, noun: str) -> str:
    """``number`` and ``noun``, in the plural unless the number is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _table(text: str) -> dict[str, Gate]:
    gates = {}
    for entry in text.split():
        name, parameters, qubits = entry.split(":")
        gates[name] = Gate(name, int(parameters), int(qubits))
    return gates


#: Gates of the language, usable without an include.
LANGUAGE: Mapping[str, Gate] = _table("U:3:1 CX:0:2")

#: The gates of qelib1.inc as first published (arXiv:1707.03429), name:parameters:qubits. Its include defines these.
PUBLISHED: Mapping[str, Gate] = _table(
    "u3:3:1 u2:2:1 u1:1:1 cx:0:2 id:0:1 x:0:1 y:0:1 z:0:1 h:0:1 s:0:1 sdg:0:1 t:0:1 tdg:0:1 rx:1:1 ry:1:1 rz:1:1"
    " cz:0:2 cy:0:2 ch:0:2 ccx:0:3 crz:1:2 cu1:1:2 cu3:3:2"
)

#: The gates that Qiskit's qelib1.inc has besides. A source written for the published file may define them itself.
#: An importer knows these without the include, so that no register can have such a name.
#: u0(n) waits n gate times: the importer makes n identities of it.
ADDED: Mapping[str, Gate] = {
    "u0": Gate("u0", 1, 1, expansion=10),
    **_table(
        "u:3:1 p:1:1 sx:0:1 sxdg:0:1 swap:0:2 cswap:0:3 crx:1:2 cry:1:2 cp:1:2 csx:0:2 cu:4:2 rxx:1:2 rzz:1:2"
        " rccx:0:3 rc3x:0:4 c3x:0:4 c3sqrtx:0:4 c4x:0:5"
    ),
}

QELIB1: Mapping[str, Gate] = {**PUBLISHED, **ADDED}

#: Words that begin a statement in OpenQASM 3 and would be taken for unknown gates here.
OPENQASM_3 = frozenset({
    "bit", "bool", "box", "cal", "const", "ctrl", "def", "defcal", "delay", "end", "extern", "float", "for", "gphase",
    "input", "int", "inv", "let", "negctrl", "nop", "output", "pow", "return", "switch", "uint", "while", "qubit",
})  # fmt: skip

_OTHER_NAMES = {
    "cnot": "cx",
    "toffoli": "ccx",
    "ccnot": "ccx",
    "fredkin": "cswap",
    "i": "id",
    "phase": "p",
    "cphase": "cp",
    "r1": "p",
    "si": "sdg",
    "ti": "tdg",
    "v": "sx",
    "vdg": "sxdg",
    "u4": "cu",
    "zz": "rzz",
    "xx": "rxx",
}


def similar_gate(name: str, known: Collection[str]) -> str | None:
    """The known gate that the writer of ``name`` probably meant, if one is close."""
    other = _OTHER_NAMES.get(name)
    if other in known:
        return other
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return close[0] if close else None


class ParameterWalk:
    """Evaluates what the parameters of a gate call become inside its definitions, each distinct call once.

    One walk serves a whole circuit and stops at ``limits.evaluation_steps``, so that its time is bounded.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._seen: set[tuple[str, tuple[float, ...]]] = set()
        self.steps = 0

    @property
    def exhausted(self) -> bool:
        """Whether the last check stopped because the circuit asks for too many evaluations."""
        return self.steps > self._limits.evaluation_steps

    def check(self, gate: Gate, values: tuple[float, ...]) -> None:
        """Check one call of ``gate`` down to the library gates it expands to.

        Raises:
            NoValue: some gate would get a parameter that is not finite, too large or not allowed.
        """
        pending = [(gate, values)]
        while pending and not self.exhausted:
            gate, values = pending.pop()
            self._check_values(gate, values)
            key = (gate.name, values)
            if not gate.calls or key in self._seen:
                continue
            self._seen.add(key)
            for call in gate.calls:
                self.steps += 1 + sum(map(len, call.parameters))
                pending.append((call.gate, tuple([evaluate(program, values) for program in call.parameters])))

    def _check_values(self, gate: Gate, values: tuple[float, ...]) -> None:
        for value in values:
            if abs(value) > self._limits.angle:
                raise NoValue(f"is beyond {self._limits.angle:.0f} radians, where an angle has lost its meaning")
        if gate is ADDED["u0"] and not (values[0].is_integer() and 0 <= values[0] <= gate.expansion):
            raise NoValue(f"of u0 counts gate times and is no whole number from 0 to {gate.expansion}")
