"""Every hand-over between two parts of the service, lost: the sweep brings the job to its end, paid for once."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from qcos.adapters import memory
from qcos.events import Event
from qcos.models import TERMINAL, Status
from qcos.ports import CANCEL, TokenClosed
from qcos.provider import ProviderUnknown
from qcos.service.executions import RESTARTS
from qcos.service.sweep import FOUND, OPEN, QUIET, ROWS
from tests.unit.service.world import CALLER, TENANT, Clock, Crash, World, bell_report, submission

PAID = "ionq_forte"
FREE = "ionq_simulator"


class Machine(memory.Workflows):
    """The state machine of ``job.asl.json`` over a world's steps; ``turn`` lets every execution go on."""

    def __init__(self, world: World, clock: Clock) -> None:
        super().__init__(clock)
        self.world = world
        self.at: dict[str, str] = {}
        self.lost: set[str] = set()
        """States whose execution ends before the state does anything, once each."""

    def turn(self) -> None:
        for name in list(self.started):
            execution = self.execution(name)
            while execution and execution.running and self.at.get(name) != "Await":
                self._step(name)
                execution = self.execution(name)

    def resolve(self, token: str, output: Any) -> None:
        name = token.partition(" ")[0]
        execution = self.execution(name)
        if self.at.get(name) != "Await" or not execution or not execution.running:
            raise TokenClosed(token)
        self.at[name] = "Sign"

    def _step(self, name: str) -> None:
        state = self.at.setdefault(name, "Transpile")
        if state in self.lost:
            self.lost.remove(state)
            self.ended.add(name)
            return
        of = self.started[name]
        step: dict[str, Callable[..., dict[str, str]]] = {
            "Transpile": self.world.transpile,
            "Execute": self.world.execute,
            "Sign": self.world.sign,
        }
        outcome = step[state](of["tenant"], of["job_id"], of["attempt"])["outcome"]
        self.at[name] = {"Transpile": "Execute", "Execute": "Sign" if outcome == "done" else "Await"}.get(state, "End")
        if self.at[name] == "End" or outcome in ("failed", "ended"):
            self.ended.add(name)
        elif self.at[name] == "Await":
            self.world.queue.send({"kind": "await", **of, "n": 0, "token": f"{name} {state}"}, 1)


class Service(World):
    """A world whose parts hand over to each other; a test says what gets lost."""

    def __init__(self) -> None:
        super().__init__()
        self.machine = Machine(self, self.clock)
        self.workflows = self.machine
        self.read: dict[str, int] = {}
        self.drop_relay = self.drop_projection = self.drop_messages = False
        self.compose()

    def deliver(self, *jobs: str) -> None:
        """The stream's records, in order, to both readers."""
        for job_id in jobs:
            events = self.story(job_id)[self.read.get(job_id, 0) :]
            self.read[job_id] = len(self.story(job_id))
            if events and not self.drop_relay:
                self.relay(events)
            if events and not self.drop_projection:
                self.project(TENANT, job_id)

    def hour(self, *jobs: str, sweeps: bool = True, every: int = 5) -> dict[str, int]:
        """An hour of everything; what the sweeps found."""
        found = dict.fromkeys(FOUND, 0)
        for _ in range(0, 60, every):
            self.clock.forward(minutes=every)
            self.deliver(*jobs)
            self.machine.turn()
            messages = [message for message, _ in self.queue.sent]
            self.queue.sent.clear()
            for number in range(0, 0 if self.drop_messages else len(messages), 10):
                assert self.poll(messages[number : number + 10]) == []
            self.machine.turn()
            self.deliver(*jobs)
            if sweeps:
                found = {name: count + found[name] for name, count in self.sweep(TENANT).items()}
        return found


@pytest.fixture
def service() -> Service:
    return Service()


def ended_well(service: Service, job_id: str) -> None:
    assert service.job(job_id).status == "completed"
    assert len(service.provider.posts) == 1
    assert service.types(job_id).count("ExecutionIntended") == 1
    row = service.views.row(TENANT, job_id)
    assert row
    assert (row.status, row.version) == ("completed", len(service.story(job_id)))
    assert service.waits.of_job(TENANT, job_id) == []
    assert service.problems == []


