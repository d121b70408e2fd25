"""Reading a job from its log and extending the log by what a decision says, under the optimistic lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qcos.errors import Conflict, JobNotFound
from qcos.events import Event, EventData, Origin, chain
from qcos.job import Job, fold
from qcos.ports import Clock, EventStore, VersionConflict

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

    def load(self, tenant: str, job_id: str) -> tuple[Job, list[Event]]:
        """The job and its whole log, as last written.

        Raises:
            JobNotFound: this tenant has no such job.
        """
        log = self.events.read(tenant, job_id)
        if not log:
            raise JobNotFound("There is no job of that id. List yours with GET /api/v2/jobs.")
        return fold(log), log

    def create(self, tenant: str, job_id: str, data: EventData, origin: Origin) -> Job:
        """Begin a job's stream.

        Raises:
            VersionConflict: the stream exists.
        """
        log = chain(tenant, job_id, [], [data], origin, self.clock())
        self.events.append(log)
        return fold(log)

    def decide(
        self, tenant: str, job_id: str, origin: Origin, decision: Callable[[Job], Sequence[EventData]]
    ) -> Outcome:
        """Append what ``decision`` says of the newest job; asked again when another writer came first.

        ``decision`` must be pure. It answers no events when there is nothing (left) to say.

        Raises:
            JobNotFound: this tenant has no such job.
            Conflict: other writers kept coming first.
        """
        for _ in range(ATTEMPTS):
            job, log = self.load(tenant, job_id)
            data = decision(job)
            if not data:
                return Outcome(job, log, appended=False)
            new = chain(tenant, job_id, log, data, origin, self.clock())
            try:
                self.events.append(new)
            except VersionConflict:
                continue
            log = [*log, *new]
            return Outcome(fold(log), log, appended=True)
        raise Conflict("The job is being changed by others at this moment. Try again.")


def step_origin(step: str, job: Job) -> Origin:
    """The origin of events that a workflow step writes: caused by the job's own submission."""
    return Origin(actor=f"step:{step}", correlation_id=job.correlation_id)
