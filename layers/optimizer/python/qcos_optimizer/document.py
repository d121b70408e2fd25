"""The answer: a native circuit, what it saves, how it was checked, and the forms it travels in."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

import numpy as np
from qiskit.circuit import ClassicalRegister, Gate, QuantumCircuit, QuantumRegister
from qiskit_ionq import GPI2Gate, GPIGate, MSGate, ZZGate

from . import __version__
from .certificate import Certificate, canonical, digest
from .choices import Mode
from .native import Metrics, Native
from .verification import Verification

_GATES = {"gpi": GPIGate, "gpi2": GPI2Gate, "ms": MSGate, "zz": ZZGate}
# Up to global phases; angles in turns, as IonQ writes them.
# In the language that OpenQASM 2 and 3 share; angles in turns.
DEFINITIONS = {
    "gpi": "gate {gpi}(phi) a {{ u3(pi,2*pi*phi,pi-2*pi*phi) a; }}",
    "gpi2": "gate {gpi2}(phi) a {{ u3(pi/2,2*pi*phi-pi/2,pi/2-2*pi*phi) a; }}",
    "zz": "gate {zz}(theta) a,b {{ cx a,b; rz(2*pi*theta) b; cx a,b; }}",
    "ms": (
        "gate {ms}(phi0,phi1,theta) a,b {{ rz(-2*pi*phi0) a; rz(-2*pi*phi1) b; h a; h b; cx a,b; "
        "rz(2*pi*theta) b; cx a,b; h a; h b; rz(2*pi*phi0) a; rz(2*pi*phi1) b; }}"
    ),
}

MAX_CERTIFICATE_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Tried:
    """One candidate of the search. ``failed``: not shown equal, and so out; ``unchecked``: ranked below the
    winner, or out of time."""

    name: str
    metrics: Metrics
    verdict: Literal["proved", "tested", "distribution", "failed", "unchecked"]
    chosen: bool
    model_score: float

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        counts = self.metrics.to_dict()
        del counts["one_qubit_gates"]
        return {
            "name": self.name,
            **counts,
            "model_score": self.model_score,
            "verdict": self.verdict,
            "chosen": self.chosen,
        }


@dataclass(frozen=True, slots=True)
class Optimized:
    """A circuit in native gates that was shown to do what the input does.

    ``measured[k]`` is the native qubit that holds classical bit k at the end (None: never measured; bits are counted
    through ``registers`` in order). ``layout[q]`` is the native qubit that qubit q ends on, and ``final_z`` the RZ in
    turns that native qubits would need after all ``gates`` and that no measurement sees. ``original`` counts level 0,
    ``literal`` the lowering by qiskit-ionq's rules alone, ``optimized`` the ``gates`` here. ``model_score`` is the
    product of fidelities before and after, with the rates it was worked out with (:meth:`targets.Target.rates`): for
    ranking, not a prediction. ``search_complete`` is False if the clock ended the search, or a check of what looked
    better: another run may then find another circuit. ``seconds`` is wall-clock time. With ``mode`` ``distribution``
    only the distribution of the measured bits is that of the input.
    """

    gates: tuple[Native, ...]
    target: str
    level: int
    objective: str
    qubits: int
    registers: list[tuple[str, int]]
    measured: list[int | None]
    original: Metrics
    optimized: Metrics
    literal: Metrics
    verification: Verification
    strategy: str
    candidates: tuple[Tried, ...]
    search_complete: bool
    seconds: float
    mode: Mode
    model_score: dict[str, Any]
    layout: tuple[int, ...]
    final_z: tuple[float, ...]

    @property
    def circuit(self) -> QuantumCircuit:
        """Native gates and the final measurements, on the input's own classical registers."""
        names = {name for name, _ in self.registers}
        circuit = QuantumCircuit(
            QuantumRegister(self.qubits, free_name("q", names)),
            *(ClassicalRegister(size, name) for name, size in self.registers),
        )
        for gate in self.gates:
            circuit.append(gate_of(gate), list(gate.qubits))
        for bit, qubit in enumerate(self.measured):
            if qubit is not None:
                circuit.measure(qubit, bit)
        return circuit

    @property
    def metrics(self) -> dict[str, dict[str, int]]:
        """The three counts by name."""
        return {
            "original": self.original.to_dict(),
            "optimized": self.optimized.to_dict(),
            "literal": self.literal.to_dict(),
        }

    @property
    def reduction_percent(self) -> float:
        """By how much of a hundred the depth fell from ``original``, to one decimal; negative if it rose."""
        if not self.original.depth:
            return 0.0
        saved = self.original.depth - self.optimized.depth
        return round(100 * saved / self.original.depth, 1)

    @property
    def versions(self) -> dict[str, str]:
        """What made this."""
        packages = {"qiskit": "qiskit", "qiskit_ionq": "qiskit-ionq", "numpy": "numpy"}
        return {"qcos_optimizer": __version__, **{name: version(package) for name, package in packages.items()}}

    @property
    def certificate(self) -> bytes | None:
        """The proof as a file that ``qcos certify`` goes through again, for a circuit that was given as OpenQASM
        and whose verdict is ``proved``; else None, and for the few circuits of which docs/optimizer.md says that their
        proof fits no file."""
        proof = self.verification.proof
        if proof is None or proof.source is None:
            return None
        form, source = proof.source
        return Certificate(
            form=form,
            input=source,
            outputs={"openqasm2": digest(self.to_qasm2().encode()), "ionq": digest(canonical(self.to_ionq_input()))},
            qubits=self.qubits,
            layout=proof.layout,
            final_z=proof.final_z,
            registers=tuple(self.registers),
            measured=tuple(self.measured),
            stages=proof.stages,
        ).to_bytes()

    def to_ionq_input(self) -> dict[str, Any]:
        """The ``input`` of an IonQ job of the native gate set (API v0.4); angles in turns. Measurements are not in it:
        IonQ measures every qubit, and ``measured`` says which classical bit is read from which."""
        return {"gateset": "native", "qubits": self.qubits, "circuit": [_ionq(gate) for gate in self.gates]}

    def to_qasm2(self) -> str:
        """OpenQASM 2.0 any tool can load: the native gates are defined in the standard library's, angles in turns."""
        return self._written(
            'OPENQASM 2.0;\ninclude "qelib1.inc";',
            "qreg {name}[{size}];",
            "creg {name}[{size}];",
            "measure {qubit} -> {bit};",
        )

    def to_qasm3(self) -> str:
        """The same in OpenQASM 3.0."""
        return self._written(
            'OPENQASM 3.0;\ninclude "stdgates.inc";',
            "qubit[{size}] {name};",
            "bit[{size}] {name};",
            "{bit} = measure {qubit};",
        )

    def _written(self, head: str, qubits: str, bits: str, measure: str) -> str:
        names = {name for name, _ in self.registers}
        spelled = {gate: free_name(gate, names) for gate in _GATES}
        register = free_name("q", names | set(spelled.values()))
        used = sorted({gate.gate for gate in self.gates})
        lines = [head, *(DEFINITIONS[gate].format(**spelled) for gate in used)]
        lines.append(qubits.format(name=register, size=self.qubits))
        lines += [bits.format(name=name, size=size) for name, size in self.registers if size]
        for gate in self.gates:
            angles = ",".join(written(angle) for angle in gate.angles)
            operands = ",".join(f"{register}[{qubit}]" for qubit in gate.qubits)
            lines.append(f"{spelled[gate.gate]}({angles}) {operands};")
        places = [f"{name}[{place}]" for name, size in self.registers for place in range(size)]
        lines += [
            measure.format(qubit=f"{register}[{qubit}]", bit=bit)
            for bit, qubit in zip(places, self.measured, strict=True)
            if qubit is not None
        ]
        return "\n".join(lines) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """All of the above as JSON values; a certificate beyond ``MAX_CERTIFICATE_BYTES`` is left out."""
        certificate = self.certificate
        if certificate is not None and len(certificate) > MAX_CERTIFICATE_BYTES:
            certificate = None
        return {
            "target": self.target,
            "level": self.level,
            "objective": self.objective,
            "mode": self.mode,
            "qubits": self.qubits,
            "registers": [[name, size] for name, size in self.registers],
            "measured": self.measured,
            "metrics": self.metrics,
            "reduction_percent": self.reduction_percent,
            "model_score": self.model_score,
            "verification": self.verification.to_dict(),
            "strategy": self.strategy,
            "candidates": [tried.to_dict() for tried in self.candidates],
            "search_complete": self.search_complete,
            "versions": self.versions,
            "seconds": round(self.seconds, 3),
            "ionq_input": self.to_ionq_input(),
            "qasm2": self.to_qasm2(),
            "qasm3": self.to_qasm3(),
            "certificate": None if certificate is None else certificate.decode(),
        }


def _ionq(gate: Native) -> dict[str, Any]:
    if gate.gate in ("gpi", "gpi2"):
        return {"gate": gate.gate, "target": gate.qubits[0], "phase": gate.angles[0]}
    entry: dict[str, Any] = {"gate": gate.gate, "targets": list(gate.qubits)}
    if gate.gate == "ms":
        entry["phases"] = list(gate.angles[:2])
    return {**entry, "angle": gate.angles[-1]}


def gate_of(gate: Native) -> Gate:
    """``gate`` as qiskit-ionq has it."""
    made: Gate = _GATES[gate.gate](*gate.angles)
    return made


def free_name(name: str, taken: set[str]) -> str:
    """``name``, or if it is taken with so many underscores that it is not."""
    while name in taken:
        name += "_"
    return name


def written(value: float) -> str:
    """Every digit of ``value`` without an exponent: strict readers want a decimal point."""
    return np.format_float_positional(value, unique=True, trim="0")
