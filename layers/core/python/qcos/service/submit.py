"""Accept a circuit: everything that can be refused is refused here, before anything is stored."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from qcos import qasm
from qcos.backends import backend
from qcos.events import JobSubmitted, Origin, canonical
from qcos.models import Caller, Submission, sha3_256
from qcos.ports import ObjectStore
from qcos.service.backends import Backends
from qcos.service.log import JobLog

OPTIMIZE_SECONDS = {0: 2, 1: 3, 2: 5, 3: 60}
"""What optimizing takes at each level, for the estimate given to the user, in seconds."""


@dataclass(frozen=True)
class Accepted:
    """A job that now exists. ``estimated_time`` is in seconds, until its result is expected."""

    job_id: str
    status: str
    estimated_time: int


@dataclass(frozen=True)
class Submit:
    """Check a submission, store its circuit, begin its job."""

    log: JobLog
    objects: ObjectStore
    backends: Backends

    def __call__(self, caller: Caller, submission: Submission) -> Accepted:
        """Accept ``submission``; the workflow is started by the event this appends.

        Raises:
            BackendNotFound, InvalidCircuit, BackendUnavailable: nothing was stored.
        """
        machine = backend(submission.backend)
        summary = qasm.check(submission.qasm, max_qubits=machine.qubits)
        self.backends.require_available(machine.id)
        # Before anything is stored: what may fail here must not hide a job that exists.
        estimated_time = self._estimate(submission)
        circuit = self.objects.put("circuits", submission.qasm.encode(), "text/plain; charset=utf-8")
        data = JobSubmitted(
            circuit=circuit,
            backend=machine.id,
            shots=submission.shots,
            options=submission.options,
            qubits=summary.qubits,
            operations=summary.operations,
            request_hash=sha3_256(canonical(submission.model_dump(mode="json"))),
        )
        origin = Origin(actor=f"key:{caller.key_id}", correlation_id=caller.request_id)
        job = self.log.create(caller.tenant, f"job_{secrets.token_hex(12)}", data, origin)
        return Accepted(job.job_id, job.status, estimated_time)

    def _estimate(self, submission: Submission) -> int:
        line = next(line for line in self.backends.all() if line["id"] == submission.backend)
        queue_ms = line["average_queue_time_ms"] or 0
        return OPTIMIZE_SECONDS[submission.options.optimization_level] + round(queue_ms / 1000) + 2
