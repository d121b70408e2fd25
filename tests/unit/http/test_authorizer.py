"""The authorizer lets good keys in, whichever header brings them, and tells API Gateway 401 for all others."""

from __future__ import annotations

from typing import Any

import pytest

from qcos.http.authorizer import authorizer
from tests.unit.http.fakes import Context, Fakes

ARN = "arn:aws:execute-api:us-east-1:123456789012:api1/live/GET/api/v2/jobs/job_1"
KEY = "good-key"


def ask(headers: dict[str, str] | None, **event: Any) -> dict[str, Any]:
    request = {"type": "REQUEST", "methodArn": ARN, "headers": headers, "requestContext": {}} | event
    return authorizer(Fakes().keys)(request, Context())


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {KEY}"},
        {"authorization": f"Bearer {KEY}"},
        {"AUTHORIZATION": f"Bearer {KEY}"},
        {"X-API-Key": KEY},
        {"x-api-key": KEY},
        {"X-Api-Key": KEY},
        {"Authorization": f"Bearer {KEY}", "X-API-Key": KEY},
    ],
)
def test_good_key(headers: dict[str, str]) -> None:
    assert ask(headers) == {
        "principalId": "k1",
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow",
                    "Resource": "arn:aws:execute-api:us-east-1:123456789012:api1/live/*",
                }
            ],
        },
        "context": {"tenant": "acme", "key_id": "k1", "scopes": "optimize:read optimize:write"},
    }


@pytest.mark.parametrize(
    "headers",
    [
        None,
        {},
        {"Authorization": "Bearer bad"},
        {"X-API-Key": "bad"},
        {"Authorization": f"Bearer {KEY}", "X-API-Key": "bad"},
    ],
)
def test_bad_key(headers: dict[str, str] | None) -> None:
    with pytest.raises(Exception, match=r"^Unauthorized$") as caught:
        ask(headers)
    assert type(caught.value) is Exception
    assert caught.value.__suppress_context__


def test_two_values_of_one_header_are_no_key() -> None:
    headers = {"X-API-Key": KEY}
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        ask(headers, multiValueHeaders={"X-API-Key": [KEY, "bad"]})
    assert ask(headers, multiValueHeaders={"X-API-Key": [KEY]})["principalId"] == "k1"


def test_trouble_of_ours_is_not_a_bad_key() -> None:
    fakes = Fakes(refusal=RuntimeError("table gone"))
    with pytest.raises(RuntimeError):
        authorizer(fakes.keys)({"methodArn": ARN, "headers": {"X-API-Key": KEY}}, Context())


def test_warming_up_asks_nothing() -> None:
    fakes = Fakes(refusal=AssertionError("asked"))
    assert authorizer(fakes.keys)({"warm": True}, None) == {"warm": True}


def test_keys_are_never_logged(capsys: pytest.CaptureFixture[str]) -> None:
    ask({"X-API-Key": KEY})
    with pytest.raises(Exception, match=r"^Unauthorized$"):
        ask({"X-API-Key": "bad-key-text"})
    shown = capsys.readouterr()
    assert KEY not in shown.out + shown.err
    assert "bad-key-text" not in shown.out + shown.err
