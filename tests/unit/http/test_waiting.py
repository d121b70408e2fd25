"""Answers that wait, answers that need not be sent again, and how much a tenant may ask."""

from __future__ import annotations

import base64
import json

import pytest

from qcos.errors import BackendUnavailable, RateLimitExceeded, Unavailable
from qcos.events import ExecutionSubmitted, JobCompleted, TranspileStarted
from qcos.job import Job
from qcos.models import sha3_256
from tests.unit.http.conftest import Api
from tests.unit.http.fakes import (
    BELL,
    BUNDLE_ID,
    COMPLETE,
    HELD,
    INTENDED,
    OPTIMIZED,
    SUBMITTED,
    TENANT,
    Context,
    Fakes,
    gateway_event,
    log_of,
)

GOOD = {"qasm": BELL, "backend": "ionq_simulator"}


def growing(fakes: Fakes, api: Api, *changes: tuple[float, tuple[object, ...]]) -> None:
    """A job whose log is, from each time on, made of those events."""

    def get(tenant: str, job_id: str) -> Job:
        now = sum(api.pauses)
        _, data = [change for change in changes if change[0] <= now][-1]
        fakes.logs[tenant, job_id] = log_of(job_id, *data)  # type: ignore[arg-type] # events
        return Fakes._get(fakes, tenant, job_id)

    fakes._get = get  # type: ignore[method-assign] # a job that changes while it is asked about


def test_waiting_ends_with_the_job(api: Api, fakes: Fakes) -> None:
    growing(fakes, api, (0, (SUBMITTED,)), (2, (SUBMITTED, TranspileStarted(attempt=1))), (5, COMPLETE))
    data = api("GET", "/api/v2/optimize/job_grows", query={"wait": "20"}).data
    assert data["status"] == "completed"
    # Its intermediate states did not end the wait, and its end did within a second.
    assert 5 <= sum(api.pauses) <= 6
    assert max(api.pauses) <= 1


def test_waiting_ends_in_time(api: Api, fakes: Fakes) -> None:
    growing(fakes, api, (0, (SUBMITTED,)))
    assert api("GET", "/api/v2/optimize/job_grows", query={"wait": "20"}).data["status"] == "queued"
    assert sum(api.pauses) == pytest.approx(20)
    assert len(api.pauses) < 30


def test_waiting_ends_when_a_person_must_decide(api: Api, fakes: Fakes) -> None:
    growing(fakes, api, (0, (SUBMITTED,)), (1, (SUBMITTED, OPTIMIZED, INTENDED, HELD)))
    assert api("GET", "/api/v2/optimize/job_grows", query={"wait": "20"}).data["status"] == "held"
    assert sum(api.pauses) <= 2


@pytest.mark.parametrize("query", [None, {"wait": "0"}])
def test_without_it_nobody_waits(api: Api, query: dict[str, str] | None) -> None:
    assert api("GET", "/api/v2/optimize/job_new", query=query).data["status"] == "queued"
    assert api.pauses == []


def test_an_ended_job_is_answered_at_once(api: Api) -> None:
    assert api("GET", "/api/v2/optimize/job_done", query={"wait": "20"}).data["status"] == "completed"
    assert api.pauses == []


@pytest.mark.parametrize("wait", ["21", "-1", "1.5", "", "soon"])
def test_a_wait_that_is_none(api: Api, wait: str) -> None:
    answer = api("GET", "/api/v2/optimize/job_new", query={"wait": wait})
    assert (answer.status, answer.error["details"][0]["field"]) == (400, "wait")
    assert api.pauses == []


def test_waiting_is_for_one_job_only(api: Api) -> None:
    assert api("GET", "/api/v2/jobs/job_new", query={"wait": "5"}).status == 400
    assert api.pauses == []
    nobodys = api("GET", "/api/v2/optimize/job_nobodys", query={"wait": "20"})
    assert (nobodys.status, api.pauses) == (404, [])


ENDED = [
    "/api/v2/optimize/job_done",
    "/api/v2/jobs/job_done",
    "/api/v2/jobs/job_done/events",
    "/api/v2/jobs/job_done/events/1/proof",
    "/api/v2/optimize/job_done/circuit",
    "/api/v2/optimize/job_done/certificate",
    f"/api/v2/evidence/{BUNDLE_ID}",
]


