"""Lets a held job go on: adopts what IonQ has, or releases what it never got. Invoked by operators only.

``{"job_id", "adopt": <IonQ's job id>, "by", "reason"}`` or ``{"job_id", "release": true, "by", "reason"}``. Both words
stay in the job's log, which the tenant can read.
"""

from typing import Any

from qcos import wiring
from qcos.entry import entry


@entry(wiring.held_jobs)
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """How the job then stands."""
    jobs, tenant = wiring.held_jobs(), wiring.tenant()
    match event:
        case {"job_id": str(job_id), "adopt": str(found), "by": str(by), "reason": str(reason), **rest} if not rest:
            job = jobs.adopt(tenant, job_id, found, by=by, reason=reason)
        case {"job_id": str(job_id), "release": True, "by": str(by), "reason": str(reason), **rest} if not rest:
            job = jobs.release(tenant, job_id, by=by, reason=reason)
        case _:
            raise ValueError('give "job_id", "by", "reason", and either "adopt": IonQ\'s job id or "release": true')
    return {"job_id": job.job_id, "status": job.status, "provider_job_id": job.provider_job_id}
