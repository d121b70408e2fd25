"""Reading a job from its log and extending the log by what a decision says, under the optimistic lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qcos.errors import Conflict, JobNotFound, QuotaExceeded
from qcos.events import BatchSubmitted, Event, EventData, JobFailed, Origin, chain
from qcos.job import Job, fold
from qcos.ledger import ASKING, EVALUATIONS, SPEND, Charge, movements
from qcos.models import month
from qcos.plans import Plan
from qcos.ports import Clock, EventStore, LimitReached, VersionConflict

ATTEMPTS = 8


@dataclass(frozen=True)
class Outcome:
    """A job after a decision, its whole log, and whether this caller's decision was what was appended."""

    job: Job
    log: list[Event]
    appended: bool


@dataclass(frozen=True)
class JobLog:
    """The only way use cases touch the event store."""

    events: EventStore
    clock: Clock
    plan: Plan

    def load(self, tenant: str, job_id: str) -> tuple[Job, list[Event]]:
        """The job and its whole log, as last written.

        Raises:
            JobNotFound: this tenant has no such job.
        """
        log = self.events.read(tenant, job_id)
        if not log or isinstance(log[0].data, BatchSubmitted):
            raise JobNotFound("There is no job of that id. List yours with GET /api/v2/jobs.")
        return fold(log), log

    def create(self, tenant: str, streams: Sequence[tuple[str, EventData]], origin: Origin) -> None:
        """Begin streams with one event each, all or none, and charge for them.

        Raises:
            VersionConflict: one of the streams exists.
            QuotaExceeded: the charge would pass the tenant's limit.
        """
        now = self.clock()
        events = [event for stream, data in streams for event in chain(tenant, stream, [], [data], origin, now)]
        try:
            self.events.append(events, self._charges(tenant, None, [data for _, data in streams], month(now)))
        except LimitReached as reached:
            raise quota_exceeded(reached) from None

    def decide(
        self, tenant: str, job_id: str, origin: Origin, decision: Callable[[Job], Sequence[EventData]]
    ) -> Outcome:
        """Append what ``decision`` says of the newest job; asked again when another writer came first.

        ``decision`` must be pure. It answers no events when there is nothing (left) to say. A failure of an attempt
        that is over by then is left out: what is told too late ends nothing.

        Raises:
            JobNotFound: this tenant has no such job.
            LimitReached: what it says costs more than the tenant may spend.
            Conflict: other writers kept coming first.
        """
        for _ in range(ATTEMPTS):
            job, log = self.load(tenant, job_id)
            data = [item for item in decision(job) if not _too_late(job, item)]
            if not data:
                return Outcome(job, log, appended=False)
            now = self.clock()
            new = chain(tenant, job_id, log, data, origin, now)
            try:
                self.events.append(new, self._charges(tenant, job, data, month(now)))
            except VersionConflict:
                continue
            log = [*log, *new]
            return Outcome(fold(log), log, appended=True)
        raise Conflict("The job is being changed by others at this moment. Try again.", retryable=True)

    def _charges(self, tenant: str, job: Job | None, data: Sequence[EventData], now: str) -> list[Charge]:
        """What ``data`` moves in the month ``now``, and the limits that may refuse it."""
        limits = {EVALUATIONS: self.plan.evaluations_per_month, SPEND: self.plan.monthly_spend_microdollars}
        asking = any(isinstance(item, ASKING) for item in data)
        return [
            Charge(tenant, counter, amount, limits[counter.partition("#")[0]] if asking and amount > 0 else None)
            for counter, amount in movements(job, data, now).items()
        ]


def _too_late(job: Job, item: EventData) -> bool:
    """Whether ``item`` fails an attempt that has ended, or that another has followed."""
    return isinstance(item, JobFailed) and (job.terminal or item.attempt != job.attempt)


def quota_exceeded(reached: LimitReached) -> QuotaExceeded:
    """The refusal that a user gets when evaluations run out."""
    charge = reached.charge
    return QuotaExceeded(
        f"This would pass the plan's {charge.limit:,} evaluations a month; it needs {charge.amount:,} more. "
        "GET /api/v2/optimize/stats shows what is used. They begin anew with the next month (UTC).",
        [{"field": "evaluations", "needed": charge.amount, "limit": charge.limit}],
    )


def step_origin(step: str, job: Job) -> Origin:
    """The origin of events that a workflow step writes: caused by the job's own submission."""
    return Origin(actor=f"step:{step}", correlation_id=job.correlation_id)
