"""Questions about jobs. One job is folded from its log, so that a user reads what he wrote; lists use the view."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from qcos.events import Event
from qcos.job import Job
from qcos.ports import ObjectStore, Views
from qcos.service.log import JobLog
from qcos.views import JobFilter, JobPage


@dataclass(frozen=True)
class Jobs:
    """A tenant's jobs."""

    log_store: JobLog
    objects: ObjectStore
    views: Views

    def get(self, tenant: str, job_id: str) -> Job:
        """The job as its log tells it.

        Raises:
            JobNotFound: this tenant has no such job.
        """
        return self.log_store.load(tenant, job_id)[0]

    def results(self, job: Job) -> dict[str, Any] | None:
        """The stored result document (counts, probabilities, shots, source), or None before execution."""
        if job.execution is None:
            return None
        document: dict[str, Any] = json.loads(self.objects.get_checked(job.execution.result))
        return document

    def log(self, tenant: str, job_id: str) -> list[Event]:
        """The job's whole log, oldest first.

        Raises:
            JobNotFound: this tenant has no such job.
        """
        return self.log_store.load(tenant, job_id)[1]

    def page(self, tenant: str, wanted: JobFilter, limit: int, offset: int, cursor: str | None = None) -> JobPage:
        """Part of the tenant's job list, newest first.

        Raises:
            ValueError: the cursor is none that was given out.
        """
        return self.views.jobs(tenant, wanted, limit, offset, cursor)
