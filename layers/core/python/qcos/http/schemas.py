"""Requests and answers as types: requests are refused by them, answers are documented and tested by them."""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from qcos.models import Digest, Metrics, Status, Verification
from qcos.ports import BundleForm

T = TypeVar("T")

BELL = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\nh q[0];\ncx q[0],q[1];'
JOB_ID = "job_xyz789"
BUNDLE_ID = "ev_abc123"

# --- requests ----------------------------------------------------------------------------------------------


class Body(BaseModel):
    """A request body: exact types, no field that is not documented."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class OptimizeOptions(Body):
    """How a circuit is to be optimized and what is to be kept of it."""

    optimization_level: int = Field(2, ge=0, le=3, description="0 (plain lowering) to 3 (every strategy)")
    evidence: bool = Field(False, description="Sign an evidence bundle when the job completes")
    pqc_signing: bool = Field(True, description="Sign with ML-DSA-65; false signs with Ed25519")


class OptimizeRequest(Body):
    """A circuit to optimize and run."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "qasm": BELL,
                    "backend": "ionq_simulator",
                    "shots": 1024,
                    "options": {"optimization_level": 2, "evidence": True, "pqc_signing": True},
                }
            ]
        }
    )

    qasm: str = Field(min_length=1, description="The circuit, OpenQASM 2; without measurements all qubits are measured")
    backend: str = Field(min_length=1, max_length=64, description="Backend id, as GET /api/v2/backends lists them")
    shots: int = Field(1024, ge=1, le=100_000, description="Number of shots")
    options: OptimizeOptions = Field(default_factory=lambda: OptimizeOptions.model_validate({}))


def _object_or_text(value: Any, as_object: ValidatorFunctionWrapHandler) -> Any:
    return value if isinstance(value, str) else as_object(value)


class VerifyRequest(Body):
    """An evidence bundle to judge, as GET /api/v2/evidence/{bundle_id} or its export gave it."""

    bundle: Annotated[
        dict[str, Any],
        WrapValidator(_object_or_text),
        WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "string", "contentEncoding": "base64"}]}),
    ] = Field(
        description="The bundle, unchanged (the order of its fields does not matter); "
        "or, as text, a JSON, CBOR, COSE or PDF file in base64"
    )
    expected_job_id: str | None = Field(
        None, min_length=1, max_length=128, description="The job it must be of", examples=[JOB_ID]
    )
    expected_circuit_hash: Digest | None = Field(None, description="The hash its submitted circuit must have")


class ExportQuery(BaseModel):
    """How to export a bundle."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    format: BundleForm = Field("json", description="The form; one signature serves them all")


def _decimal(value: Any) -> Any:
    """Only plain digits: pydantic would also take ``1_0`` and ``1.0``."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19 else value


Number = Annotated[int, Field(strict=True), BeforeValidator(_decimal)]


class JobsQuery(BaseModel):
    """Which jobs to list."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    status: Status | None = Field(None, description="Only jobs of this status")
    limit: Number = Field(20, ge=1, le=100, description="At most so many jobs")
    offset: Number = Field(0, ge=0, le=10_000, description="Skip so many of the newest jobs")


# --- answers -----------------------------------------------------------------------------------------------


class Success(BaseModel, Generic[T]):
    """The envelope of every successful answer."""

    success: Literal[True]
    data: T


class ErrorDetail(BaseModel):
    """One place that is wrong. ``line`` and ``column`` (from 1) come with INVALID_CIRCUIT."""

    field: str
    message: str | None = None
    rule: str | None = None
    line: int | None = None
    column: int | None = None


class Error(BaseModel):
    """What went wrong: ``code`` for programs, ``message`` for people, ``details`` for the places."""

    code: str
    message: str
    details: list[ErrorDetail]
    request_id: str
    retryable: bool = Field(description="Whether the same request may succeed later")


class Failure(BaseModel):
    """The envelope of every error."""

    success: Literal[False]
    error: Error


class Accepted(BaseModel):
    """A job that now exists."""

    job_id: str = Field(examples=[JOB_ID])
    status: Status = Field(examples=["queued"])
    estimated_time: int = Field(description="Seconds until its result is expected", examples=[30])


class Results(BaseModel):
    """What was measured. The leftmost character of a bit string is the highest classical bit, as Qiskit prints it."""

    counts: dict[str, int] = Field(examples=[{"00": 512, "11": 512}])
    probabilities: dict[str, float] = Field(examples=[{"00": 0.5, "11": 0.5}])
    source: Literal["measured", "exact_probabilities"] = Field(
        description="measured: shots were counted; exact_probabilities: an ideal simulation, counts are derived"
    )
    shots: int


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


class Options(BaseModel):
    """A job's options, defaults applied."""

    optimization_level: int
    evidence: bool
    pqc_signing: bool


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

    attempt: int
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


