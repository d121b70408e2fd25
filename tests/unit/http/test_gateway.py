"""Ids, logs, numbers, and what happens when something breaks that nobody expected."""

from __future__ import annotations

import io
import json
import logging
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from qcos.http.gateway import logger
from tests.unit.http.conftest import Api
from tests.unit.http.fakes import BELL, Context, Fakes, gateway_event

SECRET = "OPENQASM 2.0; secret"


class Output:
    """What went to standard output: log lines, and numbers in CloudWatch's embedded format."""

    def __init__(self, stream: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
        self._stream, self._capsys = stream, capsys

    def text(self) -> str:
        shown = self._capsys.readouterr()
        return self._stream.getvalue() + shown.out + shown.err

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def output(capsys: pytest.CaptureFixture[str]) -> Iterator[Output]:
    # The logger keeps the standard output that it found when it was made.
    stream = io.StringIO()
    handler = logger.registered_handler
    assert isinstance(handler, logging.StreamHandler)
    kept = handler.setStream(stream)
    yield Output(stream, capsys)
    handler.setStream(kept)


@pytest.mark.parametrize("sent", ["abc", "A" * 128, "trace:1.2-3_4"])
@pytest.mark.parametrize("header", ["X-Request-Id", "x-request-id"])
def test_a_sane_request_id_is_kept(api: Api, header: str, sent: str) -> None:
    answer = api("GET", "/nowhere", headers={header: sent})
    assert answer.headers["x-request-id"] == answer.error["request_id"] == sent


@pytest.mark.parametrize("sent", ["", "a b", "A" * 129, "x\r\nSet-Cookie: y", "é", "{}", "-"])
def test_any_other_is_replaced_by_the_gateways(api: Api, sent: str) -> None:
    answer = api("GET", "/health", headers={"X-Request-Id": sent})
    assert answer.headers["x-request-id"] == "gateway-request"


def test_without_any_a_new_one_is_made(api: Api) -> None:
    event = gateway_event("GET", "/health")
    del event["requestContext"]["requestId"]
    uuid.UUID(api.handler(event, Context())["headers"]["x-request-id"])


class Unprintable(Exception):
    def __str__(self) -> str:
        return SECRET


def surprise() -> Exception:
    try:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": SECRET}}, "Query")
    except ClientError as cause:
        problem = Unprintable(SECRET)
        problem.__cause__ = cause
        return problem


def test_an_unexpected_exception_is_logged_with_its_trace_and_told_to_nobody(
    api: Api, fakes: Fakes, output: Output
) -> None:
    fakes.refusal = surprise()
    body = {"qasm": SECRET, "backend": "ionq_simulator"}
    answer = api("POST", "/api/v2/optimize", body, headers={"X-Request-Id": "mine", "Authorization": "Bearer s3cret"})
    assert answer.status == 500
    assert answer.error == {
        "code": "INTERNAL_ERROR",
        "message": "Something went wrong on our side. If it happens again, tell us this request_id.",
        "details": [],
        "request_id": "mine",
        "retryable": False,
    }
    for inside in ("Unprintable", "Traceback", "fakes", SECRET):
        assert inside not in answer.text
    lines = output.lines()
    [trouble] = [line for line in lines if line.get("message") == "unexpected exception"]
    assert trouble["level"] == "ERROR"
    assert trouble["request_id"] == "mine"
    assert [kind.split(".")[-1] for kind in trouble["exception"]] == [
        "Unprintable",
        "ClientError [ThrottlingException]",
    ]
    assert any("fakes.py" in frame and "_asked" in frame for frame in trouble["frames"])
    assert SECRET not in json.dumps(lines)
    assert "s3cret" not in json.dumps(lines)


def test_an_answer_that_is_no_json_is_our_mistake(api: Api, fakes: Fakes) -> None:
    from tests.unit.http.fakes import RESULTS

    broken = RESULTS | {"probabilities": {"00": float("nan")}}
    fakes._results = lambda job: broken  # type: ignore[method-assign]
    assert api("GET", "/api/v2/optimize/job_done").status == 500


def test_one_line_and_the_numbers_of_each_request(api: Api, output: Output) -> None:
    api("POST", "/api/v2/optimize", {"qasm": BELL, "backend": "ionq_simulator"}, query={"a": "secret-query"})
    lines = output.lines()
    assert "OPENQASM" not in json.dumps(lines)
    assert "secret-query" not in json.dumps(lines)
    [line] = [line for line in lines if line.get("message") == "request"]
    expected = {
        "method": "POST",
        "path": "/api/v2/optimize",
        "status": 400,
        "tenant": "acme",
        "key_id": "k1",
        "request_id": "gateway-request",
        "gateway_request_id": "gateway-request",
        "function_request_id": "aws-request",
    }
    assert {name: line[name] for name in expected} == expected
    [numbers] = [line for line in lines if "_aws" in line and "Requests" in line]
    assert numbers["Requests"] == [1.0]
    assert len(numbers["Latency"]) == 1
    assert "ServerErrors" not in numbers


def test_warming_up_builds_and_asks_nothing(api: Api, fakes: Fakes, output: Output) -> None:
    fakes.refusal = AssertionError("a use case was asked")
    assert api.prepared == []
    assert api.handler({"warm": True}, None) == {"warm": True}
    assert api.prepared == ["built"]
    assert output.text() == ""


def test_starting_logs_nothing(fakes: Fakes, output: Output) -> None:
    Api(fakes)
    assert output.text() == ""


def test_a_hostile_path_is_cut_in_the_log(api: Api, output: Output) -> None:
    api("GET", "/" + "x" * 5000)
    [line] = [line for line in output.lines() if line.get("message") == "request"]
    assert len(line["path"]) == 200
