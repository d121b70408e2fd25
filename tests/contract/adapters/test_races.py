"""Clients that race, through the use cases and the real adapters: one job, one charge, one end, never over a limit."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from starlette.types import ASGIApp, Receive, Scope, Send

from qcos.errors import Conflict, IdempotencyMismatch
from qcos.events import Event, JobCancelled, JobCompleted, JobFailed
from qcos.http import envelope
from qcos.http.app import application
from qcos.ledger import EVALUATIONS, SPEND
from qcos.models import Submission
from qcos.plans import EVALUATIONS as PRICE
from qcos.plans import Plan
from qcos.service.log import JobLog
from qcos.service.rates import Rates
from qcos.service.submit import Accepted, AcceptedBatch
from tests.contract.adapters.backends import Backend
from tests.contract.adapters.samples import race
from tests.unit.service.world import CALLER, TENANT, Clock, World, submission

CLIENTS = 32
COST = 1_500_000
"""What the world's provider estimates for a job on a machine, micro-dollars."""
PLAN = Plan("test", 20, 1_000, 100_000, 1024, 4 * COST)
ENDS = (JobCompleted, JobFailed, JobCancelled)


@pytest.fixture
def real(backend: Backend) -> World:
    """A tenant's service whose log, charges, circuits and waits are kept by the adapters under test."""
    world = World()
    world.events = backend.event_store()  # type: ignore[assignment]  # a world begins in memory
    world.objects = backend.object_store()  # type: ignore[assignment]  # as above
    world.control = backend.control()  # type: ignore[assignment]  # as above
    world.log = JobLog(world.events, world.clock, PLAN)
    world.compose()
    return world


def charged(world: World, counter: str = EVALUATIONS) -> int:
    return world.events.counter(TENANT, f"{counter}#2026-02")


def ends(log: list[Event]) -> list[str]:
    """The types of the events that ended the job."""
    return [event.type for event in log if isinstance(event.data, ENDS)]


def test_one_key_and_one_request_are_one_job_and_one_charge(real: World) -> None:
    answers = race([lambda: real.submit(CALLER, submission(), "key")] * CLIENTS)
    assert {type(answer) for answer in answers} == {Accepted}, answers
    assert len(set(answers)) == 1
    assert real.types(answers[0].job_id) == ["JobSubmitted"]
    assert charged(real) == PRICE[2]


def test_one_key_and_one_batch_are_one_batch_and_one_charge(real: World) -> None:
    parts = [submission(name=f"c{n}") for n in range(3)]
    answers = race([lambda: real.submit.batch(CALLER, parts, "key")] * CLIENTS)
    assert {type(answer) for answer in answers} == {AcceptedBatch}, answers
    assert len(set(answers)) == 1
    assert [real.types(job_id) for job_id in answers[0].job_ids] == [["JobSubmitted"]] * 3
    assert charged(real) == 3 * PRICE[2]


def test_of_other_requests_with_one_key_one_wins(real: World) -> None:
    wanted: list[Submission] = [submission(name=f"client {n}") for n in range(CLIENTS)]
    answers = race([partial(real.submit, CALLER, one, "key") for one in wanted])
    assert Counter(map(type, answers)) == {Accepted: 1, IdempotencyMismatch: CLIENTS - 1}
    winner = next(n for n, answer in enumerate(answers) if isinstance(answer, Accepted))
    assert real.job(answers[winner].job_id).submitted.name == f"client {winner}"
    assert {answer.status for answer in answers if isinstance(answer, IdempotencyMismatch)} == {422}
    assert charged(real) == PRICE[2]


def test_a_job_ends_once_whoever_comes_first(real: World) -> None:
    real.provider.quick = True
    for turn in range(3):
        job_id = real.optimized()
        assert real.execute(TENANT, job_id, 1) == {"outcome": "done"}
        calls = [
            lambda job_id=job_id: real.lifecycle.cancel(CALLER, job_id).status,
            lambda job_id=job_id: real.sign(TENANT, job_id, 1),
            lambda job_id=job_id: real.fail(TENANT, job_id, 1, {}),
        ]
        answers = race([calls[(n + turn) % 3] for n in range(9)])
        job = real.job(job_id)
        assert ends(real.story(job_id)) == [
            {"completed": "JobCompleted", "failed": "JobFailed", "cancelled": "JobCancelled"}[job.status]
        ]
        cancels = [answer for answer in answers if isinstance(answer, str | Conflict)]
        assert len(cancels) == 3, answers
        assert all((answer == "cancelled") == (job.status == "cancelled") for answer in cancels)
        assert (job.evidence is not None) == (job.status == "completed")


