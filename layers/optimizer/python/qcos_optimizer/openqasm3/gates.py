"""Gates of OpenQASM 3, and what a call of one comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from qiskit.circuit import Gate, QuantumCircuit
from qiskit.circuit import library as qiskit_library

from ..errors import CircuitError
from .expression import Program, evaluate

MAX_OPERATIONS = 50_000
MAX_VISITS = 200_000
_HALF_PI = 1.5707963267948966


@dataclass(frozen=True, slots=True)
class Standard:
    """A gate of the language or of ``stdgates.inc``; ``make`` gives Qiskit's.

    ``loose``: tools do not agree about its phase, which only a control would show.
    """

    parameters: int
    qubits: int
    make: Callable[..., Gate]
    loose: bool = False


@dataclass(slots=True)
class Defined:
    """A gate of the text: names of its parameters and qubits, and its calls, on numbers of its qubits."""

    parameters: dict[str, int]
    qubits: dict[str, int]
    calls: list[Call] = field(default_factory=list)
    loose: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """``gate`` with its modifiers. ``controls`` are the values that switch it on; their qubits come first."""

    gate: Standard | Defined
    parameters: tuple[Program, ...]
    qubits: tuple[int, ...]
    controls: tuple[int, ...]
    inverse: bool
    repeat: int


def _standard(parameters: int, qubits: int, **made: str) -> dict[str, Standard]:
    return {name: Standard(parameters, qubits, getattr(qiskit_library, gate)) for name, gate in made.items()}


U = Standard(3, 1, qiskit_library.UGate, loose=True)
GPHASE = Standard(1, 0, qiskit_library.PhaseGate)
STANDARD: dict[str, Standard] = {
    **_standard(0, 1, x="XGate", y="YGate", z="ZGate", h="HGate", id="IGate", sx="SXGate"),
    **_standard(0, 1, s="SGate", sdg="SdgGate", t="TGate", tdg="TdgGate"),
    **_standard(1, 1, p="PhaseGate", phase="PhaseGate", u1="PhaseGate", rx="RXGate", ry="RYGate", rz="RZGate"),
    **_standard(0, 2, cx="CXGate", CX="CXGate", cy="CYGate", cz="CZGate", ch="CHGate", swap="SwapGate"),
    **_standard(1, 2, cp="CPhaseGate", cphase="CPhaseGate", crx="CRXGate", cry="CRYGate", crz="CRZGate"),
    **_standard(0, 3, ccx="CCXGate", cswap="CSwapGate"),
    **_standard(4, 2, cu="CUGate"),
    "u2": Standard(2, 1, lambda phi, lam: qiskit_library.UGate(_HALF_PI, phi, lam), loose=True),
    "u3": U,
}

_Controls = tuple[tuple[int, int], ...]
_Pending = tuple[Standard | Defined, tuple[float, ...], tuple[int, ...], _Controls, bool]


class Expansion:
    """Calls as gates of Qiskit's library, or one of them controlled; bounded, whatever the definitions say."""

    def __init__(self) -> None:
        self._operations = self._visits = 0
        self._made: dict[tuple[object, ...], Gate] = {}

    def count(self, operations: int, visits: int) -> None:
        """Add to what the circuit holds; raises :class:`CircuitError` when it is too much."""
        self._operations += operations
        self._visits += visits
        if self._operations > MAX_OPERATIONS or self._visits > MAX_VISITS:
            raise CircuitError(
                f"the circuit has more than {MAX_OPERATIONS:,} operations once its gates are expanded",
                "too_many_operations",
            )

    def expand(self, asked: Call, operands: tuple[int, ...]) -> Iterator[tuple[Gate, tuple[int, ...]]]:
        """The gates that ``asked`` is on these qubits of the circuit, in order; a global phase is left out."""
        stack: list[_Pending] = []
        self._push(stack, asked, (), operands, (), False)
        while stack:
            gate, values, qubits, controls, inverse = stack.pop()
            if isinstance(gate, Defined):
                # What is pushed last comes first.
                for call in gate.calls if inverse else reversed(gate.calls):
                    inner = tuple(qubits[number] for number in call.qubits)
                    self._push(stack, call, values, inner, controls, inverse)
            elif gate is not GPHASE or controls:
                self.count(1, 0)
                yield self._leaf(gate, values, qubits, controls, inverse)

    def _push(
        self,
        stack: list[_Pending],
        call: Call,
        values: tuple[float, ...],
        qubits: tuple[int, ...],
        controls: _Controls,
        inverse: bool,
    ) -> None:
        self.count(0, max(1, call.repeat))
        given = tuple(float(evaluate(program, values)) for program in call.parameters)
        number = len(call.controls)
        more = (*controls, *zip(qubits[:number], call.controls, strict=True))
        stack.extend([(call.gate, given, qubits[number:], more, inverse != call.inverse)] * call.repeat)

    def _leaf(
        self, gate: Standard, values: tuple[float, ...], qubits: tuple[int, ...], controls: _Controls, inverse: bool
    ) -> tuple[Gate, tuple[int, ...]]:
        turned = False
        if gate is GPHASE:
            # A phase under controls is a phase gate on one of them, best on one that is switched on by a 1.
            ordered = sorted(controls, key=lambda control: control[1])
            *rest, (target, state) = ordered
            controls, qubits, turned = tuple(rest), (target,), not state
        states = tuple(state for _, state in controls)
        key = (id(gate), values, inverse, states, turned)
        if key not in self._made:
            made = gate.make(*values)
            if inverse:
                made = made.inverse()
            if turned:
                made = _on_zero(made)
            if states:
                on = sum(state << place for place, state in enumerate(states))
                made = made.control(len(states), ctrl_state=on, annotated=False)
            self._made[key] = made
        return self._made[key], (*(qubit for qubit, _ in controls), *qubits)


def _on_zero(phase: Gate) -> Gate:
    """A phase for |0> instead of |1>."""
    circuit = QuantumCircuit(1, name="p0")
    circuit.x(0)
    circuit.append(phase, [0])
    circuit.x(0)
    return circuit.to_gate()
