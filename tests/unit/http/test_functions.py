"""The Lambda modules themselves: what importing them loads, and that each serves its routes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

FUNCTIONS = ("optimize", "jobs", "backends", "evidence", "account", "authorizer")

# Run in a process of its own: the function's module, asked for what needs neither AWS nor a use case.
PROBE = """
import json, sys
import functions.api.{name} as module
loaded = sorted({{name.partition(".")[0] for name in sys.modules}})
print(json.dumps(loaded))
"""

ASK = """
import io, json, sys
out, sys.stdout = sys.stdout, io.StringIO()
from tests.unit.http.fakes import Context, gateway_event
from functions.api import account, backends, evidence, jobs, optimize
answers = []
for module, method, path in [
    (account, "GET", "/health"), (account, "GET", "/openapi.json"), (account, "GET", "/"),
    (account, "GET", "/api/v2/status"),
    (optimize, "POST", "/api/v2/optimize"), (optimize, "GET", "/api/v2/optimize/job_1"),
    (optimize, "GET", "/api/v2/optimize/job_1/x"), (jobs, "GET", "/api/v2/jobs"),
    (jobs, "GET", "/api/v2/jobs/job_1/events"), (backends, "GET", "/api/v2/backends/x/calibration"),
    (evidence, "POST", "/api/v2/evidence/verify"), (evidence, "GET", "/api/v2/evidence/ev_1"),
]:
    answers.append(module.handler(gateway_event(method, path, scopes=None), Context())["statusCode"])
print(json.dumps(answers), file=out)
"""


def run(code: str) -> object:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_cold_start_loads_no_quantum_package(name: str) -> None:
    loaded = run(PROBE.format(name=name))
    assert isinstance(loaded, list)
    heavy = {"qiskit", "qiskit_ionq", "numpy", "scipy", "qcos_optimizer", "infra"}
    if name != "evidence":
        heavy |= {"qcos_evidence", "pqcrypto", "nacl"}
    if name == "authorizer":
        heavy |= {"fastapi", "mangum"}
    assert heavy.isdisjoint(loaded)
    assert "qcos" in loaded


def test_each_function_serves_its_routes_without_a_cloud() -> None:
    # 401: the route is there and asks for a key before it asks for anything else.
    assert run(ASK) == [200, 200, 404, 401, 401, 401, 404, 401, 401, 401, 401, 401]
