"""Everything under /api/v2/jobs: lists, logs, cancelling, retrying."""

from qcos import wiring
from qcos.http import gateway, jobs
from qcos.http.app import application

handler = gateway.handler(
    application(jobs.router(wiring.jobs, wiring.lifecycle), rates=wiring.rates),
    warm="/api/v2/jobs/job_0",
    prepare=(wiring.jobs, wiring.lifecycle, wiring.rates),
)
