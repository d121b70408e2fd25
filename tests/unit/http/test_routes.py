"""Every route answers what the contract shows."""

from __future__ import annotations

import json

import pytest

from qcos.events import EventData, ExecutionAdopted, ExecutionReleased
from qcos.models import Caller, Options, Submission
from tests.unit.http.conftest import Api
from tests.unit.http.fakes import BELL, BUNDLE_ID, COMPLETE, RESULTS, TENANT, Fakes, log_of


def test_submission_with_defaults(api: Api, fakes: Fakes) -> None:
    answer = api("POST", "/api/v2/optimize", {"qasm": BELL, "backend": "ionq_simulator"})
    assert answer.status == 200
    assert answer.body == {"success": True, "data": {"job_id": "job_new", "status": "queued", "estimated_time": 7}}
    [(caller, submission)] = fakes.submissions
    assert submission == Submission(
        qasm=BELL,
        backend="ionq_simulator",
        shots=1024,
        options=Options(optimization_level=2, evidence=False, pqc_signing=True),
    )
    assert caller == Caller(
        tenant=TENANT,
        key_id="k1",
        scopes=frozenset({"optimize:read", "optimize:write", "backends:read", "evidence:read"}),
        request_id="gateway-request",
    )


def test_submission_with_everything(api: Api, fakes: Fakes) -> None:
    options = {"optimization_level": 0, "evidence": True, "pqc_signing": False}
    body = {"qasm": BELL, "backend": "ionq_aria", "shots": 100_000, "options": options}
    assert api("POST", "/api/v2/optimize", body).status == 200
    limits = {"memory": False, "mode": "unitary", "max_cost_microdollars": None}
    assert fakes.submissions[0][1].model_dump() == body | {
        "options": options | limits,
        "name": None,
        "tags": (),
        "dry_run": False,
    }


def test_circuit_text_arrives_unchanged(api: Api, fakes: Fakes) -> None:
    circuit = BELL + "\n// π, \u2028 and 👍\n"
    api("POST", "/api/v2/optimize", {"qasm": circuit, "backend": "ionq_simulator"})
    assert fakes.submissions[0][1].qasm == circuit


def test_finished_job(api: Api) -> None:
    data = api("GET", "/api/v2/optimize/job_done").data
    contract = {
        "job_id": "job_done",
        "status": "completed",
        "original_depth": 45,
        "optimized_depth": 28,
        "reduction_percent": 37.8,
        "results": RESULTS | {"truncated": False},
        "evidence_bundle_id": BUNDLE_ID,
    }
    assert {name: data[name] for name in contract} == contract
    assert data["two_qubit_gates"] == {"original": 12, "optimized": 7}
    assert data["two_qubit_depth"] == {"original": 9, "optimized": 5}
    assert data["metrics"]["optimized"] == {
        "depth": 28,
        "two_qubit_depth": 5,
        "two_qubit_gates": 7,
        "one_qubit_gates": 18,
        "entangling_angle_microturns": 1_250_000,
        "entangling_angle_turns": 1.25,
    }
    assert data["metrics"]["literal"]["depth"] == 60
    assert data["verification"] == {"verdict": "proved", "method": "unitary", "states": 0, "max_infidelity": "0"}
    assert (data["strategy"], data["provider_job_id"], data["error"]) == ("blocks", "prov-1", None)
    assert (data["created_at"], data["completed_at"]) == ("2026-02-06T12:00:00.000Z", "2026-02-06T12:00:07.000Z")


def test_what_is_not_known_yet_is_null(api: Api) -> None:
    data = api("GET", "/api/v2/optimize/job_new").data
    known = {
        "job_id": "job_new",
        "status": "queued",
        "backend": "ionq_simulator",
        "shots": 1024,
        "created_at": "2026-02-06T12:00:00.000Z",
        "tags": [],
        "attempt": 1,
        "dry_run": False,
        "evaluations": 0,
    }
    assert {name: value for name, value in data.items() if value is not None} == known


def test_job_in_full(api: Api) -> None:
    brief, full = api("GET", "/api/v2/optimize/job_done").data, api("GET", "/api/v2/jobs/job_done").data
    assert {name: full[name] for name in brief} == brief
    assert full["options"] == {
        "optimization_level": 2,
        "evidence": True,
        "pqc_signing": True,
        "memory": False,
        "mode": "unitary",
        "max_cost_usd": None,
    }
    assert full["circuit"]["qubits"] == 2
    assert full["timing"] == {
        "submitted_at": "2026-02-06T12:00:00.000Z",
        "execution_intended_at": "2026-02-06T12:00:03.000Z",
        "executed_at": "2026-02-06T12:00:05.000Z",
        "completed_at": "2026-02-06T12:00:07.000Z",
        "provider_submitted_at": "2026-02-06T12:00:03Z",
        "provider_started_at": "2026-02-06T12:00:04Z",
        "provider_completed_at": "2026-02-06T12:00:05Z",
        "execution_duration_ms": 11,
    }
    assert (full["candidates"], full["cost_microdollars"], full["event_count"]) == (7, 0, len(COMPLETE))


def test_list(api: Api) -> None:
    answer = api("GET", "/api/v2/jobs")
    assert answer.data["pagination"] == {
        "total": 2,
        "total_capped": False,
        "limit": 20,
        "offset": 0,
        "next_cursor": None,
    }
    assert [job["job_id"] for job in answer.data["jobs"]] == ["job_new", "job_done"]
    assert answer.data["jobs"][1] == {
        "job_id": "job_done",
        "status": "completed",
        "created_at": "2026-02-06T12:00:00.000Z",
        "completed_at": "2026-02-06T12:00:07.000Z",
        "backend": "ionq_simulator",
        "shots": 1024,
        "name": None,
        "tags": [],
        "batch_id": None,
        "error_code": None,
    }


