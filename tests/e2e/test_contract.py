"""Every request and response example of the API contract, over HTTP: each field named there is there, and as said."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Api, circuit

REQUEST = {
    "qasm": 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\nh q[0];\ncx q[0],q[1];',
    "backend": "ionq_simulator",
    "shots": 1024,
    "options": {"optimization_level": 2, "evidence": True, "pqc_signing": True},
}


@pytest.fixture(scope="module")
def job(api: Api) -> dict[str, Any]:
    """The contract's job, completed."""
    response = api.http.post("/api/v2/optimize", json=REQUEST)
    assert response.status_code == 200
    accepted = response.json()
    assert accepted["success"] is True
    assert accepted["data"]["job_id"].startswith("job_")
    assert accepted["data"]["status"] == "queued"
    assert isinstance(accepted["data"]["estimated_time"], int)
    return api.finished(accepted["data"]["job_id"])


def test_optimize_status_and_results(job: dict[str, Any]) -> None:
    assert job["status"] == "completed"
    assert isinstance(job["original_depth"], int)
    assert isinstance(job["optimized_depth"], int)
    assert isinstance(job["reduction_percent"], float | int)
    assert job["results"]["counts"] == {"00": 512, "11": 512}
    assert job["results"]["probabilities"] == pytest.approx({"00": 0.5, "11": 0.5})
    assert job["evidence_bundle_id"].startswith("ev_")


def test_batch(api: Api) -> None:
    qasm = circuit("bell")
    body = {
        "circuits": [{"qasm": qasm, "backend": "ionq_simulator"}, {"qasm": qasm, "backend": "ionq_simulator"}],
        "options": {"optimization_level": 2},
    }
    answer = api.http.post("/api/v2/optimize/batch", json=body).json()
    assert answer["success"] is True
    batch = answer["data"]
    assert batch["batch_id"].startswith("batch_")
    assert len(batch["job_ids"]) == 2
    assert batch["status"] == "processing"
    for job_id in batch["job_ids"]:
        assert api.finished(job_id)["status"] == "completed"


def test_stats(api: Api, job: dict[str, Any]) -> None:
    stats = api.get("/api/v2/optimize/stats")
    for field in ("total_jobs", "total_circuits", "evaluations_used", "evaluations_limit"):
        assert isinstance(stats[field], int)
    assert isinstance(stats["avg_reduction"], float | int)


def test_backends(api: Api) -> None:
    backends = {one["id"]: one for one in api.get("/api/v2/backends")["backends"]}
    simulator, aria = backends["ionq_simulator"], backends["ionq_aria"]
    for backend in (simulator, aria):
        assert {"id", "name", "type", "qubits", "status", "queue_depth"} <= backend.keys()
        assert backend["status"] == "online"
        assert isinstance(backend["queue_depth"], int)
    assert (simulator["name"], simulator["type"], simulator["qubits"]) == ("IonQ Simulator", "simulator", 29)
    assert (aria["name"], aria["type"], aria["qubits"]) == ("IonQ Aria", "hardware", 25)


def test_backend_details_and_calibration(api: Api) -> None:
    aria = api.get("/api/v2/backends/ionq_aria")
    assert aria["native_gates"] == ["GPI", "GPI2", "MS"]
    assert aria["connectivity"] == "all-to-all"
    assert 0.9 < aria["average_fidelity"] <= 1
    calibration = api.get("/api/v2/backends/ionq_aria/calibration")
    assert calibration["backend_id"] == "ionq_aria"
    assert calibration["timestamp"]
    for field in ("single_qubit_fidelity", "two_qubit_fidelity", "readout_fidelity"):
        assert 0.9 < calibration[field] <= 1


def test_jobs(api: Api, job: dict[str, Any]) -> None:
    page = api.get("/api/v2/jobs")
    assert page["pagination"].keys() >= {"total", "limit", "offset"}
    assert (page["pagination"]["limit"], page["pagination"]["offset"]) == (20, 0)
    assert {"job_id", "status", "created_at", "completed_at"} <= page["jobs"][0].keys()
    detail = api.get(f"/api/v2/jobs/{job['job_id']}")
    assert (detail["job_id"], detail["status"]) == (job["job_id"], "completed")


def test_cancel(api: Api) -> None:
    job_id = api.submit(circuit("qft_12"), "ionq_forte")
    answer = api.http.delete(f"/api/v2/jobs/{job_id}").json()
    assert answer["data"]["job_id"] == job_id
    assert answer["data"]["status"] == "cancelled"
    assert api.get(f"/api/v2/jobs/{job_id}")["status"] == "cancelled"


def test_retry(api: Api) -> None:
    api.admin("faults", {"faults": [{"match": {"method": "POST", "path": "/v0.4/jobs"}, "times": 1, "status": 403}]})
    job_id = api.submit(circuit("bell"))
    assert api.finished(job_id)["status"] == "failed"
    answer = api.http.post(f"/api/v2/jobs/{job_id}/retry")
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"]["job_id"] == job_id
    assert api.finished(job_id)["status"] == "completed"


def test_evidence(api: Api, job: dict[str, Any]) -> None:
    bundle = api.get(f"/api/v2/evidence/{job['evidence_bundle_id']}")
    assert bundle["bundle_id"] == job["evidence_bundle_id"]
    assert bundle["version"] == "3.0"
    assert bundle["created_at"].endswith("Z")
    assert bundle["circuit_hash"].startswith("sha3-256:")
    assert bundle["execution_proof"]["backend"] == "ionq_simulator"
    assert bundle["execution_proof"]["shots"] == 1024
    assert bundle["execution_proof"]["timestamp"].endswith("Z")
    assert bundle["signatures"]["algorithm"] == "ML-DSA-65"
    assert bundle["signatures"]["signature"].startswith("base64:")
    verdict = api.http.post("/api/v2/evidence/verify", json={"bundle": bundle}).json()["data"]
    assert verdict["valid"] is True
    assert verdict["checks"] == {"signature": "valid", "hash": "valid", "timestamp": "valid"}


@pytest.mark.parametrize("form", ["json", "pdf", "cbor"])
def test_export(api: Api, job: dict[str, Any], form: str) -> None:
    response = api.http.get(f"/api/v2/evidence/export/{job['evidence_bundle_id']}?format={form}")
    assert response.status_code == 200, response.text
    starts = {"json": b"{", "pdf": b"%PDF", "cbor": b""}[form]
    assert response.content.startswith(starts)
    assert form in response.headers["content-type"]
    if form == "json":
        assert json.loads(response.content)["bundle_id"] == job["evidence_bundle_id"]


def test_health(api: Api) -> None:
    assert httpx.get(api.cloud.ready["api_url"] + "/health", trust_env=False).json() == {"status": "ok"}
    status = api.get("/api/v2/status")
    assert status["api"] == "operational"
    assert status["backends"]["ionq_simulator"] == "online"
    assert isinstance(status["queue_depth"], int)
    assert isinstance(status["avg_response_time_ms"], int)


def test_the_contracts_errors(api: Api) -> None:
    bad = api.http.post("/api/v2/optimize", json=REQUEST | {"qasm": "OPENQASM 2.0;"})
    assert (bad.status_code, bad.json()["error"]["code"]) == (400, "INVALID_CIRCUIT")
    none = httpx.get(api.cloud.ready["api_url"] + "/api/v2/jobs", trust_env=False)
    assert (none.status_code, none.json()["error"]["code"]) == (401, "UNAUTHORIZED")
    missing = api.http.get("/api/v2/jobs/job_missing")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "JOB_NOT_FOUND")
