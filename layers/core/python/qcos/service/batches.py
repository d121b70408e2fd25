"""Questions about batches, and cancelling one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from qcos.errors import BatchNotFound, Conflict
from qcos.events import BatchSubmitted
from qcos.models import TERMINAL, Caller
from qcos.ports import Views
from qcos.service.lifecycle import Lifecycle
from qcos.service.log import JobLog
from qcos.views import JobRow


@dataclass(frozen=True)
class Batch:
    """A batch as it stands. ``rows`` has a line for each job that the views know yet, in the batch's order.

    ``status`` is ``processing`` until every job has ended, then ``completed``, or ``failed`` when none completed,
    or ``partial``.
    """

    batch_id: str
    created_at: str
    job_ids: tuple[str, ...]
    rows: tuple[JobRow, ...]
    counts: dict[str, int]

    @property
    def status(self) -> str:
        ended = sum(self.counts.get(status, 0) for status in TERMINAL)
        if ended < len(self.job_ids):
            return "processing"
        completed = self.counts.get("completed", 0)
        return "completed" if completed == len(self.job_ids) else "partial" if completed else "failed"


@dataclass(frozen=True)
class Batches:
    """A tenant's batches."""

    log: JobLog
    views: Views
    lifecycle: Lifecycle

    def get(self, tenant: str, batch_id: str) -> Batch:
        """The batch, its jobs as the views show them; a job that no view shows yet is queued.

        Raises:
            BatchNotFound: this tenant has no such batch.
        """
        log = self.log.events.read(tenant, batch_id)
        submitted = log[0].data if log else None
        if not isinstance(submitted, BatchSubmitted):
            raise BatchNotFound(
                "There is no batch of that id. The answer to its submission names it, and so does each of its jobs."
            )
        rows = self.views.rows(tenant, submitted.jobs)
        counts = Counter(rows[job_id].status if job_id in rows else "queued" for job_id in submitted.jobs)
        known = tuple(rows[job_id] for job_id in submitted.jobs if job_id in rows)
        return Batch(batch_id, log[0].occurred_at, submitted.jobs, known, dict(counts))

    def cancel(self, caller: Caller, batch_id: str) -> dict[str, str]:
        """Cancel every job of the batch that has not ended; what each then is, by id.

        Raises:
            BatchNotFound: this tenant has no such batch.
        """
        batch = self.get(caller.tenant, batch_id)
        statuses: dict[str, str] = {}
        for job_id in batch.job_ids:
            try:
                statuses[job_id] = self.lifecycle.cancel(caller, job_id).status
            except Conflict:
                statuses[job_id] = self.log.load(caller.tenant, job_id)[0].status
        return statuses
