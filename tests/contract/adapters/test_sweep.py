"""The sweep over the adapters that it reads: what it finds in memory it finds in the tables."""

from __future__ import annotations

from qcos.service.log import JobLog
from qcos.service.sweep import FOUND, QUIET
from tests.contract.adapters.backends import Backend
from tests.unit.service.world import CALLER, TENANT, World


def world_on(backend: Backend) -> World:
    world = World()
    world.events, world.views = backend.event_store(), backend.views()  # type: ignore[assignment] # other adapters
    world.waits, world.bookmarks = backend.waits(), backend.bookmarks()  # type: ignore[assignment]
    world.log = JobLog(world.events, world.clock, world.plan)
    world.compose()
    return world


def test_what_was_lost_is_found(backend: Backend) -> None:
    world = world_on(backend)
    never_started, unseen, waiting, cancelled = (world.submitted("ionq_forte") for _ in range(4))
    for job_id in (waiting, cancelled):
        world.transpile(TENANT, job_id, 1)
        world.execute(TENANT, job_id, 1)
    world.poll([world.await_message(waiting)])
    world.lifecycle.cancel(CALLER, cancelled)
    for job_id in (never_started, unseen, waiting, cancelled):
        world.project(TENANT, job_id)
        world.workflows.start(f"{job_id}-1", {"job_id": job_id})
    del world.workflows.started[f"{never_started}-1"]
    world.transpile(TENANT, unseen, 1)  # its row does not say so
    world.queue.sent.clear()

    world.clock.at += 2 * QUIET
    assert world.sweep(TENANT) == dict.fromkeys(FOUND, 0) | {
        "waits_sent": 1,
        "unprojected": 1,
        "workflows_restarted": 1,
        "cancellations_sent": 1,
    }
    assert f"{never_started}-1" in world.workflows.started
    row = world.views.row(TENANT, unseen)
    assert row
    assert row.version == 3
    assert {(message["kind"], message["job_id"]) for message, _ in world.queue.sent} == {
        ("await", waiting),
        ("cancel", cancelled),
    }
    assert world.problems == []
    # What was set right is not found again.
    assert world.sweep(TENANT) == dict.fromkeys(FOUND, 0)
