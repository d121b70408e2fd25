"""What integrators rely on: schemas as checked in, samples that obey them, and what the bus really carries."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from qcos.adapters.wire import bus_entry
from qcos.event_schemas import schema
from qcos.events import EVENT_TYPES, CircuitOptimized, ExecutionAdopted
from qcos.record import evidence_record
from qcos_evidence.json_schema import bundle_schema
from tests.unit.service.world import CERTIFICATE, TENANT, World

EVENTS = Path(__file__).parents[2] / "events"


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_the_schema_is_the_one_checked_in(name: str) -> None:
    stored = json.loads((EVENTS / "schemas" / f"{name}.json").read_text())
    assert stored == schema(EVENT_TYPES[name]), "run: make schemas"


def test_no_schema_of_a_type_that_is_gone() -> None:
    assert {path.stem for path in (EVENTS / "schemas").glob("*.json")} == {*EVENT_TYPES, "evidence-bundle"}


@pytest.mark.parametrize("path", sorted((EVENTS / "samples").glob("*.json")), ids=lambda path: path.stem)
def test_the_samples_obey_the_schemas(path: Path) -> None:
    sample = json.loads(path.read_text())
    assert sample["detail-type"] == path.stem
    jsonschema.validate(sample["detail"], schema(EVENT_TYPES[path.stem]))


def test_there_are_samples_of_a_whole_job() -> None:
    assert {
        "JobSubmitted",
        "CircuitOptimized",
        "ExecutionCompleted",
        "EvidenceSigned",
        "EvidenceExported",
        "JobCompleted",
    } <= {path.stem for path in (EVENTS / "samples").glob("*.json")}


def test_what_is_published_obeys_the_schemas(world: World) -> None:
    job_id = world.submitted()
    world.provider.quick = True
    for step in (world.transpile, world.execute, world.sign):
        step(TENANT, job_id, 1)
    for event in world.story(job_id):
        entry = bus_entry(event)
        assert entry["Source"] == "qcos.jobs"
        jsonschema.validate(json.loads(entry["Detail"]), schema(EVENT_TYPES[entry["DetailType"]]))


def test_the_bundles_schema_is_the_one_checked_in() -> None:
    stored = json.loads((EVENTS / "schemas" / "evidence-bundle.json").read_text())
    assert stored == bundle_schema(), "run: python -m qcos_evidence.json_schema events/schemas/evidence-bundle.json"


@pytest.mark.parametrize("post_quantum", [True, False])
def test_a_bundle_obeys_its_schema_and_names_all_it_is_about(world: World, post_quantum: bool) -> None:
    job_id = world.submitted(pqc=post_quantum)
    world.provider.quick = True
    for step in (world.transpile, world.execute, world.sign):
        step(TENANT, job_id, 1)
    job = world.job(job_id)
    assert job.evidence
    assert job.optimized
    assert job.optimized.certificate
    assert job.execution
    bundle = json.loads(world.desk.bundle(TENANT, job.evidence.bundle_id))
    jsonschema.validate(bundle, bundle_schema())
    assert bundle["equivalence"] == {
        **job.optimized.verification.model_dump(mode="json"),
        "certificate_hash": job.optimized.certificate.digest,
    }
    assert world.objects.get_checked(job.optimized.certificate) == CERTIFICATE.encode()
    proof = bundle["execution_proof"]
    assert (proof["result_hash"], proof["raw_result_hash"]) == (job.execution.result.digest, job.execution.raw.digest)
    assert (proof["provider_job_id"], proof["submission"]) == (job.execution.provider_job_id, 1)
    assert proof["native_circuit_hash"] == job.optimized.provider_input.digest
    assert None not in proof.values()
    assert set(bundle["software"]) == set(job.optimized.versions)
    schema_names = bundle_schema()["properties"]
    assert set(bundle) <= set(schema_names)
    assert set(proof) <= set(schema_names["execution_proof"]["properties"])


def test_without_a_certificate_the_bundle_names_the_report(world: World) -> None:
    """So it was before certificates were kept, and so it is where a circuit was only tested."""
    whole = world.optimize
    world.optimize = lambda *args, **limits: {**whole(*args, **limits), "certificate": None}
    job_id = world.submitted()
    world.provider.quick = True
    for step in (world.transpile, world.execute, world.sign):
        step(TENANT, job_id, 1)
    job = world.job(job_id)
    assert job.optimized
    assert job.optimized.certificate is None
    assert evidence_record(job, "qcos", "now")["equivalence"]["certificate_hash"] == job.optimized.report.digest


def test_an_event_from_before_certificates_still_reads() -> None:
    data = json.loads((EVENTS / "samples" / "CircuitOptimized.json").read_text())["detail"]["data"]
    assert "certificate" not in data
    assert CircuitOptimized.model_validate(data).certificate is None


def test_an_adoption_from_before_operators_made_any_still_reads() -> None:
    adopted = ExecutionAdopted.model_validate({"n": 1, "provider_job_id": "p1"})
    assert (adopted.attempt, adopted.reason) == (None, None)


@pytest.fixture
def world() -> World:
    return World()
