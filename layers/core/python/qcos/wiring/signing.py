"""What signs, over the tenant's keys: evidence and checkpoints. Importing this loads the evidence library."""

from __future__ import annotations

from functools import cache

from qcos import wiring
from qcos.adapters.clients import client
from qcos.adapters.custody import Custody, LogCustody, classical_signer, log_signer, post_quantum_signer
from qcos.adapters.log_library import LogLibrary
from qcos.service.checkpoint import Checkpoint, Leaves
from qcos.service.sign import Sign


@cache
def sign() -> Sign:
    seed = wiring.secret("QCOS_CLASSICAL_KEY_ARN")
    custody = Custody(
        lambda: post_quantum_signer(wiring.setting("QCOS_SIGNING_KEY_ARN"), client),
        lambda: classical_signer(seed()),
    )
    return Sign(wiring.log(), wiring.objects(), wiring.control(), custody, wiring.setting("QCOS_ISSUER"))


@cache
def checkpoint() -> Checkpoint:
    log, library = wiring.transparency_log(), LogLibrary()
    return Checkpoint(
        log,
        wiring.checkpoints(),
        wiring.control(),
        LogCustody(lambda: log_signer(wiring.setting("QCOS_LOG_KEY_ARN"), client)),
        library,
        Leaves(log, library.leaf_hash),
        wiring.setting("QCOS_ISSUER"),
        wiring.now,
    )
