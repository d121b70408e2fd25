"""Any sequence of what can happen to jobs: no money is lost or doubled, and no job stays without an end or a person.

Everything goes wrong that may: answers are lost or late, messages and events are lost or doubled, workflows fail, and
users and operators decide meanwhile, also in the middle of a step. Operators err, too, and release what IonQ has and
does not list: that alone may be paid without being known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qcos.errors import QcosError
from qcos.events import (
    Event,
    ExecutionAdopted,
    ExecutionCompleted,
    ExecutionIntended,
    ExecutionRefused,
    ExecutionReleased,
    ExecutionStopped,
    ExecutionSubmitted,
    JobCancelled,
    JobCompleted,
    JobFailed,
    JobRetried,
)
from qcos.job import Job
from qcos.ledger import SPEND
from qcos.models import moment, month
from qcos.provider import ProviderJob, ProviderRefused, ProviderUnavailable, ProviderUnknown
from qcos.service.collect import ENDED
from qcos.service.execute import TryAgain
from tests.unit.service.test_held_jobs import SEEN
from tests.unit.service.test_sweep import FREE, PAID, Machine, Service
from tests.unit.service.world import CALLER, TENANT, ScriptedProvider

REPEATED = timedelta(minutes=5)
"""For so long a step that fails a job may be repeated."""

FAULTS: dict[str, tuple[BaseException | None, BaseException | None]] = {
    "lost before": (ProviderUnknown("timeout"), None),
    "lost after": (None, ProviderUnknown("reset")),
    "turned away": (ProviderRefused("429", "Too many requests.", retryable=True), None),
    "refused": (ProviderRefused("422", "No such gate.", retryable=False), None),
}

MEANWHILE = st.lists(
    st.sampled_from(["cancel", "adopt", "release wrongly", "fail", "fail again", "messages", "start over"]),
    max_size=3,
)
"""What people and other functions do while one waits for an answer."""


class SlowProvider(ScriptedProvider):
    """A provider that lists jobs late, ends them at its own price, and during whose answers other things happen."""

    def __init__(self, clock: Any) -> None:
        super().__init__(clock)
        self.unlisted: set[str] = set()
        self.costs: dict[str, int | None] = {}
        self.meanwhile: list[tuple[bool, Callable[[], None]]] = []

    def _late(self, ask: Callable[[], Any]) -> Any:
        """The answer as of before, or after, what happens meanwhile."""
        if not self.meanwhile:
            return ask()
        stale, happen = self.meanwhile.pop()
        if not stale:
            happen()
            return ask()
        try:
            return ask()
        finally:
            happen()

    def estimate(self, *args: Any, **sizes: Any) -> Any:
        return self._late(lambda: super(SlowProvider, self).estimate(*args, **sizes))

    def submit(self, body: bytes) -> str:
        return str(self._late(lambda: super(SlowProvider, self).submit(body)))

    def jobs(self, ids: Sequence[str]) -> dict[str, ProviderJob]:
        found: dict[str, ProviderJob] = self._late(lambda: super(SlowProvider, self).jobs(ids))
        return found

    def find(self, token: str, backend: str, since: datetime) -> ProviderJob | None:
        def ask() -> ProviderJob | None:
            found = super(SlowProvider, self).find(token, backend, since)
            return found if found and found.id not in self.unlisted else None

        found: ProviderJob | None = self._late(ask)
        return found

    def cost_microdollars(self, job_id: str) -> int | None:
        self._check()
        return self.costs[job_id]

    def end(self, job_id: str, status: str, cost: int | None) -> None:
        if self.known[job_id].status not in ENDED:
            self.finish(job_id, status, **({"failure_code": "InternalError"} if status == "failed" else {}))
            self.costs[job_id] = cost if self.known[job_id].backend != "simulator" else 0


class FailingMachine(Machine):
    """The state machine with its last resort: a step that raises to the end fails the job."""

    def __init__(self, world: Service) -> None:
        super().__init__(world, world.clock)
        self.busy: set[str] = set()
        self.failures: list[tuple[datetime, dict[str, Any]]] = []

    def run(self, name: str) -> None:
        """One state of an execution."""
        try:
            self.busy.add(name)
            self._step(name)
        except (TryAgain, ProviderUnavailable):
            self.fail(name)
        finally:
            self.busy.discard(name)

    def fail(self, name: str) -> None:
        of = self.started[name]
        self.failures.append((self.world.clock(), of))
        self._fail(of)
        self.ended.add(name)

    def fail_again(self) -> None:
        """The answer to a failing step was lost."""
        for at, of in self.failures[-2:]:
            if self.world.clock() - at < REPEATED:
                self._fail(of)

    def _fail(self, of: dict[str, Any]) -> None:
        error = {"Error": "States.TaskFailed"}
        self.world.fail(of["tenant"], of["job_id"], of["attempt"], error, of["decided_n"])

    def active(self) -> list[str]:
        """The executions that run."""
        return [name for name in self.started if (found := self.execution(name)) and found.running]


def owed(log: Sequence[Event]) -> Counter[str]:
    """What a job's log says that the tenant owes for it, by month: an account of its own, not by the ledger's rules."""
    estimates: dict[int, tuple[str, int]] = {}
    nothing: set[int] = set()
    costs: dict[int, int] = {}
    for event in log:
        match event.data:
            case ExecutionIntended(n=n, estimated_cost_microdollars=estimate):
                estimates[n] = month(moment(event.occurred_at)), estimate
            case ExecutionRefused(n=n) | ExecutionReleased(n=n):
                nothing.add(n)
            case ExecutionSubmitted(n=n) | ExecutionAdopted(n=n):
                nothing.discard(n)
            case ExecutionCompleted(n=n, cost_microdollars=int(cost)):
                costs.setdefault(n, cost)
            case ExecutionStopped(n=n, cost_microdollars=int(cost)):
                costs.setdefault(n, cost)
            case _:
                pass
    account: Counter[str] = Counter()
    for n, (when, estimate) in estimates.items():
        account[when] += costs.get(n, 0 if n in nothing else estimate)
    return account


class Happenings(RuleBasedStateMachine):
    """What may happen, a rule each; what must hold after each, and when everything has come to rest."""

    @initialize(backends=st.lists(st.sampled_from([PAID, PAID, FREE]), min_size=1, max_size=2))
    def begin(self, backends: list[str]) -> None:
        self.service = Service()
        self.provider = SlowProvider(self.service.clock)
        self.service.provider = self.provider
        self.machine = FailingMachine(self.service)
        self.service.machine = self.service.workflows = self.machine
        self.service.compose()
        self.jobs = [self.service.submitted(backend, evidence=False) for backend in backends]
        self.service.deliver(*self.jobs)
        for name in self.machine.active():
            self.machine.run(name)

    # --- the service goes on

    @precondition(lambda self: self._ready())
    @rule(which=st.integers(0, 9), fault=st.sampled_from(["", "", *FAULTS]), listed=st.booleans())
    def step(self, which: int, fault: str, listed: bool) -> None:
        ready = self._ready()
        self.provider.before_submit, self.provider.after_submit = FAULTS.get(fault, (None, None))
        before = set(self.provider.known)
        self.machine.run(ready[which % len(ready)])
        self.provider.before_submit = self.provider.after_submit = None
        if not listed:
            self.provider.unlisted |= set(self.provider.known) - before

    @precondition(lambda self: self._ready())
    @rule(taken=st.booleans(), listed=st.booleans(), stale=st.booleans(), meanwhile=MEANWHILE)
    def lose(self, taken: bool, listed: bool, stale: bool, meanwhile: list[str]) -> None:
        """An answer is lost, and much happens while the submission is looked for."""
        self.step(0, "lost after" if taken else "lost before", listed)
        self.time(150)
        self.interrupt(0, meanwhile, stale)
        self.messages("once")

    @rule(lost=st.sampled_from([False, False, False, True]))
    def stream(self, lost: bool) -> None:
        self.service.drop_relay = lost
        self.service.deliver(*self.jobs)
        self.service.drop_relay = False

    @rule(how=st.sampled_from(["once", "once", "once", "twice", "lost"]))
    def messages(self, how: str) -> None:
        sent = [message for message, _ in self.service.queue.sent]
        self.service.queue.sent.clear()
        for _ in range({"once": 1, "twice": 2, "lost": 0}[how]):
            for position in self.service.poll(sent):
                self.service.queue.send(sent[position], 0)

    @rule()
    def sweep(self) -> None:
        self.service.sweep(TENANT)

    @rule(seconds=st.sampled_from([1, 60, 150, 150, 1_260, 1_260, 7_200, 8 * 86_400]))
    def time(self, seconds: int) -> None:
        self.service.clock.forward(seconds=seconds)

    # --- the provider

    @precondition(lambda self: self.provider.known)
    @rule(
        which=st.integers(0, 9),
        status=st.sampled_from(["completed", "completed", "failed", "canceled"]),
        cost=st.sampled_from([0, 1_230_000, 1_700_000, None]),
    )
    def end(self, which: int, status: str, cost: int | None) -> None:
        self.provider.end(list(self.provider.known)[which % len(self.provider.known)], status, cost)

    @rule()
    def list_all(self) -> None:
        self.provider.unlisted.clear()

    @rule(down=st.sampled_from([False, False, True]))
    def outage(self, down: bool) -> None:
        self.provider.unavailable = down

    # --- people, and workflows that fail

    @rule(which=st.integers(0, 1), what=st.sampled_from(["cancel", "fail", "fail again"]))
    def decide(self, which: int, what: str) -> None:
        self._decide(self.jobs[which % len(self.jobs)], what)

    @precondition(lambda self: self._some("failed"))
    @rule()
    def retry(self) -> None:
        self._decide(self._some("failed")[0], "retry")

    @precondition(lambda self: self._some("held"))
    @rule(what=st.sampled_from(["adopt", "release", "release wrongly"]))
    def operate(self, what: str) -> None:
        self._decide(self._some("held")[0], what)

    @rule(which=st.integers(0, 1), what=MEANWHILE, stale=st.booleans())
    def interrupt(self, which: int, what: list[str], stale: bool) -> None:
        """Something happens while the provider is next asked."""

        def happen() -> None:
            for one in what:
                self._decide(self.jobs[which % len(self.jobs)], one)

        self.provider.meanwhile.append((stale, happen))

    def _decide(self, job_id: str, what: str) -> None:
        with suppress(QcosError, ProviderUnavailable):
            match what:
                case "cancel":
                    self.service.lifecycle.cancel(CALLER, job_id)
                case "retry":
                    self.service.lifecycle.retry(CALLER, job_id)
                case "adopt" if found := self._taken(job_id):
                    self.service.held_jobs.adopt(TENANT, job_id, found.id, **SEEN)
                case "release" if not self._taken(job_id):
                    self.service.held_jobs.release(TENANT, job_id, **SEEN)
                case "release wrongly":
                    self.service.held_jobs.release(TENANT, job_id, **SEEN)
                    self.list_all()
                case "fail":
                    for name in self.machine.active():
                        if name.startswith(job_id):
                            self.machine.fail(name)
                case "fail again":
                    self.machine.fail_again()
                case "messages":
                    self.messages("once")
                case "start over":
                    self._decide(job_id, "fail")
                    self._decide(job_id, "retry")
                    self.service.deliver(job_id)
                    for name in self._ready():
                        self.machine.run(name)
                case _:
                    pass

    def _some(self, status: str) -> list[str]:
        return [job_id for job_id in self.jobs if self._job(job_id).status == status]

    def _ready(self) -> list[str]:
        idle = set(self.machine.active()) - self.machine.busy
        return [name for name in self.machine.started if name in idle and self.machine.at.get(name) != "Await"]

    def _taken(self, job_id: str) -> ProviderJob | None:
        """The job's newest submission as the provider has it, listed or not."""
        intended = self._job(job_id).intended
        return self._by_name().get(intended.token) if intended else None

    def _by_name(self) -> dict[str, ProviderJob]:
        return {str(job.name): job for job in self.provider.known.values()}

    def _job(self, job_id: str) -> Job:
        return self.service.job(job_id)

    # --- what holds

    @invariant()
    def the_ledger_is_what_the_logs_say(self) -> None:
        account: Counter[str] = Counter()
        for job_id in self.jobs:
            account.update(owed(self.service.story(job_id)))
        for when, amount in account.items():
            assert self.service.events.counter(TENANT, f"{SPEND}#{when}") == amount

    @invariant()
    def nothing_is_sent_twice(self) -> None:
        names = [post["name"] for post in self.provider.posts]
        assert len(names) == len(set(names))

    @invariant()
    def an_attempt_ends_once_and_by_its_own(self) -> None:
        for job_id in self.jobs:
            attempt, over = 1, False
            for event in self.service.story(job_id):
                match event.data:
                    case JobRetried(attempt=attempt):
                        over = False
                    case JobCompleted() | JobFailed() | JobCancelled():
                        assert not over
                        over = True
                    case _:
                        pass
                # What polling adopts names no attempt.
                assert getattr(event.data, "attempt", attempt) in (attempt, None)

    def teardown(self) -> None:
        if hasattr(self, "service"):
            self._come_to_rest()

    def _come_to_rest(self) -> None:
        self.provider.meanwhile.clear()
        self.provider.unlisted.clear()
        self.provider.unavailable = False
        for _ in range(16):
            self.service.hour(*self.jobs, every=15)
            for job_id in self.provider.known:
                canceled = job_id in self.provider.cancelled
                self.provider.end(job_id, "canceled" if canceled else "completed", 0 if canceled else 1_230_000)
        self.the_ledger_is_what_the_logs_say()
        for job_id in self.jobs:
            job = self._job(job_id)
            assert job.terminal or (job.held and job.held.reason), self.service.types(job_id)
            self._every_submission_is_accounted_for(job_id)
        assert self.service.problems == []

    def _every_submission_is_accounted_for(self, job_id: str) -> None:
        """What the provider took is known and settled, or what it was estimated at is still reserved."""
        job, log = self.service.log.load(TENANT, job_id)
        settled = {event.data.n for event in log if isinstance(event.data, ExecutionCompleted | ExecutionStopped)}
        for event in log:
            if isinstance(event.data, ExecutionIntended) and (there := self._by_name().get(event.data.token)):
                n, paid = event.data.n, event.data.estimated_cost_microdollars
                if paid and n not in job.reservations and n not in job.released:
                    assert n in settled
                    assert self.provider.costs[there.id] is not None


TestMoney = Happenings.TestCase
TestMoney.settings = settings(max_examples=100, stateful_step_count=20, deadline=None, database=None)
