"""Stream reader: bring list rows and counters up to the log.

Each job that a batch mentions is read again from the log, once, and its row moved to what the whole log says, in
one transaction that holds only if the row is where it was. Duplicates, gaps and any order of delivery therefore
end in the same row and the same counters.
"""

from __future__ import annotations

from dataclasses import dataclass

from qcos.events import BatchSubmitted
from qcos.ports import EventStore, Views
from qcos.views import advance

ATTEMPTS = 10


class Overtaken(Exception):
    """Other projectors kept moving the row; the batch is delivered again."""


@dataclass(frozen=True)
class Project:
    """Project one job."""

    events: EventStore
    views: Views

    def __call__(self, tenant: str, job_id: str) -> None:
        """Move the job's row to the present of its log. A batch's own stream has no row.

        Raises:
            Overtaken: it kept changing under our hands.
        """
        for _ in range(ATTEMPTS):
            row = self.views.row(tenant, job_id)
            log = self.events.read(tenant, job_id)
            if log and isinstance(log[0].data, BatchSubmitted):
                return
            change = advance(row, log)
            if change is None or self.views.save(change):
                return
        raise Overtaken(job_id)
