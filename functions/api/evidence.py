"""Evidence bundles under /api/v2/evidence, and the published keys."""

from qcos import wiring
from qcos.http import evidence, gateway
from qcos.http.app import application
from qcos.wiring.evidence import desk

handler = gateway.handler(
    application(evidence.router(desk), rates=wiring.rates),
    warm="/api/v2/evidence/ev_0",
    prepare=(desk, wiring.rates),
)
