"""Circuits submitted together: accepted whole or refused whole, then each a job of its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from qcos.errors import BatchNotFound
from qcos.http import body, envelope, present
from qcos.http.caller import needs
from qcos.http.documented import answers, follow, taking
from qcos.http.idempotency import IdempotencyKey
from qcos.http.job_schemas import BatchAccepted, BatchCancelled, BatchDetail
from qcos.http.requests import BATCH_ID, BatchRequest
from qcos.models import Caller

if TYPE_CHECKING:
    from qcos.service.batches import Batches
    from qcos.service.submit import Submit

Writer = Annotated[Caller, Depends(needs("optimize:write"))]
Reader = Annotated[Caller, Depends(needs("optimize:read"))]
BatchId = Annotated[str, Path(description="Id of a batch, as it was answered to the submission", examples=[BATCH_ID])]

MAX_BYTES = 5_000_000
"""Longest body: Lambda takes events of 6 MB, and an event holds the body as text with its quotes escaped."""

_BATCH_ID = re.compile(r"batch_[0-9A-Za-z_-]{1,64}", re.ASCII)


def router(submit: Callable[[], Submit], batches: Callable[[], Batches]) -> APIRouter:
    """``/api/v2/optimize/batch``; both arguments give a use case when a request needs it."""
    routes = APIRouter(prefix="/api/v2/optimize/batch", tags=["Optimization"])

    @routes.post(
        "",
        summary="Submit several circuits at once",
        responses=follow(
            answers(
                BatchAccepted,
                "INVALID_CIRCUIT",
                "QUOTA_EXCEEDED",
                "BACKEND_NOT_FOUND",
                "PAYLOAD_TOO_LARGE",
                "IDEMPOTENCY_MISMATCH",
                "BACKEND_UNAVAILABLE",
            ),
            "batch_id",
            "get_batch",
            "cancel_batch",
        ),
        openapi_extra=taking(BatchRequest),
    )
    async def submit_batch(request: Request, caller: Writer, idempotency_key: IdempotencyKey = None) -> Response:
        """Up to 98 circuits in at most 5 MB. All are accepted or none; then details name every bad circuit by index.

        Afterwards each is a job of its own, which succeeds or fails by itself.
        """
        wanted = body.validated(BatchRequest, body.parse(await body.text(request, MAX_BYTES)))
        accepted = submit().batch(caller, wanted.submissions(), idempotency_key)
        return envelope.success(
            {"batch_id": accepted.batch_id, "job_ids": list(accepted.job_ids), "status": "processing"}
        )

    # Or GET /api/v2/optimize/{job_id}, which comes later, would take "batch" for an id.
    @routes.get("", include_in_schema=False)
    async def no_list() -> Response:
        raise HTTPException(405)

    @routes.get("/{batch_id}", summary="How a batch is doing", responses=answers(BatchDetail, "BATCH_NOT_FOUND"))
    async def get_batch(batch_id: BatchId, caller: Reader) -> Response:
        """Its jobs in the order of its circuits; their states follow the jobs' logs with a short delay."""
        _check(batch_id)
        return envelope.success(present.batch(batches().get(caller.tenant, batch_id)))

    @routes.delete(
        "/{batch_id}",
        summary="Cancel what is left of a batch",
        responses=answers(BatchCancelled, "BATCH_NOT_FOUND"),
    )
    async def cancel_batch(batch_id: BatchId, caller: Writer) -> Response:
        """Cancels every job that has not ended and says what each then is; those that have ended stay as they are."""
        _check(batch_id)
        return envelope.success(present.cancelled_batch(batch_id, batches().cancel(caller, batch_id)))

    return routes


def _check(batch_id: str) -> None:
    """Refuse what no batch is called before it becomes part of a database key."""
    if not _BATCH_ID.fullmatch(batch_id):
        raise BatchNotFound(
            "There is no batch of that id. The answer to its submission names it, and so does each of its jobs."
        )
