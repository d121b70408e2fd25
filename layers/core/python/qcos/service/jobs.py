"""Questions about jobs. One job is folded from its log, so that a user reads what he wrote; lists use the view."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from qcos.events import Event
from qcos.job import Job
from qcos.models import StoredObject
from qcos.ports import ObjectStore, Views
from qcos.service.log import JobLog
from qcos.views import JobFilter, JobPage

INLINE_BYTES = 4_000_000
"""What is longer goes by link: a function answers at most 6 MB, and inside them every quote counts twice."""
LINK_S = 900
"""How long a link can be used, in seconds."""

_SOURCE = re.compile(rb'"source":"([a-z_]+)"}\Z')


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
        """What the job measured, or None before execution.

        ``counts``, ``probabilities``, ``shots`` and ``source`` as stored, ``memory`` (a bit string a shot, in order)
        where the job asked for it and its backend draws shots. What is too long to be answered is None, and ``url``
        or ``memory_url`` is where the whole of it can be had for :data:`LINK_S` seconds; nothing is ever cut.
        """
        if job.execution is None:
            return None
        stored, memory = job.execution.result, job.execution.memory
        data = self.objects.get_checked(stored)
        links: dict[str, str | None] = {"url": None, "memory_url": None}
        if len(data) <= INLINE_BYTES:
            document: dict[str, Any] = json.loads(data)
        else:
            # Its last member, so that many megabytes need not be parsed for one word.
            source = _SOURCE.search(data[-64:])
            document = {"counts": None, "probabilities": None, "shots": job.submitted.shots}
            document["source"] = source[1].decode() if source else None
            links["url"] = self._link(stored)
        document["memory"] = None
        if memory is not None:
            shots = self.objects.get_checked(memory)
            if len(shots) + (0 if links["url"] else len(data)) <= INLINE_BYTES:
                document["memory"] = json.loads(shots)
            else:
                links["memory_url"] = self._link(memory)
        return document | links

    def _link(self, stored: StoredObject) -> str:
        return self.objects.presign(stored.key, LINK_S)

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
