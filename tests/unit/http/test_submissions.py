"""What can be asked of a submission, alone or in a batch, and what is made of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qcos.http.requests import KeyRequest, OptimizeOptions
from qcos.models import Options
from qcos.service.keys import SCOPES, span
from tests.unit.http.conftest import Api
from tests.unit.http.fakes import BELL, TENANT, Context, Fakes, gateway_event, log_of

GOOD: dict[str, Any] = {"qasm": BELL, "backend": "ionq_simulator"}


def test_everything_that_can_be_said(api: Api, fakes: Fakes) -> None:
    body = GOOD | {
        "shots": 1_000_000,
        "name": "Bell π",
        "tags": ["b", "a", "b"],
        "dry_run": True,
        "options": {"memory": True, "max_cost_usd": 12.5},
    }
    assert api("POST", "/api/v2/optimize", body).status == 200
    submission = fakes.submissions[0][1]
    assert (submission.shots, submission.name, submission.dry_run) == (1_000_000, "Bell π", True)
    assert submission.tags == ("b", "a")
    assert submission.options == Options(
        optimization_level=2, evidence=False, pqc_signing=True, memory=True, max_cost_microdollars=12_500_000
    )


@pytest.mark.parametrize(
    ("text", "microdollars"),
    [
        ("0", 0),
        ("1", 1_000_000),
        ("0.1", 100_000),
        ("0.29", 290_000),
        ("1.1", 1_100_000),
        ("4.35", 4_350_000),
        ("1e-6", 1),
        ("2.5E+2", 250_000_000),
        ("1000000", 10**12),
        ("999999.999999", 999_999_999_999),
        ("1000000.0", 10**12),
        ("0.0000009", 0),
        ("1.2345678999", 1_234_567),
        ("0." + "9" * 60, 999_999),
        ("1e-999999999", 0),
        ("-0.0", 0),
        ('"12.50"', 12_500_000),
        ('"0.000001"', 1),
        ('"4.35"', 4_350_000),
        ("null", None),
    ],
)
def test_money_is_exact_and_never_rounded_up(api: Api, fakes: Fakes, text: str, microdollars: int | None) -> None:
    body = json.dumps(GOOD)[:-1] + ',"options":{"max_cost_usd":' + text + "}}"
    assert api("POST", "/api/v2/optimize", body).status == 200
    assert fakes.submissions[0][1].options.max_cost_microdollars == microdollars


@pytest.mark.parametrize(
    "text",
    [
        "-0.01",
        "1000000.000001",
        "1e7",
        "1e999999999",
        '"1e3"',
        '"-1"',
        '"1,5"',
        '"$1"',
        '""',
        '" 1"',
        '"٣"',
        "true",
        "[]",
    ],
)
def test_what_is_no_amount(api: Api, fakes: Fakes, text: str) -> None:
    body = json.dumps(GOOD)[:-1] + ',"options":{"max_cost_usd":' + text + "}}"
    answer = api("POST", "/api/v2/optimize", body)
    (detail,) = answer.error["details"]
    assert (answer.status, detail["field"], detail["rule"]) == (400, "options.max_cost_usd", "money")
    assert fakes.submissions == []


def test_an_exponent_beyond_reason_is_refused(api: Api) -> None:
    body = json.dumps(GOOD)[:-1] + ',"options":{"max_cost_usd":1e' + "9" * 30 + "}}"
    answer = api("POST", "/api/v2/optimize", body)
    assert (answer.status, answer.error["details"][0]["rule"]) == (400, "number_too_long")


# --- idempotency -------------------------------------------------------------------------------------------

PATHS = [("/api/v2/optimize", GOOD), ("/api/v2/optimize/batch", {"circuits": [GOOD]})]


@pytest.mark.parametrize(("path", "body"), PATHS)
@pytest.mark.parametrize("key", ["k", "!~", "0f8fad5b-d9cb-469f-a165-70867728950e", "x" * 255])
def test_an_idempotency_key_reaches_the_use_case(api: Api, fakes: Fakes, path: str, body: Any, key: str) -> None:
    assert api("POST", path, body, headers={"idempotency-key": key}).status == 200
    assert fakes.idempotency_keys == [key]


@pytest.mark.parametrize(("path", "body"), PATHS)
@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "k\u00e9", "tab\there", " "])
def test_what_is_no_idempotency_key(api: Api, fakes: Fakes, path: str, body: Any, key: str) -> None:
    answer = api("POST", path, body, headers={"Idempotency-Key": key})
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR")
    assert answer.error["details"][0]["field"] == "Idempotency-Key"
    assert fakes.submissions == []


def test_two_idempotency_keys_are_none(api: Api, fakes: Fakes) -> None:
    event = gateway_event("POST", "/api/v2/optimize", GOOD, headers={"Idempotency-Key": "b"})
    event["multiValueHeaders"]["Idempotency-Key"] = ["a", "b"]
    assert api.handler(event, Context())["statusCode"] == 400
    assert fakes.submissions == []


# --- batches -----------------------------------------------------------------------------------------------


def test_a_batch_as_the_contract_has_it(api: Api, fakes: Fakes) -> None:
    answer = api("POST", "/api/v2/optimize/batch", {"circuits": [GOOD, GOOD], "options": {"optimization_level": 3}})
    assert answer.body == {
        "success": True,
        "data": {"batch_id": "batch_new", "job_ids": ["job_0", "job_1"], "status": "processing"},
    }
    assert [one.options.optimization_level for _, one in fakes.submissions] == [3, 3]
    assert [one.shots for _, one in fakes.submissions] == [1024, 1024]


def test_a_circuit_of_a_batch_outranks_the_batch_in_what_it_says(api: Api, fakes: Fakes) -> None:
    plain = GOOD | {"options": {"evidence": False}}
    special = GOOD | {
        "shots": 7,
        "name": "special",
        "tags": ["own"],
        "options": {"optimization_level": 0, "max_cost_usd": None},
    }
    shared = {"optimization_level": 3, "evidence": True, "memory": True, "max_cost_usd": "1"}
    body = {"circuits": [GOOD, plain, special], "shots": 50, "options": shared, "tags": ["all"], "dry_run": True}
    assert api("POST", "/api/v2/optimize/batch", body).status == 200
    first, second, third = (one for _, one in fakes.submissions)
    assert first.options == Options(
        optimization_level=3, evidence=True, pqc_signing=True, memory=True, max_cost_microdollars=1_000_000
    )
    assert second.options == first.options.model_copy(update={"evidence": False})
    assert third.options == first.options.model_copy(update={"optimization_level": 0, "max_cost_microdollars": None})
    assert [one.shots for one in (first, second, third)] == [50, 50, 7]
    assert [one.name for one in (first, second, third)] == [None, None, "special"]
    assert [one.tags for one in (first, second, third)] == [("all",), ("all",), ("own", "all")]
    assert all(one.dry_run for one in (first, second, third))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"circuits": []}, "circuits"),
        ({"circuits": None}, "circuits"),
        ({"circuits": {}}, "circuits"),
        ({"circuits": [1]}, "circuits.0"),
        ({"circuits": [GOOD, {"qasm": BELL}]}, "circuits.1.backend"),
        ({"circuits": [GOOD | {"shots": 0}]}, "circuits.0.shots"),
        ({"circuits": [GOOD | {"dry_run": True}]}, "circuits.0.dry_run"),
        ({"circuits": [GOOD | {"options": {"optimization_level": 9}}]}, "circuits.0.options.optimization_level"),
        ({"options": {"level": 1}}, "options.level"),
        ({"shots": "5"}, "shots"),
        ({"backend": "ionq_simulator"}, "backend"),
    ],
)
def test_a_batch_that_is_not_of_the_form(api: Api, fakes: Fakes, change: dict[str, Any], field: str) -> None:
    answer = api("POST", "/api/v2/optimize/batch", {"circuits": [GOOD]} | change)
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in answer.error["details"]] == [field]
    assert fakes.submissions == []


def test_a_batch_may_be_larger_than_a_circuit(api: Api, fakes: Fakes) -> None:
    empty = {"circuits": [GOOD | {"qasm": ""}]}
    room = 5_000_000 - len(json.dumps(empty))
    assert api("POST", "/api/v2/optimize/batch", {"circuits": [GOOD | {"qasm": "x" * room}]}).status == 200
    answer = api("POST", "/api/v2/optimize/batch", {"circuits": [GOOD | {"qasm": "x" * (room + 1)}]})
    assert (answer.status, answer.error["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert "5,000,000" in answer.error["message"]
    assert len(fakes.submissions) == 1


def test_a_batch_says_what_became_of_each_circuit(api: Api, fakes: Fakes) -> None:
    from tests.unit.http.fakes import FAILED, SUBMITTED

    fakes.logs[TENANT, "job_bad"] = log_of("job_bad", SUBMITTED.model_copy(update={"name": "n"}), FAILED)
    fakes.batch_jobs[TENANT, "batch_one"] = ("job_done", "job_later", "job_bad")
    data = api("GET", "/api/v2/optimize/batch/batch_one").data
    assert (data["batch_id"], data["status"]) == ("batch_one", "processing")
    assert data["job_ids"] == ["job_done", "job_later", "job_bad"]
    assert data["counts"] == {"completed": 1, "queued": 1, "failed": 1}
    assert [(job["index"], job["job_id"], job["status"], job["error_code"], job["name"]) for job in data["jobs"]] == [
        (0, "job_done", "completed", None, None),
        (1, "job_later", "queued", None, None),
        (2, "job_bad", "failed", "PROVIDER_FAILED", "n"),
    ]


def test_cancelling_a_batch_says_what_each_job_then_is(api: Api, fakes: Fakes) -> None:
    fakes.batch_jobs[TENANT, "batch_one"] = ("job_done", "job_new")
    data = api("DELETE", "/api/v2/optimize/batch/batch_one").data
    assert data == {
        "batch_id": "batch_one",
        "status": "partial",
        "counts": {"completed": 1, "cancelled": 1},
        "jobs": [{"job_id": "job_done", "status": "completed"}, {"job_id": "job_new", "status": "cancelled"}],
    }


# --- jobs --------------------------------------------------------------------------------------------------


def test_cancelling(api: Api) -> None:
    assert api("DELETE", "/api/v2/jobs/job_new").data == {"job_id": "job_new", "status": "cancelled"}
    assert api("GET", "/api/v2/jobs/job_new").data["status"] == "cancelled"
    late = api("DELETE", "/api/v2/jobs/job_done")
    assert (late.status, late.error["code"], late.error["retryable"]) == (409, "CONFLICT", False)


def test_retrying_what_has_not_failed(api: Api) -> None:
    answer = api("POST", "/api/v2/jobs/job_done/retry")
    assert (answer.status, answer.error["code"]) == (409, "CONFLICT")


@pytest.mark.parametrize(
    "query",
    [
        [("status", "queued"), ("status", "failed"), ("status", "queued")],
        [("status", "queued,failed")],
        [("status", "queued,failed"), ("status", "failed")],
    ],
)
def test_several_statuses(api: Api, fakes: Fakes, query: list[tuple[str, str]]) -> None:
    assert api("GET", "/api/v2/jobs", query=query).status == 200
    assert fakes.wanted.statuses == ("queued", "failed")


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("2026-02-06T12:00:00Z", "2026-02-06T12:00:00.000Z"),
        ("2026-02-06t12:00:00z", "2026-02-06T12:00:00.000Z"),
        ("2026-02-06T13:30:00.25+01:30", "2026-02-06T12:00:00.250Z"),
        ("2026-02-05T23:59:59.9990001-12:00", "2026-02-06T11:59:59.999Z"),
        ("2026-02-06T12:00:00.000001Z", "2026-02-06T12:00:00.001Z"),
        ("2026-12-31T23:59:59.9995Z", "2027-01-01T00:00:00.000Z"),
    ],
)
def test_times_of_any_zone_mean_an_instant(api: Api, fakes: Fakes, sent: str, meant: str) -> None:
    assert api("GET", "/api/v2/jobs", query={"created_after": sent, "created_before": sent}).status == 200
    assert (fakes.wanted.created_after, fakes.wanted.created_before) == (meant, meant)


def test_a_list_goes_on_where_it_ended(api: Api) -> None:
    first = api("GET", "/api/v2/jobs", query={"limit": "1"}).data
    cursor = first["pagination"]["next_cursor"]
    second = api("GET", "/api/v2/jobs", query={"limit": "1", "cursor": cursor}).data
    seen = [job["job_id"] for page in (first, second) for job in page["jobs"]]
    assert (seen, second["pagination"]["next_cursor"]) == (["job_new", "job_done"], None)
    theirs = api("GET", "/api/v2/jobs", query={"limit": "1", "cursor": cursor}, tenant="other")
    assert (theirs.status, theirs.error["details"][0]["field"]) == (400, "cursor")


def test_a_count_that_was_given_up_says_so(api: Api) -> None:
    assert api("GET", "/api/v2/jobs", query={"tag": "capped"}).data["pagination"]["total_capped"] is True


def test_stats(api: Api) -> None:
    data = api("GET", "/api/v2/optimize/stats").data
    contract = {"total_jobs": 3, "total_circuits": 5, "avg_reduction": 34.7, "evaluations_used": 65}
    assert {name: data[name] for name in contract} == contract
    assert data["evaluations_limit"] == 50_000


# --- keys --------------------------------------------------------------------------------------------------


def test_a_key_is_shown_once(api: Api, fakes: Fakes) -> None:
    body = {"name": "laptop", "scopes": ["optimize:write", "optimize:read"], "expires_in": "90d"}
    made = api("POST", "/api/v2/keys", body, scopes="admin").data
    text = made.pop("api_key")
    assert text.startswith(f"qcos_live_{made['key_id']}_")
    assert made == {
        "key_id": made["key_id"],
        "name": "laptop",
        "scopes": ["optimize:read", "optimize:write"],
        "status": "active",
        "created_at": "2026-02-06T12:00:00.000Z",
        "expires_at": "2026-05-07T12:00:00.000Z",
        "revoked_at": None,
        "last_used_at": None,
    }
    listed = api("GET", "/api/v2/keys", scopes="admin")
    assert listed.data == {"keys": [made]}
    assert text not in listed.text
    assert fakes.key_desk.authenticate({"x-api-key": text}).scopes == ("optimize:read", "optimize:write")


def test_revoking_is_for_ever(api: Api, fakes: Fakes) -> None:
    _, key = fakes.key_desk.mint(TENANT, "n", ["admin"])
    _, theirs = fakes.key_desk.mint("other", "n", ["admin"])
    for _ in range(2):
        data = api("DELETE", f"/api/v2/keys/{key.public_id}", scopes="admin").data
        assert (data["status"], data["revoked_at"]) == ("revoked", "2026-02-06T12:00:00.000Z")
    answers = [
        api("DELETE", f"/api/v2/keys/{one}", scopes="admin") for one in (theirs.public_id, "00000000", "x", "a#b")
    ]
    assert {(answer.status, answer.error["code"]) for answer in answers} == {(404, "KEY_NOT_FOUND")}
    assert len({answer.text for answer in answers}) == 1


def test_an_expired_key_is_listed_as_expired(api: Api, fakes: Fakes) -> None:
    from dataclasses import replace

    _, key = fakes.key_desk.mint(TENANT, "n", ["admin"])
    fakes.key_desk.control.put_api_key(replace(key, public_id="expired0", expires_at="2026-02-06T12:00:00.000Z"))
    states = {one["key_id"]: one["status"] for one in api("GET", "/api/v2/keys", scopes="admin").data["keys"]}
    assert states == {key.public_id: "active", "expired0": "expired"}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "n" * 101}, "name"),
        ({"name": None}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"scopes": "admin"}, "scopes"),
        ({"scopes": ["admin"] * 7}, "scopes"),
        ({"expires_in": "3651d"}, "expires_in"),
        ({"expires_in": "87601h"}, "expires_in"),
        ({"expires_in": "0d"}, "expires_in"),
        ({"expires_in": "90"}, "expires_in"),
        ({"expires_in": 90}, "expires_in"),
        ({"tenant": "other"}, "tenant"),
    ],
)
def test_a_key_that_cannot_be_made(api: Api, fakes: Fakes, change: dict[str, Any], field: str) -> None:
    answer = api("POST", "/api/v2/keys", {"name": "n", "scopes": ["admin"]} | change, scopes="admin")
    assert (answer.status, [detail["field"] for detail in answer.error["details"]]) == (400, [field])
    assert fakes.key_desk.all(TENANT) == []


def test_a_key_with_less_than_admin_makes_none(api: Api, fakes: Fakes) -> None:
    held = " ".join(set(SCOPES) - {"admin"})
    answer = api("POST", "/api/v2/keys", {"name": "n", "scopes": ["optimize:read"]}, scopes=held)
    assert (answer.status, answer.error["code"]) == (403, "FORBIDDEN")
    assert fakes.key_desk.all(TENANT) == []


@pytest.mark.parametrize(
    "text", ["1d", "9h", "10d", "999d", "1000d", "2999d", "3599d", "3649d", "3650d", "87600h", "86999h"]
)
def test_every_span_that_the_form_takes_the_service_takes(text: str) -> None:
    assert KeyRequest(name="n", scopes=["admin"], expires_in=text).expires_in == text
    assert span(text).total_seconds() > 0


def test_the_scopes_of_the_form_are_those_of_the_service() -> None:
    schema = KeyRequest.model_json_schema()
    assert tuple(schema["properties"]["scopes"]["items"]["enum"]) == SCOPES


def test_every_option_of_a_job_can_be_chosen() -> None:
    asked = {name.replace("max_cost_usd", "max_cost_microdollars") for name in OptimizeOptions.model_fields}
    assert asked == set(Options.model_fields)
