"""GET /health, /api/v2/status and /openapi.json, and the 404 of every path that belongs to nobody."""

from qcos import wiring
from qcos.http import account, gateway, openapi
from qcos.http.app import application

handler = gateway.handler(
    application(account.router(wiring.backends, openapi.document, gateway.average_ms)),
    warm="/api/v2/status",
    prepare=(wiring.backends,),
)
