"""The whole API in one handler, over use cases in memory; every answer is held against the OpenAPI document."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import jsonschema
import pytest

from qcos.http import account, backends, evidence, gateway, jobs, openapi, optimize
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
        app = application(
            optimize.router(fakes.submit, fakes.jobs),
            jobs.router(fakes.jobs),
            backends.router(fakes.backends),
            evidence.router(fakes.desk),
            account.router(fakes.backends, openapi.document, gateway.average_ms),
        )
        self.prepared: list[str] = []
        self.handler = gateway.handler(app, warm="/api/v2/status", prepare=[lambda: self.prepared.append("built")])

    def __call__(self, method: str, path: str, body: Any = None, **event: Any) -> Answer:
        raw = self.handler(gateway_event(method, path, body, **event), Context())
        headers = {**raw["headers"], **{name: ", ".join(values) for name, values in raw["multiValueHeaders"].items()}}
        assert headers["content-type"] == "application/json"
        assert headers["x-content-type-options"] == "nosniff"
        answer = Answer(raw["statusCode"], headers, json.loads(raw["body"]), raw["body"])
        hold_against_document(method, path, answer)
        return answer


def hold_against_document(method: str, path: str, answer: Answer) -> None:
    """The document must know this answer of this operation, and describe its body."""
    document = openapi.document()
    for template, operations in document["paths"].items():
        pattern = re.sub(r"\{[^}]*\}", "[^/]+", template.replace(".", r"\."))
        if re.fullmatch(pattern, path) and method.lower() in operations:
            schema = operations[method.lower()]["responses"][str(answer.status)]["content"]["application/json"][
                "schema"
            ]
            jsonschema.validate(answer.body, {**schema, "components": document["components"]})
            return
    assert answer.status in (404, 405)


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
    return served.fakes


@pytest.fixture
def api(served: Api, fakes: Fakes) -> Api:
    return served
