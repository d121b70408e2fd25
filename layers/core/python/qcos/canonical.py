"""The one form of a document that its digests are made of: RFC 8785 JSON, and no floats in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rfc8785


def canonical(document: Mapping[str, Any]) -> bytes:
    """RFC 8785 bytes of ``document``.

    Raises:
        ValueError: it holds a float; text and integers are the only forms that survive every store unchanged.
    """
    _refuse_floats(document)
    return rfc8785.dumps(document)


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise ValueError("floats have no one form: write integers of a small unit, or decimal text")
    if isinstance(value, Mapping):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
