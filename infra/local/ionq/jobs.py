"""Jobs: what the emulator remembers of each, and the official job object."""

import datetime
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from infra.local.ionq import rates
from infra.local.ionq.backends import now, timestamp
from infra.local.ionq.errors import ApiError, JobFailure, bad_request, not_found
from infra.local.ionq.payload import MULTI_CIRCUIT, QASM3, Circuit, Submission
from infra.local.ionq.simulation import Outcome

STATES = ("submitted", "ready", "started", "canceled", "failed", "completed")
"""Every state, no job ever moving to an earlier one."""
TERMINAL = ("canceled", "failed", "completed")
MAX_JOBS = 10_000
"""Jobs kept; the oldest finished ones are forgotten first. New jobs are refused (429) while all are unfinished."""
MAX_RETAINED_BYTES = 512 * 1024 * 1024
"""About how much circuits and results may take together before the oldest finished jobs are forgotten."""

_CURSOR = 0x10E0_C025_0A00_4000_8000_0000_0000_0000


@dataclass
class Job:
    """One job; a multi-circuit job has ``children``, in the order of its circuits."""

    id: str
    sequence: int
    submission: Submission
    circuits: tuple[Circuit, ...]
    name: str | None
    parent: "Job | None" = None
    children: "list[Job]" = field(default_factory=list)
    status: str = "submitted"
    submitted_at: datetime.datetime = field(default_factory=now)
    started_at: datetime.datetime | None = None
    completed_at: datetime.datetime | None = None
    execution_ms: int | None = None
    failure: JobFailure | None = None
    outcome: Outcome | None = None
    held: bool = False
    """Held by the administrator: no transition happens by itself."""
    weight: int = 0
    """Bytes of the request."""

    @property
    def finished(self) -> bool:
        """Whether no transition can follow."""
        return self.status in TERMINAL

    @property
    def retained_bytes(self) -> int:
        """About how much this job holds."""
        outcome = self.outcome
        held = 0 if outcome is None else outcome.keys.nbytes + outcome.weights.nbytes
        return self.weight + held + (400 * len(outcome.native_gates or []) if outcome else 0)

    def finish(self, status: str, failure: JobFailure | None = None) -> None:
        """Enter a terminal state, children included; a finished job stays as it is."""
        for job in (*self.children, self):
            if not job.finished:
                job.status = status
                job.failure = failure
                job.completed_at = now()

    def start(self, status: str) -> None:
        """Enter ``ready`` or ``started``, children included; a job that is further stays as it is."""
        for job in (*self.children, self):
            if STATES.index(job.status) < STATES.index(status):
                job.status = status
                if status == "started" and job.started_at is None:
                    job.started_at = now()

    def artifact_id(self, kind: str) -> str:
        """The id under which a result or compiled circuit of that format is served."""
        return str(uuid.uuid5(uuid.UUID(self.id), kind))

    def gate_counts(self) -> dict[str, int]:
        """Gates by size: of the compiled circuits once known, until then of the request."""
        parts = [child.gate_counts() for child in self.children]
        if parts:
            return {size: sum(part[size] for part in parts) for size in ("1q", "2q")}
        return self._requested_gates if self.outcome is None else self.outcome.gate_counts

    @cached_property
    def _requested_gates(self) -> dict[str, int]:
        return rates.requested_gates(self.circuits)

    def qubits(self) -> int:
        """The width of the widest circuit."""
        if self.children:
            return max(child.qubits() for child in self.children)
        if self.outcome is not None:
            return self.outcome.qubits
        return max(circuit.qubits or 0 for circuit in self.circuits)