def test_a_job_that_is_cancelled_while_it_is_sent_is_sent_at_most_once(real: World) -> None:
    job_id = real.optimized("ionq_aria")
    execute = partial(real.execute, TENANT, job_id, 1)
    cancel = partial(real.lifecycle.cancel, CALLER, job_id)
    answers = race([execute, cancel, execute, cancel, execute, cancel])
    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert ends(real.story(job_id)) == ["JobCancelled"]
    assert len(real.provider.posts) <= 1
    assert real.types(job_id).count("ExecutionSubmitted") == len(real.provider.posts)
    assert charged(real, SPEND) == COST * len(real.provider.posts)


def test_the_tenants_money_is_never_overspent(real: World) -> None:
    jobs = [real.optimized("ionq_aria") for _ in range(12)]
    outcomes = race([partial(real.execute, TENANT, job_id, 1) for job_id in jobs])
    assert Counter(outcome["outcome"] for outcome in outcomes) == {"pending": 4, "failed": 8}
    failures = [failure.code for job_id in jobs if (failure := real.job(job_id).failure)]
    assert failures == ["SPEND_LIMIT_EXCEEDED"] * 8
    assert len(real.provider.posts) == 4
    assert charged(real, SPEND) == PLAN.monthly_spend_microdollars


class Vouched:
    """An application whose requests come with what the authorizer said of a tenant."""

    def __init__(self, app: ASGIApp, tenant: str) -> None:
        self.app = app
        self.authorizer = {"tenant": tenant, "key_id": "k1", "scopes": "admin"}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        event = {"requestContext": {"authorizer": self.authorizer}}
        await self.app({**scope, "aws.event": event}, receive, send)


async def get(app: ASGIApp) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://api") as client:
        return await client.get("/asked")


def test_a_window_lets_exactly_so_many_requests_in(backend: Backend) -> None:
    clock = Clock()
    clock.forward(seconds=13)
    rates = Rates(backend.control(), clock, PLAN)
    let_in: list[None] = []
    routes = APIRouter()

    @routes.get("/asked")
    async def asked() -> Any:
        let_in.append(None)
        return envelope.success({})

    app = application(routes, rates=lambda: rates)
    tenants = ["acme"] * CLIENTS + ["bell"] * 3
    answers = race([lambda tenant=tenant: asyncio.run(get(Vouched(app, tenant))) for tenant in tenants])
    assert not [answer for answer in answers if isinstance(answer, Exception)], answers

    acme, bell = answers[:CLIENTS], answers[CLIENTS:]
    assert Counter(answer.status_code for answer in acme) == {200: 20, 429: 12}
    assert len(let_in) == 20 + 3
    left = [int(answer.headers["RateLimit-Remaining"]) for answer in acme if answer.status_code == 200]
    assert sorted(left) == list(range(20))
    assert [answer.status_code for answer in bell] == [200] * 3
    assert sorted(int(answer.headers["RateLimit-Remaining"]) for answer in bell) == [17, 18, 19]
    for answer in acme + bell:
        assert (answer.headers["RateLimit-Limit"], answer.headers["RateLimit-Reset"]) == ("20", "47")
    for refused in (answer for answer in acme if answer.status_code == 429):
        assert (refused.headers["Retry-After"], refused.headers["RateLimit-Remaining"]) == ("47", "0")
        body = refused.json()
        assert body["success"] is False
        assert body["error"].keys() == {"code", "message", "details", "request_id", "retryable"}
        assert (body["error"]["code"], body["error"]["retryable"]) == ("RATE_LIMIT_EXCEEDED", True)

    clock.forward(seconds=47)
    assert asyncio.run(get(Vouched(app, "acme"))).headers["RateLimit-Remaining"] == "19"
