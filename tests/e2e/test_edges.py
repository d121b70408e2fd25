"""What the API answers at its edges: keys, paths, methods, sizes, machines."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.e2e.conftest import Api

SHAPE = {"code", "message", "details", "request_id", "retryable"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nope"},
        {"X-API-Key": "qcos_live_00000000_" + "0" * 49},
        {"Authorization": "Basic dTpw"},
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/api/v2/jobs"), ("POST", "/api/v2/optimize"), ("GET", "/api/v2/backends"), ("GET", "/api/v2/status")],
)
def test_without_a_good_key(api: Api, headers: dict[str, str], method: str, path: str) -> None:
    response = httpx.request(method, api.cloud.ready["api_url"] + path, headers=headers, trust_env=False, timeout=30)
    assert response.status_code == 401
    error = response.json()["error"]
    assert error.keys() == SHAPE
    assert error["code"] == "UNAUTHORIZED"
    assert error["request_id"] == response.headers["x-request-id"]
    assert response.headers["www-authenticate"] == 'Bearer realm="qcos"'


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v2/nothing", 404, "NOT_FOUND"),
        ("GET", "/", 404, "NOT_FOUND"),
        ("DELETE", "/api/v2/backends", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/api/v2/optimize/job_none", 404, "JOB_NOT_FOUND"),
        ("GET", "/api/v2/jobs/job_none", 404, "JOB_NOT_FOUND"),
        ("GET", "/api/v2/jobs/..%2f..%2fx", 404, None),
        ("GET", "/api/v2/evidence/ev_none", 404, "BUNDLE_NOT_FOUND"),
        ("GET", "/api/v2/evidence/ev_" + "0" * 32, 404, "BUNDLE_NOT_FOUND"),
        ("GET", "/api/v2/backends/none", 404, "BACKEND_NOT_FOUND"),
        ("GET", "/api/v2/jobs?limit=0", 400, "VALIDATION_ERROR"),
        ("GET", "/api/v2/jobs?status=done", 400, "VALIDATION_ERROR"),
        ("POST", "/api/v2/optimize", 400, "VALIDATION_ERROR"),
    ],
)
def test_errors_have_one_shape(api: Api, method: str, path: str, status: int, code: str | None) -> None:
    response = api.http.request(method, path)
    assert response.status_code == status, response.text
    error = response.json()["error"]
    assert error.keys() == SHAPE
    assert code in (None, error["code"])


@pytest.mark.parametrize("size", [1_100_000, 11_000_000])
def test_too_large_a_body(api: Api, size: int) -> None:
    response = api.http.post("/api/v2/optimize", content=b'{"qasm": "' + b"x" * size + b'"}')
    assert response.status_code == 413
    assert response.json()["error"]["code"] == "PAYLOAD_TOO_LARGE"


def test_backends_are_those_of_the_contract(api: Api) -> None:
    backends = {backend["id"]: backend for backend in api.get("/api/v2/backends")["backends"]}
    assert {"id", "name", "type", "qubits", "status", "queue_depth"} <= backends["ionq_simulator"].keys()
    assert backends["ionq_simulator"]["qubits"] == 29
    aria = api.get("/api/v2/backends/ionq_aria")
    assert aria["native_gates"] == ["GPI", "GPI2", "MS"]
    assert aria["connectivity"] == "all-to-all"
    calibration = api.get("/api/v2/backends/ionq_aria/calibration")
    assert calibration["backend_id"] == "ionq_aria"
    assert {"timestamp", "single_qubit_fidelity", "two_qubit_fidelity", "readout_fidelity"} <= calibration.keys()


def test_a_machine_that_is_down_takes_no_work(api: Api) -> None:
    api.admin("backends/qpu.forte-enterprise-1", {"status": "unavailable"})
    qasm = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[1];\nh q[0];'
    try:
        # What a function knows of the machines may be some seconds old.
        for _ in range(40):
            body = {"qasm": qasm, "backend": "ionq_forte_enterprise"}
            response = api.http.post("/api/v2/optimize", json=body)
            if response.status_code != 200:
                break
            time.sleep(0.5)
        assert response.status_code == 503
        error = response.json()["error"]
        assert error["code"] == "BACKEND_UNAVAILABLE"
        assert error["retryable"] is True
    finally:
        api.admin("backends/qpu.forte-enterprise-1", {"status": "available"})


def test_health_and_status(api: Api) -> None:
    assert httpx.get(api.cloud.ready["api_url"] + "/health", trust_env=False).json() == {"status": "ok"}
    status = api.get("/api/v2/status")
    assert status["api"] == "operational"
    assert {"backends", "queue_depth", "avg_response_time_ms"} <= status.keys()


def test_the_documentation_page_is_served_locally(api: Api) -> None:
    page = httpx.get(api.cloud.ready["api_url"] + "/docs", trust_env=False, follow_redirects=True)
    assert page.status_code == 200
    assert "swagger" in page.text.lower()
    assert "https://" not in page.text, "nothing is loaded from elsewhere"
    document = httpx.get(api.cloud.ready["api_url"] + "/openapi.json", trust_env=False).json()
    assert document["openapi"].startswith("3.1")