def nothing() -> dict[str, int]:
    return dict.fromkeys(FOUND, 0)


def test_nothing_is_found_where_nothing_is_lost(service: Service) -> None:
    service.provider.quick = True
    job_id = service.submitted()
    assert service.hour(job_id) == nothing()
    ended_well(service, job_id)


@pytest.mark.parametrize("backend", [FREE, PAID])
def test_a_job_that_waits_for_hours_is_left_alone(service: Service, backend: str) -> None:
    job_id = service.submitted(backend)
    for _ in range(5 if backend == PAID else 0):
        assert service.hour(job_id) == nothing()
    service.deliver(job_id)
    service.machine.turn()
    service.provider.finish("p1")
    assert service.hour(job_id) == nothing()
    ended_well(service, job_id)
    assert list(service.machine.started) == [f"{job_id}-1"]


def test_a_workflow_that_was_never_started(service: Service) -> None:
    service.provider.quick = True
    job_id = service.submitted()
    service.drop_relay = True
    service.deliver(job_id)
    service.drop_relay = False
    assert service.hour(job_id, sweeps=False) == nothing()
    assert service.job(job_id).status == "queued", "without a sweep it is lost"
    assert service.hour(job_id)["workflows_restarted"] == 1
    ended_well(service, job_id)
    assert list(service.machine.started) == [f"{job_id}-1"]


def test_a_search_that_is_long_begun_is_left_alone(service: Service) -> None:
    """Its workflow runs: tries that each use up their time may be quiet for longer than a sweep otherwise bears."""
    found: list[dict[str, int]] = []

    def long(*args: Any, **limits: Any) -> dict[str, Any]:
        assert service.types(job_id)[-1] == "TranspileStarted"
        for _ in range(6):
            service.clock.forward(minutes=10)
            service.deliver(job_id)
            found.append(service.sweep(TENANT))
        return bell_report(*args, **limits)

    service.provider.quick = True
    service.optimize = long
    job_id = service.submitted()
    assert service.hour(job_id) == nothing()
    assert found == [nothing()] * 6
    ended_well(service, job_id)
    assert list(service.machine.started) == [f"{job_id}-1"]


@pytest.mark.parametrize("state", ["Transpile", "Execute", "Sign"])
def test_an_execution_that_ended_too_soon(service: Service, state: str) -> None:
    service.provider.quick = True
    job_id = service.submitted()
    service.machine.lost.add(state)
    service.hour(job_id, sweeps=False)
    assert not service.job(job_id).terminal, "without a sweep it is lost"
    assert service.hour(job_id)["workflows_restarted"] == 1
    ended_well(service, job_id)
    assert list(service.machine.started) == [f"{job_id}-1", f"{job_id}-1-r1"]
    assert service.machine.started[f"{job_id}-1-r1"] == service.machine.started[f"{job_id}-1"]


@pytest.mark.parametrize("asked", [0, 3])
def test_a_lost_question_to_the_provider(service: Service, asked: int) -> None:
    """Before the first answer nobody but the workflow knows its token: then another execution asks."""
    job_id = service.submitted(PAID)
    service.deliver(job_id)
    service.machine.turn()
    for _ in range(asked):
        message = service.queue.sent.pop()[0]
        service.poll([message])
    assert len(service.queue.sent) == 1
    service.queue.sent.clear()
    service.provider.finish("p1")
    service.hour(job_id, sweeps=False)
    assert service.job(job_id).status == "running", "without a sweep it is lost"
    found = service.hour(job_id)
    assert (found["waits_sent"], found["workflows_restarted"]) == ((1, 0) if asked else (0, 1))
    assert list(service.machine.stopped) == ([] if asked else [f"{job_id}-1"])
    ended_well(service, job_id)


