"""The job: what its log says it is, and which steps that allows.

``fold`` is pure and total over every log the service writes. After a terminal event later facts
(a provider's job id, a late result) are kept but change no state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from qcos.events import (
    CircuitOptimized,
    Event,
    EventData,
    EvidenceExported,
    EvidenceSigned,
    ExecutionAdopted,
    ExecutionCompleted,
    ExecutionEstimated,
    ExecutionHeld,
    ExecutionIntended,
    ExecutionRefused,
    ExecutionReleased,
    ExecutionStopped,
    ExecutionSubmitted,
    JobCancelled,
    JobCompleted,
    JobFailed,
    JobRetried,
    JobSubmitted,
    TranspileStarted,
)
from qcos.models import TERMINAL, Status, moment, month


@dataclass(frozen=True)
class Reservation:
    """Money set aside for a submission until its cost is known, in the month it counts in."""

    month: str
    microdollars: int


@dataclass(frozen=True)
class Job:
    """A job as its log tells it. Fields are None until the event that sets them.

    What belongs to an attempt (``optimized`` to ``failure``) is that of the newest. ``evaluations`` is what the
    attempt was charged and not refunded, ``charged_month`` when; ``last_n`` is the highest submission number so far,
    ``stopped_n`` that of the submission the provider last ended without a result, ``decided_n`` that of the attempt's
    submission which a person last adopted or released, 0 if there was none. ``released`` is what was reserved for
    submissions that a person said the provider never got.
    """

    tenant: str
    job_id: str
    version: int
    status: Status
    attempt: int
    created_at: str
    correlation_id: str
    submitted: JobSubmitted
    evaluations: int
    charged_month: str
    spent_evaluations: Mapping[str, int] = field(default_factory=dict)
    last_n: int = 0
    stopped_n: int = 0
    reservations: Mapping[int, Reservation] = field(default_factory=dict)
    released: Mapping[int, Reservation] = field(default_factory=dict)
    optimized: CircuitOptimized | None = None
    intended: ExecutionIntended | None = None
    intended_at: str | None = None
    refused: ExecutionRefused | None = None
    provider_job_id: str | None = None
    execution: ExecutionCompleted | None = None
    executed_at: str | None = None
    estimated: ExecutionEstimated | None = None
    held: ExecutionHeld | None = None
    decided_n: int = 0
    evidence: EvidenceSigned | None = None
    exports: tuple[EvidenceExported, ...] = ()
    failure: JobFailed | None = None
    completed_at: str | None = None

    @property
    def terminal(self) -> bool:
        """Whether the job has ended."""
        return self.status in TERMINAL

    @property
    def next_intention(self) -> int:
        """The number the next submission to the provider would have; no two of a job share one."""
        return self.last_n + 1

    @property
    def refused_last(self) -> bool:
        """Whether the provider refused the newest submission; ``refused`` may be of an earlier one."""
        return self.refused is not None and self.intended is not None and self.refused.n == self.intended.n

    @property
    def unanswered(self) -> bool:
        """Whether a submission was intended and nothing is known of what became of it."""
        if self.intended is None or self.provider_job_id or self.refused_last:
            return False
        return self.decided_n != self.intended.n

    @property
    def may_submit(self) -> bool:
        """Whether a submission to the provider may be intended now: none is, or the last was refused or released."""
        if self.terminal or self.held or self.optimized is None or self.provider_job_id or self.submitted.dry_run:
            return False
        return not self.unanswered

    @property
    def refundable(self) -> int:
        """The evaluations to give back if the attempt ended now: all of them until a circuit was found."""
        return self.evaluations if self.optimized is None else 0


def fold(log: Sequence[Event]) -> Job:
    """The job that ``log`` (its whole stream, oldest first) tells of.

    Raises:
        ValueError: the stream does not begin with ``JobSubmitted``.
    """
    if not log or not isinstance(log[0].data, JobSubmitted):
        raise ValueError("a job's stream begins with JobSubmitted")
    first, submitted = log[0], log[0].data
    charged = month(moment(first.occurred_at))
    job = Job(
        tenant=first.tenant,
        job_id=first.stream_id,
        version=1,
        status="queued",
        attempt=1,
        created_at=first.occurred_at,
        correlation_id=str(first.document["correlation_id"]),
        submitted=submitted,
        evaluations=submitted.evaluations,
        charged_month=charged,
        spent_evaluations={charged: submitted.evaluations},
    )
    for event in log[1:]:
        job = replace(_apply(job, event.data, event.occurred_at), version=event.version)
    return job


def fold_attempt(log: Sequence[Event], attempt: int) -> Job:
    """The job as it was in one attempt: all until the next was opened, and later facts about its own submissions.

    Raises:
        ValueError: the stream does not begin with ``JobSubmitted``.
    """
    later = (at for at, event in enumerate(log) if isinstance(event.data, JobRetried) and event.data.attempt > attempt)
    end = next(later, len(log))
    job = fold(log[:end])
    for event in log[end:]:
        # No two submissions of a job share a number, whatever their attempts.
        if getattr(event.data, "n", job.last_n + 1) <= job.last_n:
            job = replace(_apply(job, event.data, event.occurred_at), version=event.version)
    return job


def _apply(job: Job, data: EventData, at: str) -> Job:
    match data:
        case TranspileStarted():
            return replace(job, status=_unless_ended(job, "optimizing"))
        case CircuitOptimized():
            return replace(job, optimized=data)
        case ExecutionEstimated():
            return replace(job, estimated=data)
        case EvidenceSigned():
            return replace(job, evidence=data)
        case EvidenceExported():
            return replace(job, exports=(*job.exports, data))
        case JobCompleted():
            return replace(job, status="completed", completed_at=at)
        case JobFailed():
            return replace(_refunded(job, data.refunded_evaluations), status="failed", failure=data, completed_at=at)
        case JobCancelled():
            return replace(_refunded(job, data.refunded_evaluations), status="cancelled", completed_at=at)
        case JobRetried():
            return _retried(job, data, at)
        case _:
            return _apply_execution(job, data, at)


def _apply_execution(job: Job, data: EventData, at: str) -> Job:
    """What events of a submission change; those of one that is no longer the newest settle money and nothing else."""
    match data:
        case ExecutionIntended():
            reserved = dict(job.reservations)
            if data.estimated_cost_microdollars:
                reserved[data.n] = Reservation(month(moment(at)), data.estimated_cost_microdollars)
            job = replace(job, intended=data, intended_at=at, last_n=data.n, reservations=reserved)
            return replace(job, status=_unless_ended(job, "running"))
        case ExecutionRefused():
            return replace(_settled(job, data.n, 0), refused=data)
        case ExecutionStopped():
            return replace(_settled(job, data.n, data.cost_microdollars), stopped_n=data.n)
        case ExecutionCompleted():
            job = _settled(job, data.n, data.cost_microdollars)
            if _newest(job, data.n):
                job = replace(job, execution=data, executed_at=at, status=_unless_ended(job, "signing"))
        case ExecutionSubmitted() | ExecutionAdopted():
            job = _reserved_again(job, data.n)
            if _newest(job, data.n):
                status = _unless_ended(job, "running")
                job = replace(job, provider_job_id=data.provider_job_id, held=None, status=status)
                if isinstance(data, ExecutionAdopted) and data.attempt is not None:
                    job = replace(job, decided_n=data.n)
        case ExecutionReleased():
            if data.n in job.reservations:
                job = replace(job, released={**job.released, data.n: job.reservations[data.n]})
            job = _settled(job, data.n, 0)
            if _newest(job, data.n):
                job = replace(job, decided_n=data.n, held=None, status=_unless_ended(job, "running"))
        case ExecutionHeld() if _newest(job, data.n):
            job = replace(job, held=data, status=_unless_ended(job, "held"))
        case _:
            pass
    return job


def _newest(job: Job, n: int) -> bool:
    return job.intended is not None and job.intended.n == n


def _settled(job: Job, n: int, cost: int | None) -> Job:
    if cost is None or n not in job.reservations:
        return job
    return replace(job, reservations={other: held for other, held in job.reservations.items() if other != n})


def _reserved_again(job: Job, n: int) -> Job:
    """The provider has ``n`` after all: what was given back for it is set aside again."""
    if n not in job.released:
        return job
    return replace(
        job,
        reservations={**job.reservations, n: job.released[n]},
        released={other: given for other, given in job.released.items() if other != n},
    )


def _refunded(job: Job, evaluations: int) -> Job:
    spent = {**job.spent_evaluations}
    spent[job.charged_month] = spent.get(job.charged_month, 0) - evaluations
    return replace(job, evaluations=job.evaluations - evaluations, spent_evaluations=spent)


def _retried(job: Job, data: JobRetried, at: str) -> Job:
    charged = month(moment(at))
    return replace(
        job,
        status="queued",
        attempt=data.attempt,
        evaluations=data.evaluations,
        charged_month=charged,
        spent_evaluations={
            **job.spent_evaluations,
            charged: job.spent_evaluations.get(charged, 0) + data.evaluations,
        },
        optimized=None,
        intended=None,
        intended_at=None,
        refused=None,
        provider_job_id=None,
        execution=None,
        executed_at=None,
        estimated=None,
        held=None,
        decided_n=0,
        evidence=None,
        exports=(),
        failure=None,
        completed_at=None,
    )


def _unless_ended(job: Job, then: Status) -> Status:
    return job.status if job.terminal else then


Step = Literal["transpile", "execute", "await", "sign", "workflow"]


def failure(job: Job, step: Step, code: str, message: str, *, retryable: bool) -> JobFailed:
    """The event that ends the job's attempt without a result, giving back what no circuit was found for."""
    return JobFailed(
        attempt=job.attempt,
        step=step,
        code=code,
        message=message,
        retryable=retryable,
        refunded_evaluations=job.refundable,
    )


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
