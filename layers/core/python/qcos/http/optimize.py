"""Submit a circuit, and ask how its job is doing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from qcos.http import body, envelope, present
from qcos.http.caller import needs
from qcos.http.documented import answers, taking
from qcos.http.jobs import JobId, check_job_id
from qcos.http.schemas import Accepted, Optimization, OptimizeRequest
from qcos.models import Caller, Options, Submission

if TYPE_CHECKING:
    from qcos.service.jobs import Jobs
    from qcos.service.submit import Submit

Writer = Annotated[Caller, Depends(needs("optimize:write"))]
Reader = Annotated[Caller, Depends(needs("optimize:read"))]


def router(submit: Callable[[], Submit], jobs: Callable[[], Jobs]) -> APIRouter:
    """``/api/v2/optimize``; both arguments give a use case when a request needs it.

    Endpoints are coroutines although use cases block: a Lambda environment has one request at a time, and a thread
    per request would only lose the trace context.
    """
    routes = APIRouter(prefix="/api/v2/optimize", tags=["Optimization"])

    @routes.post(
        "",
        summary="Submit a circuit for optimization and execution",
        responses=answers(
            Accepted,
            "INVALID_CIRCUIT",
            "VALIDATION_ERROR",
            "BACKEND_NOT_FOUND",
            "PAYLOAD_TOO_LARGE",
            "BACKEND_UNAVAILABLE",
            "UNAVAILABLE",
        ),
        openapi_extra=taking(OptimizeRequest),
    )
    async def submit_circuit(request: Request, caller: Writer) -> Response:
        """Answers 200 as soon as the job is stored; its result comes later, from GET /api/v2/optimize/{job_id}."""
        wanted = body.validated(OptimizeRequest, body.parse(await body.text(request)))
        submission = Submission(
            qasm=wanted.qasm,
            backend=wanted.backend,
            shots=wanted.shots,
            options=Options(**wanted.options.model_dump()),
        )
        accepted = submit()(caller, submission)
        return envelope.success(
            {"job_id": accepted.job_id, "status": accepted.status, "estimated_time": accepted.estimated_time}
        )

    @routes.get(
        "/{job_id}",
        summary="Status and results of a job",
        responses=answers(Optimization, "JOB_NOT_FOUND", "UNAVAILABLE"),
    )
    async def get_optimization(job_id: JobId, caller: Reader) -> Response:
        """Reads the job's log, so it is always up to date; null is what is not known yet."""
        check_job_id(job_id)
        job = jobs().get(caller.tenant, job_id)
        return envelope.success(present.optimization(job, jobs().results(job)))

    return routes
