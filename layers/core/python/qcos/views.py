"""Read models: what lists show, folded from the log one event at a time. Disposable: the log rebuilds them."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from qcos.events import Event
from qcos.job import Job, fold
from qcos.models import reduction_percent


@dataclass(frozen=True)
class JobRow:
    """One line of the job list. ``version`` is the last event folded in.

    ``counted`` is what the job contributes to the tenant's counters, so that the next form of the row knows the
    difference without any history.
    """

    tenant: str
    job_id: str
    version: int
    status: str
    backend: str
    shots: int
    created_at: str
    completed_at: str | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    batch_id: str | None = None
    error_code: str | None = None
    counted: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class RowChange:
    """A row's next form and what it does to the tenant's counters, to be written in one transaction.

    ``seen`` is the row version that must still be stored (0: no row yet), so that a duplicated or overtaken
    delivery changes nothing twice. ``counters`` maps a counter's name to what is added to it.
    """

    row: JobRow
    seen: int
    counters: dict[str, int] = field(default_factory=dict)


def contributions(job: Job) -> dict[str, int]:
    """What a job adds to its tenant's counters.

    ``total`` counts circuits, ``submissions`` requests (a batch is one), ``reduction_tenths`` sums the reduction of
    depth in tenths of a percent over the circuits ``optimized`` in mode ``unitary``, ``evaluations#<month>`` what was
    charged and kept.
    """
    counted = {"total": 1, f"status#{job.status}": 1}
    if not job.submitted.batch_index:
        counted["submissions"] = 1
    # A mode that keeps less than the unitary would make the average look better than the optimizer is.
    if job.optimized and job.submitted.options.mode == "unitary":
        metrics = job.optimized.metrics
        counted["optimized"] = 1
        counted["reduction_tenths"] = round(10 * reduction_percent(metrics.original.depth, metrics.optimized.depth))
    for month, evaluations in job.spent_evaluations.items():
        counted[f"evaluations#{month}"] = evaluations
    return {name: amount for name, amount in counted.items() if amount}


def job_row(job: Job) -> JobRow:
    """The list line of a job as its whole log tells it."""
    return JobRow(
        tenant=job.tenant,
        job_id=job.job_id,
        version=job.version,
        status=job.status,
        backend=job.submitted.backend,
        shots=job.submitted.shots,
        created_at=job.created_at,
        completed_at=job.completed_at,
        name=job.submitted.name,
        tags=job.submitted.tags,
        batch_id=job.submitted.batch_id,
        error_code=job.failure.code if job.failure else None,
        counted=contributions(job),
    )


def advance(row: JobRow | None, log: Sequence[Event]) -> RowChange | None:
    """How ``row`` (as stored, or None) changes when the job's log is ``log``; None when it already says so."""
    after = job_row(fold(log))
    if row is not None and row.version >= after.version:
        return None
    before = row.counted if row else {}
    moved = {name: after.counted.get(name, 0) - before.get(name, 0) for name in after.counted.keys() | before.keys()}
    counters = {name: amount for name, amount in sorted(moved.items()) if amount}
    return RowChange(after, row.version if row else 0, counters)


@dataclass(frozen=True)
class JobFilter:
    """Which jobs a list shows; every condition must hold, None or empty asks for nothing.

    Times are inclusive below and exclusive above, in the form of events. ``tag`` must be among a job's tags.
    """

    statuses: tuple[str, ...] = ()
    backend: str | None = None
    batch_id: str | None = None
    name: str | None = None
    tag: str | None = None
    created_after: str | None = None
    created_before: str | None = None

    def matches(self, row: JobRow) -> bool:
        """Whether a line is one of those wanted."""
        return (
            (not self.statuses or row.status in self.statuses)
            and self.backend in (None, row.backend)
            and self.batch_id in (None, row.batch_id)
            and self.name in (None, row.name)
            and (self.tag is None or self.tag in row.tags)
            and (self.created_after is None or row.created_at >= self.created_after)
            and (self.created_before is None or row.created_at < self.created_before)
        )


@dataclass(frozen=True)
class JobPage:
    """Part of a tenant's job list, newest first, and how many there are in all.

    ``total_capped``: there are at least ``total``; it was not counted further. ``cursor`` continues after the last
    row, None at the end.
    """

    rows: tuple[JobRow, ...]
    total: int
    total_capped: bool = False
    cursor: str | None = None


def order(row: JobRow) -> str:
    """What lists are sorted by: creation, then id; later is larger."""
    return f"{row.created_at}#{row.job_id}"


def make_cursor(row: JobRow) -> str:
    """The text that continues a list after ``row``; it says nothing that the list does not."""
    return base64.urlsafe_b64encode(f"{row.tenant} {order(row)}".encode()).decode()


def read_cursor(cursor: str, tenant: str) -> str:
    """The :func:`order` of the row a cursor was made of.

    Raises:
        ValueError: it is no cursor of this tenant's lists.
    """
    try:
        owner, _, last = base64.b64decode(cursor, altchars=b"-_", validate=True).decode().partition(" ")
    except ValueError:
        owner, last = "", ""
    if owner != tenant or not _ORDER.fullmatch(last):
        raise ValueError("the cursor is none that a list of this tenant gave out")
    return last


_ORDER = re.compile(r"[0-9TZ:.\-]{24}#[0-9A-Za-z_-]{1,80}", re.ASCII)
