"""The forms of a bundle: JSON, deterministic CBOR, COSE and the page as PDF. One signature serves them all."""

from __future__ import annotations

from typing import Any, Literal

from qcos_evidence import attachments, cbor, cose, pdf
from qcos_evidence.canonical import parse
from qcos_evidence.errors import EvidenceError

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


def write(bundle: bytes, form: Form, result: bytes | None = None) -> bytes:
    """A signed bundle, given as its JSON text, in another form; nothing is signed anew.

    Args:
        result: the stored result, which the form ``pdf`` shows and attaches.
    Raises:
        EvidenceError: the bundle is not of its form, or there is no result for the page.
        ModuleNotFoundError: the packages that make pages are not installed.
    """
    match form:
        case "json":
            return bundle
        case "cbor":
            return cbor.dumps(parse(bundle))
        case "cose":
            return cose.dumps(parse(bundle))
        case "pdf" if result is not None:
            return pdf.render(bundle, result)
        case _:
            raise EvidenceError("a page takes the result")
