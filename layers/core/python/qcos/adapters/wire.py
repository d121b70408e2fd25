"""What the adapters store and send: its form, and the sizes AWS takes. The in-memory adapters hold to the same."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from qcos.events import Event
from qcos.ledger import Charge
from qcos.views import JobFilter, JobRow, make_cursor

MAX_EVENTS = 100
"""Events of one append: a DynamoDB transaction takes 100 items."""
MAX_EVENT_BYTES = 350_000
"""Bytes of one event: an item takes 400 KB, its names and keys included."""
MAX_APPEND_BYTES = 4_000_000
"""Bytes of one append: a transaction takes 4 MB."""
MAX_MESSAGE_BYTES = 256 * 1024 - 1
"""Bytes of a queue message, and of a task's output."""
MAX_INPUT_BYTES = 200 * 1024 - 1
"""Bytes of a workflow's input: Step Functions takes 256 KB, and the steps add their results to it."""
MAX_BUS_BYTES = 256 * 1024 - 1
"""Bytes of one PutEvents call, counted as EventBridge does (:func:`bus_entry_bytes`)."""
MAX_DELAY_S = 900
"""The longest delay SQS takes."""
MAX_REASON = 1_000
"""Characters of a parking note's reason: parking must not fail for the length of an error text."""
MAX_COUNTED = 10_000
"""Rows that a list with conditions examines, for its total and again after a cursor."""
HIGHEST = "~"
"""A place before the newest row of any list."""


def check_append(events: Sequence[Event], charges: Sequence[Charge] = ()) -> None:
    """Raise ``ValueError`` unless ``events`` may be appended at once: see :class:`qcos.ports.EventStore`."""
    if not events or len(events) + len(charges) > MAX_EVENTS:
        raise ValueError(f"an append holds 1 to {MAX_EVENTS} events and charges, not {len(events)} and {len(charges)}")
    newest: dict[tuple[str, str], Event] = {}
    for event in events:
        before = newest.get((event.tenant, event.stream_id))
        if event.version < 1:
            raise ValueError("versions count from 1")
        if before and event.version != before.version + 1:
            raise ValueError("the events of a stream in one append are consecutive")
        if before and event.prev_hash != before.hash:
            raise ValueError("each event of an append names its predecessor's hash")
        if len(event.raw) > MAX_EVENT_BYTES:
            raise ValueError(f"an event holds at most {MAX_EVENT_BYTES} bytes: keep large data in objects")
        newest[event.tenant, event.stream_id] = event
    if len({event.tenant for event in events} | {charge.tenant for charge in charges}) > 1:
        raise ValueError("an append is one tenant's")
    if len({charge.counter for charge in charges}) < len(charges):
        raise ValueError("an append charges each counter once")
    if sum(len(event.raw) for event in events) > MAX_APPEND_BYTES:
        raise ValueError(f"an append holds at most {MAX_APPEND_BYTES} bytes")


def text(document: Mapping[str, Any], limit: int) -> str:
    """``document`` as compact JSON, all ASCII: SQS refuses some characters as they are, none as an escape.

    Raises:
        ValueError: it has more than ``limit`` bytes. (The local emulators would take it, AWS would not.)
    """
    body = json.dumps(document, separators=(",", ":"), allow_nan=False)
    if len(body) > limit:
        raise ValueError(f"a message of {len(body)} bytes is over {limit}: send a key, not the data")
    return body


def delay(seconds: int) -> int:
    """``seconds`` within what SQS takes."""
    return max(0, min(MAX_DELAY_S, seconds))


def parking_note(reader: str, tenant: str, stream_id: str, version: int, reason: str) -> dict[str, Any]:
    """The message that says which event ``reader`` could not handle, and why."""
    return {
        "reader": reader,
        "tenant": tenant,
        "stream_id": stream_id,
        "version": version,
        "reason": reason[:MAX_REASON],
    }


def bus_entry(event: Event) -> dict[str, str]:
    """``event`` as the bus carries it: source ``qcos.jobs``, its type, and a detail of ``metadata`` and ``data``."""
    document = event.document
    detail = {
        "metadata": {
            "event_id": event.event_id,
            "tenant": event.tenant,
            "job_id": event.stream_id,
            "version": event.version,
            "correlation_id": document["correlation_id"],
            "schema_version": document["schema_version"],
            "occurred_at": event.occurred_at,
        },
        "data": document["data"],
    }
    return {
        "Source": "qcos.jobs",
        "DetailType": event.type,
        "Detail": json.dumps(detail, separators=(",", ":"), allow_nan=False),
    }


def bus_entry_bytes(entry: Mapping[str, str]) -> int:
    """What an entry without time and resources counts: the UTF-8 length of its source, type and detail."""
    return sum(len(entry[part].encode()) for part in ("Source", "DetailType", "Detail"))


def has_conditions(wanted: JobFilter) -> bool:
    """Whether a list must look at rows that it does not show: neither statuses nor times make it."""
    return (wanted.backend, wanted.batch_id, wanted.name, wanted.tag) != (None,) * 4


def total_is_known(wanted: JobFilter) -> bool:
    """Whether the tenant's counters tell how many jobs are wanted."""
    return not has_conditions(wanted) and wanted.created_after is None and wanted.created_before is None


def total_known(wanted: JobFilter, counters: Mapping[str, int]) -> int:
    """How many jobs are wanted, by the tenant's counters."""
    names = [f"status#{status}" for status in dict.fromkeys(wanted.statuses)] or ["total"]
    return sum(counters.get(name, 0) for name in names)


def cursor_at(tenant: str, place: str) -> str:
    """The cursor that continues a list after ``place`` (:func:`qcos.views.order`), whether a row is there or not."""
    created_at, _, job_id = place.partition("#")
    return make_cursor(JobRow(tenant, job_id, 0, "", "", 0, created_at))
