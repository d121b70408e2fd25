"""Answers about jobs and batches as types, for the document and the tests."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from qcos.http.requests import BATCH_ID, JOB_ID
from qcos.http.schemas import BUNDLE_ID
from qcos.models import Digest, Metrics, Mode, Status, Verification


class Accepted(BaseModel):
    """A job that now exists."""

    job_id: str = Field(examples=[JOB_ID])
    status: Status = Field(examples=["queued"])
    estimated_time: int = Field(description="Seconds until its result is expected", examples=[30])


class Results(BaseModel):
    """What was measured. The leftmost character of a bit string is the highest classical bit, as Qiskit prints it."""

    counts: dict[str, int] | None = Field(examples=[{"00": 512, "11": 512}], description="Null: see url")
    probabilities: dict[str, float] | None = Field(examples=[{"00": 0.5, "11": 0.5}], description="Null: see url")
    source: Literal["measured", "exact_probabilities"] | None = Field(
        description="measured: shots were counted; exact_probabilities: an ideal simulation, counts are derived"
    )
    shots: int
    memory: list[str] | None = Field(
        description="The outcome of every shot in order, where options.memory asked for it and shots were drawn"
    )
    url: str | None = Field(
        description="Where counts, probabilities, source and shots are, when they are over 4 MB; for 15 minutes"
    )
    memory_url: str | None = Field(description="Where memory is, when it is too long to be answered; for 15 minutes")
    truncated: Literal[False] = Field(description="Nothing is ever cut off")


class Cancelled(BaseModel):
    """A job that was cancelled."""

    job_id: str = Field(examples=[JOB_ID])
    status: Status = Field(examples=["cancelled"])


class Retried(BaseModel):
    """A job with another attempt under way."""

    job_id: str = Field(examples=[JOB_ID])
    status: Status = Field(examples=["queued"])
    attempt: int = Field(examples=[2])


class BatchAccepted(BaseModel):
    """A batch that now exists, with its jobs in the order of its circuits."""

    batch_id: str = Field(examples=[BATCH_ID])
    job_ids: list[str] = Field(examples=[["job_1", "job_2"]])
    status: Literal["processing"]


BatchStatus = Literal["processing", "completed", "partial", "failed"]


class BatchJob(BaseModel):
    """What became of one circuit of a batch."""

    index: int = Field(description="Its place in the batch, from 0")
    job_id: str
    status: Status
    name: str | None
    completed_at: str | None
    error_code: str | None = Field(description="Why it failed")


class BatchDetail(BaseModel):
    """A batch: processing until every job has ended, then completed, partial, or failed when none completed."""

    batch_id: str = Field(examples=[BATCH_ID])
    status: BatchStatus
    created_at: str
    job_ids: list[str]
    counts: dict[Status, int] = Field(description="Jobs by status", examples=[{"completed": 1, "running": 1}])
    jobs: list[BatchJob]


class BatchCancelled(BaseModel):
    """What the jobs of a batch are after cancelling those that had not ended."""

    batch_id: str = Field(examples=[BATCH_ID])
    status: BatchStatus
    counts: dict[Status, int]
    jobs: list[Cancelled]


class StatsDetail(BaseModel):
    """What the account has done so far."""

    total_jobs: int = Field(description="Submissions; a batch is one", examples=[1523])
    total_circuits: int = Field(examples=[4891])
    avg_reduction: float = Field(description="Mean reduction of depth, percent", examples=[34.7])
    evaluations_used: int = Field(description="This month", examples=[45230])
    evaluations_limit: int = Field(description="A month, by the plan", examples=[50000])
    month: str = Field(description="The calendar month (UTC) that evaluations count in", examples=["2026-02"])
    by_status: dict[Status, int] = Field(description="Jobs by status")


class BeforeAfter(BaseModel):
    """The same figure of the plain lowering and of what runs."""

    original: int
    optimized: int


class CircuitMetrics(Metrics):
    """Cost in native gates; the sum of entangling angles also in turns."""

    entangling_angle_turns: float


class MetricsBySource(BaseModel):
    """``original`` is the plain lowering (level 0), ``optimized`` what runs, ``literal`` the SDK's lowering."""

    original: CircuitMetrics
    optimized: CircuitMetrics
    literal: CircuitMetrics


