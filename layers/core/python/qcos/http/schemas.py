"""Answers as types: they are documented and tested by them, and never built from them."""

from __future__ import annotations

from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, Field

from qcos.http.requests import JOB_ID, KeyScope
from qcos.library import BundleForm

T = TypeVar("T")

BUNDLE_ID = "ev_abc123"


ErrorCode = Literal[
    "INVALID_CIRCUIT",
    "VALIDATION_ERROR",
    "UNAUTHORIZED",
    "FORBIDDEN",
    "QUOTA_EXCEEDED",
    "JOB_NOT_FOUND",
    "BATCH_NOT_FOUND",
    "BUNDLE_NOT_FOUND",
    "CHECKPOINT_NOT_FOUND",
    "EVENT_NOT_FOUND",
    "BACKEND_NOT_FOUND",
    "KEY_NOT_FOUND",
    "NOT_FOUND",
    "METHOD_NOT_ALLOWED",
    "CONFLICT",
    "NOT_LOGGED",
    "PAYLOAD_TOO_LARGE",
    "UNSUPPORTED_MEDIA_TYPE",
    "IDEMPOTENCY_MISMATCH",
    "RATE_LIMIT_EXCEEDED",
    "INTERNAL_ERROR",
    "BACKEND_UNAVAILABLE",
    "UNAVAILABLE",
]


class Success(BaseModel, Generic[T]):
    """The envelope of every successful answer."""

    success: Literal[True]
    data: T


class ErrorDetail(BaseModel):
    """One place that is wrong. ``line`` and ``column`` (from 1) come with INVALID_CIRCUIT, ``index`` with a batch."""

    field: str | None = None
    index: int | None = None
    code: str | None = None
    message: str | None = None
    rule: str | None = None
    line: int | None = None
    column: int | None = None


class Error(BaseModel):
    """What went wrong: ``code`` for programs, ``message`` for people, ``details`` for the places."""

    code: ErrorCode
    message: str
    details: list[ErrorDetail]
    request_id: str
    retryable: bool = Field(description="Whether the same request may succeed later")


class Failure(BaseModel):
    """The envelope of every error."""

    success: Literal[False]
    error: Error


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


class Logged(BaseModel):
    """A place in a transparency log."""

    origin: str = Field(description="The log's name", examples=["api.example.com/tenants/acme"])
    index: int = Field(description="The entry's place, from 0", examples=[41])
    size: int = Field(description="The entries that the checkpoint covers", examples=[57])
    at: str = Field(description="When the checkpoint was signed", examples=["2026-02-06T12:05:00Z"])


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
    transparency: Literal["valid", "invalid", "not_checked"] = Field(
        description="Whether the proof shows the bundle to be in the tenant's log; not_checked without a proof"
    )
    logged: Logged | None = Field(description="Where the proof shows it to be")


class ExportLink(BaseModel):
    """Where a file that is too long to be answered can be had, without a key, for so many seconds."""

    url: str = Field(json_schema_extra={"format": "uri"})
    expires_in_s: int
    file_name: str
    media_type: str
    size: int = Field(description="Bytes")
    digest: str = Field(description="SHA3-256 of the file")


class EventProof(BaseModel):
    """That an event is in a tree over the job's log; checked as RFC 9162 section 2.1.3.2 says."""

    bundle_id: str | None = Field(
        examples=[BUNDLE_ID],
        description="The bundle that signs the root; null where none holds the event: it is then the whole log's",
    )
    job_id: str = Field(examples=[JOB_ID])
    version: int = Field(description="The event's version in the job's log, from 1", examples=[3])
    tree: Literal["RFC9162_SHA256"]
    leaf: str = Field(description="The event's hash, which is its leaf hash")
    index: int = Field(description="The leaf's place in the tree, from 0", examples=[2])
    size: int = Field(description="Number of leaves", examples=[8])
    path: list[str] = Field(description="The siblings from the leaf up to the root")
    root: str = Field(description="Must be the bundle's event_log.root_hash")


class Document(BaseModel):
    """An OpenAPI document."""

    openapi: str
    info: dict[str, Any]
    paths: dict[str, Any]


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


class Consistency(BaseModel):
    """That a tree begins with a smaller one; checked as RFC 9162 section 2.1.4.2 says."""

    old: int = Field(alias="from", description="Size of the smaller tree", examples=[2])
    new: int = Field(alias="to", description="Size of the larger tree", examples=[3])
    path: list[str]


class KeySet(BaseModel):
    """A JWK set (RFC 7517): every public key that ever signed evidence, or a checkpoint of the log, here.

    One with the member ``qcos:log`` is of the log of that name.
    """

    keys: list[dict[str, Any]]


class KeyLine(BaseModel):
    """An API key, but for its secret, which only its maker was ever shown."""

    key_id: str = Field(examples=["4fGh7Kd2"])
    name: str = Field(examples=["laptop"])
    scopes: list[KeyScope]
    status: Literal["active", "expired", "revoked"]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None = Field(description="To about a minute")


class KeyMade(KeyLine):
    """A new API key. ``api_key`` is shown this once and kept nowhere."""

    api_key: str = Field(examples=["qcos_live_4fGh7Kd2_..."])


class KeyList(BaseModel):
    """Every API key of the account, revoked and expired ones included, oldest first."""

    keys: list[KeyLine]
