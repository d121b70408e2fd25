"""Every refusal has the contract's shape, says what is wrong in words, and leaves nothing behind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qcos import errors
from qcos.http import openapi
from qcos.http.errors import FORMS
from qcos.ports import ApiKey
from tests.unit.http.conftest import Api
from tests.unit.http.fakes import BELL, BUNDLE_ID, FAILED, SUBMITTED, TENANT, Context, Fakes, gateway_event, log_of

GOOD: dict[str, Any] = {"qasm": BELL, "backend": "ionq_simulator", "shots": 1024, "options": {}}

WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"shots": "1024"}, "shots", "must be an integer"),
    ({"shots": True}, "shots", "must be an integer"),
    ({"shots": 1.5}, "shots", "must be an integer"),
    ({"shots": 1024.0}, "shots", "must be an integer"),
    ({"shots": None}, "shots", "must be an integer"),
    ({"shots": [1]}, "shots", "must be an integer"),
    ({"shots": 0}, "shots", "must be at least 1"),
    ({"shots": -5}, "shots", "must be at least 1"),
    ({"shots": 1_000_001}, "shots", "must be at most 1000000"),
    ({"shots": 10**400}, "shots", "must be at most 1000000"),
    ({"qasm": ""}, "qasm", "must not be empty"),
    ({"qasm": None}, "qasm", "must be text"),
    ({"qasm": 7}, "qasm", "must be text"),
    ({"qasm": [BELL]}, "qasm", "must be text"),
    ({"backend": None}, "backend", "must be text"),
    ({"backend": {}}, "backend", "must be text"),
    ({"backend": "b" * 65}, "backend", "must be at most 64 characters"),
    ({"options": None}, "options", "must be an object"),
    ({"options": []}, "options", "must be an object"),
    ({"options": {"optimization_level": 4}}, "options.optimization_level", "must be at most 3"),
    ({"options": {"optimization_level": -1}}, "options.optimization_level", "must be at least 0"),
    ({"options": {"optimization_level": "2"}}, "options.optimization_level", "must be an integer"),
    ({"options": {"evidence": 1}}, "options.evidence", "must be true or false"),
    ({"options": {"evidence": "true"}}, "options.evidence", "must be true or false"),
    ({"options": {"pqc_signing": None}}, "options.pqc_signing", "must be true or false"),
    ({"options": {"level": 2}}, "options.level", "is not a field of this request"),
    ({"options": {"memory": 1}}, "options.memory", "must be true or false"),
    ({"name": ""}, "name", "must not be empty"),
    ({"name": 7}, "name", "must be text"),
    ({"name": "n" * 201}, "name", "must be at most 200 characters"),
    ({"tags": "a"}, "tags", "must be a list"),
    ({"tags": [1]}, "tags.0", "must be text"),
    ({"tags": ["a", ""]}, "tags.1", "must not be empty"),
    ({"tags": ["a"] * 21}, "tags", "must have at most 20 entries"),
    ({"dry_run": "yes"}, "dry_run", "must be true or false"),
    ({"Shots": 10}, "Shots", "is not a field of this request"),
    ({"tenant": "other"}, "tenant", "is not a field of this request"),
]


def name(case: Any) -> str | None:
    return json.dumps(case)[:40] if isinstance(case, dict) else None


@pytest.mark.parametrize(("change", "field", "message"), WRONG, ids=name)
def test_wrong_field(api: Api, fakes: Fakes, change: dict[str, Any], field: str, message: str) -> None:
    answer = api("POST", "/api/v2/optimize", GOOD | change)
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (400, "VALIDATION_ERROR", False)
    [detail] = answer.error["details"]
    assert (detail["field"], detail["message"]) == (field, message)
    assert f"{field} {message}" in answer.error["message"]
    assert fakes.submissions == []


@pytest.mark.parametrize("field", ["qasm", "backend"])
def test_missing_field(api: Api, field: str) -> None:
    answer = api("POST", "/api/v2/optimize", {name: value for name, value in GOOD.items() if name != field})
    assert [(detail["field"], detail["message"]) for detail in answer.error["details"]] == [(field, "is required")]


def test_every_wrong_field_is_named(api: Api) -> None:
    answer = api("POST", "/api/v2/optimize", {"shots": 0, "options": {"evidence": 3}, "x": 1})
    fields = {detail["field"] for detail in answer.error["details"]}
    assert fields == {"qasm", "backend", "shots", "options.evidence", "x"}
    assert "(and 2 more)" in answer.error["message"]


def test_an_invented_field_name_is_cut_and_made_printable(api: Api) -> None:
    answer = api("POST", "/api/v2/optimize", GOOD | {"\u0007\u202e" + "n" * 500: 1})
    assert [detail["field"] for detail in answer.error["details"]] == ["??" + "n" * 78 + "…"]


@pytest.mark.parametrize("body", ['{"\\ud800":1}', '{"qasm":"\\ud800","backend":"ionq_simulator"}'])
def test_half_a_surrogate_pair_is_refused(api: Api, fakes: Fakes, body: str) -> None:
    answer = api("POST", "/api/v2/optimize", body)
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR")
    assert fakes.submissions == []


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (None, "empty"),
        ("", "empty"),
        ("{", "not_json"),
        ("{'qasm': 1}", "not_json"),
        ('{"qasm":1,}', "not_json"),
        ('{"qasm":1} {}', "not_json"),
        ("\ufeff{}", "not_json"),
        ('{"shots":NaN}', "not_json"),
        ('{"shots":-Infinity}', "not_json"),
        ('{"shots":' + "9" * 5000 + "}", "number_too_long"),
        ('{"shots":1,"shots":2}', "duplicate_key"),
        ('{"shots":1,"\\u0073hots":2}', "duplicate_key"),
        ('{"options":{"evidence":true,"evidence":false}}', "duplicate_key"),
        ("[" * 65 + "]" * 65, "too_deep"),
        ("[" * 100_000, "too_deep"),
        ('{"a":' * 100_000, "too_deep"),
        ("[1,2]", "model_type"),
        ('"text"', "model_type"),
        ("null", "model_type"),
    ],
)
@pytest.mark.parametrize("path", ["/api/v2/optimize", "/api/v2/evidence/verify"])
def test_unreadable_body(api: Api, fakes: Fakes, path: str, body: str | None, rule: str) -> None:
    answer = api("POST", path, body)
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR")
    assert [detail["rule"] for detail in answer.error["details"]] == [rule]
    assert (fakes.submissions, fakes.judged) == ([], [])


def test_brackets_inside_text_are_not_depth(api: Api, fakes: Fakes) -> None:
    circuit = BELL + '// "' + "[{" * 1000 + '\\"'
    assert api("POST", "/api/v2/optimize", GOOD | {"qasm": circuit}).status == 200
    assert fakes.submissions[0][1].qasm == circuit


def test_broken_json_says_where(api: Api) -> None:
    answer = api("POST", "/api/v2/optimize", '{\n  "qasm": oops\n}')
    assert answer.error["message"] == "The request body is not valid JSON (line 2, column 11)."
    assert (answer.error["details"][0]["line"], answer.error["details"][0]["column"]) == (2, 11)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"a":1,"options":{"evidence":true,"memory":true,"evidence":false}}', "names 'evidence' twice"),
        ('{"\\u0007\\u202e":1,"\\u0007\\u202e":2}', "names '??' twice"),
        ('{"shots":NaN}', "holds NaN,"),
        ('{"shots":-Infinity}', "holds -Infinity,"),
        ("\ufeff{}", "begins with a byte order mark"),
    ],
)
def test_unreadable_json_says_what_is_wrong_with_it(api: Api, body: str, words: str) -> None:
    answer = api("POST", "/api/v2/optimize", body)
    assert answer.status == 400
    assert words in answer.error["message"]


def test_body_that_is_not_utf8(api: Api) -> None:
    event = gateway_event("POST", "/api/v2/optimize") | {"body": "/w==", "isBase64Encoded": True}
    raw = api.handler(event, Context())
    error = json.loads(raw["body"])["error"]
    assert (raw["statusCode"], error["code"], error["details"][0]["rule"]) == (400, "VALIDATION_ERROR", "not_utf8")


def test_body_over_the_limit(api: Api, fakes: Fakes) -> None:
    fits = GOOD | {"qasm": ""}
    room = 1_000_000 - len(json.dumps(fits))
    assert api("POST", "/api/v2/optimize", GOOD | {"qasm": "x" * room}).status == 200
    answer = api("POST", "/api/v2/optimize", GOOD | {"qasm": "x" * (room + 1)})
    assert (answer.status, answer.error["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert len(fakes.submissions) == 1


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"limit": "ten"}, "limit"),
        ({"limit": "1.0"}, "limit"),
        ({"limit": "1_0"}, "limit"),
        ({"limit": "١"}, "limit"),
        ({"limit": ""}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"offset": "10001"}, "offset"),
        ({"status": "done"}, "status.0"),
        ({"status": "queued,done"}, "status.1"),
        ({"status": ""}, "status.0"),
        ({"backend": ""}, "backend"),
        ({"name": "n" * 201}, "name"),
        ({"tag": "t" * 65}, "tag"),
        ({"batch_id": ""}, "batch_id"),
        ({"created_after": "yesterday"}, "created_after"),
        ({"created_after": "2026-02-06"}, "created_after"),
        ({"created_after": "2026-02-06T12:00:00"}, "created_after"),
        ({"created_after": "2026-02-06T12:00:00 01:00"}, "created_after"),
        ({"created_before": "2026-02-30T12:00:00Z"}, "created_before"),
        ({"created_before": "0001-01-01T00:00:00+14:00"}, "created_before"),
        ({"created_before": "9999-12-31T23:59:59.9999Z"}, "created_before"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": ""}, "cursor"),
        ({"cursor": "YWNtZSAyMDI2", "offset": "1"}, "offset"),
        ({"stauts": "failed"}, "stauts"),
    ],
)
def test_wrong_query(api: Api, query: dict[str, str], field: str) -> None:
    answer = api("GET", "/api/v2/jobs", query=query)
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in answer.error["details"]] == [field]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/v2/jobs", [("limit", "1"), ("limit", "1")]),
        ("/api/v2/jobs", [("status", "failed"), ("backend", "ionq_aria"), ("backend", "ionq_forte")]),
        ("/api/v2/optimize/job_done", [("wait", "0"), ("wait", "20")]),
        ("/api/v2/optimize/job_done/circuit", [("format", "qasm3"), ("which", "original"), ("format", "qasm2")]),
        (f"/api/v2/evidence/export/{BUNDLE_ID}", [("format", "json"), ("format", "pdf")]),
        ("/api/v2/log/consistency", [("from", "1"), ("to", "2"), ("to", "3")]),
    ],
)
def test_a_parameter_that_comes_twice_is_refused(api: Api, path: str, query: list[tuple[str, str]]) -> None:
    """Which of the two was meant nobody knows, and one of them would be ignored."""
    answer = api("GET", path, query=query)
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR")
    [detail] = answer.error["details"]
    assert (detail["field"], detail["rule"], detail["message"]) == (query[-1][0], "repeated", "must come only once")


REFUSALS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.QcosError)]


@pytest.mark.parametrize("kind", REFUSALS, ids=lambda kind: kind.code)
def test_every_refusal_of_a_use_case_keeps_its_code_and_status(
    api: Api, fakes: Fakes, kind: type[errors.QcosError]
) -> None:
    fakes.refusal = (
        kind("Why, and what to do.", retry_after_s=7)
        if kind is errors.RateLimitExceeded
        else kind("Why, and what to do.")
    )
    raw = api.handler(gateway_event("POST", "/api/v2/optimize", GOOD), Context())
    assert raw["statusCode"] == kind.status
    assert json.loads(raw["body"]) == {
        "success": False,
        "error": {
            "code": kind.code,
            "message": "Why, and what to do.",
            "details": fakes.refusal.details,
            "request_id": "gateway-request",
            "retryable": fakes.refusal.retryable,
        },
    }


def test_invalid_circuit_says_line_and_column(api: Api, fakes: Fakes) -> None:
    fakes.refusal = errors.InvalidCircuit("there is no gate of that name", line=3, column=5, rule="gate")
    answer = api("POST", "/api/v2/optimize", GOOD)
    assert (answer.status, answer.error["code"]) == (400, "INVALID_CIRCUIT")
    assert answer.error["message"] == "line 3, column 5: there is no gate of that name"
    assert answer.error["details"] == [{"field": "qasm", "rule": "gate", "line": 3, "column": 5}]


def test_bundle_that_cannot_be_judged(api: Api, fakes: Fakes) -> None:
    class Malformed(ValueError):
        code = "number_not_integer"

    fakes.refusal = Malformed("a number is not an integer")
    answer = api("POST", "/api/v2/evidence/verify", {"bundle": {"shots": 1.5}})
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR")
    assert answer.error["details"][0]["rule"] == "number_not_integer"


@pytest.mark.parametrize("bundle", ['"text!"', '"\\ud800"', '"YWI"', '"é"'])
def test_bundle_as_text_must_be_base64(api: Api, fakes: Fakes, bundle: str) -> None:
    answer = api("POST", "/api/v2/evidence/verify", '{"bundle":' + bundle + "}")
    (detail,) = answer.error["details"]
    assert (detail["field"], detail["rule"]) == ("bundle", "base64")
    assert fakes.judged == []


@pytest.mark.parametrize("bundle", ["[]", "null", "1"])
def test_bundle_must_be_an_object(api: Api, fakes: Fakes, bundle: str) -> None:
    answer = api("POST", "/api/v2/evidence/verify", '{"bundle":' + bundle + "}")
    assert answer.error["details"] == [{"field": "bundle", "message": "must be an object", "rule": "dict_type"}]
    assert fakes.judged == []


def test_another_tenants_job_is_like_one_that_never_was(api: Api) -> None:
    theirs = api("GET", "/api/v2/optimize/job_theirs")
    for job_id in ("job_nobodys", "nonsense", "job_" + "x" * 2000, "job_a#b", "job_%2E%2E", "job_é"):
        answer = api("GET", f"/api/v2/optimize/{job_id}")
        assert (answer.status, answer.body) == (404, theirs.body)
    assert theirs.error["code"] == "JOB_NOT_FOUND"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/v2/optimize/batch/batch_nope", "BATCH_NOT_FOUND"),
        ("/api/v2/optimize/batch/job_done", "BATCH_NOT_FOUND"),
        ("/api/v2/optimize/batch/..", "BATCH_NOT_FOUND"),
        ("/api/v2/optimize/batch/circuit", "BATCH_NOT_FOUND"),
        ("/api/v2/optimize/job_theirs/circuit", "JOB_NOT_FOUND"),
        ("/api/v2/optimize/job_theirs/certificate", "JOB_NOT_FOUND"),
        ("/api/v2/optimize/batch/certificate", "BATCH_NOT_FOUND"),
        ("/api/v2/jobs/job_theirs", "JOB_NOT_FOUND"),
        ("/api/v2/jobs/job_theirs/events", "JOB_NOT_FOUND"),
        ("/api/v2/backends/nope", "BACKEND_NOT_FOUND"),
        ("/api/v2/backends/nope/calibration", "BACKEND_NOT_FOUND"),
        ("/api/v2/evidence/ev_nope", "BUNDLE_NOT_FOUND"),
        ("/api/v2/evidence/..", "BUNDLE_NOT_FOUND"),
        ("/api/v2/jobs/job_theirs/events/1/proof", "JOB_NOT_FOUND"),
        ("/api/v2/jobs/nonsense/events/1/proof", "JOB_NOT_FOUND"),
        ("/", "NOT_FOUND"),
        ("/api/v2", "NOT_FOUND"),
        ("/api/v2/jobs/", "NOT_FOUND"),
        ("/api/v2/jobs/job_done/events/1", "NOT_FOUND"),
        ("/api/v1/jobs", "NOT_FOUND"),
        ("/docs", "NOT_FOUND"),
        ("/redoc", "NOT_FOUND"),
    ],
)
def test_nothing_there(api: Api, path: str, code: str) -> None:
    answer = api("GET", path)
    assert (answer.status, answer.error["code"], answer.error["retryable"]) == (404, code, False)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/v2/optimize", "POST"),
        ("PUT", "/api/v2/optimize", "POST"),
        ("POST", "/api/v2/jobs", "GET"),
        ("PATCH", "/api/v2/jobs/job_done", "DELETE, GET"),
        ("DELETE", "/api/v2/jobs/job_done/retry", "POST"),
        ("DELETE", "/api/v2/optimize/job_done", "GET"),
        ("GET", "/api/v2/optimize/batch", "POST"),
        ("GET", "/api/v2/evidence/verify", "POST"),
        ("POST", "/api/v2/optimize/batch/batch_x", "DELETE, GET"),
        ("POST", "/api/v2/optimize/stats", "GET"),
        ("PUT", "/api/v2/keys", "GET, POST"),
        ("GET", "/api/v2/keys/abcdefgh", "DELETE"),
        ("HEAD", "/health", "GET"),
        ("OPTIONS", "/api/v2/backends", "GET"),
        ("TRACE", "/api/v2/status", "GET"),
    ],
)
def test_method_that_a_path_has_not(api: Api, method: str, path: str, allowed: str) -> None:
    answer = api(method, path)
    assert (answer.status, answer.error["code"], answer.headers["allow"]) == (405, "METHOD_NOT_ALLOWED", allowed)


BATCH = {"circuits": [GOOD]}
ROUTES = [
    ("POST", "/api/v2/optimize", "optimize:write"),
    ("POST", "/api/v2/optimize/batch", "optimize:write"),
    ("GET", "/api/v2/optimize/batch/batch_one", "optimize:read"),
    ("DELETE", "/api/v2/optimize/batch/batch_one", "optimize:write"),
    ("GET", "/api/v2/optimize/stats", "optimize:read"),
    ("GET", "/api/v2/optimize/job_done", "optimize:read"),
    ("GET", "/api/v2/optimize/job_done/circuit", "optimize:read"),
    ("GET", "/api/v2/optimize/job_done/certificate", "optimize:read"),
    ("DELETE", "/api/v2/jobs/job_new", "optimize:write"),
    ("POST", "/api/v2/jobs/job_bad/retry", "optimize:write"),
    ("POST", "/api/v2/keys", "admin"),
    ("GET", "/api/v2/keys", "admin"),
    ("DELETE", "/api/v2/keys/k2k2k2k2", "admin"),
    ("GET", "/api/v2/jobs", "optimize:read"),
    ("GET", "/api/v2/jobs/job_done", "optimize:read"),
    ("GET", "/api/v2/jobs/job_done/events", "optimize:read"),
    ("GET", "/api/v2/jobs/job_done/events/1/proof", "optimize:read"),
    ("GET", "/api/v2/backends", "backends:read"),
    ("GET", "/api/v2/backends/ionq_aria", "backends:read"),
    ("GET", "/api/v2/backends/ionq_aria/calibration", "backends:read"),
    ("GET", "/api/v2/evidence/ev_" + "5" * 32, "evidence:read"),
    ("POST", "/api/v2/evidence/verify", "evidence:read"),
    ("GET", "/api/v2/status", None),
]


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_scopes(api: Api, fakes: Fakes, method: str, path: str, scope: str | None) -> None:
    bodies = {"verify": {"bundle": {}}, "batch": BATCH, "keys": {"name": "n", "scopes": ["optimize:read"]}}
    bodies["retry"] = {}
    body = bodies.get(path.split("/")[-1], GOOD) if method == "POST" else None
    every = {"optimize:read", "optimize:write", "backends:read", "evidence:read", "evidence:write"}
    for held in {scope or "", "admin"}:
        fakes.logs[TENANT, "job_new"] = log_of("job_new", SUBMITTED)
        fakes.logs[TENANT, "job_bad"] = log_of("job_bad", SUBMITTED, FAILED)
        fakes.batch_jobs[TENANT, "batch_one"] = ("job_done", "job_new")
        if not fakes.key_desk.all(TENANT):
            key = ApiKey("k2k2k2k2", TENANT, "spare", "0" * 64, ("admin",), "2026-02-06T12:00:00.000Z")
            fakes.key_desk.control.put_api_key(key)
        assert api(method, path, body, scopes=held).status == 200
    if scope:
        fakes.submissions.clear()
        answer = api(method, path, body, scopes=" ".join(every - {scope}))
        assert (answer.status, answer.error["code"]) == (403, "FORBIDDEN")
        assert scope in answer.error["message"]
        assert fakes.submissions == []


@pytest.mark.parametrize(("method", "path", "scope"), ROUTES)
def test_only_the_authorizer_says_who_calls(api: Api, method: str, path: str, scope: str | None) -> None:
    claims = {"Authorization": "Bearer good-key", "X-API-Key": "good-key", "X-Tenant": "acme"}
    answer = api(method, path, GOOD if method == "POST" else None, scopes=None, headers=claims)
    assert (answer.status, answer.error["code"]) == (401, "UNAUTHORIZED")


@pytest.mark.parametrize("vouched", [None, {}, {"tenant": "acme"}, {"key_id": "k1"}, {"tenant": "", "key_id": "k1"}])
def test_half_an_authorizer_context_is_none(api: Api, vouched: Any) -> None:
    event = gateway_event("GET", "/api/v2/jobs")
    event["requestContext"]["authorizer"] = vouched
    assert api.handler(event, Context())["statusCode"] == 401


def test_authorization_comes_before_the_body(api: Api) -> None:
    assert api("POST", "/api/v2/optimize", "{", scopes="optimize:read").status == 403


@pytest.mark.parametrize(
    ("path", "body", "headers", "message"),
    [
        ("optimize", GOOD, {"Idempotency-Key": "a b"}, "Idempotency-Key must be visible ASCII characters"),
        (
            "keys",
            {"name": "n", "scopes": ["admin"], "expires_in": "90"},
            {},
            "expires_in must be days or hours like 90d",
        ),
        ("keys", {"name": "n", "scopes": []}, {}, "scopes must have at least 1 entry"),
        ("evidence/verify", {"bundle": {}, "expected_circuit_hash": "x"}, {}, "must be sha3-256: and 64 hex"),
    ],
)
def test_what_has_a_form_is_told_in_words(
    api: Api, path: str, body: dict[str, Any], headers: dict[str, str], message: str
) -> None:
    answer = api("POST", f"/api/v2/{path}", body, headers=headers, scopes="admin")
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR")
    assert message in answer.error["message"]


def test_every_field_with_a_pattern_is_told_in_words() -> None:
    document = json.dumps(openapi.document())
    described = {
        name
        for schema in openapi.document()["components"]["schemas"].values()
        if schema.get("additionalProperties") is False
        for name, field in schema["properties"].items()
        if '"pattern"' in json.dumps(field) and name != "max_cost_usd"  # which says its own words
    }
    assert described | {"Idempotency-Key"} == set(FORMS)
    assert all(f'"{name}"' in document for name in FORMS)


def test_an_offset_below_zero_is_told_so(api: Api) -> None:
    answer = api("GET", "/api/v2/jobs", query={"offset": "-1"})
    assert "offset must be at least 0" in answer.error["message"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v2/optimize"),
        ("POST", "/api/v2/optimize/batch"),
        ("GET", "/api/v2/optimize/stats"),
        ("GET", "/api/v2/jobs/job_done"),
        ("DELETE", "/api/v2/jobs/job_new"),
        ("POST", "/api/v2/jobs/job_new/retry"),
        ("GET", "/api/v2/backends"),
        ("GET", f"/api/v2/evidence/{BUNDLE_ID}"),
        ("GET", "/api/v2/status"),
    ],
)
def test_a_query_that_nobody_reads_is_refused(api: Api, fakes: Fakes, method: str, path: str) -> None:
    before = {key: list(log) for key, log in fakes.logs.items()}
    answer = api(method, path, GOOD if "optimize" in path else None, query={"dry_run": "true"})
    assert (answer.status, answer.error["details"][0]["rule"]) == (400, "not_taken")
    assert (fakes.submissions, fakes.logs) == ([], before)
    assert api(method, path, query={"dry_run": "true"}, scopes="").status in (400, 403)
    assert api(method, path, query={"dry_run": "true"}, scopes=None).status == 401


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/api/v2/jobs/job_new"), ("POST", "/api/v2/jobs/job_bad/retry")]
)
def test_a_body_that_nobody_reads_is_refused(api: Api, fakes: Fakes, method: str, path: str) -> None:
    fakes.logs[TENANT, "job_bad"] = log_of("job_bad", SUBMITTED, FAILED)
    for body in ({"backend": "ionq_aria"}, "[]", "x"):
        answer = api(method, path, body)
        assert (answer.status, answer.error["details"][0]["field"]) == (400, "body")
    assert len(fakes.logs[TENANT, "job_bad"]) == 2
    assert api(method, path, {}).status == 200


def test_whoever_looks_whether_we_live_may_ask_as_he_likes(api: Api) -> None:
    assert api("GET", "/health", query={"x": "1"}, scopes=None).status == 200
