"""Workflow step, the last: sign the evidence and complete the job, both or neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qcos.events import EventData, EvidenceSigned, JobCompleted
from qcos.job import Job, bundle_id
from qcos.library import EvidenceSigner
from qcos.models import timestamp
from qcos.ports import Control, ObjectStore
from qcos.record import evidence_record
from qcos.service.log import JobLog, step_origin
from qcos.service.signing_keys import register


@dataclass(frozen=True)
class Sign:
    """Finish a job that ran."""

    log: JobLog
    objects: ObjectStore
    control: Control
    signer: EvidenceSigner
    issuer: str

    def __call__(self, tenant: str, job_id: str, attempt: int) -> dict[str, str]:
        """Do the step if it is this attempt's turn; ``{"outcome": "done" | "failed"}``."""
        job, log = self.log.load(tenant, job_id)
        if job.attempt != attempt or job.execution is None or job.terminal:
            return {"outcome": "done" if job.status == "completed" else "failed"}
        news: list[EventData] = [JobCompleted(attempt=job.attempt)]
        if job.submitted.options.evidence:
            news.insert(0, self._sign(job, [event.hash for event in log]))

        def decision(newest: Job) -> Sequence[EventData]:
            return [] if newest.terminal or newest.attempt != attempt else news

        job = self.log.decide(tenant, job_id, step_origin("sign", job), decision).job
        return {"outcome": "done" if job.status == "completed" else "failed"}

    def _sign(self, job: Job, event_hashes: Sequence[str]) -> EvidenceSigned:
        record = evidence_record(job, self.issuer, timestamp(self.log.clock()))
        mine = self.signer.sign(record, event_hashes, post_quantum=job.submitted.options.pqc_signing)
        published = register(self.control, self.signer.register(), self.log.clock())
        # A key that was retired or revoked meanwhile must not sign what nobody will believe.
        self.signer.inspect(mine.document, published)
        key = bundle_key(bundle_id(job))
        stored = self.objects.put_named(key, mine.document, "application/json")
        # Signatures are randomised: when the step is repeated, the bundle that was stored first is the bundle.
        bundle = mine if stored == mine.document else self.signer.inspect(stored, published)
        return EvidenceSigned(
            bundle_id=bundle_id(job),
            bundle_hash=bundle.bundle_hash,
            algorithm=bundle.algorithm,
            key_id=bundle.key_id,
            key=key,
            log_entry=bundle.log_entry,
        )


def bundle_key(bundle: str) -> str:
    """Where a bundle is stored."""
    return f"evidence/{bundle}.json"
