"""The emulator as a program: it says where it is, serves, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

COMMAND = [sys.executable, "-m", "infra.local.ionq"]
ROOT = Path(__file__).parents[3]
LONG_JOB = {
    "type": "ionq.circuit.v1",
    "backend": "simulator",
    "input": {"gateset": "qis", "qubits": 24, "circuit": [{"gate": "h", "target": 0}] * 4000},
}


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_start_and_stop(tmp_path: Path, stop: signal.Signals) -> None:
    ready = tmp_path / "ready.json"
    command = [*COMMAND, "--port", "0", "--ready-file", str(ready), "--api-key", "secret"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, text=True, start_new_session=True, stdout=pipe, stderr=pipe) as process:
        try:
            while not ready.exists():
                assert process.poll() is None, process.communicate()
                time.sleep(0.05)
            url = json.loads(ready.read_text())["url"]
            assert url.startswith("http://127.0.0.1:")
            assert url.endswith("/v0.4")
            assert httpx.get(f"{url}/whoami", headers={"Authorization": "apiKey secret"}).status_code == 200
            assert httpx.get(f"{url}/whoami", headers={"Authorization": "apiKey other"}).status_code == 401
            job = httpx.post(f"{url}/jobs", headers={"Authorization": "apiKey secret"}, json=LONG_JOB).json()["id"]
            while (
                httpx.get(f"{url}/jobs/{job}", headers={"Authorization": "apiKey secret"}).json()["status"] != "started"
            ):
                time.sleep(0.05)
            process.send_signal(stop)
            output, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, errors) == (0, "")
    assert output == f"IonQ emulator: {url}\n"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)  # no process of its group is left, the simulation's included
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/whoami")


def test_help_tells_how_to_use_it() -> None:
    answer = subprocess.run([*COMMAND, "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for word in ("--port", "--ready-file", "--api-key", "IONQ_API_URL", "/__admin"):
        assert word in answer.stdout