def test_a_question_that_stays_unanswered_is_asked_again_when_it_is_due_and_not_at_every_run(service: Service) -> None:
    job_id = service.submitted(PAID)
    service.deliver(job_id)
    service.machine.turn()
    [(message, _)] = service.queue.sent
    assert service.poll([message | {"n": 20}]) == []
    service.queue.sent.clear()
    service.drop_messages = True
    assert service.hour(job_id)["waits_sent"] == 3  # every 15 minutes, and 5 until it counts as lost


def test_an_execution_that_was_aborted_while_it_waited(service: Service) -> None:
    job_id = service.submitted(PAID)
    service.hour(job_id)
    service.machine.stop(f"{job_id}-1", "by mistake")
    assert service.hour(job_id) == nothing(), "somebody still asks for it"
    service.provider.finish("p1")
    found = service.hour(job_id)
    assert found["workflows_restarted"] == 1
    ended_well(service, job_id)


def test_a_poll_function_that_is_down_for_hours_costs_no_job(service: Service) -> None:
    """Its workflows are started again a few times, then left to their own deadline; nothing is paid twice."""
    job_id = service.submitted(PAID)
    service.drop_messages = True
    found = [service.hour(job_id) for _ in range(5)]
    assert sum(one["workflows_restarted"] for one in found) == RESTARTS
    assert found[0]["workflows_restarted"] <= 3, "the newest one, too, has twenty minutes"
    assert all(one["jobs_given_up"] == 0 for one in found)
    assert service.job(job_id).status == "running"
    service.drop_messages = False
    service.provider.finish("p1")
    newest = f"{job_id}-1-r{RESTARTS}"
    service.queue.send({"kind": "await", **service.machine.started[newest], "n": 0, "token": f"{newest} x"}, 0)
    service.hour(job_id)
    ended_well(service, job_id)


def test_workflows_that_always_die_end_the_job_in_words(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.machine, "_step", service.machine.ended.add)
    job_id = service.submitted()
    found = [service.hour(job_id) for _ in range(4)]
    assert sum(one["workflows_restarted"] for one in found) == RESTARTS
    assert sum(one["jobs_given_up"] for one in found) == 1
    failure = service.job(job_id).failure
    assert failure
    assert (failure.step, failure.code, failure.retryable) == ("transpile", "STEP_FAILED", True)
    assert service.provider.posts == []


def test_events_that_neither_reader_saw(service: Service) -> None:
    service.provider.quick = True
    job_id = service.submitted()
    service.deliver(job_id)
    service.drop_relay = service.drop_projection = True
    service.machine.turn()
    service.deliver(job_id)
    assert service.job(job_id).status == "completed"
    row = service.views.row(TENANT, job_id)
    assert row
    assert row.status == "queued"
    published = len(service.bus.published)
    service.drop_relay = service.drop_projection = False
    assert service.hour(job_id)["unprojected"] == 1
    ended_well(service, job_id)
    missed = service.story(job_id)[1:]
    assert service.bus.published[published:] == missed
    evidence = service.job(job_id).evidence
    assert evidence
    assert service.transparency_log.index_of(TENANT, evidence.bundle_id) == 0


def test_a_held_job_waits_for_a_person(service: Service) -> None:
    service.provider.before_submit = ProviderUnknown("timeout")
    job_id = service.submitted(PAID)
    found = [service.hour(job_id) for _ in range(3)]
    assert service.job(job_id).status == "held"
    assert found == [nothing()] * 3
    assert list(service.machine.started) == [f"{job_id}-1"]


def test_a_held_job_waits_for_a_person_though_its_row_says_that_it_runs(service: Service) -> None:
    service.provider.before_submit = ProviderUnknown("timeout")
    job_id = service.submitted(PAID)
    service.deliver(job_id)
    service.machine.turn()
    service.deliver(job_id)
    service.drop_projection = True
    service.hour(job_id, sweeps=False)
    service.drop_projection = False
    row = service.views.row(TENANT, job_id)
    assert row
    assert (row.status, service.job(job_id).status) == ("running", "held")
    assert service.hour(job_id) == nothing() | {"unprojected": 1}


