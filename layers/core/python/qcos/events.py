"""The event log's vocabulary: envelope, canonical bytes, hash chain, and what each event says.

An event is stored as its canonical bytes (RFC 8785 JSON of the envelope, without its own hash). Its hash is
``SHA-256(0x00 || bytes)``, which is also its leaf hash in an RFC 9162 tree; ``prev_hash`` names the
predecessor's, so a log cannot be shortened, reordered or edited without a trace. Event data holds no floats.
Events are past tense and change only by addition.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import Field

from qcos.canonical import canonical
from qcos.models import (
    Digest,
    MetricsTable,
    Options,
    StoredObject,
    Texts,
    Timestamp,
    Value,
    Verification,
    timestamp,
)

NO_HASH = "sha256:" + "0" * 64
"""``prev_hash`` of the first event of a stream."""


class EventData(Value):
    """What one type of event says. The class name is the type's name."""

    schema_version: ClassVar[int] = 1


class BatchSubmitted(EventData):
    """Circuits accepted together, in one transaction with their jobs; a stream of its own."""

    jobs: Texts
    request_hash: Digest
    estimated_time: int = 0


class JobSubmitted(EventData):
    """A user's circuit was accepted; the job exists from here on.

    ``evaluations`` were charged for it in the month of this event. ``batch_index`` is its place in its batch, from 0.
    ``circuit_format`` is the language the circuit was submitted in.
    """

    circuit: StoredObject
    backend: str
    shots: int = Field(ge=1)
    options: Options
    qubits: int = Field(ge=1)
    operations: int = Field(ge=0)
    request_hash: Digest
    estimated_time: int = 0
    evaluations: int = 0
    name: str | None = None
    tags: Texts = ()
    batch_id: str | None = None
    batch_index: int | None = None
    dry_run: bool = False
    circuit_format: Literal["openqasm2", "openqasm3"] = "openqasm2"


class TranspileStarted(EventData):
    """A worker began to optimize the circuit."""

    attempt: int


class CircuitOptimized(EventData):
    """The optimized circuit was found, verified and stored.

    ``provider_input`` is the native circuit as the provider will get it, ``optimized`` the same as OpenQASM 2,
    ``report`` the optimizer's whole account (every candidate, bit maps, versions), ``certificate`` the proof that
    input and output are equal, where there is one, for ``qcos certify``.
    """

    attempt: int
    strategy: str
    candidates: int = Field(ge=1)
    metrics: MetricsTable
    verification: Verification
    versions: dict[str, str]
    optimized: StoredObject
    provider_input: StoredObject
    report: StoredObject
    optimized_qasm3: StoredObject | None = None
    certificate: StoredObject | None = None


class ExecutionIntended(EventData):
    """Written before the provider is called. Only the process that appended it may call, once.

    ``token`` names the submission at the provider, so that a lost answer can be matched later.
    """

    attempt: int
    n: int = Field(ge=1)
    token: str
    provider_backend: str
    request: StoredObject
    calibration: StoredObject | None = None
    estimated_cost_microdollars: int = 0


class ExecutionRefused(EventData):
    """The provider definitely did not take the submission; nothing runs and nothing is owed."""

    n: int
    code: str
    message: str
    retryable: bool


class ExecutionSubmitted(EventData):
    """The provider took the submission."""

    n: int
    provider_job_id: str


class ExecutionAdopted(EventData):
    """A submission whose answer was lost was found at the provider by its token.

    ``attempt`` and ``reason`` are set where a person adopted what was held; the attempt's next workflow execution then
    goes on with it. Where polling found it by itself a workflow waits already.
    """

    n: int
    provider_job_id: str
    attempt: int | None = None
    reason: str | None = None


class ExecutionHeld(EventData):
    """Whether the provider took a paid submission is unknown and could not be found out; a person decides."""

    n: int
    reason: str


class ExecutionReleased(EventData):
    """A person found out that the provider never took the held submission: nothing runs and nothing is owed.

    The attempt's next workflow execution may send it anew, under another intention.
    """

    attempt: int
    n: int
    reason: str


class ExecutionCompleted(EventData):
    """The provider finished. ``raw`` is its answer as received, ``result`` the counts in the user's bit order."""

    n: int
    provider_job_id: str
    result: StoredObject
    raw: StoredObject
    provider_submitted_at: str | None = None
    provider_started_at: str | None = None
    provider_completed_at: str | None = None
    execution_duration_ms: int | None = None
    cost_microdollars: int | None = None
    memory: StoredObject | None = None


class ExecutionStopped(EventData):
    """The provider ended the submission without a result: ``failed`` there, or ``canceled``."""

    n: int
    provider_job_id: str
    status: Literal["failed", "canceled"]
    code: str | None = None
    message: str | None = None
    cost_microdollars: int | None = None


class ExecutionEstimated(EventData):
    """What running the circuit would cost and take, by the provider; nothing was sent.

    Times are milliseconds. ``cost_microdollars`` is None where the provider states no price.
    """

    provider_backend: str
    cost_microdollars: int | None
    execution_ms: int | None
    queue_ms: int | None


class EvidenceSigned(EventData):
    """The evidence bundle was signed, verified and stored; from here on it is served.

    ``log_entry`` is its entry in the tenant's transparency log; None of what was signed before there was one.
    """

    bundle_id: str
    bundle_hash: Digest
    algorithm: Literal["ML-DSA-65", "Ed25519"]
    key_id: str
    key: str
    log_entry: str | None = None


