"""Evidence bundles under /api/v2/evidence, and the published keys."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial
from typing import Any

import qcos_evidence
from qcos import wiring
from qcos.http import evidence, gateway
from qcos.http.app import application


def verdict(document: bytes, jwks: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, Any]:
    """The library's verdict as the API answers it.

    Raises:
        Malformed: there is no single well-defined bundle to judge.
    """
    keys = qcos_evidence.KeySet.from_jwks({"keys": list(jwks)})
    return asdict(qcos_evidence.verify(document, keys, now=now))


desk = partial(wiring.evidence_desk, verdict)
handler = gateway.handler(
    application(evidence.router(desk)),
    warm="/api/v2/evidence/ev_0",
    prepare=(desk,),
)
