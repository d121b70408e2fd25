"""Waits, bookmarks and parked notes in memory, with the meaning of the AWS adapters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from threading import Lock
from typing import Any

from qcos.adapters.wire import parking_note
from qcos.ports import Parked, Wait


class Waits:
    """A :class:`qcos.ports.Waits`, safe for threads."""

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


class ParkingLot:
    """A :class:`qcos.ports.ParkingLot`; ``parked`` holds the notes, oldest first."""

    def __init__(self) -> None:
        self.parked: list[dict[str, Any]] = []

    def park(self, reader: str, tenant: str, stream_id: str, version: int, reason: str) -> None:
        """Keep a note of one event to read again later."""
        self.parked.append(parking_note(reader, tenant, stream_id, version, reason))

    def notes(self, limit: int) -> list[Parked]:
        """At most ``limit`` notes, oldest first."""
        return [_parked(note) for note in self.parked[:limit]]

    def forget(self, note: Parked) -> None:
        """Remove the note that says the same; which of two equal ones is all the same."""
        self.parked.remove(next(one for one in self.parked if _parked(one) == note))


def _parked(note: Mapping[str, Any]) -> Parked:
    return Parked("", (note["reader"],), ((note["tenant"], note["stream_id"], note["version"]),))
