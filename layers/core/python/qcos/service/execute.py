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
from qcos.events import (
    EventData,
    ExecutionEstimated,
    ExecutionIntended,
    ExecutionRefused,
    ExecutionSubmitted,
    JobCompleted,
    JobFailed,
)
from qcos.job import Job, execution_token, failure
from qcos.models import StoredObject
from qcos.ports import LimitReached, ObjectStore
from qcos.provider import Estimate, Provider, ProviderRefused, ProviderUnavailable, ProviderUnknown
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

    def __call__(self, tenant: str, job_id: str, attempt: int) -> dict[str, str]:
        """Do the step if it is this attempt's turn; ``{"outcome": "done" | "pending" | "failed" | "ended"}``.

        ``ended``: a dry run, which is complete without running.

        Raises:
            TryAgain: the provider said no for now.
            ProviderUnavailable: the price or the calibration could not be read; nothing was sent.
        """
        job, _ = self.log.load(tenant, job_id)
        if job.attempt != attempt or job.terminal or job.held or job.optimized is None:
            return {"outcome": "failed"}
        if job.submitted.dry_run:
            return self._estimate_only(job)
        if job.may_submit:
            job = self._submit(job)
        if job.provider_job_id and job.execution is None and not job.terminal:
            job = self._look(job)
        if job.terminal or job.held:
            return {"outcome": "failed"}
        return {"outcome": "done" if job.execution else "pending"}

    def _estimate_only(self, job: Job) -> dict[str, str]:
        machine = backend(job.submitted.backend)
        price = self._price(job, machine)
        estimated = ExecutionEstimated(
            provider_backend=machine.provider_name,
            cost_microdollars=price.cost_microdollars,
            execution_ms=price.execution_ms,
            queue_ms=price.queue_ms,
        )

        def end(newest: Job) -> Sequence[EventData]:
            over = newest.terminal or newest.attempt != job.attempt
            return [] if over else [estimated, JobCompleted(attempt=job.attempt)]

        self.log.decide(job.tenant, job.job_id, step_origin("execute", job), end)
        return {"outcome": "ended"}

    def _submit(self, job: Job) -> Job:
        origin = step_origin("execute", job)
        machine = backend(job.submitted.backend)
        cost = 0
        if machine.paid:
            price = self._price(job, machine).cost_microdollars
            too_dear = _too_dear(job, price)
            if too_dear or price is None:
                return self._refuse(job, too_dear)
            cost = price
        intention, body = self._prepare(job, machine, cost)

        def intend(newest: Job) -> Sequence[EventData]:
            mine = newest.attempt == job.attempt and newest.next_intention == intention.n
            return [intention] if mine and newest.may_submit else []

        try:
            intended = self.log.decide(job.tenant, job.job_id, origin, intend)
        except LimitReached as reached:
            return self._refuse(job, _over_the_tenants_limit(job, cost, reached.charge.limit or 0))
        return self._send(intended.job, intention.n, body) if intended.appended else intended.job

    def _refuse(self, job: Job, failed: JobFailed | None) -> Job:
        """End the job with ``failed``, unless it has ended or somebody has sent it meanwhile."""

        def decision(newest: Job) -> Sequence[EventData]:
            return [failed] if failed and newest.may_submit else []

        return self.log.decide(job.tenant, job.job_id, step_origin("execute", job), decision).job

    def _send(self, job: Job, n: int, body: bytes) -> Job:
        """The one POST, by the process whose intention was appended."""
        origin = step_origin("execute", job)
        answer: list[EventData]
        try:
            answer = [ExecutionSubmitted(n=n, provider_job_id=self.provider.submit(body))]
        except ProviderUnknown:
            return job
        except ProviderRefused as refusal:
            answer = _refused(job, n, refusal)
            job = self.log.decide(job.tenant, job.job_id, origin, lambda _: answer).job
            if refusal.retryable:
                raise TryAgain(refusal.message) from None
            return job
        return self.log.decide(job.tenant, job.job_id, origin, lambda _: answer).job

    def _prepare(self, job: Job, machine: Backend, cost: int) -> tuple[ExecutionIntended, bytes]:
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
            estimated_cost_microdollars=cost,
        )
        return intention, body

    def _price(self, job: Job, machine: Backend) -> Estimate:
        if job.optimized is None:
            raise ValueError(f"{job.job_id}: nothing to price")
        metrics = job.optimized.metrics.optimized
        return self.provider.estimate(
            machine.provider_name,
            qubits=job.submitted.qubits,
            shots=job.submitted.shots,
            one_qubit_gates=metrics.one_qubit_gates,
            two_qubit_gates=metrics.two_qubit_gates,
        )

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


def _refused(job: Job, n: int, refusal: ProviderRefused) -> list[EventData]:
    facts: list[EventData] = [
        ExecutionRefused(n=n, code=refusal.code, message=refusal.message, retryable=refusal.retryable)
    ]
    if not refusal.retryable:
        message = f"IonQ did not take the job, so nothing was run or charged: {refusal.message.rstrip('.')}. "
        ours = refusal.code in _FOR_THE_OPERATOR
        message += "Retry it when that has been put right." if ours else "Retrying cannot help: change the circuit."
        facts.append(failure(job, "execute", refusal.code, message, retryable=ours))
    return facts


_FOR_THE_OPERATOR = frozenset(
    {"PROVIDER_UNAUTHORIZED", "PROVIDER_QUOTA_EXHAUSTED", "PROVIDER_FORBIDDEN", "PROVIDER_NOT_FOUND"}
)
"""Refusals that are about the account and not about the circuit."""


def _too_dear(job: Job, price: int | None) -> JobFailed | None:
    """The failure of a job that must not be sent at that price, or None."""
    if price is None:
        message = "IonQ states no price for this job, so it was not sent and nothing was charged. Retry it later."
        return failure(job, "execute", "COST_UNKNOWN", message, retryable=True)
    cap = job.submitted.options.max_cost_microdollars
    if cap is None or price <= cap:
        return None
    message = (
        f"IonQ estimates {dollars(price)}, over this job's max_cost_usd of {dollars(cap)}. It was not sent and nothing "
        "was charged. Submit it with fewer shots or a higher limit."
    )
    return failure(job, "execute", "COST_LIMIT_EXCEEDED", message, retryable=False)


def _over_the_tenants_limit(job: Job, cost: int, limit: int) -> JobFailed:
    message = (
        f"IonQ estimates {dollars(cost)}, which would pass the plan's {dollars(limit)} a month. It was not sent and "
        "nothing was charged. Retry it next month, or ask for a higher limit."
    )
    return failure(job, "execute", "SPEND_LIMIT_EXCEEDED", message, retryable=True)


def dollars(microdollars: int) -> str:
    """``$1,234.56``, rounded up to whole cents."""
    cents = -(-microdollars // 10_000)
    return f"${cents // 100:,}.{cents % 100:02d}"
