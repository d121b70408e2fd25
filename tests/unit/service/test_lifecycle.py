"""Cancelling and retrying: one winner, stopped for real, history kept, every evaluation accounted for."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from qcos.errors import BackendUnavailable, Conflict, QuotaExceeded
from qcos.ledger import EVALUATIONS, SPEND
from qcos.plans import EVALUATIONS as PRICE
from qcos.plans import Plan
from qcos.provider import ProviderRefused, ProviderUnknown
from qcos.service.log import JobLog
from qcos.service.poll import SETTLE
from tests.unit.service.world import CALLER, TENANT, World

COUNTER = f"{EVALUATIONS}#2026-02"
PAID = "ionq_aria"


def used(world: World) -> int:
    return world.events.counter(TENANT, COUNTER)


def relayed(world: World, job_id: str) -> None:
    world.relay(world.story(job_id))


@pytest.mark.parametrize("state", ["queued", "optimizing", "running", "signing"])
def test_cancel_works_in_every_state_and_stops_everything(world: World, state: str) -> None:
    job_id = world.submitted(PAID)
    if state != "queued":
        world.transpile(TENANT, job_id, 1)
    if state in ("running", "signing"):
        world.execute(TENANT, job_id, 1)
    if state == "signing":
        world.provider.finish("p1")
        world.poll([world.await_message(job_id)])
    assert world.job(job_id).status == state
    assert world.lifecycle.cancel(CALLER, job_id).status == "cancelled"
    relayed(world, job_id)
    assert world.workflows.stopped == {f"{job_id}-1": "cancelled by the user"}
    message = next(one for one, _ in world.queue.sent if one["kind"] == "cancel")
    before = world.types(job_id)
    world.poll([message])
    assert world.provider.cancelled == (["p1"] if state == "running" else [])
    assert world.types(job_id) == before
    for step in (world.transpile, world.execute, world.sign):
        assert step(TENANT, job_id, 1) == {"outcome": "failed"}
    assert world.types(job_id) == before, "no step goes on with a cancelled job"
    assert used(world) == (0 if state == "queued" else PRICE[2])


def test_cancelling_again_changes_nothing(world: World) -> None:
    job_id = world.submitted()
    world.lifecycle.cancel(CALLER, job_id)
    before = world.types(job_id)
    assert world.lifecycle.cancel(CALLER, job_id).status == "cancelled"
    assert world.types(job_id) == before
    assert used(world) == 0


def test_what_has_ended_cannot_be_cancelled(world: World) -> None:
    job_id = world.optimized()
    world.provider.quick = True
    world.execute(TENANT, job_id, 1)
    world.sign(TENANT, job_id, 1)
    with pytest.raises(Conflict, match="completed"):
        world.lifecycle.cancel(CALLER, job_id)


@pytest.mark.parametrize("seed", range(8))
def test_cancel_against_completion_has_one_winner(seed: int) -> None:
    world = World()
    job_id = world.optimized()
    world.provider.quick = True
    world.execute(TENANT, job_id, 1)

    def cancel() -> str:
        try:
            return world.lifecycle.cancel(CALLER, job_id).status
        except Conflict:
            return "lost"

    def complete() -> str:
        return world.sign(TENANT, job_id, 1)["outcome"]

    order = [cancel, complete, cancel, complete]
    random.Random(seed).shuffle(order)
    with ThreadPoolExecutor(4) as pool:
        outcomes = [future.result() for future in [pool.submit(action) for action in order]]
    types = world.types(job_id)
    assert types.count("JobCompleted") + types.count("JobCancelled") == 1
    assert ("done" in outcomes) == ("JobCompleted" in types)
    assert ("cancelled" in outcomes) == ("JobCancelled" in types)


def test_cancel_while_the_answer_is_lost_finds_and_stops_the_job(world: World) -> None:
    job_id = world.optimized(PAID)
    world.provider.after_submit = ProviderUnknown("reset")
    world.execute(TENANT, job_id, 1)
    world.lifecycle.cancel(CALLER, job_id)
    relayed(world, job_id)
    message = world.queue.sent[-1][0]
    world.poll([message])
    assert world.types(job_id)[-1] == "ExecutionAdopted"
    world.poll([world.queue.sent[-1][0]])
    assert world.provider.cancelled == ["p1"]
    assert world.job(job_id).status == "cancelled"


def test_cancel_while_nothing_was_taken_ends(world: World) -> None:
    job_id = world.optimized(PAID)
    world.provider.before_submit = ProviderUnknown("reset")
    world.execute(TENANT, job_id, 1)
    world.lifecycle.cancel(CALLER, job_id)
    relayed(world, job_id)
    world.clock.at += SETTLE
    sent = len(world.queue.sent)
    world.poll([world.queue.sent[-1][0]])
    assert len(world.queue.sent) == sent, "nobody asks for ever"


def failed(world: World, backend: str = "ionq_simulator") -> str:
    job_id = world.optimized(backend)
    world.execute(TENANT, job_id, 1)
    world.provider.finish(f"p{len(world.provider.posts)}", "failed", failure_code="InternalError")
    world.poll([world.await_message(job_id)])
    assert world.job(job_id).status == "failed"
    return job_id


def test_retry_opens_another_attempt_and_keeps_the_history(world: World) -> None:
    job_id = failed(world)
    first = world.story(job_id)
    job = world.lifecycle.retry(CALLER, job_id)
    assert (job.status, job.attempt) == ("queued", 2)
    relayed(world, job_id)
    assert world.workflows.started[f"{job_id}-2"] == {"tenant": TENANT, "job_id": job_id, "attempt": 2, "decided_n": 0}
    assert world.transpile(TENANT, job_id, 1) == {"outcome": "failed"}, "the first attempt's workflow is over"
    world.provider.quick = True
    for step in (world.transpile, world.execute, world.sign):
        assert step(TENANT, job_id, 2) == {"outcome": "done"}
    assert world.job(job_id).status == "completed"
    assert world.story(job_id)[: len(first)] == first
    tokens = [event.document["data"]["token"] for event in world.story(job_id) if event.type == "ExecutionIntended"]
    assert len(set(tokens)) == 2
    assert used(world) == 2 * PRICE[2]
    bundle = world.job(job_id).evidence
    assert bundle is not None


def test_racing_retries_open_one_attempt(world: World) -> None:
    job_id = failed(world)
    with ThreadPoolExecutor(16) as pool:
        jobs = list(pool.map(lambda _: world.lifecycle.retry(CALLER, job_id), range(16)))
    assert {job.attempt for job in jobs} == {2}
    assert world.types(job_id).count("JobRetried") == 1
    assert used(world) == 2 * PRICE[2]


def test_only_a_failed_job_is_retried(world: World) -> None:
    job_id = world.submitted()
    with pytest.raises(Conflict, match="queued"):
        world.lifecycle.retry(CALLER, job_id)
    job_id = failed(world)
    world.provider.status = "unavailable"
    with pytest.raises(BackendUnavailable):
        world.lifecycle.retry(CALLER, job_id)


def test_retry_is_refused_when_the_quota_is_used_up(world: World) -> None:
    job_id = failed(world)
    world.log = JobLog(world.events, world.clock, Plan("tiny", 1, 1, PRICE[2], 1000, 0))
    world.compose()
    with pytest.raises(QuotaExceeded):
        world.lifecycle.retry(CALLER, job_id)
    assert world.job(job_id).status == "failed"


@pytest.mark.parametrize("there_after_all", [False, True])
def test_a_held_job_can_be_cancelled_as_its_reason_says(world: World, there_after_all: bool) -> None:
    job_id = world.optimized(PAID)
    world.provider.after_submit = ProviderUnknown("reset")
    world.execute(TENANT, job_id, 1)
    hidden = world.provider.known.pop("p1")
    world.clock.at += SETTLE
    world.poll([world.await_message(job_id)])
    held = world.job(job_id).held
    assert held is not None
    assert "Cancelling the job stops it there, too" in held.reason
    assert world.lifecycle.cancel(CALLER, job_id).status == "cancelled"
    relayed(world, job_id)
    if there_after_all:
        world.provider.known["p1"] = hidden
    for _ in range(3):
        world.poll([world.queue.sent[-1][0]])
    assert world.provider.cancelled == (["p1"] * 2 if there_after_all else [])
    assert len(world.provider.posts) == 1


def retried_before_it_was_stopped(world: World, backend: str = PAID) -> tuple[str, dict[str, Any]]:
    """A job whose first attempt may still run at the provider, and the message that shall stop it."""
    job_id = world.optimized(backend)
    world.execute(TENANT, job_id, 1)
    world.fail(TENANT, job_id, 1, {"Error": "States.Timeout"})
    cancel = world.queue.sent[-1][0]
    world.lifecycle.retry(CALLER, job_id)
    return job_id, cancel


@pytest.mark.parametrize("how", ["canceled", "failed", "completed"])
@pytest.mark.parametrize("running", [False, True])
def test_what_an_earlier_attempt_left_at_the_provider_is_stopped_and_paid_once(
    world: World, how: str, running: bool
) -> None:
    job_id, cancel = retried_before_it_was_stopped(world)
    if running:
        assert world.transpile(TENANT, job_id, 2) == {"outcome": "done"}
        assert world.execute(TENANT, job_id, 2) == {"outcome": "pending"}
    status = world.job(job_id).status
    assert world.poll([cancel]) == []
    assert world.provider.cancelled == ["p1"]
    again = world.queue.sent[-1][0]
    assert again["kind"] == "cancel"
    world.provider.finish("p1", how)
    for _ in range(2):
        assert world.poll([again]) == []
    assert world.queue.sent[-1][0] is again, "nothing is left to stop"
    facts = [kind for kind in world.types(job_id) if kind in ("ExecutionStopped", "ExecutionCompleted")]
    assert facts == ["ExecutionCompleted" if how == "completed" else "ExecutionStopped"]
    job = world.job(job_id)
    assert (job.status, job.attempt, job.execution, job.failure) == (status, 2, None, None)
    assert set(job.reservations) == ({2} if running else set())
    spent = world.events.counter(TENANT, f"{SPEND}#2026-02")
    assert spent == (world.provider.cost or 0) + (world.provider.price or 0) * running


def test_a_free_late_result_of_an_earlier_attempt_changes_nothing(world: World) -> None:
    job_id, cancel = retried_before_it_was_stopped(world, "ionq_simulator")
    before = world.types(job_id)
    world.provider.finish("p1")
    assert world.poll([cancel]) == []
    assert world.types(job_id) == before
    assert world.job(job_id).execution is None


def test_a_lost_answer_of_an_earlier_attempt_is_found_and_stopped(world: World) -> None:
    job_id = world.optimized()
    world.provider.after_submit = ProviderUnknown("reset")
    world.execute(TENANT, job_id, 1)
    world.fail(TENANT, job_id, 1, {"Error": "States.Timeout"})
    world.lifecycle.retry(CALLER, job_id)
    message = {"kind": "cancel", "tenant": TENANT, "job_id": job_id, "attempt": 1, "n": 0}
    world.poll([message])
    assert world.types(job_id)[-1] == "ExecutionAdopted"
    assert world.job(job_id).provider_job_id is None, "it is not the new attempt's"
    world.poll([world.queue.sent[-1][0]])
    assert world.provider.cancelled == ["p1"]
    assert world.types(job_id).count("ExecutionAdopted") == 1


@pytest.mark.parametrize("late", ["jobs", "find", "submit", "estimate", "characterization"])
def test_what_an_answer_means_for_an_earlier_attempt_does_not_end_the_next(world: World, late: str) -> None:
    """While the provider answers, the workflow fails and the user retries."""
    lost = ProviderUnknown("timeout")
    job_id = world.optimized("ionq_simulator" if late in ("find", "submit") else PAID)
    if late in ("jobs", "find"):
        world.provider.before_submit = lost if late == "find" else None
        world.execute(TENANT, job_id, 1)
        world.clock.forward(days=8)
    ask = getattr(world.provider, late)

    def slow(*args: Any, **sizes: Any) -> Any:
        setattr(world.provider, late, ask)
        world.fail(TENANT, job_id, 1, {"Error": "States.Timeout"})
        world.lifecycle.retry(CALLER, job_id)
        world.transpile(TENANT, job_id, 2)
        world.provider.before_submit = lost
        if late == "find":
            world.execute(TENANT, job_id, 2)
        if late == "submit":
            world.provider.before_submit = ProviderRefused("422", "No such gate.", retryable=False)
        if late == "estimate":
            world.provider.price = None
        return ask(*args, **sizes)

    setattr(world.provider, late, slow)
    if late in ("jobs", "find"):
        assert world.poll([world.await_message(job_id)]) == []
    else:
        world.execute(TENANT, job_id, 1)
    job = world.job(job_id)
    assert (job.attempt, job.failure) == (2, None)
    assert world.types(job_id).count("JobFailed") == 1
    assert not job.terminal
    since = world.types(job_id)[world.types(job_id).index("JobRetried") :]
    assert ("ExecutionIntended" in since) == (late == "find"), "nor is its circuit sent for the next"
    assert [one["attempt"] for one, _ in world.queue.sent if one["kind"] == "cancel"] == [1, 1] * (late == "jobs")


def test_a_failure_before_a_circuit_was_found_gives_back_its_price(world: World) -> None:
    job_id = world.submitted()
    assert used(world) == PRICE[2]
    world.fail(TENANT, job_id, 1, {"Error": "States.Timeout"})
    assert used(world) == 0
    assert world.job(job_id).failure is not None
    assert world.job(job_id).spent_evaluations == {"2026-02": 0}
    job_id = world.optimized()
    world.fail(TENANT, job_id, 1, {"Error": "States.Timeout"})
    assert used(world) == PRICE[2], "the circuit was found: the work was done"


def test_a_refund_goes_to_the_month_of_its_charge(world: World) -> None:
    job_id = world.submitted()
    world.clock.forward(days=31)
    world.lifecycle.cancel(CALLER, job_id)
    assert used(world) == 0
    assert world.events.counter(TENANT, f"{EVALUATIONS}#2026-03") == 0
