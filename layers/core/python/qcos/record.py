"""What a job's evidence bundle says, as a pure function of the job. Integers and text only."""

from __future__ import annotations

from typing import Any

from qcos.job import Job, bundle_id


def evidence_record(job: Job, issuer: str, created_at: str) -> dict[str, Any]:
    """The unsigned content of the bundle of a job that ran: the contract's fields and what binds them together.

    Raises:
        ValueError: the job has not run.
    """
    if job.optimized is None or job.intended is None or job.execution is None:
        raise ValueError(f"{job.job_id}: only a job that ran has evidence")
    optimized, intended, execution = job.optimized, job.intended, job.execution
    proof: dict[str, Any] = {
        "backend": job.submitted.backend,
        "provider_backend": intended.provider_backend,
        "shots": job.submitted.shots,
        "timestamp": job.executed_at,
        "provider_job_id": execution.provider_job_id,
        "submission": intended.n,
        "native_circuit_hash": optimized.provider_input.digest,
        "request_hash": intended.request.digest,
        "result_hash": execution.result.digest,
        "raw_result_hash": execution.raw.digest,
    }
    known_to_some_providers = {
        "calibration_hash": intended.calibration.digest if intended.calibration else None,
        "memory_hash": execution.memory.digest if execution.memory else None,
        "provider_submitted_at": execution.provider_submitted_at,
        "provider_started_at": execution.provider_started_at,
        "provider_completed_at": execution.provider_completed_at,
        "execution_duration_ms": execution.execution_duration_ms,
    }
    proof |= {name: value for name, value in known_to_some_providers.items() if value is not None}
    return {
        "bundle_id": bundle_id(job),
        "created_at": created_at,
        "issuer": issuer,
        "job_id": job.job_id,
        "attempt": job.attempt,
        "circuit_hash": job.submitted.circuit.digest,
        "circuit_format": job.submitted.circuit_format,
        "optimized_circuit_hash": optimized.optimized.digest,
        "execution_proof": proof,
        "equivalence": {
            **optimized.verification.model_dump(mode="json"),
            # Without a proof that can be gone through again: the optimizer's report, every candidate and how the chosen
            # one was tested.
            "certificate_hash": (optimized.certificate or optimized.report).digest,
        },
        "optimization": {
            "level": job.submitted.options.optimization_level,
            "mode": job.submitted.options.mode,
            "strategy": optimized.strategy,
            "metrics": optimized.metrics.model_dump(mode="json"),
        },
        "software": dict(optimized.versions),
    }
