"""The API over the real use cases: what goes in over HTTP comes out as the contract shows it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

import qcos_evidence
from qcos.canonical import canonical
from qcos.events import Event, check_chain
from qcos.http import present
from qcos.job import fold
from qcos.ports import VersionConflict
from qcos.provider import ProviderResult
from qcos.service.circuits import Circuits
from qcos.service.keys import Keys
from qcos.service.rates import Rates
from qcos.service.stats import Stats
from tests.unit.http.conftest import Api
from tests.unit.http.fakes import BELL, TENANT
from tests.unit.service.world import CERTIFICATE, World, bell_report


@pytest.fixture
def world() -> World:
    world = World()
    world.provider.quick = True
    return world


@pytest.fixture
def whole(world: World) -> Api:
    return Api(factories(world))


def factories(world: World) -> Any:
    """Every use case of the API over the world's adapters."""
    circuits = Circuits(world.log, world.objects)
    stats = Stats(world.views, world.clock, world.plan)
    rates = Rates(world.control, world.clock, world.plan)
    keys = Keys(world.control, lambda: "pepper", world.clock)
    return SimpleNamespace(
        submit=lambda: world.submit,
        jobs=lambda: world.jobs,
        lifecycle=lambda: world.lifecycle,
        batches=lambda: world.batches,
        circuits=lambda: circuits,
        stats=lambda: stats,
        rates=lambda: rates,
        keys=lambda: keys,
        backends=lambda: world.backends,
        desk=lambda: world.desk,
        transparency=lambda: world.transparency,
    )


def submit(whole: Api) -> str:
    options = {"optimization_level": 2, "evidence": True, "pqc_signing": True}
    body = {"qasm": BELL, "backend": "ionq_simulator", "shots": 1024, "options": options}
    accepted = whole("POST", "/api/v2/optimize", body).data
    assert accepted["status"] == "queued"
    return str(accepted["job_id"])


def test_a_job_from_submission_to_verified_evidence(whole: Api, world: World) -> None:
    job_id = submit(whole)
    assert whole("GET", f"/api/v2/optimize/{job_id}").data["status"] == "queued"
    for step in (world.transpile, world.execute, world.sign):
        assert step(TENANT, job_id, 1) == {"outcome": "done"}
        whole("GET", f"/api/v2/jobs/{job_id}")  # well formed at every stage
    data = whole("GET", f"/api/v2/optimize/{job_id}").data
    assert (data["status"], data["original_depth"], data["optimized_depth"]) == ("completed", 5, 3)
    assert data["reduction_percent"] == 40.0
    assert data["results"]["counts"] == {"00": 512, "11": 512}
    assert data["results"]["source"] == "exact_probabilities"

    bundle = whole("GET", f"/api/v2/evidence/{data['evidence_bundle_id']}").data
    assert whole("POST", "/api/v2/evidence/verify", {"bundle": bundle}).data["valid"] is True
    assert whole("POST", "/api/v2/evidence/verify", {"bundle": bundle | {"job_id": "job_x"}}).data["valid"] is False
    keys = qcos_evidence.KeySet.from_jwks(whole("GET", "/.well-known/jwks.json", scopes=None).body)
    offline = qcos_evidence.verify(json.dumps(bundle).encode(), keys, now=datetime.now(UTC))
    assert offline.valid, offline.reasons


def test_probabilities_are_shown_without_their_rounding_errors_and_stored_with_them(whole: Api, world: World) -> None:
    raw = b'{"0":0.5000000000000002,"1":0.3333333333333333,"2":1.2345678901234e-05,"3":0.1666543209877654}'
    shares = {str(key): float(value) for key, value in json.loads(raw).items()}
    world.provider.result = lambda job: ProviderResult(raw, probabilities=shares)  # type: ignore[method-assign] # scripted
    job_id = submit(whole)
    for step in (world.transpile, world.execute, world.sign):
        step(TENANT, job_id, 1)
    answer = whole("GET", f"/api/v2/optimize/{job_id}")
    assert answer.data["results"]["probabilities"] == {
        "00": 0.5,
        "01": 0.333333333333,
        "10": 1.23456789012e-05,
        "11": 0.166654320988,
    }
    assert '"00":0.5,' in answer.text
    execution = world.job(job_id).execution
    assert execution
    assert world.objects.get(execution.raw.key) == raw
    stored = json.loads(world.objects.get_checked(execution.result))["probabilities"]
    assert stored == {"00": 0.5000000000000002, "01": shares["1"], "10": shares["2"], "11": shares["3"]}
    assert present.detail(world.job(job_id), answer.data["results"])["results"] == answer.data["results"]


