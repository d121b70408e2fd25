"""What the use cases need from the world, as protocols. Adapters implement them; one contract suite tests them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from qcos.events import Event
from qcos.ledger import Charge
from qcos.models import StoredObject
from qcos.views import JobFilter, JobPage, JobRow, RowChange


class Clock(Protocol):
    """The present."""

    def __call__(self) -> datetime:
        """Now, aware, UTC."""


# --- the log -----------------------------------------------------------------------------------------------


class VersionConflict(Exception):
    """Another writer appended to the stream first; read it again and decide again."""


class LimitReached(Exception):
    """A charge would pass its limit; nothing was appended."""

    def __init__(self, charge: Charge) -> None:
        super().__init__(charge.counter)
        self.charge = charge


class EventStore(Protocol):
    """The append-only log: one stream a job, one a batch. Counters move in the transaction of what moves them."""

    def read(self, tenant: str, stream_id: str) -> list[Event]:
        """The whole stream, oldest first, strongly consistent; empty when there is none."""

    def append(self, events: Sequence[Event], charges: Sequence[Charge] = ()) -> None:
        """Add events, consecutive within each stream, all or none, each only if its version is free.

        The charges happen if and only if the events are added. An append that repeats one that already succeeded
        (same event ids) succeeds and charges nothing again. A conflict outranks a limit.

        Raises:
            VersionConflict: another event holds one of the versions.
            LimitReached: a charge would pass its limit.
            Unavailable: the store stayed too busy; nothing was added.
            ValueError: no events, over 100 events and charges, not consecutive, or one over 350,000 bytes.
        """

    def counter(self, tenant: str, counter: str) -> int:
        """The present sum of a counter, strongly consistent; 0 when nothing was ever charged."""


class TransparencyLog(Protocol):
    """A tenant's log of every bundle it signed: entries are added at its end, once each, and never change."""

    def append(self, tenant: str, bundle_id: str, entry: bytes) -> int:
        """Add the entry of a bundle; its index, from 0 and without gaps. Adding it again gives the same index.

        Raises:
            Unavailable: rivals or throttling kept it from being added, and it was not.
        """

    def index_of(self, tenant: str, bundle_id: str) -> int | None:
        """The index of a bundle's entry, None where it has none."""

    def size(self, tenant: str) -> int:
        """How many entries there are, strongly consistent."""

    def entries(self, tenant: str, start: int, end: int) -> list[bytes]:
        """The entries from ``start`` up to but not ``end``, in order; fewer where the log ends before."""


class Checkpoints(Protocol):
    """A tenant's published checkpoints: signed statements of a log's size and root, kept where nothing is deleted."""

    def publish(self, tenant: str, size: int, text: str) -> bool:
        """Publish the checkpoint of so many entries, and archive it; False where one of as many or more is published.

        Of any that race, none is published after a larger one.
        """

    def archive(self, tenant: str) -> None:
        """Archive the latest checkpoint if whoever published it could not; doing so again changes nothing."""

    def latest(self, tenant: str) -> tuple[int, str] | None:
        """The largest published checkpoint and its size; None before the first."""

    def covering(self, tenant: str, size: int) -> str | None:
        """The smallest archived checkpoint of at least ``size`` entries: the earliest that covers them."""

    def of_size(self, tenant: str, size: int) -> str | None:
        """The archived checkpoint of exactly so many entries."""


class ObjectStore(Protocol):
    """Immutable objects of the tenant's bucket."""

    def put(self, kind: str, data: bytes, media_type: str) -> StoredObject:
        """Store ``data`` under ``<kind>/<sha3-256 hex>``; storing it again changes nothing."""

    def put_named(self, key: str, data: bytes, media_type: str) -> bytes:
        """Store ``data`` under ``key`` unless something is there; returns what is stored there now."""

    def get(self, key: str) -> bytes:
        """The bytes under ``key``.

        Raises:
            ObjectMissing: nothing is there.
        """

    def get_checked(self, stored: StoredObject) -> bytes:
        """The bytes of ``stored``.

        Raises:
            ObjectMissing: nothing is there.
            ObjectDamaged: what is there has another digest.
        """

    def presign(self, key: str, seconds: int) -> str:
        """An address from which anybody can get the bytes under ``key`` for so many seconds."""


class ObjectMissing(Exception):
    """No object has that key."""


class ObjectDamaged(Exception):
    """An object's bytes do not have the digest it is stored under."""


# --- read models and control -------------------------------------------------------------------------------


class Views(Protocol):
    """Projected read models; eventually consistent with the log."""

    def row(self, tenant: str, job_id: str) -> JobRow | None:
        """The stored list line of a job, strongly consistent."""

    def save(self, change: RowChange) -> bool:
        """Write a row and its counter changes in one transaction; False when the row is no longer at ``seen``."""

    def rows(self, tenant: str, job_ids: Sequence[str]) -> dict[str, JobRow]:
        """The stored lines of those of the jobs (at most 100) that have one, by id."""

    def jobs(self, tenant: str, wanted: JobFilter, limit: int, offset: int, cursor: str | None = None) -> JobPage:
        """Lines ``offset`` to ``offset + limit`` of the jobs ``wanted``, newest first, or ``limit`` after ``cursor``.

        ``total`` is exact without conditions and for statuses alone; other conditions count to 10,000.

        Raises:
            ValueError: the cursor is none that was given out for this tenant.
        """

    def counters_of(self, tenant: str) -> dict[str, int]:
        """The tenant's counters, see :func:`qcos.views.contributions`."""


@dataclass(frozen=True)
class ApiKey:
    """A key as stored: never its secret, only ``digest`` = SHA-256(pepper || secret) in hex."""

    public_id: str
    tenant: str
    name: str
    digest: str
    scopes: tuple[str, ...]
    created_at: str
    expires_at: str | None = None
    revoked_at: str | None = None
    last_used_at: str | None = None


