"""What an answer looks like on the wire: both envelopes, and their headers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from qcos.errors import QcosError

MEDIA_TYPE = "application/json"


def render(document: Any) -> bytes:
    """JSON bytes of ``document``.

    A lone surrogate, which JSON escapes can smuggle into text but UTF-8 cannot carry, becomes ``?``.

    Raises:
        ValueError: it holds NaN or an infinity.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def bare(document: Any, *, cache_s: int = 0) -> Response:
    """``document`` without an envelope; anybody may keep it for ``cache_s`` seconds."""
    headers = {"Cache-Control": f"public, max-age={cache_s}"} if cache_s else None
    return Response(render(document), media_type=MEDIA_TYPE, headers=headers)


def success(data: Any) -> Response:
    """``{"success": true, "data": data}``."""
    return success_text(render(data))


def success_text(data: bytes) -> Response:
    """The success envelope around ``data``, which is JSON text already and reaches the reader byte for byte."""
    return Response(b'{"success":true,"data":' + data + b"}", media_type=MEDIA_TYPE)


def elsewhere(url: str, data: Any) -> Response:
    """303: what was asked for is at ``url``; the body says so too, for those who do not follow."""
    answer = success(data)
    answer.status_code = 303
    answer.headers["Location"] = url
    return answer


def failure(error: QcosError, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """The error envelope of ``error`` with its HTTP status."""
    body = {
        "success": False,
        "error": {
            "code": error.code,
            "message": error.message,
            "details": error.details,
            "request_id": request_id,
            "retryable": error.retryable,
        },
    }
    return Response(render(body), status_code=error.status, media_type=MEDIA_TYPE, headers=headers)
