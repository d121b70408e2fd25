"""Changed documents: of any bytes, and of the forms of a bundle, so that a change gets past the first reader.

Every function takes its choices from the generator it is given: the same generator, the same document.
"""

from __future__ import annotations

import base64
import copy
import json
import re
import zlib
from collections.abc import Callable
from random import Random
from typing import Any

import cbor2

from tests.unit.evidence.test_mutation import places, respell

TOKENS = (
    *(b"null", b"true", b"NaN", b"-Infinity", b"-0", b"0.0", b"1e999", b"9007199254740992", b"1" * 5000, b'"', b"\\"),
    *(b"{", b"}", b"[", b"]", b",", b":", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\\ud800", b"\\u0000"),
    *(b'"signatures":null,', b'"version":"3.0",', b'"shots":1,', b"[" * 70, b'{"x":' * 70, "e\u0301".encode()),
    *(b"\x5f\x41a\xff", b"\xbf\xff", b"\xd8\x23\x61(", b"\xd8\x1c\x81\xd8\x1d\x00", b"\xf9\x7e\x00", b"\xc2\x41\x01"),
    *(b"\x18\x01", b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff", b"\x7b\x7f\xff\xff\xff\xff\xff\xff\xff", b"\x81" * 500),
    *(b"stream\n", b"endobj\n", b"trailer\n", b"startxref\n0\n%%EOF\n", b"/Names", b"<<>>", b"99999999", b"0 0 R"),
)
VALUES: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2**53 - 1,
        2**53,
        -(2**53),
        10**400,
        1.0,
        1.5,
        float("nan"),
        "",
        " ",
        "1024",
        "none",
    ),
    *(
        [],
        {},
        [[]],
        {"": None},
        "\ud800",
        "\udfff\ud800",
        "\x00",
        "caf\u0065\u0301",
        "ML-DSA-44",
        "Ed25519",
        "ML-DSA-65",
    ),
    *("base64:", "base64:AAAA", "sha3-256:" + "0" * 64, "sha256:" + "a" * 64, "9999-12-31T23:59:59.999Z", "x" * 300),
)


def value_of(choose: Random, *more: Any) -> Any:
    """One of :data:`VALUES` or ``more``, a copy: what is done to it must not be done to the next document's."""
    return copy.deepcopy(choose.choice((*VALUES, *more)))


def of_bytes(data: bytes, other: bytes, choose: Random) -> bytes:
    """``data`` with one to four changes that know nothing of its form; ``other`` is a document to splice in."""
    for _ in range(choose.choice((1, 1, 1, 2, 3, 4))):
        at = choose.randrange(len(data) + 1)
        end = min(len(data), at + choose.choice((1, 1, 2, 4, 16, 64, 1024)))
        match choose.randrange(9):
            case 0 | 1 if at < len(data):
                data = data[:at] + bytes([data[at] ^ 1 << choose.randrange(8)]) + data[at + 1 :]
            case 2 if at < len(data):
                data = data[:at] + bytes([choose.randrange(256)]) + data[at + 1 :]
            case 3:
                data = data[:at] + data[end:]
            case 4:
                data = data[:at] + choose.choice(TOKENS) + data[choose.choice((at, end)) :]
            case 5:
                data = data[:end] + data[at:]
            case 6:
                data = data[:at]
            case 7:
                start = choose.randrange(len(other) + 1)
                data = data[:at] + other[start : start + end - at] + data[choose.choice((at, end)) :]
            case _:
                data = data[:at] + choose.randbytes(end - at) + data[end:]
    return data


def of_tree(document: dict[str, Any], choose: Random) -> dict[str, Any]:
    """A copy of ``document`` with a member changed, dropped, added, renamed or exchanged with another."""
    changed = copy.deepcopy(document)
    for _ in range(choose.choice((1, 1, 2))):
        found = list(places(changed))
        if not found:
            return {"x": value_of(choose)}
        path = choose.choice(found)
        holder = changed
        for step in path[:-1]:
            holder = holder[step]
        last = path[-1]
        value = holder[last]
        match choose.randrange(7):
            case 0:
                del holder[last]
            case 1 if isinstance(holder, dict):
                holder[choose.choice(("x", "jwk", "Version", "signature ", f"{last}s"))] = holder.pop(last)
            case 2 if isinstance(holder, dict):
                holder["x"] = value_of(choose)
            case 2 | 3 if isinstance(holder, list):
                holder.insert(choose.randrange(len(holder) + 1), copy.deepcopy(value))
            case 4 if isinstance(value, str):
                holder[last] = of_text(value, choose)
            case 4 if type(value) is int:
                holder[last] = choose.choice((value + 1, -value, str(value), 1.0, bool(value)))
            case 5:
                holder[last] = copy.deepcopy(_at(document, choose.choice(list(places(document)))))
            case 6:
                holder[last] = choose.choice(([value], {"x": value}, _deep(value, choose.choice((5, 63, 70)))))
            case _:
                holder[last] = value_of(choose)
    return changed


