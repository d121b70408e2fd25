"""Ask the provider about jobs that workflows wait for, a batch at a time, and wake the workflows that may go on.

A message is one workflow's wait, or one cancellation. It comes back with a growing delay until the provider's job
has ended. The next message is sent before the wait's count is advanced: a crash between the two leaves a duplicate,
which the count then drops, and never a wait that nobody asks about.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from qcos.backends import backend
from qcos.events import EventData, ExecutionAdopted, ExecutionHeld, ExecutionIntended
from qcos.job import Job, failure, fold_attempt
from qcos.models import moment, timestamp
from qcos.ports import CANCEL, PollQueue, TokenClosed, Wait, Waits, Workflows
from qcos.provider import Provider, ProviderJob, ProviderUnavailable
from qcos.service.collect import ENDED, Collector
from qcos.service.log import JobLog, step_origin

SETTLE = timedelta(seconds=150)
"""How long a submission without an answer may still turn up: the execute step's timeout, listing lag, clock skew."""

MISSING = timedelta(minutes=15)
"""How long a provider job may be absent from answers before it counts as deleted."""

MAX_DELAY_S = 900

HELD = (
    "It is not sent again by itself, so that it cannot be paid twice. The operator looks for it at IonQ and lets the "
    "job go on. Cancelling the job stops it there, too, if IonQ has it after all."
)
"""What the user of a held job is told to do."""


@dataclass(frozen=True)
class Poll:
    """One batch of the poll queue."""

    log: JobLog
    provider: Provider
    collector: Collector
    waits: Waits
    workflows: Workflows
    queue: PollQueue
    jitter: Callable[[], float] = random.random

    def __call__(self, messages: Sequence[Mapping[str, Any]]) -> list[int]:
        """Handle ``messages``; the positions of those that failed and must be delivered again."""
        failed: list[int] = []
        open_: list[tuple[int, Wait, Job]] = []
        taken: set[tuple[str, ...]] = set()
        for position, message in enumerate(messages):
            try:
                opened = self._open(message)
            except Exception:  # noqa: BLE001 - one bad message must not take the others with it; it is redelivered
                failed.append(position)
                continue
            if opened and (key := (opened[0].tenant, opened[0].job_id, opened[0].token)) not in taken:
                taken.add(key)  # copies that arrive together would stay together
                open_.append((position, *opened))
        listed = self._ask([job for _, _, job in open_])
        for position, wait, job in open_:
            try:
                self._advance(wait, job, listed)
            except Exception:  # noqa: BLE001 - as above
                failed.append(position)
        return sorted(failed)

    def _open(self, message: Mapping[str, Any]) -> tuple[Wait, Job] | None:
        job, log = self.log.load(message["tenant"], message["job_id"])
        token = CANCEL if message["kind"] == "cancel" else message["token"]
        asked = Wait(job.tenant, job.job_id, message["attempt"], token, message["n"], self._now())
        if token == CANCEL:
            # A retry may have come first: what was to be stopped is another attempt's, and may cost money.
            job = fold_attempt(log, asked.attempt)
        wait = self.waits.open(replace(asked, n=0))
        return (asked, job) if asked.n >= wait.n else None

    def _ask(self, jobs: Sequence[Job]) -> dict[str, ProviderJob] | None:
        """What the provider says of the jobs; None when it cannot be asked now."""
        ids = sorted({job.provider_job_id for job in jobs if job.provider_job_id})
        try:
            return self.provider.jobs(ids) if ids else {}
        except ProviderUnavailable:
            return None

    def _advance(self, wait: Wait, job: Job, listed: Mapping[str, ProviderJob] | None) -> None:
        if wait.token == CANCEL:
            if self._cancelled(job, listed):
                self.waits.close(wait)
            else:
                self._again(wait)
            return
        with suppress(ProviderUnavailable):  # asked again with the next message
            job = self._learn(job, listed)
        if job.execution or job.terminal or job.held or job.attempt != wait.attempt:
            self._wake(wait, job)
        else:
            self._again(wait)

    def _again(self, wait: Wait) -> None:
        self.queue.send(wait_message(replace(wait, n=wait.n + 1)), self._delay(wait.n))
        self.waits.advance(wait, self._now())

    def _now(self) -> str:
        return timestamp(self.log.clock())

    def _learn(self, job: Job, listed: Mapping[str, ProviderJob] | None) -> Job:
        if job.execution or job.terminal or job.held:
            return job
        now = self.log.clock()
        if job.provider_job_id is None:
            return self._reconcile(job)
        at_provider = (listed or {}).get(job.provider_job_id)
        if at_provider and at_provider.status in ENDED:
            return self.collector.settle(job, at_provider)
        waited = now - moment(str(job.intended_at))
        if waited > timedelta(seconds=backend(job.submitted.backend).deadline_s):
            # First, while this is still the attempt to be stopped: the job may have been retried when it is answered.
            self.queue.send(cancel_message(job), 0)
            job = self._fail(job, "DEADLINE_EXCEEDED", f"The result did not come within {_words(waited)}.")
        elif listed is not None and at_provider is None and waited > MISSING:
            job = self._fail(job, "PROVIDER_JOB_MISSING", "IonQ no longer knows the job; it was deleted there.")
        return job

    def _reconcile(self, job: Job) -> Job:
        """Find out what became of a submission whose answer was lost."""
        intended = job.intended
        if intended is None or self.log.clock() - moment(str(job.intended_at)) < SETTLE:
            return job
        found = find_submission(self.provider, job, intended)
        paid = backend(job.submitted.backend).paid
        if found:
            adopted = ExecutionAdopted(n=intended.n, provider_job_id=found.id)
            return self._append(job, lambda newest: _adopt(newest, adopted))
        news: EventData
        if paid:
            news = ExecutionHeld(
                n=intended.n,
                reason=f"IonQ did not confirm the submission and does not list it. {HELD}",
            )
        else:
            message = "IonQ did not confirm the submission and does not list it. Nothing was charged. Retry the job."
            news = failure(job, "execute", "PROVIDER_UNREACHABLE", message, retryable=True)

        def decision(newest: Job) -> Sequence[EventData]:
            asked = newest.unanswered and newest.last_n == intended.n
            return [news] if asked and not newest.held and not newest.terminal else []

        return self._append(job, decision)

    def _fail(self, job: Job, code: str, message: str) -> Job:
        message = f"{message} A cancellation was sent to IonQ. Retry the job to run it again."
        failed = failure(job, "await", code, message, retryable=True)
        return self._append(job, lambda newest: [] if newest.execution else [failed])

    def _append(self, job: Job, decision: Callable[[Job], Sequence[EventData]]) -> Job:
        return self.log.decide(job.tenant, job.job_id, step_origin("poll", job), decision).job

    def _wake(self, wait: Wait, job: Job) -> None:
        with suppress(TokenClosed):  # the workflow was stopped, or an earlier delivery woke it
            self.workflows.resolve(wait.token, {"outcome": "done" if job.execution else "failed"})
        self.waits.close(wait)

    def _cancelled(self, job: Job, listed: Mapping[str, ProviderJob] | None) -> bool:
        """Stop the job at the provider; whether it has ended there, or never was. A late result is kept as a fact."""
        if job.provider_job_id is None:
            return self._cancelled_unanswered(job)
        at_provider = (listed or {}).get(job.provider_job_id)
        if at_provider and at_provider.status in ENDED:
            self.collector.settle(job, at_provider)
            return True
        if listed is not None and at_provider is None:
            return True
        with suppress(ProviderUnavailable):  # repeated with the next message
            self.provider.cancel(job.provider_job_id)
        return False

    def _cancelled_unanswered(self, job: Job) -> bool:
        """The answer to the submission may still come, or was lost: look for it until it cannot turn up any more."""
        intended = job.intended
        if intended is None or not job.unanswered:
            return True
        with suppress(ProviderUnavailable):
            found = find_submission(self.provider, job, intended)
            if found:
                adopted = ExecutionAdopted(n=intended.n, provider_job_id=found.id)
                self._append(job, lambda newest: _adopt(newest, adopted))
            elif self.log.clock() - moment(str(job.intended_at)) >= SETTLE:
                return True
        return False

    def _delay(self, n: int) -> int:
        """Seconds until asking again: 1, 1, 2, 3, 4, 6, ... up to 15 minutes, spread by a fifth."""
        return _delay_s(n, self.jitter())


