"""A job from submission to evidence, and what repeating, racing or breaking each step does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

import qcos_evidence
from qcos.errors import BackendNotFound, BackendUnavailable, BundleNotFound, InvalidCircuit, JobNotFound
from qcos.events import check_chain
from qcos.job import bundle_id
from qcos.models import Options, Submission
from tests.unit.service.world import CALLER, TENANT, World

HAPPY = [
    "JobSubmitted",
    "TranspileStarted",
    "CircuitOptimized",
    "ExecutionIntended",
    "ExecutionSubmitted",
    "ExecutionCompleted",
    "EvidenceSigned",
    "JobCompleted",
]


def run(world: World, job_id: str) -> None:
    world.provider.quick = True
    assert world.transpile(TENANT, job_id, 1) == {"outcome": "done"}
    assert world.execute(TENANT, job_id, 1) == {"outcome": "done"}
    assert world.sign(TENANT, job_id, 1) == {"outcome": "done"}


def test_the_log_tells_the_whole_story(world: World) -> None:
    job_id = world.submitted()
    run(world, job_id)
    assert world.types(job_id) == HAPPY
    check_chain(world.story(job_id))
    job = world.job(job_id)
    assert job.status == "completed"
    results = world.jobs.results(job)
    assert results is not None
    assert results["counts"] == {"00": 512, "11": 512}
    assert results["probabilities"] == {"00": 0.5, "11": 0.5}
    assert job.execution is not None
    assert job.execution.cost_microdollars == 1_230_000


def test_statuses_on_the_way(world: World) -> None:
    job_id = world.submitted()
    seen = [world.job(job_id).status]
    world.transpile(TENANT, job_id, 1)
    seen.append(world.job(job_id).status)
    world.execute(TENANT, job_id, 1)
    seen.append(world.job(job_id).status)
    world.provider.finish("p1")
    world.execute(TENANT, job_id, 1)
    seen.append(world.job(job_id).status)
    world.sign(TENANT, job_id, 1)
    seen.append(world.job(job_id).status)
    assert seen == ["queued", "optimizing", "running", "signing", "completed"]


def test_every_step_repeated_changes_nothing(world: World) -> None:
    job_id = world.submitted()
    run(world, job_id)
    before = [event.raw for event in world.story(job_id)]
    for step in (world.transpile, world.execute, world.sign):
        step(TENANT, job_id, 1)
    world.fail(TENANT, job_id, 1, {"Error": "States.Timeout"})
    assert [event.raw for event in world.story(job_id)] == before
    assert len(world.provider.posts) == 1


@pytest.mark.parametrize(("pqc", "algorithm"), [(True, "ML-DSA-65"), (False, "Ed25519")])
def test_the_bundle_verifies_by_the_published_keys_alone(world: World, pqc: bool, algorithm: str) -> None:
    job_id = world.submitted(pqc=pqc)
    run(world, job_id)
    job = world.job(job_id)
    document = world.desk.bundle(TENANT, bundle_id(job))
    keys = qcos_evidence.KeySet.from_jwks(world.desk.jwks())
    now = world.clock() + timedelta(hours=1)
    events = [event.document for event in world.story(job_id)[:6]]
    circuit = world.objects.get_checked(job.submitted.circuit)
    verdict = qcos_evidence.verify(document, keys, now=now, circuit=circuit, events=events)
    assert verdict.valid, verdict.reasons
    bundle = json.loads(document)
    assert bundle["signatures"]["algorithm"] == algorithm
    assert bundle["circuit_hash"] == job.submitted.circuit.digest
    assert bundle["event_log"]["size"] == 6
    assert job.evidence is not None
    assert job.evidence.bundle_hash == qcos_evidence.digest(bundle)


def test_no_evidence_asked_none_made(world: World) -> None:
    job_id = world.submitted(evidence=False)
    run(world, job_id)
    assert world.types(job_id) == [kind for kind in HAPPY if kind != "EvidenceSigned"]
    assert not [key for key in world.objects.objects if key.startswith("evidence/")]
    with pytest.raises(BundleNotFound):
        world.desk.bundle(TENANT, bundle_id(world.job(job_id)))


def test_a_bundle_is_not_served_before_the_log_says_it_was_signed(world: World) -> None:
    job_id = world.optimized()
    world.provider.quick = True
    world.execute(TENANT, job_id, 1)
    job = world.job(job_id)
    world.objects.put_named(f"evidence/{bundle_id(job)}.json", json.dumps({"job_id": job_id}).encode(), "x")
    with pytest.raises(BundleNotFound):
        world.desk.bundle(TENANT, bundle_id(job))


def test_a_repeated_signature_keeps_the_first_bundle(world: World) -> None:
    """The step dies after storing the bundle; run again it adopts the stored one, signatures being random."""
    job_id = world.optimized()
    world.provider.quick = True
    world.execute(TENANT, job_id, 1)
    job = world.job(job_id)
    world.clock.at = datetime.now(UTC)
    first = world.sign._sign(job, [event.hash for event in world.story(job_id)])
    assert world.sign(TENANT, job_id, 1) == {"outcome": "done"}
    assert world.job(job_id).evidence == first


@pytest.mark.parametrize(("drawn", "kept"), [(["0", "3", "1"], ["00", "11", "01"]), (None, None)])
def test_every_shot_is_kept_when_asked(world: World, drawn: list[str] | None, kept: list[str] | None) -> None:
    job_id = world.submitted(memory=True)
    world.provider.memory = drawn
    run(world, job_id)
    execution = world.job(job_id).execution
    assert execution is not None
    stored = execution.memory
    assert (json.loads(world.objects.get_checked(stored)) if stored else None) == kept


@pytest.mark.parametrize("tenant", ["other", "", "acme#"])
def test_another_tenant_sees_nothing(world: World, tenant: str) -> None:
    job_id = world.submitted()
    run(world, job_id)
    with pytest.raises(JobNotFound):
        world.jobs.get(tenant, job_id)
    with pytest.raises(BundleNotFound):
        world.desk.bundle(tenant, bundle_id(world.job(job_id)))


class TestRefusedAtOnce:
    def submit(self, world: World, **changes: object) -> None:
        good = {
            "qasm": 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\nh q[0];',
            "backend": "ionq_simulator",
            "shots": 10,
            "options": Options(optimization_level=1, evidence=True, pqc_signing=True),
        }
        world.submit(CALLER, Submission.model_validate(good | changes))

    def test_nothing_is_left_behind(self, world: World) -> None:
        with pytest.raises(InvalidCircuit) as broken:
            self.submit(world, qasm='OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\nfoo q[0];')
        assert (broken.value.line, broken.value.column) == (4, 1)
        with pytest.raises(BackendNotFound):
            self.submit(world, backend="ionq_harmony")
        world.provider.status = "retired"
        with pytest.raises(BackendUnavailable) as gone:
            self.submit(world)
        assert not gone.value.retryable
        world.provider.status = "unavailable"
        with pytest.raises(BackendUnavailable) as down:
            self.submit(world)
        assert down.value.retryable
        world.provider.unavailable = True
        with pytest.raises(BackendUnavailable):
            self.submit(world)
        assert world.objects.objects == {}
        assert world.events._streams == {}

    def test_a_provider_that_falls_silent_on_the_way_leaves_nothing(self, world: World) -> None:
        """The estimate asks once more; that must not fail after the job was stored."""
        answers = iter([False, True, True, True])
        backends = world.provider.backends

        def then_silent() -> object:
            world.provider.unavailable = next(answers)
            return backends()

        world.provider.backends = then_silent  # type: ignore[method-assign, assignment]
        with pytest.raises(BackendUnavailable):
            self.submit(world)
        assert world.events._streams == {}

    def test_more_qubits_than_the_backend_has(self, world: World) -> None:
        with pytest.raises(InvalidCircuit, match="25"):
            self.submit(world, backend="ionq_aria", qasm='OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[26];\nh q;')
