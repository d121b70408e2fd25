"""The evidence library as the service uses it once a bundle is signed: judge, write in another form.

Only the evidence API and what is built on it import this module: it needs the evidence library.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import qcos_evidence
from qcos.library import BundleForm


class Bundles:
    """A :class:`qcos.library.EvidenceLibrary`."""

    def verdict(
        self,
        document: bytes,
        jwks: Sequence[Mapping[str, Any]],
        now: datetime,
        *,
        expected_job_id: str | None = None,
        expected_circuit_hash: str | None = None,
        proof: str | None = None,
    ) -> dict[str, Any]:
        """The library's verdict as the API answers it.

        Raises:
            Malformed: there is no single well-defined bundle to judge.
        """
        keys = qcos_evidence.KeySet.from_jwks({"keys": list(jwks)})
        verdict = qcos_evidence.verify(
            document,
            keys,
            now=now,
            expected_job_id=expected_job_id,
            expected_circuit_hash=expected_circuit_hash,
            proof=proof,
        )
        return asdict(verdict)

    def write(self, bundle: bytes, form: BundleForm, result: bytes | None) -> bytes:
        """The bundle in another form."""
        return qcos_evidence.write(bundle, form, result)
