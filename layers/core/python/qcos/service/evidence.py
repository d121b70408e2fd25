"""Serve and judge evidence bundles."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from qcos.errors import BundleNotFound, JobNotFound, PayloadTooLarge
from qcos.events import Event
from qcos.job import Job
from qcos.ports import BundleForm, Control, EvidenceLibrary, ObjectMissing, ObjectStore
from qcos.service.log import JobLog
from qcos.service.sign import bundle_key

_BUNDLE_ID = re.compile(r"ev_[0-9a-f]{32}")

MEDIA_TYPES: dict[BundleForm, str] = {
    "json": "application/json",
    "cbor": "application/cbor",
    "cose": 'application/cose; cose-type="cose-sign1"',
    "pdf": "application/pdf",
}
MAX_RESULT_BYTES = 2_000_000
"""Longest result, in bytes, that a page is made of: it is attached, and a function may answer 6 MB."""


@dataclass(frozen=True)
class Export:
    """A bundle as a file."""

    data: bytes
    media_type: str
    file_name: str


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

    def export(self, tenant: str, bundle_id: str, form: BundleForm) -> Export:
        """A bundle as a file of any form, all under the signature it was given once.

        Raises:
            BundleNotFound: this tenant has none of that id.
            PayloadTooLarge: the result is too long for a page.
        """
        document, job, _ = self._find(tenant, bundle_id)
        result = self._result(job) if form == "pdf" else None
        data = self.library.write(document, form, result)
        return Export(data, MEDIA_TYPES[form], f"{bundle_id}.{form}")

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

    def _find(self, tenant: str, bundle_id: str) -> tuple[bytes, Job, list[Event]]:
        missing = BundleNotFound("There is no evidence bundle of that id. A completed job names its own.")
        if not _BUNDLE_ID.fullmatch(bundle_id):
            raise missing
        try:
            document = self.objects.get(bundle_key(bundle_id))
            job, log = self.log.load(tenant, str(json.loads(document)["job_id"]))
        except (ObjectMissing, JobNotFound):
            raise missing from None
        if job.evidence is None or job.evidence.bundle_id != bundle_id:
            raise missing
        return document, job, log

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