@pytest.mark.parametrize("path", ENDED)
def test_what_the_reader_has_is_not_sent_again(api: Api, path: str) -> None:
    first = api("GET", path)
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "private, no-cache"
    for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = api("GET", path, headers={"If-None-Match": sent})
        assert (again.status, again.text, again.headers["etag"]) == (304, "", tag)
        assert again.headers["ratelimit-limit"] == "60"
    for sent in ('"other"', tag.strip('"'), ""):
        assert api("GET", path, headers={"If-None-Match": sent}).text == first.text


@pytest.mark.parametrize("path", ["/openapi.json", "/.well-known/jwks.json"])
def test_what_is_published_is_not_sent_again_either(api: Api, path: str) -> None:
    first = api("GET", path, scopes=None)
    again = api("GET", path, scopes=None, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status, again.status, again.text) == (200, 304, "")
    assert again.headers["cache-control"] == first.headers["cache-control"] == "public, max-age=300"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ('W/"a" , {tag},"b"', 304),
        ('"a,b", W/{tag}', 304),
        (" * ", 304),
        ('"*"', 200),
        ('*, "a"', 200),
        ('"{bare}x"', 200),
        ('"x, {bare}"', 200),
        ("{bare}", 200),
    ],
)
def test_tags_are_compared_whole_and_weakly(api: Api, sent: str, status: int) -> None:
    path = f"/api/v2/evidence/{BUNDLE_ID}"
    tag = api("GET", path).headers["etag"]
    assert api("GET", path, headers={"If-None-Match": sent.format(tag=tag, bare=tag.strip('"'))}).status == status


def test_a_tag_makes_nobody_elses_answer(api: Api) -> None:
    for path in (f"/api/v2/evidence/{BUNDLE_ID}", "/api/v2/jobs/job_done"):
        assert api("GET", path, headers={"If-None-Match": "*"}, tenant="other").status == 404
        assert api("GET", path, headers={"If-None-Match": "*"}, scopes="").status == 403


def test_a_retry_makes_a_new_answer(api: Api, fakes: Fakes) -> None:
    from tests.unit.http.fakes import FAILED

    fakes.logs[TENANT, "job_failed"] = log_of("job_failed", SUBMITTED, FAILED)
    tag = api("GET", "/api/v2/jobs/job_failed").headers["etag"]
    api("POST", "/api/v2/jobs/job_failed/retry")
    answer = api("GET", "/api/v2/jobs/job_failed", headers={"If-None-Match": tag})
    assert (answer.status, answer.data["status"], answer.data["attempt"]) == (200, "queued", 2)


@pytest.mark.parametrize("path", ["/api/v2/optimize/job_new", "/api/v2/jobs/job_new", "/api/v2/jobs"])
def test_what_still_changes_has_no_tag(api: Api, path: str) -> None:
    answer = api("GET", path, headers={"If-None-Match": "*"})
    assert (answer.status, "etag" in answer.headers) == (200, False)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("which", ["original", "optimized"])
@pytest.mark.parametrize("form", ["qasm2", "qasm3", "ionq"])
def test_a_circuit_is_sent_as_its_digest_has_it(api: Api, which: str, form: str) -> None:
    event = gateway_event("GET", "/api/v2/optimize/job_done/circuit", query={"which": which, "format": form})
    raw = api.handler(event, Context())
    body = base64.b64decode(raw["body"]) if raw["isBase64Encoded"] else raw["body"].encode()
    assert body == f"// {which} {form} \u03c0\n".encode()
    assert raw["headers"]["etag"] == f'"{sha3_256(body)}"'
    kind = "application/json" if form == "ionq" else "text/plain; charset=utf-8"
    assert raw["headers"]["content-type"] == kind


def test_a_circuit_without_a_choice_is_what_was_run(api: Api) -> None:
    assert api("GET", "/api/v2/optimize/job_done/circuit").text.startswith("// optimized qasm2")


@pytest.mark.parametrize(
    ("query", "field"),
    [({"format": "qasm4"}, "format"), ({"which": "best"}, "which"), ({"Format": "qasm2"}, "Format")],
)
def test_a_circuit_that_nobody_has(api: Api, query: dict[str, str], field: str) -> None:
    answer = api("GET", "/api/v2/optimize/job_done/circuit", query=query)
    assert (answer.status, answer.error["details"][0]["field"]) == (400, field)
    assert api("GET", "/api/v2/optimize/job_theirs/circuit").error["code"] == "JOB_NOT_FOUND"


