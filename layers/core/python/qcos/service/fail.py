"""Workflow step: the workflow itself gave up. Say so in the log, in words a user can act on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qcos.backends import backend
from qcos.events import EventData, ExecutionHeld
from qcos.job import Job, Step, failure
from qcos.ports import PollQueue
from qcos.service.log import JobLog, step_origin
from qcos.service.poll import HELD, cancel_message


@dataclass(frozen=True)
class Fail:
    """End a job whose workflow ended in an error."""

    log: JobLog
    queue: PollQueue

    def __call__(
        self, tenant: str, job_id: str, attempt: int, error: Mapping[str, Any], decided_n: int = 0
    ) -> dict[str, str]:
        """Append the failure unless the job has ended, and stop what still runs at the provider.

        A workflow that began before a person decided about submission ``decided_n`` speaks of a job that was held: one
        that goes on since is not its own to end.
        """
        job, _ = self.log.load(tenant, job_id)

        def decision(newest: Job) -> Sequence[EventData]:
            over = newest.terminal or newest.held or (newest.attempt, newest.decided_n) != (attempt, decided_n)
            return [] if over else [_ending(newest, error)]

        job = self.log.decide(tenant, job_id, step_origin("fail", job), decision).job
        if job.attempt == attempt and job.terminal and job.provider_job_id and job.execution is None:
            self.queue.send(cancel_message(job), 0)
        return {"outcome": "failed"}


def _ending(job: Job, error: Mapping[str, Any]) -> EventData:
    if job.intended and job.unanswered and backend(job.submitted.backend).paid:
        return ExecutionHeld(
            n=job.intended.n,
            reason=f"The submission to IonQ was interrupted and its outcome is unknown. {HELD}",
        )
    step: Step
    code = _code(error)
    if job.execution:
        step = "sign"
        message = (
            "The circuit ran and its result is kept, but the job could not be finished. Retrying runs and charges it "
            "again; without need of evidence, take the result that this answer has."
        )
    elif job.refused and job.refused_last:
        step, code = "execute", job.refused.code
        message = f"IonQ kept turning the job away: {job.refused.message}. Nothing was run. Retry the job later."
    elif job.provider_job_id or job.unanswered:
        step, message = "await", "The result did not come in time. Retry the job to run it again."
    elif job.optimized:
        step, message = "execute", "The job could not be sent to IonQ. Nothing was run or charged. Retry the job."
    else:
        step = "transpile"
        message = (
            "The circuit could not be optimized. Retry the job; if that fails as well, submit the circuit with a lower "
            "optimization_level."
        )
    return failure(job, step, code, message, retryable=True)


def _code(error: Mapping[str, Any]) -> str:
    """A stable code for what the workflow engine reported; its own words stay in its history."""
    name = str(error.get("Error", ""))
    if name == "States.Timeout" or "Timedout" in name or "timed out" in json.dumps(error.get("Cause", "")):
        return "STEP_TIMEOUT"
    return "STEP_FAILED"
