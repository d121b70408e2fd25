"""Waiting for the provider: batches, duplicates, lost messages, deadlines, deletions, cancellation."""

from __future__ import annotations

import pytest

from qcos.provider import ProviderUnavailable
from qcos.service.poll import MAX_DELAY_S, MISSING, Poll
from tests.unit.service.world import TENANT, World

FREE = "ionq_simulator"
PAID = "ionq_forte"
NEVER = "Retrying cannot help: change the circuit, its shots or the backend."


def waiting(world: World, backend: str = PAID) -> tuple[str, dict[str, object]]:
    job_id = world.optimized(backend)
    assert world.execute(TENANT, job_id, 1) == {"outcome": "pending"}
    return job_id, world.await_message(job_id)


def test_a_message_comes_back_until_the_job_has_ended(world: World) -> None:
    job_id, message = waiting(world)
    for n in range(4):
        assert world.poll([message]) == []
        message, delay = world.queue.sent[-1]
        assert message["n"] == n + 1
        assert 1 <= delay <= MAX_DELAY_S
    world.provider.finish("p1")
    world.poll([message])
    assert len(world.queue.sent) == 4
    assert world.workflows.resolved == {f"token-{job_id}": {"outcome": "done"}}
    assert world.job(job_id).status == "signing"


def test_duplicates_die_out(world: World) -> None:
    _, message = waiting(world)
    world.poll([message])
    after_first = world.queue.sent[-1][0]
    world.poll([after_first])
    world.poll([message])
    world.poll([after_first])
    assert [one["n"] for one, _ in world.queue.sent] == [1, 2]


def test_two_copies_at_once_leave_one_chain(world: World) -> None:
    _, message = waiting(world)
    world.poll([message, message])
    assert len(world.queue.sent) == 1


def test_dying_between_sending_and_counting_loses_nothing(world: World) -> None:
    job_id, message = waiting(world)
    advance = world.waits.advance
    world.waits.advance = lambda wait, at: (_ for _ in ()).throw(RuntimeError("died"))  # type: ignore[method-assign]
    assert world.poll([message]) == [0]
    world.waits.advance = advance  # type: ignore[method-assign]
    sent = world.queue.sent[-1][0]
    assert world.poll([sent]) == []
    assert world.poll([message]) == []
    assert [one["n"] for one, _ in world.queue.sent] == [1, 2], "the first message is now a duplicate"
    sent = world.queue.sent[-1][0]
    world.provider.finish("p1")
    assert world.poll([sent]) == []
    assert world.workflows.resolved == {f"token-{job_id}": {"outcome": "done"}}


def test_dying_before_sending_means_the_message_comes_again(world: World) -> None:
    _, message = waiting(world)
    send = world.queue.send
    world.queue.send = lambda message, delay_s: (_ for _ in ()).throw(RuntimeError("died"))  # type: ignore[method-assign]
    assert world.poll([message]) == [0]
    world.queue.send = send  # type: ignore[method-assign]
    assert world.poll([message]) == []
    assert world.queue.sent[-1][0]["n"] == 1


def test_one_bad_message_does_not_take_the_others(world: World) -> None:
    job_id, message = waiting(world)
    world.provider.finish("p1")
    assert world.poll([{"kind": "await"}, message, {**message, "job_id": "job_none"}]) == [0, 2]
    assert world.job(job_id).status == "signing"


def test_one_question_for_the_whole_batch(world: World) -> None:
    messages = [waiting(world)[1] for _ in range(10)]
    asked: list[int] = []
    jobs = world.provider.jobs

    def counting(ids: list[str]) -> object:
        asked.append(len(ids))
        return jobs(ids)

    world.provider.jobs = counting  # type: ignore[method-assign, assignment]
    world.poll(messages)
    assert asked == [10]


def test_a_silent_provider_is_asked_again(world: World) -> None:
    job_id, message = waiting(world)
    world.provider.unavailable = True
    world.clock.forward(hours=1)
    assert world.poll([message]) == []
    assert world.job(job_id).status == "running"
    assert world.queue.sent[-1][0]["n"] == 1


def test_a_result_that_cannot_be_fetched_yet(world: World) -> None:
    job_id, message = waiting(world)
    world.provider.finish("p1")
    result = world.provider.result

    def fails(job: object) -> object:
        raise ProviderUnavailable("half a body")

    world.provider.result = fails  # type: ignore[method-assign, assignment]
    assert world.poll([message]) == []
    world.provider.result = result  # type: ignore[method-assign]
    world.poll([world.queue.sent[-1][0]])
    assert world.job(job_id).status == "signing"