class EvidenceExported(EventData):
    """The bundle was first given out as a file of this form; changes no state.

    ``digest`` and ``size`` (bytes) are the file's, ``key`` is where it is stored if it is too long to be answered.
    """

    bundle_id: str
    bundle_hash: Digest
    key_id: str
    format: Literal["json", "cbor", "cose", "pdf"]
    digest: Digest
    size: int
    key: str | None = None


class JobCompleted(EventData):
    """The job ended well."""

    attempt: int


class JobFailed(EventData):
    """The job ended without a result; ``message`` tells the user why and what to do."""

    attempt: int
    step: Literal["transpile", "execute", "await", "sign", "workflow"]
    code: str
    message: str
    retryable: bool
    refunded_evaluations: int = 0


class JobCancelled(EventData):
    """The user ended the job before it had a result.

    ``decided_n`` is the attempt's submission that a person last adopted or released, 0 if there was none: what is to be
    stopped is the workflow that runs since.
    """

    attempt: int
    refunded_evaluations: int = 0
    decided_n: int = 0


class JobRetried(EventData):
    """The user opened another attempt of a failed job; ``evaluations`` were charged again."""

    attempt: int
    evaluations: int = 0


class Unrecognised(EventData):
    """An event of a type that this version does not know; readers pass over it."""


EVENT_TYPES: dict[str, type[EventData]] = {
    kind.__name__: kind
    for kind in (
        BatchSubmitted,
        JobSubmitted,
        TranspileStarted,
        CircuitOptimized,
        ExecutionIntended,
        ExecutionRefused,
        ExecutionSubmitted,
        ExecutionAdopted,
        ExecutionHeld,
        ExecutionReleased,
        ExecutionCompleted,
        ExecutionStopped,
        ExecutionEstimated,
        EvidenceSigned,
        EvidenceExported,
        JobCompleted,
        JobFailed,
        JobCancelled,
        JobRetried,
    )
}


@dataclass(frozen=True)
class Event:
    """One entry of a stream, exactly as stored: ``raw`` is authoritative, everything else is read from it."""

    raw: bytes

    @cached_property
    def document(self) -> dict[str, Any]:
        """The envelope: event_id, tenant, stream_id, version, type, schema_version, occurred_at, ..., data."""
        document: dict[str, Any] = json.loads(self.raw)
        return document

    @cached_property
    def hash(self) -> str:
        """``sha256:<hex>`` of 0x00 and the canonical bytes."""
        return "sha256:" + hashlib.sha256(b"\x00" + self.raw).hexdigest()

    @cached_property
    def data(self) -> EventData:
        """The typed content; :class:`Unrecognised` for a type that a newer version wrote."""
        kind = EVENT_TYPES.get(self.type, Unrecognised)
        return kind.model_validate(self.document["data"])

    @property
    def event_id(self) -> str:
        return str(self.document["event_id"])

    @property
    def tenant(self) -> str:
        return str(self.document["tenant"])

    @property
    def stream_id(self) -> str:
        return str(self.document["stream_id"])

    @property
    def version(self) -> int:
        return int(self.document["version"])

    @property
    def type(self) -> str:
        return str(self.document["type"])

    @property
    def occurred_at(self) -> Timestamp:
        return str(self.document["occurred_at"])

    @property
    def prev_hash(self) -> str:
        return str(self.document["prev_hash"])


@dataclass(frozen=True)
class Origin:
    """Who and what caused events, and the request they belong to.

    ``actor`` is ``key:<id>``, ``step:<name>`` or ``operator:<name>``.
    """

    actor: str
    correlation_id: str
    causation_id: str | None = None


def new_event_id() -> str:
    """128 random bits as text."""
    return "evt_" + secrets.token_hex(16)


def chain(
    tenant: str, stream_id: str, log: Sequence[Event], data: Sequence[EventData], origin: Origin, now: datetime
) -> list[Event]:
    """The events that would extend ``log`` (the whole stream so far, oldest first) by ``data``."""
    version = log[-1].version if log else 0
    prev_hash = log[-1].hash if log else NO_HASH
    events: list[Event] = []
    for item in data:
        version += 1
        event = Event(
            canonical(
                {
                    "event_id": new_event_id(),
                    "tenant": tenant,
                    "stream_id": stream_id,
                    "version": version,
                    "type": type(item).__name__,
                    "schema_version": item.schema_version,
                    "occurred_at": timestamp(now),
                    "correlation_id": origin.correlation_id,
                    "causation_id": origin.causation_id,
                    "actor": origin.actor,
                    "prev_hash": prev_hash,
                    "data": item.model_dump(mode="json"),
                }
            )
        )
        events.append(event)
        prev_hash = event.hash
    return events


class BrokenChain(Exception):
    """A stream's events do not follow from each other: it was changed outside the service."""


def check_chain(log: Sequence[Event]) -> None:
    """Raise :class:`BrokenChain` unless ``log`` is a whole stream, each event naming its predecessor."""
    prev_hash = NO_HASH
    for expected, event in enumerate(log, 1):
        if event.version != expected or event.prev_hash != prev_hash:
            raise BrokenChain(f"{event.stream_id}: event {expected} does not follow its predecessor")
        prev_hash = event.hash
