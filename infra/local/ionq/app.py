"""The routes of IonQ Cloud API v0.4 that concern jobs, and the application that holds everything together."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from infra.local.ionq import rates, results
from infra.local.ionq.backends import BackendCatalogue
from infra.local.ionq.errors import ApiError, bad_request, error_body, not_found
from infra.local.ionq.jobs import STATES, Job, JobQuery, JobStore, created_body, job_body, listed_body
from infra.local.ionq.payload import parse_submission
from infra.local.ionq.runner import Runner
from infra.local.ionq.sessions import SessionBook

Endpoint = Callable[[Request], Awaitable[JSONResponse]]
MAX_PAGE = 25
_QUERY_STRING = "query"
_PARSE_INLINE_BYTES = 100_000
"""Longer requests are checked on a thread, so that others are answered meanwhile."""


class JobRoutes:
    """Everything under /v0.4/jobs."""

    def __init__(self, store: JobStore, backends: BackendCatalogue, sessions: SessionBook, runner: Runner) -> None:
        self._store = store
        self._backends = backends
        self._sessions = sessions
        self._runner = runner

    def routes(self) -> list[Route]:
        """Static paths stand before those with an id."""
        base = "/v0.4/jobs"
        table: list[tuple[str, str, Endpoint]] = [
            ("POST", "", self.create),
            ("GET", "", self.list_jobs),
            ("DELETE", "", self.delete_many),
            ("PUT", "/status/cancel", self.cancel_many),
            ("GET", "/estimate", self.estimate),
            ("GET", "/{id}", self.get),
            ("DELETE", "/{id}", self.delete),
            ("PUT", "/{id}/status/cancel", self.cancel),
            ("POST", "/{id}/clone", self.clone),
            ("POST", "/{id}/move", self.move),
            ("GET", "/{id}/cost", self.cost),
            ("GET", "/{id}/results/probabilities", self.probabilities),
            ("GET", "/{id}/results/probabilities/aggregated", self.aggregated),
            ("GET", "/{id}/results/histogram", self.histogram),
            ("GET", "/{id}/results/shots", self.shots),
            ("GET", "/{id}/artifacts/{artifact_id}", self.artifact),
        ]
        return [Route(base + path, endpoint, methods=[method]) for method, path, endpoint in table]

    async def create(self, request: Request) -> JSONResponse:
        """POST /jobs."""
        raw = await request.body()
        return await self._submit(await json_body(request), len(raw))

    async def _submit(self, body: Any, weight: int) -> JSONResponse:
        if weight < _PARSE_INLINE_BYTES:
            submission = parse_submission(body, self._backends)
        else:
            submission = await asyncio.to_thread(parse_submission, body, self._backends)
        self._sessions.admit(submission)
        job = self._store.create(submission, weight)
        self._runner.submit(job)
        return JSONResponse(created_body(job), 201)

    async def list_jobs(self, request: Request) -> JSONResponse:
        """GET /jobs."""
        return self.listing(await list_parameters(request))

    def listing(self, parameters: dict[str, Any]) -> JSONResponse:
        """One page of jobs for checked query parameters."""
        jobs, cursor = self._store.page(job_query(parameters))
        return JSONResponse({"jobs": [listed_body(job) for job in jobs], "next": cursor})

    async def get(self, request: Request) -> JSONResponse:
        """GET /jobs/{id}."""
        return JSONResponse(job_body(self._job(request)))

    async def delete(self, request: Request) -> JSONResponse:
        """DELETE /jobs/{id}; a job that still runs is stopped."""
        job = self._job(request)
        self._delete(job)
        return JSONResponse({"id": job.id, "status": "deleted"})

    async def delete_many(self, request: Request) -> JSONResponse:
        """DELETE /jobs."""
        jobs = self._listed(await json_body(request))
        for job in jobs:
            self._delete(job)
        return JSONResponse({"ids": [job.id for job in jobs], "status": "deleted"})

    async def cancel(self, request: Request) -> JSONResponse:
        """PUT /jobs/{id}/status/cancel; for a finished job nothing changes."""
        job = self._job(request)
        self._runner.stop(job, "canceled")
        return JSONResponse({"id": job.id, "status": "canceled"})

    async def cancel_many(self, request: Request) -> JSONResponse:
        """PUT /jobs/status/cancel."""
        jobs = self._listed(await json_body(request))
        for job in jobs:
            self._runner.stop(job, "canceled")
        return JSONResponse({"ids": [job.id for job in jobs], "status": "canceled"})

    async def clone(self, request: Request) -> JSONResponse:
        """POST /jobs/{id}/clone: the same input again, with the fields of the body changed."""
        return await self._again(self._job(request), await json_body(request, empty={}))

    async def move(self, request: Request) -> JSONResponse:
        """POST /jobs/{id}/move: a clone that replaces the job, which is canceled unless it has finished."""
        job = self._job(request)
        answer = await self._again(job, await json_body(request, empty={}))
        self._runner.stop(job, "canceled")
        return answer

    async def _again(self, job: Job, changes: Any) -> JSONResponse:
        if job.parent is not None:
            raise bad_request("A child of a multi-circuit job cannot be repeated alone", "id", source="params")
        if not isinstance(changes, dict):
            raise bad_request("The request body must be a JSON object", "body")
        kept = {key: value for key, value in changes.items() if key not in ("type", "input")}
        return await self._submit({**job.submission.body, **kept}, job.weight)

    async def cost(self, request: Request) -> JSONResponse:
        """GET /jobs/{id}/cost: the estimate, and what was charged (0 until completed and for a dry run)."""
        job = self._job(request)
        submission = job.submission
        price = rates.cost_usd(submission.backend, job.gate_counts(), submission.shots, submission.debiasing)
        charged = price if job.status == "completed" and not submission.dry_run else 0.0
        return JSONResponse(
            {
                "dry_run": submission.dry_run,
                "estimated_cost": {"value": price, "unit": "usd"},
                "cost": {"value": charged, "unit": "usd"},
            }
        )

    async def estimate(self, request: Request) -> JSONResponse:
        """GET /jobs/estimate."""
        parameters = request.query_params
        if "backend" not in parameters:
            raise bad_request("Missing required parameter 'backend'", "backend", source=_QUERY_STRING)
        backend = self._backends.for_job(parameters["backend"], source=_QUERY_STRING)
        context = {
            "backend": backend.name,
            "type": parameters.get("type", "ionq.circuit.v1"),
            "qubits": whole_number(parameters, "qubits", 25, 1, 10**6),
            "shots": whole_number(parameters, "shots", 1000, 1, 1_000_000),
            "1q_gates": whole_number(parameters, "1q_gates", 0, 0, 2**31 - 1),
            "2q_gates": whole_number(parameters, "2q_gates", 0, 0, 2**31 - 1),
            "error_mitigation": truth(parameters, "error_mitigation"),
        }
        return JSONResponse(rates.estimate_body(backend, context, truth(parameters, "session")))

    async def probabilities(self, request: Request) -> JSONResponse:
        """GET /jobs/{id}/results/probabilities."""
        job = self._job(request)
        if job.status != "completed":
            raise not_found()
        return JSONResponse(await asyncio.to_thread(results.probabilities, job))

    async def aggregated(self, request: Request) -> JSONResponse:
        """GET /jobs/{id}/results/probabilities/aggregated, of a multi-circuit job."""
        job = self._job(request)
        if not job.children:
            raise not_found()
        return await self.probabilities(request)

    async def histogram(self, request: Request) -> JSONResponse:
        """GET /jobs/{id}/results/histogram."""
        return JSONResponse(await asyncio.to_thread(results.histogram, self._job(request)))

    async def shots(self, request: Request) -> JSONResponse:
        """GET /jobs/{id}/results/shots."""
        return JSONResponse(await asyncio.to_thread(results.shots, self._job(request)))

    async def artifact(self, request: Request) -> JSONResponse:
        """GET /jobs/{id}/artifacts/{artifact_id}."""
        artifact_id = request.path_params["artifact_id"]
        return JSONResponse(await asyncio.to_thread(results.artifact_body, self._job(request), artifact_id))

    def _job(self, request: Request) -> Job:
        return self._store.get(request.path_params["id"])

    def _listed(self, body: Any) -> list[Job]:
        ids = body.get("ids") if isinstance(body, dict) else None
        if not isinstance(ids, list) or not all(isinstance(entry, str) for entry in ids):
            raise bad_request("'ids' must be a list of job ids", "ids")
        return [self._store.get(entry) for entry in ids]

    def _delete(self, job: Job) -> None:
        self._runner.stop(job, "canceled")
        self._store.delete(job)


async def json_body(request: Request, *, empty: Any = None) -> Any:
    """The request's JSON; 400 when it is not JSON, ``empty`` (if given) when there is none."""
    raw = await request.body()
    if not raw and empty is not None:
        return empty
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise bad_request("The request body is not valid JSON", "body") from None