def of_text(text: str, choose: Random) -> str:
    """A letter of ``text`` more, less or another, or its cases exchanged."""
    at = choose.randrange(len(text) + 1)
    letter = choose.choice(
        ("0", "a", "A", "f", "=", "\n", " ", "\u0131", "\uff10", "\u200b", "-", "_", "/", "+", "\ud800")
    )
    return choose.choice(
        (text[:at] + letter + text[at:], text[:at] + letter + text[at + 1 :], text[:at], text.swapcase())
    )


def json_of(document: bytes, other: bytes, choose: Random) -> bytes:
    """A JSON document with a change of its text or of what it says; or neither, only spelled otherwise."""
    kind = choose.randrange(10)
    if kind < 4:
        return of_bytes(document, other, choose)
    try:
        tree = json.loads(document)
    except (ValueError, RecursionError):
        return of_bytes(document, other, choose)
    if not isinstance(tree, dict):
        return of_bytes(document, other, choose)
    if kind < 8:
        tree = of_tree(tree, choose)
    spelled = _respelled(tree, choose) if kind == 9 and choose.randrange(2) else _json(tree)
    if kind == 8:
        return of_bytes(spelled, other, choose)
    # A name twice, which a tree cannot hold.
    if not choose.randrange(8) and b'"shots":' in spelled:
        spelled = spelled.replace(b'"shots":', b'"shots":1,"\\u0073hots":', 1)
    return spelled


def cbor_of(document: bytes, other: bytes, choose: Random) -> bytes:
    """A CBOR document with other bytes, another map, or the same map encoded as nobody should."""
    kind = choose.randrange(10)
    tree = _cbor(document) if kind >= 4 else None
    if not isinstance(tree, dict):
        return of_bytes(document, other, choose)
    if kind < 8:
        tree = of_tree(tree, choose)
    encoded = loose(tree, choose, 0.0 if choose.randrange(2) else 0.01)
    return of_bytes(encoded, other, choose) if kind == 9 else encoded


def cose_of(document: bytes, other: bytes, choose: Random) -> bytes:
    """A COSE_Sign1 with one of its four parts changed, or encoded as nobody should, or with other bytes."""
    kind = choose.randrange(10)
    message = _cbor(document[1:]) if kind >= 4 else None
    if not isinstance(message, list) or len(message) != 4:
        return of_bytes(document, other, choose)
    protected, unprotected, payload, signature = message
    match choose.randrange(7):
        case 0 | 1 if isinstance(payload, bytes):
            payload = json_of(payload, other, choose)
        case 2 if isinstance(protected, bytes):
            header = _cbor(protected)
            if isinstance(header, dict) and choose.randrange(2):
                header[choose.choice((1, 2, 3, 4, -1, 33, "x"))] = value_of(choose, -49, -48, -19, -8, b"", b"x" * 43)
                protected = loose(header, choose, 0.05)
            else:
                protected = of_bytes(protected, other, choose)
        case 3:
            unprotected = choose.choice(({4: b"x"}, {33: [b"x"]}, {1: -49}, [], None, {"x": 1}))
        case 4 if isinstance(signature, bytes):
            signature = of_bytes(signature, other, choose)
        case 5:
            parts = [protected, unprotected, payload, signature]
            choose.shuffle(parts)
            return b"\xd2" + loose(parts[: choose.choice((3, 4, 4))] + [b""] * choose.randrange(2), choose, 0.0)
        case _:
            payload = choose.choice((None, "", b"", b"{}", payload))
    encoded = loose([protected, unprotected, payload, signature], choose, choose.choice((0.0, 0.0, 0.05)))
    return choose.choice((b"\xd2",) * 8 + (b"\xd8\x12", b"\xd8\x62")) + encoded


def pdf_of(document: bytes, other: bytes, choose: Random) -> bytes:
    """A page changed where its structure is, or anywhere, or with another bundle attached and the table made right."""
    kind = choose.randrange(20)
    if kind == 0:
        return repacked(document, lambda bundle: json_of(bundle, other, choose))
    if kind < 8:
        return of_bytes(document, other, choose)
    # The reader's way: the end of the file, the catalog, the file specifications, the streams' dictionaries.
    marks = (
        b"xref\n0",
        b"trailer\n",
        b"startxref",
        b"/Root",
        b"/EmbeddedFiles",
        b"/Filespec",
        b"/EmbeddedFile/",
        b"/Names",
    )
    at = document.find(choose.choice(marks))
    if at < 0:
        return of_bytes(document, other, choose)
    start, end = max(0, at - 20), min(len(document), at + choose.choice((40, 200, 1000)))
    return document[:start] + of_bytes(document[start:end], other, choose) + document[end:]


