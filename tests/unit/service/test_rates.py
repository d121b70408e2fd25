"""Requests in fixed windows, exactly; stats that equal the log; circuits byte for byte."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from qcos.adapters import memory
from qcos.errors import Conflict, JobNotFound, RateLimitExceeded, ValidationFailed
from qcos.plans import Plan
from qcos.service.circuits import Circuits
from qcos.service.rates import Rates
from qcos.service.stats import Stats
from qcos.views import contributions
from tests.unit.service.world import BELL, CALLER, TENANT, Clock, World, submission

PLAN = Plan("test", 20, 50, 100, 10, 0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rates(clock: Clock) -> Rates:
    return Rates(memory.Control(), clock, PLAN)


def allowed(rates: Rates, tenant: str = TENANT) -> bool:
    try:
        rates.count(tenant)
    except RateLimitExceeded:
        return False
    return True


def test_the_minute_is_exact_under_32_clients(rates: Rates) -> None:
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: allowed(rates), range(200)))
    assert sum(answers) == 20


def test_windows_begin_anew_and_days_hold(rates: Rates, clock: Clock) -> None:
    passed = 0
    for _ in range(4):
        passed += sum(allowed(rates) for _ in range(20))
        clock.forward(seconds=60)
    assert passed == 50
    clock.forward(days=1)
    assert allowed(rates)


def test_tenants_do_not_share(rates: Rates) -> None:
    assert sum(allowed(rates) for _ in range(25)) == 20
    assert allowed(rates, "other")


def test_what_is_left_and_when_it_begins_anew(rates: Rates, clock: Clock) -> None:
    clock.forward(seconds=13)
    left = rates.count(TENANT)
    assert (left.limit, left.remaining, left.reset_s) == (20, 19, 47)
    for _ in range(19):
        rates.count(TENANT)
    with pytest.raises(RateLimitExceeded) as refusal:
        rates.count(TENANT)
    assert refusal.value.retry_after_s == 47


def test_stats_equal_a_fold_of_the_log(world: World) -> None:
    world.provider.quick = True
    jobs = [world.submitted() for _ in range(3)]
    jobs += world.submit.batch(CALLER, [submission()] * 4).job_ids
    for job_id in jobs[1:]:
        world.transpile(TENANT, job_id, 1)
    for job_id in jobs[2:4]:
        world.execute(TENANT, job_id, 1)
        world.sign(TENANT, job_id, 1)
    world.lifecycle.cancel(CALLER, jobs[0])
    for job_id in jobs:
        world.project(TENANT, job_id)
    stats = Stats(world.views, world.clock, world.plan)(TENANT)
    sums: dict[str, int] = {}
    for job_id in jobs:
        for name, amount in contributions(world.job(job_id)).items():
            sums[name] = sums.get(name, 0) + amount
    assert stats["total_jobs"] == 4
    assert stats["total_circuits"] == 7
    assert stats["avg_reduction"] == 40.0
    assert (
        stats["evaluations_used"] == sums["evaluations#2026-02"] == world.events.counter(TENANT, "evaluations#2026-02")
    )
    assert stats["by_status"] == {"cancelled": 1, "completed": 2, "optimizing": 4}


def test_nothing_yet() -> None:
    world = World()
    assert Stats(world.views, world.clock, world.plan)(TENANT)["avg_reduction"] == 0.0


def test_circuits_are_what_their_digests_say(world: World) -> None:
    circuits = Circuits(world.log, world.objects)
    job_id = world.submitted()
    data, media_type, digest = circuits.get(TENANT, job_id, "original", "qasm2")
    assert data == BELL.encode()
    assert media_type == "text/plain"
    with pytest.raises(Conflict, match="queued"):
        circuits.get(TENANT, job_id, "optimized", "ionq")
    world.transpile(TENANT, job_id, 1)
    for form in ("qasm2", "ionq"):
        data, _, digest = circuits.get(TENANT, job_id, "optimized", form)  # type: ignore[arg-type]  # both are forms
        assert digest == "sha3-256:" + hashlib.sha3_256(data).hexdigest()
    with pytest.raises(ValidationFailed):
        circuits.get(TENANT, job_id, "original", "ionq")
    with pytest.raises(JobNotFound):
        circuits.get("other", job_id, "original", "qasm2")
