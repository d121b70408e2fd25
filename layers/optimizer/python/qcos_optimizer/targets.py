"""The trapped-ion machines circuits are lowered for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .errors import UnknownTarget

if TYPE_CHECKING:
    from .native import Metrics

TwoQubitGate = Literal["ms", "zz"]


@dataclass(frozen=True, slots=True)
class Target:
    """A machine: its entangling gate, its size, and error rates to rank circuits by.

    All qubits are connected to all. The error rates are documented defaults, not a calibration: they are the order of
    magnitude IonQ publishes for the machine, good for ranking two circuits and nothing else.
    """

    name: str
    two_qubit_gate: TwoQubitGate
    qubits: int
    one_qubit_error: float = 2e-4
    two_qubit_error: float = 5e-3

    def model_score(self, metrics: Metrics) -> float:
        """Product of the fidelities of all gates, 0 to 1; an entangling gate errs in proportion to its angle, a quarter
        turn by ``two_qubit_error``, but never less than a fifth of it."""
        quarter_turns = max(metrics.entangling_angle_microturns / 250_000, metrics.two_qubit_gates / 5)
        one = metrics.one_qubit_gates * math.log1p(-self.one_qubit_error)
        return math.exp(one + quarter_turns * math.log1p(-self.two_qubit_error))


# The simulator takes either native gate; it gets ZZ, so that what is tried on it is what the Forte machines would run.
TARGETS: dict[str, Target] = {
    machine.name: machine
    for machine in (
        Target("ionq_simulator", "zz", 29),
        Target("ionq_aria", "ms", 25, one_qubit_error=5e-4, two_qubit_error=1e-2),
        Target("ionq_forte", "zz", 36),
        Target("ionq_forte_enterprise", "zz", 36),
    )
}


def target(name: str) -> Target:
    """The machine called ``name``; raises :class:`UnknownTarget`."""
    try:
        return TARGETS[name]
    except KeyError:
        raise UnknownTarget(f"no such target; known are {', '.join(sorted(TARGETS))}") from None