def test_folding_the_log_that_the_api_shows_gives_what_the_api_answers(whole: Api, world: World) -> None:
    job_id = submit(whole)
    for step in (world.transpile, world.execute, world.sign):
        step(TENANT, job_id, 1)
    shown = whole("GET", f"/api/v2/jobs/{job_id}/events").data["events"]
    log = [Event(canonical({name: value for name, value in entry.items() if name != "hash"})) for entry in shown]
    assert [event.hash for event in log] == [entry["hash"] for entry in shown]
    check_chain(log)
    job = fold(log)
    answered = whole("GET", f"/api/v2/jobs/{job_id}").data
    assert present.detail(job, world.jobs.results(job)) == answered
    assert answered["event_count"] == len(shown) == 8


def test_a_refused_submission_leaves_nothing_behind(whole: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[object] = []
    monkeypatch.setattr(world.events, "append", written.append)
    monkeypatch.setattr(world.objects, "put", lambda *what: written.append(what))
    broken = whole("POST", "/api/v2/optimize", {"qasm": BELL.replace("cx", "foo"), "backend": "ionq_simulator"})
    assert (broken.status, broken.error["code"]) == (400, "INVALID_CIRCUIT")
    assert broken.error["details"] == [{"field": "qasm", "rule": "unknown_gate", "line": 5, "column": 1}]
    unknown = whole("POST", "/api/v2/optimize", {"qasm": BELL, "backend": "ibm_heron"})
    assert (unknown.status, unknown.error["code"]) == (404, "BACKEND_NOT_FOUND")
    world.provider.status = "unavailable"
    offline = whole("POST", "/api/v2/optimize", {"qasm": BELL, "backend": "ionq_aria"})
    assert (offline.status, offline.error["code"], offline.error["retryable"]) == (503, "BACKEND_UNAVAILABLE", True)
    assert whole("GET", "/api/v2/jobs").data["pagination"]["total"] == 0
    assert written == []


def test_the_list_follows_the_log(whole: Api, world: World) -> None:
    job_id = submit(whole)
    world.project(TENANT, job_id)
    data = whole("GET", "/api/v2/jobs", query={"status": "queued"}).data
    assert ([job["job_id"] for job in data["jobs"]], data["pagination"]["total"]) == ([job_id], 1)


def test_backends_as_the_catalogue_and_the_provider_have_them(whole: Api, world: World) -> None:
    lines = whole("GET", "/api/v2/backends").data["backends"]
    assert [line["id"] for line in lines][:2] == ["ionq_simulator", "ionq_aria"]
    assert whole("GET", "/api/v2/backends/ionq_forte").data["native_gates"] == ["GPI", "GPI2", "ZZ"]
    assert whole("GET", "/api/v2/backends/ionq_aria/calibration").data["two_qubit_fidelity"] == 0.997
    assert whole("GET", "/api/v2/backends/ionq_forte_enterprise/calibration").data["timestamp"] is None
    assert whole("GET", "/api/v2/status").data["backends"]["ionq_aria"] == "online"
    world.provider.unavailable = True
    assert whole("GET", "/api/v2/backends").error["code"] == "BACKEND_UNAVAILABLE"
    assert whole("GET", "/api/v2/status").data["provider"] == "unreachable"


# --- what only the whole shows -----------------------------------------------------------------------------

BODY = {"qasm": BELL, "backend": "ionq_simulator", "name": "Bell", "tags": ["a"]}


def test_a_submission_repeated_with_its_key_is_one_job_and_one_charge(whole: Api, world: World) -> None:
    first = whole("POST", "/api/v2/optimize", BODY, headers={"Idempotency-Key": "k"})
    world.provider.status = "unavailable"  # what was accepted stays accepted
    again = whole("POST", "/api/v2/optimize", BODY, headers={"Idempotency-Key": "k"})
    assert again.body == first.body
    other = whole("POST", "/api/v2/optimize", BODY | {"shots": 5}, headers={"Idempotency-Key": "k"})
    assert (other.status, other.error["code"], other.error["retryable"]) == (422, "IDEMPOTENCY_MISMATCH", False)
    assert world.events.counter(TENANT, "evaluations#2026-02") == 13
    world.provider.status = "available"
    assert whole("POST", "/api/v2/optimize", BODY, headers={"Idempotency-Key": "l"}).body != first.body


def test_a_batch_repeated_with_its_key_is_one_batch(whole: Api, world: World) -> None:
    body = {"circuits": [BODY, BODY]}
    first, again = (whole("POST", "/api/v2/optimize/batch", body, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first.body == again.body
    assert world.events.counter(TENANT, "evaluations#2026-02") == 26
    batch_id = first.data["batch_id"]
    for job_id in first.data["job_ids"]:
        world.project(TENANT, job_id)
    found = whole("GET", f"/api/v2/optimize/batch/{batch_id}").data
    assert (found["status"], found["counts"], found["job_ids"]) == (
        "processing",
        {"queued": 2},
        first.data["job_ids"],
    )
    listed = whole("GET", "/api/v2/jobs", query={"batch_id": batch_id, "name": "Bell", "tag": "a"}).data["jobs"]
    assert {job["job_id"] for job in listed} == set(first.data["job_ids"])
    cancelled = whole("DELETE", f"/api/v2/optimize/batch/{batch_id}").data
    assert (cancelled["counts"], cancelled["status"]) == ({"cancelled": 2}, "failed")
    assert world.events.counter(TENANT, "evaluations#2026-02") == 0


def test_a_batch_is_refused_whole_with_every_bad_circuit_named(whole: Api, world: World) -> None:
    broken = BODY | {"qasm": BELL.replace("cx", "foo")}
    answer = whole("POST", "/api/v2/optimize/batch", {"circuits": [BODY, broken, BODY | {"backend": "ibm_heron"}]})
    assert (answer.status, answer.error["code"]) == (400, "INVALID_CIRCUIT")
    assert [(place["index"], place["code"]) for place in answer.error["details"]] == [
        (1, "INVALID_CIRCUIT"),
        (2, "BACKEND_NOT_FOUND"),
    ]
    assert (answer.error["details"][0]["line"], answer.error["details"][0]["column"]) == (5, 1)
    assert not world.events._streams
    world.provider.status = "unavailable"
    world.clock.forward(minutes=1)
    hopeless = whole("POST", "/api/v2/optimize/batch", {"circuits": [BODY, broken]})
    assert (hopeless.status, hopeless.error["code"], hopeless.error["retryable"]) == (400, "INVALID_CIRCUIT", False)
    assert "accepted: circuits[0, 1]. circuits[1]: line 5, column 1" in hopeless.error["message"]
    assert [place["code"] for place in hopeless.error["details"]] == ["BACKEND_UNAVAILABLE", "INVALID_CIRCUIT"]
    world.provider.status = "available"
    world.clock.forward(minutes=1)
    full = whole("POST", "/api/v2/optimize/batch", {"circuits": [BODY] * 98})
    assert len(full.data["job_ids"]) == 98
    more = whole("POST", "/api/v2/optimize/batch", {"circuits": [BODY] * 99})
    assert (more.status, more.error["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert "98" in more.error["message"]


def test_a_dry_run_is_optimized_and_estimated_and_never_sent(whole: Api, world: World) -> None:
    body = BODY | {"backend": "ionq_aria", "dry_run": True}
    job_id = whole("POST", "/api/v2/optimize", body).data["job_id"]
    world.transpile(TENANT, job_id, 1)
    world.execute(TENANT, job_id, 1)
    data = whole("GET", f"/api/v2/optimize/{job_id}").data
    assert data["estimate"] == {"cost_usd": "1.5", "execution_ms": 1000, "queue_ms": 2000}
    assert (data["status"], data["dry_run"], data["results"], data["cost_usd"]) == ("completed", True, None, None)
    assert world.provider.posts == []


def test_the_circuit_that_was_run_is_the_one_that_evidence_hashes(whole: Api, world: World) -> None:
    job_id = submit(whole)
    path = f"/api/v2/optimize/{job_id}/circuit"
    early = whole("GET", path)
    assert (early.status, early.error["details"][0]["field"]) == (409, "which")
    world.transpile(TENANT, job_id, 1)
    original = whole("GET", path, query={"which": "original"})
    assert original.text == BELL
    assert original.headers["etag"] == f'"{world.job(job_id).submitted.circuit.digest}"'
    optimized = world.job(job_id).optimized
    assert optimized
    assert whole("GET", path).headers["etag"] == f'"{optimized.optimized.digest}"'
    sent = whole("GET", path, query={"format": "ionq"})
    assert sent.body["gateset"] == "native"
    assert sent.headers["etag"] == f'"{optimized.provider_input.digest}"'


def test_the_certificate_is_the_one_that_evidence_names(whole: Api, world: World) -> None:
    job_id = submit(whole)
    path = f"/api/v2/optimize/{job_id}/certificate"
    world.transpile(TENANT, job_id, 1)
    optimized = world.job(job_id).optimized
    assert optimized
    assert optimized.certificate
    sent = whole("GET", path)
    assert sent.text == CERTIFICATE
    assert sent.headers["content-type"] == "application/json"
    assert sent.headers["etag"] == f'"{optimized.certificate.digest}"'


@pytest.mark.parametrize("what", ["circuit", "certificate"])
def test_what_is_not_there_yet_may_be_asked_for_again_and_what_never_will_be_may_not(
    whole: Api, world: World, what: str
) -> None:
    job_id = submit(whole)
    early = whole("GET", f"/api/v2/optimize/{job_id}/{what}")
    assert (early.status, early.error["code"], early.error["retryable"]) == (409, "CONFLICT", True)
    assert early.headers["retry-after"] == "1"
    assert "the job is queued. Ask again" in early.error["message"]
    whole("DELETE", f"/api/v2/jobs/{job_id}")
    late = whole("GET", f"/api/v2/optimize/{job_id}/{what}")
    assert (late.status, late.error["code"], late.error["retryable"]) == (409, "CONFLICT", False)
    assert "retry-after" not in late.headers
    assert "Ask again" not in late.error["message"]


def test_who_always_comes_second_may_try_again(whole: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = submit(whole)

    def taken(*_: object) -> None:
        raise VersionConflict("somebody was first")

    with monkeypatch.context() as patch:
        patch.setattr(world.events, "append", taken)
        answer = whole("DELETE", f"/api/v2/jobs/{job_id}")
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (409, "CONFLICT", True)
    assert answer.headers["retry-after"] == "1"
    assert whole("DELETE", f"/api/v2/jobs/{job_id}").data["status"] == "cancelled"
    ended = whole("POST", f"/api/v2/jobs/{job_id}/retry")
    assert (ended.status, ended.error["retryable"], "retry-after" in ended.headers) == (409, False, False)


def test_a_circuit_that_was_only_tested_has_no_certificate(world: World, whole: Api) -> None:
    job_id = submit(whole)
    report = bell_report("", "ionq_forte", 2, seconds=1.0)
    report["verification"]["verdict"] = "tested"
    report["certificate"] = None
    world.optimize = lambda *_, **__: report
    world.transpile(TENANT, job_id, 1)
    answer = whole("GET", f"/api/v2/optimize/{job_id}/certificate")
    assert (answer.status, answer.error["details"]) == (409, [{"verdict": "tested"}])


def test_a_failed_job_is_retried_over_http(whole: Api, world: World) -> None:
    job_id = submit(whole)
    world.fail(TENANT, job_id, 1, {"Error": "States.TaskFailed"})
    assert whole("GET", f"/api/v2/jobs/{job_id}").data["error"]["step"]
    opened = whole("POST", f"/api/v2/jobs/{job_id}/retry").data
    again = whole("POST", f"/api/v2/jobs/{job_id}/retry").data
    assert opened == again == {"job_id": job_id, "status": "queued", "attempt": 2}
    data = whole("GET", f"/api/v2/jobs/{job_id}").data
    assert (data["attempt"], data["error"], data["evaluations"]) == (2, None, 13)


def test_a_quota_that_is_used_up_is_a_403(whole: Api, world: World) -> None:
    limit = world.plan.evaluations_per_month
    world.events._counters[TENANT, "evaluations#2026-02"] = limit - 12
    answer = whole("POST", "/api/v2/optimize", BODY)
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (403, "QUOTA_EXCEEDED", False)
    options = {"optimization_level": 1}
    assert whole("POST", "/api/v2/optimize", BODY | {"options": options}).status == 200


def test_too_many_requests_are_told_when_to_come_back(whole: Api, world: World) -> None:
    world.clock.forward(seconds=13)
    for left in reversed(range(world.plan.requests_per_minute)):
        assert whole("GET", "/api/v2/jobs").headers["ratelimit-remaining"] == str(left)
    refused = whole("GET", "/api/v2/jobs")
    assert (refused.status, refused.headers["retry-after"], refused.headers["ratelimit-limit"]) == (429, "47", "300")
    other = whole("GET", "/api/v2/jobs", tenant="other")
    assert other.status == 200
    world.clock.forward(seconds=47)
    assert whole("GET", "/api/v2/jobs").status == 200


def test_what_is_too_long_to_answer_goes_by_link_and_is_whole(
    whole: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qcos.service.jobs.INLINE_BYTES", 150)
    world.provider.memory = ["0", "3"] * 512
    job_id = whole("POST", "/api/v2/optimize", BODY | {"options": {"memory": True}}).data["job_id"]
    world.transpile(TENANT, job_id, 1)
    world.execute(TENANT, job_id, 1)
    results = whole("GET", f"/api/v2/optimize/{job_id}").data["results"]
    execution = world.job(job_id).execution
    assert execution
    assert execution.memory
    small = len(world.objects.get(execution.result.key))
    assert small < 150
    assert (results["counts"], results["url"]) == ({"00": 512, "11": 512}, None)
    assert (results["memory"], results["memory_url"]) == (None, f"memory://{execution.memory.key}?seconds=900")
    monkeypatch.setattr("qcos.service.jobs.INLINE_BYTES", small - 1)
    results = whole("GET", f"/api/v2/optimize/{job_id}").data["results"]
    assert results == {
        "counts": None,
        "probabilities": None,
        "source": "exact_probabilities",
        "shots": 1024,
        "memory": None,
        "url": f"memory://{execution.result.key}?seconds=900",
        "memory_url": f"memory://{execution.memory.key}?seconds=900",
        "truncated": False,
    }
    monkeypatch.undo()
    results = whole("GET", f"/api/v2/optimize/{job_id}").data["results"]
    assert (results["memory"], results["memory_url"]) == (["00", "11"] * 512, None)


def test_stats_are_those_of_the_views(whole: Api, world: World) -> None:
    job_id = submit(whole)
    world.transpile(TENANT, job_id, 1)
    world.project(TENANT, job_id)
    data = whole("GET", "/api/v2/optimize/stats").data
    assert (data["total_jobs"], data["total_circuits"], data["avg_reduction"]) == (1, 1, 40.0)
    assert (data["evaluations_used"], data["evaluations_limit"]) == (13, 50_000)
