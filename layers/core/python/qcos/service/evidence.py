"""Serve and judge evidence bundles."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from qcos.errors import BundleNotFound, JobNotFound
from qcos.ports import Control, EvidenceVerifier, ObjectMissing, ObjectStore
from qcos.service.log import JobLog
from qcos.service.sign import bundle_key

_BUNDLE_ID = re.compile(r"ev_[0-9a-f]{32}")


@dataclass(frozen=True)
class EvidenceDesk:
    """A tenant's bundles and the keys they are judged by."""

    log: JobLog
    objects: ObjectStore
    control: Control
    verifier: EvidenceVerifier

    def bundle(self, tenant: str, bundle_id: str) -> bytes:
        """The exact bytes of a bundle that the log says was signed.

        Raises:
            BundleNotFound: this tenant has none of that id.
        """
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
        return document

    def verify(self, document: bytes) -> dict[str, Any]:
        """The verdict on a bundle, by this tenant's published keys.

        Raises:
            ValueError: there is no single well-defined bundle to judge; its ``code`` says why.
        """
        return self.verifier(document, self.control.signing_keys(), self.log.clock())

    def jwks(self) -> dict[str, Any]:
        """Every public key that ever signed here, as a JWK set."""
        return {"keys": self.control.signing_keys()}
