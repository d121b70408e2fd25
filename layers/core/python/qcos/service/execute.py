"""Workflow step: send the circuit to the provider, at most once.

The intention is appended before the one POST, and only the process whose append won may send it. If the answer
is lost the submission stays intended; nobody sends again, and polling finds out what became of it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qcos.backends import Backend, backend
from qcos.events import EventData, ExecutionIntended, ExecutionRefused, ExecutionSubmitted, JobFailed
from qcos.job import Job, execution_token
from qcos.models import StoredObject
from qcos.ports import ObjectStore, Provider, ProviderRefused, ProviderUnavailable, ProviderUnknown
from qcos.provider_request import request_body
from qcos.service.collect import ENDED, Collector
from qcos.service.log import JobLog, step_origin

FIRST_LOOKS_S = (0.3, 0.5, 0.6, 0.6)
"""Pauses before looking at a fresh job: most simulator jobs are done by then and need no waiting state."""


class TryAgain(Exception):
    """The provider turned the submission away for now; the workflow repeats the step later."""


@dataclass(frozen=True)
class Execute:
    """Submit the optimized circuit and look for a quick end."""

    log: JobLog
    objects: ObjectStore
    provider: Provider
    collector: Collector
    sleep: Callable[[float], None] = time.sleep

    def __call__(self, tenant: str, job_id: str) -> dict[str, str]:
        """Do the step if it is this job's turn; ``{"outcome": "done" | "pending" | "failed"}``.

        Raises:
            TryAgain: the provider said no for now.
            ProviderUnavailable: the calibration could not be read; nothing was sent.
        """
        job, _ = self.log.load(tenant, job_id)
        if job.may_submit:
            job = self._submit(job)
        if job.terminal or job.held or job.optimized is None:
            return {"outcome": "failed"}
        if job.provider_job_id and job.execution is None:
            job = self._look(job)
        if job.terminal:
            return {"outcome": "failed"}
        return {"outcome": "done" if job.execution else "pending"}

    def _submit(self, job: Job) -> Job:
        machine = backend(job.submitted.backend)
        intention, body = self._prepare(job, machine)
        origin = step_origin("execute", job)

        def intend(newest: Job) -> Sequence[EventData]:
            return [intention] if newest.may_submit and newest.next_intention == intention.n else []

        mine = self.log.decide(job.tenant, job.job_id, origin, intend)
        if not mine.appended:
            return mine.job
        answer: list[EventData]
        try:
            answer = [ExecutionSubmitted(n=intention.n, provider_job_id=self.provider.submit(body))]
        except ProviderUnknown:
            return mine.job
        except ProviderRefused as refusal:
            answer = _refused(mine.job, intention.n, refusal)
            job = self.log.decide(job.tenant, job.job_id, origin, lambda newest: _facts(newest, answer)).job
            if refusal.retryable:
                raise TryAgain(refusal.message) from None
            return job
        return self.log.decide(job.tenant, job.job_id, origin, lambda newest: _facts(newest, answer)).job

    def _prepare(self, job: Job, machine: Backend) -> tuple[ExecutionIntended, bytes]:
        if job.optimized is None:
            raise ValueError(f"{job.job_id}: nothing to send")
        n = job.next_intention
        token = execution_token(job, n)
        circuit = json.loads(self.objects.get_checked(job.optimized.provider_input))
        body = request_body(
            backend=machine.provider_name, shots=job.submitted.shots, token=token, circuit_input=circuit
        )
        intention = ExecutionIntended(
            attempt=job.attempt,
            n=n,
            token=token,
            provider_backend=machine.provider_name,
            request=self.objects.put("requests", body, "application/json"),
            calibration=self._calibration(machine),
        )
        return intention, body

    def _calibration(self, machine: Backend) -> StoredObject | None:
        if machine.type == "simulator":
            return None
        snapshot = self.provider.characterization(machine.provider_name)
        return self.objects.put("calibrations", snapshot.raw, "application/json") if snapshot else None

    def _look(self, job: Job) -> Job:
        for pause in FIRST_LOOKS_S:
            self.sleep(pause)
            try:
                found = self.provider.jobs([str(job.provider_job_id)])
                at_provider = found.get(str(job.provider_job_id))
                if at_provider and at_provider.status in ENDED:
                    return self.collector.settle(job, at_provider)
            except ProviderUnavailable:
                break
        return job


def _facts(newest: Job, answer: Sequence[EventData]) -> Sequence[EventData]:
    """What the provider answered, and the failure it means unless the job has ended meanwhile."""
    return [data for data in answer if not (newest.terminal and isinstance(data, JobFailed))]


def _refused(job: Job, n: int, refusal: ProviderRefused) -> list[EventData]:
    facts: list[EventData] = [
        ExecutionRefused(n=n, code=refusal.code, message=refusal.message, retryable=refusal.retryable)
    ]
    if not refusal.retryable:
        facts.append(
            JobFailed(
                attempt=job.attempt,
                step="execute",
                code=refusal.code,
                message=f"IonQ refused the circuit, nothing was run or charged: {refusal.message}",
                retryable=False,
            )
        )
    return facts