@pytest.mark.parametrize(
    ("status", "failure", "code", "then"),
    [
        ("failed", {"failure_code": "NotEnoughQubits", "failure_message": "too wide."}, "PROVIDER_FAILED", NEVER),
        ("failed", {"failure_code": "NeverSeenBefore"}, "PROVIDER_FAILED", NEVER),
        ("failed", {"failure_code": "QuantumComputerError"}, "PROVIDER_FAILED", "Retry the job."),
        ("failed", {"failure_code": "QuotaExhaustedError"}, "PROVIDER_FAILED", "when that has been put right."),
        ("canceled", {}, "PROVIDER_CANCELED", "Retry the job to run it."),
    ],
)
def test_the_provider_gives_up(world: World, status: str, failure: dict[str, str], code: str, then: str) -> None:
    job_id, message = waiting(world)
    world.provider.finish("p1", status, **failure)
    world.poll([message])
    job = world.job(job_id)
    assert job.failure is not None
    assert (job.status, job.failure.code, job.failure.retryable) == ("failed", code, then is not NEVER)
    assert failure.get("failure_message", "") in job.failure.message
    assert job.failure.message.endswith(then)
    assert ".." not in job.failure.message
    assert world.workflows.resolved == {f"token-{job_id}": {"outcome": "failed"}}
    assert world.sign(TENANT, job_id, 1) == {"outcome": "failed"}


def test_the_deadline_cancels_and_says_so(world: World) -> None:
    job_id, message = waiting(world, FREE)
    world.clock.forward(minutes=16)
    world.poll([message])
    job = world.job(job_id)
    assert job.failure is not None
    assert job.failure.code == "DEADLINE_EXCEEDED"
    assert "16 minutes" in job.failure.message
    cancel = world.queue.sent[-1][0]
    assert cancel["kind"] == "cancel"
    world.poll([cancel])
    assert world.provider.cancelled == ["p1"]
    world.provider.finish("p1", "canceled")
    sent = len(world.queue.sent)
    world.poll([world.queue.sent[-1][0]])
    assert len(world.queue.sent) == sent, "the cancellation is done"
    assert world.types(job_id)[-2:] == ["JobFailed", "ExecutionStopped"]


def test_a_result_after_the_deadline_is_kept_as_a_fact(world: World) -> None:
    job_id, message = waiting(world, FREE)
    world.clock.forward(minutes=16)
    world.poll([message])
    world.provider.finish("p1")
    world.poll([world.queue.sent[-1][0]])
    assert world.types(job_id)[-2:] == ["JobFailed", "ExecutionCompleted"]
    assert world.job(job_id).status == "failed"


def test_a_job_deleted_at_the_provider(world: World) -> None:
    job_id, message = waiting(world)
    del world.provider.known["p1"]
    world.poll([message])
    assert world.job(job_id).status == "running", "a fresh job may not be listed yet"
    world.clock.at += MISSING
    world.clock.forward(seconds=1)
    world.poll([world.queue.sent[-1][0]])
    failure = world.job(job_id).failure
    assert failure is not None
    assert failure.code == "PROVIDER_JOB_MISSING"


def test_a_stopped_workflow_is_let_go(world: World) -> None:
    job_id, message = waiting(world)
    world.workflows.waiting.clear()
    world.provider.finish("p1")
    assert world.poll([message]) == []
    assert world.job(job_id).status == "signing"


def test_failing_a_waiting_job_cancels_at_the_provider(world: World) -> None:
    job_id, _ = waiting(world)
    assert world.fail(TENANT, job_id, 1, {"Error": "States.Timeout"}) == {"outcome": "failed"}
    failure = world.job(job_id).failure
    assert failure is not None
    assert failure.code == "STEP_TIMEOUT"
    assert world.queue.sent[-1][0]["kind"] == "cancel"


def test_delays_grow_to_fifteen_minutes_and_no_further(world: World) -> None:
    delays = [Poll._delay(world.poll, n) for n in (0, 1, 2, 5, 10, 16, 50, 5000)]
    assert delays == sorted(delays)
    assert delays[0] == 1
    assert delays[-1] == MAX_DELAY_S
