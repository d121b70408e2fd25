"""Entity tags (RFC 9110, 8.8.3): a reader who has an answer already is told so instead of being sent it again."""

from __future__ import annotations

import hashlib
import re

from fastapi import Request
from starlette.responses import Response

REVALIDATE = "private, no-cache"
"""The caller may keep the answer, but must ask whether it still holds: a retry reopens what had ended."""

_TAG = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def tagged(request: Request, response: Response, tag: str | None = None) -> Response:
    """``response`` with its entity tag; a 304 without a body where If-None-Match names that tag.

    ``tag`` is text without quotes that changes whenever the body does; without one it is made of the body.
    """
    quoted = f'"{tag or hashlib.sha256(response.body).hexdigest()[:32]}"'
    response.headers["ETag"] = quoted
    response.headers.setdefault("Cache-Control", REVALIDATE)
    if not _named(request.headers.getlist("If-None-Match"), quoted):
        return response
    kept = {name: value for name, value in response.headers.items() if name in ("etag", "cache-control")}
    return Response(status_code=304, headers=kept)


def _named(fields: list[str], quoted: str) -> bool:
    """Whether the request has the answer of that tag; weak and strong tags compare alike here (RFC 9110, 13.1.2)."""
    sent = ", ".join(fields)
    return sent.strip() == "*" or quoted in _TAG.findall(sent)
