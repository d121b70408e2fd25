"""Submit a circuit, ask how its job is doing, and what all of them came to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from qcos.http import body, envelope, etag, present
from qcos.http.caller import needs
from qcos.http.documented import answers, follow, raw, refusals, taking, unchanged
from qcos.http.idempotency import IdempotencyKey
from qcos.http.job_schemas import Accepted, Optimization, StatsDetail
from qcos.http.jobs import JobId, check_job_id
from qcos.http.requests import CircuitQuery, OptimizeRequest, WaitQuery
from qcos.models import Caller

if TYPE_CHECKING:
    from qcos.job import Job
    from qcos.service.circuits import Circuits
    from qcos.service.jobs import Jobs
    from qcos.service.stats import Stats
    from qcos.service.submit import Submit

Writer = Annotated[Caller, Depends(needs("optimize:write"))]
Reader = Annotated[Caller, Depends(needs("optimize:read"))]

FIRST_PAUSE_S = 0.25
LONGEST_PAUSE_S = 1.0


def router(
    submit: Callable[[], Submit],
    jobs: Callable[[], Jobs],
    stats: Callable[[], Stats],
    circuits: Callable[[], Circuits],
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> APIRouter:
    """``/api/v2/optimize``; the first four arguments give a use case when a request needs it.

    ``clock`` (seconds) and ``sleep`` are for waiting. Endpoints are coroutines although use cases block: a Lambda
    environment has one request at a time, and a thread per request would only lose the trace context.
    """
    routes = APIRouter(prefix="/api/v2/optimize", tags=["Optimization"])

    @routes.post(
        "",
        summary="Submit a circuit for optimization and execution",
        responses=follow(
            answers(
                Accepted,
                "INVALID_CIRCUIT",
                "QUOTA_EXCEEDED",
                "BACKEND_NOT_FOUND",
                "PAYLOAD_TOO_LARGE",
                "IDEMPOTENCY_MISMATCH",
                "BACKEND_UNAVAILABLE",
            ),
            "job_id",
            "get_optimization",
            "get_job",
            "cancel_job",
        ),
        openapi_extra=taking(OptimizeRequest),
    )
    async def submit_circuit(request: Request, caller: Writer, idempotency_key: IdempotencyKey = None) -> Response:
        """Answers 200 as soon as the job is stored; its result comes later, from GET /api/v2/optimize/{job_id}."""
        wanted = body.validated(OptimizeRequest, body.parse(await body.text(request)))
        accepted = submit()(caller, wanted.submission(), idempotency_key)
        return envelope.success(
            {"job_id": accepted.job_id, "status": accepted.status, "estimated_time": accepted.estimated_time}
        )

    # Before /{job_id}, which would take "stats" for an id.
    @routes.get("/stats", summary="What your account has done so far", responses=answers(StatsDetail))
    async def get_stats(caller: Reader) -> Response:
        """Sums over all jobs; they follow the jobs' logs with a short delay. Evaluations count by calendar month."""
        return envelope.success(stats()(caller.tenant))

    @routes.get(
        "/{job_id}",
        summary="Status and results of a job",
        responses=answers(Optimization, "JOB_NOT_FOUND") | unchanged(),
    )
    async def get_optimization(
        job_id: JobId, query: Annotated[WaitQuery, Query()], request: Request, caller: Reader
    ) -> Response:
        """Reads the job's log, so it is always up to date; null is what is not known yet.

        With wait it answers as soon as the job has ended or is held, at the latest after so many seconds.
        """
        check_job_id(job_id)
        job = _awaited(lambda: jobs().get(caller.tenant, job_id), query.wait, clock, sleep)
        answer = envelope.success(present.optimization(job, jobs().results(job)))
        return etag.tagged(request, answer) if job.terminal else answer

    @routes.get(
        "/{job_id}/circuit",
        summary="A job's circuit, as submitted or as run",
        responses=raw("text/plain", "application/json") | refusals("JOB_NOT_FOUND", "CONFLICT") | unchanged(),
    )
    async def get_circuit(
        job_id: JobId, query: Annotated[CircuitQuery, Query()], request: Request, caller: Reader
    ) -> Response:
        """The circuit alone, without envelope, byte for byte what evidence hashes: the ETag is its SHA3-256.

        OpenQASM as text/plain; ionq, the JSON that was sent to IonQ, as application/json.
        """
        check_job_id(job_id)
        circuit, media_type, digest = circuits().get(caller.tenant, job_id, query.which, query.format)
        return etag.tagged(request, Response(circuit, media_type=media_type), digest)

    @routes.get(
        "/{job_id}/certificate",
        summary="The proof that the optimized circuit is the submitted one",
        responses=raw("application/json") | refusals("JOB_NOT_FOUND", "CONFLICT") | unchanged(),
    )
    async def get_certificate(job_id: JobId, request: Request, caller: Reader) -> Response:
        """The certificate alone, without envelope, byte for byte: the ETag is its SHA3-256, which evidence names.

        `qcos certify INPUT OUTPUT CERTIFICATE` goes through it again with nothing but the two circuits.
        """
        check_job_id(job_id)
        certificate, digest = circuits().certificate(caller.tenant, job_id)
        return etag.tagged(request, Response(certificate, media_type="application/json"), digest)

    return routes


def _awaited(ask: Callable[[], Job], seconds: int, clock: Callable[[], float], sleep: Callable[[float], None]) -> Job:
    """The job once nothing more happens to it by itself, or as it is when ``seconds`` are over."""
    begun, pause = clock(), FIRST_PAUSE_S
    job = ask()
    while not (job.terminal or job.status == "held") and (left := begun + seconds - clock()) > 0:
        sleep(min(pause, left))
        pause = min(LONGEST_PAUSE_S, 1.5 * pause)
        job = ask()
    return job
