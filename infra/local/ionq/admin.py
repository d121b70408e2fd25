"""Test hooks under /__admin: planned faults, the request log, the state of jobs and backends."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from infra.local.ionq.app import json_body
from infra.local.ionq.backends import STATUSES, BackendCatalogue
from infra.local.ionq.errors import JobFailure, bad_request
from infra.local.ionq.gateway import Fault, Gateway
from infra.local.ionq.jobs import JobStore, job_body
from infra.local.ionq.runner import Runner


class AdminRoutes:
    """The administrator's routes; ``gateway`` is set once it exists."""

    def __init__(self, store: JobStore, backends: BackendCatalogue, runner: Runner) -> None:
        self._store = store
        self._backends = backends
        self._runner = runner
        self.gateway: Gateway | None = None

    def routes(self) -> list[Route]:
        """The routing table."""
        return [
            Route("/__admin/faults", self.add_faults, methods=["POST"]),
            Route("/__admin/faults", self.list_faults, methods=["GET"]),
            Route("/__admin/faults", self.clear_faults, methods=["DELETE"]),
            Route("/__admin/log", self.read_log),
            Route("/__admin/jobs/{id}", self.patch_job, methods=["POST"]),
            Route("/__admin/backends/{name}", self.patch_backend, methods=["POST"]),
        ]

    async def add_faults(self, request: Request) -> JSONResponse:
        """POST /__admin/faults: plan faults, played in the order given."""
        body = await json_body(request)
        faults = body.get("faults") if isinstance(body, dict) else None
        if not isinstance(faults, list):
            raise bad_request("'faults' must be a list", "faults")
        self._gateway().faults.extend([Fault.parse(fault) for fault in faults])
        return await self.list_faults(request)

    async def list_faults(self, _request: Request) -> JSONResponse:
        """GET /__admin/faults: those not yet played."""
        return JSONResponse({"faults": [fault.body_to_send() for fault in self._gateway().faults]})

    async def clear_faults(self, request: Request) -> JSONResponse:
        """DELETE /__admin/faults."""
        self._gateway().faults.clear()
        return await self.list_faults(request)

    async def read_log(self, _request: Request) -> JSONResponse:
        """GET /__admin/log: requests seen, oldest first, and the number of jobs requests created."""
        return JSONResponse({"requests": list(self._gateway().log), "created_jobs": self._store.created})

    async def patch_job(self, request: Request) -> JSONResponse:
        """POST /__admin/jobs/{id} with any of ``status``, ``failure`` {code, message} and ``hold``.

        ``hold: true`` keeps the job in the state it is in, or is put in, until ``hold: false``.
        """
        job = self._store.get(request.path_params["id"])
        body = await json_body(request)
        if not isinstance(body, dict) or set(body) - {"status", "failure", "hold"}:
            raise bad_request("A patch is an object with status, failure, hold", "body")
        job.held = bool(body.get("hold", job.held))
        status = body.get("status", "failed" if "failure" in body else None)
        if status == "failed":
            failure = body.get("failure") or {"code": "InternalError", "message": "Failed by the administrator"}
            try:
                self._runner.stop(job, status, JobFailure(failure["code"], failure["message"]))
            except (KeyError, TypeError, ValueError) as error:
                raise bad_request(f"'failure' needs an official code and a message: {error}", "failure") from None
        elif status == "canceled":
            self._runner.stop(job, status)
        elif status in ("ready", "started"):
            job.start(status)
        elif status is not None:
            raise bad_request("A job can be made ready, started, canceled or failed", "status")
        return JSONResponse(job_body(job))

    async def patch_backend(self, request: Request) -> JSONResponse:
        """POST /__admin/backends/{name} with ``status``."""
        backend = self._backends.get(request.path_params["name"])
        body = await json_body(request)
        status = body.get("status") if isinstance(body, dict) else None
        if status not in STATUSES:
            raise bad_request(f"'status' must be one of {', '.join(STATUSES)}", "status")
        backend.set_status(status)
        return JSONResponse(backend.body())

    def _gateway(self) -> Gateway:
        if self.gateway is None:
            raise RuntimeError("the gateway is not set")
        return self.gateway
