"""The canonical form against the reference files of RFC 8785, and the strict reader against hostile text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Any

import pytest

from qcos_evidence import EvidenceError, Malformed, canonical, parse
from qcos_evidence.canonical import MAX_BYTES, MAX_DEPTH, MAX_INTEGER, plain
from tests.unit.evidence.samples import VECTORS

JCS = VECTORS / "jcs" / "testdata"


def reference(name: str) -> tuple[bytes, bytes]:
    return (JCS / "input" / f"{name}.json").read_bytes(), (JCS / "output" / f"{name}.json").read_bytes()


@pytest.mark.parametrize("name", ["arrays", "french", "unicode", "weird"])
def test_reference_file(name: str) -> None:
    given, wanted = reference(name)
    # One of the files is an array, and we canonicalise objects.
    assert canonical(parse(b'{"file":' + given + b"}")) == b'{"file":' + wanted + b"}"


def test_reference_structures_with_its_float_written_as_the_integer_it_is() -> None:
    given, wanted = reference("structures")
    with pytest.raises(Malformed) as refused:
        parse(given)
    assert refused.value.code == "number_not_integer"
    assert canonical(parse(given.replace(b"56.0", b"56"))) == wanted


def test_reference_values_without_its_floats() -> None:
    given, wanted = reference("values")
    without_numbers = re.sub(rb'"numbers":\s*\[[^]]*\],\s*', b"", given)
    assert without_numbers != given
    assert canonical(parse(without_numbers)) == re.sub(rb'"numbers":\[[^]]*\],', b"", wanted)


def test_names_sort_by_utf16_units() -> None:
    # U+FB33 is one unit above the surrogates that spell U+1F602, though its code point is lower.
    assert canonical({"\ufb33": 1, "\U0001f602": 2}) == '{"\U0001f602":2,"\ufb33":1}'.encode()


class Colour(StrEnum):
    RED = "red"


class Level(IntEnum):
    TWO = 2


def test_subclasses_of_json_types_are_what_they_hold() -> None:
    document: Mapping[str, Any] = MappingProxyType({Colour.RED: (Level.TWO, True, None)})
    copied = plain(document)
    assert copied == {"red": [2, True, None]}
    assert [type(one) for one in copied["red"]] == [int, bool, type(None)]
    assert canonical(document) == b'{"red":[2,true,null]}'


def nested(depth: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(depth - 1):
        document = {"in": document}
    return document


def cyclic() -> dict[str, Any]:
    document: dict[str, Any] = {}
    document["self"] = [document]
    return document


@pytest.mark.parametrize(
    "document",
    [
        {"x": 1.0},
        {"x": [float("nan")]},
        {"x": float("inf")},
        {1: "x"},
        {"x": {None: 1}},
        {"x": MAX_INTEGER + 1},
        {"x": -MAX_INTEGER - 1},
        {"x": "\ud800"},
        {"\udfff": 1},
        {"x": b"bytes"},
        {"x": {1, 2}},
        nested(MAX_DEPTH + 1),
        cyclic(),
        [1],
        "text",
    ],
    ids=repr,
)
def test_no_canonical_bytes(document: Mapping[str, Any]) -> None:
    with pytest.raises(EvidenceError):
        canonical(document)


def test_limits_are_inclusive() -> None:
    assert canonical({"x": MAX_INTEGER, "y": -MAX_INTEGER}) == b'{"x":9007199254740991,"y":-9007199254740991}'
    deepest = nested(MAX_DEPTH)
    assert parse(canonical(deepest)) == deepest
    assert len(parse(b'{"x":"' + b"a" * (MAX_BYTES - 8) + b'"}')["x"]) == MAX_BYTES - 8


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{" + b" " * MAX_BYTES + b"}", "too_large"),
        (b"\xef\xbb\xbf{}", "byte_order_mark"),
        ('{"x":1}'.encode("utf-16"), "byte_order_mark"),
        (b'{"x":"\xff"}', "not_utf8"),
        (b'{"x":"\xed\xa0\x80"}', "not_utf8"),
        (b'{"x":"\xc0\xaf"}', "not_utf8"),
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"{'x':1}", "not_json"),
        (b'{"x":1,}', "not_json"),
        (b'{"x":"\n"}', "not_json"),
        (b'{"x":"\\x41"}', "not_json"),
        (b'{"x":"\\u00 1"}', "not_json"),
        (b'{"x":01}', "not_json"),
        (b'{"x":+1}', "not_json"),
        ('{"x":\u0661}'.encode(), "not_json"),
        ('{\u00a0"x":1}'.encode(), "not_json"),
        (b'{"x":1}//', "trailing_data"),
        (b'{"x":1}{"x":1}', "trailing_data"),
        (b'{"x":1}\x00', "trailing_data"),
        (b"[]", "not_an_object"),
        (b'"text"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"1", "not_an_object"),
        (b'{"x":1,"x":1}', "duplicate_key"),
        (b'{"x":1,"\\u0078":2}', "duplicate_key"),
        (b'{"y":[{"x":1,"x":2}]}', "duplicate_key"),
        (b'{"x":NaN}', "number_not_integer"),
        (b'{"x":-Infinity}', "number_not_integer"),
        (b'{"x":1e999999}', "number_not_integer"),
        (b'{"x":1024.0}', "number_not_integer"),
        (b'{"x":1.024e3}', "number_not_integer"),
        (b'{"x":1E3}', "number_not_integer"),
        (b'{"x":-0}', "number_not_integer"),
        (b'{"x":-0.0}', "number_not_integer"),
        (b'{"x":9007199254740992}', "integer_out_of_range"),
        (b'{"x":-9007199254740992}', "integer_out_of_range"),
        (b'{"x":' + b"9" * 400 + b"}", "integer_out_of_range"),
        (b'{"x":' + b"9" * 5000 + b"}", "integer_out_of_range"),
        (b'{"x":' * 65 + b"1" + b"}" * 65, "too_deep"),
        (b"[" * 100_000, "too_deep"),
        (b'{"x":' * 40_000, "too_deep"),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:24]),
)
def test_refused_text(data: bytes, code: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(data)
    assert refused.value.code == code
    refused.value.message.encode()


@pytest.mark.parametrize("quote", [b'"', b'\\"', b'"\\', b'{"\\"'])
def test_unclosed_strings_are_read_in_linear_time(quote: bytes) -> None:
    # A scan that started again at each quote would take quadratic time: this test would not come to an end.
    with pytest.raises(Malformed):
        parse(b'{"x":"' + quote * (MAX_BYTES // 8))


def test_brackets_in_strings_are_no_depth() -> None:
    assert parse(b'{"x":"\\"' + b"[" * 1000 + b'"}')["x"] == '"' + "[" * 1000


def test_a_lone_surrogate_is_well_defined_json() -> None:
    assert parse(b'{"x":"\\ud800"}') == {"x": "\ud800"}


def test_reading_undoes_writing() -> None:
    document = {"b": [1, "two", None, {"ü": "\x00\x7f\u2028"}], "a": True}
    assert parse(canonical(document)) == document
    assert parse(json.dumps(document, indent=3).encode()) == document