class JobStore:
    """All jobs by id, in order of creation; bounded by ``MAX_JOBS`` and ``MAX_RETAINED_BYTES``."""

    def __init__(self, max_jobs: int = MAX_JOBS, max_bytes: int = MAX_RETAINED_BYTES) -> None:
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._max_jobs = max_jobs
        self._max_bytes = max_bytes
        self._sequence = 0
        self.created = 0
        """Jobs created by requests, deleted ones included and children excluded."""

    def __iter__(self) -> Iterator[Job]:
        return iter(list(self._jobs.values()))

    def create(self, submission: Submission, weight: int) -> Job:
        """Store a new job, with a child for each circuit of a multi-circuit job."""
        multi = submission.type == MULTI_CIRCUIT
        self._make_room(1 + (len(submission.circuits) if multi else 0), weight)
        job = self._add(submission, submission.circuits, submission.name, None)
        job.weight = weight
        if multi:
            for circuit in submission.circuits:
                job.children.append(self._add(submission, (circuit,), circuit.name, job))
        self.created += 1
        return job

    def get(self, identifier: str) -> Job:
        """The job of a path; 404 when absent or deleted."""
        try:
            return self._jobs[identifier]
        except KeyError:
            raise not_found() from None

    def delete(self, job: Job) -> None:
        """Forget a job and its children."""
        for doomed in (*job.children, job):
            self._jobs.pop(doomed.id, None)

    def page(self, query: "JobQuery") -> tuple[list[Job], str | None]:
        """The jobs of one page, newest first, and the cursor of the next page or None."""
        before = self._position(query.cursor)
        found: list[Job] = []
        for job in reversed(self._jobs.values()):
            if before is not None and job.sequence >= before:
                continue
            if query.matches(job):
                if len(found) == query.limit:
                    return found, str(uuid.UUID(int=_CURSOR + found[-1].sequence))
                found.append(job)
        return found, None

    def _position(self, cursor: str | None) -> int | None:
        if cursor is None:
            return None
        if cursor in self._jobs:
            return self._jobs[cursor].sequence
        try:
            position = uuid.UUID(cursor).int - _CURSOR
        except ValueError:
            position = -1
        if not 0 <= position <= self._sequence:
            raise bad_request("'next' is not a cursor of this list", "next", source="query")
        return position

    def _add(self, submission: Submission, circuits: tuple[Circuit, ...], name: str | None, parent: Job | None) -> Job:
        self._sequence += 1
        job = Job(str(uuid.uuid4()), self._sequence, submission, circuits, name, parent)
        self._jobs[job.id] = job
        return job

    def _make_room(self, jobs: int, weight: int) -> None:
        """Forget the oldest finished jobs until ``jobs`` more of ``weight`` bytes fit."""
        retained = sum(job.retained_bytes for job in self._jobs.values()) + weight
        roots = [job for job in self._jobs.values() if job.parent is None and job.finished]
        for job in roots:
            if len(self._jobs) + jobs <= self._max_jobs and retained <= self._max_bytes:
                return
            retained -= sum(part.retained_bytes for part in (job, *job.children))
            self.delete(job)
        if len(self._jobs) + jobs > self._max_jobs or retained > self._max_bytes:
            raise ApiError(429, "Too many unfinished jobs", headers={"Retry-After": "1"})


@dataclass(frozen=True)
class JobQuery:
    """Filters of GET /jobs. Children are listed only when asked for by ``ids`` or ``parent_job_id``."""

    limit: int = 25
    cursor: str | None = None
    ids: frozenset[str] | None = None
    parent_job_id: str | None = None
    statuses: frozenset[str] | None = None
    targets: frozenset[str] | None = None
    session_id: str | None = None
    submitter_id: str | None = None

    def matches(self, job: Job) -> bool:
        """Whether the job passes every filter."""
        parent = None if job.parent is None else job.parent.id
        return (
            (self.ids is None or job.id in self.ids)
            and (parent == self.parent_job_id or (self.parent_job_id is None and self.ids is not None))
            and (self.statuses is None or job.status in self.statuses)
            and (self.targets is None or job.submission.backend.name in self.targets)
            and (self.session_id is None or job.submission.session_id == self.session_id)
            and (self.submitter_id is None or self.submitter_id == rates.SUBMITTER_ID)
        )


def created_body(job: Job) -> dict[str, Any]:
    """The answer to a submission."""
    return {"id": job.id, "status": "submitted", "session_id": job.submission.session_id}


