"""What the OpenAPI document says of a route: its answers, every error it can give, its body."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from pydantic import BaseModel

from qcos import errors
from qcos.http.schemas import Failure, Success

BODIES: dict[str, type[BaseModel]] = {}
"""Request models by name; the document's components, because FastAPI does not see bodies that we read strictly."""

_ALWAYS = ("UNAUTHORIZED", "FORBIDDEN", "INTERNAL_ERROR")
_GATEWAY = {"RATE_LIMIT_EXCEEDED": 429}
_REFUSALS = {
    kind.code: kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.QcosError)
}


def answers(data: Any, *codes: str) -> dict[int | str, dict[str, Any]]:
    """``data`` in the success envelope, and the contract's error body for these codes and those any route can give."""
    return plain(Success[data]) | refusals(*codes)


def plain(model: Any) -> dict[int | str, dict[str, Any]]:
    """An answer without envelope."""
    return {200: {"model": model, "description": "OK"}}


def files(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """A file of one of these types, without envelope."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in media_types}
    return {200: {"description": "The file", "content": content}}


def refusals(*codes: str) -> dict[int | str, dict[str, Any]]:
    """The contract's error body for these codes and those any route can give."""
    return _failures(*codes, *_ALWAYS, *_GATEWAY)


def taking(model: type[BaseModel]) -> dict[str, Any]:
    """The operation's request body."""
    BODIES[model.__name__] = model
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _failures(*codes: str) -> dict[int | str, dict[str, Any]]:
    by_status: dict[int, list[str]] = defaultdict(list)
    for code in codes:
        by_status[_GATEWAY.get(code) or _REFUSALS[code].status].append(code)
    return {
        status: {
            "model": Failure,
            "description": " or ".join(names),
            "content": {"application/json": {"example": _example(names[0])}},
        }
        for status, names in sorted(by_status.items())
    }


def _example(code: str) -> dict[str, Any]:
    refusal = _REFUSALS.get(code)
    purpose = " ".join((refusal.__doc__ or "").split()) if refusal else "Too many requests. Slow down."
    return {
        "success": False,
        "error": {
            "code": code,
            "message": purpose,
            "details": [],
            "request_id": "4f3c9a52-5d07-4f0e-9c1d-0a4f6f1f7c11",
            "retryable": refusal.retryable if refusal else True,
        },
    }
