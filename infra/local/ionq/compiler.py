"""From the abstract gate set to native gates, as the service does before it runs a circuit on a machine.

Qiskit lowers the circuit to one-qubit rotations and one kind of two-qubit rotation; here those become GPI, GPI2 and
MS or ZZ. Rotations about Z cost nothing: each qubit carries a frame (in turns) that is subtracted from the phases of
the gates that follow, and is dropped at the end because measuring does not see it.
"""

import math
from typing import Literal

from qiskit import transpile
from qiskit.circuit import QuantumCircuit

from infra.local.ionq.errors import JobFailure
from infra.local.ionq.payload import Gate

_TOLERANCE = 1e-10


def compile_native(circuit: QuantumCircuit, entangler: str) -> list[Gate]:
    """The native gates of ``circuit`` in order, with ``ms`` or ``zz`` as the entangler; phases and angles in turns.

    Measurements and resets of the circuit are kept, as ``{"gate": "measure", "target", "bit"}`` and
    ``{"gate": "reset", "target"}``.
    """
    axis: Literal["rxx", "rzz"] = "rxx" if entangler == "ms" else "rzz"
    lowered = transpile(circuit, basis_gates=["u", axis], optimization_level=1, seed_transpiler=0)
    native = _NativeBuilder(lowered.num_qubits)
    for instruction in lowered.data:
        qubits = [lowered.find_bit(qubit).index for qubit in instruction.qubits]
        name, parameters = instruction.operation.name, [float(value) for value in instruction.operation.params]
        if name == "u":
            native.rotate(qubits[0], *parameters)
        elif name == "rxx":
            native.ms(qubits[0], qubits[1], parameters[0] / (2.0 * math.pi))
        elif name == "rzz":
            native.zz(qubits[0], qubits[1], parameters[0] / (2.0 * math.pi))
        elif name == "measure":
            bit = lowered.find_bit(instruction.clbits[0]).index
            native.gates.append({"gate": "measure", "target": qubits[0], "bit": bit})
        elif name == "reset":
            native.reset(qubits[0])
        elif name != "barrier":
            raise JobFailure("CompilationError", f"Cannot compile '{name}' to native gates")
    return native.gates


class _NativeBuilder:
    """Appends native gates; ``frames[q]`` is the rotation about Z, in turns, still owed to qubit q."""

    def __init__(self, qubits: int) -> None:
        self.gates: list[Gate] = []
        self._frames = [0.0] * qubits

    def rotate(self, qubit: int, theta: float, phi: float, lam: float) -> None:
        """U(theta, phi, lam) in radians: nothing, one GPI2, one GPI or two GPI2, and a change of frame."""
        full = 2.0 * math.pi
        theta, phi, lam = theta / full, phi / full, lam / full
        theta -= math.floor(theta)
        if _near(theta, 0.0) or _near(theta, 1.0):
            # A whole turn is minus the identity, which is only a phase.
            self._frames[qubit] += phi + lam
        elif _near(theta, 0.25):
            self._turn_around("gpi2", qubit, lam - 0.25, phi + 0.25)
        elif _near(theta, 0.75):
            self._turn_around("gpi2", qubit, lam + 0.25, phi - 0.25)
        elif _near(theta, 0.5):
            self._frames[qubit] += lam
            self._one("gpi", qubit, 0.25)
            self._frames[qubit] += phi
        else:
            self._turn_around("gpi2", qubit, lam, theta + 0.5)
            self._turn_around("gpi2", qubit, 0.0, phi + 0.5)

    def ms(self, first: int, second: int, turns: float) -> None:
        """A rotation about XX by ``turns``."""
        # A half turn is one GPI on each qubit; the rest lies between -0.25 and 0.25.
        halves = round(turns / 0.5)
        rest = _clipped(turns - 0.5 * halves)
        if halves % 2:
            self._one("gpi", first, 0.0)
            self._one("gpi", second, 0.0)
        if abs(rest) > _TOLERANCE:
            # The opposite axis on one qubit makes the angle positive.
            phases = [self._phase(first, 0.5 if rest < 0 else 0.0), self._phase(second, 0.0)]
            self.gates.append({"gate": "ms", "targets": [first, second], "phases": phases, "angle": abs(rest)})

    def zz(self, first: int, second: int, turns: float) -> None:
        """A rotation about ZZ by ``turns``."""
        # A half turn is Z on each qubit, which is free, so a quarter turn backwards becomes one forwards.
        halves = math.ceil((turns - 0.25 - _TOLERANCE) / 0.5)
        rest = _clipped(turns - 0.5 * halves)
        if halves % 2:
            self._frames[first] += 0.5
            self._frames[second] += 0.5
        if abs(rest) <= _TOLERANCE:
            return
        if rest < 0:
            self._one("gpi", first, 0.0)
        self.gates.append({"gate": "zz", "targets": [first, second], "angle": abs(rest)})
        if rest < 0:
            self._one("gpi", first, 0.0)

    def reset(self, qubit: int) -> None:
        """Prepare zero anew."""
        self._frames[qubit] = 0.0
        self.gates.append({"gate": "reset", "target": qubit})

    def _turn_around(self, gate: str, qubit: int, before: float, after: float) -> None:
        self._frames[qubit] += before
        self._one(gate, qubit, 0.0)
        self._frames[qubit] += after

    def _one(self, gate: str, qubit: int, phase: float) -> None:
        self.gates.append({"gate": gate, "target": qubit, "phase": self._phase(qubit, phase)})

    def _phase(self, qubit: int, phase: float) -> float:
        # Rz(f) then a gate about the axis at p equals a gate about the axis at p - f, then Rz(f).
        return (phase - self._frames[qubit]) % 1.0


def _near(value: float, wanted: float) -> bool:
    return abs(value - wanted) < _TOLERANCE


def _clipped(turns: float) -> float:
    """Within the legal angles, whatever rounding did."""
    return min(0.25, max(-0.25, turns))
