"""What an operator does with a held job: say that IonQ has it, or that IonQ never got it.

Neither is taken on trust where the provider can be asked. What follows, the attempt's next workflow execution, is a
reaction to the event; its steps read the log first, so that it goes on where the job stands.
"""

from __future__ import annotations

from dataclasses import dataclass

from qcos.errors import Conflict, ValidationFailed
from qcos.events import EventData, ExecutionAdopted, ExecutionIntended, ExecutionReleased, Origin
from qcos.job import Job
from qcos.models import moment
from qcos.provider import Provider
from qcos.service.log import JobLog
from qcos.service.poll import SETTLE, find_submission

MAX_BY, MAX_REASON = 100, 500
"""Characters of an operator's name and of a reason."""


@dataclass(frozen=True)
class HeldJobs:
    """Adopt and release. ``by`` names the operator and ``reason`` says what was seen; both stay in the job's log."""

    log: JobLog
    provider: Provider

    def adopt(self, tenant: str, job_id: str, provider_job_id: str, *, by: str, reason: str) -> Job:
        """Go on with a job that the provider has: it is waited for, and its result recorded as usual.

        What was reserved for it stays so until the provider says what it cost.

        Raises:
            JobNotFound: this tenant has no such job.
            Conflict: the job is not held, or the provider's job is not the held submission by its token.
            ValidationFailed: ``by`` or ``reason`` is empty or too long.
            ProviderUnavailable: the provider cannot be asked now; nothing was changed.
        """
        _check(by, reason)
        job, _ = self.log.load(tenant, job_id)
        intended = _held(job)
        found = self.provider.jobs([provider_job_id]).get(provider_job_id)
        if found is None:
            raise Conflict("IonQ knows no job of that id. Nothing was changed.", [{"field": "adopt"}])
        if found.name != intended.token:
            raise Conflict(
                f"That is another job: it must be named {intended.token} at IonQ. Nothing was changed.",
                [{"field": "adopt", "token": intended.token, "name": found.name}],
            )
        adopted = ExecutionAdopted(n=intended.n, provider_job_id=found.id, attempt=job.attempt, reason=reason)
        return self._append(job, intended, adopted, by)

    def release(self, tenant: str, job_id: str, *, by: str, reason: str) -> Job:
        """Go on with a job that the provider never got: it is priced and sent anew, under another intention.

        The lost submission's reservation is given back, to the month that it counted in, as that of a refused one is;
        the new one reserves its own and may be refused by the job's or the tenant's limit. The operator answers for it
        that the provider never got the first: a job that it does not list now and has even so would be paid, too.

        Raises:
            JobNotFound: this tenant has no such job.
            Conflict: the job is not held, the provider lists its submission, or (retryable) may be about to.
            ValidationFailed: ``by`` or ``reason`` is empty or too long.
            ProviderUnavailable: the provider cannot be asked now; nothing was changed.
        """
        _check(by, reason)
        job, _ = self.log.load(tenant, job_id)
        intended = _held(job)
        # A workflow that fails holds a submission at once, and not only when it would have turned up.
        if self.log.clock() - moment(str(job.intended_at)) < SETTLE:
            seconds = round(SETTLE.total_seconds())
            raise Conflict(
                f"The submission may still turn up at IonQ. Repeat this {seconds} seconds after it.",
                [{"intended_at": job.intended_at}],
                retryable=True,
            )
        if found := find_submission(self.provider, job, intended):
            raise Conflict(
                f"IonQ has the submission, as job {found.id}. Adopt it. Nothing was changed.",
                [{"provider_job_id": found.id}],
            )
        released = ExecutionReleased(attempt=job.attempt, n=intended.n, reason=reason)
        return self._append(job, intended, released, by)

    def _append(self, job: Job, intended: ExecutionIntended, event: EventData, by: str) -> Job:
        """Append the decision unless another one, or a cancellation, has come first."""

        def decision(newest: Job) -> list[EventData]:
            if _held(newest).n != intended.n:
                raise Conflict("Another submission of the job is held by now. Nothing was changed.")
            return [event]

        origin = Origin(actor=f"operator:{by}", correlation_id=job.correlation_id)
        return self.log.decide(job.tenant, job.job_id, origin, decision).job


def _held(job: Job) -> ExecutionIntended:
    """The submission that is held."""
    if job.status != "held" or job.intended is None:
        raise Conflict(
            f"Only a held job can be adopted or released; this one is {job.status}. Nothing was changed.",
            [{"status": job.status, "provider_job_id": job.provider_job_id}],
        )
    return job.intended


def _check(by: str, reason: str) -> None:
    for field, text, most in (("by", by, MAX_BY), ("reason", reason, MAX_REASON)):
        if not text.strip() or len(text) > most:
            raise ValidationFailed(f"Give {field}, in at most {most} characters.", [{"field": field}])
