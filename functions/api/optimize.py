"""POST /api/v2/optimize and GET /api/v2/optimize/{job_id}."""

from qcos import wiring
from qcos.http import gateway, optimize
from qcos.http.app import application

handler = gateway.handler(
    application(optimize.router(wiring.submit, wiring.jobs)),
    warm="/api/v2/optimize/job_0",
    prepare=(wiring.submit, wiring.jobs),
)
