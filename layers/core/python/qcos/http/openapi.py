"""The OpenAPI 3.1 document of the whole API, whichever function serves a route.

``python -m qcos.http.openapi docs/openapi.json`` writes it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from fastapi import APIRouter, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic.json_schema import models_json_schema

from qcos.http import account, backends, batches, evidence, jobs, keys, log, optimize
from qcos.http.app import TITLE, VERSION, application
from qcos.http.caller import NEEDED
from qcos.http.documented import BODIES
from qcos.http.examples import EXAMPLES

_REFERENCES = "#/components/schemas/{model}"

DESCRIPTION = """\
Optimize quantum circuits for trapped ions, prove that they still do the same, run them on IonQ, and get post-quantum
signed evidence of what happened.

Send your API key as `Authorization: Bearer KEY` or as `X-API-Key: KEY`. Every answer but those of `/health`,
`/.well-known/jwks.json`, this document, and files is in an envelope: `{"success": true, "data": ...}` or
`{"success": false, "error": {"code", "message", "details", "request_id", "retryable"}}`.
Fields that are not documented are refused. `X-Request-Id` (up to 128 letters, digits and `._:-`) is taken over and
sent back; without one, we make one. Bit strings are as Qiskit prints them: the highest classical bit is leftmost.

Each operation's security names the scope that the key needs; `admin` holds every scope. Requests count against the
plan, by the minute and by the day: `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` (seconds) tell of the
window that is nearer its limit. `Retry-After` (seconds) comes with 429 and with a 503 or 409 that
passes."""

SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The API key as a bearer token"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The API key"},
}


def _integer(text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "integer", "minimum": 0}}


HEADERS = {
    "RequestId": {"description": "The request's id, for questions about it", "schema": {"type": "string"}},
    "RateLimitLimit": _integer("Requests that the window takes"),
    "RateLimitRemaining": _integer("Requests left in the window"),
    "RateLimitReset": _integer("Seconds until the window ends"),
    "RetryAfter": _integer("Seconds to wait before sending the request again"),
    "Location": {"description": "Where it is", "schema": {"type": "string", "format": "uri"}},
    "Challenge": {"description": "How to send a key (RFC 9110, 11.6.1)", "schema": {"type": "string"}},
    "ETag": {"description": "The answer's entity tag, for If-None-Match", "schema": {"type": "string"}},
}
_GOOD = ("200", "303")
_EVERYWHERE = {"X-Request-Id": "RequestId"}
_COUNTED = {
    "RateLimit-Limit": "RateLimitLimit",
    "RateLimit-Remaining": "RateLimitRemaining",
    "RateLimit-Reset": "RateLimitReset",
}


def _unbuilt(*_: object) -> NoReturn:
    raise AssertionError("describing the API calls no use case")


def routers() -> tuple[APIRouter, ...]:
    """Every router, in the order in which paths are looked up, over use cases that nobody may call."""
    return (
        batches.router(_unbuilt, _unbuilt),
        optimize.router(_unbuilt, _unbuilt, _unbuilt, _unbuilt),
        jobs.router(_unbuilt, _unbuilt),
        backends.router(_unbuilt),
        log.router(_unbuilt),
        evidence.router(_unbuilt),
        keys.router(_unbuilt),
        account.router(_unbuilt, _unbuilt, _unbuilt),
    )


@cache
def document() -> dict[str, Any]:
    """The document as JSON-ready data; built once, without touching a use case."""
    parts = routers()
    app: FastAPI = application(*parts, rates=_unbuilt)
    result: dict[str, Any] = get_openapi(
        title=TITLE, version=VERSION, openapi_version="3.1.0", description=DESCRIPTION, routes=app.routes
    )
    _add_bodies(result)
    _show_answers(result)
    _drop_what_is_never_sent(result)
    _say_what_is_needed(result, parts)
    _name_headers(result)
    _tidy_parameters(result)
    _share_errors(result)
    result["components"]["securitySchemes"] = SECURITY
    result["components"]["headers"] = HEADERS
    result["security"] = [{name: []} for name in SECURITY]
    return result


def _operations(result: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            yield path, method, operation


def _add_bodies(result: dict[str, Any]) -> None:
    wanted = [(model, "validation") for model in BODIES.values()]
    _, schemas = models_json_schema(wanted, ref_template=_REFERENCES)  # type: ignore[arg-type] # a literal, which the list forgets
    result["components"]["schemas"] |= schemas["$defs"]


def _show_answers(result: dict[str, Any]) -> None:
    """An example of every answer; FastAPI itself would leave out of them whatever is null."""
    answers = [operation["responses"].get(status) for _, _, operation in _operations(result) for status in _GOOD]
    for answer in filter(None, answers):
        content = answer.get("content", {}).get("application/json", {})
        name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
        if name.startswith("Success_"):
            content["example"] = {"success": True, "data": EXAMPLES[name.removeprefix("Success_").rstrip("_")]}
        elif name:
            content["example"] = EXAMPLES[name]


def _drop_what_is_never_sent(result: dict[str, Any]) -> None:
    """FastAPI's own 422; one that a route gives itself stays."""
    for _, _, operation in _operations(result):
        if "HTTPValidationError" in json.dumps(operation["responses"].get("422", {})):
            del operation["responses"]["422"]
    for name in ("HTTPValidationError", "ValidationError"):
        result["components"]["schemas"].pop(name, None)


