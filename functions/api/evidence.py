"""Evidence bundles under /api/v2/evidence, the log they are in under /api/v2/log, and the published keys."""

from qcos import wiring
from qcos.http import evidence, gateway, log
from qcos.http.app import application
from qcos.wiring.evidence import desk, transparency

handler = gateway.handler(
    application(log.router(transparency), evidence.router(desk), rates=wiring.rates),
    warm="/api/v2/evidence/ev_0",
    prepare=(desk, transparency, wiring.rates),
)
