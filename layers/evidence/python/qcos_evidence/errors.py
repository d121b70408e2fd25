"""What this library raises. Everything it raises on purpose is an :class:`EvidenceError`."""

from __future__ import annotations


class EvidenceError(ValueError):
    """A document, key or signature request is not of the documented form."""


class Malformed(EvidenceError):
    """There is no single well-defined document to judge.

    ``code`` is stable and machine-readable: ``too_large``, ``byte_order_mark``, ``not_utf8``, ``not_json``,
    ``trailing_data``, ``not_an_object``, ``duplicate_key``, ``key_not_text``, ``number_not_integer``,
    ``integer_out_of_range``, ``too_deep``, ``unsupported_type``; of the other forms ``not_deterministic_cbor``,
    ``not_cose_evidence``, ``not_evidence_pdf``. ``message`` is for people and quotes nothing of the document that
    could not be shown safely.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class NotShown(EvidenceError):
    """A checkpoint or a proof of a transparency log does not show what it should, or is none.

    ``code`` is stable and machine-readable; :mod:`qcos_evidence.transparency` lists the codes. ``message`` is for
    people and quotes nothing untrusted.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class SigningFailed(EvidenceError):
    """The signer gave no signature, or one that does not verify with its own public key; nothing was signed."""
