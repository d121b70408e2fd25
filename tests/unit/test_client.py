"""The client against the API's own application: what it sends, what it repeats, what it makes of errors."""

from __future__ import annotations

import base64
import contextlib
import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from qcos.client import TRIES, ApiError, Client, NoAnswer
from qcos.errors import InvalidCircuit
from tests.unit.http.conftest import Api
from tests.unit.http.fakes import (
    ALL_SCOPES,
    BELL,
    BUNDLE_ID,
    COMPLETE,
    FAILED,
    SUBMITTED,
    TENANT,
    Context,
    Fakes,
    gateway_event,
    log_of,
)

URL = "https://api.example/live"


class Gateway(httpx.BaseTransport):
    """API Gateway in memory: the stage's path is cut off, the key decides whether an authorizer vouches."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        known = request.headers.get("Authorization") == "Bearer good-key"
        event = gateway_event(
            request.method,
            request.url.path.removeprefix("/live"),
            request.content.decode() or None,
            scopes=f"{ALL_SCOPES} admin" if known else None,
            query=request.url.params.multi_items(),
            headers={name: request.headers[name] for name in ("Idempotency-Key",) if name in request.headers},
        )
        with contextlib.redirect_stdout(io.StringIO()):  # the function's numbers
            raw = self.api.handler(event, Context())
        body = base64.b64decode(raw["body"]) if raw["isBase64Encoded"] else raw["body"].encode()
        return httpx.Response(raw["statusCode"], headers=raw["headers"], content=body)


@pytest.fixture(scope="module")
def gateway() -> Gateway:
    return Gateway(Api(Fakes()))


@pytest.fixture
def fakes(gateway: Gateway) -> Fakes:
    gateway.requests.clear()
    vars(gateway.api.fakes).clear()
    Fakes.__init__(gateway.api.fakes, logs={(TENANT, "job_done"): log_of("job_done", *COMPLETE)})
    return gateway.api.fakes


@pytest.fixture
def client(gateway: Gateway, fakes: Fakes) -> Client:
    return Client(URL, "good-key", transport=gateway, sleep=lambda _: None)


def test_every_method_is_an_endpoint(client: Client, fakes: Fakes) -> None:
    fakes.bundles[TENANT, BUNDLE_ID] = b'{"version":"3.0"}'
    assert client.submit(BELL, "ionq_simulator", shots=5, level=3, evidence=True, pqc_signing=False) == {
        "job_id": "job_new",
        "status": "queued",
        "estimated_time": 7,
    }
    submission = fakes.submissions[0][1]
    assert (submission.qasm, submission.shots) == (BELL, 5)
    assert (submission.options.optimization_level, submission.options.evidence) == (3, True)
    assert submission.options.pqc_signing is False
    assert client.optimization("job_done")["reduction_percent"] == 37.8
    assert client.job("job_done")["event_count"] == len(COMPLETE)
    assert client.jobs("completed", limit=5, offset=0)["pagination"]["total"] == 1
    assert [event["version"] for event in client.events("job_done")] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert client.event_proof("job_done", 2)["leaf"] == fakes.logs[TENANT, "job_done"][1].hash
    assert client.bundle(BUNDLE_ID) == {"version": "3.0"}
    assert client.verify({"version": "3.0"})["valid"] is False
    assert client.jwks() == {"keys": [{"kty": "AKP"}]}
    assert [one["id"] for one in client.backends()] == ["ionq_aria"]
    assert client.backend("ionq_aria")["connectivity"] == "all-to-all"
    assert client.calibration("ionq_aria")["backend_id"] == "ionq_aria"
    assert client.status()["api"] == "operational"
    assert client.stats()["evaluations_limit"] == 50_000
    assert client.circuit("job_done", "original", "qasm2") == "// original qasm2 \u03c0\n".encode()
    with pytest.raises(ApiError, match="JOB_NOT_FOUND"):
        client.circuit("job_nobodys")


def test_the_transparency_log(client: Client, fakes: Fakes, gateway: Gateway) -> None:
    fakes.bundles[TENANT, BUNDLE_ID] = b"{}"
    fakes.unlogged = 2
    assert client.bundle_proof(BUNDLE_ID) == f"proof of {BUNDLE_ID}\n"
    assert len(gateway.requests) == 3  # a bundle is logged a moment after it was signed
    assert (client.checkpoint(), client.checkpoint(7)) == ("latest\n", "of 7\n")
    assert client.consistency(2, 3) == {"from": 2, "to": 3, "path": ["sha256:" + "0" * 64]}
    fakes.unlogged = TRIES
    with pytest.raises(ApiError) as refused:
        client.bundle_proof(BUNDLE_ID)
    assert (refused.value.status, refused.value.code) == (409, "NOT_LOGGED")


class Storage(httpx.BaseTransport):
    """Before the API, the storage that its links lead to."""

    def __init__(self, gateway: Gateway, *answers: httpx.Response) -> None:
        self.gateway = gateway
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "storage.example":
            return self.gateway.handle_request(request)
        self.requests.append(request)
        return self.answers.pop(0)


def test_a_file_is_fetched_whether_it_is_answered_or_linked(gateway: Gateway, fakes: Fakes) -> None:
    fakes.bundles[TENANT, BUNDLE_ID] = b'{"version":"3.0"}'
    storage = Storage(gateway, httpx.Response(503), httpx.Response(200, content=b"%PDF-"), httpx.Response(403))
    with Client(URL, "good-key", transport=storage, sleep=lambda _: None) as client:
        assert client.export(BUNDLE_ID) == client.export(BUNDLE_ID, "cbor") == b'{"version":"3.0"}'
        assert storage.requests == []
        assert client.export(BUNDLE_ID, "pdf") == b"%PDF-"
        assert [str(one.url) for one in storage.requests] == [
            f"https://storage.example/{BUNDLE_ID}.pdf?signature=s",
        ] * 2
        # The key is the API's, and nobody else is shown it.
        assert not {"authorization", "x-api-key"} & {name for one in storage.requests for name in one.headers}
        with pytest.raises(NoAnswer, match=r"storage\.example.*403") as refused:
            client.export(BUNDLE_ID, "pdf")
        assert "signature" not in str(refused.value)
        with pytest.raises(ApiError, match="BUNDLE_NOT_FOUND"):
            client.export("ev_nobodys")


def test_a_submission_says_what_was_asked_and_nothing_else(client: Client, gateway: Gateway, fakes: Fakes) -> None:
    client.submit(BELL, "ionq_simulator")
    assert set(json.loads(gateway.requests[-1].content)) == {"qasm", "backend", "shots", "options"}
    client.submit(
        BELL,
        "ionq_simulator",
        memory=True,
        max_cost_usd=Decimal("0.1"),
        name="Bell",
        tags=["a", "b"],
        dry_run=True,
        idempotency_key="once",
    )
    submission = fakes.submissions[-1][1]
    assert (submission.name, submission.tags, submission.dry_run) == ("Bell", ("a", "b"), True)
    assert (submission.options.memory, submission.options.max_cost_microdollars) == (True, 100_000)
    assert fakes.idempotency_keys == [None, "once"]


def test_a_batch_is_submitted_watched_and_cancelled(client: Client, fakes: Fakes) -> None:
    circuits: list[dict[str, Any]] = [
        {"qasm": BELL, "backend": "ionq_simulator", "shots": 5},
        {"qasm": BELL, "backend": "ionq_aria"},
    ]
    accepted = client.submit_batch(circuits, level=3, tags=["t"], idempotency_key="b1")
    assert accepted == {"batch_id": "batch_new", "job_ids": ["job_0", "job_1"], "status": "processing"}
    assert [(one.shots, one.backend, one.tags) for _, one in fakes.submissions] == [
        (5, "ionq_simulator", ("t",)),
        (1024, "ionq_aria", ("t",)),
    ]
    assert {one.options.optimization_level for _, one in fakes.submissions} == {3}
    assert fakes.idempotency_keys == ["b1"]
    fakes.batch_jobs[TENANT, "batch_1"] = ("job_done", "job_later")
    assert client.batch("batch_1")["counts"] == {"completed": 1, "queued": 1}
    assert [job["status"] for job in client.cancel_batch("batch_1")["jobs"]] == ["completed", "cancelled"]


def test_cancel_and_retry(client: Client, fakes: Fakes) -> None:
    fakes.logs[TENANT, "job_new"] = log_of("job_new", SUBMITTED)
    fakes.logs[TENANT, "job_failed"] = log_of("job_failed", SUBMITTED, FAILED)
    assert client.cancel("job_new") == {"job_id": "job_new", "status": "cancelled"}
    assert client.retry("job_failed") == {"job_id": "job_failed", "status": "queued", "attempt": 2}
    with pytest.raises(ApiError, match="CONFLICT"):
        client.cancel("job_done")


def test_a_list_is_filtered_and_continued(client: Client, fakes: Fakes) -> None:
    fakes.logs[TENANT, "job_new"] = log_of("job_new", SUBMITTED)
    page = client.jobs(["queued", "completed"], 1, backend="ionq_simulator", created_after="2026-02-06T13:00:00+01:00")
    assert [job["job_id"] for job in page["jobs"]] == ["job_new"]
    assert fakes.wanted.statuses == ("queued", "completed")
    assert fakes.wanted.created_after == "2026-02-06T12:00:00.000Z"
    after = client.jobs(["queued", "completed"], 1, cursor=page["pagination"]["next_cursor"])
    assert [job["job_id"] for job in after["jobs"]] == ["job_done"]
    assert after["pagination"]["next_cursor"] is None


def test_keys_are_made_listed_and_revoked(client: Client) -> None:
    made = client.make_key("laptop", ["optimize:read"], "90d")
    assert made["api_key"].startswith(f"qcos_live_{made['key_id']}_")
    assert [key["name"] for key in client.api_keys()] == ["laptop"]
    assert client.revoke_key(made["key_id"])["status"] == "revoked"


def test_waiting_for_a_job_is_left_to_the_server(client: Client, gateway: Gateway, fakes: Fakes) -> None:
    assert client.optimization("job_done", wait_s=20)["status"] == "completed"
    assert gateway.requests[-1].url.params["wait"] == "20"


def test_the_key_is_sent_as_a_bearer_token(client: Client, gateway: Gateway) -> None:
    client.backends()
    assert gateway.requests[0].headers["Authorization"] == "Bearer good-key"
    with pytest.raises(ApiError, match="UNAUTHORIZED") as caught:
        Client(URL, "bad", transport=gateway).backends()
    assert caught.value.status == 401


def test_an_id_stays_one_part_of_the_path(client: Client, gateway: Gateway) -> None:
    with pytest.raises(ApiError):
        client.job("../backends?x=#y")
    assert gateway.requests[0].url.raw_path == b"/live/api/v2/jobs/..%2Fbackends%3Fx%3D%23y"


def test_errors_carry_code_message_and_details(client: Client, fakes: Fakes) -> None:
    fakes.refusal = InvalidCircuit("there is no such gate", line=3, column=5, rule="gate")
    with pytest.raises(ApiError) as caught:
        client.submit(BELL, "ionq_simulator")
    assert (caught.value.status, caught.value.code) == (400, "INVALID_CIRCUIT")
    assert caught.value.message == "line 3, column 5: there is no such gate"
    assert caught.value.details == [{"field": "qasm", "rule": "gate", "line": 3, "column": 5}]
    assert not isinstance(caught.value, NoAnswer)


class Scripted(httpx.BaseTransport):
    """Answers, or breaks, as told; after that it answers well."""

    def __init__(self, *script: int | Exception, headers: dict[str, str] | None = None) -> None:
        self.script = list(script)
        self.headers = headers
        self.asked = 0
        self.keys: list[str | None] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        self.keys.append(request.headers.get("Idempotency-Key"))
        step = self.script.pop(0) if self.script else 200
        if isinstance(step, Exception):
            raise step
        if step == 200:
            return httpx.Response(200, json={"success": True, "data": {"backends": [], "job_id": "j"}})
        error = {"code": "UNAVAILABLE", "message": "Later.", "details": []}
        return httpx.Response(step, json={"success": False, "error": error}, headers=self.headers)


def scripted(transport: Scripted) -> tuple[Client, list[float]]:
    pauses: list[float] = []
    return Client(URL, "k", transport=transport, sleep=pauses.append), pauses


@pytest.mark.parametrize(
    "trouble",
    [429, 500, 502, 503, 504, httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x")],
)
def test_a_get_is_repeated_with_growing_pauses(trouble: int | Exception) -> None:
    transport = Scripted(trouble, trouble, trouble)
    client, pauses = scripted(transport)
    assert client.backends() == []
    assert transport.asked == TRIES == 4
    assert [low <= pause <= 2 * low for low, pause in zip([0.5, 1, 2], pauses, strict=True)] == [True] * 3


@pytest.mark.parametrize("trouble", [503, httpx.ConnectError("x")])
def test_a_get_is_not_repeated_for_ever(trouble: int | Exception) -> None:
    transport = Scripted(*[trouble] * 10)
    client, _ = scripted(transport)
    with pytest.raises(ApiError) as caught:
        client.backends()
    assert transport.asked == TRIES
    assert isinstance(caught.value, NoAnswer) is isinstance(trouble, Exception)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_what_will_not_change_is_not_repeated(status: int) -> None:
    transport = Scripted(status)
    client, _ = scripted(transport)
    with pytest.raises(ApiError):
        client.backends()
    assert transport.asked == 1


@pytest.mark.parametrize(("asked", "pause"), [("7", 7.0), ("100000", 20.0)])
def test_retry_after_is_heeded_within_bounds(asked: str, pause: float) -> None:
    client, pauses = scripted(Scripted(429, headers={"Retry-After": asked}))
    client.backends()
    assert pauses == [pause]


@pytest.mark.parametrize("asked", ["-1", "soon", "1e9", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_strange_retry_after_is_ignored(asked: str) -> None:
    client, pauses = scripted(Scripted(429, headers={"Retry-After": asked}))
    client.backends()
    assert 0.5 <= pauses[0] <= 1.0


@pytest.mark.parametrize("trouble", [429, 503, httpx.ConnectError("x"), httpx.ReadTimeout("x")])
def test_a_post_with_an_idempotency_key_is_repeated_with_the_same_key(trouble: int | Exception) -> None:
    transport = Scripted(trouble)
    client, pauses = scripted(transport)
    client.submit(BELL, "ionq_simulator", idempotency_key="k1")
    assert (transport.asked, len(pauses)) == (2, 1)
    assert transport.keys == ["k1", "k1"]


@pytest.mark.parametrize("trouble", [429, 500, 503, httpx.ConnectError("x"), httpx.ReadTimeout("x")])
def test_a_post_without_one_is_never_repeated(trouble: int | Exception) -> None:
    transport = Scripted(trouble)
    client, pauses = scripted(transport)
    with pytest.raises(ApiError):
        client.submit(BELL, "ionq_simulator")
    assert (transport.asked, pauses) == (1, [])


@pytest.mark.parametrize(
    ("trouble", "words"),
    [(httpx.ConnectError("x"), "nothing was sent"), (httpx.ReadTimeout("x"), "may have taken effect")],
)
def test_a_failed_submission_says_whether_it_may_have_arrived(trouble: Exception, words: str) -> None:
    client, _ = scripted(Scripted(trouble))
    with pytest.raises(NoAnswer, match=words):
        client.submit(BELL, "ionq_simulator")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, text="<html>hello</html>"),
        httpx.Response(200, json=[1]),
        httpx.Response(200, json={"ok": True}),
        httpx.Response(302, headers={"Location": "https://elsewhere.example"}),
        httpx.Response(404, json={"message": "Not Found"}),
        httpx.Response(200, content=b"\xff"),
    ],
)
def test_what_is_no_answer_of_the_api(answer: httpx.Response) -> None:
    client = Client(URL, "k", transport=httpx.MockTransport(lambda _: answer))
    with pytest.raises(NoAnswer, match="not as this API does"):
        client.backends()


@pytest.mark.parametrize("url", ["", "api.example", "ftp://api.example", "https://", "file:///etc"])
def test_an_address_that_cannot_be_one(url: str) -> None:
    with pytest.raises(ValueError, match="not a usable address"):
        Client(url, "k")


@pytest.mark.parametrize("key", ["", " k", "k\n", "ké"])
def test_a_key_that_cannot_be_one(key: str) -> None:
    with pytest.raises(ValueError, match="the API key") as caught:
        Client(URL, key)
    assert repr(key) not in str(caught.value)


def waiting(statuses: list[str], **limits: Any) -> tuple[Callable[[], dict[str, Any]], list[str], list[float]]:
    def answer(_: httpx.Request) -> httpx.Response:
        status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
        return httpx.Response(200, json={"success": True, "data": {"job_id": "j", "status": status}})

    now = [0.0]
    pauses: list[float] = []

    def sleep(pause: float) -> None:
        pauses.append(pause)
        now[0] += pause

    client = Client(URL, "k", transport=httpx.MockTransport(answer), sleep=sleep)
    seen: list[str] = []
    return (
        lambda: client.wait("j", lambda job: seen.append(job["status"]), clock=lambda: now[0], **limits),
        seen,
        pauses,
    )


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled", "held"])
def test_wait_tells_of_each_change_and_returns_the_end(end: str) -> None:
    wait, seen, pauses = waiting(["queued", "queued", "optimizing", "running", "running", end])
    assert wait()["status"] == end
    assert seen == ["queued", "optimizing", "running", end]
    assert len(pauses) == 5


def test_waits_grow_to_ten_seconds() -> None:
    wait, _, pauses = waiting(["running"] * 40 + ["completed"])
    wait()
    assert pauses[0] == 0.5
    assert pauses == sorted(pauses)
    assert pauses[-1] == 10.0


def test_wait_gives_up_in_time() -> None:
    wait, _, pauses = waiting(["running"], timeout_s=30)
    with pytest.raises(TimeoutError, match="still running after 30 s"):
        wait()
    assert 20 < sum(pauses) <= 30


def test_a_finished_log_is_read_once(client: Client, gateway: Gateway, fakes: Fakes) -> None:
    fakes.logs[TENANT, "job_new"] = log_of("job_new", SUBMITTED)
    assert client.wait("job_done")["status"] == "completed"
    assert len(gateway.requests) == 1
