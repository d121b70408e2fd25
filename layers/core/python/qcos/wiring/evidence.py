"""The evidence desk over the tenant's bundles, and their log. Importing this loads the evidence library."""

from __future__ import annotations

from functools import cache

from qcos import wiring
from qcos.adapters.bundles import Bundles
from qcos.adapters.clients import client
from qcos.adapters.log_library import LogLibrary
from qcos.adapters.messages import LambdaFunction
from qcos.service.checkpoint import Leaves
from qcos.service.evidence import EvidenceDesk
from qcos.service.transparency import Transparency


@cache
def desk() -> EvidenceDesk:
    return EvidenceDesk(wiring.log(), wiring.objects(), wiring.control(), Bundles())


@cache
def transparency() -> Transparency:
    log, library = wiring.transparency_log(), LogLibrary()
    return Transparency(
        log,
        wiring.checkpoints(),
        wiring.control(),
        library,
        Leaves(log, library.leaf_hash),
        desk(),
        LambdaFunction(wiring.setting("QCOS_CHECKPOINT_FUNCTION"), client("lambda")),
    )
