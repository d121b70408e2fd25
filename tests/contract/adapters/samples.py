"""Streams and rows to store: real events, made by the code that makes them in the service."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

from qcos.events import (
    Event,
    EventData,
    ExecutionHeld,
    ExecutionIntended,
    ExecutionSubmitted,
    JobCompleted,
    JobFailed,
    JobSubmitted,
    Origin,
    TranspileStarted,
    chain,
)
from qcos.models import Options, StoredObject, sha3_256

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TENANT = "acme"
CIRCUIT = StoredObject(digest=sha3_256(b"circuit"), key="circuits/1")

SUBMITTED = JobSubmitted(
    circuit=CIRCUIT,
    backend="ionq_simulator",
    shots=1024,
    options=Options(optimization_level=2, evidence=True, pqc_signing=True),
    qubits=3,
    operations=7,
    request_hash=sha3_256(b"request"),
)
STARTED = TranspileStarted(attempt=1)
INTENDED = ExecutionIntended(attempt=1, n=1, token="qcos-1", provider_backend="simulator", request=CIRCUIT)
COURSES: tuple[tuple[EventData, ...], ...] = (
    (SUBMITTED,),
    (SUBMITTED, STARTED, JobFailed(attempt=1, step="transpile", code="X", message="über 1/√2", retryable=False)),
    (SUBMITTED, STARTED, INTENDED, ExecutionHeld(n=1, reason="no answer")),
    (SUBMITTED, STARTED, INTENDED, ExecutionSubmitted(n=1, provider_job_id="p-1"), JobCompleted(attempt=1)),
)
"""What can happen to a job, by the statuses its row goes through."""


def extend(
    log: Sequence[Event], *data: EventData, stream: str = "job-1", tenant: str = TENANT, at: int = 0
) -> list[Event]:
    """New events after ``log``, ``at`` seconds after the start of time here."""
    return chain(tenant, stream, log, data, Origin("key:k", "corr-1"), START + timedelta(seconds=at))


def large(size: int) -> JobFailed:
    """Event data of somewhat more than ``size`` bytes."""
    return JobFailed(attempt=1, step="sign", code="X", message="x" * size, retryable=False)


def race(calls: Sequence[Any]) -> list[Any]:
    """Start all ``calls`` at once, each in its thread; what each returned, or the exception it raised."""
    barrier = Barrier(len(calls))

    def run(call: Any) -> Any:
        barrier.wait()
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - the loser's exception is the result under test
            return error

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))