class JobError(BaseModel):
    """Why a job failed or is held, and what to do."""

    code: str
    message: str
    retryable: bool
    step: str


class Estimate(BaseModel):
    """What running the circuit would cost and take, as IonQ estimates it; null where it does not say."""

    cost_usd: str | None = Field(examples=["1.23"], description="US dollars, decimal text")
    execution_ms: int | None
    queue_ms: int | None


class Optimization(BaseModel):
    """A job's status and results; null is what is not known yet."""

    job_id: str = Field(examples=[JOB_ID])
    status: Status = Field(examples=["completed"])
    original_depth: int | None = Field(examples=[45])
    optimized_depth: int | None = Field(examples=[28])
    reduction_percent: float | None = Field(examples=[37.8])
    results: Results | None
    evidence_bundle_id: str | None = Field(examples=[BUNDLE_ID])
    backend: str = Field(examples=["ionq_simulator"])
    shots: int = Field(examples=[1024])
    created_at: str
    completed_at: str | None
    two_qubit_gates: BeforeAfter | None
    two_qubit_depth: BeforeAfter | None
    metrics: MetricsBySource | None
    verification: Verification | None
    strategy: str | None
    provider_job_id: str | None
    error: JobError | None
    name: str | None
    tags: list[str]
    batch_id: str | None
    attempt: int = Field(description="From 1; a retry opens the next", examples=[1])
    dry_run: bool
    estimate: Estimate | None = Field(description="Of a dry run that has ended")
    evaluations: int = Field(description="Charged for this attempt and not given back", examples=[13])
    cost_usd: str | None = Field(
        examples=["1.23"], description="What IonQ charged, US dollars as decimal text; null while it does not say"
    )


class Options(BaseModel):
    """A job's options, defaults applied."""

    optimization_level: int
    evidence: bool
    pqc_signing: bool
    memory: bool
    mode: Mode
    max_cost_usd: str | None = Field(examples=["12.5"], description="US dollars, decimal text")


class CircuitInfo(BaseModel):
    """The submitted circuit."""

    digest: Digest
    qubits: int
    operations: int


class Timing(BaseModel):
    """When what happened; the provider's own times as it gave them."""

    submitted_at: str
    execution_intended_at: str | None
    executed_at: str | None
    completed_at: str | None
    provider_submitted_at: str | None
    provider_started_at: str | None
    provider_completed_at: str | None
    execution_duration_ms: int | None


class JobDetail(Optimization):
    """Everything known of a job."""

    options: Options
    circuit: CircuitInfo
    candidates: int | None = Field(description="Circuits that the optimizer made and compared")
    timing: Timing
    cost_microdollars: int | None
    event_count: int = Field(description="Number of events in the job's log")


class JobLine(BaseModel):
    """One line of the job list."""

    job_id: str = Field(examples=[JOB_ID])
    status: Status = Field(examples=["completed"])
    created_at: str = Field(examples=["2026-02-06T12:00:00.000Z"])
    completed_at: str | None = Field(examples=["2026-02-06T12:00:30.000Z"])
    backend: str
    shots: int
    name: str | None
    tags: list[str]
    batch_id: str | None
    error_code: str | None = Field(description="Why it failed")


class Pagination(BaseModel):
    """Where a list stands in the whole."""

    total: int = Field(examples=[150])
    total_capped: bool = Field(description="There are more than total: it was not counted further")
    limit: int = Field(examples=[20])
    offset: int = Field(examples=[0])
    next_cursor: str | None = Field(description="Send it as cursor for the jobs after these; null at the end")


class JobList(BaseModel):
    """Part of the job list, newest first."""

    jobs: list[JobLine]
    pagination: Pagination


class EventEntry(BaseModel):
    """One event. ``hash`` is SHA-256 over a zero byte and the RFC 8785 JSON of all the other fields."""

    event_id: str
    tenant: str
    stream_id: str
    version: int
    type: str
    schema_version: int
    occurred_at: str
    correlation_id: str
    causation_id: str | None
    actor: str
    prev_hash: str
    data: dict[str, Any]
    hash: str


class EventLog(BaseModel):
    """A job's whole log, oldest first."""

    job_id: str
    events: list[EventEntry]
