"""A submission is one POST, and its outcome is never better than what was proved."""

from __future__ import annotations

import json

import httpx
import pytest

from qcos.provider import ProviderRefused, ProviderUnknown
from tests.unit.ionq_client.script import FAULTS, JOB, Answer, Script, body, error, half_body, html

REFUSED = {
    "json 400": ("PROVIDER_REJECTED", False),
    "json 401": ("PROVIDER_UNAUTHORIZED", False),
    "json 402": ("PROVIDER_QUOTA_EXHAUSTED", False),
    "json 403": ("PROVIDER_FORBIDDEN", False),
    "json 404": ("PROVIDER_NOT_FOUND", False),
    "json 413": ("PROVIDER_JOB_TOO_LARGE", False),
    "json 422": ("PROVIDER_REJECTED", False),
    "json 429": ("PROVIDER_RATE_LIMITED", True),
    "html 400": ("PROVIDER_REJECTED", False),
    "html 403": ("PROVIDER_FORBIDDEN", False),
    "html 429": ("PROVIDER_RATE_LIMITED", True),
    "connect error": ("PROVIDER_UNREACHABLE", True),
    "connect timeout": ("PROVIDER_UNREACHABLE", True),
    "pool timeout": ("PROVIDER_UNREACHABLE", True),
    "proxy error": ("PROVIDER_UNREACHABLE", True),
}
"""Every fault that proves that nothing was created. All others must be unknown."""


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_one_post_and_one_honest_outcome(fault: str) -> None:
    script = Script({"/jobs": [FAULTS[fault]]})
    expected = ProviderRefused if fault in REFUSED else ProviderUnknown

    with script.provider() as provider, pytest.raises((ProviderRefused, ProviderUnknown)) as caught:
        provider.submit(b"{}")

    assert type(caught.value) is expected
    if isinstance(caught.value, ProviderRefused):
        assert (caught.value.code, caught.value.retryable) == REFUSED[fault]
        assert "<" not in caught.value.message
        assert "provider words" not in caught.value.message
    assert "secret" not in str(caught.value)
    assert [request.method for request in script.requests] == ["POST"]
    assert script.pauses == []


def test_an_accepted_job_is_sent_as_given_and_answered_with_its_id() -> None:
    script = Script({"/jobs": [httpx.Response(201, json={"id": JOB, "status": "submitted", "session_id": None})]})

    with script.provider() as provider:
        assert provider.submit(b'{"type":"ionq.circuit.v1"}') == JOB

    (request,) = script.requests
    assert (request.method, str(request.url)) == ("POST", "https://ionq.test/v0.4/jobs")
    assert request.content == b'{"type":"ionq.circuit.v1"}'
    assert request.headers["authorization"] == "apiKey secret-key"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("qcos/")


@pytest.mark.parametrize("job_id", [None, 7, "", "../jobs", "a/b", "x" * 129, "a b"])
def test_an_answer_without_a_usable_id_is_unknown(job_id: object) -> None:
    script = Script({"/jobs": [httpx.Response(201, json={"id": job_id, "status": "submitted"})]})
    with script.provider() as provider, pytest.raises(ProviderUnknown, match="without a job id"):
        provider.submit(b"{}")
    assert script.count("POST") == 1


@pytest.mark.parametrize(
    ("answer", "reached"),
    [
        (html(409), True),
        (error(409), True),
        (lambda _: httpx.Response(409, content=b"error code: 1001", headers={"Server": "nginx"}), True),
        (lambda _: httpx.Response(409, content=b"error code: 1001", headers={"Server": "cloudflare"}), False),
        (
            lambda _: httpx.Response(
                409, content=b"<h1>Error</h1> <span>1001</span> DNS resolution", headers={"Server": "cloudflare"}
            ),
            False,
        ),
        (lambda _: httpx.Response(409, content=b"error code: 10012", headers={"Server": "cloudflare"}), True),
    ],
)
def test_a_409_is_a_no_only_when_cloudflare_could_not_resolve_the_server(answer: Answer, reached: bool) -> None:
    script = Script({"/jobs": [answer]})
    with script.provider() as provider, pytest.raises(ProviderUnknown if reached else ProviderRefused) as caught:
        provider.submit(b"{}")
    if isinstance(caught.value, ProviderRefused):
        assert (caught.value.code, caught.value.retryable) == ("PROVIDER_UNREACHABLE", True)
    assert script.count("POST") == 1


