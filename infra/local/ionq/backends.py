"""The emulator's machines and their characterisations.

Qubit counts and native gates are those IonQ publishes for machines of these names. Fidelities, times, power and
queue lengths are the emulator's own round figures, chosen so that the machines differ from each other and from the
ideal simulator; they are not measurements of IonQ's hardware.
"""

import datetime
import itertools
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from infra.local.ionq.errors import bad_request, not_found

QIS_GATES = [
    "x",
    "y",
    "z",
    "rx",
    "ry",
    "rz",
    "h",
    "s",
    "si",
    "v",
    "vi",
    "t",
    "ti",
    "not",
    "cnot",
    "swap",
    "xx",
    "yy",
    "zz",
    "pauliexp",
]
NATIVE_GATES = ("gpi", "gpi2", "ms", "zz", "nop")
STATUSES = ("available", "unavailable", "retired")

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "ionq-emulator.invalid")
_CALIBRATION_EPOCH = datetime.date(2026, 1, 1)


@dataclass(frozen=True)
class NoiseFigures:
    """Average gate fidelities (one- and two-qubit) and the fidelity of preparing and reading one qubit."""

    one_qubit: float
    two_qubit: float
    spam: float
    entangler: str
    """The native two-qubit gate that circuits are compiled to before this noise is applied: ``ms`` or ``zz``."""

    @property
    def one_qubit_depolarising(self) -> float:
        """The probability of replacing one qubit's state by the maximally mixed one.

        A depolarising channel of that strength on dimension d has average fidelity 1 - strength * (d - 1) / d
        (M. A. Nielsen, Phys. Lett. A 303, 249, 2002).
        """
        return (1.0 - self.one_qubit) * 2.0

    @property
    def two_qubit_depolarising(self) -> float:
        """As ``one_qubit_depolarising``, for two qubits."""
        return (1.0 - self.two_qubit) * 4.0 / 3.0

    @property
    def readout_flip(self) -> float:
        """The probability of reading a qubit wrongly."""
        return 1.0 - self.spam


_HARMONY = NoiseFigures(0.9940, 0.9600, 0.9900, "ms")
_ARIA = NoiseFigures(0.9995, 0.9870, 0.9960, "ms")
_FORTE = NoiseFigures(0.9998, 0.9935, 0.9962, "zz")

NOISE_MODELS: dict[str, NoiseFigures | None] = {
    "ideal": None,
    "harmony": _HARMONY,
    "harmony-1": _HARMONY,
    "harmony-2": _HARMONY,
    "aria-1": _ARIA,
    "aria-2": _ARIA,
    "forte-1": _FORTE,
    "forte-enterprise-1": _FORTE,
}
"""Depolarising noise after each native gate and symmetric readout flips, by the names IonQ gives its noise models."""


@dataclass(frozen=True)
class GateTimes:
    """Seconds, as the characterisation reports them."""

    one_qubit: float
    two_qubit: float
    readout: float
    reset: float
    t1: float
    t2: float


