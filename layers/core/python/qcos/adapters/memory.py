"""Every port in memory, safe for threads, with the meaning and the limits of the AWS adapters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from qcos.adapters.wire import (
    HIGHEST,
    MAX_BUS_BYTES,
    MAX_COUNTED,
    MAX_INPUT_BYTES,
    MAX_MESSAGE_BYTES,
    bus_entry,
    bus_entry_bytes,
    check_append,
    cursor_at,
    delay,
    has_conditions,
    text,
    total_is_known,
    total_known,
)
from qcos.events import Event
from qcos.ledger import Charge
from qcos.models import StoredObject, sha3_256
from qcos.ports import (
    ApiKey,
    Clock,
    Execution,
    LimitReached,
    ObjectDamaged,
    ObjectMissing,
    TokenClosed,
    VersionConflict,
)
from qcos.views import JobFilter, JobPage, JobRow, RowChange, order, read_cursor


class EventStore:
    """A :class:`qcos.ports.EventStore`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._streams: dict[tuple[str, str], dict[int, Event]] = {}
        self._counters: dict[tuple[str, str], int] = {}

    def read(self, tenant: str, stream_id: str) -> list[Event]:
        """The whole stream, oldest first; empty when there is none."""
        with self._lock:
            stream = self._streams.get((tenant, stream_id), {})
            return [stream[version] for version in sorted(stream)]

    def append(self, events: Sequence[Event], charges: Sequence[Charge] = ()) -> None:
        """Add events and charge for them; see :meth:`qcos.ports.EventStore.append`.

        Raises:
            VersionConflict: another event holds one of the versions.
            LimitReached: a charge would pass its limit.
            ValueError: the events cannot be one append.
        """
        check_append(events, charges)
        with self._lock:
            there = [self._streams.get((one.tenant, one.stream_id), {}).get(one.version) for one in events]
            if any(there):
                if [event and event.event_id for event in there] == [event.event_id for event in events]:
                    return
                raise VersionConflict(f"{events[0].stream_id}: version {events[0].version} is taken")
            for charge in charges:
                if charge.limit is not None and self._sum(charge) + charge.amount > charge.limit:
                    raise LimitReached(charge)
            for event in events:
                # Only the bytes are kept, as in a database: what a caller does to a document stays its own.
                self._streams.setdefault((event.tenant, event.stream_id), {})[event.version] = Event(event.raw)
            for charge in charges:
                self._counters[charge.tenant, charge.counter] = self._sum(charge) + charge.amount

    def counter(self, tenant: str, counter: str) -> int:
        """The present sum of a counter; 0 when nothing was ever charged."""
        with self._lock:
            return self._counters.get((tenant, counter), 0)

    def _sum(self, charge: Charge) -> int:
        return self._counters.get((charge.tenant, charge.counter), 0)


