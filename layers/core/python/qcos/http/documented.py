"""What the OpenAPI document says of a route: its answers, every error it can give, its body."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from pydantic import BaseModel

from qcos import errors
from qcos.http.schemas import Failure, Success

BODIES: dict[str, type[BaseModel]] = {}
"""Request models by name; the document's components, because FastAPI does not see bodies that we read strictly."""

_ALWAYS = ("VALIDATION_ERROR", "UNAUTHORIZED", "FORBIDDEN", "RATE_LIMIT_EXCEEDED", "INTERNAL_ERROR", "UNAVAILABLE")
_REFUSALS = {
    kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.QcosError)
}


def answers(data: type[BaseModel], *codes: str) -> dict[int | str, dict[str, Any]]:
    """``data`` in the success envelope, and the contract's error body for these codes and those any route can give."""
    return plain(Success[data]) | refusals(*codes)  # type: ignore[valid-type] # made here, for the document


def plain(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """An answer without envelope."""
    return {200: {"model": model, "description": "OK"}}


def files(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """A file of one of these types, without envelope."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in media_types}
    return {200: {"description": "The file", "content": content}}


def elsewhere(data: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """That what was asked for is at the address in Location; ``data`` in the success envelope says the same."""
    return {303: {"model": Success[data], "description": "See other: it is long, and Location is a link to it"}}  # type: ignore[valid-type] # made here, for the document


def text(example: str) -> dict[int | str, dict[str, Any]]:
    """Plain text such as ``example``, without envelope."""
    return {
        200: {"description": "The text", "content": {"text/plain": {"schema": {"type": "string"}, "example": example}}}
    }


def raw(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """Text of one of these types, without envelope."""
    content = {kind: {"schema": {"type": "string"} if kind.startswith("text/") else {}} for kind in media_types}
    return {200: {"description": "The text", "content": content}}


def unchanged() -> dict[int | str, dict[str, Any]]:
    """That the reader has the answer already, by the entity tag that came with it."""
    return {304: {"description": "Not modified: If-None-Match named the answer's ETag"}}


def follow(responses: dict[int | str, dict[str, Any]], field: str, *operations: str) -> dict[int | str, dict[str, Any]]:
    """``responses`` with links (OpenAPI, Link Object) from ``field`` of a successful answer to these operations."""
    links = {name: {"operationId": name, "parameters": {field: f"$response.body#/data/{field}"}} for name in operations}
    return responses | {200: responses[200] | {"links": links}}


def refusals(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The contract's error body for these codes and those any route can give."""
    return _failures(*dict.fromkeys((*codes, *_ALWAYS)))


def taking(model: type[BaseModel]) -> dict[str, Any]:
    """The operation's request body."""
    BODIES[model.__name__] = model
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _failures(*codes: str) -> dict[int | str, dict[str, Any]]:
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in codes:
        by_status[_REFUSALS[code].status].append(code)
    return {
        status: {
            "model": Failure,
            "description": " or ".join(names),
            "content": {"application/json": {"example": _example(names[0])}},
        }
        for status, names in sorted(by_status.items())
    }


def _example(code: str) -> dict[str, Any]:
    refusal = _REFUSALS[code]
    return {
        "success": False,
        "error": {
            "code": code,
            "message": " ".join((refusal.__doc__ or "").split()),
            "details": [],
            "request_id": "4f3c9a52-5d07-4f0e-9c1d-0a4f6f1f7c11",
            "retryable": refusal.retryable,
        },
    }
