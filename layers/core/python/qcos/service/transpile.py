"""Workflow step: optimize the circuit, verified, and store what will be sent to the provider."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qcos.backends import backend
from qcos.errors import InvalidCircuit
from qcos.events import CircuitOptimized, EventData, JobFailed, TranspileStarted
from qcos.job import Job, failure
from qcos.library import Optimize
from qcos.models import Metrics, MetricsTable, StoredObject, Verification
from qcos.ports import ObjectStore
from qcos.service.log import JobLog, step_origin

SECONDS = {0: 120.0, 1: 120.0, 2: 120.0, 3: 840.0}
"""What one circuit may take at each level; the function's own timeout is a little longer than the longest."""


@dataclass(frozen=True)
class Transpile:
    """Turn the stored circuit into a verified, better, native one."""

    log: JobLog
    objects: ObjectStore
    optimize: Optimize

    def __call__(self, tenant: str, job_id: str, attempt: int) -> dict[str, str]:
        """Do the step if it is this attempt's turn; ``{"outcome": "done" | "failed"}``."""
        job, _ = self.log.load(tenant, job_id)
        if job.attempt != attempt:
            return {"outcome": "failed"}
        origin = step_origin("transpile", job)
        job = self.log.decide(tenant, job_id, origin, _start).job
        if job.terminal:
            return {"outcome": "failed"}
        if job.optimized is None:
            found = self._search(job)
            job = self.log.decide(tenant, job_id, origin, lambda newest: _record(newest, attempt, found)).job
        return {"outcome": "failed" if job.terminal or job.attempt != attempt else "done"}

    def _search(self, job: Job) -> CircuitOptimized | JobFailed:
        source = self.objects.get_checked(job.submitted.circuit).decode()
        target = backend(job.submitted.backend).target
        try:
            options = job.submitted.options
            level = options.optimization_level
            report = self.optimize(source, target, level, mode=options.mode, seconds=SECONDS[level])
        except InvalidCircuit as refusal:
            code = "CIRCUIT_TOO_COMPLEX" if refusal.rule == "too_complex" else refusal.code
            return failure(job, "transpile", code, refusal.message, retryable=False)
        return self._store(job, report)

    def _store(self, job: Job, report: dict[str, Any]) -> CircuitOptimized:
        provider_input = self._put_json("ionq", report.pop("ionq_input"))
        optimized = self._put_text(report.pop("qasm2"))
        qasm3 = report.pop("qasm3", None)
        certificate = report.pop("certificate", None)
        metrics = {name: Metrics.model_validate(value) for name, value in report["metrics"].items()}
        proof = report["verification"]
        return CircuitOptimized(
            attempt=job.attempt,
            strategy=report["strategy"],
            candidates=len(report["candidates"]),
            metrics=MetricsTable(**metrics),
            verification=Verification(
                verdict=proof["verdict"],
                method=proof["method"],
                states=proof["states"],
                max_infidelity=f"{proof['max_infidelity']:.3e}",
            ),
            versions=report["versions"],
            optimized=optimized,
            provider_input=provider_input,
            report=self._put_json("reports", report),
            optimized_qasm3=self.objects.put("optimized", qasm3.encode(), "text/plain; charset=utf-8")
            if qasm3
            else None,
            certificate=self.objects.put("certificates", certificate.encode(), "application/json")
            if certificate
            else None,
        )

    def _put_text(self, circuit: str) -> StoredObject:
        return self.objects.put("optimized", circuit.encode(), "text/plain; charset=utf-8")

    def _put_json(self, kind: str, document: Any) -> StoredObject:
        text = json.dumps(document, separators=(",", ":"), sort_keys=True, allow_nan=False)
        return self.objects.put(kind, text.encode(), "application/json")


def _start(job: Job) -> Sequence[EventData]:
    return [TranspileStarted(attempt=job.attempt)] if job.status == "queued" else []


def _record(job: Job, attempt: int, found: CircuitOptimized | JobFailed) -> Sequence[EventData]:
    return [] if job.terminal or job.optimized or job.attempt != attempt else [found]