def job_body(job: Job) -> dict[str, Any]:
    """The official job object, every key present, plus what published clients read beside it."""
    submission = job.submission
    child_type = submission.type if job.parent is None else "ionq.circuit.v1"
    counts = job.gate_counts()
    predicted_ms = rates.execution_ms(submission.backend, counts, submission.shots)
    completed = job.status == "completed"
    body: dict[str, Any] = {
        "id": job.id,
        "status": job.status,
        "type": child_type,
        "backend": submission.backend.name,
        "dry_run": submission.dry_run,
        "submitter_id": rates.SUBMITTER_ID,
        "project_id": rates.PROJECT_ID,
        "parent_job_id": None if job.parent is None else job.parent.id,
        "session_id": submission.session_id,
        "metadata": submission.metadata,
        "name": job.name,
        "submitted_at": timestamp(job.submitted_at),
        "started_at": None if job.started_at is None else timestamp(job.started_at),
        "completed_at": None if job.completed_at is None else timestamp(job.completed_at),
        "predicted_wait_time_ms": None if job.finished else submission.backend.queue_ms,
        "predicted_execution_duration_ms": predicted_ms,
        "execution_duration_ms": job.execution_ms,
        "failure": None,
        "output": {"compilation": {"compiled_circuits": _compiled(job)}, "error_mitigation": {}},
        "settings": submission.settings,
        "stats": {
            "qubits": job.qubits(),
            "circuits": len(job.children) or 1,
            "gate_counts": counts,
            "kwh": round(submission.backend.kilowatts * predicted_ms / 3_600_000, 9),
            "predicted_quantum_compute_time_us": predicted_ms * 1000,
            "billed_quantum_compute_time_us": predicted_ms * 1000 if completed and not submission.dry_run else 0,
        },
        "results": _results(job) if completed and not submission.dry_run else None,
        "child_job_ids": [child.id for child in job.children] or None,
        "shots": submission.shots,
        "cost_model": "2QGE_operations",
    }
    if submission.backend.is_simulator:
        body["noise"] = {"model": submission.noise_model}
        if submission.noise_seed is not None:
            body["noise"]["seed"] = submission.noise_seed
    if job.failure is not None:
        # qiskit-ionq 1.1.1 prints ``error``; the published schema has ``message``.
        message = job.failure.message
        body["failure"] = {"code": job.failure.code, "message": message, "error": message}
    notes = [note for part in (job, *job.children) if part.outcome is not None for note in part.outcome.warnings]
    if completed and notes:
        body["warning"] = {"messages": sorted(set(notes))}
    return body


def listed_body(job: Job) -> dict[str, Any]:
    """The job as lists show it: without its children."""
    return {key: value for key, value in job_body(job).items() if key != "child_job_ids"}


def artifact(job: Job, kind: str) -> dict[str, str]:
    """The descriptor of an artifact of format ``kind``."""
    return {"id": job.artifact_id(kind), "format": kind, "media_type": "application/json"}


def _compiled(job: Job) -> dict[str, Any]:
    known = job.status == "completed" and job.outcome is not None and job.outcome.native_gates is not None
    if not known or job.submission.type == QASM3:
        return {}
    return {"ionq.native.v1": artifact(job, "ionq.native.v1")}


def _results(job: Job) -> dict[str, Any]:
    """Descriptors under their formats, and under the older short names with the url older clients follow."""
    base = f"/v0.4/jobs/{job.id}/results"
    if job.children:
        kind = "ionq.result.probabilities-aggregate.json.v1"
        described = artifact(job, kind)
        return {"probabilities": {"url": f"{base}/probabilities/aggregated", **described}, kind: described}
    results: dict[str, Any] = {}
    for short in ("probabilities", "histogram", "shots") if job.submission.samples else ("probabilities",):
        first, second = (f"ionq.result.{short}.json.{version}" for version in ("v1", "v2"))
        results[short] = {"url": f"{base}/{short}", **artifact(job, first)}
        results[first] = artifact(job, first)
        results[second] = artifact(job, second)
    return results
