"""The machines that circuits can run on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path
from starlette.responses import Response

from qcos.http import envelope
from qcos.http.caller import needs
from qcos.http.documented import answers
from qcos.http.schemas import BackendDetail, BackendList, Calibration
from qcos.models import Caller

if TYPE_CHECKING:
    from qcos.service.backends import Backends

Reader = Annotated[Caller, Depends(needs("backends:read"))]
BackendId = Annotated[str, Path(description="Id of a backend", examples=["ionq_aria"])]


def router(backends: Callable[[], Backends]) -> APIRouter:
    """``/api/v2/backends``; ``backends`` gives the use case when a request needs it."""
    routes = APIRouter(prefix="/api/v2/backends", tags=["Backends"])

    @routes.get("", summary="List the backends", responses=answers(BackendList, "BACKEND_UNAVAILABLE", "UNAVAILABLE"))
    async def list_backends(caller: Reader) -> Response:
        """Every backend with its live status and queue."""
        return envelope.success({"backends": backends().all()})

    @routes.get(
        "/{backend_id}",
        summary="Details of a backend",
        responses=answers(BackendDetail, "BACKEND_NOT_FOUND", "BACKEND_UNAVAILABLE", "UNAVAILABLE"),
    )
    async def get_backend(backend_id: BackendId, caller: Reader) -> Response:
        """Its native gates, connectivity and fidelity."""
        return envelope.success(backends().get(backend_id))

    @routes.get(
        "/{backend_id}/calibration",
        summary="Current calibration of a backend",
        responses=answers(Calibration, "BACKEND_NOT_FOUND", "BACKEND_UNAVAILABLE", "UNAVAILABLE"),
    )
    async def get_calibration(backend_id: BackendId, caller: Reader) -> Response:
        """Its newest characterisation by the provider; null where the provider states nothing."""
        return envelope.success(backends().calibration(backend_id))

    return routes