def _say_what_is_needed(result: dict[str, Any], parts: tuple[APIRouter, ...]) -> None:
    """The scope of each operation; an empty list where none is asked for, and no key at all where none is needed."""
    scopes: dict[str, list[str] | None] = {}
    for part in parts:
        for route in part.routes:
            if isinstance(route, APIRoute):
                scopes[route.name] = _scopes(route.dependant)
    for _, _, operation in _operations(result):
        needed = scopes[operation["operationId"]]
        operation["security"] = [] if needed is None else [{name: needed} for name in SECURITY]


def _scopes(dependant: Dependant) -> list[str] | None:
    """The scope that a route's dependencies ask for: a list of one or none, None where they ask for no caller."""
    for dependency in dependant.dependencies:
        if dependency.call in NEEDED:
            scope = NEEDED[dependency.call]
            return [scope] if scope else []
    return None


def _name_headers(result: dict[str, Any]) -> None:
    for _, _, operation in _operations(result):
        # What is refused for its key was not counted.
        named = _EVERYWHERE | _COUNTED if operation["security"] else _EVERYWHERE
        for status, answer in operation["responses"].items():
            headers = dict(_EVERYWHERE if status == "401" else named)
            if status == "401":
                headers["WWW-Authenticate"] = "Challenge"
            if status in ("429", "503") or "NOT_LOGGED" in answer["description"] or "CONFLICT" in answer["description"]:
                headers["Retry-After"] = "RetryAfter"
            if status == "303":
                headers["Location"] = "Location"
            if status in ("200", "304") and "304" in operation["responses"]:
                headers["ETag"] = "ETag"
            answer["headers"] = {
                name: {"$ref": f"#/components/headers/{component}"} for name, component in headers.items()
            }


def _tidy_parameters(result: dict[str, Any]) -> None:
    """What is absent is not null: a parameter has no way to say that. And bounds have JSON Schema's own names."""
    for _, _, operation in _operations(result):
        for parameter in operation.get("parameters", []):
            schema = parameter["schema"]
            if "anyOf" in schema:
                (present,) = (one for one in schema.pop("anyOf") if one != {"type": "null"})
                schema.update(present)
            schema.pop("description", None)
            for ours, theirs in (("ge", "minimum"), ("le", "maximum")):
                if ours in schema:
                    schema[theirs] = schema.pop(ours)


def _share_errors(result: dict[str, Any]) -> None:
    """Errors as components: each is described once, however many operations can give it."""
    shared: dict[str, Any] = {}
    for _, _, operation in _operations(result):
        for status, answer in operation["responses"].items():
            if status.startswith(("4", "5")):
                name = answer["description"].replace(" ", "_")
                assert shared.setdefault(name, answer) == answer
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
    result["components"]["responses"] = shared


def text() -> str:
    """The document as the file in docs/ has it."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")
