"""The routes of IonQ Cloud API v0.4 beside jobs: key, backends, characterisations, sessions, usage, formats."""

import datetime
import math

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from infra.local.ionq import rates
from infra.local.ionq.app import JobRoutes, json_body, list_parameters, truth, whole_number
from infra.local.ionq.backends import BackendCatalogue
from infra.local.ionq.errors import bad_request
from infra.local.ionq.formats import format_schema
from infra.local.ionq.jobs import JobStore
from infra.local.ionq.sessions import SessionBook
from infra.local.ionq.usage import MODALITIES, usage_body

MAX_CHARACTERIZATIONS = 10


class ResourceRoutes:
    """Everything that is not under /v0.4/jobs."""

    def __init__(self, store: JobStore, backends: BackendCatalogue, sessions: SessionBook, jobs: JobRoutes) -> None:
        self._store = store
        self._backends = backends
        self._sessions = sessions
        self._jobs = jobs

    def routes(self) -> list[Route]:
        """The routing table."""
        base = "/v0.4"
        return [
            Route(f"{base}/whoami", self.whoami),
            Route(f"{base}/backends", self.list_backends),
            Route(f"{base}/backends/{{name}}", self.get_backend),
            Route(f"{base}/backends/{{name}}/characterizations", self.list_characterizations),
            Route(f"{base}/backends/{{name}}/characterizations/{{id}}", self.get_characterization),
            Route(f"{base}/sessions", self.create_session, methods=["POST"]),
            Route(f"{base}/sessions", self.list_sessions),
            Route(f"{base}/sessions/{{id}}", self.get_session),
            Route(f"{base}/sessions/{{id}}/jobs", self.session_jobs),
            Route(f"{base}/sessions/{{id}}/end", self.end_session, methods=["POST"]),
            Route(f"{base}/schemas/formats/{{format}}", self.get_format),
            Route(f"{base}/organizations/{{id}}/usage", self.usage),
        ]

    async def whoami(self, _request: Request) -> JSONResponse:
        """GET /whoami."""
        return JSONResponse({"key_id": rates.KEY_ID, "key_name": "emulator", "project_id": rates.PROJECT_ID})

    async def list_backends(self, _request: Request) -> JSONResponse:
        """GET /backends: a bare list."""
        return JSONResponse([backend.body() for backend in self._backends])

    async def get_backend(self, request: Request) -> JSONResponse:
        """GET /backends/{name}."""
        return JSONResponse(self._backends.get(request.path_params["name"]).body())

    async def list_characterizations(self, request: Request) -> JSONResponse:
        """GET /backends/{name}/characterizations: one a day, newest first; null for the simulator."""
        backend = self._backends.get(request.path_params["name"])
        parameters = request.query_params
        limit = whole_number(parameters, "limit", MAX_CHARACTERIZATIONS, 1, MAX_CHARACTERIZATIONS)
        page = whole_number(parameters, "page", 1, 1, 10**6)
        days = backend.characterization_days(_day(request, "start"), _day(request, "end"))
        shown = [backend.characterization(day) for day in days[(page - 1) * limit : page * limit]]
        pages = math.ceil(len(days) / limit)
        return JSONResponse({"characterizations": shown if days else None, "pages": pages})

    async def get_characterization(self, request: Request) -> JSONResponse:
        """GET /backends/{name}/characterizations/{id}."""
        backend = self._backends.get(request.path_params["name"])
        return JSONResponse(backend.characterization_by_id(request.path_params["id"]))

    async def create_session(self, request: Request) -> JSONResponse:
        """POST /sessions."""
        return JSONResponse(self._sessions.create(await json_body(request)).body(), 201)

    async def list_sessions(self, request: Request) -> JSONResponse:
        """GET /sessions, of one activity when ``active`` is given."""
        active = truth(request.query_params, "active") if "active" in request.query_params else None
        sessions = [session.body() for session in self._sessions.list(active)]
        return JSONResponse({"organization_id": rates.ORGANIZATION_ID, "sessions": sessions})

    async def get_session(self, request: Request) -> JSONResponse:
        """GET /sessions/{id}."""
        return JSONResponse(self._sessions.get(request.path_params["id"]).body())

    async def session_jobs(self, request: Request) -> JSONResponse:
        """GET /sessions/{id}/jobs: the list of jobs, of this session only."""
        session = self._sessions.get(request.path_params["id"])
        return self._jobs.listing({**await list_parameters(request), "session_id": session.id})

    async def end_session(self, request: Request) -> JSONResponse:
        """POST /sessions/{id}/end; jobs already submitted run on."""
        session = self._sessions.get(request.path_params["id"])
        self._sessions.end(session)
        return JSONResponse(session.body())

    async def get_format(self, request: Request) -> JSONResponse:
        """GET /schemas/formats/{format}."""
        return JSONResponse(format_schema(request.path_params["format"]))

    async def usage(self, request: Request) -> JSONResponse:
        """GET /organizations/{id}/usage between two dates."""
        start, end = _day(request, "start_date"), _day(request, "end_date")
        if start is None or end is None or end < start:
            raise bad_request("'start_date' and 'end_date' are needed, in this order", "start_date", source="query")
        group_by = request.query_params.get("group_by", "project")
        modality = request.query_params.get("modality", "daily")
        if group_by not in ("job", "project", "user") or modality not in MODALITIES:
            raise bad_request("'group_by' or 'modality' is unknown", "group_by", "modality", source="query")
        body = usage_body(self._store, request.path_params["id"], start, end, group_by, modality)
        return JSONResponse(body)


def _day(request: Request, key: str) -> datetime.date | None:
    text = request.query_params.get(key)
    if text is None:
        return None
    try:
        return datetime.datetime.fromisoformat(text).date()
    except ValueError:
        raise bad_request(f"'{key}' must be an ISO 8601 date", key, source="query") from None
