"""A running emulator and the ways to talk to it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from infra.local.ionq.server import IonQEmulator

KEY = "test-key"
BELL: dict[str, Any] = {
    "gateset": "qis",
    "qubits": 2,
    "circuit": [{"gate": "h", "target": 0}, {"gate": "cnot", "control": 0, "target": 1}],
}
FINISHED = ("completed", "failed", "canceled")

Submit = Callable[..., str]
Wait = Callable[..., dict[str, Any]]
Resume = Callable[[], None]


@pytest.fixture(scope="module")
def emulator() -> Iterator[IonQEmulator]:
    with IonQEmulator(api_key=KEY, queue_seconds=0.02) as running:
        yield running


@pytest.fixture(scope="module")
def api(emulator: IonQEmulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=emulator.url, headers={"Authorization": f"apiKey {KEY}"}, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def admin(emulator: IonQEmulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=emulator.admin_url, timeout=60) as client:
        yield client


@pytest.fixture
def paused(admin: httpx.Client) -> Iterator[Resume]:
    """The simulator starts no job until the value is called, so that a test can act on a job that waits."""

    def resume() -> None:
        admin.post("/backends/simulator", json={"status": "available"}).raise_for_status()

    admin.post("/backends/simulator", json={"status": "unavailable"}).raise_for_status()
    yield resume
    resume()


@pytest.fixture(scope="module")
def submit(api: httpx.Client) -> Submit:
    """POST /jobs with the Bell circuit and any fields changed; returns the job's id."""

    def post(**fields: Any) -> str:
        body = {"type": "ionq.circuit.v1", "backend": "simulator", "input": BELL, **fields}
        answer = api.post("/jobs", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    return post


@pytest.fixture(scope="module")
def wait(api: httpx.Client) -> Wait:
    """Poll a job until it is in one of the states (by default finished); returns the job object."""

    def poll(job_id: str, *states: str) -> dict[str, Any]:
        for _ in range(3000):
            job: dict[str, Any] = api.get(f"/jobs/{job_id}").json()
            if job["status"] in (states or FINISHED):
                return job
            time.sleep(0.02)
        raise AssertionError(f"job {job_id} stayed {job['status']}")

    return poll