def test_list_by_status_limit_and_offset(api: Api) -> None:
    data = api("GET", "/api/v2/jobs", query={"status": "queued", "limit": "1", "offset": "0"}).data
    assert ([job["job_id"] for job in data["jobs"]], data["pagination"]["limit"]) == (["job_new"], 1)
    data = api("GET", "/api/v2/jobs", query={"limit": "100", "offset": "1"}).data
    assert ([job["job_id"] for job in data["jobs"]], data["pagination"]["offset"]) == (["job_done"], 1)


def test_events_tell_the_whole_story_and_can_be_rehashed(api: Api, fakes: Fakes) -> None:
    data = api("GET", "/api/v2/jobs/job_done/events").data
    assert [entry["type"] for entry in data["events"]] == [type(item).__name__ for item in COMPLETE]
    assert [entry["prev_hash"] for entry in data["events"][1:]] == [entry["hash"] for entry in data["events"][:-1]]
    log = fakes.logs[TENANT, "job_done"]
    for entry, event in zip(data["events"], log, strict=True):
        assert {name: value for name, value in entry.items() if name != "hash"} == json.loads(event.raw)


def test_backends(api: Api) -> None:
    assert [one["id"] for one in api("GET", "/api/v2/backends").data["backends"]] == ["ionq_aria"]
    assert api("GET", "/api/v2/backends/ionq_aria").data["native_gates"] == ["GPI", "GPI2", "MS"]
    assert api("GET", "/api/v2/backends/ionq_aria/calibration").data["readout_fidelity"] is None


def test_bundle_is_served_byte_for_byte(api: Api, fakes: Fakes) -> None:
    answer = api("GET", f"/api/v2/evidence/{BUNDLE_ID}")
    assert answer.text == '{"success":true,"data":' + fakes.bundles[TENANT, BUNDLE_ID].decode() + "}"
    assert answer.headers["cache-control"] == "private, no-cache"


def test_bundle_reaches_the_verifier_byte_for_byte(api: Api, fakes: Fakes) -> None:
    bundle = '{ "b" : 1.0e0 ,\n"a\\u0031":-0, "nested": {"bundle": "no"}}'
    answer = api("POST", "/api/v2/evidence/verify", ' {\t"bundle" :' + bundle + "\n}\n")
    assert fakes.judged == [bundle.encode()]
    assert answer.status == 200
    assert answer.data["valid"] is False
    assert answer.data["checks"] == {"signature": "invalid", "hash": "valid", "timestamp": "valid"}
    assert answer.data["reasons"][0]["code"] == "unknown_key"


def test_public_routes_need_no_key_and_have_no_envelope(api: Api) -> None:
    assert api("GET", "/health", scopes=None).body == {"status": "ok"}
    keys = api("GET", "/.well-known/jwks.json", scopes=None)
    assert (keys.body, keys.headers["cache-control"]) == ({"keys": [{"kty": "AKP"}]}, "public, max-age=300")
    assert api("GET", "/openapi.json", scopes=None).body["openapi"] == "3.1.0"


def test_status(api: Api) -> None:
    data = api("GET", "/api/v2/status", scopes="").data
    assert (data["api"], data["backends"], data["queue_depth"]) == ("operational", {"ionq_aria": "online"}, 12)
    assert data["avg_response_time_ms"] >= 0


def test_a_failed_and_a_held_job_say_why(api: Api, fakes: Fakes) -> None:
    from tests.unit.http.fakes import FAILED, HELD, INTENDED, OPTIMIZED, SUBMITTED

    fakes.logs[TENANT, "job_failed"] = log_of("job_failed", SUBMITTED, FAILED)
    fakes.logs[TENANT, "job_held"] = log_of("job_held", SUBMITTED, OPTIMIZED, INTENDED, HELD)
    failed, held = (api("GET", f"/api/v2/optimize/{one}").data for one in ("job_failed", "job_held"))
    assert (failed["status"], failed["error"]) == (
        "failed",
        {
            "code": "PROVIDER_FAILED",
            "message": "IonQ refused it. Submit again.",
            "retryable": True,
            "step": "execute",
        },
    )
    assert held["status"] == "held"
    assert held["error"] == {
        "code": "EXECUTION_HELD",
        "message": "Whether IonQ took the job is not known. We are looking into it.",
        "retryable": False,
        "step": "execute",
    }


@pytest.mark.parametrize(
    "decision",
    [
        ExecutionAdopted(n=1, provider_job_id="p1", attempt=1, reason="It is in the console."),
        ExecutionReleased(attempt=1, n=1, reason="IonQ's support has no trace of it."),
    ],
    ids=lambda decision: type(decision).__name__,
)
def test_a_job_that_is_no_longer_held_runs_and_has_no_error(api: Api, fakes: Fakes, decision: EventData) -> None:
    from tests.unit.http.fakes import HELD, INTENDED, OPTIMIZED, SUBMITTED

    fakes.logs[TENANT, "job_held"] = log_of("job_held", SUBMITTED, OPTIMIZED, INTENDED, HELD, decision)
    data = api("GET", "/api/v2/optimize/job_held").data
    assert (data["status"], data["error"]) == ("running", None)
    assert api("GET", "/api/v2/jobs/job_held/events").data["events"][-1]["type"] == type(decision).__name__