# --- rates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v2/jobs", 200),
        ("GET", "/api/v2/status", 200),
        ("GET", "/api/v2/jobs/job_nobodys", 404),
        ("POST", "/api/v2/optimize", 400),
        ("GET", "/api/v2/nothing", 404),
        ("PUT", "/api/v2/jobs", 405),
        ("POST", "/api/v2/keys", 403),
    ],
)
def test_every_authorised_request_is_counted_once(api: Api, fakes: Fakes, method: str, path: str, status: int) -> None:
    answer = api(method, path)
    assert (answer.status, fakes.counted) == (status, [TENANT])
    assert {name: answer.headers[name] for name in answer.headers if name.startswith("ratelimit")} == {
        "ratelimit-limit": "60",
        "ratelimit-remaining": "59",
        "ratelimit-reset": "30",
    }


def test_a_mistake_of_ours_says_what_is_left_too(api: Api, fakes: Fakes) -> None:
    fakes.refusal = RuntimeError("boom")
    answer = api("GET", "/api/v2/jobs")
    assert (answer.status, answer.headers["ratelimit-remaining"], answer.error["retryable"]) == (500, "59", False)
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("path", ["/health", "/openapi.json", "/api/v2/jobs"])
def test_nobody_counts_what_no_authorizer_let_through(api: Api, fakes: Fakes, path: str) -> None:
    answer = api("GET", path, scopes=None)
    assert fakes.counted == []
    assert not [name for name in answer.headers if name.startswith("ratelimit")]


def test_waiting_counts_as_one_request(api: Api, fakes: Fakes) -> None:
    api("GET", "/api/v2/optimize/job_new", query={"wait": "20"})
    assert len(fakes.counted) == 1


def test_over_the_limit_no_use_case_is_asked(api: Api, fakes: Fakes) -> None:
    fakes.over = RateLimitExceeded(
        "The plan allows 60 requests a minute. Try again in 17 s.", retry_after_s=17, limit=60
    )
    answer = api("POST", "/api/v2/optimize", GOOD)
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (429, "RATE_LIMIT_EXCEEDED", True)
    assert answer.error["details"] == [{"retry_after_s": 17}]
    names = ("retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset")
    assert [answer.headers[name] for name in names] == ["17", "60", "0", "17"]
    assert answer.headers["x-request-id"] == answer.error["request_id"] == "gateway-request"
    assert fakes.submissions == []


def test_when_nobody_can_count_the_request_may_come_again(api: Api, fakes: Fakes) -> None:
    fakes.over = Unavailable("The database is busy.")  # type: ignore[assignment] # another refusal
    raw = api.handler(gateway_event("GET", "/api/v2/jobs"), Context())
    assert (raw["statusCode"], raw["headers"]["retry-after"]) == (503, "1")
    assert json.loads(raw["body"])["error"]["code"] == "UNAVAILABLE"


@pytest.mark.parametrize(
    ("refusal", "after"),
    [
        (BackendUnavailable("offline"), "15"),
        (BackendUnavailable("retired", retryable=False), None),
        (Unavailable("busy"), "1"),
    ],
)
def test_retry_after_comes_where_waiting_helps(api: Api, fakes: Fakes, refusal: Exception, after: str | None) -> None:
    fakes.refusal = refusal
    answer = api("POST", "/api/v2/optimize", GOOD)
    assert (answer.status, answer.headers.get("retry-after")) == (503, after)


def test_a_provider_job_id_that_comes_late_changes_the_tag(api: Api, fakes: Fakes) -> None:
    """After the end facts may still be told: the answer is the newer one."""
    dry = (SUBMITTED, TranspileStarted(attempt=1), OPTIMIZED, INTENDED, JobCompleted(attempt=1))
    fakes.logs[TENANT, "job_late"] = log_of("job_late", *dry)
    tag = api("GET", "/api/v2/jobs/job_late").headers["etag"]
    fakes.logs[TENANT, "job_late"] = log_of("job_late", *dry, ExecutionSubmitted(n=1, provider_job_id="p9"))
    answer = api("GET", "/api/v2/jobs/job_late", headers={"If-None-Match": tag})
    assert (answer.status, answer.data["provider_job_id"]) == (200, "p9")
