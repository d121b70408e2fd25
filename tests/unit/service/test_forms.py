"""What a circuit may be written in and what a job may keep, from submission to the bundle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qcos.canonical import canonical
from qcos.errors import IdempotencyMismatch, InvalidCircuit, ValidationFailed
from qcos.job import bundle_id
from qcos.models import Mode, sha3_256
from qcos.record import evidence_record
from qcos.service.circuits import Circuits
from qcos.views import contributions
from qcos_optimizer import optimize
from qcos_optimizer.recheck import NotShown, recheck
from tests.unit.service.world import BELL, CALLER, TENANT, World, bell_report, submission

DYNAMIC = sorted((Path(__file__).parents[2] / "data" / "dynamic").glob("*.qasm"))
GROVER_3 = """OPENQASM 3.1;
include "stdgates.inc";
const int n = 5; qubit[n] q; bit[n] c;
h q[0]; h q[1]; h q[2]; h q[3];
ctrl(3) @ negctrl @ z q[0], q[1], q[2], q[3], q[4];
inv @ ctrl(n - 1) @ rz(pi / n) q[4], q[1], q[3], q[0], q[2];
c = measure q;
"""
BELL_3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nh q[0];\nctrl @ x q[0], q[1];\n'


def loose(qasm: str, target: str, level: int, *, mode: Mode = "unitary", seconds: float) -> dict[str, Any]:
    """What the optimizer answers where only the distribution is kept."""
    report = bell_report(qasm, target, level, mode=mode, seconds=seconds)
    assert mode == "distribution"
    proof = {"verdict": "distribution", "method": "statevector", "states": 1, "max_infidelity": 1e-16}
    return report | {"verification": proof, "certificate": None}


def test_a_job_that_keeps_the_distribution_only_says_so_everywhere(world: World) -> None:
    world.optimize = loose
    wanted = submission()
    options = wanted.options.model_copy(update={"mode": "distribution"})
    job_id = world.submit(CALLER, wanted.model_copy(update={"options": options})).job_id
    world.provider.quick = True
    for step in (world.transpile, world.execute, world.sign):
        assert step(TENANT, job_id, 1) == {"outcome": "done"}
    job = world.job(job_id)
    assert job.optimized is not None
    assert job.optimized.verification.verdict == "distribution"
    record = evidence_record(job, "https://issuer", "2026-01-01T00:00:00.000Z")
    assert record["optimization"]["mode"] == "distribution"
    assert record["equivalence"]["verdict"] == "distribution"
    assert "reduction_tenths" not in contributions(job)
    assert "optimized" not in contributions(job)
    world.optimize = bell_report
    assert contributions(world.job(world.optimized()))["reduction_tenths"] == 400


def test_openqasm_3_is_kept_as_it_was_submitted(world: World) -> None:
    job_id = world.submitted(qasm=BELL_3)
    job = world.job(job_id)
    assert (job.submitted.circuit_format, job.submitted.qubits, job.submitted.operations) == ("openqasm3", 2, 2)
    circuits = Circuits(world.log, world.objects)
    assert circuits.get(TENANT, job_id, "original", "qasm3")[0] == BELL_3.encode()
    with pytest.raises(ValidationFailed, match="format=qasm3"):
        circuits.get(TENANT, job_id, "original", "qasm2")
    with pytest.raises(ValidationFailed, match="format=qasm2"):
        circuits.get(TENANT, world.submitted(), "original", "qasm3")


def really(qasm: str, target: str, level: int, *, mode: Mode = "unitary", seconds: float) -> dict[str, Any]:
    return optimize(qasm, target, min(level, 1), mode=mode).to_dict()


@pytest.mark.parametrize("qasm", [BELL, BELL_3, GROVER_3], ids=("bell", "bell3", "grover3"))
def test_the_proof_of_a_circuit_in_either_language_is_served_and_named_in_the_evidence(world: World, qasm: str) -> None:
    world.optimize = really
    world.provider.quick = True
    job_id = world.submitted(qasm=qasm)
    for step in (world.transpile, world.execute, world.sign):
        assert step(TENANT, job_id, 1) == {"outcome": "done"}
    job, form = world.job(job_id), "openqasm2" if qasm == BELL else "openqasm3"
    assert job.optimized is not None
    assert job.optimized.certificate is not None
    circuits = Circuits(world.log, world.objects)
    certificate, named = circuits.certificate(TENANT, job_id)
    assert named == job.optimized.certificate.digest == sha3_256(certificate)
    bundle = json.loads(world.desk.bundle(TENANT, bundle_id(job)))
    assert bundle["equivalence"]["certificate_hash"] == named
    assert bundle["circuit_format"] == form
    assert json.loads(certificate)["input"] == {form: job.submitted.circuit.digest}
    original = circuits.get(TENANT, job_id, "original", "qasm2" if qasm == BELL else "qasm3")[0]
    for output in ("ionq", "qasm2"):
        assert recheck(original, circuits.get(TENANT, job_id, "optimized", output)[0], certificate).error < 1e-12
    changed = original.replace(b"h q[0];", b"h q[1];")
    with pytest.raises(NotShown):
        recheck(changed, circuits.get(TENANT, job_id, "optimized", "ionq")[0], certificate)


@pytest.mark.parametrize("path", DYNAMIC, ids=lambda path: path.stem)
def test_what_no_backend_runs_is_refused_with_line_and_rule(world: World, path: Path) -> None:
    with pytest.raises(InvalidCircuit) as caught:
        world.submitted(qasm=path.read_text())
    refusal = caught.value
    assert refusal.rule in ("mid_circuit", "clbit_overwritten")
    assert refusal.line is not None
    line = path.read_text().splitlines()[refusal.line - 1]
    # Reset, condition, a gate after a measurement, or a bit that is written again.
    assert line.startswith(("reset", "if", "h ", "x ", "cx ", "measure"))


def test_an_option_that_is_left_out_changes_no_request(world: World) -> None:
    """What was sent with an idempotency key before there was a mode is the same request with it."""
    accepted = world.submit(CALLER, submission(), "key")
    content = submission().model_dump(mode="json")
    del content["options"]["mode"]
    assert world.job(accepted.job_id).submitted.request_hash == sha3_256(canonical(content))
    options = submission().options.model_copy(update={"mode": "distribution"})
    with pytest.raises(IdempotencyMismatch):
        world.submit(CALLER, submission().model_copy(update={"options": options}), "key")
