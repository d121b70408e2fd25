"""One byte string for one JSON document: a strict reader and the canonical form of RFC 8785 (JCS).

Only data without floating-point numbers is canonicalised: two libraries may print a float differently, and then a
good signature fails. Whole numbers stay within +-(2^53 - 1), where every JSON reader agrees on them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import rfc8785

from qcos_evidence.errors import EvidenceError, Malformed

MAX_BYTES = 256 * 1024
"""Longest document read, in bytes."""
MAX_DEPTH = 64
"""Deepest nesting of objects and arrays; the outermost object is depth 1."""
MAX_INTEGER = 2**53 - 1

_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
# Strings are matched whole, closed or not, so that a bracket inside one is not counted and the scan stays linear.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]', re.DOTALL)
_LONGEST_INTEGER = len(str(-MAX_INTEGER))


def canonical(document: Mapping[str, Any]) -> bytes:
    """The RFC 8785 bytes of ``document``.

    Raises:
        EvidenceError: it holds a float (NaN and infinity included), a name that is not text, an integer beyond
            2^53 - 1, text that is not Unicode (a lone surrogate), a type JSON does not have, or nests deeper
            than 64.
    """
    data = plain(document)
    try:
        return rfc8785.dumps(data)
    # The library lets the encoding error of a name pass through as it is.
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise EvidenceError("the document holds text that is not valid Unicode") from error


def plain(document: object) -> dict[str, Any]:
    """A copy of ``document`` made of dict, list, str, int, bool and None only.

    Raises:
        Malformed: ``not_an_object``, ``number_not_integer``, ``integer_out_of_range``, ``key_not_text``,
            ``too_deep`` or ``unsupported_type``.
    """
    if not isinstance(document, Mapping):
        raise Malformed("not_an_object", "the document must be a JSON object")
    copied: dict[str, Any] = _plain(document, 1)
    return copied


def _plain(value: object, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return _integer(int(value))
    if isinstance(value, float):
        raise Malformed("number_not_integer", "numbers must be integers")
    if not isinstance(value, (Mapping, list, tuple)):
        raise Malformed("unsupported_type", f"JSON has no {type(value).__name__}")
    if depth > MAX_DEPTH:
        raise _too_deep()
    if not isinstance(value, Mapping):
        return [_plain(item, depth + 1) for item in value]
    copied = {}
    for name, item in value.items():
        if not isinstance(name, str):
            raise Malformed("key_not_text", "names in an object must be text")
        copied[str.__str__(name)] = _plain(item, depth + 1)
    return copied


def parse(data: bytes, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Read one JSON object strictly: what two readers could understand differently is refused.

    Lone surrogates (``"\\ud800"``) are read, because the JSON is well defined; they have no canonical bytes, so no
    signature over them can be valid.

    Args:
        data: UTF-8 without a byte order mark, at most ``max_bytes`` long.
    Raises:
        Malformed: see its codes.
    """
    if len(data) > max_bytes:
        raise Malformed("too_large", f"the document is longer than {max_bytes} bytes")
    if data.startswith(_BYTE_ORDER_MARKS):
        raise Malformed("byte_order_mark", "the document must be UTF-8 without a byte order mark")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Malformed("not_utf8", f"byte {error.start} is not UTF-8") from None
    # Before the reader sees it: how deep the standard reader can recurse depends on the Python and the thread.
    _check_depth(text)
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer_text,
            parse_float=_not_integer,
            parse_constant=_not_integer,
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        if error.msg == "Extra data":
            raise Malformed("trailing_data", where) from None
        raise Malformed("not_json", f"it is not JSON: {where}") from None
    if not isinstance(document, dict):
        raise Malformed("not_an_object", "the document must be a JSON object")
    return document


def _check_depth(text: str) -> None:
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
        token = text[match.start()]
        if token in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise _too_deep()
        elif token in "]}":
            depth -= 1


def _too_deep() -> Malformed:
    return Malformed("too_deep", f"objects and arrays nest deeper than {MAX_DEPTH}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("duplicate_key", "an object names the same member twice")
    return members


def _integer_text(text: str) -> int:
    # Length first: Python refuses to convert thousands of digits with an error of its own.
    if len(text) > _LONGEST_INTEGER:
        raise _out_of_range()
    if text == "-0":
        raise Malformed("number_not_integer", "minus zero is not an integer")
    return _integer(int(text))


def _integer(value: int) -> int:
    if abs(value) > MAX_INTEGER:
        raise _out_of_range()
    return value


def _out_of_range() -> Malformed:
    return Malformed("integer_out_of_range", "integers must lie within 2^53 - 1 of zero")


def _not_integer(_text: str) -> NoReturn:
    raise Malformed("number_not_integer", "numbers must be integers, without fraction or exponent")
