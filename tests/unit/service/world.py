"""The whole service over memory adapters and a scripted provider: one clock, one thread, no network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from qcos.adapters import memory, memory_log, memory_waits
from qcos.adapters.bundles import Bundles
from qcos.adapters.custody import Custody, LogCustody, classical_signer
from qcos.adapters.log_library import LogLibrary
from qcos.events import Event
from qcos.job import Job
from qcos.models import Caller, Mode, Options, Submission, timestamp
from qcos.plans import PLANS
from qcos.provider import Characterization, Estimate, ProviderBackend, ProviderJob, ProviderResult, ProviderUnavailable
from qcos.service.backends import Backends
from qcos.service.batches import Batches
from qcos.service.checkpoint import Checkpoint, Leaves
from qcos.service.collect import Collector
from qcos.service.evidence import EvidenceDesk
from qcos.service.execute import Execute
from qcos.service.fail import Fail
from qcos.service.held_jobs import HeldJobs
from qcos.service.jobs import Jobs
from qcos.service.lifecycle import Lifecycle
from qcos.service.log import JobLog
from qcos.service.poll import Poll
from qcos.service.project import Project
from qcos.service.redrive import Redrive
from qcos.service.relay import Relay
from qcos.service.sign import Sign
from qcos.service.signing_keys import SigningKeys
from qcos.service.submit import Submit
from qcos.service.sweep import Sweep
from qcos.service.transparency import Transparency
from qcos.service.transpile import Transpile
from qcos_evidence import KeyPair, LocalSigner

CERTIFICATE = '{"format":"qcos-equivalence-certificate"}'
BELL = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\nh q[0];\ncx q[0],q[1];'
TENANT = "acme"
CALLER = Caller(tenant=TENANT, key_id="k1", scopes=frozenset({"optimize:write"}), request_id="req-1")
KEYS = {"ML-DSA-65": KeyPair.generate("ML-DSA-65"), "ML-DSA-44": KeyPair.generate("ML-DSA-44")}
ISSUER = "https://qcos.test"


@dataclass
class Clock:
    """A clock that moves only when told."""

    at: datetime = datetime(2026, 2, 6, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **span: float) -> None:
        self.at += timedelta(**span)


class Crash(BaseException):
    """The process dies here."""


@dataclass
class ScriptedProvider:
    """A provider whose jobs stay ``submitted`` until a test moves them."""

    clock: Clock
    posts: list[dict[str, Any]] = field(default_factory=list)
    known: dict[str, ProviderJob] = field(default_factory=dict)
    before_submit: BaseException | None = None
    after_submit: BaseException | None = None
    unavailable: bool = False
    quick: bool = False
    cancelled: list[str] = field(default_factory=list)
    status: str = "available"
    price: int | None = 1_500_000
    cost: int | None = 1_230_000
    memory: list[str] | None = None

    def _check(self) -> None:
        if self.unavailable:
            raise ProviderUnavailable("no answer")

    def backends(self) -> list[ProviderBackend]:
        self._check()
        return [
            ProviderBackend(name, self.status, qubits, 0, False)
            for name, qubits in (("simulator", 29), ("qpu.aria-1", 25), ("qpu.forte-1", 36))
        ]

    def characterization(self, backend: str) -> Characterization | None:
        self._check()
        return Characterization("c1", "2026-02-06T10:00:00Z", 0.9995, 0.997, 0.998, raw=b'{"id":"c1"}')

    def estimate(
        self, backend: str, *, qubits: int, shots: int, one_qubit_gates: int, two_qubit_gates: int
    ) -> Estimate:
        self._check()
        return Estimate(self.price, 1000, 2000)

    def submit(self, body: bytes) -> str:
        if self.before_submit:
            raise self.before_submit
        document = json.loads(body)
        self.posts.append(document)
        job_id = f"p{len(self.posts)}"
        status = "completed" if self.quick else "submitted"
        self.known[job_id] = ProviderJob(
            job_id, status, name=document["name"], backend=document["backend"], submitted_at=timestamp(self.clock())
        )
        if self.after_submit:
            raise self.after_submit
        return job_id

    def finish(self, job_id: str, status: str = "completed", **failure: str) -> None:
        job = self.known[job_id]
        self.known[job_id] = ProviderJob(job.id, status, job.name, job.backend, **failure)

    def jobs(self, ids: Sequence[str]) -> dict[str, ProviderJob]:
        self._check()
        return {job_id: self.known[job_id] for job_id in ids if job_id in self.known}

    def find(self, token: str, backend: str, since: datetime) -> ProviderJob | None:
        self._check()
        return next((job for job in self.known.values() if job.name == token and job.backend == backend), None)

    def result(self, job: ProviderJob) -> ProviderResult:
        self._check()
        return ProviderResult(b'{"0":0.5,"3":0.5}', probabilities={"0": 0.5, "3": 0.5})

    def shots(self, job: ProviderJob) -> list[str] | None:
        self._check()
        return self.memory

    def cost_microdollars(self, job_id: str) -> int | None:
        self._check()
        return self.cost

    def cancel(self, job_id: str) -> None:
        self._check()
        self.cancelled.append(job_id)


def bell_report(qasm: str, target: str, level: int, *, mode: Mode = "unitary", seconds: float) -> dict[str, Any]:
    """What the optimizer answers for the Bell circuit, abridged."""
    small = {
        "depth": 3,
        "two_qubit_depth": 1,
        "two_qubit_gates": 1,
        "one_qubit_gates": 3,
        "entangling_angle_microturns": 250_000,
    }
    return {
        "target": target,
        "level": level,
        "qubits": 2,
        "registers": [["c", 2]],
        "measured": [0, 1],
        "metrics": {"original": {**small, "depth": 5}, "optimized": small, "literal": {**small, "depth": 9}},
        "reduction_percent": 40.0,
        "verification": {"verdict": "proved", "method": "unitary", "states": 0, "max_infidelity": 2.2e-16},
        "strategy": "level0",
        "candidates": [{"name": "level0"}, {"name": "rzz"}],
        "search_complete": True,
        "versions": {"qiskit": "2.6.2"},
        "seconds": 0.1,
        "ionq_input": {
            "gateset": "native",
            "qubits": 2,
            "circuit": [{"gate": "ms", "targets": [0, 1], "phases": [0, 0], "angle": 0.25}],
        },
        "qasm2": BELL,
        "certificate": CERTIFICATE,
    }


def submission(
    backend: str = "ionq_simulator",
    *,
    evidence: bool = True,
    pqc: bool = True,
    qasm: str = BELL,
    max_cost: int | None = None,
    memory: bool = False,
    **fields: Any,
) -> Submission:
    """A circuit to submit at level 2, 1024 shots."""
    options = Options(
        optimization_level=2, evidence=evidence, pqc_signing=pqc, max_cost_microdollars=max_cost, memory=memory
    )
    return Submission(qasm=qasm, backend=backend, shots=1024, options=options, **fields)


class World:
    """One tenant's service. Every adapter and use case is an attribute; tests break what they like."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.events = memory.EventStore()
        self.objects = memory.ObjectStore()
        self.views = memory.Views()
        self.control = memory.Control()
        self.waits = memory_waits.Waits()
        self.bookmarks = memory_waits.Bookmarks()
        self.workflows = memory.Workflows(self.clock)
        self.parking_lot = memory_waits.ParkingLot()
        self.queue = memory.PollQueue()
        self.bus = memory.Bus()
        self.provider = ScriptedProvider(self.clock)
        self.optimize = bell_report
        self.plan = PLANS["pro"]
        self.log = JobLog(self.events, self.clock, self.plan)
        self.backends = Backends(self.provider, self.clock, 0)
        self.custody = Custody(lambda: LocalSigner(KEYS["ML-DSA-65"]), lambda: classical_signer("seed"))
        self.log_custody = LogCustody(lambda: KEYS["ML-DSA-44"])
        self.transparency_log = memory_log.TransparencyLog()
        self.checkpoints = memory_log.Checkpoints()
        self.compose()

    def compose(self) -> None:
        """Build the use cases over the adapters as they are now."""
        self.submit = Submit(self.log, self.objects, self.backends)
        self.collector = Collector(self.log, self.objects, self.provider)
        self.transpile = Transpile(self.log, self.objects, lambda *args, **limits: self.optimize(*args, **limits))
        self.execute = Execute(self.log, self.objects, self.provider, self.collector, sleep=lambda seconds: None)
        self.poll = Poll(
            self.log, self.provider, self.collector, self.waits, self.workflows, self.queue, jitter=lambda: 0.5
        )
        self.sign = Sign(self.log, self.objects, self.control, self.custody, ISSUER)
        self.fail = Fail(self.log, self.queue)
        self.held_jobs = HeldJobs(self.log, self.provider)
        self.jobs = Jobs(self.log, self.objects, self.views)
        self.project = Project(self.events, self.views)
        self.relay = Relay(self.workflows, self.queue, self.bus, self.transparency_log)
        self.lifecycle = Lifecycle(self.log, self.backends)
        self.batches = Batches(self.log, self.views, self.lifecycle)
        self.desk = EvidenceDesk(self.log, self.objects, self.control, Bundles())
        self.signing_keys = SigningKeys(self.control, self.clock)
        self.problems: list[Exception] = []
        self.redrive = Redrive(self.events, self.project, self.relay, self.parking_lot, self.problems.append)
        self.sweep = Sweep(
            self.log,
            self.views,
            self.waits,
            self.bookmarks,
            self.workflows,
            self.queue,
            self.project,
            self.relay,
            self.fail,
            self.problems.append,
        )
        self._compose_log()

    def _compose_log(self) -> None:
        log, library = self.transparency_log, LogLibrary()
        self.checkpoint = Checkpoint(
            log,
            self.checkpoints,
            self.control,
            self.log_custody,
            library,
            Leaves(log, library.leaf_hash),
            ISSUER,
            self.clock,
        )
        self.transparency = Transparency(
            log,
            self.checkpoints,
            self.control,
            library,
            Leaves(log, library.leaf_hash),
            self.desk,
            lambda: self.request_checkpoint(),
        )

    def request_checkpoint(self) -> None:
        """What calls the checkpoint function."""
        self.checkpoint(TENANT)

    def submitted(self, backend: str = "ionq_simulator", **changes: Any) -> str:
        """A new job's id; see :func:`submission` for the changes."""
        return self.submit(CALLER, submission(backend, **changes)).job_id

    def optimized(self, backend: str = "ionq_simulator", **changes: Any) -> str:
        """The id of a job that may be executed."""
        job_id = self.submitted(backend, **changes)
        assert self.transpile(TENANT, job_id, 1) == {"outcome": "done"}
        return job_id

    def signed(self, **changes: Any) -> str:
        """The bundle id of a job that ran and was signed, and logged unless ``logged`` is false."""
        logged = changes.pop("logged", True)
        self.provider.quick = True
        job_id = self.submitted(**changes)
        for step in (self.transpile, self.execute, self.sign):
            assert step(TENANT, job_id, 1) == {"outcome": "done"}
        if logged:
            self.relay(self.story(job_id))
        evidence = self.job(job_id).evidence
        assert evidence
        return evidence.bundle_id

    def job(self, job_id: str) -> Job:
        """The job as its log tells it."""
        return self.jobs.get(TENANT, job_id)

    def types(self, job_id: str) -> list[str]:
        """The types of the job's events, oldest first."""
        return [event.type for event in self.story(job_id)]

    def story(self, job_id: str) -> list[Event]:
        """The job's log."""
        return self.events.read(TENANT, job_id)

    def await_message(self, job_id: str, n: int = 0) -> dict[str, Any]:
        """What the workflow puts on the poll queue when it begins to wait."""
        self.workflows.waiting.add(f"token-{job_id}")
        return {
            "kind": "await", "tenant": TENANT, "job_id": job_id, "attempt": 1, "n": n, "token": f"token-{job_id}",
        }  # fmt: skip
