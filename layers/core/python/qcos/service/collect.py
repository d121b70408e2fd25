"""Turn what the provider says of a finished job into facts of the log."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qcos.events import EventData, ExecutionCompleted, ExecutionStopped, JobFailed
from qcos.job import Job, failure
from qcos.models import StoredObject
from qcos.ports import ObjectStore
from qcos.provider import Provider, ProviderJob
from qcos.results import BitMap, counts
from qcos.service.log import JobLog, step_origin

_Decision = Callable[[Job], Sequence[EventData]]

ENDED = frozenset({"completed", "failed", "canceled"})
"""The provider's terminal states."""


@dataclass(frozen=True)
class Collector:
    """Fetch, store and record a provider job's end."""

    log: JobLog
    objects: ObjectStore
    provider: Provider

    def settle(self, job: Job, at_provider: ProviderJob) -> Job:
        """Record the end of ``at_provider``, the newest submission of ``job``; the job afterwards.

        Does nothing when it is already recorded. What comes after the job has ended, or after another attempt was
        opened, is kept as a fact and changes no state.

        Raises:
            ProviderUnavailable: the result or the cost cannot be read now.
        """
        if job.execution is not None or job.intended is None or job.stopped_n == job.intended.n:
            return job
        n = job.intended.n
        if at_provider.status == "completed":
            completed = self._fetch(job, n, at_provider)
            return self._append(job, lambda newest: _complete(newest, completed))
        stopped = ExecutionStopped(
            n=n,
            provider_job_id=at_provider.id,
            status="canceled" if at_provider.status == "canceled" else "failed",
            code=at_provider.failure_code,
            message=at_provider.failure_message,
            cost_microdollars=self.provider.cost_microdollars(at_provider.id),
        )
        return self._append(job, lambda newest: _stop(newest, stopped))

    def _append(self, job: Job, decision: _Decision) -> Job:
        return self.log.decide(job.tenant, job.job_id, step_origin("collect", job), decision).job

    def _fetch(self, job: Job, n: int, at_provider: ProviderJob) -> ExecutionCompleted:
        if job.optimized is None:
            raise ValueError(f"{job.job_id}: the provider ran a job that was never sent")
        answer = self.provider.result(at_provider)
        report = json.loads(self.objects.get_checked(job.optimized.report))
        bits = BitMap(registers=report["registers"], measured=report["measured"])
        results = counts(
            bits, shots=job.submitted.shots, histogram=answer.histogram, probabilities=answer.probabilities
        )
        document = json.dumps(results.to_document(), separators=(",", ":"), sort_keys=True, allow_nan=False)
        return ExecutionCompleted(
            n=n,
            provider_job_id=at_provider.id,
            result=self.objects.put("results", document.encode(), "application/json"),
            raw=self.objects.put("raw", answer.raw, "application/json"),
            provider_submitted_at=at_provider.submitted_at,
            provider_started_at=at_provider.started_at,
            provider_completed_at=at_provider.completed_at,
            execution_duration_ms=at_provider.execution_duration_ms,
            cost_microdollars=self.provider.cost_microdollars(at_provider.id),
            memory=self._memory(bits, at_provider) if job.submitted.options.memory else None,
        )

    def _memory(self, bits: BitMap, at_provider: ProviderJob) -> StoredObject | None:
        """Every shot in the user's bits, where the provider drew any."""
        outcomes = self.provider.shots(at_provider)
        if outcomes is None:
            return None
        document = json.dumps(bits.bit_strings([int(outcome) for outcome in outcomes]), separators=(",", ":"))
        return self.objects.put("results", document.encode(), "application/json")


def _complete(job: Job, completed: ExecutionCompleted) -> Sequence[EventData]:
    """The result, once; of a submission that another has followed only what it cost is still of interest."""
    if job.intended is not None and job.intended.n == completed.n:
        return [] if job.execution else [completed]
    return [completed] if completed.n in job.reservations else []


def _stop(job: Job, stopped: ExecutionStopped) -> Sequence[EventData]:
    """That the submission stopped, once, and the failure it means unless another has followed."""
    if job.stopped_n == stopped.n:
        return []
    newest = job.intended is not None and job.intended.n == stopped.n
    return [stopped, _failure(job, stopped)] if newest else [stopped]


def _failure(job: Job, stopped: ExecutionStopped) -> JobFailed:
    if stopped.status == "canceled":
        message = "IonQ reports that the job was canceled there before it finished. Retry the job to run it."
        return failure(job, "await", "PROVIDER_CANCELED", message, retryable=True)
    reason = (stopped.message or "IonQ gave no reason").rstrip(".")
    if stopped.code in _FOR_THE_OPERATOR:
        then = "Retry the job when that has been put right."
    elif stopped.code in _PASSING:
        then = "Retry the job."
    else:
        then = "Retrying cannot help: change the circuit, its shots or the backend."
    message = f"IonQ did not run the job ({stopped.code or 'no code'}): {reason}. {then}"
    retryable = stopped.code in _PASSING | _FOR_THE_OPERATOR
    return failure(job, "await", "PROVIDER_FAILED", message, retryable=retryable)


_PASSING = frozenset({"InternalError", "QuantumComputerError", "SystemCancel", "SimulationTimeout"})
"""IonQ's codes for failures that the same job need not meet again."""

_FOR_THE_OPERATOR = frozenset({"ContractExpiredError", "QuotaExhaustedError", "UnknownBillingError"})
"""IonQ's codes for failures that are about the account and not about the circuit."""
