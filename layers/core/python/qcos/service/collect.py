"""Turn what the provider says of a finished job into facts of the log."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qcos.events import EventData, ExecutionCompleted, JobFailed
from qcos.job import Job
from qcos.ports import ObjectStore, Provider, ProviderJob
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
        """Record the end of ``at_provider``; the job afterwards. Does nothing when it is already recorded.

        A result that comes after the job has ended is kept as a fact and changes no state.

        Raises:
            ProviderUnavailable: the result cannot be read now.
        """
        if job.execution is not None:
            return job
        if at_provider.status == "completed":
            completed = self._fetch(job, at_provider)
            return self._append(job, lambda newest: [] if newest.execution else [completed])
        return self._append(job, lambda newest: [] if newest.terminal else [_failure(newest, at_provider)])

    def _append(self, job: Job, decision: _Decision) -> Job:
        return self.log.decide(job.tenant, job.job_id, step_origin("collect", job), decision).job

    def _fetch(self, job: Job, at_provider: ProviderJob) -> ExecutionCompleted:
        if job.optimized is None or job.intended is None:
            raise ValueError(f"{job.job_id}: the provider ran a job that was never sent")
        answer = self.provider.result(at_provider)
        report = json.loads(self.objects.get_checked(job.optimized.report))
        bits = BitMap(registers=report["registers"], measured=report["measured"])
        results = counts(
            bits, shots=job.submitted.shots, histogram=answer.histogram, probabilities=answer.probabilities
        )
        document = json.dumps(results.to_document(), separators=(",", ":"), sort_keys=True, allow_nan=False)
        return ExecutionCompleted(
            n=job.intended.n,
            provider_job_id=at_provider.id,
            result=self.objects.put("results", document.encode(), "application/json"),
            raw=self.objects.put("raw", answer.raw, "application/json"),
            provider_submitted_at=at_provider.submitted_at,
            provider_started_at=at_provider.started_at,
            provider_completed_at=at_provider.completed_at,
            execution_duration_ms=at_provider.execution_duration_ms,
            cost_microdollars=self.provider.cost_microdollars(at_provider.id),
        )


def _failure(job: Job, at_provider: ProviderJob) -> JobFailed:
    if at_provider.status == "canceled":
        return JobFailed(
            attempt=job.attempt,
            step="await",
            code="PROVIDER_CANCELED",
            message="IonQ reports that the job was canceled there before it finished. Submit it again to run it.",
            retryable=True,
        )
    reason = at_provider.failure_message or "IonQ gave no reason"
    return JobFailed(
        attempt=job.attempt,
        step="await",
        code="PROVIDER_FAILED",
        message=f"IonQ could not run the circuit ({at_provider.failure_code or 'no code'}): {reason}",
        retryable=at_provider.failure_code in _WORTH_RETRYING,
    )


_WORTH_RETRYING = frozenset({"InternalError", "QuantumComputerError", "SystemCancel", "SimulationTimeout"})
