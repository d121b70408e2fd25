"""Serve and judge evidence bundles."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qcos.errors import BundleNotFound, JobNotFound, PayloadTooLarge
from qcos.events import EventData, EvidenceExported, Origin
from qcos.job import Job
from qcos.library import BundleForm, EvidenceLibrary
from qcos.models import Caller, sha3_256
from qcos.ports import Control, ObjectMissing, ObjectStore
from qcos.service.log import JobLog
from qcos.service.sign import bundle_key

_BUNDLE_ID = re.compile(r"ev_[0-9a-f]{32}")

MEDIA_TYPES: dict[BundleForm, str] = {
    "json": "application/json",
    "cbor": "application/cbor",
    "cose": 'application/cose; cose-type="cose-sign1"',
    "pdf": "application/pdf",
}
MAX_RESULT_BYTES = 100_000_000
"""Longest result, in bytes, that a page is made of, because it is attached."""
INLINE_BYTES = 4_000_000
"""What is longer goes by link: a function answers at most 6 MB, and bytes are sent as base64."""
LINK_S = 900
"""How long a link can be used, in seconds."""


@dataclass(frozen=True)
class Export:
    """A bundle as a file: its bytes, or where they can be had for :data:`LINK_S` seconds. ``size`` is in bytes."""

    media_type: str
    file_name: str
    digest: str
    size: int
    data: bytes | None
    url: str | None


@dataclass(frozen=True)
class EvidenceDesk:
    """A tenant's bundles and the keys they are judged by."""

    log: JobLog
    objects: ObjectStore
    control: Control
    library: EvidenceLibrary

    def bundle(self, tenant: str, bundle_id: str) -> bytes:
        """The exact bytes of a bundle that the log says was signed.

        Raises:
            BundleNotFound: this tenant has none of that id.
        """
        return self._find(tenant, bundle_id)[0]

    def export(self, caller: Caller, bundle_id: str, form: BundleForm) -> Export:
        """A bundle as a file of any form, all under the signature it was given once.

        The first export of each form is an event of the job, and no other: reading does not make the log grow. A
        file that goes by link is stored before that event, and is that file from then on.

        Raises:
            BundleNotFound: this tenant has none of that id.
            PayloadTooLarge: the result is too long for a page.
            Conflict: others kept changing the job at the same moment.
        """
        document, job = self._find(caller.tenant, bundle_id)
        name = f"{bundle_id}.{form}"
        stored = next((one for one in job.exports if one.format == form and one.key), None)
        if stored and stored.key:
            return Export(MEDIA_TYPES[form], name, stored.digest, stored.size, None, self._link(stored.key))
        data = self.library.write(document, form, self._result(job) if form == "pdf" else None)
        key = None
        if len(data) > INLINE_BYTES:
            key = f"exports/{name}"
            data = self.objects.put_named(key, data, MEDIA_TYPES[form])
        self._note(caller, job, form, data, key)
        return Export(
            MEDIA_TYPES[form],
            name,
            sha3_256(data),
            len(data),
            None if key else data,
            self._link(key) if key else None,
        )

    def verify(
        self,
        document: bytes,
        *,
        expected_job_id: str | None = None,
        expected_circuit_hash: str | None = None,
        proof: str | None = None,
    ) -> dict[str, Any]:
        """The verdict on a bundle in any form, and on its tlog-proof, by this tenant's published keys.

        Raises:
            ValueError: there is no single well-defined bundle to judge; its ``code`` says why.
        """
        return self.library.verdict(
            document,
            self.control.signing_keys(),
            self.log.clock(),
            expected_job_id=expected_job_id,
            expected_circuit_hash=expected_circuit_hash,
            proof=proof,
        )

    def jwks(self) -> dict[str, Any]:
        """Every public key that ever signed here, as a JWK set."""
        return {"keys": self.control.signing_keys()}

    def _note(self, caller: Caller, job: Job, form: BundleForm, data: bytes, key: str | None) -> None:
        if job.evidence is None:
            raise ValueError(f"{job.job_id}: has no bundle to export")
        exported = EvidenceExported(
            bundle_id=job.evidence.bundle_id,
            bundle_hash=job.evidence.bundle_hash,
            key_id=job.evidence.key_id,
            format=form,
            digest=sha3_256(data),
            size=len(data),
            key=key,
        )

        def decision(newest: Job) -> Sequence[EventData]:
            told = any((one.format, one.key) == (form, key) for one in newest.exports)
            return [] if told else [exported]

        if decision(job):
            origin = Origin(actor=f"key:{caller.key_id}", correlation_id=caller.request_id)
            self.log.decide(caller.tenant, job.job_id, origin, decision)

    def _link(self, key: str) -> str:
        return self.objects.presign(key, LINK_S)

    def _find(self, tenant: str, bundle_id: str) -> tuple[bytes, Job]:
        missing = BundleNotFound("There is no evidence bundle of that id. A completed job names its own.")
        if not _BUNDLE_ID.fullmatch(bundle_id):
            raise missing
        try:
            document = self.objects.get(bundle_key(bundle_id))
            job, _ = self.log.load(tenant, str(json.loads(document)["job_id"]))
        except (ObjectMissing, JobNotFound):
            raise missing from None
        if job.evidence is None or job.evidence.bundle_id != bundle_id:
            raise missing
        return document, job

    def _result(self, job: Job) -> bytes:
        if job.execution is None:
            raise ValueError(f"{job.job_id}: has a bundle but no result")
        result = self.objects.get_checked(job.execution.result)
        if len(result) > MAX_RESULT_BYTES:
            raise PayloadTooLarge(
                f"The result has {len(result):,} bytes; a page takes {MAX_RESULT_BYTES:,}. Export json, cbor or cose.",
                [{"field": "format", "bytes": len(result), "limit": MAX_RESULT_BYTES}],
            )
        return result