def repacked(document: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """A page with its attached bundle changed, stored and counted as if it had been issued so."""
    found = re.search(rb"/Length (\d+)/Type/EmbeddedFile(/Filter/FlateDecode)?", document)
    if found is None:
        return document
    start = document.find(b"stream\n", found.end()) + len(b"stream\n")
    stored = document[start : start + int(found[1])]
    try:
        changed = change(zlib.decompress(stored) if found[2] else stored)
    except zlib.error:
        return document
    data = zlib.compress(changed) if found[2] else changed
    length = b"/Length %d" % len(data)
    head = document[: found.start()] + length + document[found.start() + len(b"/Length ") + len(found[1]) : start]
    page = head + data + document[start + int(found[1]) :]
    table = page.rfind(b"xref\n0 ", 0, page.rfind(b"trailer\n"))
    shift = len(page) - len(document)

    def moved(entry: re.Match[bytes]) -> bytes:
        offset = int(entry[1])
        return b"%010d %s n" % (offset + shift if offset > found.start() else offset, entry[2])

    tail = re.sub(rb"(\d{10}) (\d{5}) n", moved, page[table:])
    return page[:table] + re.sub(rb"startxref\n\d+", b"startxref\n%d" % table, tail)


def loose(value: Any, choose: Random, odd: float) -> bytes:
    """CBOR of ``value``; with the probability ``odd`` an item is encoded in a way that is not the deterministic one."""
    strange = odd > 0 and choose.random() < odd
    if isinstance(value, dict):
        members = [(loose(name, choose, odd), loose(item, choose, odd)) for name, item in value.items()]
        members.sort(key=lambda member: member[0])
        if strange:
            choose.shuffle(members)
            members += members[: choose.randrange(2)]
        inner = b"".join(name + item for name, item in members)
        if strange and choose.randrange(2):
            return b"\xbf" + inner + b"\xff"
        return _head(5, len(members), choose, strange) + inner
    if isinstance(value, (list, tuple)):
        inner = b"".join(loose(item, choose, odd) for item in value)
        if strange and choose.randrange(2):
            return b"\x9f" + inner + b"\xff"
        return _head(4, len(value), choose, strange) + inner
    if strange and choose.randrange(2):
        return choose.choice((b"\xc0", b"\xd8\x23", b"\xd8\x1c", b"\xd9\xd9\xf7")) + loose(value, choose, 0.0)
    if isinstance(value, bytes):
        return _head(2, len(value), choose, strange) + value
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
        return _head(3, len(data), choose, strange) + data
    if type(value) is int and -(2**64) <= value < 2**64:
        return _head(0, value, choose, strange) if value >= 0 else _head(1, -1 - value, choose, strange)
    return cbor2.dumps(value, canonical=True)


def _head(major: int, count: int, choose: Random, longer: bool) -> bytes:
    sizes = [size for size in (0, 1, 2, 4, 8) if count < (24 if size == 0 else 1 << 8 * size)]
    size = choose.choice(sizes) if longer else sizes[0]
    if size == 0:
        return bytes([major << 5 | count])
    return bytes([major << 5 | 23 + size.bit_length()]) + count.to_bytes(size, "big")


def _cbor(data: bytes) -> Any:
    """What any reader makes of the data, if it is of the plain kinds, else None."""
    try:
        value = cbor2.loads(data)
        return value if _is_plain(value) else None
    except (cbor2.CBORDecodeError, RecursionError, TypeError, ValueError, OverflowError, MemoryError):
        return None


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, (str, int)) and _is_plain(item) for name, item in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, (str, bytes, int, float))


def _at(document: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def _deep(value: Any, depth: int) -> Any:
    for _ in range(depth):
        value = [value]
    return value


def _json(tree: Any) -> bytes:
    return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _respelled(tree: Any, choose: Random) -> bytes:
    try:
        return respell(tree, choose).encode("utf-8", "surrogatepass")
    except UnicodeEncodeError:
        return json.dumps(tree, indent=choose.randrange(3)).encode()  # a lone surrogate, as an escape


def request_of(document: bytes, other: bytes, choose: Random) -> bytes:
    """A verify request with ``document`` in it, as an object or as a file in base64; or with that body changed."""
    if choose.randrange(2):
        body = b'{"bundle":"' + base64.b64encode(document) + b'"}'
    else:
        body = b'{"bundle":' + document + b"}"
    match choose.randrange(6):
        case 0:
            body = of_bytes(body, other, choose)
        case 1:
            more = {"expected_job_id": value_of(choose), "expected_circuit_hash": value_of(choose)}
            body = body[:-1] + b"," + _json(more)[1:]
        case _:
            pass
    return body
