"""Accept circuits: everything that can be refused is refused here, before anything is stored."""

from __future__ import annotations

import copy
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qcos import qasm
from qcos.backends import backend
from qcos.canonical import canonical
from qcos.errors import IdempotencyMismatch, PayloadTooLarge, QcosError, ValidationFailed
from qcos.events import BatchSubmitted, Event, EventData, JobSubmitted, Origin
from qcos.models import Caller, StoredObject, Submission, sha3_256
from qcos.plans import EVALUATIONS
from qcos.ports import ObjectStore, VersionConflict
from qcos.qasm import CircuitSummary
from qcos.service.backends import Backends
from qcos.service.log import JobLog

OPTIMIZE_SECONDS = {0: 2, 1: 3, 2: 5, 3: 60}
"""What optimizing takes at each level, for the estimate given to the user, in seconds."""

MAX_BATCH = 98
"""Circuits of one batch: with the batch's own event and the charge they fill one transaction."""


@dataclass(frozen=True)
class Accepted:
    """A job that now exists. ``estimated_time`` is in seconds, until its result is expected."""

    job_id: str
    status: str
    estimated_time: int


@dataclass(frozen=True)
class AcceptedBatch:
    """A batch that now exists, with its jobs in the order of its circuits."""

    batch_id: str
    job_ids: tuple[str, ...]


@dataclass(frozen=True)
class Submit:
    """Check submissions, store their circuits, begin their jobs."""

    log: JobLog
    objects: ObjectStore
    backends: Backends

    def __call__(self, caller: Caller, submission: Submission, idempotency_key: str | None = None) -> Accepted:
        """Accept ``submission``; the workflow is started by the event this appends.

        With an idempotency key the same request is accepted once, however often and from wherever it is sent.

        Raises:
            BackendNotFound, InvalidCircuit, BackendUnavailable, QuotaExceeded, ValidationFailed: nothing was stored.
            IdempotencyMismatch: the key belongs to another request.
        """
        job_id = identity("job", caller.tenant, "POST /api/v2/optimize", idempotency_key)
        request_hash = sha3_256(canonical(_content(submission)))
        if idempotency_key and (log := self.log.events.read(caller.tenant, job_id)):
            return _accepted_before(log, request_hash)
        summary = self._check(submission)
        data = self._submitted(submission, summary, request_hash, self._estimate(submission))
        try:
            self.log.create(caller.tenant, [(job_id, data)], _origin(caller))
        except VersionConflict:
            return _accepted_before(self.log.events.read(caller.tenant, job_id), request_hash)
        return Accepted(job_id, "queued", data.estimated_time)

    def batch(
        self, caller: Caller, submissions: Sequence[Submission], idempotency_key: str | None = None
    ) -> AcceptedBatch:
        """Accept all of ``submissions`` or none; afterwards each job succeeds or fails by itself.

        Raises:
            PayloadTooLarge: more than :data:`MAX_BATCH` circuits.
            QcosError: what refuses one circuit refuses the batch; ``details[i]["index"]`` says which, for every one.
            IdempotencyMismatch: the key belongs to another request.
        """
        if len(submissions) > MAX_BATCH:
            raise PayloadTooLarge(
                f"A batch takes at most {MAX_BATCH} circuits; this one has {len(submissions)}. Send several batches.",
                [{"field": "circuits", "count": len(submissions), "limit": MAX_BATCH}],
            )
        batch_id = identity("batch", caller.tenant, "POST /api/v2/optimize/batch", idempotency_key)
        whole = {"circuits": [_content(submission) for submission in submissions]}
        request_hash = sha3_256(canonical(whole))
        if idempotency_key and (log := self.log.events.read(caller.tenant, batch_id)):
            return _batch_accepted_before(log, request_hash)
        summaries = self._check_all(submissions)
        jobs = tuple(_part(batch_id, index) for index in range(len(submissions)))
        streams: list[tuple[str, EventData]] = [(batch_id, BatchSubmitted(jobs=jobs, request_hash=request_hash))]
        for index, (submission, summary) in enumerate(zip(submissions, summaries, strict=True)):
            data = self._submitted(submission, summary, request_hash, self._estimate(submission))
            streams.append((jobs[index], data.model_copy(update={"batch_id": batch_id, "batch_index": index})))
        try:
            self.log.create(caller.tenant, streams, _origin(caller))
        except VersionConflict:
            return _batch_accepted_before(self.log.events.read(caller.tenant, batch_id), request_hash)
        return AcceptedBatch(batch_id, jobs)

    def _check(self, submission: Submission) -> CircuitSummary:
        machine = backend(submission.backend)
        if submission.shots > self.log.plan.max_shots:
            raise ValidationFailed(
                f"shots must be at most {self.log.plan.max_shots:,} on the plan {self.log.plan.name}.",
                [{"field": "shots", "limit": self.log.plan.max_shots}],
            )
        summary = qasm.check(submission.qasm, max_qubits=machine.qubits)
        self.backends.require_available(machine.id)
        return summary

    def _check_all(self, submissions: Sequence[Submission]) -> list[CircuitSummary]:
        summaries: list[CircuitSummary] = []
        refused: list[tuple[int, QcosError]] = []
        for index, submission in enumerate(submissions):
            try:
                summaries.append(self._check(submission))
            except QcosError as refusal:
                refused.append((index, refusal))
        if not refused:
            return summaries
        # What never can be accepted outranks what may be later, or its sender would send it again for ever.
        at, head = min(refused, key=lambda one: one[1].retryable)
        bad = ", ".join(str(index) for index, _ in refused[:10]) + (", ..." if len(refused) > 10 else "")
        problem = copy.copy(head)
        problem.message = f"No circuit of the batch was accepted: circuits[{bad}]. circuits[{at}]: {head.message}"
        problem.details = [
            {
                **place,
                "index": index,
                "field": f"circuits.{index}.{place.get('field', 'qasm')}",
                "code": refusal.code,
                "message": refusal.message,
            }
            for index, refusal in refused
            for place in (refusal.details or [{}])
        ]
        raise problem

    def _submitted(
        self, submission: Submission, summary: CircuitSummary, request_hash: str, estimated_time: int
    ) -> JobSubmitted:
        """What the log will say. The circuit is stored first; should the job not begin, nothing points at it."""
        return JobSubmitted(
            circuit=self._store(submission),
            backend=submission.backend,
            shots=submission.shots,
            options=submission.options,
            qubits=summary.qubits,
            operations=summary.operations,
            request_hash=request_hash,
            estimated_time=estimated_time,
            evaluations=EVALUATIONS[submission.options.optimization_level],
            name=submission.name,
            tags=submission.tags,
            dry_run=submission.dry_run,
            circuit_format="openqasm3" if summary.version == "3.0" else "openqasm2",
        )

    def _store(self, submission: Submission) -> StoredObject:
        return self.objects.put("circuits", submission.qasm.encode(), "text/plain; charset=utf-8")

    def _estimate(self, submission: Submission) -> int:
        line = next(line for line in self.backends.all() if line["id"] == submission.backend)
        queue_ms = line["average_queue_time_ms"] or 0
        return OPTIMIZE_SECONDS[submission.options.optimization_level] + round(queue_ms / 1000) + 2