def find_submission(provider: Provider, job: Job, intended: ExecutionIntended) -> ProviderJob | None:
    """The newest submission of ``job`` as the provider lists it, by its token.

    Raises:
        ProviderUnavailable: it cannot be found out now.
    """
    since = moment(str(job.intended_at)) - timedelta(minutes=5)
    return provider.find(intended.token, intended.provider_backend, since)


def _adopt(newest: Job, adopted: ExecutionAdopted) -> Sequence[EventData]:
    """That a submission was found, unless that is known: a fact, whatever was decided meanwhile.

    Of one that another has followed only a fold of its own attempt could say whether it is known.
    """
    current = newest.intended is not None and newest.intended.n == adopted.n
    return [] if current and newest.provider_job_id else [adopted]


def longest_delay(n: int) -> timedelta:
    """The longest until the provider is asked again after having been asked ``n`` times."""
    return timedelta(seconds=_delay_s(n, 1.0))


def _delay_s(n: int, jitter: float) -> int:
    return min(MAX_DELAY_S, max(1, round(1.5 ** min(n, 20) / 1.5 * (0.9 + 0.2 * jitter))))


def wait_message(wait: Wait) -> dict[str, Any]:
    """The message that goes round for a wait."""
    message = {"tenant": wait.tenant, "job_id": wait.job_id, "attempt": wait.attempt, "n": wait.n}
    return {"kind": "cancel", **message} if wait.token == CANCEL else {"kind": "await", **message, "token": wait.token}


def cancel_message(job: Job) -> dict[str, Any]:
    """Ask the poll step to stop the attempt's job at the provider, until the provider says that it has ended."""
    return {"kind": "cancel", "tenant": job.tenant, "job_id": job.job_id, "attempt": job.attempt, "n": 0}


def _words(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes} minutes" if minutes < 180 else f"{round(minutes / 60)} hours"
