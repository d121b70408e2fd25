"""How a judge says that a promise was broken, and what the judges agree on."""

from __future__ import annotations

import re

import qcos_evidence
from tests.unit.evidence.samples import NOW

CODES = frozenset(re.findall(r"``([a-z0-9_]+)``", qcos_evidence.Malformed.__doc__ or ""))
"""Of documents that cannot be judged, as they are documented."""
LATE = NOW.replace(year=2100)
WHEN = LATE.strftime("%Y-%m-%dT%H:%M:%SZ")


class Finding(AssertionError):
    """A promise that did not hold."""


def check(promise: bool, words: str) -> None:
    """Raise :class:`Finding` unless ``promise``."""
    if not promise:
        raise Finding(words)