def test_a_half_read_201_is_unknown() -> None:
    script = Script({"/jobs": [half_body(201)]})
    with script.provider() as provider, pytest.raises(ProviderUnknown):
        provider.submit(b"{}")
    assert script.count("POST") == 1


def test_a_half_read_refusal_is_unknown_too() -> None:
    """Only a whole answer counts: what was cut off might have named the job."""
    script = Script({"/jobs": [half_body(400)]})
    with script.provider() as provider, pytest.raises(ProviderUnknown):
        provider.submit(b"{}")
    assert script.count("POST") == 1


def test_an_endless_answer_is_cut_off_and_unknown() -> None:
    script = Script({"/jobs": [body(b" " * ((16 << 20) + 1), 201)]})
    with script.provider() as provider, pytest.raises(ProviderUnknown, match="TooLarge"):
        provider.submit(b"{}")
    assert script.count("POST") == 1


def test_a_refusal_names_the_fields_and_nothing_that_could_be_markup() -> None:
    keys = ["input.circuit[3].target", "<img src=x>", "shots\n", 7]
    script = Script({"/jobs": [error(400, validation={"source": "body", "keys": keys})]})
    with script.provider() as provider, pytest.raises(ProviderRefused) as caught:
        provider.submit(b"{}")
    assert caught.value.message.endswith("(HTTP 400, Error 400; refused: input.circuit[3].target)")


@pytest.mark.parametrize(
    "document",
    [
        {"error": {"type": "QuotaExhaustedError", "message": "x"}},
        {"code": "QuotaExhaustedError", "message": "x"},
        {"statusCode": 402, "error": "QuotaExhaustedError", "validation": None},
    ],
)
def test_each_form_of_error_object_gives_its_code(document: dict[str, object]) -> None:
    script = Script({"/jobs": [lambda _: httpx.Response(402, json=document)]})
    with script.provider() as provider, pytest.raises(ProviderRefused) as caught:
        provider.submit(b"{}")
    assert caught.value.message == "the IonQ account has no budget left for this job (HTTP 402, QuotaExhaustedError)"


@pytest.mark.parametrize("key", ["", "  ", "a\nb", "schlüssel"])
def test_without_a_usable_key_nothing_is_sent(key: str) -> None:
    script = Script(key=lambda: key)
    with script.provider() as provider, pytest.raises(ProviderRefused) as caught:
        provider.submit(b"{}")
    assert (caught.value.code, caught.value.retryable) == ("PROVIDER_KEY_UNAVAILABLE", True)
    assert script.requests == []


def test_a_key_store_that_fails_means_that_nothing_is_sent() -> None:
    def broken() -> str:
        raise RuntimeError("no network")

    script = Script(key=broken)
    with script.provider() as provider, pytest.raises(ProviderRefused, match="API key"):
        provider.submit(b"{}")
    assert script.requests == []


def test_the_key_is_asked_for_each_time_and_stripped() -> None:
    keys = iter(["first\n", " second "])
    script = Script({"/jobs": [httpx.Response(201, json={"id": JOB})]}, key=lambda: next(keys))
    with script.provider() as provider:
        provider.submit(b"{}")
        provider.submit(b"{}")
    assert [request.headers["authorization"] for request in script.requests] == ["apiKey first", "apiKey second"]


def test_ids_are_read_from_json_only() -> None:
    script = Script({"/jobs": [body(json.dumps([{"id": JOB}]).encode(), 201)]})
    with script.provider() as provider, pytest.raises(ProviderUnknown):
        provider.submit(b"{}")
