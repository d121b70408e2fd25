"""The signing step over the tenant's keys. Importing this loads the evidence library."""

from __future__ import annotations

from functools import cache

from qcos import wiring
from qcos.adapters.clients import client
from qcos.adapters.custody import Custody, classical_signer, post_quantum_signer
from qcos.service.sign import Sign


@cache
def sign() -> Sign:
    custody = Custody(
        lambda: post_quantum_signer(wiring.setting("QCOS_SIGNING_KEY_ARN"), client),
        lambda: classical_signer(wiring.secret("QCOS_CLASSICAL_KEY_ARN")()),
    )
    return Sign(wiring.log(), wiring.objects(), wiring.control(), custody, wiring.setting("QCOS_ISSUER"))