@dataclass
class Backend:
    """One target of jobs. ``status`` is the only thing that changes."""

    name: str
    qubits: int
    noise: NoiseFigures | None
    times: GateTimes | None
    native_gates: tuple[str, ...]
    queue_ms: int
    kilowatts: float
    location: str
    mitigations: tuple[str, ...] = ()
    status: str = "available"
    last_updated: str = field(default_factory=lambda: timestamp(now()))

    @property
    def is_simulator(self) -> bool:
        """Whether ideal runs answer exact probabilities here."""
        return self.name == "simulator"

    def set_status(self, status: str) -> None:
        """Make the machine ``available``, ``unavailable`` (jobs wait) or ``retired`` (jobs are refused)."""
        self.status = status
        self.last_updated = timestamp(now())

    def body(self) -> dict[str, Any]:
        """The official Backend object."""
        answer: dict[str, Any] = {
            "backend": self.name,
            "status": self.status,
            "qubits": self.qubits,
            "average_queue_time": self.queue_ms,
            "last_updated": self.last_updated,
            "degraded": False,
            "kw": self.kilowatts,
            "location": self.location,
            "supported_gates": list(QIS_GATES),
            "supported_native_gates": list(self.native_gates),
            "supported_error_mitigations": list(self.mitigations),
        }
        if self.is_simulator:
            answer["noise_models"] = list(NOISE_MODELS)
        else:
            answer["characterization_id"] = self._characterization_id(now().date())
        return answer

    def characterization_days(self, start: datetime.date | None, end: datetime.date | None) -> list[datetime.date]:
        """The days with a characterisation between two dates inclusive, newest first; none for the simulator."""
        if self.noise is None:
            return []
        first = max(start or _CALIBRATION_EPOCH, _CALIBRATION_EPOCH)
        last = min(end or now().date(), now().date())
        return [first + datetime.timedelta(days=day) for day in range((last - first).days, -1, -1)]

    def characterization_by_id(self, identifier: str) -> dict[str, Any]:
        """The characterisation of that id; 404 when there is none."""
        for day in self.characterization_days(None, None):
            if self._characterization_id(day) == identifier:
                return self.characterization(day)
        raise not_found()

    def _characterization_id(self, day: datetime.date) -> str:
        return str(uuid.uuid5(_NAMESPACE, f"{self.name}/{day.isoformat()}"))

    def characterization(self, day: datetime.date) -> dict[str, Any]:
        """The official Characterization object of one day. Times are in seconds; fidelities are averages."""
        if self.noise is None or self.times is None:
            raise ValueError(f"{self.name} has no characterisation")
        return {
            "id": self._characterization_id(day),
            "backend": self.name,
            "date": f"{day.isoformat()}T00:00:00Z",
            "qubits": self.qubits,
            "connectivity": [list(pair) for pair in itertools.combinations(range(self.qubits), 2)],
            "fidelity": {
                "spam": {"median": self.noise.spam, "stderr": None},
                "1q": {"median": self.noise.one_qubit},
                "2q": {"median": self.noise.two_qubit},
            },
            "timing": {
                "readout": self.times.readout,
                "reset": self.times.reset,
                "1q": self.times.one_qubit,
                "2q": self.times.two_qubit,
                "t1": self.times.t1,
                "t2": self.times.t2,
            },
        }


class BackendCatalogue:
    """The four backends of one emulator."""

    def __init__(self) -> None:
        aria_times = GateTimes(0.000135, 0.0006, 0.0003, 0.00002, 100.0, 1.0)
        forte_times = GateTimes(0.00013, 0.00097, 0.00015, 0.00005, 100.0, 1.0)
        debiasing = ("debiasing",)
        machines = [
            Backend("simulator", 29, None, None, NATIVE_GATES, 0, 0.5, "Cloud"),
            Backend(
                "qpu.aria-1", 25, _ARIA, aria_times, ("gpi", "gpi2", "ms"), 1_500, 4.9, "Local emulator", debiasing
            ),
            Backend(
                "qpu.forte-1", 36, _FORTE, forte_times, ("gpi", "gpi2", "zz"), 1_500, 5.2, "Local emulator", debiasing
            ),
            Backend(
                "qpu.forte-enterprise-1",
                36,
                _FORTE,
                forte_times,
                ("gpi", "gpi2", "zz"),
                1_500,
                5.2,
                "Local emulator",
                debiasing,
            ),
        ]
        self._machines = {machine.name: machine for machine in machines}

    def __iter__(self) -> Iterator[Backend]:
        return iter(self._machines.values())

    def get(self, name: str) -> Backend:
        """The backend of a path; 404 when there is none."""
        try:
            return self._machines[name]
        except KeyError:
            raise not_found() from None

    def for_job(self, name: str, *, source: str = "body") -> Backend:
        """The backend a job asks for; 400 when there is none or it is retired.

        ``qpu``, which older clients send, means the default machine, qpu.forte-1.
        """
        machine = self._machines.get("qpu.forte-1" if name == "qpu" else name)
        if machine is None:
            raise bad_request(f"Unknown backend '{name}'", "backend", source=source)
        if machine.status == "retired":
            raise bad_request(f"Backend '{name}' is retired", "backend", source=source)
        return machine


def now() -> datetime.datetime:
    """The present instant, UTC."""
    return datetime.datetime.now(datetime.UTC)


def timestamp(moment: datetime.datetime) -> str:
    """RFC 3339 with milliseconds and Z."""
    return moment.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
