"""The evidence desk over the tenant's bundles. Importing this loads the evidence library."""

from __future__ import annotations

from functools import cache

from qcos import wiring
from qcos.adapters.bundles import Bundles
from qcos.service.evidence import EvidenceDesk


@cache
def desk() -> EvidenceDesk:
    return EvidenceDesk(wiring.log(), wiring.objects(), wiring.control(), Bundles())
