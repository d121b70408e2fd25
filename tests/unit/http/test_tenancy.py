"""Every route with every kind of credential: whoever is not let in learns nothing and changes nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import pytest

from qcos.http import openapi
from qcos.http.authorizer import authorizer
from qcos.models import Caller
from qcos.service.keys import SCOPES
from tests.unit.http.conftest import Answer, Api
from tests.unit.http.fakes import BELL, TENANT, Context, gateway_event
from tests.unit.http.test_whole import factories
from tests.unit.service.world import CALLER, World, submission

ARN = "arn:aws:execute-api:eu-central-1:000000000000:api/live/GET/api/v2/jobs"
OTHER = "umbrella"


@dataclass
class Gateway:
    """API Gateway before the whole API: the authorizer decides, and what it says is all that a function learns."""

    world: World

    def __post_init__(self) -> None:
        self.factories = factories(self.world)
        self.api = Api(self.factories)
        self.keys = self.factories.keys()
        self.authorize = authorizer(self.factories.keys)

    def key(self, *scopes: str, tenant: str = TENANT, expires_in: str | None = None) -> str:
        text, _ = self.keys.mint(tenant, "test", scopes or SCOPES, expires_in)
        return str(text)

    def __call__(self, method: str, path: str, body: Any, key: str | None) -> Answer | None:
        """The answer, None where the gateway itself says 401."""
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
        path, _, asked = path.partition("?")
        event = gateway_event(method, path, body, headers=headers, scopes=None, query=dict(parse_qsl(asked)))
        try:
            decided = self.authorize({"methodArn": ARN, "headers": headers}, Context())
        except Exception as refused:  # what the gateway takes for a 401
            if str(refused) != "Unauthorized":
                raise
            return None
        event["requestContext"]["authorizer"] = decided["context"]
        raw = self.api.handler(event, Context())
        text = raw["body"]
        kind = raw["headers"].get("content-type", "")
        return Answer(raw["statusCode"], raw["headers"], json.loads(text) if "json" in kind else text, text)


@pytest.fixture
def gateway() -> Gateway:
    world = World()
    world.provider.quick = True
    return Gateway(world)


def requests(gateway: Gateway) -> list[tuple[str, str, str, Any]]:
    """One good request of the tenant for every operation that needs a key: (operation, method, path, body)."""
    world = gateway.world
    done, waiting, failed = (world.submitted() for _ in range(3))
    for step in (world.transpile, world.execute, world.sign):
        step(TENANT, done, 1)
    world.relay(world.story(done))
    world.request_checkpoint()
    world.fail(TENANT, failed, 1, {"Error": "States.TaskFailed"})
    batch = world.submit.batch(CALLER, [submission()]).batch_id
    bundle_id = world.job(done).evidence.bundle_id  # type: ignore[union-attr] # it was just signed
    bundle = json.loads(world.desk.bundle(TENANT, bundle_id))
    _, spare = gateway.keys.mint(TENANT, "spare", ["optimize:read"])
    ids = {
        "get_batch": batch,
        "cancel_batch": batch,
        "cancel_job": waiting,
        "retry_job": failed,
        "revoke_key": spare.public_id,
    }
    bodies = {
        "submit_circuit": {"qasm": BELL, "backend": "ionq_simulator"},
        "submit_batch": {"circuits": [{"qasm": BELL, "backend": "ionq_simulator"}]},
        "verify_bundle": {"bundle": bundle},
        "make_key": {"name": "new", "scopes": ["optimize:read"]},
    }
    found = []
    for path, operations in openapi.document()["paths"].items():
        for method, operation in operations.items():
            name = operation["operationId"]
            if operation["security"]:
                concrete = path.replace("{backend_id}", "ionq_aria").replace("{bundle_id}", bundle_id)
                for placeholder in ("{job_id}", "{batch_id}", "{key_id}"):
                    concrete = concrete.replace(placeholder, ids.get(name, done))
                for placeholder, value in {"{version}": "1", "{size}": "1", "{path}": "0/000.p/1"}.items():
                    concrete = concrete.replace(placeholder, value)
                concrete += "?from=1&to=1" if name == "get_consistency" else ""
                found.append((name, method.upper(), concrete, bodies.get(name)))
    return found


def state(world: World) -> tuple[Any, ...]:
    """Everything that a request could change, but for the count of requests."""
    jobs = {key: list(stream) for key, stream in world.events._streams.items()}
    return jobs, dict(world.objects.objects), dict(world.events._counters), set(world.control._api_keys)


def test_own_credentials_do_everything(gateway: Gateway) -> None:
    asked = requests(gateway)
    assert len(asked) >= 22
    key = gateway.key()
    for name, method, path, body in asked:
        answer = gateway(method, path, body, key)
        assert answer is not None
        assert answer.status == 200, (name, answer.text)
        assert answer.headers["ratelimit-limit"] == "300"


@pytest.mark.parametrize("kind", ["missing", "malformed", "unknown", "expired", "revoked", "cut"])
def test_a_key_that_is_none_is_refused_everywhere(gateway: Gateway, kind: str) -> None:
    asked = requests(gateway)
    good = gateway.key(expires_in="1h")
    keys: dict[str, str | None] = {"missing": None, "malformed": "qcos_live_x", "cut": good[:-1]}
    if kind == "unknown":
        elsewhere = Gateway(World())
        keys["unknown"] = elsewhere.key()
    if kind == "expired":
        gateway.world.clock.forward(hours=1)
    if kind == "revoked":
        assert gateway("GET", "/api/v2/status", None, good) is not None
        gateway.keys.revoke(TENANT, good.split("_")[2])
    key = keys.get(kind, good)
    before = state(gateway.world)
    for name, method, path, body in asked:
        assert gateway(method, path, body, key) is None, name
    assert state(gateway.world) == before


def test_a_key_revoked_elsewhere_is_refused_within_a_minute(gateway: Gateway) -> None:
    key = gateway.key()
    assert gateway("GET", "/api/v2/jobs", None, key) is not None
    # Another instance of the function revokes it: this one's cache knows nothing of that.
    gateway.world.control.revoke_api_key(TENANT, key.split("_")[2], "2026-02-06T12:00:00.000Z")
    gateway.world.clock.forward(seconds=60)
    assert gateway("GET", "/api/v2/jobs", None, key) is None


def test_without_the_scope_nothing_is_said_or_done(gateway: Gateway) -> None:
    asked = requests(gateway)
    needed = {
        operation["operationId"]: operation["security"][0]["bearer"]
        for operations in openapi.document()["paths"].values()
        for operation in operations.values()
        if operation["security"]
    }
    keys = {scope: gateway.key(*sorted(set(SCOPES) - {scope, "admin"})) for scope in SCOPES}
    before = state(gateway.world)
    for name, method, path, body in asked:
        for scope in needed[name]:
            answer = gateway(method, path, body, keys[scope])
            assert answer is not None
            assert (answer.status, answer.error["code"]) == (403, "FORBIDDEN"), name
    assert state(gateway.world) == before


ANSWERED = {
    "submit_circuit",
    "submit_batch",
    "get_stats",
    "list_jobs",
    "list_backends",
    "get_backend",
    "get_calibration",
    "verify_bundle",
    "list_keys",
    "make_key",
    "status",
}
"""What a stranger with a good key gets, about himself; everything else names somebody's job, batch, bundle or key."""


