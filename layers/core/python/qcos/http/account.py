"""Whether the service is well, and what it can do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from qcos.http import envelope, etag
from qcos.http.caller import needs
from qcos.http.documented import answers, plain, unchanged
from qcos.http.schemas import Document, Health, SystemStatus
from qcos.models import Caller

if TYPE_CHECKING:
    from qcos.service.backends import Backends

AnyCaller = Annotated[Caller, Depends(needs(None))]
DOCUMENT_FRESH_S = 300


def router(
    backends: Callable[[], Backends],
    document: Callable[[], Mapping[str, Any]],
    average_ms: Callable[[float], float],
) -> APIRouter:
    """``/health``, ``/api/v2/status`` and ``/openapi.json``.

    ``document`` gives the OpenAPI document, ``average_ms`` the mean response time when this request's, in
    milliseconds, is counted in.
    """
    routes = APIRouter(tags=["Health"])

    @routes.get("/health", summary="Whether the API answers", responses=plain(Health))
    async def health() -> Response:
        """Asks nobody else. Has no envelope and needs no API key."""
        return envelope.bare({"status": "ok"})

    @routes.get("/api/v2/status", summary="How the system is", responses=answers(SystemStatus, "UNAVAILABLE"))
    async def status(caller: AnyCaller) -> Response:
        """State of the API and of every backend; any valid API key will do."""
        started = time.perf_counter()
        state = backends().status()
        mean = average_ms(1000 * (time.perf_counter() - started))
        return envelope.success({**state, "avg_response_time_ms": round(mean)})

    @routes.get("/openapi.json", summary="This document", responses=plain(Document) | unchanged())
    async def openapi(request: Request) -> Response:
        """OpenAPI 3.1 of the whole API. Needs no API key."""
        return etag.tagged(request, envelope.bare(document(), cache_s=DOCUMENT_FRESH_S))

    return routes