class ObjectStore:
    """A :class:`qcos.ports.ObjectStore`; ``objects`` maps each key to its bytes and media type."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.objects: dict[str, tuple[bytes, str]] = {}

    def put(self, kind: str, data: bytes, media_type: str) -> StoredObject:
        """Store ``data`` under ``<kind>/<sha3-256 hex>``; storing it again changes nothing."""
        digest = sha3_256(data)
        stored = StoredObject(digest=digest, key=f"{kind}/{digest.removeprefix('sha3-256:')}")
        self.put_named(stored.key, data, media_type)
        return stored

    def put_named(self, key: str, data: bytes, media_type: str) -> bytes:
        """Store ``data`` under ``key`` unless something is there; returns what is stored there now."""
        with self._lock:
            return self.objects.setdefault(key, (data, media_type))[0]

    def get(self, key: str) -> bytes:
        """The bytes under ``key``.

        Raises:
            ObjectMissing: nothing is there.
        """
        with self._lock:
            if key not in self.objects:
                raise ObjectMissing(key)
            return self.objects[key][0]

    def get_checked(self, stored: StoredObject) -> bytes:
        """The bytes of ``stored``.

        Raises:
            ObjectMissing: nothing is there.
            ObjectDamaged: what is there has another digest.
        """
        data = self.get(stored.key)
        if sha3_256(data) != stored.digest:
            raise ObjectDamaged(stored.key)
        return data

    def presign(self, key: str, seconds: int) -> str:
        """An address that says what it is for; nothing serves it."""
        return f"memory://{key}?seconds={seconds}"


class Views:
    """A :class:`qcos.ports.Views`; ``counters`` maps a tenant to its counters."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._rows: dict[tuple[str, str], JobRow] = {}
        self.counters: dict[str, dict[str, int]] = {}

    def row(self, tenant: str, job_id: str) -> JobRow | None:
        """The stored list line of a job."""
        with self._lock:
            return self._rows.get((tenant, job_id))

    def save(self, change: RowChange) -> bool:
        """Write a row and its counter changes; False when the row is no longer at ``seen``."""
        key = (change.row.tenant, change.row.job_id)
        with self._lock:
            stored = self._rows.get(key)
            if (stored.version if stored else 0) != change.seen:
                return False
            self._rows[key] = change.row
            counters = self.counters.setdefault(change.row.tenant, {})
            for name, by in change.counters.items():
                counters[name] = counters.get(name, 0) + by
            return True

    def rows(self, tenant: str, job_ids: Sequence[str]) -> dict[str, JobRow]:
        """The stored lines of those of the jobs that have one, by id."""
        with self._lock:
            return {job_id: self._rows[tenant, job_id] for job_id in job_ids if (tenant, job_id) in self._rows}

    def jobs(self, tenant: str, wanted: JobFilter, limit: int, offset: int, cursor: str | None = None) -> JobPage:
        """Part of the jobs ``wanted``, newest first; see :meth:`qcos.ports.Views.jobs`.

        Raises:
            ValueError: the cursor is none that was given out for this tenant.
        """
        after = HIGHEST if cursor is None else read_cursor(cursor, tenant)
        with self._lock:
            own = [row for row in self._rows.values() if row.tenant == tenant]
            counters = dict(self.counters.get(tenant, {}))
        lanes = _lanes(own, wanted)
        found, whole_down_to = _examined([[row for row in lane if order(row) < after] for lane in lanes], wanted)
        rest = [row for row in found if order(row) >= whole_down_to][offset if cursor is None else 0 :]
        following = order(rest[limit - 1]) if len(rest) > limit else whole_down_to
        if total_is_known(wanted):
            total, capped = total_known(wanted, counters), False
        else:
            counted, cut = _examined(lanes, wanted)
            total, capped = min(len(counted), MAX_COUNTED), bool(cut) or len(counted) > MAX_COUNTED
        return JobPage(tuple(rest[:limit]), total, capped, cursor_at(tenant, following) if following else None)

    def counters_of(self, tenant: str) -> dict[str, int]:
        """The tenant's counters."""
        with self._lock:
            return dict(self.counters.get(tenant, {}))


def _lanes(rows: Sequence[JobRow], wanted: JobFilter) -> list[list[JobRow]]:
    """The rows of each status wanted, or of all, created when wanted, newest first."""
    created = replace(wanted, statuses=(), backend=None, batch_id=None, name=None, tag=None)
    newest = sorted((row for row in rows if created.matches(row)), key=order, reverse=True)
    return [[row for row in newest if row.status == status] for status in dict.fromkeys(wanted.statuses)] or [newest]


