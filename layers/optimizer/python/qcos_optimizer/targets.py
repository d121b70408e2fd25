"""The trapped-ion machines circuits are lowered for, and what is known of their errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from .errors import UnknownTarget

if TYPE_CHECKING:
    from .native import Native

TwoQubitGate = Literal["ms", "zz"]

QUARTER = 0.25
"""Turns of the gate whose error is ``two_qubit_error``."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Error rates somebody measured, each 0 to 1; None is a figure that was not stated."""

    one_qubit_error: float | None = None
    two_qubit_error: float | None = None
    readout_error: float | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A machine: its entangling gate, its size, and error rates to rank circuits by.

    All qubits are connected to all. ``one_qubit_error`` and ``two_qubit_error`` are documented defaults, of the order
    of magnitude IonQ publishes for the machine: good for ranking two circuits and nothing else. A ``calibration``
    goes before them, figure by figure. There is no default for reading a qubit.

    An entangling gate of t turns errs by two_qubit_error * (c + (1 - c) |t| / 0.25), c being ``angle_floor``. It is 1,
    the same error at any angle, until somebody has measured what smaller angles gain on the machine.
    """

    name: str
    two_qubit_gate: TwoQubitGate
    qubits: int
    one_qubit_error: float = 2e-4
    two_qubit_error: float = 5e-3
    angle_floor: float = 1.0
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        stated = self.calibration or Calibration()
        rates = (stated.one_qubit_error, stated.two_qubit_error, stated.readout_error)
        for rate in (self.one_qubit_error, self.two_qubit_error, self.angle_floor, *rates):
            # Written so that NaN, which compares with nothing, is refused too.
            if rate is not None and not 0 <= rate <= 1:
                raise ValueError("error rates and angle_floor must be numbers from 0 to 1")

    def calibrated(self, characterization: Mapping[str, Any]) -> Target:
        """This machine with the fidelities of an IonQ ``characterization`` (API v0.4), as far as it states them.

        IonQ guarantees only that of preparation and readout (``spam``); those of gates (``1q``, ``2q``) may be
        absent and are then not known. Raises ValueError for a fidelity that is no number from 0 to 1.
        """
        fidelity = characterization.get("fidelity")
        table = fidelity if isinstance(fidelity, Mapping) else {}
        return replace(
            self, calibration=Calibration(_error(table.get("1q")), _error(table.get("2q")), _error(table.get("spam")))
        )

    def model_score(self, gates: Iterable[Native], measured: int) -> float:
        """Product of the fidelities of all ``gates`` and of reading ``measured`` qubits, 0 to 1.

        Reading counts only where the calibration states its error.
        """
        one, two, readout = self._rates()
        score = 1.0 if readout is None else (1 - readout) ** measured
        for gate in gates:
            if len(gate.qubits) == 1:
                score *= 1 - one
            else:
                floor = self.angle_floor
                score *= 1 - two * (floor + (1 - floor) * abs(gate.angles[-1]) / QUARTER)
        return score

    def rates(self) -> dict[str, Any]:
        """The rates :meth:`model_score` works with. ``assumed`` names those that are defaults because no calibration
        states them, ``missing`` those that are not known at all and count nothing."""
        stated = self.calibration or Calibration()
        one, two, readout = self._rates()
        assumed = [
            name
            for name, rate in (("one_qubit_error", stated.one_qubit_error), ("two_qubit_error", stated.two_qubit_error))
            if rate is None
        ]
        return {
            "one_qubit_error": one,
            "two_qubit_error": two,
            "readout_error": readout,
            "angle_floor": self.angle_floor,
            "rates": "defaults" if len(assumed) == 2 else "mixed" if assumed else "calibration",
            "assumed": assumed,
            "missing": ["readout_error"] if readout is None else [],
        }

    def _rates(self) -> tuple[float, float, float | None]:
        stated = self.calibration or Calibration()
        return (
            self.one_qubit_error if stated.one_qubit_error is None else stated.one_qubit_error,
            self.two_qubit_error if stated.two_qubit_error is None else stated.two_qubit_error,
            stated.readout_error,
        )


def _error(stated: object) -> float | None:
    """1 - the median fidelity ``stated``, None where there is none."""
    median = stated.get("median") if isinstance(stated, Mapping) else None
    if median is None:
        return None
    if isinstance(median, bool) or not isinstance(median, int | float) or not 0 <= median <= 1:
        raise ValueError("a fidelity of the characterization is not a number from 0 to 1")
    # 1 - 0.9979 has digits that were never measured.
    return round(1 - median, 12)


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
    except (KeyError, TypeError):
        raise UnknownTarget(f"no such target; known are {', '.join(sorted(TARGETS))}") from None
