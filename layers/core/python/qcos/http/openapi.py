"""The OpenAPI 3.1 document of the whole API, whichever function serves a route."""

from __future__ import annotations

from functools import cache
from typing import Any, NoReturn

from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from qcos.http import account, backends, evidence, jobs, optimize
from qcos.http.app import TITLE, VERSION, application
from qcos.http.documented import BODIES

_REFERENCES = "#/components/schemas/{model}"

DESCRIPTION = """\
Optimize quantum circuits for trapped ions, prove that they still do the same, run them on IonQ, and get post-quantum
signed evidence of what happened.

Send your API key as `Authorization: Bearer KEY` or as `X-API-Key: KEY`. Every answer but those of `/health`,
`/.well-known/jwks.json` and this document is in an envelope: `{"success": true, "data": ...}` or
`{"success": false, "error": {"code", "message", "details", "request_id", "retryable"}}`.
Fields that are not documented are refused. `X-Request-Id` (up to 128 letters, digits and `._:-`) is taken over and
sent back; without one, we make one. Bit strings are as Qiskit prints them: the highest classical bit is leftmost."""

SECURITY = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "The API key as a bearer token"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The API key"},
}


def _unbuilt(*_: object) -> NoReturn:
    raise AssertionError("describing the API calls no use case")


@cache
def document() -> dict[str, Any]:
    """The document as JSON-ready data; built once, without touching a use case."""
    app = application(
        optimize.router(_unbuilt, _unbuilt),
        jobs.router(_unbuilt),
        backends.router(_unbuilt),
        evidence.router(_unbuilt),
        account.router(_unbuilt, _unbuilt, _unbuilt),
    )
    result: dict[str, Any] = get_openapi(
        title=TITLE, version=VERSION, openapi_version="3.1.0", description=DESCRIPTION, routes=app.routes
    )
    _add_bodies(result)
    _say_what_is_refused(result)
    result["components"]["securitySchemes"] = SECURITY
    result["security"] = [{name: []} for name in SECURITY]
    return result


def _add_bodies(result: dict[str, Any]) -> None:
    wanted = [(model, "validation") for model in BODIES.values()]
    _, schemas = models_json_schema(wanted, ref_template=_REFERENCES)  # type: ignore[arg-type] # a literal, which the list forgets
    result["components"]["schemas"] |= schemas["$defs"]


def _say_what_is_refused(result: dict[str, Any]) -> None:
    """Drop FastAPI's own 422, which is never sent, and say which operations need no key."""
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            if "401" not in operation["responses"]:
                operation["security"] = []
    for name in ("HTTPValidationError", "ValidationError"):
        result["components"]["schemas"].pop(name, None)
