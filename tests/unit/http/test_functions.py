"""The Lambda modules themselves: what importing them loads, and that each serves its routes."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from qcos.adapters.bundles import Bundles
from qcos.errors import ValidationFailed
from qcos.http import evidence, gateway
from qcos.http.app import application
from qcos.ports import ApiKey
from qcos.service.keys import Keys
from tests.unit.evidence.samples import KEYS, NOW, SIGNED
from tests.unit.http.fakes import Context, Fakes, gateway_event

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


def test_the_evidence_function_judges_with_the_library() -> None:
    assert importlib.import_module("qcos.wiring.evidence").Bundles is Bundles
    published = KEYS.to_jwks()["keys"]
    good = Bundles().verdict(json.dumps(SIGNED).encode(), published, NOW)
    assert good["valid"] is True
    assert good["checks"] == {"signature": "valid", "hash": "valid", "timestamp": "valid"}
    assert (good["bundle_id"], good["job_id"], list(good["reasons"])) == ("ev_abc123", "job_xyz789", [])
    altered = Bundles().verdict(json.dumps(SIGNED | {"job_id": "job_other"}).encode(), published, NOW)
    assert (altered["valid"], altered["checks"]["signature"]) == (False, "invalid")
    assert set(altered["reasons"][0]) == {"check", "code", "message"}
    assert json.loads(json.dumps(altered))["valid"] is False
    assert Bundles().verdict(json.dumps(SIGNED).encode(), [], NOW)["valid"] is False


def test_what_the_library_cannot_judge_is_a_400() -> None:
    desk: Any = SimpleNamespace(verify=lambda document, **expected: Bundles().verdict(document, [], NOW, **expected))
    app = application(evidence.router(lambda: desk), rates=Fakes().rates)
    handler = gateway.handler(app, warm="/api/v2/evidence/ev_0", prepare=())
    for bundle, rule in [('{"shots":1024.0}', "number_not_integer"), ('{"a":-0}', "number_not_integer")]:
        event = gateway_event("POST", "/api/v2/evidence/verify", '{"bundle":' + bundle + "}")
        raw = handler(event, Context())
        error = json.loads(raw["body"])["error"]
        assert (raw["statusCode"], error["code"], error["details"][0]["rule"]) == (400, "VALIDATION_ERROR", rule)


def test_minting_a_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    function = importlib.import_module("functions.ops.mint_key")
    kept: list[ApiKey] = []
    control: Any = SimpleNamespace(put_api_key=kept.append)
    keys = Keys(control, lambda: "pepper", lambda: NOW)
    monkeypatch.setattr(function.wiring, "keys", lambda: keys)
    monkeypatch.setenv("QCOS_TENANT", "acme")
    answer = function.handler({"name": "demo", "scopes": ["optimize:write"]}, None)
    assert set(answer) == {"api_key", "key_id"}
    assert (kept[0].tenant, kept[0].name, kept[0].scopes) == ("acme", "demo", ("optimize:write",))
    assert answer["key_id"] == kept[0].public_id
    assert answer["api_key"].startswith(f"qcos_live_{kept[0].public_id}_")
    shown = capsys.readouterr()
    assert answer["api_key"] not in shown.out + shown.err
    with pytest.raises(ValidationFailed):
        function.handler({"name": "demo", "scopes": ["everything"]}, None)
    assert function.handler({"warm": True}, None) == {"warm": True}
