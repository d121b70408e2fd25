"""The provider is called at most once an intention, whatever dies or races."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from qcos.events import EventData, JobFailed, Origin
from qcos.provider import ProviderRefused, ProviderUnavailable, ProviderUnknown
from qcos.service.execute import TryAgain
from qcos.service.poll import SETTLE
from tests.unit.service.world import TENANT, Crash, World

PAID = "ionq_aria"
FREE = "ionq_simulator"


FAILED: list[EventData] = [JobFailed(attempt=1, step="workflow", code="X", message="m", retryable=True)]


class CrashingLog:
    """An event store that dies around its ``nth`` append from now, before or after the event is stored."""

    def __init__(self, world: World, nth: int, *, after: bool) -> None:
        self._inner = world.events
        self._countdown = nth
        self._after = after

    def read(self, tenant: str, stream_id: str) -> object:
        return self._inner.read(tenant, stream_id)

    def append(self, events: object, charges: object = ()) -> None:
        self._countdown -= 1
        if self._countdown == 0 and not self._after:
            raise Crash
        self._inner.append(events, charges)  # type: ignore[arg-type]  # passed on as it came
        if self._countdown == 0:
            raise Crash


def crash_log(world: World, nth: int, *, after: bool) -> None:
    object.__setattr__(world.log, "events", CrashingLog(world, nth, after=after))


def heal_log(world: World) -> None:
    object.__setattr__(world.log, "events", world.events)


@pytest.mark.parametrize("backend", [FREE, PAID])
@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("nth", [1, 2])
def test_dying_around_any_append_never_sends_twice(world: World, backend: str, nth: int, after: bool) -> None:
    job_id = world.optimized(backend)
    crash_log(world, nth, after=after)
    with pytest.raises(Crash):
        world.execute(TENANT, job_id, 1)
    heal_log(world)
    outcome = world.execute(TENANT, job_id, 1)
    assert outcome == {"outcome": "pending"}
    assert len(world.provider.posts) <= 1
    message = world.await_message(job_id)
    world.clock.forward(seconds=SETTLE.total_seconds() + 1)
    world.poll([message])
    assert len(world.provider.posts) <= 1
    job = world.job(job_id)
    if world.provider.posts:
        assert job.provider_job_id == "p1"
    else:
        assert job.status == ("held" if backend == PAID else "failed")


def test_dying_in_the_call_is_found_by_its_token(world: World) -> None:
    job_id = world.optimized(PAID)
    world.provider.after_submit = Crash()
    with pytest.raises(Crash):
        world.execute(TENANT, job_id, 1)
    world.provider.after_submit = None
    assert world.execute(TENANT, job_id, 1) == {"outcome": "pending"}
    message = world.await_message(job_id)
    assert world.poll([message]) == []
    assert world.job(job_id).provider_job_id is None, "the listing may lag: not yet"
    world.clock.at += SETTLE
    world.poll([{**message, "n": 1}])
    assert world.types(job_id)[-1] == "ExecutionAdopted"
    world.provider.finish("p1")
    world.poll([{**message, "n": 2}])
    assert world.workflows.resolved == {f"token-{job_id}": {"outcome": "done"}}
    assert world.sign(TENANT, job_id, 1) == {"outcome": "done"}
    assert len(world.provider.posts) == 1


@pytest.mark.parametrize(("backend", "status"), [(PAID, "held"), (FREE, "failed")])
def test_a_lost_answer_that_is_nowhere(world: World, backend: str, status: str) -> None:
    job_id = world.optimized(backend)
    world.provider.before_submit = ProviderUnknown("timeout")
    assert world.execute(TENANT, job_id, 1) == {"outcome": "pending"}
    world.provider.before_submit = None
    assert world.execute(TENANT, job_id, 1) == {"outcome": "pending"}
    assert world.provider.posts == []
    message = world.await_message(job_id)
    world.clock.at += SETTLE
    world.poll([message])
    job = world.job(job_id)
    assert job.status == status
    assert world.workflows.resolved == {f"token-{job_id}": {"outcome": "failed"}}
    assert world.execute(TENANT, job_id, 1) == {"outcome": "failed"}
    assert world.provider.posts == []


def test_a_definite_no_for_now_is_tried_again_with_a_new_intention(world: World) -> None:
    job_id = world.optimized(PAID)
    world.provider.before_submit = ProviderRefused("429", "Too many requests.", retryable=True)
    for _ in range(2):
        with pytest.raises(TryAgain):
            world.execute(TENANT, job_id, 1)
    world.provider.before_submit = None
    assert world.execute(TENANT, job_id, 1) == {"outcome": "pending"}
    assert world.types(job_id)[3:] == [
        *["ExecutionIntended", "ExecutionRefused"] * 2,
        "ExecutionIntended",
        "ExecutionSubmitted",
    ]
    tokens = [event.document["data"]["token"] for event in world.story(job_id) if event.type == "ExecutionIntended"]
    assert len(set(tokens)) == 3
    assert world.provider.posts[0]["name"] == tokens[-1]


@pytest.mark.parametrize(
    ("code", "retryable", "then"),
    [
        ("PROVIDER_REJECTED", False, "Retrying cannot help: change the circuit."),
        ("PROVIDER_QUOTA_EXHAUSTED", True, "Retry it when that has been put right."),
    ],
)
def test_a_definite_no_ends_the_job_with_words(world: World, code: str, retryable: bool, then: str) -> None:
    """Whether a person may retry is another question than whether the step does, which gives up at once in both."""
    job_id = world.optimized(PAID)
    world.provider.before_submit = ProviderRefused(code, "No, for this reason.", retryable=False)
    assert world.execute(TENANT, job_id, 1) == {"outcome": "failed"}
    failure = world.job(job_id).failure
    assert failure is not None
    assert (failure.code, failure.retryable) == (code, retryable)
    assert failure.message == f"IonQ did not take the job, so nothing was run or charged: No, for this reason. {then}"


def test_calibration_that_cannot_be_read_sends_nothing(world: World) -> None:
    job_id = world.optimized(PAID)
    world.provider.unavailable = True
    with pytest.raises(ProviderUnavailable):
        world.execute(TENANT, job_id, 1)
    assert world.types(job_id)[-1] == "CircuitOptimized"


def test_the_calibration_is_kept_with_the_submission(world: World) -> None:
    job_id = world.optimized(PAID)
    world.execute(TENANT, job_id, 1)
    intended = world.job(job_id).intended
    assert intended is not None
    assert intended.calibration is not None
    assert world.objects.get_checked(intended.calibration) == b'{"id":"c1"}'


def test_racing_executes_send_once(world: World) -> None:
    job_id = world.optimized(PAID)
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda _: world.execute(TENANT, job_id, 1)["outcome"], range(16)))
    assert set(outcomes) == {"pending"}
    assert len(world.provider.posts) == 1
    assert world.types(job_id).count("ExecutionIntended") == 1


def test_a_job_that_ended_meanwhile_is_not_sent(world: World) -> None:
    job_id = world.optimized(PAID)
    world.fail(TENANT, job_id, 1, {"Error": "States.Timeout"})
    assert world.execute(TENANT, job_id, 1) == {"outcome": "failed"}
    assert world.provider.posts == []


def test_facts_after_the_end_are_kept(world: World) -> None:
    """The job fails while the provider's answer is on its way: the paid job must not become untracked."""
    job_id = world.optimized(PAID)
    job = world.job(job_id)
    submit = world.provider.submit

    def slow(body: bytes) -> str:
        world.log.decide(TENANT, job_id, Origin("test", "c"), lambda newest: FAILED)
        return submit(body)

    world.provider.submit = slow  # type: ignore[method-assign]  # the provider answers after the job has failed
    assert world.execute(TENANT, job_id, 1) == {"outcome": "failed"}
    assert world.types(job_id)[-2:] == ["JobFailed", "ExecutionSubmitted"]
    assert world.job(job_id).status == "failed"
    assert world.job(job_id).provider_job_id == "p1"
    assert job.provider_job_id is None


