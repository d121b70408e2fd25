"""Sessions: a named span on one backend with limits on jobs, minutes and cost."""

import datetime
import uuid
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from infra.local.ionq import rates
from infra.local.ionq.backends import BackendCatalogue, now, timestamp
from infra.local.ionq.errors import ApiError, bad_request, not_found
from infra.local.ionq.payload import Submission

MAX_SESSIONS = 1_000
"""Sessions kept; the oldest ended ones are forgotten first."""


@dataclass
class Session:
    """One session; ``jobs`` and ``cost`` are what has been submitted to it."""

    id: str
    backend: str
    settings: dict[str, Any]
    created_at: datetime.datetime = field(default_factory=now)
    started_at: datetime.datetime | None = None
    ended_at: datetime.datetime | None = None
    jobs: int = 0
    cost: float = 0.0

    @property
    def expires_at(self) -> datetime.datetime | None:
        """When its minutes are over."""
        minutes = self.settings.get("duration_limit_min")
        return None if minutes is None else self.created_at + datetime.timedelta(minutes=minutes)

    def body(self) -> dict[str, Any]:
        """The official Session, plus ``state`` and ``usage_time`` (seconds), which qiskit-ionq 1.1.1 reads."""
        self.expire()
        status = "ended" if self.ended_at else "started" if self.started_at else "created"
        settings = dict(self.settings)
        if self.expires_at is not None:
            settings["expires_at"] = timestamp(self.expires_at)
        used = ((self.ended_at or now()) - self.started_at).total_seconds() if self.started_at else 0.0
        return {
            "id": self.id,
            "created_at": timestamp(self.created_at),
            "organization_id": rates.ORGANIZATION_ID,
            "backend": self.backend,
            "project_id": rates.PROJECT_ID,
            "creator_id": rates.SUBMITTER_ID,
            "ended_at": None if self.ended_at is None else timestamp(self.ended_at),
            "ender_id": None if self.ended_at is None else rates.SUBMITTER_ID,
            "settings": settings,
            "active": self.ended_at is None,
            "status": status,
            "started_at": None if self.started_at is None else timestamp(self.started_at),
            "state": status,
            "usage_time": used,
        }

    def expire(self) -> None:
        """End it when its minutes are over."""
        if self.ended_at is None and self.expires_at is not None and self.expires_at <= now():
            self.ended_at = self.expires_at


class SessionBook:
    """All sessions of one emulator."""

    def __init__(self, backends: BackendCatalogue) -> None:
        self._backends = backends
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def create(self, body: Any) -> Session:
        """POST /sessions."""
        if not isinstance(body, dict) or not isinstance(body.get("backend"), str):
            raise bad_request("'backend' must be a string", "backend")
        backend = self._backends.for_job(body["backend"])
        settings = body.get("settings") or {}
        if not isinstance(settings, dict):
            raise bad_request("'settings' must be an object", "settings")
        settings = {key: value for key, value in settings.items() if value is not None}
        for key in ("job_count_limit", "duration_limit_min"):
            limit = settings.get(key, 1)
            if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
                raise bad_request(f"'{key}' must be a positive integer", f"settings.{key}")
        cost = settings.get("cost_limit", {"value": 0})
        value = cost.get("value") if isinstance(cost, dict) else None
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise bad_request("'cost_limit.value' must be a number", "settings.cost_limit")
        self._make_room()
        session = Session(str(uuid.uuid4()), backend.name, settings)
        self._sessions[session.id] = session
        return session

    def get(self, identifier: str) -> Session:
        """The session of a path; 404 when absent."""
        try:
            return self._sessions[identifier]
        except KeyError:
            raise not_found() from None

    def list(self, active: bool | None) -> list[Session]:
        """Sessions, newest first."""
        for session in self._sessions.values():
            session.expire()
        found = reversed(self._sessions.values())
        return [session for session in found if active is None or (session.ended_at is None) == active]

    def end(self, session: Session) -> None:
        """POST /sessions/{id}/end; ending twice changes nothing."""
        session.expire()
        if session.ended_at is None:
            session.ended_at = now()

    def admit(self, submission: Submission) -> None:
        """Count a job into its session; 400 when the session cannot take it."""
        if submission.session_id is None:
            return
        session = self._sessions.get(submission.session_id)
        if session is None or session.backend != submission.backend.name:
            raise bad_request("No such session on this backend", "session_id")
        session.expire()
        if session.ended_at is not None:
            raise bad_request("The session has ended", "session_id")
        counts = rates.requested_gates(submission.circuits)
        cost = rates.cost_usd(submission.backend, counts, submission.shots, submission.debiasing)
        limits = session.settings
        if session.jobs >= limits.get("job_count_limit", session.jobs + 1):
            raise bad_request("The session's job count limit is reached", "session_id")
        if "cost_limit" in limits and session.cost + cost > limits["cost_limit"]["value"]:
            raise bad_request("The session's cost limit is reached", "session_id")
        session.jobs += 1
        session.cost += cost
        session.started_at = session.started_at or now()

    def _make_room(self) -> None:
        for session in list(self._sessions.values()):
            if len(self._sessions) < MAX_SESSIONS:
                return
            if session.ended_at is not None:
                del self._sessions[session.id]
        if len(self._sessions) >= MAX_SESSIONS:
            raise ApiError(429, "Too many active sessions", headers={"Retry-After": "1"})
