"""A held job's next workflow execution: begun by the decision, found again by the sweep, under names of its own."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import pytest

from qcos.provider import ProviderJob, ProviderUnknown
from qcos.service.executions import RESTARTS
from tests.unit.service.test_held_jobs import PAID, adopt, release
from tests.unit.service.test_sweep import Service, nothing
from tests.unit.service.world import CALLER, TENANT, World


@pytest.fixture
def service() -> Service:
    return Service()


def held_in_service(service: Service) -> str:
    service.provider.before_submit = ProviderUnknown("timeout")
    job_id = service.submitted(PAID)
    assert service.hour(job_id) == nothing()
    assert service.job(job_id).status == "held"
    service.provider.before_submit = None
    return job_id


@pytest.mark.parametrize("hours", [0, 30])
def test_a_released_job_goes_through_the_same_workflow(service: Service, hours: int) -> None:
    job_id = held_in_service(service)
    service.clock.forward(hours=hours)
    service.provider.quick = True
    release(service, job_id)
    assert service.hour(job_id) == nothing()
    assert list(service.machine.started) == [f"{job_id}-1", f"{job_id}-1-h1"]
    assert service.job(job_id).status == "completed"
    assert len(service.provider.posts) == 1
    assert service.waits.of_job(TENANT, job_id) == []


def known_after_all(service: Service, job_id: str) -> None:
    """The provider lists the held submission, as ``p1``."""
    intended = service.job(job_id).intended
    assert intended
    machine = intended.provider_backend
    service.provider.known["p1"] = ProviderJob("p1", "submitted", name=intended.token, backend=machine)


def test_an_adopted_job_goes_through_the_same_workflow(service: Service) -> None:
    job_id = held_in_service(service)
    known_after_all(service, job_id)
    adopt(service, job_id)
    assert service.hour(job_id) == nothing()
    assert service.job(job_id).status == "running"
    service.provider.finish("p1")
    assert service.hour(job_id) == nothing()
    assert list(service.machine.started) == [f"{job_id}-1", f"{job_id}-1-h1"]
    assert service.job(job_id).status == "completed"
    assert service.provider.posts == []


@pytest.mark.parametrize("decide", [adopt, release])
def test_the_execution_that_ended_in_holding_does_not_end_what_a_person_lets_go_on(
    service: Service, monkeypatch: pytest.MonkeyPatch, decide: Callable[[World, str], None]
) -> None:
    """Its last step is repeated while no answer comes, also when it has held the job and a person has decided since."""
    function = importlib.import_module("functions.steps.fail")
    monkeypatch.setattr(function.wiring, "fail", lambda: service.fail)
    job_id = held_in_service(service)
    if decide is adopt:
        known_after_all(service, job_id)
    decide(service, job_id)
    service.deliver(job_id)
    before = service.types(job_id)
    earlier, later = (
        {**execution, "error": {"Error": "States.Timeout"}} for execution in service.machine.started.values()
    )
    function.handler.__wrapped__(earlier, None)
    assert service.types(job_id) == before
    assert service.queue.sent == [], "nor is it stopped at IonQ"
    function.handler.__wrapped__(later, None)
    assert service.types(job_id) == [*before, "JobFailed"]
    assert len(service.queue.sent) == (1 if decide is adopt else 0)


@pytest.mark.parametrize("decided", [False, True])
@pytest.mark.parametrize("restarted", [False, True])
def test_cancelling_stops_the_execution_that_runs(service: Service, decided: bool, restarted: bool) -> None:
    if decided:
        job_id = held_in_service(service)
        known_after_all(service, job_id)
        adopt(service, job_id)
    else:
        job_id = service.submitted(PAID)
    service.machine.lost |= {"Transpile"} if restarted else set()
    service.hour(job_id)
    name = f"{job_id}-1" + "-h1" * decided + "-r1" * restarted
    running = [one for one in service.machine.started if (found := service.machine.execution(one)) and found.running]
    assert running == [name]
    service.lifecycle.cancel(CALLER, job_id)
    service.deliver(job_id)
    assert service.machine.stopped == {name: "cancelled by the user"}


@pytest.mark.parametrize("decide", [adopt, release])
@pytest.mark.parametrize("projected", [False, True])
def test_a_decision_that_the_relay_never_heard_of_is_found(
    service: Service, projected: bool, decide: Callable[[World, str], None]
) -> None:
    job_id = held_in_service(service)
    if decide is adopt:
        known_after_all(service, job_id)
        service.provider.finish("p1")
    service.provider.quick = True
    decide(service, job_id)
    service.drop_relay, service.drop_projection = True, not projected
    service.deliver(job_id)
    service.drop_relay = service.drop_projection = False
    assert service.hour(job_id) == nothing() | {"workflows_restarted" if projected else "unprojected": 1}
    assert list(service.machine.started) == [f"{job_id}-1", f"{job_id}-1-h1"]
    assert service.job(job_id).status == "completed"
    assert len(service.provider.posts) == (0 if decide is adopt else 1)


def test_the_workflow_of_a_released_job_is_started_again_under_its_own_names(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has its own count, whatever the executions before the decision used up."""
    job_id = held_in_service(service)
    release(service, job_id)
    monkeypatch.setattr(service.machine, "_step", service.machine.ended.add)
    found = [service.hour(job_id) for _ in range(4)]
    assert sum(one["workflows_restarted"] for one in found) == RESTARTS
    assert sum(one["jobs_given_up"] for one in found) == 1
    assert list(service.machine.started) == [
        f"{job_id}-1",
        f"{job_id}-1-h1",
        *(f"{job_id}-1-h1-r{number}" for number in range(1, RESTARTS + 1)),
    ]
