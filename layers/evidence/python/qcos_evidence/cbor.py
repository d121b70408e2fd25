"""A bundle in deterministic CBOR (RFC 8949 section 4.2.1): the same map as its JSON, with the same text keys.

CBOR has two canonical orders of map keys; where all keys are text, as here, they are the same one. Like the JSON,
it holds no floats, no bytes and no tags, so that the two forms can be turned into each other without loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import cbor2

from qcos_evidence.canonical import MAX_BYTES, MAX_DEPTH, plain
from qcos_evidence.errors import EvidenceError, Malformed


def dumps(document: Mapping[str, Any]) -> bytes:
    """The one CBOR encoding of ``document``.

    Raises:
        EvidenceError: it is not plain JSON data without floats (see :func:`~qcos_evidence.canonical.plain`), or holds
            text that is not Unicode.
    """
    return encode(plain(document))


def loads(data: bytes) -> dict[str, Any]:
    """Read what :func:`dumps` wrote and nothing else: no data has two encodings.

    Raises:
        Malformed: ``too_large``, ``not_deterministic_cbor``, or a code of :func:`~qcos_evidence.canonical.plain`.
    """
    if len(data) > MAX_BYTES:
        raise Malformed("too_large", f"the document is longer than {MAX_BYTES} bytes")
    return plain(decode(data))


def encode(value: object) -> bytes:
    """The deterministic encoding of any value without floats whose map keys are of one kind.

    Raises:
        EvidenceError: it holds text that is not Unicode.
    """
    try:
        return cbor2.dumps(value, canonical=True)
    except (cbor2.CBOREncodeError, UnicodeEncodeError) as error:
        raise EvidenceError("the document holds text that is not valid Unicode") from error


def decode(data: bytes) -> Any:
    """The value whose deterministic encoding ``data`` is.

    Raises:
        Malformed: ``not_deterministic_cbor``: truncated, trailing data, a tag, an indefinite length, a length or
            number not in its shortest form, keys out of order or twice, text that is not UTF-8, nesting too deep.
    """
    try:
        value = cbor2.loads(
            data,
            semantic_decoders=_NO_TAGS,
            max_depth=MAX_DEPTH + 2,
            allow_indefinite=False,
            allow_duplicate_keys=False,
        )
    except (cbor2.CBORDecodeError, RecursionError, TypeError):
        raise _refused("the data is not CBOR of the plain kinds") from None
    # The library passes over everything else that could be written in two ways.
    try:
        again = cbor2.dumps(value, canonical=True)
    except (cbor2.CBOREncodeError, UnicodeEncodeError, RecursionError):
        raise _refused("the data is not CBOR of the plain kinds") from None
    if again != data:
        raise _refused("the data is not in CBOR's deterministic encoding")
    return value


def _refused(message: str) -> Malformed:
    return Malformed("not_deterministic_cbor", message)


def _no_tag(*_: object) -> NoReturn:
    raise ValueError("tags are not read")


class _EveryTag(dict[int, Any]):
    """Every tag there is, refused: the library would make regular expressions, cycles and mail messages of some."""

    def __contains__(self, tag: object) -> bool:
        return True

    def __getitem__(self, tag: int) -> Any:
        return _no_tag

    def get(self, tag: int, default: Any = None) -> Any:
        return _no_tag


_NO_TAGS = _EveryTag()
