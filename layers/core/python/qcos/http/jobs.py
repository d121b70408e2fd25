"""A tenant's jobs: the list, one in full, and its log."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from qcos.errors import JobNotFound
from qcos.http import envelope, present
from qcos.http.caller import needs
from qcos.http.documented import answers
from qcos.http.schemas import JOB_ID, EventLog, JobDetail, JobList, JobsQuery
from qcos.models import Caller
from qcos.views import JobFilter

if TYPE_CHECKING:
    from qcos.service.jobs import Jobs

Reader = Annotated[Caller, Depends(needs("optimize:read"))]
JobId = Annotated[str, Path(description="Id of a job, as it was answered to the submission", examples=[JOB_ID])]

_JOB_ID = re.compile(r"job_[0-9A-Za-z_-]{1,64}", re.ASCII)


def check_job_id(job_id: str) -> None:
    """Refuse what no job is called before it becomes part of a database key.

    Raises:
        JobNotFound: it is not of the form of a job id.
    """
    if not _JOB_ID.fullmatch(job_id):
        raise JobNotFound("There is no job of that id. List yours with GET /api/v2/jobs.")


def router(jobs: Callable[[], Jobs]) -> APIRouter:
    """``/api/v2/jobs``; ``jobs`` gives the use case when a request needs it."""
    routes = APIRouter(prefix="/api/v2/jobs", tags=["Jobs"])

    @routes.get(
        "", summary="List your jobs, newest first", responses=answers(JobList, "VALIDATION_ERROR", "UNAVAILABLE")
    )
    async def list_jobs(query: Annotated[JobsQuery, Query()], caller: Reader) -> Response:
        """The list follows the jobs' logs with a short delay; a single job is always up to date."""
        wanted = JobFilter(statuses=(query.status,) if query.status else ())
        page = jobs().page(caller.tenant, wanted, query.limit, query.offset)
        return envelope.success(present.page(page, query.limit, query.offset))

    @routes.get(
        "/{job_id}", summary="Everything about a job", responses=answers(JobDetail, "JOB_NOT_FOUND", "UNAVAILABLE")
    )
    async def get_job(job_id: JobId, caller: Reader) -> Response:
        """The same as GET /api/v2/optimize/{job_id}, and options, timing, cost and length of the log."""
        check_job_id(job_id)
        job = jobs().get(caller.tenant, job_id)
        return envelope.success(present.detail(job, jobs().results(job)))

    @routes.get(
        "/{job_id}/events",
        summary="The log of a job",
        responses=answers(EventLog, "JOB_NOT_FOUND", "UNAVAILABLE"),
    )
    async def get_events(job_id: JobId, caller: Reader) -> Response:
        """Every event, oldest first, each with the hash that the next one names: the job's whole story."""
        check_job_id(job_id)
        log = jobs().log(caller.tenant, job_id)
        return envelope.success({"job_id": job_id, "events": [present.event(entry) for entry in log]})

    return routes
