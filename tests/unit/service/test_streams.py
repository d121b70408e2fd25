"""The two stream readers under duplicates, gaps, any order, and records that are none."""

from __future__ import annotations

import base64
import random
from collections import Counter
from typing import Any

import pytest

from qcos.adapters import memory_waits
from qcos.events import Event
from qcos.service.relay import NotPublished
from qcos.stream import readable
from qcos.views import JobFilter, contributions, job_row
from tests.unit.service.world import TENANT, World


def several_jobs(world: World) -> list[str]:
    world.provider.quick = True
    jobs = [world.submitted(evidence=False) for _ in range(6)]
    for job_id in jobs[1:]:
        world.transpile(TENANT, job_id, 1)
    for job_id in jobs[2:]:
        world.execute(TENANT, job_id, 1)
    for job_id in jobs[3:5]:
        world.sign(TENANT, job_id, 1)
    world.fail(TENANT, jobs[5], 1, {})
    return jobs


@pytest.mark.parametrize("seed", range(20))
def test_any_delivery_ends_in_the_same_rows_and_counters(seed: int) -> None:
    world = World()
    jobs = several_jobs(world)
    deliveries = [event.stream_id for job_id in jobs for event in world.story(job_id)]
    chance = random.Random(seed)
    deliveries += chance.choices(deliveries, k=20)
    chance.shuffle(deliveries)
    for job_id in deliveries:
        world.project(TENANT, job_id)
    expected: Counter[str] = Counter()
    for job_id in jobs:
        row = world.views.row(TENANT, job_id)
        assert row == job_row(world.job(job_id))
        expected.update(contributions(world.job(job_id)))
    assert +Counter(world.views.counters[TENANT]) == +expected
    assert expected["total"] == len(jobs)


def test_projecting_as_the_log_grows_keeps_the_counters_right(world: World) -> None:
    job_id = world.submitted()
    world.provider.quick = True
    for step in (world.transpile, world.execute, world.sign):
        world.project(TENANT, job_id)
        step(TENANT, job_id, 1)
    world.project(TENANT, job_id)
    assert +Counter(world.views.counters[TENANT]) == contributions(world.job(job_id))
    assert world.jobs.page(TENANT, JobFilter(("completed",)), 10, 0).total == 1
    assert world.jobs.page(TENANT, JobFilter(("queued",)), 10, 0).rows == ()


def test_relay_starts_one_workflow_a_job_and_publishes_everything(world: World) -> None:
    job_id = world.submitted()
    world.transpile(TENANT, job_id, 1)
    events = world.story(job_id)
    world.relay([*events, *events])
    first = {"tenant": TENANT, "job_id": job_id, "attempt": 1, "decided_n": 0}
    assert world.workflows.started == {f"{job_id}-1": first}
    assert {event.event_id for event in world.bus.published} == {event.event_id for event in events}


def test_an_unpublished_event_brings_the_batch_back(world: World) -> None:
    job_id = world.submitted()
    events = world.story(job_id)
    world.bus.refusing.add(events[0].event_id)
    with pytest.raises(NotPublished):
        world.relay(events)
    assert f"{job_id}-1" in world.workflows.started


def test_records_that_hold_no_event_are_parked_and_the_rest_goes_on(world: World) -> None:
    job_id = world.submitted()
    good = world.story(job_id)[0].raw
    parking_lot = memory_waits.ParkingLot()

    def record(body: bytes, name: str = "INSERT") -> dict[str, Any]:
        image = {"body": {"B": base64.b64encode(body).decode()}}
        return {
            "eventName": name,
            "dynamodb": {"Keys": {"pk": {"S": "T#a#JOB#j"}, "sk": {"N": "7"}}, "NewImage": image},
        }

    def decode(image: Any) -> Event:
        return Event(base64.b64decode(image["body"]["B"]))

    strange = good.replace(b'"shots":1024', b'"shots":"x"')
    records = [
        record(b"no json"),
        record(good),
        record(b"{}"),
        {"eventName": "INSERT"},
        record(strange),
        record(good, "REMOVE"),
    ]
    events = readable(records, "relay", decode, parking_lot)
    assert [event.raw for event in events] == [good]
    assert [(note["stream_id"], note["version"]) for note in parking_lot.parked] == [
        ("T#a#JOB#j", 7),
        ("T#a#JOB#j", 7),
        ("?", 0),
        ("T#a#JOB#j", 7),
    ]
