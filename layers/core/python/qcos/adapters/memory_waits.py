"""Waits and bookmarks in memory, safe for threads, with the meaning of the AWS adapters."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock

from qcos.ports import Wait


class Waits:
    """A :class:`qcos.ports.Waits`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waits: dict[tuple[str, str, int, str], Wait] = {}

    def open(self, wait: Wait) -> Wait:
        """Store a wait unless one of the same job, attempt and token is stored; returns the stored one."""
        with self._lock:
            return self._waits.setdefault(_key(wait), wait)

    def advance(self, wait: Wait, at: str) -> bool:
        """Move a wait to ``n + 1``, asked ``at``, if it is stored at ``n`` or below; False when beyond, or closed."""
        key = _key(wait)
        with self._lock:
            if key not in self._waits or self._waits[key].n > wait.n:
                return False
            self._waits[key] = replace(wait, n=wait.n + 1, asked_at=at)
            return True

    def close(self, wait: Wait) -> None:
        """Forget a wait; forgetting twice is harmless."""
        with self._lock:
            self._waits.pop(_key(wait), None)

    def of_job(self, tenant: str, job_id: str) -> list[Wait]:
        """The open waits of a job."""
        with self._lock:
            return [wait for key, wait in sorted(self._waits.items()) if key[:2] == (tenant, job_id)]

    def page(self, tenant: str, limit: int, after: str | None) -> tuple[list[Wait], str | None]:
        """At most ``limit`` open waits of a tenant, and what continues after them; None at the end."""
        with self._lock:
            places = {repr(key): wait for key, wait in self._waits.items() if key[0] == tenant}
        rest = [place for place in sorted(places) if after is None or place > after]
        return [places[place] for place in rest[:limit]], rest[limit - 1] if len(rest) > limit else None


def _key(wait: Wait) -> tuple[str, str, int, str]:
    return wait.tenant, wait.job_id, wait.attempt, wait.token


class Bookmarks:
    """A :class:`qcos.ports.Bookmarks`."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}

    def place(self, name: str) -> str | None:
        """Where to go on, None from the beginning."""
        return self._places.get(name)

    def keep(self, name: str, place: str | None) -> None:
        """Go on from there next time."""
        if place is None:
            self._places.pop(name, None)
        else:
            self._places[name] = place
