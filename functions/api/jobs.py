"""GET /api/v2/jobs and below."""

from qcos import wiring
from qcos.http import gateway, jobs
from qcos.http.app import application

handler = gateway.handler(
    application(jobs.router(wiring.jobs)),
    warm="/api/v2/jobs/job_0",
    prepare=(wiring.jobs,),
)