def _examined(lanes: Sequence[Sequence[JobRow]], wanted: JobFilter) -> tuple[list[JobRow], str]:
    """What is wanted among the rows that may be examined, newest first, and the place of the last where more are."""
    bound = max(1, MAX_COUNTED // len(lanes)) if has_conditions(wanted) else None
    found = [row for lane in lanes for row in lane[:bound] if wanted.matches(row)]
    cuts = [order(lane[bound - 1]) for lane in lanes if bound and len(lane) > bound]
    return sorted(found, key=order, reverse=True), max(cuts, default="")


class Control:
    """A :class:`qcos.ports.Control`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._api_keys: dict[str, ApiKey] = {}
        self._signing_keys: dict[str, str] = {}
        self._key_states: dict[str, dict[str, Any]] = {}
        self._requests: dict[tuple[str, str], int] = {}

    def put_api_key(self, key: ApiKey) -> None:
        """Store a new key.

        Raises:
            ValueError: the public id is taken.
        """
        with self._lock:
            if key.public_id in self._api_keys:
                raise ValueError("the API key's public id is taken")
            self._api_keys[key.public_id] = key

    def api_key(self, public_id: str) -> ApiKey | None:
        """The key of that public id."""
        with self._lock:
            return self._api_keys.get(public_id)

    def api_keys(self, tenant: str) -> list[ApiKey]:
        """Every key of a tenant, revoked and expired ones included, oldest first."""
        with self._lock:
            found = [key for key in self._api_keys.values() if key.tenant == tenant]
        return sorted(found, key=lambda key: (key.created_at, key.public_id))

    def revoke_api_key(self, tenant: str, public_id: str, at: str) -> ApiKey | None:
        """Revoke a tenant's key; the first revocation's time stays. None when the tenant has no such key."""
        with self._lock:
            key = self._api_keys.get(public_id)
            if key is None or key.tenant != tenant:
                return None
            self._api_keys[public_id] = replace(key, revoked_at=key.revoked_at or at)
            return self._api_keys[public_id]

    def touch_api_key(self, public_id: str, at: str) -> None:
        """Note when a key was last used."""
        with self._lock:
            key = self._api_keys.get(public_id)
            if key and (key.last_used_at or "") < at:
                self._api_keys[public_id] = replace(key, last_used_at=at)

    def count_request(self, tenant: str, window: str, expires_at: int) -> int:
        """Count one request in a window; how many it then has. Nothing expires here."""
        with self._lock:
            self._requests[tenant, window] = self._requests.get((tenant, window), 0) + 1
            return self._requests[tenant, window]

    def put_signing_key(self, jwk: Mapping[str, Any]) -> None:
        """Register a public signing key (a JWK with ``kid``) for ever; registering it again changes nothing."""
        with self._lock:
            self._signing_keys.setdefault(str(jwk["kid"]), json.dumps(dict(jwk)))

    def retire_signing_key(self, kid: str, exp: int) -> bool:
        """An active signing key becomes retired; False where no active key has that id."""
        with self._lock:
            known = kid in self._signing_keys and kid not in self._key_states
            if known:
                self._key_states[kid] = {"status": "retired", "exp": exp}
            return known

    def revoke_signing_key(self, kid: str, at: int) -> bool:
        """A signing key becomes revoked, for ever; False where no key has that id."""
        with self._lock:
            if kid not in self._signing_keys:
                return False
            state = self._key_states.setdefault(kid, {})
            state |= {"status": "revoked", "revoked_at": min(at, state.get("revoked_at", at))}
            return True

    def signing_keys(self) -> list[dict[str, Any]]:
        """Every public signing key ever registered, as JWKs with their present status, oldest first."""
        with self._lock:
            return [json.loads(jwk) | self._key_states.get(kid, {}) for kid, jwk in self._signing_keys.items()]


class Workflows:
    """A :class:`qcos.ports.Workflows` that runs nothing.

    ``started`` maps each execution's name to its input, ``stopped`` each stopped one to the reason; put the name of one
    that is over into ``ended``. Put a token into ``waiting`` to let it be answered; ``resolved`` maps each answered
    token to its output.
    """

    def __init__(self, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self._lock = Lock()
        self._clock = clock
        self._began: dict[str, datetime] = {}
        self.started: dict[str, dict[str, Any]] = {}
        self.stopped: dict[str, str] = {}
        self.ended: set[str] = set()
        self.waiting: set[str] = set()
        self.resolved: dict[str, dict[str, Any]] = {}

    def start(self, name: str, payload: Mapping[str, Any]) -> None:
        """Record the execution ``name``; a name that was started before is success and changes nothing.

        Raises:
            ValueError: the payload is too large.
        """
        body = json.loads(text(payload, MAX_INPUT_BYTES))
        with self._lock:
            self.started.setdefault(name, body)
            self._began.setdefault(name, self._clock())

    def stop(self, name: str, reason: str) -> None:
        """Record that the execution ``name`` was stopped; stopping one that never was is success."""
        with self._lock:
            self.stopped[name] = reason

    def execution(self, name: str) -> Execution | None:
        """The execution ``name``, None if there never was one."""
        with self._lock:
            if name not in self.started:
                return None
            over = name in self.stopped or name in self.ended
            return Execution(name, self._began[name], not over)

    def resolve(self, token: str, output: Mapping[str, Any]) -> None:
        """Answer a waiting task.

        Raises:
            TokenClosed: nobody waits for that token any more.
            ValueError: the output is too large.
        """
        body = json.loads(text(output, MAX_MESSAGE_BYTES))
        with self._lock:
            if token not in self.waiting:
                raise TokenClosed(token)
            self.waiting.remove(token)
            self.resolved[token] = body


class PollQueue:
    """A :class:`qcos.ports.PollQueue`; ``sent`` holds each message with its delay in seconds, oldest first."""

    def __init__(self) -> None:
        self.sent: list[tuple[dict[str, Any], int]] = []

    def send(self, message: Mapping[str, Any], delay_s: int) -> None:
        """Keep ``message`` and its delay, clamped to 0..900 seconds.

        Raises:
            ValueError: the message is too large.
        """
        self.sent.append((json.loads(text(message, MAX_MESSAGE_BYTES)), delay(delay_s)))


class Bus:
    """A :class:`qcos.ports.Bus`; ``published`` holds what it took. It takes no event whose id is in ``refusing``."""

    def __init__(self) -> None:
        self.published: list[Event] = []
        self.refusing: set[str] = set()

    def publish(self, events: Sequence[Event]) -> list[Event]:
        """Keep events; returns those not taken, among them any too large for a bus."""
        refused = [
            event
            for event in events
            if event.event_id in self.refusing or bus_entry_bytes(bus_entry(event)) > MAX_BUS_BYTES
        ]
        self.published += [event for event in events if event not in refused]
        return refused
