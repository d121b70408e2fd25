"""The job: what its log says it is, and which steps that allows.

``fold`` is pure and total over every log the service writes. After a terminal event later facts
(a provider's job id, a late result) are kept but change no state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qcos.events import (
    CircuitOptimized,
    Event,
    EventData,
    EvidenceSigned,
    ExecutionAdopted,
    ExecutionCompleted,
    ExecutionHeld,
    ExecutionIntended,
    ExecutionRefused,
    ExecutionSubmitted,
    JobCompleted,
    JobFailed,
    JobSubmitted,
    TranspileStarted,
)
from qcos.models import TERMINAL, Status


@dataclass(frozen=True)
class Job:
    """A job as its log tells it. Fields are None until the event that sets them."""

    tenant: str
    job_id: str
    version: int
    status: Status
    attempt: int
    created_at: str
    correlation_id: str
    submitted: JobSubmitted
    optimized: CircuitOptimized | None = None
    intended: ExecutionIntended | None = None
    intended_at: str | None = None
    refused: ExecutionRefused | None = None
    provider_job_id: str | None = None
    execution: ExecutionCompleted | None = None
    executed_at: str | None = None
    held: ExecutionHeld | None = None
    evidence: EvidenceSigned | None = None
    failure: JobFailed | None = None
    completed_at: str | None = None

    @property
    def terminal(self) -> bool:
        """Whether the job has ended."""
        return self.status in TERMINAL

    @property
    def next_intention(self) -> int:
        """The number the next submission to the provider would have."""
        return self.intended.n + 1 if self.intended else 1

    @property
    def may_submit(self) -> bool:
        """Whether a submission to the provider may be intended now: none is, or the last was definitely refused."""
        if self.terminal or self.held or self.optimized is None or self.provider_job_id:
            return False
        return self.intended is None or (self.refused is not None and self.refused.n == self.intended.n)


def fold(log: Sequence[Event]) -> Job:
    """The job that ``log`` (its whole stream, oldest first) tells of.

    Raises:
        ValueError: the stream does not begin with ``JobSubmitted``.
    """
    if not log or not isinstance(log[0].data, JobSubmitted):
        raise ValueError("a job's stream begins with JobSubmitted")
    first = log[0]
    job = Job(
        tenant=first.tenant,
        job_id=first.stream_id,
        version=1,
        status="queued",
        attempt=1,
        created_at=first.occurred_at,
        correlation_id=str(first.document["correlation_id"]),
        submitted=log[0].data,
    )
    for event in log[1:]:
        job = replace(_apply(job, event.data, event.occurred_at), version=event.version)
    return job


def _apply(job: Job, data: EventData, at: str) -> Job:
    status = job.status
    match data:
        case TranspileStarted():
            return replace(job, status=_unless_ended(status, "optimizing"))
        case CircuitOptimized():
            return replace(job, optimized=data)
        case ExecutionIntended():
            return replace(job, intended=data, intended_at=at, status=_unless_ended(status, "running"))
        case ExecutionRefused():
            return replace(job, refused=data)
        case ExecutionSubmitted() | ExecutionAdopted():
            return replace(
                job, provider_job_id=data.provider_job_id, held=None, status=_unless_ended(status, "running")
            )
        case ExecutionHeld():
            return replace(job, held=data, status=_unless_ended(status, "held"))
        case ExecutionCompleted():
            return replace(job, execution=data, executed_at=at, status=_unless_ended(status, "signing"))
        case EvidenceSigned():
            return replace(job, evidence=data)
        case JobCompleted():
            return replace(job, status="completed", completed_at=at)
        case JobFailed():
            return replace(job, status="failed", failure=data, completed_at=at)
        case _:
            return job


def _unless_ended(status: Status, then: Status) -> Status:
    return status if status in TERMINAL else then


def execution_token(job: Job, n: int) -> str:
    """The name under which submission ``n`` is known at the provider.

    It says nothing about the tenant, is the same whenever it is computed, and differs for every submission.
    """
    text = f"{job.tenant}/{job.job_id}/{job.attempt}/{n}"
    return "qcos-" + hashlib.sha3_256(text.encode()).hexdigest()[:32]


def bundle_id(job: Job) -> str:
    """The evidence bundle of this job and attempt; one attempt has one bundle."""
    text = f"{job.tenant}/{job.job_id}/{job.attempt}"
    return "ev_" + hashlib.sha3_256(text.encode()).hexdigest()[:32]
