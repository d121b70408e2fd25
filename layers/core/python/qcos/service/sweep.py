"""Find what was handed over and lost on the way, and hand it over again.

Nothing here is needed while everything works. Each run looks at a bounded number of rows and goes on where the last
one stopped. Doing anything twice is harmless: messages carry a count that makes copies die out, and every step of a
workflow reads the log before it acts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from qcos.job import Job
from qcos.models import moment, timestamp
from qcos.ports import CANCEL, Bookmarks, PollQueue, Views, Wait, Waits, Workflows
from qcos.service.executions import execution_input, executions
from qcos.service.fail import Fail
from qcos.service.log import JobLog
from qcos.service.poll import longest_delay, wait_message
from qcos.service.project import Project
from qcos.service.relay import Relay
from qcos.views import JobFilter, JobRow, make_cursor

LATE = timedelta(minutes=5)
"""How long after its due time a question to the provider counts as lost; asking too early is harmless."""

QUIET = timedelta(minutes=20)
"""How long a job, and its workflow, may say nothing: longer than a step takes with all its repetitions. A search at the
last level may take longer with them; then its workflow runs, and is left alone unless it waits for the provider."""

ENDED_WITHIN = timedelta(hours=6)
"""For how long after a job's end it is made sure that the provider was told to stop it."""

LONGEST = timedelta(days=8)
"""Longer than any job waits for the provider."""

ROWS, PAGE = 1_000, 100
"""Of waits, open jobs and stopped jobs each, how many one run looks at, and how many it reads at a time."""

OPEN = ("queued", "optimizing", "running", "held", "signing")
"""A held job is left alone until a person decides; that one has may be what its row does not show."""

STOPPED = ("cancelled", "failed")

FOUND = ("waits_sent", "unprojected", "workflows_restarted", "jobs_given_up", "cancellations_sent", "passed_over")
"""What a run counts."""

Item = TypeVar("Item")


@dataclass(frozen=True)
class Sweep:
    """One run over a tenant's waits and jobs."""

    log: JobLog
    views: Views
    waits: Waits
    bookmarks: Bookmarks
    workflows: Workflows
    queue: PollQueue
    project: Project
    relay: Relay
    fail: Fail
    report: Callable[[Exception], object]

    def __call__(self, tenant: str) -> dict[str, int]:
        """How much of each of :data:`FOUND` there was; ``report`` hears of every error."""
        found: Counter[str] = Counter(dict.fromkeys(FOUND, 0))
        self._each(self._all_waits(tenant), self._ask_again, found)
        self._each(self._open_rows(tenant), self._go_on, found)
        self._each(self._stopped_rows(tenant), self._stop_at_provider, found)
        return dict(found)

    def _each(self, items: Iterable[Item], handle: Callable[[Item], Sequence[str]], found: Counter[str]) -> None:
        for item in items:
            try:
                found.update(handle(item))
            except Exception as problem:  # noqa: BLE001 - one job must not keep the others from being looked at
                self.report(problem)
                found["passed_over"] += 1

    # --- waits

    def _all_waits(self, tenant: str) -> Iterator[Wait]:
        place = self.bookmarks.place("waits")
        for _ in range(ROWS // PAGE):
            waits, place = self.waits.page(tenant, PAGE, place)
            yield from waits
            if place is None:
                break
        self.bookmarks.keep("waits", place)

    def _ask_again(self, wait: Wait) -> Sequence[str]:
        """Send the message of a wait again that nobody has handled for too long: it was lost, or given up on."""
        now = self.log.clock()
        if now - moment(wait.asked_at) < longest_delay(wait.n) + LATE:
            return ()
        self.queue.send(wait_message(replace(wait, n=wait.n + 1)), 0)
        self.waits.advance(wait, timestamp(now))
        return ("waits_sent",)

    # --- jobs that should go on

    def _open_rows(self, tenant: str) -> Iterator[JobRow]:
        old_enough = JobRow(tenant, "0", 0, "", "", 0, timestamp(self.log.clock() - QUIET))
        place = self.bookmarks.place("open") or make_cursor(old_enough)
        for _ in range(ROWS // PAGE):
            page = self.views.jobs(tenant, JobFilter(OPEN), PAGE, 0, place)
            yield from page.rows
            if page.cursor is None:
                self.bookmarks.keep("open", None)
                return
            place = page.cursor
        self.bookmarks.keep("open", place)

    def _go_on(self, row: JobRow) -> Sequence[str]:
        job, log = self.log.load(row.tenant, row.job_id)
        if self.log.clock() - moment(log[-1].occurred_at) < QUIET:
            return ()
        found: list[str] = []
        if job.version > row.version:
            # One reader missed these events, and who knows about the other. The row last: it is what tells of them.
            self.relay(log[row.version :])
            self.project(job.tenant, job.job_id)
            found.append("unprojected")
        if not job.terminal and not job.held:
            found += self._restart(job)
        return found

    def _restart(self, job: Job) -> Sequence[str]:
        """Start the job's workflow if none runs, or if one waits for an answer that nobody asks for."""
        newest, following = executions(self.workflows, job.job_id, job.attempt, job.decided_n)
        if newest and self.log.clock() - newest.started_at < QUIET:
            return ()
        waiting = job.intended is not None and job.execution is None and not job.may_submit
        if waiting and any(wait.token != CANCEL for wait in self._waits_of(job)):
            return ()  # if that is answered and nobody hears, the job will be quiet without it
        if newest and newest.running:
            if not waiting or following is None:
                return ()
            self.workflows.stop(newest.name, "nobody asks the provider for what it waits for")
        if following is None:
            self.fail(job.tenant, job.job_id, job.attempt, {"Error": "WorkflowLost"}, job.decided_n)
            return ("jobs_given_up",)
        self.workflows.start(following, execution_input(job.tenant, job.job_id, job.attempt, job.decided_n))
        return ("workflows_restarted",)

    def _waits_of(self, job: Job) -> list[Wait]:
        return [wait for wait in self.waits.of_job(job.tenant, job.job_id) if wait.attempt == job.attempt]

    # --- jobs that have ended here and may not have at the provider

    def _stopped_rows(self, tenant: str) -> Iterator[JobRow]:
        place = self.bookmarks.place("stopped")
        for _ in range(ROWS // PAGE):
            page = self.views.jobs(tenant, JobFilter(STOPPED), PAGE, 0, place)
            yield from page.rows
            place = page.cursor
            if place is None or moment(page.rows[-1].created_at) < self.log.clock() - LONGEST:
                place = None
                break
        self.bookmarks.keep("stopped", place)

    def _stop_at_provider(self, row: JobRow) -> Sequence[str]:
        now = self.log.clock()
        if row.completed_at is None or not QUIET <= now - moment(row.completed_at) <= ENDED_WITHIN:
            return ()
        job, _ = self.log.load(row.tenant, row.job_id)
        if not _may_run_on(job) or any(wait.token == CANCEL for wait in self._waits_of(job)):
            return ()
        wait = Wait(job.tenant, job.job_id, job.attempt, CANCEL, 0, timestamp(now))
        self.waits.open(wait)
        self.queue.send(wait_message(wait), 0)
        return ("cancellations_sent",)


def _may_run_on(job: Job) -> bool:
    """Whether an ended job's submission may be running at the provider, as far as the log knows."""
    if not job.terminal or job.intended is None or job.execution or job.stopped_n == job.intended.n:
        return False
    missing = job.failure is not None and job.failure.code == "PROVIDER_JOB_MISSING"
    return not missing and (job.provider_job_id is not None or job.unanswered)