@pytest.mark.parametrize("lost", ["event", "message"])
def test_a_cancellation_that_the_provider_never_heard_of(service: Service, lost: str) -> None:
    job_id = service.submitted(PAID)
    service.hour(job_id)
    service.lifecycle.cancel(CALLER, job_id)
    service.drop_relay = lost == "event"
    service.deliver(job_id)
    service.drop_relay = False
    service.queue.sent = [one for one in service.queue.sent if one[0]["kind"] != "cancel"]
    found = service.hour(job_id)
    assert found["cancellations_sent"] == 1
    assert "p1" in service.provider.cancelled
    service.provider.finish("p1", "canceled")
    found = service.hour(job_id)
    assert found == nothing()
    assert service.types(job_id)[-2:] == ["JobCancelled", "ExecutionStopped"]
    assert service.waits.of_job(TENANT, job_id) == []


def test_a_cancellation_that_goes_round_is_not_sent_again_and_its_copies_die_out(service: Service) -> None:
    job_id = service.submitted(PAID)
    service.hour(job_id)
    service.lifecycle.cancel(CALLER, job_id)
    service.deliver(job_id)
    service.relay(service.story(job_id))  # a second delivery
    for _ in range(3):
        assert service.hour(job_id) == nothing()
        assert sum(message["kind"] == "cancel" for message, _ in service.queue.sent) <= 1
    assert [wait.token for wait in service.waits.of_job(TENANT, job_id)] == [CANCEL]
    # Lost on its way, it is asked again.
    service.queue.sent.clear()
    assert service.hour(job_id)["waits_sent"] == 1


def test_dying_after_the_wait_was_opened_loses_no_cancellation(service: Service) -> None:
    job_id = service.submitted(PAID)
    service.hour(job_id)
    service.lifecycle.cancel(CALLER, job_id)
    service.drop_relay = True
    service.deliver(job_id)
    service.queue.sent.clear()
    for wait in service.waits.of_job(TENANT, job_id):
        service.waits.close(wait)
    service.clock.at += QUIET
    service.project(TENANT, job_id)
    send = service.queue.send

    def dies(*_: Any) -> None:
        raise Crash

    service.queue.send = dies  # type: ignore[method-assign, assignment]
    with pytest.raises(Crash):
        service.sweep(TENANT)
    service.queue.send = send  # type: ignore[method-assign]
    assert service.hour(job_id)["waits_sent"] == 1
    assert "p1" in service.provider.cancelled


def test_one_bad_job_keeps_no_other_from_being_found(service: Service) -> None:
    jobs = [service.submitted() for _ in range(3)]
    for job_id in jobs:
        service.project(TENANT, job_id)
    load = service.log.events.read
    service.clock.at += QUIET * 1.1

    def read(tenant: str, stream_id: str) -> list[Event]:
        if stream_id == jobs[1]:
            raise ValueError("damaged")
        return load(tenant, stream_id)

    service.events.read = read  # type: ignore[method-assign]
    found = service.sweep(TENANT)
    assert (found["workflows_restarted"], found["passed_over"]) == (2, 1)
    assert [str(problem) for problem in service.problems] == ["damaged"]


