"""Base64 in one spelling only: a value that decodes has exactly one text, so nothing can be re-spelled unnoticed."""

from __future__ import annotations

import base64
import binascii
import re

_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}", re.ASCII)
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


def decode_base64(text: object, length: int | None) -> bytes | None:
    """The ``length`` bytes (None: any number) that ``text`` spells in padded base64 (RFC 4648 section 4), or None.

    Spaces, the URL-safe alphabet, missing or surplus padding and spare bits that are not zero give None.
    """
    # The standard decoder, even when told to validate, accepts surplus padding and spare bits: hence the way back.
    if not isinstance(text, str) or not _BASE64.fullmatch(text):
        return None
    try:
        data = base64.b64decode(text)
    except binascii.Error:
        return None
    return data if length in (None, len(data)) and base64.b64encode(data).decode() == text else None


def encode_base64url(data: bytes) -> str:
    """Base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64url(text: object) -> bytes | None:
    """The bytes that ``text`` spells in base64url without padding, or None if it is anything else."""
    if not isinstance(text, str) or not _BASE64URL.fullmatch(text):
        return None
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        return None
    return data if encode_base64url(data) == text else None
