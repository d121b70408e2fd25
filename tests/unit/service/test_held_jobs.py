"""Held jobs: a person's decision is checked against the provider, taken once, and pays for nothing twice."""

from __future__ import annotations

import importlib
import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Any

import jsonschema
import pytest

from qcos.adapters.wire import bus_entry
from qcos.errors import Conflict, JobNotFound, ValidationFailed
from qcos.event_schemas import schema
from qcos.events import EVENT_TYPES
from qcos.ledger import SPEND
from qcos.plans import Plan
from qcos.provider import ProviderJob, ProviderUnavailable, ProviderUnknown
from qcos.service.log import JobLog
from qcos.service.poll import SETTLE
from tests.unit.service.world import CALLER, TENANT, Crash, World

PAID = "ionq_aria"
PRICE, COST = 1_500_000, 1_230_000
SEEN = {"by": "ann", "reason": "It is in the console."}
"""What an operator says, whatever is decided."""


def spent(world: World, month: str = "2026-02") -> int:
    return world.events.counter(TENANT, f"{SPEND}#{month}")


def lost(world: World, job_id: str, attempt: int = 1) -> None:
    """Submit into nowhere, and find out that the submission is nowhere."""
    world.provider.before_submit = ProviderUnknown("timeout")
    assert world.execute(TENANT, job_id, attempt) == {"outcome": "pending"}
    world.provider.before_submit = None
    world.clock.at += SETTLE
    world.poll([{**world.await_message(job_id), "attempt": attempt}])
    assert world.job(job_id).status == "held"


def held(world: World) -> str:
    """A job that the provider never got."""
    job_id = world.optimized(PAID)
    lost(world, job_id)
    return job_id


def hidden(world: World) -> str:
    """A job that the provider has, as ``p1``, and did not list until it was held."""
    job_id = world.optimized(PAID)
    world.provider.after_submit = ProviderUnknown("reset")
    assert world.execute(TENANT, job_id, 1) == {"outcome": "pending"}
    world.provider.after_submit = None
    there = world.provider.known.pop("p1")
    world.clock.at += SETTLE
    world.poll([world.await_message(job_id)])
    assert world.job(job_id).status == "held"
    world.provider.known["p1"] = there
    return job_id


def adopt(world: World, job_id: str, provider_job_id: str = "p1") -> None:
    world.held_jobs.adopt(TENANT, job_id, provider_job_id, **SEEN)


def release(world: World, job_id: str) -> None:
    world.held_jobs.release(TENANT, job_id, **SEEN)


def test_an_adopted_job_goes_on_and_is_not_sent(world: World) -> None:
    job_id = hidden(world)
    adopt(world, job_id)
    job = world.job(job_id)
    assert (job.status, job.provider_job_id, job.held, job.may_submit) == ("running", "p1", None, False)
    newest = world.story(job_id)[-1]
    assert (newest.type, newest.document["actor"]) == ("ExecutionAdopted", "operator:ann")
    assert newest.document["data"] == {"n": 1, "provider_job_id": "p1", "attempt": 1, "reason": SEEN["reason"]}
    world.relay(world.story(job_id))
    assert world.workflows.started == {
        name: {"tenant": TENANT, "job_id": job_id, "attempt": 1, "decided_n": n}
        for name, n in ((f"{job_id}-1", 0), (f"{job_id}-1-h1", 1))
    }
    before = world.types(job_id)
    assert world.transpile(TENANT, job_id, 1) == {"outcome": "done"}
    assert world.execute(TENANT, job_id, 1) == {"outcome": "pending"}
    assert world.types(job_id) == before
    assert spent(world) == PRICE
    world.provider.finish("p1")
    world.workflows.waiting.add("the next token")
    world.poll([{**world.await_message(job_id), "token": "the next token"}])
    assert world.workflows.resolved["the next token"] == {"outcome": "done"}
    assert world.sign(TENANT, job_id, 1) == {"outcome": "done"}
    assert world.job(job_id).status == "completed"
    assert spent(world) == COST
    assert len(world.provider.posts) == 1


