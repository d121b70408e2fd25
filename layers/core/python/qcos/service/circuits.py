"""A job's circuit, as it was submitted and as it was run, and the proof that the two are equal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from qcos.errors import Conflict, ValidationFailed
from qcos.job import Job
from qcos.ports import ObjectStore
from qcos.service.log import JobLog

Format = Literal["qasm2", "qasm3", "ionq"]
Which = Literal["original", "optimized"]


@dataclass(frozen=True)
class Circuits:
    """Serve circuits byte for byte as their digests have them."""

    log: JobLog
    objects: ObjectStore

    def get(self, tenant: str, job_id: str, which: Which, form: Format) -> tuple[bytes, str, str]:
        """The circuit's bytes, their media type and their digest (that of the evidence where it hashes them).

        Raises:
            JobNotFound: this tenant has no such job.
            Conflict: the job has no optimized circuit, or not yet.
            ValidationFailed: it has none in that form.
        """
        job, _ = self.log.load(tenant, job_id)
        if which == "original":
            submitted: Format = "qasm3" if job.submitted.circuit_format == "openqasm3" else "qasm2"
            if form != submitted:
                message = f"The original is kept as it was submitted: format={submitted}."
                raise ValidationFailed(message, [{"field": "format"}])
            return self.objects.get_checked(job.submitted.circuit), "text/plain", job.submitted.circuit.digest
        if job.optimized is None:
            raise _nothing_yet("optimized circuit", job, "which=original is there.", field="which")
        stored, media_type = {
            "qasm2": (job.optimized.optimized, "text/plain"),
            "qasm3": (job.optimized.optimized_qasm3, "text/plain"),
            "ionq": (job.optimized.provider_input, "application/json"),
        }[form]
        if stored is None:
            raise ValidationFailed(
                "This job was optimized before OpenQASM 3 was kept: format=qasm2.", [{"field": "format"}]
            )
        return self.objects.get_checked(stored), media_type, stored.digest

    def certificate(self, tenant: str, job_id: str) -> tuple[bytes, str]:
        """The proof that the optimized circuit is the original, and its digest.

        Raises:
            JobNotFound: this tenant has no such job.
            Conflict: the job has no certificate, or not yet.
        """
        job, _ = self.log.load(tenant, job_id)
        if job.optimized is None:
            raise _nothing_yet("certificate", job, "It is kept when the circuit has been optimized, if it was proved.")
        stored = job.optimized.certificate
        if stored is None:
            verdict = job.optimized.verification.verdict
            raise Conflict(
                f"There is no certificate: the circuit was {verdict}, and no proof was kept.", [{"verdict": verdict}]
            )
        return self.objects.get_checked(stored), stored.digest


def _nothing_yet(what: str, job: Job, then: str, **place: str) -> Conflict:
    """The refusal of what only an optimized job has: of one that has ended for good, of another until it has it."""
    if not job.terminal:
        then = "Ask again when it has been optimized. " + then
    return Conflict(
        f"There is no {what}: the job is {job.status}. {then}",
        [{**place, "status": job.status}],
        retryable=not job.terminal,
    )