async def list_parameters(request: Request) -> dict[str, Any]:
    """Parameters of a list: the query string and, as cirq-ionq sends them, a JSON body."""
    body = await json_body(request, empty={})
    parameters: dict[str, Any] = dict(body) if isinstance(body, dict) else {}
    for key in request.query_params:
        values = request.query_params.getlist(key)
        parameters[key] = values if key == "ids" else values[-1]
    return parameters


def job_query(parameters: dict[str, Any]) -> JobQuery:
    """Check the filters of a list; 400 names the one at fault."""
    limit = parameters.get("limit", MAX_PAGE)
    if isinstance(limit, str) and limit.isascii() and limit.isdigit():
        limit = int(limit[:9])
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= MAX_PAGE:
        raise bad_request(f"'limit' must be an integer between 1 and {MAX_PAGE}", "limit", source=_QUERY_STRING)
    statuses = _several(parameters.get("status"))
    if statuses is not None and statuses - set(STATES):
        raise bad_request(f"'status' must be one of {', '.join(STATES)}", "status", source=_QUERY_STRING)
    return JobQuery(
        limit=limit,
        cursor=parameters.get("next"),
        ids=_several(parameters.get("ids")),
        parent_job_id=parameters.get("parent_job_id"),
        statuses=statuses,
        targets=_several(parameters.get("target")),
        session_id=parameters.get("session_id"),
        submitter_id=parameters.get("submitter_id"),
    )


