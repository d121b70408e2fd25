"""Proofs that events are in a job's log, over HTTP and from the real use cases, checked as a verifier checks them."""

from __future__ import annotations

from typing import Any

import pytest

from qcos.events import ExecutionSubmitted, Origin
from qcos_evidence import merkle
from tests.unit.http.conftest import Api
from tests.unit.http.fakes import TENANT
from tests.unit.http.test_whole import factories
from tests.unit.service.world import World

ORIGIN = Origin(actor="step:poll", correlation_id="req-1")


@pytest.fixture
def world() -> World:
    world = World()
    world.provider.quick = True
    return world


@pytest.fixture
def whole(world: World) -> Api:
    return Api(factories(world))


def finished(world: World, **options: Any) -> str:
    job_id = world.submitted(**options)
    for step in (world.transpile, world.execute, world.sign):
        step(TENANT, job_id, 1)
    return job_id


def holds(proof: dict[str, Any]) -> bool:
    leaf, root, *path = (
        bytes.fromhex(one.removeprefix("sha256:")) for one in (proof["leaf"], proof["root"], *proof["path"])
    )
    return merkle.verify_inclusion(leaf, proof["index"], proof["size"], path, root)


def test_every_event_that_the_bundle_covers_is_proved_under_its_root(whole: Api, world: World) -> None:
    job_id = finished(world)
    evidence = world.job(job_id).evidence
    assert evidence
    signed = whole("GET", f"/api/v2/evidence/{evidence.bundle_id}").data["event_log"]
    story = world.story(job_id)
    assert signed["size"] < len(story)
    for version, event in enumerate(story[: signed["size"]], 1):
        proof = whole("GET", f"/api/v2/jobs/{job_id}/events/{version}/proof").data
        assert (proof["job_id"], proof["version"], proof["index"]) == (job_id, version, version - 1)
        assert (proof["bundle_id"], proof["root"], proof["size"], proof["tree"]) == (
            evidence.bundle_id,
            signed["root_hash"],
            signed["size"],
            signed["tree"],
        )
        assert proof["leaf"] == event.hash == signed["leaf_hashes"][version - 1]
        assert holds(proof)
        assert not holds(proof | {"leaf": story[version].hash})


def test_what_no_bundle_covers_is_proved_under_the_whole_log(whole: Api, world: World) -> None:
    job_id = finished(world)
    story = world.story(job_id)
    for version in (len(story) - 1, len(story)):
        proof = whole("GET", f"/api/v2/jobs/{job_id}/events/{version}/proof").data
        assert (proof["bundle_id"], proof["leaf"], proof["size"]) == (None, story[version - 1].hash, len(story))
        assert holds(proof)


def test_a_job_without_evidence_has_proofs_that_follow_its_log(whole: Api, world: World) -> None:
    job_id = world.submitted(evidence=False)
    path = f"/api/v2/jobs/{job_id}/events/1/proof"
    first = whole("GET", path)
    assert (first.data["bundle_id"], first.data["path"], first.data["root"]) == (None, [], first.data["leaf"])
    world.transpile(TENANT, job_id, 1)
    later = whole("GET", path, headers={"If-None-Match": first.headers["etag"]})
    assert (later.status, later.data["size"]) == (200, 3)
    assert holds(later.data)


def test_a_fact_that_comes_between_reading_and_signing_is_not_under_the_root(whole: Api, world: World) -> None:
    """The bundle was made of the log as it was read; what the log says of it is appended after a late fact."""
    job_id = world.submitted()
    for step in (world.transpile, world.execute):
        step(TENANT, job_id, 1)
    sign = world.custody.sign

    def overtaken(*what: Any, **how: Any) -> Any:
        made = sign(*what, **how)
        job = world.job(job_id)
        late = ExecutionSubmitted(n=job.last_n, provider_job_id=str(job.provider_job_id))
        world.log.decide(TENANT, job_id, ORIGIN, lambda newest: [late] if newest.version == job.version else [])
        return made

    world.custody.sign = overtaken  # type: ignore[method-assign] # a signer that is slow
    world.sign(TENANT, job_id, 1)
    types = world.types(job_id)
    assert types[-3:] == ["ExecutionSubmitted", "EvidenceSigned", "JobCompleted"]
    late = len(types) - 2
    covered, left = (whole("GET", f"/api/v2/jobs/{job_id}/events/{one}/proof").data for one in (late - 1, late))
    assert (covered["size"], left["size"]) == (late - 1, len(types))
    assert (covered["bundle_id"] is None, left["bundle_id"]) == (False, None)
    assert holds(covered)
    assert holds(left)


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [
        ("0", 400, "VALIDATION_ERROR"),
        ("-1", 400, "VALIDATION_ERROR"),
        ("1_0", 400, "VALIDATION_ERROR"),
        ("1.0", 400, "VALIDATION_ERROR"),
        ("x", 400, "VALIDATION_ERROR"),
        ("1000001", 400, "VALIDATION_ERROR"),
        ("9", 404, "EVENT_NOT_FOUND"),
        ("1000000", 404, "EVENT_NOT_FOUND"),
    ],
)
def test_no_such_event(whole: Api, world: World, version: str, status: int, code: str) -> None:
    job_id = finished(world)
    answer = whole("GET", f"/api/v2/jobs/{job_id}/events/{version}/proof")
    assert (answer.status, answer.error["code"], answer.error["details"][0]["field"]) == (status, code, "version")
    if status == 404:
        assert "1 to 8" in answer.error["message"]
