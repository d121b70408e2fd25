"""GET /api/v2/backends and below."""

from qcos import wiring
from qcos.http import backends, gateway
from qcos.http.app import application

handler = gateway.handler(
    application(backends.router(wiring.backends), rates=wiring.rates),
    warm="/api/v2/backends/none",
    prepare=(wiring.backends, wiring.rates),
)
