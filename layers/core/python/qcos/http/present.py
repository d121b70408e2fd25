"""Jobs, batches and keys as the API shows them: pure functions of what is stored, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from qcos.events import Event
from qcos.job import Job
from qcos.models import Metrics, moment, reduction_percent
from qcos.ports import ApiKey
from qcos.service.batches import Batch
from qcos.views import JobPage, JobRow

MICROTURNS = 1_000_000
DIGITS = 12
"""Significant digits of a probability: a simulation's doubles carry rounding errors of about 1e-13 behind them."""


def optimization(job: Job, results: Mapping[str, Any] | None) -> dict[str, Any]:
    """The contract's status-and-results answer and what belongs beside it; None is what is not known yet.

    ``results`` is what :meth:`qcos.service.jobs.Jobs.results` says of the job, None before execution.
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
        "name": job.submitted.name,
        "tags": list(job.submitted.tags),
        "batch_id": job.submitted.batch_id,
        "attempt": job.attempt,
        "dry_run": job.submitted.dry_run,
        "estimate": _estimate(job),
        "evaluations": job.evaluations,
        "cost_usd": dollars(job.execution.cost_microdollars) if job.execution else None,
    }


def detail(job: Job, results: Mapping[str, Any] | None) -> dict[str, Any]:
    """Everything :func:`optimization` says, and the job's options, circuit size, timing and length of its log."""
    submitted, execution = job.submitted, job.execution
    return optimization(job, results) | {
        "options": {
            "optimization_level": submitted.options.optimization_level,
            "evidence": submitted.options.evidence,
            "pqc_signing": submitted.options.pqc_signing,
            "memory": submitted.options.memory,
            "mode": submitted.options.mode,
            "max_cost_usd": dollars(submitted.options.max_cost_microdollars),
        },
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
        "name": line.name,
        "tags": list(line.tags),
        "batch_id": line.batch_id,
        "error_code": line.error_code,
    }


def page(jobs: JobPage, limit: int, offset: int) -> dict[str, Any]:
    """Part of the job list and where it stands in the whole."""
    return {
        "jobs": [row(line) for line in jobs.rows],
        "pagination": {
            "total": jobs.total,
            "total_capped": jobs.total_capped,
            "limit": limit,
            "offset": offset,
            "next_cursor": jobs.cursor,
        },
    }


def batch(found: Batch) -> dict[str, Any]:
    """A batch and what became of each of its circuits; a job that no list shows yet is queued."""
    rows = {line.job_id: line for line in found.rows}
    return {
        "batch_id": found.batch_id,
        "status": found.status,
        "created_at": found.created_at,
        "job_ids": list(found.job_ids),
        "counts": found.counts,
        "jobs": [_part(index, job_id, rows.get(job_id)) for index, job_id in enumerate(found.job_ids)],
    }


def _part(index: int, job_id: str, line: JobRow | None) -> dict[str, Any]:
    return {
        "index": index,
        "job_id": job_id,
        "status": line.status if line else "queued",
        "name": line.name if line else None,
        "completed_at": line.completed_at if line else None,
        "error_code": line.error_code if line else None,
    }


def cancelled_batch(batch_id: str, statuses: Mapping[str, str]) -> dict[str, Any]:
    """A batch after cancelling it; ``statuses`` is what each job then is, in the batch's order."""
    counts = dict(Counter(statuses.values()))
    return {
        "batch_id": batch_id,
        "status": Batch(batch_id, "", tuple(statuses), (), counts).status,
        "counts": counts,
        "jobs": [{"job_id": job_id, "status": status} for job_id, status in statuses.items()],
    }


def key(stored: ApiKey, now: datetime) -> dict[str, Any]:
    """An API key without its secret, and whether it is still good."""
    expired = stored.expires_at is not None and moment(stored.expires_at) <= now
    return {
        "key_id": stored.public_id,
        "name": stored.name,
        "scopes": list(stored.scopes),
        "status": "revoked" if stored.revoked_at else "expired" if expired else "active",
        "created_at": stored.created_at,
        "expires_at": stored.expires_at,
        "revoked_at": stored.revoked_at,
        "last_used_at": stored.last_used_at,
    }


def dollars(microdollars: int | None) -> str | None:
    """US dollars as decimal text, no digit lost: 1230000 is ``1.23``."""
    return None if microdollars is None else format(Decimal(microdollars).scaleb(-6).normalize(), "f")


def event(entry: Event) -> dict[str, Any]:
    """An event as it is stored, and its hash, which is over the RFC 8785 bytes of all the other members."""
    return entry.document | {"hash": entry.hash}


def _results(stored: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if stored is None:
        return None
    shown = ("counts", "source", "shots", "memory", "url", "memory_url")
    shares = stored["probabilities"]
    shown_shares = shares and {outcome: float(f"{share:.{DIGITS}g}") for outcome, share in shares.items()}
    return {name: stored[name] for name in shown} | {"probabilities": shown_shares, "truncated": False}


def _estimate(job: Job) -> dict[str, Any] | None:
    found = job.estimated
    if found is None:
        return None
    cost = dollars(found.cost_microdollars)
    return {"cost_usd": cost, "execution_ms": found.execution_ms, "queue_ms": found.queue_ms}


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
