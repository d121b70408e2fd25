"""Workflow step: the workflow itself gave up. Say so in the log, in words a user can act on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qcos.backends import backend
from qcos.events import EventData, ExecutionHeld, JobFailed
from qcos.job import Job
from qcos.ports import PollQueue
from qcos.service.log import JobLog, step_origin


@dataclass(frozen=True)
class Fail:
    """End a job whose workflow ended in an error."""

    log: JobLog
    queue: PollQueue

    def __call__(self, tenant: str, job_id: str, error: Mapping[str, Any]) -> dict[str, str]:
        """Append the failure unless the job has ended, and stop what still runs at the provider."""
        job, _ = self.log.load(tenant, job_id)

        def decision(newest: Job) -> Sequence[EventData]:
            return [] if newest.terminal or newest.held else [_ending(newest, error)]

        job = self.log.decide(tenant, job_id, step_origin("fail", job), decision).job
        if job.provider_job_id and job.execution is None:
            self.queue.send({"kind": "cancel", "tenant": tenant, "job_id": job_id, "n": 0}, 0)
        return {"outcome": "failed"}


def _ending(job: Job, error: Mapping[str, Any]) -> EventData:
    unanswered = job.intended and job.provider_job_id is None and not job.may_submit
    if job.intended and unanswered and backend(job.submitted.backend).paid:
        return ExecutionHeld(
            n=job.intended.n,
            reason="The submission to IonQ was interrupted and its outcome is unknown. It is not sent again, so that "
            "it cannot be paid twice. Check the IonQ console, then contact support to release or cancel it.",
        )
    if job.execution:
        step, message = "sign", "The circuit ran and its result is kept, but the job could not be finished."
    elif job.refused:
        step, message = "execute", f"IonQ kept turning the job away: {job.refused.message} Submit it again later."
    elif job.intended:
        step, message = "await", "The result did not come in time. Submit the circuit again to run it."
    elif job.optimized:
        step, message = "execute", "The job could not be sent to IonQ. Nothing was run or charged. Submit it again."
    else:
        step, message = "transpile", "The circuit could not be optimized in time. Try a lower optimization_level."
    return JobFailed(
        attempt=job.attempt,
        step=step,  # type: ignore[arg-type]  # each is one of the literal's values
        code=_code(error),
        message=message,
        retryable=True,
    )


def _code(error: Mapping[str, Any]) -> str:
    """A stable code for what the workflow engine reported; its own words stay in its history."""
    name = str(error.get("Error", ""))
    if name == "States.Timeout" or "Timedout" in name or "timed out" in json.dumps(error.get("Cause", "")):
        return "STEP_TIMEOUT"
    return "STEP_FAILED"