def test_another_tenant_sees_and_changes_nothing(gateway: Gateway) -> None:
    asked = requests(gateway)
    mine = {path.split("/")[-1] for _, _, path, _ in asked} | {
        job_id for tenant, job_id in gateway.world.events._streams if tenant == TENANT
    }
    stranger = gateway.key(tenant=OTHER)
    before = {job_id: len(log) for (tenant, job_id), log in gateway.world.events._streams.items() if tenant == TENANT}
    for name, method, path, body in asked:
        answer = gateway(method, path, body, stranger)
        assert answer is not None
        assert answer.status == (200 if name in ANSWERED else 404), (name, answer.text)
        if name in ("list_jobs", "list_keys", "get_stats", "submit_circuit", "submit_batch"):
            assert not [one for one in mine if one.startswith(("job_", "batch_", "ev_")) and one in answer.text]
    after = {job_id: len(log) for (tenant, job_id), log in gateway.world.events._streams.items() if tenant == TENANT}
    assert after == before
    assert not [key for key in gateway.keys.all(TENANT) if key.revoked_at]


def test_a_stranger_cannot_tell_what_is_there_from_what_is_not(gateway: Gateway) -> None:
    stranger = gateway.key(tenant=OTHER)
    for name, method, path, body in requests(gateway):
        if name in ANSWERED:
            continue
        head, _, tail = path.partition("/job_")
        absent = f"{head}/job_{'0' * 24}/{'/'.join(tail.split('/')[1:])}".rstrip("/") if tail else None
        if absent is None:
            continue
        theirs, nobodys = (gateway(method, one, body, stranger) for one in (path, absent))
        assert theirs is not None
        assert nobodys is not None
        assert (theirs.status, theirs.body) == (nobodys.status, nobodys.body), name


def test_one_tenants_idempotency_key_is_not_anothers(gateway: Gateway) -> None:
    wanted = submission()
    ours = gateway.world.submit(CALLER, wanted, "k")
    theirs = gateway.world.submit(Caller(**CALLER.model_dump() | {"tenant": OTHER}), wanted, "k")
    assert ours.job_id != theirs.job_id
