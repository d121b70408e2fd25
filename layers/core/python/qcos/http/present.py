"""A job as the API shows it: pure functions of the folded log and the stored result, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qcos.events import Event
from qcos.job import Job
from qcos.models import Metrics, reduction_percent
from qcos.views import JobPage, JobRow

MICROTURNS = 1_000_000


def optimization(job: Job, results: Mapping[str, Any] | None) -> dict[str, Any]:
    """The contract's status-and-results answer and what belongs beside it; None is what is not known yet.

    ``results`` is the stored result document of the job, None before execution.
    """
    done = job.optimized
    table = done.metrics if done else None
    original, optimized = (table.original, table.optimized) if table else (None, None)
    return {
        "job_id": job.job_id,
        "status": job.status,
        "original_depth": original.depth if original else None,
        "optimized_depth": optimized.depth if optimized else None,
        "reduction_percent": reduction_percent(original.depth, optimized.depth) if original and optimized else None,
        "results": _results(results),
        "evidence_bundle_id": job.evidence.bundle_id if job.evidence else None,
        "backend": job.submitted.backend,
        "shots": job.submitted.shots,
        "created_at": job.created_at,
        "completed_at": job.completed_at,
        "two_qubit_gates": _before_after(original, optimized, "two_qubit_gates"),
        "two_qubit_depth": _before_after(original, optimized, "two_qubit_depth"),
        "metrics": {name: _metrics(getattr(table, name)) for name in ("original", "optimized", "literal")}
        if table
        else None,
        "verification": done.verification.model_dump(mode="json") if done else None,
        "strategy": done.strategy if done else None,
        "provider_job_id": job.provider_job_id,
        "error": _error(job),
    }


def detail(job: Job, results: Mapping[str, Any] | None) -> dict[str, Any]:
    """Everything :func:`optimization` says, and the job's options, circuit size, timing and length of its log."""
    submitted, execution = job.submitted, job.execution
    return optimization(job, results) | {
        "attempt": job.attempt,
        "options": submitted.options.model_dump(mode="json"),
        "circuit": {
            "digest": submitted.circuit.digest,
            "qubits": submitted.qubits,
            "operations": submitted.operations,
        },
        "candidates": job.optimized.candidates if job.optimized else None,
        "timing": {
            "submitted_at": job.created_at,
            "execution_intended_at": job.intended_at,
            "executed_at": job.executed_at,
            "completed_at": job.completed_at,
            "provider_submitted_at": execution.provider_submitted_at if execution else None,
            "provider_started_at": execution.provider_started_at if execution else None,
            "provider_completed_at": execution.provider_completed_at if execution else None,
            "execution_duration_ms": execution.execution_duration_ms if execution else None,
        },
        "cost_microdollars": execution.cost_microdollars if execution else None,
        "event_count": job.version,
    }


def row(line: JobRow) -> dict[str, Any]:
    """One line of the job list."""
    return {
        "job_id": line.job_id,
        "status": line.status,
        "created_at": line.created_at,
        "completed_at": line.completed_at,
        "backend": line.backend,
        "shots": line.shots,
    }


def page(jobs: JobPage, limit: int, offset: int) -> dict[str, Any]:
    """Part of the job list and where it stands in the whole."""
    return {
        "jobs": [row(line) for line in jobs.rows],
        "pagination": {"total": jobs.total, "limit": limit, "offset": offset},
    }


def event(entry: Event) -> dict[str, Any]:
    """An event as it is stored, and its hash, which is over the RFC 8785 bytes of all the other members."""
    return entry.document | {"hash": entry.hash}


def _results(stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {name: stored[name] for name in ("counts", "probabilities", "source", "shots")} if stored else None


def _metrics(metrics: Metrics) -> dict[str, Any]:
    turns = metrics.entangling_angle_microturns / MICROTURNS
    return metrics.model_dump(mode="json") | {"entangling_angle_turns": turns}


def _before_after(original: Metrics | None, optimized: Metrics | None, name: str) -> dict[str, Any] | None:
    if original is None or optimized is None:
        return None
    return {"original": getattr(original, name), "optimized": getattr(optimized, name)}


def _error(job: Job) -> dict[str, Any] | None:
    if job.failure:
        return {
            "code": job.failure.code,
            "message": job.failure.message,
            "retryable": job.failure.retryable,
            "step": job.failure.step,
        }
    if job.held:
        return {"code": "EXECUTION_HELD", "message": job.held.reason, "retryable": False, "step": "execute"}
    return None
