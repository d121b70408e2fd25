"""Everything under /api/v2/optimize: submissions, batches, results, circuits, stats."""

from qcos import wiring
from qcos.http import batches, gateway, optimize
from qcos.http.app import application

handler = gateway.handler(
    application(
        batches.router(wiring.submit, wiring.batches),
        optimize.router(wiring.submit, wiring.jobs, wiring.stats, wiring.circuits),
        rates=wiring.rates,
    ),
    warm="/api/v2/optimize/job_0",
    prepare=(wiring.submit, wiring.jobs, wiring.batches, wiring.stats, wiring.circuits, wiring.rates),
)
