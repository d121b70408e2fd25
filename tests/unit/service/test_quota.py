"""Quotas, idempotency, batches, and money: exact under races, and never guessed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from qcos.errors import (
    BatchNotFound,
    IdempotencyMismatch,
    InvalidCircuit,
    JobNotFound,
    PayloadTooLarge,
    QuotaExceeded,
    ValidationFailed,
)
from qcos.events import BatchSubmitted, JobSubmitted
from qcos.ledger import EVALUATIONS, SPEND, Charge
from qcos.models import Options, Submission
from qcos.plans import EVALUATIONS as PRICE
from qcos.plans import PLANS, Plan
from qcos.provider import ProviderRefused, ProviderUnknown
from qcos.service.log import JobLog
from qcos.service.submit import MAX_BATCH, Accepted
from tests.unit.service.world import BELL, CALLER, TENANT, World, submission

COUNTER = f"{EVALUATIONS}#2026-02"
MONEY = f"{SPEND}#2026-02"
PAID = "ionq_aria"


def limited(world: World, evaluations: int = 10**9, spend: int = 10**12) -> None:
    world.log = JobLog(world.events, world.clock, Plan("test", 1, 1, evaluations, 1024, spend))
    world.compose()


def level0(**fields: object) -> Submission:
    options = Options(optimization_level=0, evidence=False, pqc_signing=True)
    return Submission.model_validate(
        {"qasm": BELL, "backend": "ionq_simulator", "shots": 1, "options": options, **fields}
    )


def test_the_last_evaluations_are_given_out_exactly(world: World) -> None:
    limited(world, evaluations=50_000)
    world.events._counters[TENANT, COUNTER] = 49_990

    def attempt(_: int) -> bool:
        try:
            world.submit(CALLER, level0())
        except QuotaExceeded:
            return False
        return True

    with ThreadPoolExecutor(64) as pool:
        accepted = list(pool.map(attempt, range(64)))
    assert sum(accepted) == 10
    assert world.events.counter(TENANT, COUNTER) == 50_000


def test_the_refusal_says_what_is_needed(world: World) -> None:
    limited(world, evaluations=3)
    with pytest.raises(QuotaExceeded) as refusal:
        world.submitted()
    assert refusal.value.details == [{"field": "evaluations", "needed": PRICE[2], "limit": 3}]
    assert world.events._streams == {}


def test_shots_are_those_of_the_plan(world: World) -> None:
    limited(world)
    with pytest.raises(ValidationFailed, match="1,024"):
        world.submit(CALLER, level0(shots=1025))


class TestIdempotency:
    def test_the_same_request_is_accepted_once(self, world: World) -> None:
        with ThreadPoolExecutor(32) as pool:
            answers = list(pool.map(lambda _: world.submit(CALLER, submission(), "k"), range(32)))
        assert len(set(answers)) == 1
        assert len(world.events._streams) == 1
        assert world.events.counter(TENANT, COUNTER) == PRICE[2]

    def test_it_outranks_quota_and_a_backend_that_is_down(self, world: World) -> None:
        first = world.submit(CALLER, submission(), "k")
        limited(world, evaluations=0)
        world.provider.unavailable = True
        assert world.submit(CALLER, submission(), "k") == first

    def test_the_answer_stays_the_same_whatever_became_of_the_job(self, world: World) -> None:
        first = world.submit(CALLER, submission(), "k")
        world.lifecycle.cancel(CALLER, first.job_id)
        assert world.submit(CALLER, submission(), "k") == Accepted(first.job_id, "queued", first.estimated_time)

    def test_another_body_is_refused(self, world: World) -> None:
        world.submit(CALLER, submission(), "k")
        with pytest.raises(IdempotencyMismatch):
            world.submit(CALLER, submission(evidence=False), "k")
        assert len(world.events._streams) == 1

    def test_other_tenants_and_routes_have_their_own_keys(self, world: World) -> None:
        one = world.submit(CALLER, submission(), "k").job_id
        other = CALLER.model_copy(update={"tenant": "other"})
        assert world.submit(other, submission(), "k").job_id != one
        assert one not in world.submit.batch(CALLER, [submission()], "k").job_ids


class TestBatch:
    def test_all_jobs_begin_together(self, world: World) -> None:
        parts = [submission(name=f"c{i}") for i in range(3)]
        batch = world.submit.batch(CALLER, parts)
        assert len(batch.job_ids) == 3
        log = world.events.read(TENANT, batch.batch_id)
        assert isinstance(log[0].data, BatchSubmitted)
        for index, job_id in enumerate(batch.job_ids):
            data = world.story(job_id)[0].data
            assert isinstance(data, JobSubmitted)
            assert (data.batch_id, data.batch_index, data.name) == (batch.batch_id, index, f"c{index}")
        assert world.events.counter(TENANT, COUNTER) == 3 * PRICE[2]

    def test_one_bad_circuit_refuses_all_and_every_bad_one_is_named(self, world: World) -> None:
        bad = submission(qasm=BELL.replace("h q", "hh q"))
        missing = submission(backend="ionq_harmony")
        with pytest.raises(InvalidCircuit) as refusal:
            world.submit.batch(CALLER, [submission(), bad, submission(), missing])
        places = [(place["index"], place["code"]) for place in refusal.value.details]
        assert places == [(1, "INVALID_CIRCUIT"), (3, "BACKEND_NOT_FOUND")]
        assert world.events._streams == {}
        assert world.objects.objects == {}

    def test_the_limit_is_that_of_one_transaction(self, world: World) -> None:
        batch = world.submit.batch(CALLER, [level0()] * MAX_BATCH)
        assert len(batch.job_ids) == 98
        with pytest.raises(PayloadTooLarge, match="98"):
            world.submit.batch(CALLER, [level0()] * (MAX_BATCH + 1))

    def test_the_quota_takes_all_or_nothing(self, world: World) -> None:
        limited(world, evaluations=2)
        with pytest.raises(QuotaExceeded):
            world.submit.batch(CALLER, [level0()] * 3)
        assert world.events._streams == {}
        assert world.events.counter(TENANT, COUNTER) == 0

    def test_the_same_batch_twice(self, world: World) -> None:
        first = world.submit.batch(CALLER, [level0()] * 3, "k")
        assert world.submit.batch(CALLER, [level0()] * 3, "k") == first
        with pytest.raises(IdempotencyMismatch):
            world.submit.batch(CALLER, [level0()] * 2, "k")
        assert world.events.counter(TENANT, COUNTER) == 3

    def test_status_follows_the_jobs(self, world: World) -> None:
        batch = world.submit.batch(CALLER, [level0()] * 2)
        assert world.batches.get(TENANT, batch.batch_id).counts == {"queued": 2}
        world.provider.quick = True
        one, two = batch.job_ids
        for step in (world.transpile, world.execute, world.sign):
            step(TENANT, one, 1)
        world.project(TENANT, one)
        assert world.batches.get(TENANT, batch.batch_id).status == "processing"
        world.fail(TENANT, two, 1, {})
        world.project(TENANT, two)
        found = world.batches.get(TENANT, batch.batch_id)
        assert (found.status, found.counts) == ("partial", {"completed": 1, "failed": 1})
        world.project(TENANT, batch.batch_id)
        assert world.views.counters_of(TENANT)["submissions"] == 1
        assert world.views.counters_of(TENANT)["total"] == 2

    def test_cancelling_leaves_what_has_ended(self, world: World) -> None:
        batch = world.submit.batch(CALLER, [level0()] * 2)
        world.fail(TENANT, batch.job_ids[0], 1, {})
        statuses = world.batches.cancel(CALLER, batch.batch_id)
        assert statuses == dict(zip(batch.job_ids, ("failed", "cancelled"), strict=True))

    def test_a_batch_is_no_job_and_nobody_elses(self, world: World) -> None:
        batch = world.submit.batch(CALLER, [level0()])
        with pytest.raises(JobNotFound):
            world.jobs.get(TENANT, batch.batch_id)
        with pytest.raises(BatchNotFound):
            world.batches.get("other", batch.batch_id)
        with pytest.raises(BatchNotFound):
            world.batches.get(TENANT, batch.job_ids[0])


class TestMoney:
    def spent(self, world: World) -> int:
        return world.events.counter(TENANT, MONEY)

    def test_it_is_reserved_before_and_corrected_after(self, world: World) -> None:
        job_id = world.optimized(PAID)
        world.execute(TENANT, job_id, 1)
        assert self.spent(world) == 1_500_000
        world.provider.finish("p1")
        world.poll([world.await_message(job_id)])
        assert self.spent(world) == 1_230_000

    def test_what_it_cost_is_recorded_though_no_money_is_left(self, world: World) -> None:
        limited(world, spend=1_500_000)
        job_id = world.optimized(PAID)
        world.execute(TENANT, job_id, 1)
        world.provider.cost = 1_600_000
        world.provider.finish("p1")
        assert world.poll([world.await_message(job_id)]) == []
        assert world.job(job_id).execution is not None
        assert self.spent(world) == 1_600_000
        assert world.execute(TENANT, world.optimized(PAID), 1) == {"outcome": "failed"}

    def test_a_refusal_frees_it(self, world: World) -> None:
        job_id = world.optimized(PAID)
        world.provider.before_submit = ProviderRefused("x", "no", retryable=False)
        world.execute(TENANT, job_id, 1)
        assert self.spent(world) == 0

    def test_a_lost_answer_keeps_it(self, world: World) -> None:
        job_id = world.optimized(PAID)
        world.provider.before_submit = ProviderUnknown("?")
        world.execute(TENANT, job_id, 1)
        assert self.spent(world) == 1_500_000

    @pytest.mark.parametrize(("cost", "spent"), [(0, 0), (700_000, 700_000), (None, 1_500_000)])
    def test_a_job_that_failed_there_costs_what_ionq_says(self, world: World, cost: int | None, spent: int) -> None:
        job_id = world.optimized(PAID)
        world.execute(TENANT, job_id, 1)
        world.provider.cost = cost
        world.provider.finish("p1", "failed")
        world.poll([world.await_message(job_id)])
        assert self.spent(world) == spent

    def test_the_simulator_costs_nothing(self, world: World) -> None:
        job_id = world.optimized()
        world.provider.cost = 0
        world.provider.quick = True
        world.execute(TENANT, job_id, 1)
        assert self.spent(world) == 0

    def test_the_jobs_own_cap(self, world: World) -> None:
        job_id = world.optimized(PAID, max_cost=1_499_999)
        assert world.execute(TENANT, job_id, 1) == {"outcome": "failed"}
        failure = world.job(job_id).failure
        assert failure is not None
        assert failure.code == "COST_LIMIT_EXCEEDED"
        assert "$1.50" in failure.message
        assert world.provider.posts == []
        assert world.execute(TENANT, world.optimized(PAID, max_cost=1_500_000), 1) == {"outcome": "pending"}

    def test_the_tenants_cap_holds_under_races(self, world: World) -> None:
        limited(world, spend=4 * 1_500_000)
        jobs = [world.optimized(PAID) for _ in range(12)]
        with ThreadPoolExecutor(12) as pool:
            list(pool.map(lambda job_id: world.execute(TENANT, job_id, 1), jobs))
        assert len(world.provider.posts) == 4
        assert self.spent(world) == 4 * 1_500_000
        codes = [failure.code for job_id in jobs if (failure := world.job(job_id).failure)]
        assert codes == ["SPEND_LIMIT_EXCEEDED"] * 8

    def test_without_a_price_nothing_is_sent(self, world: World) -> None:
        job_id = world.optimized(PAID)
        world.provider.price = None
        assert world.execute(TENANT, job_id, 1) == {"outcome": "failed"}
        failure = world.job(job_id).failure
        assert failure is not None
        assert failure.code == "COST_UNKNOWN"
        assert world.provider.posts == []

    def test_a_dry_run_asks_for_the_price_and_runs_nothing(self, world: World) -> None:
        job_id = world.optimized(PAID, dry_run=True)
        assert world.execute(TENANT, job_id, 1) == {"outcome": "ended"}
        job = world.job(job_id)
        assert job.status == "completed"
        assert job.estimated is not None
        assert job.estimated.cost_microdollars == 1_500_000
        assert world.provider.posts == []
        assert self.spent(world) == 0
        assert world.sign(TENANT, job_id, 1) == {"outcome": "done"}
        assert "EvidenceSigned" not in world.types(job_id)


def test_plans_never_shrink_upwards() -> None:
    ordered = [PLANS[name] for name in ("free", "pro", "hybrid", "enterprise")]
    for low, high in pairwise(ordered):
        assert low.requests_per_minute < high.requests_per_minute
        assert low.evaluations_per_month < high.evaluations_per_month
        assert low.monthly_spend_microdollars < high.monthly_spend_microdollars
    assert PLANS["pro"].evaluations_per_month == 50_000


def test_a_charge_alone_is_no_append(world: World) -> None:
    with pytest.raises(ValueError, match="events"):
        world.events.append([], [Charge(TENANT, COUNTER, 1)])