def test_an_interrupted_paid_submission_is_held_not_failed(world: World) -> None:
    job_id = world.optimized(PAID)
    world.provider.after_submit = Crash()
    with pytest.raises(Crash):
        world.execute(TENANT, job_id, 1)
    world.fail(TENANT, job_id, 1, {"Error": "States.Timeout"})
    job = world.job(job_id)
    assert job.status == "held"
    assert job.held is not None
    assert "cannot be paid twice" in job.held.reason


def test_a_job_that_was_turned_away_to_the_end_says_why(world: World) -> None:
    job_id = world.optimized(PAID)
    world.provider.before_submit = ProviderRefused("PROVIDER_RATE_LIMITED", "too many jobs", retryable=True)
    for _ in range(2):
        with pytest.raises(TryAgain):
            world.execute(TENANT, job_id, 1)
    world.fail(TENANT, job_id, 1, {"Error": "States.TaskFailed"})
    failure = world.job(job_id).failure
    assert failure is not None
    assert (failure.step, failure.code, failure.retryable) == ("execute", "PROVIDER_RATE_LIMITED", True)
    assert "turning the job away: too many jobs. Nothing was run. Retry" in failure.message


def test_a_job_that_was_turned_away_first_and_taken_then_is_not_said_to_have_been_refused(world: World) -> None:
    job_id = world.optimized(PAID)
    world.provider.before_submit = ProviderRefused("PROVIDER_RATE_LIMITED", "too many jobs", retryable=True)
    with pytest.raises(TryAgain):
        world.execute(TENANT, job_id, 1)
    world.provider.before_submit = None
    assert world.execute(TENANT, job_id, 1) == {"outcome": "pending"}
    world.fail(TENANT, job_id, 1, {"Error": "States.Timeout"})
    failure = world.job(job_id).failure
    assert failure is not None
    assert (failure.step, failure.code) == ("await", "STEP_TIMEOUT")
    assert failure.message.startswith("The result did not come in time.")


def test_a_job_that_ran_and_could_not_be_finished_says_what_retrying_costs(world: World) -> None:
    job_id = world.optimized()
    world.provider.quick = True
    assert world.execute(TENANT, job_id, 1) == {"outcome": "done"}
    world.fail(TENANT, job_id, 1, {"Error": "States.TaskFailed"})
    job = world.job(job_id)
    assert job.failure is not None
    assert (job.failure.step, job.failure.code) == ("sign", "STEP_FAILED")
    assert "Retrying runs and charges it again" in job.failure.message
    results = world.jobs.results(job)
    assert results is not None
    assert results["counts"] == {"00": 512, "11": 512}


def test_settle_outlasts_the_execute_function() -> None:
    assert timedelta(seconds=60) < SETTLE


def test_tokens_say_nothing_about_the_tenant(world: World) -> None:
    job_id = world.optimized(PAID)
    world.execute(TENANT, job_id, 1)
    sent = str(world.provider.posts)
    assert TENANT not in sent
    assert job_id not in sent