@pytest.mark.parametrize(("end", "outcome"), [("completed", "done"), ("failed", "failed"), ("canceled", "failed")])
def test_an_adopted_job_that_has_ended_at_the_provider_is_settled_at_once(world: World, end: str, outcome: str) -> None:
    job_id = hidden(world)
    world.provider.finish("p1", end)
    adopt(world, job_id)
    assert world.execute(TENANT, job_id, 1) == {"outcome": outcome}
    assert (world.job(job_id).execution is not None) == (end == "completed")
    assert spent(world) == COST


def test_only_the_held_submission_itself_can_be_adopted(world: World) -> None:
    job_id = hidden(world)
    token = world.provider.posts[0]["name"]
    world.provider.known["p7"] = ProviderJob("p7", "completed", name="somebody's", backend="qpu.aria-1")
    world.provider.known["p8"] = ProviderJob("p8", "completed", name=None, backend="qpu.aria-1")
    before = world.types(job_id)
    for other in ("p7", "p8"):
        with pytest.raises(Conflict, match=f"it must be named {token} at IonQ"):
            adopt(world, job_id, other)
    with pytest.raises(Conflict, match="IonQ knows no job of that id"):
        adopt(world, job_id, "p9")
    world.provider.unavailable = True
    with pytest.raises(ProviderUnavailable):
        adopt(world, job_id)
    assert world.types(job_id) == before


def test_a_released_job_is_sent_anew_under_another_intention(world: World) -> None:
    job_id = held(world)
    assert spent(world) == PRICE
    release(world, job_id)
    job = world.job(job_id)
    assert (job.status, job.held, job.unanswered, job.may_submit) == ("running", None, False, True)
    assert job.reservations == {}
    assert spent(world) == 0
    world.relay(world.story(job_id))
    assert list(world.workflows.started) == [f"{job_id}-1", f"{job_id}-1-h1"]
    assert world.transpile(TENANT, job_id, 1) == {"outcome": "done"}
    assert world.execute(TENANT, job_id, 1) == {"outcome": "pending"}
    assert world.types(job_id)[3:] == [
        "ExecutionIntended", "ExecutionHeld", "ExecutionReleased", "ExecutionIntended", "ExecutionSubmitted",
    ]  # fmt: skip
    intentions = [event.document["data"] for event in world.story(job_id) if event.type == "ExecutionIntended"]
    assert [one["n"] for one in intentions] == [1, 2]
    assert [one["name"] for one in world.provider.posts] == [intentions[1]["token"]] != [intentions[0]["token"]]
    assert spent(world) == PRICE


def test_a_released_reservation_goes_back_to_its_month(world: World) -> None:
    job_id = held(world)
    world.clock.forward(days=31)
    release(world, job_id)
    world.execute(TENANT, job_id, 1)
    assert (spent(world), spent(world, "2026-03")) == (0, PRICE)


def test_what_the_provider_lists_is_not_released(world: World) -> None:
    job_id = hidden(world)
    before = world.types(job_id)
    with pytest.raises(Conflict, match=r"as job p1\. Adopt it"):
        release(world, job_id)
    world.provider.unavailable = True
    with pytest.raises(ProviderUnavailable):
        release(world, job_id)
    assert world.types(job_id) == before


def test_what_may_still_turn_up_is_not_released(world: World) -> None:
    """A workflow that fails holds at once; the listing may lag, and the submission be on its way."""
    job_id = world.optimized(PAID)
    world.provider.before_submit = Crash()
    with pytest.raises(Crash):
        world.execute(TENANT, job_id, 1)
    world.fail(TENANT, job_id, 1, {"Error": "States.Timeout"})
    assert world.job(job_id).status == "held"
    world.clock.forward(seconds=SETTLE.total_seconds() - 1)
    with pytest.raises(Conflict, match="may still turn up") as refused:
        release(world, job_id)
    assert refused.value.retryable
    world.clock.forward(seconds=1)
    release(world, job_id)
    assert world.job(job_id).status == "running"


