"""The whole API in one handler, over use cases in memory; every answer is held against the OpenAPI document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest

from qcos.http import account, backends, batches, evidence, gateway, jobs, keys, log, openapi, optimize
from qcos.http.app import application
from tests.unit.http.fakes import BUNDLE, BUNDLE_ID, COMPLETE, SUBMITTED, TENANT, Context, Fakes, gateway_event, log_of


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: Any
    text: str

    @property
    def error(self) -> dict[str, Any]:
        assert self.body["success"] is False
        assert set(self.body["error"]) == {"code", "message", "details", "request_id", "retryable"}
        error: dict[str, Any] = self.body["error"]
        return error

    @property
    def data(self) -> Any:
        assert self.body["success"] is True, self.text
        return self.body["data"]


class Api:
    """Requests in, answers out, as API Gateway would pass them."""

    def __init__(self, fakes: Fakes) -> None:
        self.fakes = fakes
        self.pauses: list[float] = []
        app = application(
            batches.router(fakes.submit, fakes.batches),
            optimize.router(
                fakes.submit, fakes.jobs, fakes.stats, fakes.circuits, clock=lambda: sum(self.pauses), sleep=self.sleep
            ),
            jobs.router(fakes.jobs, fakes.lifecycle),
            backends.router(fakes.backends),
            log.router(fakes.transparency),
            evidence.router(fakes.desk),
            keys.router(fakes.keys),
            account.router(fakes.backends, openapi.document, gateway.average_ms),
            rates=fakes.rates,
        )
        self.prepared: list[str] = []
        self.handler = gateway.handler(app, warm="/api/v2/status", prepare=[lambda: self.prepared.append("built")])

    def sleep(self, seconds: float) -> None:
        """Nobody waits, but the clock moves on."""
        self.pauses.append(seconds)

    def __call__(self, method: str, path: str, body: Any = None, **event: Any) -> Answer:
        raw = self.handler(gateway_event(method, path, body, **event), Context())
        headers = {**raw["headers"], **{name: ", ".join(values) for name, values in raw["multiValueHeaders"].items()}}
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-request-id"]
        answer = Answer(raw["statusCode"], headers, read(raw["body"], headers), raw["body"])
        hold_against_document(method, path, answer)
        return answer


def read(text: str, headers: Mapping[str, str]) -> Any:
    """What an answer says: the value of JSON, other text as it is, None where there is nothing."""
    kind = headers.get("content-type", "")
    if kind.startswith(("application/cbor", "application/cose", "application/octet-stream")):
        return text
    if kind == "application/json":
        return json.loads(text)
    assert kind == "text/plain; charset=utf-8" or text == ""
    return text or None


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """A part of the document, or the component that it refers to."""
    if "$ref" not in part:
        return part
    _, _, kind, name = part["$ref"].split("/")
    component: dict[str, Any] = openapi.document()["components"][kind][name]
    return component


def hold_against_document(method: str, path: str, answer: Answer) -> None:
    """The document must know this answer of this operation, its headers, and describe its body."""
    if answer.status == 405:  # of a method that the path has not
        assert answer.headers["allow"]
        return
    document = openapi.document()
    for template, operations in document["paths"].items():
        # What the log calls a path has slashes; everything else that is filled in has none.
        fixed = template.replace(".", r"\.").replace("{path}", ".+")
        pattern = re.sub(r"\{[^}]*\}", "[^/]+", fixed)
        if re.fullmatch(pattern, path) and method.lower() in operations:
            described = resolved(operations[method.lower()]["responses"][str(answer.status)])
            unconditional = {name.lower() for name in described["headers"]} - {"etag", "retry-after"}
            if answer.status != 401:
                assert unconditional <= set(answer.headers)
            if answer.status == 304:
                assert (answer.text, "content-type" in answer.headers) == ("", False)
                return
            content = described["content"][answer.headers["content-type"].partition(";")[0]]
            if content["schema"].get("format") == "binary":  # a file
                return
            jsonschema.validate(answer.body, {**content["schema"], "components": document["components"]})
            return
    assert answer.status == 404


@pytest.fixture(scope="session")
def served() -> Api:
    return Api(Fakes())


@pytest.fixture
def fakes(served: Api) -> Fakes:
    """The use cases behind the one application of these tests, as new."""
    vars(served.fakes).clear()
    Fakes.__init__(
        served.fakes,
        logs={
            (TENANT, "job_done"): log_of("job_done", *COMPLETE),
            (TENANT, "job_new"): log_of("job_new", SUBMITTED),
            ("other", "job_theirs"): log_of("job_theirs", SUBMITTED, tenant="other"),
        },
        bundles={(TENANT, BUNDLE_ID): BUNDLE},
    )
    served.prepared.clear()
    served.pauses.clear()
    return served.fakes


@pytest.fixture
def api(served: Api, fakes: Fakes) -> Api:
    return served
