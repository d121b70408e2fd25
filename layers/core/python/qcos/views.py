"""Read models: what lists show, folded from the log one event at a time. Disposable: the log rebuilds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from qcos.events import Event
from qcos.job import Job, fold


@dataclass(frozen=True)
class JobRow:
    """One line of the job list. ``version`` is the last event folded in."""

    tenant: str
    job_id: str
    version: int
    status: str
    backend: str
    shots: int
    created_at: str
    completed_at: str | None = None


@dataclass(frozen=True)
class RowChange:
    """A row's next form and what it does to the tenant's counters, to be written in one transaction.

    ``seen`` is the row version that must still be stored (0: no row yet), so that a duplicated or overtaken
    delivery changes nothing twice. ``counters`` maps a counter's name to what is added to it.
    """

    row: JobRow
    seen: int
    counters: dict[str, int] = field(default_factory=dict)


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
    )


def advance(row: JobRow | None, log: Sequence[Event]) -> RowChange | None:
    """How ``row`` (as stored, or None) changes when the job's log is ``log``; None when it already says so."""
    after = job_row(fold(log))
    if row is not None and row.version >= after.version:
        return None
    counters = {"total": 1, f"status#{after.status}": 1} if row is None else {}
    if row is not None and row.status != after.status:
        counters = {f"status#{row.status}": -1, f"status#{after.status}": 1}
    return RowChange(after, row.version if row else 0, counters)


@dataclass(frozen=True)
class JobPage:
    """Part of a tenant's job list, newest first, and how many there are in all."""

    rows: tuple[JobRow, ...]
    total: int