class Pagination(BaseModel):
    """Where a list stands in the whole."""

    total: int = Field(examples=[150])
    limit: int = Field(examples=[20])
    offset: int = Field(examples=[0])


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


class BackendLine(BaseModel):
    """A backend and its live state."""

    id: str = Field(examples=["ionq_simulator"])
    name: str = Field(examples=["IonQ Simulator"])
    type: Literal["simulator", "hardware"]
    qubits: int = Field(examples=[29])
    status: str = Field(examples=["online"], description="online, offline, or retired (no longer offered)")
    queue_depth: int = Field(examples=[5])
    queue_depth_basis: str = Field(description="What queue_depth counts")
    average_queue_time_ms: int | None = Field(description="The provider's figure, null where it states none")
    degraded: bool
    last_updated: str | None


class BackendList(BaseModel):
    """Every backend of the catalogue."""

    backends: list[BackendLine]


class BackendDetail(BackendLine):
    """A backend with its gates and quality."""

    native_gates: list[str] = Field(examples=[["GPI", "GPI2", "MS"]])
    connectivity: str = Field(examples=["all-to-all"])
    average_fidelity: float | None = Field(examples=[0.997])


class Calibration(BaseModel):
    """A backend's newest characterisation; fidelities from 0 to 1, null where the provider states none."""

    backend_id: str = Field(examples=["ionq_aria"])
    timestamp: str | None = Field(examples=["2026-02-06T10:00:00Z"])
    single_qubit_fidelity: float | None = Field(examples=[0.9995])
    two_qubit_fidelity: float | None = Field(examples=[0.997])
    readout_fidelity: float | None = Field(examples=[0.998])
    source: str | None = Field(description="provider (measured), ideal (a simulator without errors), or null")


class ExecutionProof(BaseModel):
    """What ran, where and when."""

    backend: str
    shots: int
    timestamp: str


class Signatures(BaseModel):
    """The signature over everything else in the bundle."""

    algorithm: Literal["ML-DSA-65", "Ed25519"]
    key_id: str
    signature: str


class Bundle(BaseModel):
    """A signed evidence bundle; fields beside these are signed too."""

    bundle_id: str = Field(examples=[BUNDLE_ID])
    version: str = Field(examples=["3.0"])
    created_at: str
    circuit_hash: str
    execution_proof: ExecutionProof
    signatures: Signatures


class Checks(BaseModel):
    """What was checked, and how it ended."""

    signature: str = Field(examples=["valid"])
    hash: str = Field(examples=["valid"])
    timestamp: str = Field(examples=["valid"])


class VerdictReason(BaseModel):
    """Why a check did not come out valid."""

    check: str
    code: str
    message: str


class Verdict(BaseModel):
    """The verdict on a bundle; what it says of itself is to be believed only if it is valid."""

    valid: bool
    checks: Checks
    reasons: list[VerdictReason]
    bundle_id: str | None
    job_id: str | None
    created_at: str | None
    bundle_hash: str | None
    form: BundleForm | None = Field(description="The form it came in")
    page: Literal["matches", "differs", "not_checked"] | None = Field(
        description="Of a PDF, whether its page is the one that its attachments make"
    )


class EventProof(BaseModel):
    """That an event is in the tree whose root a bundle holds; checked as RFC 9162 section 2.1.3.2 says."""

    bundle_id: str = Field(examples=[BUNDLE_ID])
    job_id: str = Field(examples=[JOB_ID])
    version: int = Field(description="The event's version in the job's log, from 1", examples=[3])
    tree: Literal["RFC9162_SHA256"]
    leaf: str = Field(description="The event's hash, which is its leaf hash")
    index: int = Field(description="The leaf's place in the tree, from 0", examples=[2])
    size: int = Field(description="Number of leaves", examples=[8])
    path: list[str] = Field(description="The siblings from the leaf up to the root")
    root: str = Field(description="Must be the bundle's event_log.root_hash")


class Health(BaseModel):
    """That the API answers."""

    status: Literal["ok"]


class SystemStatus(BaseModel):
    """How the service and its backends are."""

    api: str = Field(examples=["operational"])
    backends: dict[str, str] = Field(examples=[{"ionq_simulator": "online", "ionq_aria": "online"}])
    provider: str = Field(description="operational, or unreachable: then every backend is unknown")
    queue_depth: int = Field(examples=[17])
    avg_response_time_ms: int = Field(
        examples=[45], description="Mean over the latest requests that this instance of the function answered"
    )


class KeySet(BaseModel):
    """A JWK set (RFC 7517): every public key that ever signed evidence here."""

    keys: list[dict[str, Any]]
