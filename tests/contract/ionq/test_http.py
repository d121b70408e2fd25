"""The emulator spoken to directly: keys, error bodies, lists, deleting, estimates, sessions."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from infra.local.ionq.server import IonQEmulator
from tests.contract.ionq.conftest import BELL, KEY, Resume, Submit, Wait

JOB: dict[str, Any] = {"type": "ionq.circuit.v1", "backend": "simulator", "input": BELL}
ABSENT = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("path", ["/backends", "/backends/qpu.forte-1", "/backends/qpu.forte-1/characterizations"])
def test_backends_need_no_key(emulator: IonQEmulator, path: str) -> None:
    assert httpx.get(emulator.url + path).status_code == 200


@pytest.mark.parametrize("header", [None, "apiKey wrong", "apiKey", f"Bearer {KEY}", KEY])
@pytest.mark.parametrize(("method", "path"), [("GET", "/whoami"), ("POST", "/jobs"), ("GET", "/sessions")])
def test_everything_else_needs_the_key(emulator: IonQEmulator, method: str, path: str, header: str | None) -> None:
    answer = httpx.request(method, emulator.url + path, headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert answer.json()["error"] == "Unauthorized Error"
    assert answer.json()["message"].startswith("Invalid key provided. See https://docs.ionq.com/#authentication")


def test_one_characterisation_needs_the_key_and_carries_gate_fidelities(
    emulator: IonQEmulator, api: httpx.Client
) -> None:
    listed = api.get("/backends/qpu.aria-1/characterizations", params={"limit": 3}).json()
    assert len(listed["characterizations"]) == 3
    newest = listed["characterizations"][0]
    assert newest["id"] == api.get("/backends/qpu.aria-1").json()["characterization_id"]
    path = f"/backends/qpu.aria-1/characterizations/{newest['id']}"
    assert httpx.get(emulator.url + path).status_code == 401
    assert api.get(path).json() == newest
    assert newest["qubits"] == 25
    assert len(newest["connectivity"]) == 25 * 24 // 2
    assert 0.9 < newest["fidelity"]["2q"]["median"] < newest["fidelity"]["1q"]["median"] < 1
    older = api.get("/backends/qpu.aria-1/characterizations", params={"limit": 3, "page": 2}).json()
    assert older["characterizations"][0]["date"] < listed["characterizations"][-1]["date"]
    assert api.get("/backends/simulator/characterizations").json()["characterizations"] is None


def test_backends(api: httpx.Client) -> None:
    backends = {backend["backend"]: backend for backend in api.get("/backends").json()}
    assert {name: backend["qubits"] for name, backend in backends.items()} == {
        "simulator": 29,
        "qpu.aria-1": 25,
        "qpu.forte-1": 36,
        "qpu.forte-enterprise-1": 36,
    }
    assert backends["qpu.aria-1"]["supported_native_gates"] == ["gpi", "gpi2", "ms"]
    assert backends["qpu.forte-1"]["supported_native_gates"] == ["gpi", "gpi2", "zz"]
    assert api.get("/backends/qpu.nowhere").status_code == 404


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"backend": None}, "backend"),
        ({"backend": "qpu.nowhere"}, "backend"),
        ({"type": "ionq.unknown.v1"}, "type"),
        ({"type": 3}, "type"),
        ({"input": None}, "input"),
        ({"input": {**BELL, "gateset": "other"}}, "input.gateset"),
        ({"input": {**BELL, "qubits": 0}}, "input.qubits"),
        ({"input": {**BELL, "circuit": "h"}}, "input.circuit"),
        ({"input": {**BELL, "circuit": [{"gate": "h", "target": "0"}]}}, "input.circuit[0].target"),
        ({"input": {**BELL, "circuit": [{"gate": "rx", "target": 0, "rotation": "pi"}]}}, "input.circuit[0].rotation"),
        ({"shots": 0}, "shots"),
        ({"shots": 1_000_001}, "shots"),
        ({"shots": 1.5}, "shots"),
        ({"metadata": {"n": 1}}, "metadata.n"),
        ({"name": 5}, "name"),
        ({"dry_run": "yes"}, "dry_run"),
        ({"noise": {"model": "aria-9"}}, "noise.model"),
        ({"noise": {"model": "aria-1", "seed": -1}}, "noise.seed"),
        ({"shots": 499, "settings": {"error_mitigation": {"debiasing": True}}}, "shots"),
        ({"session_id": "none"}, "session_id"),
        ({"type": "ionq.multi-circuit.v1", "input": {"gateset": "qis", "circuits": []}}, "input.circuits"),
        (
            {"type": "ionq.multi-circuit.v1", "input": {"gateset": "qis", "circuits": [{"circuit": []}] * 5001}},
            "input.circuits",
        ),
    ],
)
def test_bad_requests_name_the_field(api: httpx.Client, change: dict[str, Any], key: str) -> None:
    answer = api.post("/jobs", json={**JOB, **change})
    assert answer.status_code == 400
    body = answer.json()
    assert (body["statusCode"], body["error"]) == (400, "Bad Request")
    assert body["validation"] == {"source": "body", "keys": [key]}
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_a_json_object(api: httpx.Client, raw: bytes) -> None:
    answer = api.post("/jobs", content=raw)
    assert answer.status_code == 400
    assert answer.json()["validation"]["source"] == "body"


def test_bodies_over_ten_megabytes(api: httpx.Client) -> None:
    padding = "x" * (10 * 1024 * 1024)
    answer = api.post("/jobs", json={**JOB, "padding": padding})
    assert answer.status_code == 413
    assert answer.json()["statusCode"] == 413


def test_unknown_paths_and_ids(api: httpx.Client) -> None:
    for path in ("/nothing", f"/jobs/{ABSENT}", f"/sessions/{ABSENT}", f"/jobs/{ABSENT}/results/probabilities"):
        answer = api.get(path)
        assert answer.status_code == 404
        assert answer.json()["error"] == "Not Found Error"
        assert answer.json()["message"].startswith("Resource not found.")
    assert api.patch("/jobs").json()["statusCode"] == 405


def test_states_advance_and_the_job_echoes_the_request(
    api: httpx.Client, submit: Submit, wait: Wait, paused: Resume
) -> None:
    job_id = submit(name="bell", metadata={"token": "t", "n": "1"}, shots="7")
    first = api.get(f"/jobs/{job_id}").json()
    assert first["status"] == "submitted"
    assert first["results"] is None
    paused()
    done = wait(job_id)
    assert (done["status"], done["failure"], done["shots"]) == ("completed", None, 7)
    assert (done["name"], done["metadata"]) == ("bell", {"token": "t", "n": "1"})
    assert done["submitted_at"] <= done["started_at"] <= done["completed_at"]
    url = done["results"]["probabilities"]["url"]
    assert url == f"/v0.4/jobs/{job_id}/results/probabilities"
    exact = api.get(f"/jobs/{job_id}/results/probabilities").json()
    assert exact == pytest.approx({"0": 0.5, "3": 0.5})
    artifact = done["results"]["ionq.result.probabilities.json.v1"]
    assert api.get(f"/jobs/{job_id}/artifacts/{artifact['id']}").json() == exact
    assert api.get(f"/jobs/{job_id}/artifacts/{ABSENT}").status_code == 404
    assert api.get(f"/jobs/{job_id}/results/histogram").status_code == 404  # the ideal simulator samples nothing


def test_list_is_newest_first_and_pages_by_cursor(api: httpx.Client, submit: Submit) -> None:
    made = [submit(name=f"page-{index}") for index in range(5)]
    first = api.get("/jobs", params={"limit": 2}).json()
    second = api.get("/jobs", params={"limit": 2, "next": first["next"]}).json()
    assert [job["id"] for job in first["jobs"] + second["jobs"]] == made[:0:-1]
    submit()  # a newer job does not shift the pages after a cursor
    assert api.get("/jobs", params={"limit": 2, "next": first["next"]}).json()["jobs"][0]["id"] == made[2]
    seen, cursor = [], None
    while True:
        page = api.get("/jobs", params={"limit": 25, **({"next": cursor} if cursor else {})}).json()
        seen += [job["id"] for job in page["jobs"]]
        if (cursor := page["next"]) is None:
            break
    assert len(seen) == len(set(seen))
    assert set(made) <= set(seen)
    for bad in ({"limit": 26}, {"limit": 0}, {"limit": "x"}, {"next": ABSENT}, {"status": "queued"}):
        answer = api.get("/jobs", params=bad)
        assert answer.status_code == 400
        assert answer.json()["validation"] == {"source": "query", "keys": list(bad)}


def test_list_filters(api: httpx.Client, submit: Submit, wait: Wait) -> None:
    done, failed = submit(), submit(input={**BELL, "qubits": 40})
    quantum = submit(backend="qpu.forte-1")
    for job_id in (done, failed, quantum):
        wait(job_id)
    wanted = {"ids": [done, failed, quantum, ABSENT]}

    def ids(**filters: Any) -> set[str]:
        return {job["id"] for job in api.get("/jobs", params={**wanted, **filters}).json()["jobs"]}

    assert ids() == {done, failed, quantum}
    assert ids(status="failed") == {failed}
    assert ids(target="simulator,qpu.aria-1") == {done, failed}
    assert ids(target="qpu.forte-1") == {quantum}
    assert ids(session_id=ABSENT) == set()
    comma = api.get("/jobs", params={"ids": f"{done},{failed}"}).json()
    assert {job["id"] for job in comma["jobs"]} == {done, failed}
    in_body = api.request("GET", "/jobs", json={"limit": 1}, params=wanted)  # where cirq-ionq puts the limit
    assert len(in_body.json()["jobs"]) == 1


def test_delete(api: httpx.Client, submit: Submit) -> None:
    one, two, three = submit(), submit(), submit()
    assert api.delete(f"/jobs/{one}").json() == {"id": one, "status": "deleted"}
    assert api.get(f"/jobs/{one}").status_code == 404
    answer = api.request("DELETE", "/jobs", json={"ids": [two, three]})
    assert answer.json() == {"ids": [two, three], "status": "deleted"}
    assert api.get("/jobs", params={"ids": [one, two, three]}).json()["jobs"] == []


def test_cancel(api: httpx.Client, admin: httpx.Client, submit: Submit, wait: Wait) -> None:
    finished = submit()
    wait(finished)
    assert api.put(f"/jobs/{finished}/status/cancel").json() == {"id": finished, "status": "canceled"}
    assert api.get(f"/jobs/{finished}").json()["status"] == "completed"  # a no-op for a finished job
    admin.post("/backends/qpu.aria-1", json={"status": "unavailable"}).raise_for_status()
    one, two = submit(backend="qpu.aria-1"), submit(backend="qpu.aria-1")
    api.put("/jobs/status/cancel", json={"ids": [one, two]}).raise_for_status()
    assert [wait(job_id)["status"] for job_id in (one, two)] == ["canceled", "canceled"]
    admin.post("/backends/qpu.aria-1", json={"status": "available"}).raise_for_status()
    assert api.get(f"/jobs/{one}/results/probabilities").status_code == 404


def test_dry_run_compiles_only(api: httpx.Client, submit: Submit, wait: Wait) -> None:
    job = wait(submit(backend="qpu.aria-1", dry_run=True))
    assert (job["status"], job["dry_run"], job["results"]) == ("completed", True, None)
    artifact = job["output"]["compilation"]["compiled_circuits"]["ionq.native.v1"]
    compiled = api.get(f"/jobs/{job['id']}/artifacts/{artifact['id']}").json()
    assert {gate["gate"] for gate in compiled["circuit"]} <= {"gpi", "gpi2", "ms"}
    assert job["stats"]["gate_counts"]["2q"] == 1
    assert api.get(f"/jobs/{job['id']}/cost").json()["cost"]["value"] == 0
    assert api.get(f"/jobs/{job['id']}/results/probabilities").status_code == 404


def test_clone_repeats_with_changes(api: httpx.Client, submit: Submit, wait: Wait) -> None:
    original = submit(name="first", noise={"model": "aria-1", "seed": 3}, shots=50)
    clone = api.post(f"/jobs/{original}/clone", json={"name": "again", "shots": 60})
    assert clone.status_code == 201
    job = wait(clone.json()["id"])
    assert (job["name"], job["shots"], job["noise"]) == ("again", 60, {"model": "aria-1", "seed": 3})


def test_estimate_and_cost_agree_in_both_shapes(api: httpx.Client, submit: Submit, wait: Wait) -> None:
    query: dict[str, Any] = {"backend": "qpu.forte-1", "shots": 20_000, "1q_gates": 4, "2q_gates": 1}
    estimate = api.get("/jobs/estimate", params=query).json()
    rate = estimate["rate_card"]["rates"][0]
    expected = 20_000 * (4 * rate["cost_1q_gate"] + rate["cost_2q_gate"])
    assert estimate["estimated_total_cost"] == estimate["estimated_cost"] == pytest.approx(expected)
    assert expected > rate["job_cost_minimum"]
    assert estimate["estimate_context"]["2q_gates"] == estimate["input_values"]["2q_gates"] == 1
    assert api.get("/jobs/estimate", params={**query, "shots": 1}).json()["estimated_cost"] == rate["job_cost_minimum"]
    assert api.get("/jobs/estimate").json()["validation"] == {"source": "query", "keys": ["backend"]}
    job = wait(submit(backend="qpu.forte-1", shots=20_000))
    counts = job["stats"]["gate_counts"]
    cost = api.get(f"/jobs/{job['id']}/cost").json()["cost"]["value"]
    assert cost == pytest.approx(20_000 * (counts["1q"] * rate["cost_1q_gate"] + counts["2q"] * rate["cost_2q_gate"]))


def test_sessions(api: httpx.Client, submit: Submit) -> None:
    made = api.post("/sessions", json={"backend": "simulator", "settings": {"job_count_limit": 1}})
    assert made.status_code == 201
    session = made.json()
    assert (session["status"], session["state"], session["active"]) == ("created", "created", True)
    job_id = submit(session_id=session["id"])
    assert api.get(f"/sessions/{session['id']}").json()["status"] == "started"
    assert [job["id"] for job in api.get(f"/sessions/{session['id']}/jobs").json()["jobs"]] == [job_id]
    assert api.post("/jobs", json={**JOB, "session_id": session["id"]}).status_code == 400  # the limit is one job
    assert api.post(f"/sessions/{session['id']}/end").json()["status"] == "ended"
    assert session["id"] not in [entry["id"] for entry in api.get("/sessions?active=true").json()["sessions"]]


def test_usage_adds_up(api: httpx.Client, submit: Submit, wait: Wait) -> None:
    job = wait(submit(backend="qpu.aria-1"))
    day = job["completed_at"][:10]
    organization = api.get("/sessions").json()["organization_id"]
    query = {"start_date": day, "end_date": day, "group_by": "job", "modality": "daily"}
    usage = api.get(f"/organizations/{organization}/usage", params=query).json()
    groups = {group["group_id"]: group for group in usage["usage_data"][0]["group_usages"]}
    assert groups[job["id"]]["amount"] == api.get(f"/jobs/{job['id']}/cost").json()["cost"]["value"] > 0
    assert usage["amount_total"] == pytest.approx(sum(group["amount"] for group in groups.values()))


def test_concurrent_submissions_all_run(api: httpx.Client, submit: Submit, wait: Wait) -> None:
    with ThreadPoolExecutor(8) as pool:
        ids = list(pool.map(lambda index: submit(name=str(index)), range(24)))
        jobs = list(pool.map(wait, ids))
    assert len(set(ids)) == 24
    assert [job["name"] for job in jobs] == [str(index) for index in range(24)]
    assert {job["status"] for job in jobs} == {"completed"}


def test_old_finished_jobs_are_forgotten_and_unfinished_ones_are_not() -> None:
    with (
        IonQEmulator(queue_seconds=0.0, max_jobs=3) as small,
        httpx.Client(base_url=small.url, headers={"Authorization": "apiKey any"}) as client,
    ):
        first = client.post("/jobs", json=JOB).json()["id"]
        while client.get(f"/jobs/{first}").json()["status"] != "completed":
            pass
        httpx.post(f"{small.admin_url}/backends/simulator", json={"status": "unavailable"}).raise_for_status()
        waiting = [client.post("/jobs", json=JOB).json()["id"] for _ in range(3)]
        assert client.get(f"/jobs/{first}").status_code == 404
        refused = client.post("/jobs", json=JOB)
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert all(client.get(f"/jobs/{job_id}").status_code == 200 for job_id in waiting)