def identity(kind: str, tenant: str, route: str, idempotency_key: str | None) -> str:
    """A new random id, or with an idempotency key always the same one for that tenant and route."""
    if idempotency_key is None:
        return f"{kind}_{secrets.token_hex(12)}"
    text = "\x00".join((tenant, route, idempotency_key))
    return f"{kind}_{hashlib.sha3_256(text.encode()).hexdigest()[:24]}"


def _content(submission: Submission) -> dict[str, Any]:
    """What the request asks for, as it is hashed. An option that is younger than idempotency keys counts where it is
    not the default, so that what was sent before there was such an option stays the same request."""
    content = submission.model_dump(mode="json")
    if content["options"]["mode"] == "unitary":
        del content["options"]["mode"]
    return content


def _part(batch_id: str, index: int) -> str:
    text = f"{batch_id}/{index}"
    return f"job_{hashlib.sha3_256(text.encode()).hexdigest()[:24]}"


def _origin(caller: Caller) -> Origin:
    return Origin(actor=f"key:{caller.key_id}", correlation_id=caller.request_id)


def _accepted_before(log: Sequence[Event], request_hash: str) -> Accepted:
    data = log[0].data
    if not isinstance(data, JobSubmitted) or data.request_hash != request_hash:
        raise _mismatch()
    return Accepted(log[0].stream_id, "queued", data.estimated_time)


def _batch_accepted_before(log: Sequence[Event], request_hash: str) -> AcceptedBatch:
    data = log[0].data if log else None
    if not isinstance(data, BatchSubmitted) or data.request_hash != request_hash:
        raise _mismatch()
    return AcceptedBatch(log[0].stream_id, data.jobs)


def _mismatch() -> IdempotencyMismatch:
    return IdempotencyMismatch(
        "This Idempotency-Key was used before with another request. Use a new key for a new request.",
        [{"field": "Idempotency-Key"}],
    )
