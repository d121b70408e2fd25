"""Gates as sequences of Pauli rotations (see :mod:`pauli`): quarter turns for a Clifford, any angle for the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from qiskit.circuit.library import UnitaryGate

from .certify import Claim
from .matrices import kept, spread, turns_matrix, turns_of_one
from .native import Matrix, Native
from .pauli import PauliForm, Turn
from .rotations import Local, Part, parts_of
from .simulation import Step
from .source import Operation, clean, expand

_AXES = {"x": (1, 0), "z": (0, 1), "y": (1, 1)}


def turns_of_parts(parts: Sequence[Part]) -> tuple[Turn, ...]:
    """The parts of a gate of at most two qubits."""
    made: list[Turn] = []
    for part in parts:
        if isinstance(part, Local):
            made += [(x << part.slot, z << part.slot, turns) for x, z, turns in turns_of_one(part.matrix)]
        else:
            x, z = _AXES[part.axis]
            made += kept((3 * x, 3 * z, part.turns))
    return tuple(made)


def native_claim(gate: Native) -> Claim:
    """A native gate as it is defined: frames turned there and back about a rotation."""
    step = Step(gate.matrix(), gate.qubits)
    if gate.gate == "zz":
        return Claim(step, ((0, 3, gate.angles[0]),))
    if gate.gate == "ms":
        first, second, angle = gate.angles
        back, forth = ((0, 1, -first), (0, 2, -second)), ((0, 1, first), (0, 2, second))
        return Claim(step, (*back, (3, 0, angle), *forth))
    phase = gate.angles[0]
    return Claim(step, ((0, 1, -phase), (1, 0, 0.5 if gate.gate == "gpi" else 0.25), (0, 1, phase)))


def placed_claims(placed: Iterable[tuple[Turn, tuple[int, ...]]]) -> tuple[Claim, ...]:
    """Rotations on the qubits named, each as a step of its own."""
    return tuple(Claim(Step(turns_matrix((turn,), len(qubits)), qubits), (turn,)) for turn, qubits in placed)


def form_of(claims: Iterable[Claim], qubits: int) -> PauliForm:
    """The circuit of ``claims`` as rotations and a Clifford, all that can be merged merged."""
    form = PauliForm(qubits)
    for claim in claims:
        places = claim.step.qubits
        for x, z, turns in claim.turns:
            form.turn(spread(x, places), spread(z, places), turns)
    form.settle()
    return form


@dataclass(slots=True)
class TurnsCache:
    """Claims about gates, worked out once for each kind of gate."""

    _known: dict[tuple[str, int, tuple[float, ...]], tuple[Matrix, tuple[Turn, ...]]] = field(default_factory=dict)

    def claim(self, operation: Operation) -> Claim:
        """``operation`` in rotations; gates of more than two qubits through their definition."""
        gate = operation.gate
        if isinstance(gate, UnitaryGate):
            matrix = np.asarray(gate.to_matrix(), dtype=np.complex128)
            return Claim(Step(matrix, operation.qubits), turns_of_parts(parts_of("unitary", (), matrix)))
        # A name is not enough: controlled X gates of three and of four controls are both called mcx.
        key = (gate.name, gate.num_qubits, tuple(float(angle) for angle in gate.params))
        if key not in self._known:
            matrix = np.asarray(gate.to_matrix(), dtype=np.complex128)
            self._known[key] = (matrix, self._turns(operation, matrix))
        matrix, turns = self._known[key]
        return Claim(Step(matrix, operation.qubits), turns)

    def _turns(self, operation: Operation, matrix: Matrix) -> tuple[Turn, ...]:
        gate = clean(operation.gate)
        size = len(operation.qubits)
        if size <= 2:
            return turns_of_parts(parts_of(gate.name, tuple(float(angle) for angle in gate.params), matrix))
        made: list[Turn] = []
        for inner in expand([Operation(gate, tuple(range(size)))], 2):
            claim = self.claim(inner)
            for x, z, turns in claim.turns:
                made.append((spread(x, inner.qubits), spread(z, inner.qubits), turns))
        return tuple(made)