class Control(Protocol):
    """Mutable bookkeeping that is neither log nor projection."""

    def put_api_key(self, key: ApiKey) -> None:
        """Store a new key.

        Raises:
            ValueError: the public id is taken.
        """

    def api_key(self, public_id: str) -> ApiKey | None:
        """The key of that public id."""

    def api_keys(self, tenant: str) -> list[ApiKey]:
        """Every key of a tenant, revoked and expired ones included, oldest first."""

    def revoke_api_key(self, tenant: str, public_id: str, at: str) -> ApiKey | None:
        """Revoke a tenant's key, for ever; the first revocation's time stays. None when the tenant has no such key."""

    def touch_api_key(self, public_id: str, at: str) -> None:
        """Note when a key was last used; at most once a minute a key is worth writing."""

    def count_request(self, tenant: str, window: str, expires_at: int) -> int:
        """Count one request in a window (``m#2026-02-06T12:00`` or ``d#2026-02-06``); how many it then has.

        The count is exact whatever races; ``expires_at`` (seconds since 1970) lets old windows disappear.
        """

    def put_signing_key(self, jwk: Mapping[str, Any]) -> None:
        """Register a public signing key (a JWK with ``kid``) for ever; registering it again changes nothing."""

    def retire_signing_key(self, kid: str, exp: int) -> bool:
        """An active signing key becomes retired: what it signs from ``exp`` on (seconds since 1970) is not believed.

        False, and nothing changes, where no active key has that id.
        """

    def revoke_signing_key(self, kid: str, at: int) -> bool:
        """A signing key becomes revoked as of ``at`` (seconds since 1970), for ever; of two times the earlier holds.

        False where no key has that id.
        """

    def signing_keys(self) -> list[dict[str, Any]]:
        """Every public signing key ever registered, as JWKs with their present status, oldest first."""


CANCEL = "cancel"
"""In place of a task token: the attempt's job is to be stopped at the provider, and no workflow waits for that."""


@dataclass(frozen=True)
class Wait:
    """What the provider is asked about until it has ended there: a workflow's wait, or a cancellation.

    ``token`` is the waiting task's, or :data:`CANCEL`; ``n`` how many times the provider was asked, ``asked_at`` when
    last (in the form of events).
    """

    tenant: str
    job_id: str
    attempt: int
    token: str
    n: int
    asked_at: str


class Waits(Protocol):
    """Everything that somebody waits for the provider with: one row as long as messages about it go round."""

    def open(self, wait: Wait) -> Wait:
        """Store a wait unless one of the same job, attempt and token is stored; returns the stored one."""

    def advance(self, wait: Wait, at: str) -> bool:
        """Move a wait to ``n + 1``, asked ``at``, if it is stored at ``n`` or below; False when beyond, or closed."""

    def close(self, wait: Wait) -> None:
        """Forget a wait; forgetting twice is harmless."""

    def of_job(self, tenant: str, job_id: str) -> list[Wait]:
        """The open waits of a job, strongly consistent."""

    def page(self, tenant: str, limit: int, after: str | None) -> tuple[list[Wait], str | None]:
        """At most ``limit`` open waits of a tenant, and what continues after them; None at the end."""


class Bookmarks(Protocol):
    """How far work that is done a part at a time has come."""

    def place(self, name: str) -> str | None:
        """Where to go on, None from the beginning."""

    def keep(self, name: str, place: str | None) -> None:
        """Go on from there next time."""


# --- messages and workflow ---------------------------------------------------------------------------------


class TokenClosed(Exception):
    """The workflow no longer waits for this task token."""


@dataclass(frozen=True)
class Execution:
    """An execution of the state machine."""

    name: str
    started_at: datetime
    running: bool


class Workflows(Protocol):
    """The state machine's executions."""

    def start(self, name: str, payload: Mapping[str, Any]) -> None:
        """Start the execution ``name``; it already running, or having run, with this name is success."""

    def stop(self, name: str, reason: str) -> None:
        """Stop the execution ``name``; one that has ended, or never was, is success."""

    def execution(self, name: str) -> Execution | None:
        """The execution ``name``, None if there never was one."""

    def resolve(self, token: str, output: Mapping[str, Any]) -> None:
        """Answer a waiting task.

        Raises:
            TokenClosed: nobody waits for that token any more.
        """


class PollQueue(Protocol):
    """The queue of things to ask the provider about."""

    def send(self, message: Mapping[str, Any], delay_s: int) -> None:
        """Deliver ``message`` after ``delay_s`` seconds (clamped to 0..900), at least once."""


@dataclass(frozen=True)
class Parked:
    """A note of events that stream readers have not handled.

    ``events`` are the places, (tenant, stream, version), of those that ``readers`` (``project``, ``relay``) missed.
    ``receipt`` is the parking lot's own.
    """

    receipt: str
    readers: tuple[str, ...]
    events: tuple[tuple[str, str, int], ...]


class ParkingLot(Protocol):
    """Where a stream reader puts what it cannot handle, so that the rest goes on."""

    def park(self, reader: str, tenant: str, stream_id: str, version: int, reason: str) -> None:
        """Keep a note of one event to read again later."""

    def notes(self, limit: int) -> list[Parked]:
        """At most ``limit`` notes; none of them is given again for two minutes."""

    def forget(self, note: Parked) -> None:
        """Remove a note whose events were handled."""


class Bus(Protocol):
    """The tenant's event bus."""

    def publish(self, events: Sequence[Event]) -> list[Event]:
        """Publish events; returns those that the bus did not take."""