@pytest.mark.parametrize("state", ["optimizing", "running", "completed", "failed", "cancelled", "adopted", "released"])
def test_only_a_held_job_can_be_decided_about(world: World, state: str) -> None:
    job_id = hidden(world) if state in ("adopted", "cancelled") else held(world) if state == "released" else ""
    job_id = job_id or world.optimized(PAID)
    world.provider.quick = state == "completed"
    steps: dict[str, Callable[[], object]] = {
        "optimizing": lambda: None,
        "running": lambda: world.execute(TENANT, job_id, 1),
        "completed": lambda: [world.execute(TENANT, job_id, 1), world.sign(TENANT, job_id, 1)],
        "failed": lambda: world.fail(TENANT, job_id, 1, {"Error": "X"}),
        "cancelled": lambda: world.lifecycle.cancel(CALLER, job_id),
        "adopted": lambda: adopt(world, job_id),
        "released": lambda: release(world, job_id),
    }
    steps[state]()
    status = {"adopted": "running", "released": "running"}.get(state, state)
    before = world.types(job_id)
    for decide in (adopt, release):
        with pytest.raises(Conflict, match=f"this one is {status}. Nothing was changed") as refused:
            decide(world, job_id)
        assert refused.value.details[0]["status"] == status
    assert world.types(job_id) == before


def test_a_job_of_nobody_cannot_be_decided_about(world: World) -> None:
    job_id = held(world)
    with pytest.raises(JobNotFound):
        world.held_jobs.release("other", job_id, **SEEN)
    with pytest.raises(JobNotFound):
        adopt(world, "job_none")


@pytest.mark.parametrize("field", ["by", "reason"])
@pytest.mark.parametrize("words", ["", "  ", "x" * 501])
def test_who_decides_says_who_and_why(world: World, field: str, words: str) -> None:
    job_id = hidden(world)
    with pytest.raises(ValidationFailed, match=f"Give {field}"):
        world.held_jobs.adopt(TENANT, job_id, "p1", **{**SEEN, field: words})
    with pytest.raises(ValidationFailed, match=f"Give {field}"):
        world.held_jobs.release(TENANT, job_id, **{**SEEN, field: words})
    assert world.job(job_id).status == "held"


def test_a_submission_that_is_lost_again_is_held_again(world: World) -> None:
    """Each decision starts an execution of its own: the names of the earlier ones stay taken."""
    job_id = held(world)
    release(world, job_id)
    lost(world, job_id)
    token = str(world.job(job_id).intended and world.job(job_id).intended.token)  # type: ignore[union-attr]  # is there
    world.provider.known["p5"] = ProviderJob("p5", "submitted", name=token, backend="qpu.aria-1")
    adopt(world, job_id, "p5")
    world.relay(world.story(job_id))
    assert list(world.workflows.started) == [f"{job_id}-1", f"{job_id}-1-h1", f"{job_id}-1-h2"]
    assert world.job(job_id).provider_job_id == "p5"
    assert spent(world) == PRICE


def test_a_decision_belongs_to_its_attempt(world: World) -> None:
    job_id = held(world)
    release(world, job_id)
    world.fail(TENANT, job_id, 1, {"Error": "X"}, 1)
    world.lifecycle.retry(CALLER, job_id)
    job = world.job(job_id)
    assert (job.attempt, job.decided_n, job.status) == (2, 0, "queued")
    world.transpile(TENANT, job_id, 2)
    lost(world, job_id, attempt=2)
    release(world, job_id)
    world.relay(world.story(job_id))
    assert world.workflows.started == {
        name: {"tenant": TENANT, "job_id": job_id, "attempt": attempt, "decided_n": n}
        for name, attempt, n in (
            (f"{job_id}-1", 1, 0), (f"{job_id}-1-h1", 1, 1), (f"{job_id}-2", 2, 0), (f"{job_id}-2-h2", 2, 2),
        )
    }  # fmt: skip
    assert world.execute(TENANT, job_id, 1) == {"outcome": "failed"}
    assert world.execute(TENANT, job_id, 2) == {"outcome": "pending"}
    assert len(world.provider.posts) == 1


def test_a_released_job_that_cannot_be_sent_says_that_nothing_was_run(world: World) -> None:
    job_id = held(world)
    release(world, job_id)
    world.provider.unavailable = True
    with pytest.raises(ProviderUnavailable):
        world.execute(TENANT, job_id, 1)
    world.fail(TENANT, job_id, 1, {"Error": "States.TaskFailed"}, 1)
    failure = world.job(job_id).failure
    assert failure is not None
    assert (failure.step, failure.retryable) == ("execute", True)
    assert "Nothing was run or charged" in failure.message


