"""Instants as this format writes them: RFC 3339 in UTC with ``Z``, whole seconds or milliseconds."""

from __future__ import annotations

import re
from datetime import UTC, datetime

FORM = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))?Z")


def format_seconds(moment: datetime) -> str:
    """An aware instant in whole seconds, rounded down: ``2026-01-01T00:00:00Z``."""
    return f"{moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat()}Z"


def parse_timestamp(text: object) -> datetime | None:
    """The instant ``text`` names, aware and in UTC, or None if it is not exactly of the form or no real instant.

    Offsets, leap seconds, dates such as 30 February and digits other than 0-9 are none.
    """
    match = FORM.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        return None
    year, month, day, hour, minute, second, millisecond = (int(group or 0) for group in match.groups())
    try:
        return datetime(year, month, day, hour, minute, second, millisecond * 1000, tzinfo=UTC)
    except ValueError:
        return None
