"""The API over the real use cases: what goes in over HTTP comes out as the contract shows it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

import qcos_evidence
from qcos.events import Event, canonical, check_chain
from qcos.http import present
from qcos.job import fold
from qcos.service.circuits import Circuits
from qcos.service.keys import Keys
from qcos.service.rates import Rates
from qcos.service.stats import Stats
from tests.unit.http.conftest import Api
from tests.unit.http.fakes import BELL, TENANT
from tests.unit.service.world import World


@pytest.fixture
def world() -> World:
    world = World()
    world.provider.quick = True
    return world


@pytest.fixture
def whole(world: World) -> Api:
    return Api(factories(world))


def factories(world: World) -> Any:
    """Every use case of the API over the world's adapters."""
    circuits = Circuits(world.log, world.objects)
    stats = Stats(world.views, world.clock, world.plan)
    rates = Rates(world.control, world.clock, world.plan)
    keys = Keys(world.control, lambda: "pepper", world.clock)
    return SimpleNamespace(
        submit=lambda: world.submit,
        jobs=lambda: world.jobs,
        lifecycle=lambda: world.lifecycle,
        batches=lambda: world.batches,
        circuits=lambda: circuits,
        stats=lambda: stats,
        rates=lambda: rates,
        keys=lambda: keys,
        backends=lambda: world.backends,
        desk=lambda: world.desk,
    )


def submit(whole: Api) -> str:
    options = {"optimization_level": 2, "evidence": True, "pqc_signing": True}
    body = {"qasm": BELL, "backend": "ionq_simulator", "shots": 1024, "options": options}
    accepted = whole("POST", "/api/v2/optimize", body).data
    assert accepted["status"] == "queued"
    return str(accepted["job_id"])


def test_a_job_from_submission_to_verified_evidence(whole: Api, world: World) -> None:
    job_id = submit(whole)
    assert whole("GET", f"/api/v2/optimize/{job_id}").data["status"] == "queued"
    for step in (world.transpile, world.execute, world.sign):
        assert step(TENANT, job_id, 1) == {"outcome": "done"}
        whole("GET", f"/api/v2/jobs/{job_id}")  # well formed at every stage
    data = whole("GET", f"/api/v2/optimize/{job_id}").data
    assert (data["status"], data["original_depth"], data["optimized_depth"]) == ("completed", 5, 3)
    assert data["reduction_percent"] == 40.0
    assert data["results"]["counts"] == {"00": 512, "11": 512}
    assert data["results"]["source"] == "exact_probabilities"

    bundle = whole("GET", f"/api/v2/evidence/{data['evidence_bundle_id']}").data
    assert whole("POST", "/api/v2/evidence/verify", {"bundle": bundle}).data["valid"] is True
    assert whole("POST", "/api/v2/evidence/verify", {"bundle": bundle | {"job_id": "job_x"}}).data["valid"] is False
    keys = qcos_evidence.KeySet.from_jwks(whole("GET", "/.well-known/jwks.json", scopes=None).body)
    offline = qcos_evidence.verify(json.dumps(bundle).encode(), keys, now=datetime.now(UTC))
    assert offline.valid, offline.reasons


def test_folding_the_log_that_the_api_shows_gives_what_the_api_answers(whole: Api, world: World) -> None:
    job_id = submit(whole)
    for step in (world.transpile, world.execute, world.sign):
        step(TENANT, job_id, 1)
    shown = whole("GET", f"/api/v2/jobs/{job_id}/events").data["events"]
    log = [Event(canonical({name: value for name, value in entry.items() if name != "hash"})) for entry in shown]
    assert [event.hash for event in log] == [entry["hash"] for entry in shown]
    check_chain(log)
    job = fold(log)
    answered = whole("GET", f"/api/v2/jobs/{job_id}").data
    assert present.detail(job, world.jobs.results(job)) == answered
    assert answered["event_count"] == len(shown) == 8


def test_a_refused_submission_leaves_nothing_behind(whole: Api, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[object] = []
    monkeypatch.setattr(world.events, "append", written.append)
    monkeypatch.setattr(world.objects, "put", lambda *what: written.append(what))
    broken = whole("POST", "/api/v2/optimize", {"qasm": BELL.replace("cx", "foo"), "backend": "ionq_simulator"})
    assert (broken.status, broken.error["code"]) == (400, "INVALID_CIRCUIT")
    assert broken.error["details"] == [{"field": "qasm", "rule": "unknown_gate", "line": 5, "column": 1}]
    unknown = whole("POST", "/api/v2/optimize", {"qasm": BELL, "backend": "ibm_heron"})
    assert (unknown.status, unknown.error["code"]) == (404, "BACKEND_NOT_FOUND")
    world.provider.status = "unavailable"
    offline = whole("POST", "/api/v2/optimize", {"qasm": BELL, "backend": "ionq_aria"})
    assert (offline.status, offline.error["code"], offline.error["retryable"]) == (503, "BACKEND_UNAVAILABLE", True)
    assert whole("GET", "/api/v2/jobs").data["pagination"]["total"] == 0
    assert written == []


def test_the_list_follows_the_log(whole: Api, world: World) -> None:
    job_id = submit(whole)
    world.project(TENANT, job_id)
    data = whole("GET", "/api/v2/jobs", query={"status": "queued"}).data
    assert ([job["job_id"] for job in data["jobs"]], data["pagination"]["total"]) == ([job_id], 1)


def test_backends_as_the_catalogue_and_the_provider_have_them(whole: Api, world: World) -> None:
    lines = whole("GET", "/api/v2/backends").data["backends"]
    assert [line["id"] for line in lines][:2] == ["ionq_simulator", "ionq_aria"]
    assert whole("GET", "/api/v2/backends/ionq_forte").data["native_gates"] == ["GPI", "GPI2", "ZZ"]
    assert whole("GET", "/api/v2/backends/ionq_aria/calibration").data["two_qubit_fidelity"] == 0.997
    assert whole("GET", "/api/v2/backends/ionq_forte_enterprise/calibration").data["timestamp"] is None
    assert whole("GET", "/api/v2/status").data["backends"]["ionq_aria"] == "online"
    world.provider.unavailable = True
    assert whole("GET", "/api/v2/backends").error["code"] == "BACKEND_UNAVAILABLE"
    assert whole("GET", "/api/v2/status").data["provider"] == "unreachable"
