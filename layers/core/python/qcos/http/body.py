"""Request bodies, read strictly: one JSON document, every name once, no deeper and no larger than documented."""

from __future__ import annotations

import json
import re
from collections import Counter
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from qcos.errors import PayloadTooLarge, ValidationFailed
from qcos.http.errors import invalid_request, shown

MAX_BYTES = 1_000_000
MAX_DEPTH = 64

Model = TypeVar("Model", bound=BaseModel)

_MARKS = re.compile(r'\\.|["\[\]{}]', re.DOTALL)
_SPACE = re.compile(r"[ \t\n\r]*")


async def text(request: Request, limit: int = MAX_BYTES) -> str:
    """The body as text.

    Raises:
        PayloadTooLarge: over ``limit`` bytes.
        ValidationFailed: empty, or not UTF-8.
    """
    raw = await request.body()
    if len(raw) > limit:
        raise PayloadTooLarge(
            f"The request body has {len(raw):,} bytes; at most {limit:,} are taken.",
            [{"field": "body", "bytes": len(raw), "limit": limit}],
        )
    if not raw:
        raise _unreadable("The request has no body: send a JSON object.", "empty")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise _unreadable("The request body is not UTF-8 text.", "not_utf8", offset=problem.start) from None


def parse(document: str) -> Any:
    """The value of a JSON text; numbers with a point or an exponent are ``Decimal``, so that no digit is lost.

    Raises:
        ValidationFailed: not JSON, a name twice in one object, NaN or an infinity, too deep, an absurd number.
    """
    if document.startswith("\ufeff"):
        message = "The request body begins with a byte order mark; send it as UTF-8 without one."
        raise _unreadable(message, "not_json", line=1, column=1)
    _check_depth(document)
    try:
        return json.loads(document, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_exact)
    except json.JSONDecodeError as problem:
        line, column = problem.lineno, problem.colno
        message = f"The request body is not valid JSON (line {line}, column {column})."
        raise _unreadable(message, "not_json", line=line, column=column) from None
    except ValueError:  # Python reads no integer of more than 4,300 digits.
        raise _unreadable("The request body holds a number that is too long.", "number_too_long") from None


def validated(model: type[Model], value: Any) -> Model:
    """``value`` as ``model``.

    Raises:
        ValidationFailed: it is not of that form; the details name every field.
    """
    try:
        return model.model_validate(value)
    except ValidationError as problem:
        raise invalid_request(problem.errors(include_url=False, include_input=False)) from None


def member(document: str, name: str) -> str:
    """The text of one member of a JSON object that :func:`parse` took, exactly as it was sent.

    Raises:
        KeyError: the object has no such member.
    """
    decoder = json.JSONDecoder()
    at = _skip(document, _skip(document, 0) + 1)
    while document[at] != "}":
        key, at = decoder.raw_decode(document, at)
        start = _skip(document, _skip(document, at) + 1)  # past the colon
        _, end = decoder.raw_decode(document, start)
        if key == name:
            return document[start:end]
        at = _skip(document, end)
        if document[at] == ",":
            at = _skip(document, at + 1)
    raise KeyError(name)


def _skip(document: str, at: int) -> int:
    space = _SPACE.match(document, at)
    return space.end() if space else at


def _check_depth(document: str) -> None:
    """Refuse deep nesting before anything recursive sees it: one pass, whatever the text."""
    depth, quoted = 0, False
    for mark in _MARKS.finditer(document):
        match mark.group():
            case '"':
                quoted = not quoted
            case "[" | "{" if not quoted:
                depth += 1
                if depth > MAX_DEPTH:
                    raise _unreadable(f"The request body is nested more than {MAX_DEPTH} deep.", "too_deep")
            case "]" | "}" if not quoted:
                depth -= 1


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        twice = shown(next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1))
        raise _unreadable(f"The request body names '{twice}' twice in one object.", "duplicate_key", name=twice)
    return result


def _exact(number: str) -> Decimal:
    try:
        return Decimal(number)
    except InvalidOperation:  # an exponent beyond 10 ** 18
        raise _unreadable("The request body holds a number that is too long.", "number_too_long") from None


def _no_constant(name: str) -> None:
    raise _unreadable(f"The request body holds {name}, which JSON has not: send a number.", "not_json")


def _unreadable(message: str, rule: str, **place: int | str) -> ValidationFailed:
    return ValidationFailed(message, [{"field": "body", "message": message, "rule": rule, **place}])
