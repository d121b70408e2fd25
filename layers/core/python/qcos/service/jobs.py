"""Questions about jobs. One job is folded from its log, so that a user reads what he wrote; lists use the view."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from qcos import merkle
from qcos.errors import EventNotFound
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

    def proof(self, tenant: str, job_id: str, version: int) -> dict[str, Any]:
        """That the event of this version is in the job's log: its path to the root of a tree (RFC 9162).

        The tree is the one whose root the job's bundle signs, where that holds the event, else the whole log's as it
        is now; ``bundle_id`` is None then, because nobody signed it.

        Raises:
            JobNotFound: this tenant has no such job.
            EventNotFound: its log has no such event.
        """
        job, log = self.log_store.load(tenant, job_id)
        if not 1 <= version <= len(log):
            raise EventNotFound(f"The job's log has the events 1 to {len(log)}.", [{"field": "version"}])
        bundle_id, size = None, len(log)
        if job.evidence is not None:
            # Only the bundle knows: between reading the log and appending the signature others may append.
            signed = json.loads(self.objects.get(job.evidence.key))["event_log"]["size"]
            if version <= signed:
                bundle_id, size = job.evidence.bundle_id, signed
        path, root = merkle.inclusion([event.hash for event in log[:size]], version - 1)
        return {
            "bundle_id": bundle_id,
            "job_id": job_id,
            "version": version,
            "tree": "RFC9162_SHA256",
            "leaf": log[version - 1].hash,
            "index": version - 1,
            "size": size,
            "path": path,
            "root": root,
        }

    def page(self, tenant: str, wanted: JobFilter, limit: int, offset: int, cursor: str | None = None) -> JobPage:
        """Part of the tenant's job list, newest first.

        Raises:
            ValueError: the cursor is none that was given out.
        """
        return self.views.jobs(tenant, wanted, limit, offset, cursor)