def test_sending_anew_asks_for_money_anew(world: World) -> None:
    job_id = held(world)
    release(world, job_id)
    world.log = JobLog(world.events, world.clock, Plan("poor", 1, 1, 1000, 1000, PRICE - 1))
    world.compose()
    assert world.execute(TENANT, job_id, 1) == {"outcome": "failed"}
    failure = world.job(job_id).failure
    assert failure is not None
    assert failure.code == "SPEND_LIMIT_EXCEEDED"
    assert world.provider.posts == []


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("decide", [adopt, release])
def test_a_decision_against_a_cancellation_has_one_winner(seed: int, decide: Callable[[World, str], None]) -> None:
    world = World()
    job_id = hidden(world) if decide is adopt else held(world)

    def person() -> str:
        try:
            decide(world, job_id)
        except Conflict as refused:
            return refused.message
        return "won"

    order = [person, lambda: world.lifecycle.cancel(CALLER, job_id).status]
    random.Random(seed).shuffle(order)
    with ThreadPoolExecutor(2) as pool:
        outcomes = {future.result() for future in [pool.submit(action) for action in order]}
    assert outcomes - {"won", "cancelled"} <= {
        "Only a held job can be adopted or released; this one is cancelled. Nothing was changed."
    }
    after = world.types(job_id)[world.types(job_id).index("ExecutionHeld") + 1 :]
    event = "ExecutionAdopted" if decide is adopt else "ExecutionReleased"
    assert after == ([event, "JobCancelled"] if "won" in outcomes else ["JobCancelled"])
    assert world.execute(TENANT, job_id, 1) == {"outcome": "failed"}
    assert len(world.provider.posts) == (1 if decide is adopt else 0)


def test_of_many_decisions_one_is_taken(world: World) -> None:
    job_id = hidden(world)

    def decide(_: int) -> bool:
        try:
            adopt(world, job_id)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(decide, range(8))).count(True) == 1
    assert world.types(job_id).count("ExecutionAdopted") == 1


def test_a_decision_about_a_submission_that_is_no_longer_the_held_one_is_refused(world: World) -> None:
    """While the provider is asked, another operator releases the submission, and the next one is lost as well."""
    job_id = hidden(world)
    jobs = world.provider.jobs
    there = world.provider.known.pop("p1")

    def slow(ids: Any) -> dict[str, ProviderJob]:
        world.provider.jobs = jobs  # type: ignore[method-assign]
        release(world, job_id)
        lost(world, job_id)
        world.provider.known["p1"] = there
        return jobs(ids)

    world.provider.jobs = slow  # type: ignore[method-assign]  # the answer takes its time
    with pytest.raises(Conflict, match="Another submission of the job is held"):
        adopt(world, job_id)
    assert "ExecutionAdopted" not in world.types(job_id)


def test_a_cancellation_while_the_provider_is_asked_comes_first(world: World) -> None:
    job_id = hidden(world)
    jobs = world.provider.jobs

    def slow(ids: Any) -> dict[str, ProviderJob]:
        world.lifecycle.cancel(CALLER, job_id)
        return jobs(ids)

    world.provider.jobs = slow  # type: ignore[method-assign]  # the answer takes its time
    with pytest.raises(Conflict, match="this one is cancelled"):
        adopt(world, job_id)
    assert world.types(job_id)[-2:] == ["ExecutionHeld", "JobCancelled"]


def released_while_asked(world: World, job_id: str, *, found: bool, then: Callable[[], object]) -> None:
    """A submission without an answer is held, and released by an operator, while a question for it is under way; then
    ``then``, and only now the question's answer: that it was ``found``, or was not."""
    world.provider.before_submit = ProviderUnknown("timeout")
    world.execute(TENANT, job_id, 1)
    world.provider.before_submit = None
    world.clock.at += SETTLE
    find = world.provider.find

    def slow(token: str, backend: str, since: datetime) -> ProviderJob | None:
        world.provider.find = find  # type: ignore[method-assign]
        world.poll([{**world.await_message(job_id), "token": "another's"}])
        release(world, job_id)
        then()
        if found:
            world.provider.known["p3"] = ProviderJob("p3", "submitted", name=token, backend=backend)
        return find(token, backend, since)

    world.provider.find = slow  # type: ignore[method-assign]  # the answer takes its time
    world.poll([world.await_message(job_id)])


