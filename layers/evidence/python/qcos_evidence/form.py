"""The forms of a bundle: JSON, deterministic CBOR, COSE and the page as PDF. One signature serves them all."""

from __future__ import annotations

from typing import Any, Literal

from qcos_evidence import attachments, cbor, cose
from qcos_evidence.canonical import parse

Form = Literal["json", "cbor", "cose", "pdf"]

_PDF = b"%PDF-"
_BYTE_ORDER_MARKS = (0xEF, 0xFE, 0xFF)


def form_of(document: bytes) -> Form:
    """Which form ``document`` can only be, by its first bytes."""
    if document.startswith(_PDF):
        return "pdf"
    if document.startswith(cose.TAG):
        return "cose"
    # JSON text begins with ASCII or, where it should not, with a byte order mark; a CBOR map with neither.
    if document and document[0] >= 0x80 and document[0] not in _BYTE_ORDER_MARKS:
        return "cbor"
    return "json"


def read(document: bytes) -> tuple[dict[str, Any], Form]:
    """The bundle in a document of any form, and the form; of a PDF what is attached to it, not what its page says.

    Raises:
        Malformed: there is no single well-defined bundle in it.
    """
    form = form_of(document)
    match form:
        case "json":
            return parse(document), form
        case "cbor":
            return cbor.loads(document), form
        case "cose":
            return cose.loads(document), form
        case "pdf":
            return parse(attachments.read(document)[attachments.BUNDLE]), form
