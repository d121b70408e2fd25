"""The test hooks: planned misbehaviour, the log, held and failed jobs, machines that go away."""

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.contract.ionq.conftest import BELL, Resume, Submit, Wait

JOB = json.dumps({"type": "ionq.circuit.v1", "backend": "simulator", "input": BELL}).encode()
SUBMIT = {"method": "POST", "path": "/v0.4/jobs"}


@pytest.fixture(autouse=True)
def _no_faults_remain(admin: httpx.Client) -> Iterator[None]:
    yield
    assert admin.delete("/faults").json() == {"faults": []}


def plan(admin: httpx.Client, **fault: Any) -> None:
    answer = admin.post("/faults", json={"faults": [fault]})
    assert answer.status_code == 200, answer.text


def created(admin: httpx.Client) -> int:
    return int(admin.get("/log").json()["created_jobs"])


@pytest.mark.parametrize(("drop", "jobs"), [("before", 0), ("after", 1)])
def test_a_dropped_submission(api: httpx.Client, admin: httpx.Client, drop: str, jobs: int) -> None:
    before = created(admin)
    plan(admin, match=SUBMIT, drop=drop)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        api.post("/jobs", content=JOB)
    assert created(admin) == before + jobs
    entry = admin.get("/log").json()["requests"][-1]
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/v0.4/jobs", None)
    assert entry["body_sha256"] == hashlib.sha256(JOB).hexdigest()
    assert api.post("/jobs", content=JOB).status_code == 201  # played once


def test_a_planned_status_creates_nothing(api: httpx.Client, admin: httpx.Client) -> None:
    before = created(admin)
    plan(admin, match=SUBMIT, times=2, status=503)
    plan(admin, match=SUBMIT, status=429, headers={"Retry-After": "7"}, body={"error": "own"})
    first, second, third, fourth = (api.post("/jobs", content=JOB) for _ in range(4))
    assert [first.status_code, second.status_code] == [503, 503]
    assert first.json() == {"statusCode": 503, "error": "Service Unavailable", "message": "Service Unavailable"}
    assert (third.status_code, third.headers["retry-after"], third.json()) == (429, "7", {"error": "own"})
    assert fourth.status_code == 201
    assert created(admin) == before + 1


def test_faults_match_method_and_path(api: httpx.Client, admin: httpx.Client, submit: Submit) -> None:
    job_id = submit()
    plan(admin, match={"method": "GET", "path": "/v0.4/jobs/*/cost"}, status=500)
    assert api.get(f"/jobs/{job_id}").status_code == 200
    assert api.post("/jobs", content=JOB).status_code == 201
    assert api.get(f"/jobs/{job_id}/cost").status_code == 500


def test_a_delay_outlasts_an_impatient_client(api: httpx.Client, admin: httpx.Client) -> None:
    plan(admin, match=SUBMIT, delay_s=0.3)
    with pytest.raises(httpx.ReadTimeout):
        api.post("/jobs", content=JOB, timeout=0.05)


@pytest.mark.parametrize(
    "fault", [{"match": SUBMIT}, {"drop": "sometimes"}, {"status": 500, "unknown": 1}, {"status": "500"}, 3]
)
def test_a_fault_that_makes_no_sense(admin: httpx.Client, fault: Any) -> None:
    assert admin.post("/faults", json={"faults": [fault]}).status_code == 400


def test_the_hooks_serve_this_machine_only(admin: httpx.Client) -> None:
    assert admin.get("/log", headers={"Host": "emulator.example:80"}).status_code == 403


def test_a_held_job_stays_until_released(admin: httpx.Client, submit: Submit, wait: Wait, paused: Resume) -> None:
    held = submit()
    admin.post(f"/jobs/{held}", json={"status": "started", "hold": True}).raise_for_status()
    paused()
    assert wait(submit())["status"] == "completed"  # a later job overtakes it
    assert wait(held, "started", "completed", "failed")["status"] == "started"
    admin.post(f"/jobs/{held}", json={"hold": False}).raise_for_status()
    assert wait(held)["status"] == "completed"


@pytest.mark.usefixtures("paused")
def test_a_job_failed_by_hand(admin: httpx.Client, submit: Submit, wait: Wait) -> None:
    job_id = submit()
    failure = {"code": "QuotaExhaustedError", "message": "No quota"}
    admin.post(f"/jobs/{job_id}", json={"failure": failure}).raise_for_status()
    job = wait(job_id)
    assert (job["status"], job["results"]) == ("failed", None)
    assert job["failure"] == {**failure, "error": "No quota"}
    assert admin.post(f"/jobs/{job_id}", json={"failure": {"code": "Sulking", "message": ""}}).status_code == 400


def test_machines_that_go_away(api: httpx.Client, admin: httpx.Client, submit: Submit, wait: Wait) -> None:
    admin.post("/backends/qpu.aria-1", json={"status": "unavailable"}).raise_for_status()
    job_id = submit(backend="qpu.aria-1")
    wait(submit(backend="qpu.forte-1"))
    assert api.get(f"/jobs/{job_id}").json()["status"] in ("submitted", "ready")
    admin.post("/backends/qpu.aria-1", json={"status": "available"}).raise_for_status()
    assert wait(job_id)["status"] == "completed"
    admin.post("/backends/qpu.forte-enterprise-1", json={"status": "retired"}).raise_for_status()
    assert api.get("/backends/qpu.forte-enterprise-1").json()["status"] == "retired"
    refused = api.post("/jobs", json={**json.loads(JOB), "backend": "qpu.forte-enterprise-1"})
    assert refused.status_code == 400
    assert admin.post("/backends/simulator", json={"status": "tired"}).status_code == 400
