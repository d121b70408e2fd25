"""Use cases in memory, a log to fold, and API Gateway's events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from qcos.errors import BackendNotFound, BundleNotFound, JobNotFound, Unauthorized
from qcos.events import (
    CircuitOptimized,
    Event,
    EventData,
    EvidenceSigned,
    ExecutionCompleted,
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
from qcos.job import Job, fold
from qcos.models import Caller, Metrics, MetricsTable, Options, StoredObject, Submission, Verification, sha3_256
from qcos.service.keys import Principal
from qcos.service.submit import Accepted
from qcos.views import JobPage, job_row

TENANT = "acme"
START = datetime(2026, 2, 6, 12, tzinfo=UTC)
BELL = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\nh q[0];\ncx q[0],q[1];'
BUNDLE_ID = "ev_" + "5" * 32
BUNDLE = (
    b'{"version": "3.0",\n "bundle_id":"ev_5","created_at":"2026-02-06T12:00:00.000Z","circuit_hash":"sha3-256:0",'
    b'"execution_proof":{"backend":"ionq_simulator","shots":1024,"timestamp":"2026-02-06T12:00:15.000Z"},'
    b'"signatures":{"algorithm":"ML-DSA-65","key_id":"kid","signature":"base64:AA=="}}'
)
RESULTS = {
    "counts": {"00": 519, "11": 505},
    "probabilities": {"00": 519 / 1024, "11": 505 / 1024},
    "shots": 1024,
    "source": "measured",
}


def stored(kind: str) -> StoredObject:
    digest = sha3_256(kind.encode())
    return StoredObject(digest=digest, key=f"{kind}/{digest[9:]}")


SUBMITTED = JobSubmitted(
    circuit=stored("circuits"),
    backend="ionq_simulator",
    shots=1024,
    options=Options(optimization_level=2, evidence=True, pqc_signing=True),
    qubits=2,
    operations=2,
    request_hash=sha3_256(b"request"),
)
OPTIMIZED = CircuitOptimized(
    attempt=1,
    strategy="blocks",
    candidates=7,
    metrics=MetricsTable(
        original=Metrics(
            depth=45, two_qubit_depth=9, two_qubit_gates=12, one_qubit_gates=30, entangling_angle_microturns=3_000_000
        ),
        optimized=Metrics(
            depth=28, two_qubit_depth=5, two_qubit_gates=7, one_qubit_gates=18, entangling_angle_microturns=1_250_000
        ),
        literal=Metrics(
            depth=60, two_qubit_depth=11, two_qubit_gates=15, one_qubit_gates=44, entangling_angle_microturns=3_750_000
        ),
    ),
    verification=Verification(verdict="proved", method="unitary", states=0, max_infidelity="0"),
    versions={"qiskit": "2.6.2"},
    optimized=stored("optimized"),
    provider_input=stored("ionq"),
    report=stored("reports"),
)
INTENDED = ExecutionIntended(
    attempt=1, n=1, token="qcos-" + "0" * 32, provider_backend="simulator", request=stored("ionq")
)
EXECUTED = ExecutionCompleted(
    n=1,
    provider_job_id="prov-1",
    result=stored("results"),
    raw=stored("raw"),
    provider_submitted_at="2026-02-06T12:00:03Z",
    provider_started_at="2026-02-06T12:00:04Z",
    provider_completed_at="2026-02-06T12:00:05Z",
    execution_duration_ms=11,
    cost_microdollars=0,
)
SIGNED = EvidenceSigned(
    bundle_id=BUNDLE_ID,
    bundle_hash=sha3_256(b"bundle"),
    algorithm="ML-DSA-65",
    key_id="kid",
    key=f"evidence/{BUNDLE_ID}.json",
)
FAILED = JobFailed(
    attempt=1, step="execute", code="PROVIDER_FAILED", message="IonQ refused it. Submit again.", retryable=True
)
HELD = ExecutionHeld(n=1, reason="Whether IonQ took the job is not known. We are looking into it.")
COMPLETE: tuple[EventData, ...] = (
    SUBMITTED,
    TranspileStarted(attempt=1),
    OPTIMIZED,
    INTENDED,
    ExecutionSubmitted(n=1, provider_job_id="prov-1"),
    EXECUTED,
    SIGNED,
    JobCompleted(attempt=1),
)


def log_of(job_id: str, *data: EventData, tenant: str = TENANT) -> list[Event]:
    """A stream of these events, one a second."""
    log: list[Event] = []
    origin = Origin(actor="key:k1", correlation_id="req-1")
    for second, item in enumerate(data):
        log += chain(tenant, job_id, log, [item], origin, START + timedelta(seconds=second))
    return log


@dataclass
class Fakes:
    """Everything the applications ask for. ``refusal`` is raised by whatever is asked."""

    logs: dict[tuple[str, str], list[Event]] = field(default_factory=dict)
    submissions: list[tuple[Caller, Submission]] = field(default_factory=list)
    judged: list[bytes] = field(default_factory=list)
    bundles: dict[tuple[str, str], bytes] = field(default_factory=dict)
    refusal: Exception | None = None

    def _asked(self) -> None:
        if self.refusal:
            raise self.refusal

    def submit(self) -> Any:
        return self._submit

    def _submit(self, caller: Caller, submission: Submission) -> Accepted:
        self._asked()
        self.submissions.append((caller, submission))
        return Accepted("job_new", "queued", 7)

    def jobs(self) -> Any:
        return SimpleNamespace(get=self._get, results=self._results, log=self._log, page=self._page)

    def _log(self, tenant: str, job_id: str) -> list[Event]:
        self._asked()
        try:
            return self.logs[tenant, job_id]
        except KeyError:
            raise JobNotFound("There is no job of that id. List yours with GET /api/v2/jobs.") from None

    def _get(self, tenant: str, job_id: str) -> Job:
        return fold(self._log(tenant, job_id))

    def _results(self, job: Job) -> dict[str, Any] | None:
        return RESULTS if job.execution else None

    def _page(self, tenant: str, status: str | None, limit: int, offset: int) -> JobPage:
        self._asked()
        rows = [job_row(fold(log)) for (owner, _), log in self.logs.items() if owner == tenant]
        chosen = [row for row in rows if status in (None, row.status)]
        return JobPage(tuple(chosen[offset : offset + limit]), len(chosen))

    def backends(self) -> Any:
        return SimpleNamespace(all=self._all, get=self._backend, calibration=self._calibration, status=self._status)

    def _all(self) -> list[dict[str, Any]]:
        self._asked()
        return [self._line()]

    def _line(self) -> dict[str, Any]:
        return {
            "id": "ionq_aria",
            "name": "IonQ Aria",
            "type": "hardware",
            "qubits": 25,
            "status": "online",
            "queue_depth": 12,
            "queue_depth_basis": "average wait in minutes, rounded up",
            "average_queue_time_ms": 700_000,
            "degraded": False,
            "last_updated": None,
        }

    def _backend(self, backend_id: str) -> dict[str, Any]:
        self._asked()
        if backend_id != "ionq_aria":
            raise BackendNotFound("There is no backend of that id. Known backends: ionq_aria.", [{"field": "backend"}])
        more = {"native_gates": ["GPI", "GPI2", "MS"], "connectivity": "all-to-all", "average_fidelity": 0.997}
        return self._line() | more

    def _calibration(self, backend_id: str) -> dict[str, Any]:
        self._backend(backend_id)
        return {
            "backend_id": backend_id,
            "timestamp": "2026-02-06T10:00:00.000Z",
            "single_qubit_fidelity": 0.9995,
            "two_qubit_fidelity": 0.997,
            "readout_fidelity": None,
            "source": "provider",
        }

    def _status(self) -> dict[str, Any]:
        return {
            "api": "operational",
            "provider": "operational",
            "backends": {"ionq_aria": "online"},
            "queue_depth": 12,
        }

    def desk(self) -> Any:
        return SimpleNamespace(bundle=self._bundle, verify=self._verify, jwks=lambda: {"keys": [{"kty": "AKP"}]})

    def _bundle(self, tenant: str, bundle_id: str) -> bytes:
        self._asked()
        try:
            return self.bundles[tenant, bundle_id]
        except KeyError:
            raise BundleNotFound("There is no evidence bundle of that id.") from None

    def _verify(self, document: bytes, **expected: str | None) -> dict[str, Any]:
        self._asked()
        self.judged.append(document)
        return {
            "valid": False,
            "checks": {"signature": "invalid", "hash": "valid", "timestamp": "valid"},
            "reasons": ({"check": "signature", "code": "unknown_key", "message": "the key is not published"},),
            "bundle_id": None,
            "job_id": None,
            "created_at": None,
            "bundle_hash": None,
            "form": "json",
            "page": None,
        }

    def keys(self) -> Any:
        return SimpleNamespace(authenticate=self._authenticate)

    def _authenticate(self, headers: Mapping[str, str]) -> Principal:
        self._asked()
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if {bearer, headers.get("x-api-key", "")} - {""} != {"good-key"}:
            raise Unauthorized("no")
        return Principal(TENANT, "k1", ("optimize:read", "optimize:write"))


class Context:
    """What Lambda passes beside the event."""

    function_name = "test"
    memory_limit_in_mb = 512
    invoked_function_arn = "arn:aws:lambda:us-east-1:000000000000:function:test"
    aws_request_id = "aws-request"

    def get_remaining_time_in_millis(self) -> int:
        return 10_000


ALL_SCOPES = "optimize:read optimize:write backends:read evidence:read"


def gateway_event(
    method: str,
    path: str,
    body: Any = None,
    *,
    scopes: str | None = ALL_SCOPES,
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    tenant: str = TENANT,
) -> dict[str, Any]:
    """A REST API proxy event. ``body`` text is sent as it is, anything else as JSON; scopes None: no authorizer ran."""
    sent = dict(headers or {})
    context: dict[str, Any] = {"requestId": "gateway-request", "stage": "live", "identity": {"sourceIp": "192.0.2.1"}}
    if scopes is not None:
        context["authorizer"] = {"tenant": tenant, "key_id": "k1", "scopes": scopes, "principalId": "k1"}
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": sent or None,
        "multiValueHeaders": {name: [value] for name, value in sent.items()} or None,
        "queryStringParameters": dict(query) if query else None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()} if query else None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": context,
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }
