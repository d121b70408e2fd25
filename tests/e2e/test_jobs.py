"""The main job over HTTP against the whole local cloud, and what goes wrong in it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from qcos.canonical import canonical
from qcos.events import Event, check_chain
from qcos.http import present
from qcos.job import fold
from tests.e2e.conftest import Api, circuit

BELL = circuit("bell")


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        ("bell", "ionq_simulator"),
        ("asymmetric", "ionq_simulator"),
        ("asymmetric", "ionq_aria"),
        ("asymmetric", "ionq_forte"),
        ("barenco_tof_5", "ionq_forte"),
        ("qft_12", "ionq_simulator"),
    ],
)
def test_a_circuit_becomes_counts_and_evidence(api: Api, tmp_path: Path, name: str, backend: str) -> None:
    job_id = api.submit(circuit(name), backend, shots=1000, options={"evidence": True})
    job = api.finished(job_id)
    assert job["status"] == "completed", job["error"]
    assert sum(job["results"]["counts"].values()) == 1000
    assert job["verification"]["verdict"] in ("proved", "tested")
    assert job["optimized_depth"] <= job["original_depth"]
    assert job["results"]["source"] == ("exact_probabilities" if backend == "ionq_simulator" else "measured")
    if name == "bell":
        assert job["results"]["counts"] == {"00": 500, "11": 500}

    bundle = api.get(f"/api/v2/evidence/{job['evidence_bundle_id']}")
    verdict = api.http.post("/api/v2/evidence/verify", json={"bundle": bundle}).json()["data"]
    assert verdict["valid"], verdict
    assert verdict["checks"] == {"signature": "valid", "hash": "valid", "timestamp": "valid"}
    assert verdict["job_id"] == job_id
    (tmp_path / "bundle.json").write_text(json.dumps(bundle))
    (tmp_path / "jwks.json").write_text(api.http.get("/.well-known/jwks.json").text)
    assert offline(tmp_path) == 0
    bundle["execution_proof"]["shots"] = 1001
    (tmp_path / "bundle.json").write_text(json.dumps(bundle))
    assert offline(tmp_path) == 1
    verdict = api.http.post("/api/v2/evidence/verify", json={"bundle": bundle}).json()["data"]
    assert verdict["checks"]["signature"] == "invalid"


def offline(folder: Path) -> int:
    qcos = Path(sys.executable).with_name("qcos")
    command = [qcos, "verify", folder / "bundle.json", "--keys", folder / "jwks.json"]
    return subprocess.run(command, capture_output=True, check=False).returncode


@pytest.mark.parametrize("backend", ["ionq_simulator", "ionq_aria", "ionq_forte"])
def test_bits_come_out_where_they_were_measured(api: Api, backend: str) -> None:
    """Two registers, crossed measurements: only the last declared bit of the first register is 1."""
    qasm = (
        'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[3];\ncreg a[2];\ncreg b[2];\n'
        "x q[0];\ncx q[0],q[2];\nx q[0];\nmeasure q[2] -> a[1];\nmeasure q[0] -> b[0];\nmeasure q[1] -> a[0];\n"
    )
    job = api.finished(api.submit(qasm, backend, shots=400))
    assert job["status"] == "completed", job["error"]
    best = max(job["results"]["counts"], key=job["results"]["counts"].get)
    assert best == "00 10"
    assert job["results"]["counts"][best] > 350


def test_the_log_reads_as_the_whole_story_and_folds_to_the_answer(api: Api) -> None:
    job_id = api.submit(circuit("barenco_tof_5"), "ionq_forte", options={"evidence": True})
    answer = api.finished(job_id)
    documents = api.get(f"/api/v2/jobs/{job_id}/events")["events"]
    hashes = [document.pop("hash") for document in documents]
    log = [Event(canonical(document)) for document in documents]
    check_chain(log)
    assert [event.hash for event in log] == hashes
    assert [event.type for event in log] == [
        "JobSubmitted",
        "TranspileStarted",
        "CircuitOptimized",
        "ExecutionIntended",
        "ExecutionSubmitted",
        "ExecutionCompleted",
        "EvidenceSigned",
        "JobCompleted",
    ]
    stored = {name: value for name, value in answer["results"].items() if name != "truncated"}
    assert present.optimization(fold(log), stored) == answer
    assert present.detail(fold(log), stored) == api.get(f"/api/v2/jobs/{job_id}")


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "unknown backend": ({"qasm": BELL, "backend": "ionq_harmony"}, 404, "BACKEND_NOT_FOUND"),
    "unknown gate": ({"qasm": BELL.replace("h q[0]", "hh q[0]"), "backend": "ionq_simulator"}, 400, "INVALID_CIRCUIT"),
    "file include": (
        {"qasm": BELL.replace("qelib1.inc", "/etc/passwd"), "backend": "ionq_simulator"},
        400,
        "INVALID_CIRCUIT",
    ),
    "too many qubits": ({"qasm": BELL.replace("q[2]", "q[26]"), "backend": "ionq_aria"}, 400, "INVALID_CIRCUIT"),
    "shots as text": ({"qasm": BELL, "backend": "ionq_simulator", "shots": "1024"}, 400, "VALIDATION_ERROR"),
    "no shots": ({"qasm": BELL, "backend": "ionq_simulator", "shots": 0}, 400, "VALIDATION_ERROR"),
    "level 4": (
        {"qasm": BELL, "backend": "ionq_simulator", "options": {"optimization_level": 4}},
        400,
        "VALIDATION_ERROR",
    ),
    "unknown field": ({"qasm": BELL, "backend": "ionq_simulator", "shot": 1}, 400, "VALIDATION_ERROR"),
    "no circuit": ({"backend": "ionq_simulator"}, 400, "VALIDATION_ERROR"),
}


def test_what_is_refused_leaves_nothing_behind(api: Api) -> None:
    before = everything_stored(api)
    for body, status, code in REFUSED.values():
        response = api.http.post("/api/v2/optimize", json=body)
        assert response.status_code == status, response.text
        document = response.json()
        assert document["success"] is False
        assert document["error"].keys() == {"code", "message", "details", "request_id", "retryable"}
        assert document["error"]["code"] == code
        assert "root:" not in response.text
    assert everything_stored(api) == before


def everything_stored(api: Api) -> tuple[int, int]:
    """The number of events and of objects."""
    deployer = api.cloud.deployer()
    dynamodb, s3 = deployer.client("dynamodb"), deployer.client("s3")
    events = dynamodb.scan(TableName=api.cloud.outputs["EventsTable"], Select="COUNT")["Count"]
    return events, s3.list_objects_v2(Bucket=api.cloud.outputs["Objects"])["KeyCount"]


def test_a_place_in_the_circuit_is_named(api: Api) -> None:
    qasm = BELL.replace("cx q[0],q[1]", "cx q[0],q[7]")
    error = api.http.post("/api/v2/optimize", json={"qasm": qasm, "backend": "ionq_simulator"}).json()["error"]
    place = error["details"][0]
    line = qasm.splitlines()[place["line"] - 1]
    assert line[place["column"] - 1 :].startswith(("q[7]", "7"))
    assert f"line {place['line']}" in error["message"]


def test_a_job_that_the_provider_fails_says_why(api: Api) -> None:
    job_id = api.submit(BELL, "ionq_forte")
    provider_id = wait_for_provider_id(api, job_id)
    failure = {"code": "QuantumComputerError", "message": "the trap lost an ion"}
    api.admin(f"jobs/{provider_id}", {"status": "failed", "failure": failure})
    job = api.finished(job_id)
    assert job["status"] == "failed"
    assert job["error"]["code"] == "PROVIDER_FAILED"
    assert "the trap lost an ion" in job["error"]["message"]
    assert job["error"]["retryable"] is True


def wait_for_provider_id(api: Api, job_id: str) -> str:
    for _ in range(200):
        provider_id = api.get(f"/api/v2/optimize/{job_id}")["provider_job_id"]
        if provider_id:
            return str(provider_id)
        time.sleep(0.05)
    raise AssertionError("never submitted")


def test_a_submission_that_ionq_refuses_fails_with_its_words(api: Api) -> None:
    fault = {"match": {"method": "POST", "path": "/v0.4/jobs"}, "times": 1, "status": 403}
    api.admin("faults", {"faults": [fault]})
    job_id = api.submit(BELL)
    job = api.finished(job_id)
    assert job["status"] == "failed"
    assert job["error"]["step"] == "execute"
    assert "nothing was run or charged" in job["error"]["message"]


def test_a_lost_answer_is_not_sent_again(api: Api) -> None:
    fault = {"match": {"method": "POST", "path": "/v0.4/jobs"}, "times": 1, "drop": "after"}
    api.admin("faults", {"faults": [fault]})
    job_id = api.submit(BELL, "ionq_aria")
    for _ in range(100):
        types = [event["type"] for event in api.get(f"/api/v2/jobs/{job_id}/events")["events"]]
        if "ExecutionIntended" in types:
            break
        time.sleep(0.1)
    time.sleep(4)
    types = [event["type"] for event in api.get(f"/api/v2/jobs/{job_id}/events")["events"]]
    assert types.count("ExecutionIntended") == 1
    assert "ExecutionRefused" not in types
    assert api.get(f"/api/v2/optimize/{job_id}")["status"] == "running"


def test_lists_follow(api: Api) -> None:
    job_id = api.submit(BELL)
    api.finished(job_id)
    for _ in range(100):
        page = api.get("/api/v2/jobs?status=completed&limit=5")
        if job_id in [job["job_id"] for job in page["jobs"]]:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the list never showed the job")
    assert page["pagination"]["total"] >= 1
    assert page["pagination"]["limit"] == 5


def test_events_reach_the_tenants_bus(api: Api) -> None:
    deployer = api.cloud.deployer()
    sqs, events = deployer.client("sqs"), deployer.client("events")
    queue = sqs.create_queue(QueueName="integration")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus = api.cloud.outputs["BusName"]
    pattern = json.dumps({"source": ["qcos.jobs"], "detail-type": ["JobCompleted"]})
    events.put_rule(Name="completed", EventBusName=bus, EventPattern=pattern)
    events.put_targets(Rule="completed", EventBusName=bus, Targets=[{"Id": "q", "Arn": arn}])
    job_id = api.submit(BELL)
    api.finished(job_id)
    for _ in range(20):
        for message in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages", []):
            detail = json.loads(message["Body"])["detail"]
            if detail["metadata"]["job_id"] == job_id:
                assert detail["metadata"]["version"] == 7
                return
    raise AssertionError("the bus never carried JobCompleted")


def test_a_burst_of_jobs_all_complete(api: Api) -> None:
    jobs = [api.submit(BELL, options={"optimization_level": 0}) for _ in range(12)]
    assert {api.finished(job_id)["status"] for job_id in jobs} == {"completed"}