@pytest.mark.parametrize("there_after_all", [False, True])
def test_a_question_that_was_under_way_does_not_hold_a_released_job_again(world: World, there_after_all: bool) -> None:
    job_id = world.optimized(PAID)
    released_while_asked(world, job_id, found=there_after_all, then=lambda: None)
    assert world.types(job_id)[4:] == [
        "ExecutionHeld",
        "ExecutionReleased",
        *(["ExecutionAdopted"] if there_after_all else []),
    ]
    world.execute(TENANT, job_id, 1)
    assert len(world.provider.posts) == (0 if there_after_all else 1), "what is there after all is not sent again"
    assert spent(world) == PRICE, "what is there after all is paid after all"
    world.provider.finish("p3" if there_after_all else "p1")
    world.execute(TENANT, job_id, 1)
    assert spent(world) == COST


@pytest.mark.parametrize("cancelled", [False, True])
def test_what_is_found_too_late_to_be_gone_on_with_is_paid_and_known_even_so(world: World, cancelled: bool) -> None:
    """The operator released what IonQ had, and the question that finds it was under way."""
    job_id = world.optimized(PAID)
    cancel, send = partial(world.lifecycle.cancel, CALLER, job_id), partial(world.execute, TENANT, job_id, 1)
    released_while_asked(world, job_id, found=True, then=cancel if cancelled else send)
    assert world.types(job_id)[-1] == "ExecutionAdopted"
    assert spent(world) == (PRICE if cancelled else 2 * PRICE)
    assert world.job(job_id).provider_job_id == ("p3" if cancelled else "p1")
    if cancelled:
        world.relay(world.story(job_id))
        world.poll([world.queue.sent[-1][0]])
        assert world.provider.cancelled == ["p3"]
        world.provider.finish("p3")
        world.poll([world.queue.sent[-1][0]])
        assert spent(world) == COST


def test_what_polling_adopts_starts_no_workflow(world: World) -> None:
    """One waits for it already."""
    job_id = world.optimized(PAID)
    world.provider.after_submit = ProviderUnknown("reset")
    world.execute(TENANT, job_id, 1)
    world.clock.at += SETTLE
    world.poll([world.await_message(job_id)])
    assert world.types(job_id)[-1] == "ExecutionAdopted"
    world.relay(world.story(job_id))
    assert list(world.workflows.started) == [f"{job_id}-1"]


@pytest.mark.parametrize("decide", [adopt, release])
def test_what_is_published_obeys_the_schemas(world: World, decide: Callable[[World, str], None]) -> None:
    job_id = hidden(world) if decide is adopt else held(world)
    decide(world, job_id)
    for event in world.story(job_id):
        entry = bus_entry(event)
        jsonschema.validate(json.loads(entry["Detail"]), schema(EVENT_TYPES[entry["DetailType"]]))


def test_the_operators_function(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    function = importlib.import_module("functions.ops.held_job")
    monkeypatch.setattr(function.wiring, "held_jobs", lambda: world.held_jobs)
    monkeypatch.setenv("QCOS_TENANT", TENANT)

    def ask(**event: Any) -> Any:
        return function.handler.__wrapped__(event, None)

    first = hidden(world)
    wrongs: tuple[dict[str, Any], ...] = (
        {},
        {"job_id": first, **SEEN},
        {"job_id": first, "adopt": "p1", "release": True, **SEEN},
        {"job_id": first, "release": False, **SEEN},
        {"job_id": first, "release": 1.0, **SEEN},
        {"job_id": first, "adopt": None, **SEEN},
        {"job_id": first, "adopt": "p1", "by": "ann"},
        {"job_id": first, "adopt": "p1", "reason": "r"},
        {"job_id": first, "adopt": "p1", "force": True, **SEEN},
    )
    for wrong in wrongs:
        with pytest.raises(ValueError, match="give"):
            ask(**wrong)
    assert world.job(first).status == "held"
    answer = ask(job_id=first, adopt="p1", **SEEN)
    assert answer == {"job_id": first, "status": "running", "provider_job_id": "p1"}
    second = held(world)
    answer = ask(job_id=second, release=True, **SEEN)
    assert answer == {"job_id": second, "status": "running", "provider_job_id": None}
    with pytest.raises(Conflict):
        ask(job_id=second, release=True, **SEEN)