def _several(value: Any) -> frozenset[str] | None:
    """Values given as a list, as repeated parameters, or separated by commas."""
    if value is None:
        return None
    entries = value if isinstance(value, list) else [value]
    return frozenset(part for entry in entries for part in str(entry).split(",") if part)


def whole_number(parameters: Any, key: str, default: int, low: int, high: int) -> int:
    """An integer query parameter between two bounds inclusive; 400 otherwise."""
    text = parameters.get(key, str(default))
    value = int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
    if not low <= value <= high:
        raise bad_request(f"'{key}' must be an integer between {low} and {high}", key, source=_QUERY_STRING)
    return value


def truth(parameters: Any, key: str) -> bool:
    """A boolean query parameter, false when absent; 400 when it is neither true nor false."""
    text = parameters.get(key, "false").lower()
    if text not in ("true", "false"):
        raise bad_request(f"'{key}' must be true or false", key, source=_QUERY_STRING)
    return bool(text == "true")


async def _api_error(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, ApiError):
        raise error
    return JSONResponse(error.body(), error.status, error.headers)


async def _http_error(_request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse(not_found().body() if status == 404 else error_body(status), status)


async def _unexpected(_request: Request, _error: Exception) -> JSONResponse:
    return JSONResponse(error_body(500), 500)


def application(routes: list[Route], lifespan: Any) -> Starlette:
    """The application of these routes with the official error bodies."""
    handlers: dict[Any, Any] = {ApiError: _api_error, HTTPException: _http_error, Exception: _unexpected}
    return Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)
