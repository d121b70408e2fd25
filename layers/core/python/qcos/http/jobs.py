"""A tenant's jobs: the list, one in full, its log, and what can be done to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from qcos.errors import JobNotFound, ValidationFailed
from qcos.http import envelope, etag, present
from qcos.http.caller import needs
from qcos.http.documented import answers, unchanged
from qcos.http.job_schemas import Cancelled, EventLog, JobDetail, JobList, Retried
from qcos.http.requests import JOB_ID, JobsQuery, Number
from qcos.http.schemas import EventProof
from qcos.models import Caller
from qcos.views import JobFilter, JobPage

if TYPE_CHECKING:
    from qcos.service.jobs import Jobs
    from qcos.service.lifecycle import Lifecycle

Reader = Annotated[Caller, Depends(needs("optimize:read"))]
Writer = Annotated[Caller, Depends(needs("optimize:write"))]
JobId = Annotated[str, Path(description="Id of a job, as it was answered to the submission", examples=[JOB_ID])]

_JOB_ID = re.compile(r"job_[0-9A-Za-z_-]{1,64}", re.ASCII)


def check_job_id(job_id: str) -> None:
    """Refuse what no job is called before it becomes part of a database key.

    Raises:
        JobNotFound: it is not of the form of a job id.
    """
    if not _JOB_ID.fullmatch(job_id):
        raise JobNotFound("There is no job of that id. List yours with GET /api/v2/jobs.")


def router(jobs: Callable[[], Jobs], lifecycle: Callable[[], Lifecycle]) -> APIRouter:
    """``/api/v2/jobs``; both arguments give a use case when a request needs it."""
    routes = APIRouter(prefix="/api/v2/jobs", tags=["Jobs"])

    @routes.get("", summary="List your jobs, newest first", responses=answers(JobList))
    async def list_jobs(query: Annotated[JobsQuery, Query()], caller: Reader) -> Response:
        """The list follows the jobs' logs with a short delay; a single job is always up to date.

        total is exact without conditions and by status; with other conditions it counts to 10,000.
        """
        page = _page(jobs(), caller.tenant, query)
        return envelope.success(present.page(page, query.limit, query.offset))

    @routes.get(
        "/{job_id}", summary="Everything about a job", responses=answers(JobDetail, "JOB_NOT_FOUND") | unchanged()
    )
    async def get_job(job_id: JobId, request: Request, caller: Reader) -> Response:
        """The same as GET /api/v2/optimize/{job_id}, and options, timing, cost and length of the log."""
        check_job_id(job_id)
        job = jobs().get(caller.tenant, job_id)
        answer = envelope.success(present.detail(job, jobs().results(job)))
        return etag.tagged(request, answer) if job.terminal else answer

    @routes.get(
        "/{job_id}/events",
        summary="The log of a job",
        responses=answers(EventLog, "JOB_NOT_FOUND") | unchanged(),
    )
    async def get_events(job_id: JobId, request: Request, caller: Reader) -> Response:
        """Every event, oldest first, each with the hash that the next one names: the job's whole story."""
        check_job_id(job_id)
        log = jobs().log(caller.tenant, job_id)
        answer = envelope.success({"job_id": job_id, "events": [present.event(entry) for entry in log]})
        return etag.tagged(request, answer)

    @routes.get(
        "/{job_id}/events/{version}/proof",
        summary="That an event is in the log of a job",
        responses=answers(EventProof, "JOB_NOT_FOUND", "EVENT_NOT_FOUND") | unchanged(),
    )
    async def get_event_proof(
        job_id: JobId,
        version: Annotated[Number, Path(ge=1, le=1_000_000, description="Version of the event, from 1")],
        request: Request,
        caller: Reader,
    ) -> Response:
        """The RFC 9162 inclusion proof of one event: under the root that the job's bundle signs, where that holds it.

        Else under the root of the whole log as it is now, which nobody has signed: bundle_id is null then.
        """
        check_job_id(job_id)
        return etag.tagged(request, envelope.success(jobs().proof(caller.tenant, job_id, version)))

    @routes.delete(
        "/{job_id}",
        summary="Cancel a job",
        responses=answers(Cancelled, "JOB_NOT_FOUND", "CONFLICT"),
    )
    async def cancel_job(job_id: JobId, caller: Writer) -> Response:
        """Ends a job that has not ended, and stops it at IonQ; one that has completed or failed is a conflict.

        Cancelling a cancelled job changes nothing. Evaluations are given back if no circuit had been found.
        """
        check_job_id(job_id)
        job = lifecycle().cancel(caller, job_id)
        return envelope.success({"job_id": job.job_id, "status": job.status})

    @routes.post(
        "/{job_id}/retry",
        summary="Retry a failed job",
        responses=answers(Retried, "QUOTA_EXCEEDED", "JOB_NOT_FOUND", "CONFLICT", "BACKEND_UNAVAILABLE"),
    )
    async def retry_job(job_id: JobId, caller: Writer) -> Response:
        """Opens the next attempt, which is charged anew; the job keeps its id and its history.

        Repeating the request while that attempt is under way answers it and opens no other.
        """
        check_job_id(job_id)
        job = lifecycle().retry(caller, job_id)
        return envelope.success({"job_id": job.job_id, "status": job.status, "attempt": job.attempt})

    return routes


def _page(jobs: Jobs, tenant: str, query: JobsQuery) -> JobPage:
    """The part of the list that is asked for.

    Raises:
        ValidationFailed: the cursor is none of this tenant's, or an offset comes with it.
    """
    wanted = JobFilter(
        statuses=tuple(dict.fromkeys(query.status)),
        backend=query.backend,
        batch_id=query.batch_id,
        name=query.name,
        tag=query.tag,
        created_after=query.created_after,
        created_before=query.created_before,
    )
    if query.cursor is None:
        return jobs.page(tenant, wanted, query.limit, query.offset)
    if query.offset:
        message = "cannot come with a cursor"
        raise ValidationFailed(f"offset {message}.", [{"field": "offset", "message": message, "rule": "cursor"}])
    try:
        return jobs.page(tenant, wanted, query.limit, 0, query.cursor)
    except ValueError:
        message = "is not the next_cursor of a list of yours"
        detail = {"field": "cursor", "message": message, "rule": "cursor"}
        raise ValidationFailed(f"cursor {message}.", [detail]) from None