def test_a_run_is_bounded_and_the_next_one_goes_on(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ROWS >= 100
    monkeypatch.setattr("qcos.service.sweep.ROWS", 4)
    monkeypatch.setattr("qcos.service.sweep.PAGE", 2)
    jobs = []
    for _ in range(11):
        jobs.append(service.submitted())
        service.clock.forward(seconds=1)
        service.project(TENANT, jobs[-1])
    service.clock.at += QUIET
    started = []
    for _ in range(3):
        before = len(service.machine.started)
        service.sweep(TENANT)
        started.append(len(service.machine.started) - before)
    assert started == [4, 4, 3]
    assert service.bookmarks.place("open") is None, "it begins anew"
    # Waits, too.
    waiting = [service.await_message(job_id) for job_id in jobs]
    assert service.poll(waiting) == []
    service.queue.sent.clear()
    service.clock.forward(hours=1)
    sent = [service.sweep(TENANT)["waits_sent"] for _ in range(4)]
    assert sent[:3] == [4, 4, 3]


def test_a_young_job_is_not_looked_at(service: Service) -> None:
    job_id = service.submitted()
    service.project(TENANT, job_id)
    service.clock.at += QUIET * 0.9
    loads: list[str] = []
    read = service.events.read
    service.events.read = lambda tenant, stream: loads.append(stream) or read(tenant, stream)  # type: ignore[method-assign, assignment, func-returns-value]
    assert service.sweep(TENANT) == nothing()
    assert loads == []
    service.clock.at += QUIET * 0.2
    assert service.sweep(TENANT)["workflows_restarted"] == 1


def test_open_are_all_statuses_but_those_at_an_end() -> None:
    statuses = set(Status.__args__)  # type: ignore[attr-defined] # a Literal
    assert statuses - set(OPEN) == set(TERMINAL)


TWO_LOSSES = list(itertools.combinations(("relay", "Transpile", "Execute", "Sign", "message"), 2))


@pytest.mark.parametrize("lost", TWO_LOSSES, ids="-".join)
def test_any_two_losses(service: Service, lost: tuple[str, ...]) -> None:
    job_id = service.submitted(PAID)
    service.machine.lost |= {one for one in lost if one[0].isupper()}
    service.drop_relay = "relay" in lost
    service.deliver(job_id)
    service.drop_relay = False
    if "message" in lost:
        service.machine.turn()
        service.queue.sent.clear()
    for _ in range(3):
        service.hour(job_id)
        for one in service.provider.known:
            service.provider.finish(one)
    ended_well(service, job_id)


# --- parked notes


def test_a_parked_event_reaches_its_reader(service: Service) -> None:
    service.provider.quick = True
    job_id = service.submitted()
    service.parking_lot.park("relay", TENANT, job_id, 1, "KeyError")
    service.parking_lot.park("project", TENANT, job_id, 1, "KeyError")
    assert service.redrive() == {"redriven": 2, "kept": 0}
    assert list(service.machine.started) == [f"{job_id}-1"]
    assert service.views.row(TENANT, job_id)
    assert service.parking_lot.parked == []
    assert service.redrive() == {"redriven": 0, "kept": 0}


def test_only_the_parked_event_is_relayed_again(service: Service) -> None:
    job_id = service.optimized()
    service.parking_lot.park("relay", TENANT, job_id, 2, "KeyError")
    service.redrive()
    assert [event.version for event in service.bus.published] == [2]
    assert service.views.row(TENANT, job_id) is None


@pytest.mark.parametrize(
    ("reader", "version"), [("relay", 9), ("relay", 0), ("somebody", 1)], ids=["no such version", "unknown", "reader"]
)
def test_what_nobody_can_handle_stays(service: Service, reader: str, version: int) -> None:
    job_id = service.submitted()
    service.parking_lot.park(reader, TENANT, job_id, version, "KeyError")
    service.parking_lot.park("project", TENANT, job_id, 1, "KeyError")
    assert service.redrive() == {"redriven": 1, "kept": 1}
    assert len(service.parking_lot.parked) == 1
    assert len(service.problems) == 1


def test_a_note_stays_until_the_mistake_is_mended(service: Service) -> None:
    job_id = service.submitted()
    service.parking_lot.park("relay", TENANT, job_id, 1, "KeyError")
    service.bus.refusing.add(service.story(job_id)[0].event_id)
    assert service.redrive() == {"redriven": 0, "kept": 1}
    service.bus.refusing.clear()
    assert service.redrive() == {"redriven": 1, "kept": 0}


def test_a_batchs_own_stream_is_redriven_too(service: Service) -> None:
    batch_id = service.submit.batch(CALLER, [submission()]).batch_id
    for reader in ("relay", "project"):
        service.parking_lot.park(reader, TENANT, batch_id, 1, "KeyError")
    assert service.redrive() == {"redriven": 2, "kept": 0}
    assert [event.type for event in service.bus.published] == ["BatchSubmitted"]
