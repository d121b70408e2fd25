"""Use cases in memory, a log to fold, and API Gateway's events."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from qcos import merkle
from qcos.adapters import memory
from qcos.errors import (
    BackendNotFound,
    BatchNotFound,
    BundleNotFound,
    Conflict,
    JobNotFound,
    NotLogged,
    RateLimitExceeded,
    Unauthorized,
)
from qcos.events import (
    CircuitOptimized,
    Event,
    EventData,
    EvidenceSigned,
    ExecutionCompleted,
    ExecutionHeld,
    ExecutionIntended,
    ExecutionSubmitted,
    JobCancelled,
    JobCompleted,
    JobFailed,
    JobRetried,
    JobSubmitted,
    Origin,
    TranspileStarted,
    chain,
)
from qcos.job import Job, fold
from qcos.library import BundleForm
from qcos.models import (
    Caller,
    Metrics,
    MetricsTable,
    Options,
    StoredObject,
    Submission,
    Verification,
    sha3_256,
    timestamp,
)
from qcos.service.batches import Batch
from qcos.service.evidence import MEDIA_TYPES, Export
from qcos.service.keys import Keys, Principal
from qcos.service.rates import Allowance
from qcos.service.submit import Accepted, AcceptedBatch
from qcos.views import JobFilter, JobPage, job_row, make_cursor, order, read_cursor

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
    "memory": None,
    "url": None,
    "memory_url": None,
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
    idempotency_keys: list[str | None] = field(default_factory=list)
    counted: list[str] = field(default_factory=list)
    over: RateLimitExceeded | None = None
    key_desk: Keys = field(default_factory=lambda: Keys(memory.Control(), lambda: "pepper", lambda: START))
    batch_jobs: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    judged: list[bytes] = field(default_factory=list)
    bundles: dict[tuple[str, str], bytes] = field(default_factory=dict)
    unlogged: int = 0
    refusal: Exception | None = None

    def _asked(self) -> None:
        if self.refusal:
            raise self.refusal

    def submit(self) -> Any:
        return _Submit(self)

    def _accept(self, caller: Caller, submissions: Sequence[Submission], idempotency_key: str | None) -> None:
        self._asked()
        self.submissions += [(caller, submission) for submission in submissions]
        self.idempotency_keys.append(idempotency_key)

    def _submit(self, caller: Caller, submission: Submission, idempotency_key: str | None = None) -> Accepted:
        self._accept(caller, [submission], idempotency_key)
        return Accepted("job_new", "queued", 7)

    def _submit_batch(
        self, caller: Caller, submissions: Sequence[Submission], idempotency_key: str | None = None
    ) -> AcceptedBatch:
        self._accept(caller, submissions, idempotency_key)
        return AcceptedBatch("batch_new", tuple(f"job_{index}" for index in range(len(submissions))))

    def batches(self) -> Any:
        return SimpleNamespace(get=self._batch, cancel=self._cancel_batch)

    def _batch(self, tenant: str, batch_id: str) -> Batch:
        self._asked()
        try:
            job_ids = self.batch_jobs[tenant, batch_id]
        except KeyError:
            raise BatchNotFound("There is no batch of that id.") from None
        rows = tuple(job_row(fold(self.logs[tenant, job_id])) for job_id in job_ids if (tenant, job_id) in self.logs)
        known = {row.job_id: row.status for row in rows}
        counts = Counter(known.get(job_id, "queued") for job_id in job_ids)
        return Batch(batch_id, timestamp(START), job_ids, rows, dict(counts))

    def _cancel_batch(self, caller: Caller, batch_id: str) -> dict[str, str]:
        rows = {row.job_id: row for row in self._batch(caller.tenant, batch_id).rows}
        ended = {job_id for job_id, row in rows.items() if row.status == "completed"}
        job_ids = self.batch_jobs[caller.tenant, batch_id]
        return {job_id: "completed" if job_id in ended else "cancelled" for job_id in job_ids}

    def lifecycle(self) -> Any:
        return SimpleNamespace(cancel=self._cancel, retry=self._retry)

    def _cancel(self, caller: Caller, job_id: str) -> Job:
        job = self._get(caller.tenant, job_id)
        if job.terminal:
            raise Conflict(f"The job has {job.status} and cannot be cancelled any more.", [{"status": job.status}])
        return self._extend(job, JobCancelled(attempt=job.attempt))

    def _retry(self, caller: Caller, job_id: str) -> Job:
        job = self._get(caller.tenant, job_id)
        if job.status != "failed":
            raise Conflict("Only a failed job can be retried.", [{"status": job.status}])
        return self._extend(job, JobRetried(attempt=job.attempt + 1))

    def _extend(self, job: Job, data: EventData) -> Job:
        log = self.logs[job.tenant, job.job_id]
        log += chain(job.tenant, job.job_id, log, [data], Origin(actor="key:k1", correlation_id="req-2"), START)
        return fold(log)

    def circuits(self) -> Any:
        return SimpleNamespace(get=self._circuit, certificate=self._certificate)

    def _circuit(self, tenant: str, job_id: str, which: str, form: str) -> tuple[bytes, str, str]:
        self._log(tenant, job_id)
        circuit = f"// {which} {form} \u03c0\n".encode()
        return circuit, "application/json" if form == "ionq" else "text/plain", sha3_256(circuit)

    def _certificate(self, tenant: str, job_id: str) -> tuple[bytes, str]:
        self._log(tenant, job_id)
        return b'{"stages":[]}', sha3_256(b'{"stages":[]}')

    def stats(self) -> Any:
        return self._stats

    def _stats(self, tenant: str) -> dict[str, Any]:
        self._asked()
        return {
            "total_jobs": 3,
            "total_circuits": 5,
            "avg_reduction": 34.7,
            "evaluations_used": 65,
            "evaluations_limit": 50_000,
            "month": "2026-02",
            "by_status": {"completed": 5},
        }

    def rates(self) -> Any:
        return SimpleNamespace(count=self._count)

    def _count(self, tenant: str) -> Allowance:
        self.counted.append(tenant)
        if self.over:
            raise self.over
        return Allowance(60, 60 - len(self.counted), 30)

    def jobs(self) -> Any:
        return SimpleNamespace(get=self._get, results=self._results, log=self._log, page=self._page, proof=self._proof)

    def _proof(self, tenant: str, job_id: str, version: int) -> dict[str, Any]:
        leaves = [event.hash for event in self._log(tenant, job_id)]
        path, root = merkle.inclusion(leaves, version - 1)
        place = {"version": version, "index": version - 1, "leaf": leaves[version - 1], "size": len(leaves)}
        return {"bundle_id": None, "job_id": job_id, "tree": "RFC9162_SHA256", "path": path, "root": root} | place

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

    def _page(self, tenant: str, wanted: JobFilter, limit: int, offset: int, cursor: str | None = None) -> JobPage:
        self._asked()
        self.wanted = wanted
        rows = [job_row(fold(log)) for (owner, _), log in self.logs.items() if owner == tenant]
        chosen = sorted((row for row in rows if wanted.matches(row)), key=order, reverse=True)
        if cursor is not None:
            last = read_cursor(cursor, tenant)
            offset = sum(order(row) >= last for row in chosen)
        page = tuple(chosen[offset : offset + limit])
        more = make_cursor(page[-1]) if page and page[-1] is not chosen[-1] else None
        return JobPage(page, len(chosen), total_capped=wanted.tag == "capped", cursor=more)

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

    def transparency(self) -> Any:
        path = ["sha256:" + "0" * 64]
        return SimpleNamespace(
            proof=self._log_proof,
            latest=lambda tenant: "latest\n",
            of_size=lambda tenant, size: f"of {size}\n",
            consistency=lambda tenant, old, new: {"from": old, "to": new, "path": path},
        )

    def _log_proof(self, tenant: str, bundle_id: str) -> str:
        """After ``unlogged`` requests."""
        self._bundle(tenant, bundle_id)
        self.unlogged -= 1
        if self.unlogged >= 0:
            raise NotLogged("The bundle is not in the log yet.")
        return f"proof of {bundle_id}\n"

    def desk(self) -> Any:
        keys = {"keys": [{"kty": "AKP"}]}
        return SimpleNamespace(bundle=self._bundle, export=self._export, verify=self._verify, jwks=lambda: keys)

    def _export(self, caller: Caller, bundle_id: str, form: BundleForm) -> Export:
        """The bundle itself whatever the form; pages go by link."""
        file = self._bundle(caller.tenant, bundle_id)
        url = f"https://storage.example/{bundle_id}.pdf?signature=s" if form == "pdf" else None
        digest = sha3_256(file)
        return Export(MEDIA_TYPES[form], f"{bundle_id}.{form}", digest, len(file), None if url else file, url)

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
            "transparency": "not_checked",
            "logged": None,
        }

    def keys(self) -> Any:
        desk = self.key_desk
        return SimpleNamespace(
            authenticate=self._authenticate, mint=desk.mint, all=desk.all, revoke=desk.revoke, clock=desk.clock
        )

    def _authenticate(self, headers: Mapping[str, str]) -> Principal:
        self._asked()
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if {bearer, headers.get("x-api-key", "")} - {""} != {"good-key"}:
            raise Unauthorized("no")
        return Principal(TENANT, "k1", ("optimize:read", "optimize:write"))


@dataclass
class _Submit:
    """The use case that takes one circuit when called, and several as a batch."""

    fakes: Fakes

    def __call__(self, *what: Any) -> Accepted:
        return self.fakes._submit(*what)

    def batch(self, *what: Any) -> AcceptedBatch:
        return self.fakes._submit_batch(*what)


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
    query: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
    tenant: str = TENANT,
) -> dict[str, Any]:
    """A REST API proxy event. ``body`` text is sent as it is, anything else as JSON; scopes None: no authorizer ran."""
    sent = dict(headers or {})
    asked: dict[str, list[str]] = {}
    for name, value in query.items() if isinstance(query, Mapping) else query or ():
        asked.setdefault(name, []).append(value)
    context: dict[str, Any] = {"requestId": "gateway-request", "stage": "live", "identity": {"sourceIp": "192.0.2.1"}}
    if scopes is not None:
        context["authorizer"] = {"tenant": tenant, "key_id": "k1", "scopes": scopes, "principalId": "k1"}
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": sent or None,
        "multiValueHeaders": {name: [value] for name, value in sent.items()} or None,
        "queryStringParameters": {name: values[-1] for name, values in asked.items()} or None,
        "multiValueQueryStringParameters": asked or None,
        "pathParameters": None,
        "stageVariables": None,
        "requestContext": context,
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }
