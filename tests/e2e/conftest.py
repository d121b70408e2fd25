"""One local cloud for all end-to-end tests, and clients that know it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.cloud import LocalCloud

CIRCUITS = Path(__file__).parents[1] / "data" / "circuits"
DONE = ("completed", "failed", "cancelled", "held")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            item.add_marker(pytest.mark.xdist_group("cloud"))


@dataclass
class Api:
    """The API of a running local cloud."""

    http: httpx.Client
    cloud: LocalCloud

    def get(self, path: str, status: int = 200) -> dict[str, Any]:
        """The answer's ``data``, or its ``error`` when another status is expected."""
        response = self.http.get(path)
        assert response.status_code == status, response.text
        body = response.json()
        return body["data"] if status == 200 else body["error"]  # type: ignore[no-any-return]  # JSON

    def submit(self, qasm: str, backend: str = "ionq_simulator", **fields: Any) -> str:
        """A new job's id."""
        response = self.http.post("/api/v2/optimize", json={"qasm": qasm, "backend": backend, **fields})
        assert response.status_code == 200, response.text
        return str(response.json()["data"]["job_id"])

    def finished(self, job_id: str, seconds: float = 90) -> dict[str, Any]:
        """The job once it has ended."""
        deadline = time.monotonic() + seconds
        while True:
            job = self.get(f"/api/v2/optimize/{job_id}?wait=10")
            if job["status"] in DONE:
                return job
            assert time.monotonic() < deadline, f"still {job['status']}"

    def admin(self, path: str, body: Any) -> None:
        """Tell the IonQ emulator to misbehave."""
        base = self.cloud.ready["ionq_url"].removesuffix("/v0.4")
        httpx.post(f"{base}/__admin/{path}", json=body, trust_env=False).raise_for_status()


@pytest.fixture(scope="session")
def api() -> Iterator[Api]:
    with LocalCloud(plan="enterprise") as cloud:
        headers = {"Authorization": f"Bearer {cloud.ready['api_key']}"}
        with httpx.Client(base_url=cloud.ready["api_url"], headers=headers, timeout=30, trust_env=False) as http:
            yield Api(http, cloud)


def circuit(name: str) -> str:
    """A circuit of the test data."""
    return (CIRCUITS / f"{name}.qasm").read_text()
