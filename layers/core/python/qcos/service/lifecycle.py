"""What a user does to a job after submitting it: cancel it, or open another attempt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qcos.errors import Conflict
from qcos.events import EventData, JobCancelled, JobRetried, Origin
from qcos.job import Job
from qcos.models import Caller
from qcos.plans import EVALUATIONS
from qcos.ports import LimitReached
from qcos.service.backends import Backends
from qcos.service.log import JobLog, quota_exceeded


@dataclass(frozen=True)
class Lifecycle:
    """Cancel and retry. What follows (stopping and starting workflows, telling IonQ) is a reaction to the event."""

    log: JobLog
    backends: Backends

    def cancel(self, caller: Caller, job_id: str) -> Job:
        """End a job that has not ended; cancelling a cancelled one changes nothing.

        Raises:
            JobNotFound: this tenant has no such job.
            Conflict: it has completed or failed.
        """

        def decision(job: Job) -> Sequence[EventData]:
            if job.status == "cancelled":
                return []
            if job.terminal:
                raise Conflict(f"The job has {job.status} and cannot be cancelled any more.", [{"status": job.status}])
            return [JobCancelled(attempt=job.attempt, refunded_evaluations=job.refundable, decided_n=job.decided_n)]

        return self.log.decide(caller.tenant, job_id, _origin(caller), decision).job

    def retry(self, caller: Caller, job_id: str) -> Job:
        """Open the next attempt of a failed job; one that is already under way is the answer.

        So of callers who race, one opens it and all see it.

        Raises:
            JobNotFound: this tenant has no such job.
            Conflict: it has not failed.
            BackendUnavailable: its backend takes no work now.
            QuotaExceeded: the attempt costs more evaluations than are left.
        """
        first, _ = self.log.load(caller.tenant, job_id)
        if first.status == "failed":
            self.backends.require_available(first.submitted.backend)

        def decision(job: Job) -> Sequence[EventData]:
            if job.attempt > first.attempt or (job.attempt > 1 and not job.terminal):
                return []
            if job.status != "failed":
                then = " Submit its circuit again to run it anew." if job.terminal else ""
                message = f"Only a failed job can be retried; this one is {job.status}.{then}"
                raise Conflict(message, [{"status": job.status}])
            evaluations = EVALUATIONS[job.submitted.options.optimization_level]
            return [JobRetried(attempt=job.attempt + 1, evaluations=evaluations)]

        try:
            return self.log.decide(caller.tenant, job_id, _origin(caller), decision).job
        except LimitReached as reached:
            raise quota_exceeded(reached) from None


def _origin(caller: Caller) -> Origin:
    return Origin(actor=f"key:{caller.key_id}", correlation_id=caller.request_id)
