"""The provider as the use cases know it: IonQ, or whatever speaks its API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class ProviderRefused(Exception):
    """The provider gave a definite no: nothing was created. ``retryable`` when a later try may succeed."""

    def __init__(self, code: str, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable


class ProviderUnknown(Exception):
    """No usable answer came: whether the submission was taken is unknown."""


class ProviderUnavailable(Exception):
    """A read did not succeed; asking again later is safe."""


@dataclass(frozen=True)
class ProviderBackend:
    """A machine's live state. ``status`` is available, unavailable or retired; ``queue_ms`` the average wait."""

    name: str
    status: str
    qubits: int
    queue_ms: int | None
    degraded: bool
    last_updated: str | None = None


@dataclass(frozen=True)
class Characterization:
    """A machine's newest characterisation; fidelities are 0..1 and None where the provider does not state them."""

    id: str
    date: str
    single_qubit_fidelity: float | None
    two_qubit_fidelity: float | None
    readout_fidelity: float | None
    raw: bytes = b""


@dataclass(frozen=True)
class ProviderJob:
    """A job as the provider lists it. ``status``: submitted, ready, started, completed, canceled or failed."""

    id: str
    status: str
    name: str | None = None
    backend: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    submitted_at: str | None = None
    started_at: str | None = None
    completed_at: str | None = None
    execution_duration_ms: int | None = None
    noise_model: str | None = None


@dataclass(frozen=True)
class ProviderResult:
    """A finished job's answer as received.

    Exactly one of the two is set: ``histogram`` (shots per outcome) where the machine counted shots,
    ``probabilities`` where an ideal simulation knows them exactly. Keys are decimal numbers whose bit k is qubit k.
    """

    raw: bytes
    histogram: dict[str, int] | None = None
    probabilities: dict[str, float] | None = None


@dataclass(frozen=True)
class Estimate:
    """What a circuit would cost and take; None where the provider does not say. Times are milliseconds."""

    cost_microdollars: int | None
    execution_ms: int | None
    queue_ms: int | None


class Provider(Protocol):
    """IonQ, or whatever speaks its API. Reads may be repeated; ``submit`` never is."""

    def backends(self) -> list[ProviderBackend]:
        """Every machine and its live state.

        Raises:
            ProviderUnavailable: no answer.
        """

    def characterization(self, backend: str) -> Characterization | None:
        """The newest characterisation of a machine, or None where it has none.

        Raises:
            ProviderUnavailable: no answer.
        """

    def estimate(
        self, backend: str, *, qubits: int, shots: int, one_qubit_gates: int, two_qubit_gates: int
    ) -> Estimate:
        """What running a circuit of that size would cost and take; nothing is submitted.

        Raises:
            ProviderUnavailable: no answer.
        """

    def submit(self, body: bytes) -> str:
        """One POST of a job; its provider id.

        Raises:
            ProviderRefused: definitely not taken (a 4xx, or the connection was never made).
            ProviderUnknown: sent, but no usable answer (timeout, reset, 5xx, unreadable).
        """

    def jobs(self, ids: Sequence[str]) -> dict[str, ProviderJob]:
        """The listed jobs that exist, by id; at most 25 ids.

        Raises:
            ProviderUnavailable: no answer.
        """

    def find(self, token: str, backend: str, since: datetime) -> ProviderJob | None:
        """The job whose name is ``token``, searched among the jobs of ``backend`` submitted after ``since``.

        Raises:
            ProviderUnavailable: no answer.
        """

    def result(self, job: ProviderJob) -> ProviderResult:
        """A completed job's result.

        Raises:
            ProviderUnavailable: no answer, or one that is not a result.
        """

    def shots(self, job: ProviderJob) -> list[str] | None:
        """The outcome of every shot in order, as decimal numbers whose bit k is qubit k; None where none were drawn.

        Raises:
            ProviderUnavailable: no answer, or one that is not a list of outcomes.
        """

    def cost_microdollars(self, job_id: str) -> int | None:
        """What a completed job cost, in 1e-6 US dollars, or None where the provider does not say.

        Raises:
            ProviderUnavailable: no answer.
        """

    def cancel(self, job_id: str) -> None:
        """Ask the provider to stop a job; asking about a finished one is harmless.

        Raises:
            ProviderUnavailable: no answer.
        """
