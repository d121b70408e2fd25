"""From whatever went wrong to the contract's error body, in words, and with nothing of our insides in it."""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from qcos.errors import (
    BackendUnavailable,
    MethodNotAllowed,
    QcosError,
    RateLimitExceeded,
    RouteNotFound,
    ValidationFailed,
)
from qcos.http import envelope

SHOWN_FIELD = 80
"""At most so many characters of a field name that a caller made up are sent back."""

FORMS = {
    "Idempotency-Key": "must be visible ASCII characters without spaces",
    "expires_in": "must be days or hours like 90d or 12h, at most 3650d",
    "expected_circuit_hash": "must be sha3-256: and 64 hexadecimal digits in lower case",
}
"""What a field that has a pattern must look like, in words."""


def install(app: FastAPI, routes: Sequence[APIRoute]) -> None:
    """Give ``app`` the contract's error bodies. What no handler here knows is left to the outermost middleware.

    ``routes`` are all there are, in the order in which a path is looked up.
    """

    @app.exception_handler(QcosError)
    async def refused(request: Request, problem: QcosError) -> Response:
        return envelope.failure(problem, request_id(request), retry_after(problem))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, problem: RequestValidationError) -> Response:
        return envelope.failure(invalid_request(problem.errors()), request_id(request))

    @app.exception_handler(HTTPException)
    async def unrouted(request: Request, problem: HTTPException) -> Response:
        headers = {"Allow": _allowed(routes, request.url.path)} if problem.status_code == 405 else problem.headers
        return envelope.failure(_routing(problem.status_code), request_id(request), headers)


def retry_after(problem: QcosError) -> dict[str, str]:
    """The Retry-After header, in seconds, where the same request may succeed after waiting.

    The state of backends is asked for anew every 15 s; what is busy, or not there yet, is so for moments.
    """
    match problem:
        case RateLimitExceeded():
            return {"Retry-After": str(problem.retry_after_s)}
        case BackendUnavailable(retryable=True):
            return {"Retry-After": "15"}
        case QcosError(status=409 | 503, retryable=True):
            return {"Retry-After": "1"}
        case _:
            return {}


def request_id(request: Request) -> str:
    """The id by which this request is known to its sender and in the logs."""
    return str(request.state.request_id)


def internal() -> QcosError:
    """What a caller is told about a mistake of ours."""
    return QcosError("Something went wrong on our side. If it happens again, tell us this request_id.")


def _allowed(routes: Sequence[APIRoute], path: str) -> str:
    """Every method of a path: those of all routes that are declared like the first one that fits."""
    declared = next((route.path for route in routes if route.path_regex.match(path)), None)
    shown = [route.methods or set() for route in routes if route.path == declared and route.include_in_schema]
    return ", ".join(sorted(set[str]().union(*shown)))


def _routing(status: int) -> QcosError:
    match status:
        case 404:
            return RouteNotFound("There is nothing at this path. GET /openapi.json lists what there is.")
        case 405:
            return MethodNotAllowed("This path has no such method. The Allow header names those it has.")
        case 400:
            return ValidationFailed("The request could not be read.")
        case _:
            return internal()


def invalid_request(problems: Sequence[Mapping[str, Any]]) -> ValidationFailed:
    """A refusal that names every field pydantic complains of: ``{field, message, rule}`` and the bound, if any.

    What the caller sent is never quoted, but for the name of an unknown field, which is cut and made printable.
    """
    details = [_place(problem) for problem in problems]
    message = "; ".join(f"{detail['field']} {detail['message']}" for detail in details[:3])
    more = f" (and {len(details) - 3} more)" if len(details) > 3 else ""
    return ValidationFailed(f"The request is not valid: {message}{more}.", details)


def _place(problem: Mapping[str, Any]) -> dict[str, Any]:
    rule, context = str(problem["type"]), problem.get("ctx") or {}
    bounds = {name: context[name] for name in ("ge", "le", "min_length", "max_length") if name in context}
    field = _field(problem["loc"])
    message = FORMS.get(field) if rule == "string_pattern_mismatch" else None
    return {"field": field, "message": message or _words(rule, context), "rule": rule} | bounds


def _field(place: Iterable[int | str]) -> str:
    parts = [str(part) for part in place if part not in ("body", "query", "path", "header")]
    return shown(".".join(parts) or "body")


def shown(name: str) -> str:
    """A name that a caller made up as it may be sent back: cut, and every letter printable."""
    printable = "".join(letter if letter.isprintable() else "?" for letter in name[:SHOWN_FIELD])
    return printable + ("…" if len(name) > SHOWN_FIELD else "")


def _words(rule: str, context: Mapping[str, Any]) -> str:
    match rule:
        case "missing":
            return "is required"
        case "extra_forbidden":
            return "is not a field of this request"
        case "repeated":
            return "must come only once"
        case "int_type" | "int_parsing" | "int_from_float" | "int_parsing_size":
            return "must be an integer"
        case "bool_type" | "bool_parsing":
            return "must be true or false"
        case "string_type" | "string_unicode":
            return "must be text"
        case "string_too_short":
            return "must not be empty"
        case "string_too_long":
            return f"must be at most {context['max_length']} characters"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case "literal_error":
            return f"must be one of {context['expected']}"
        case "list_type" | "tuple_type":
            return "must be a list"
        case "too_short":
            return f"must have at least {_entries(context['min_length'])}"
        case "too_long":
            return f"must have at most {_entries(context['max_length'])}"
        case "money" | "instant" | "form" | "order":
            return str(context["words"])
        case "model_type" | "model_attributes_type" | "dict_type":
            return "must be an object"
        case _:
            return "is not of the documented form"


def _entries(count: int) -> str:
    return "1 entry" if count == 1 else f"{count} entries"


def trace(problem: BaseException) -> dict[str, Any]:
    """What may be logged of an unexpected exception: types and places, innermost cause last.

    Messages are left out, because other people's exceptions quote their input, and ours would be circuits. An
    AWS error's code is kept: it comes from a fixed list.
    """
    chain: list[str] = []
    frames: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = problem
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        chain.append(f"{type(current).__module__}.{type(current).__qualname__}{_aws_code(current)}")
        frames += [f"{f.filename}:{f.lineno} in {f.name}" for f in traceback.extract_tb(current.__traceback__)]
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return {"exception": chain, "frames": frames}


def _aws_code(problem: BaseException) -> str:
    answer = getattr(problem, "response", None)
    error = answer.get("Error") if isinstance(answer, Mapping) else None
    return f" [{error.get('Code')}]" if isinstance(error, Mapping) else ""
