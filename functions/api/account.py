"""GET /health, /api/v2/status and /openapi.json, the API keys, and the 404 of every path that belongs to nobody."""

from qcos import wiring
from qcos.http import account, gateway, keys, openapi
from qcos.http.app import application

handler = gateway.handler(
    application(
        keys.router(wiring.keys),
        account.router(wiring.backends, openapi.document, gateway.average_ms),
        rates=wiring.rates,
    ),
    warm="/api/v2/status",
    prepare=(wiring.backends, wiring.keys, wiring.rates),
)
