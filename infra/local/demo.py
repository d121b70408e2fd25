"""``python -m infra.local.demo``: four circuits, all the way, in front of your eyes.

Starts a local cloud, submits the circuits over HTTP, prints what became of each, then stops the cloud and verifies
every evidence bundle offline with nothing but the bundle and the published keys.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from infra.local.assembly import ROOT
from infra.local.cloud import LocalCloud
from infra.local.deploy import DeploymentFailed
from infra.local.processes import ChildFailed
from infra.local.stop import Stopped, stopping_on_signals

CIRCUITS = ROOT / "tests" / "data" / "circuits"
SHOTS = 1024
LEVEL = 2
# Long enough for a cold start of every step on a busy two-core machine, seconds.
PATIENCE = 300.0
_ENDED = {"completed", "failed", "cancelled", "held"}
_BARS = 8
_WIDTH = 32


@dataclass
class Run:
    """One circuit's way through the service."""

    circuit: str
    backend: str
    job_id: str = ""
    status: str = ""
    answer: dict[str, Any] | None = None
    bundle: Path | None = None


def plan() -> list[Run]:
    """The circuits and where they run: the simulator's exact counts, and two noisy machines."""
    return [
        Run("bell.qasm", "ionq_simulator"),
        Run("asymmetric.qasm", "ionq_simulator"),
        Run("barenco_tof_5.qasm", "ionq_forte"),
        Run("qft_12.qasm", "ionq_aria"),
    ]


def submit(client: httpx.Client, run: Run) -> None:
    """POST the circuit and remember the job's id."""
    answer = client.post(
        "/api/v2/optimize",
        json={
            "qasm": (CIRCUITS / run.circuit).read_text(encoding="utf-8"),
            "backend": run.backend,
            "shots": SHOTS,
            "options": {"optimization_level": LEVEL, "evidence": True, "pqc_signing": True},
        },
    )
    run.job_id = _data(answer)["job_id"]
    print(f"  {run.circuit:20} -> {run.backend:15} {run.job_id}", flush=True)


def follow(client: httpx.Client, runs: list[Run]) -> None:
    """Ask for each job until all have ended, and say so whenever one moves on; ``TimeoutError`` when they do not."""
    began = time.monotonic()
    while waiting := [run for run in runs if run.status not in _ENDED]:
        if time.monotonic() - began > PATIENCE:
            raise TimeoutError(f"still not done after {PATIENCE:.0f} s: {', '.join(run.circuit for run in waiting)}")
        for run in waiting:
            run.answer = _data(client.get(f"/api/v2/optimize/{run.job_id}"))
            if run.answer["status"] != run.status:
                run.status = run.answer["status"]
                print(f"  [{time.monotonic() - began:5.1f} s] {run.circuit:20} {run.status}", flush=True)
        time.sleep(0.5)


def describe(run: Run) -> str:
    """What became of a job, for people."""
    answer = run.answer or {}
    title = f"{run.circuit} on {run.backend}"
    lines = [title, "-" * len(title)]
    if run.status != "completed":
        error = answer.get("error") or {}
        return "\n".join([*lines, f"  {run.status}: {error.get('code', '')} {error.get('message', '')}", ""])
    depth = (answer["original_depth"], answer["optimized_depth"])
    gates = tuple(answer["metrics"][which]["two_qubit_gates"] for which in ("original", "optimized"))
    verification = answer["verification"]
    lines += [
        f"  depth            {depth[0]} -> {depth[1]}   ({answer['reduction_percent']:.1f} % less)",
        f"  two-qubit gates  {gates[0]} -> {gates[1]}   ({_percent(*gates):.1f} % less)",
        f"  equivalence      {verification['verdict']} ({verification['method']})",
        f"  counts           {SHOTS} shots",
        *histogram(answer["results"]["counts"]),
        f"  evidence         {answer['evidence_bundle_id']}",
        "",
    ]
    return "\n".join(lines)


def histogram(counts: dict[str, int]) -> list[str]:
    """A bar for each of the most frequent outcomes, and how many there are besides."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    most = ranked[0][1] if ranked else 1
    lines = [
        f"    {outcome}  {'█' * max(1, round(_WIDTH * count / most)):{_WIDTH}}  {count}"
        for outcome, count in ranked[:_BARS]
    ]
    if len(ranked) > _BARS:
        rest = sum(count for _, count in ranked[_BARS:])
        lines.append(f"    and {len(ranked) - _BARS} more outcomes, {rest} shots together")
    return lines


def _percent(before: int, after: int) -> float:
    return 100.0 * (before - after) / before if before else 0.0


def download(client: httpx.Client, runs: list[Run], folder: Path) -> Path:
    """Save each completed job's bundle and the published keys; the path of the keys."""
    keys = folder / "jwks.json"
    answer = client.get("/.well-known/jwks.json")
    answer.raise_for_status()
    keys.write_bytes(answer.content)
    for run in runs:
        if run.status == "completed" and run.answer:
            bundle_id = run.answer["evidence_bundle_id"]
            run.bundle = folder / f"{bundle_id}.json"
            run.bundle.write_text(json.dumps(_data(client.get(f"/api/v2/evidence/{bundle_id}"))), encoding="utf-8")
    return keys


def verify(bundle: Path, keys: Path) -> bool:
    """Whether the command line accepts the bundle, with no server anywhere."""
    command = Path(sys.executable).with_name("qcos")
    done = subprocess.run(
        [str(command), "verify", str(bundle), "--keys", str(keys)], capture_output=True, text=True, check=False
    )
    print(f"  qcos verify {bundle.name} --keys {keys.name}", flush=True)
    for line in (done.stdout + done.stderr).strip().splitlines():
        print(f"    {line}", flush=True)
    return done.returncode == 0


def _data(answer: httpx.Response) -> dict[str, Any]:
    """The envelope's content; ``RuntimeError`` with the API's own words when it is a refusal."""
    body = answer.json()
    if not body.get("success"):
        error = body.get("error", {})
        raise RuntimeError(f"{answer.status_code} {error.get('code')}: {error.get('message')}")
    data: dict[str, Any] = body["data"]
    return data


def main() -> int:
    """Exit code 0 only when all four circuits completed and all four bundles verified."""
    runs = plan()
    with tempfile.TemporaryDirectory(prefix="qcos-demo-") as name:
        print("Starting a local cloud\n", flush=True)
        with LocalCloud(report=lambda line: print(f"  {line}", flush=True)) as cloud:
            headers = {"Authorization": f"Bearer {cloud.ready['api_key']}"}
            with httpx.Client(
                base_url=cloud.ready["api_url"], headers=headers, timeout=120.0, trust_env=False
            ) as client:
                print(f"\nSubmitting {len(runs)} circuits to {cloud.ready['api_url']}\n", flush=True)
                for run in runs:
                    submit(client, run)
                print(flush=True)
                follow(client, runs)
                print(flush=True)
                for run in runs:
                    print(describe(run), flush=True)
                keys = download(client, runs, Path(name))
            print("Stopping the local cloud; what follows needs no server\n", flush=True)
        verified = [run.bundle is not None and verify(run.bundle, keys) for run in runs]
    completed = sum(run.status == "completed" for run in runs)
    print(f"\n{completed} of {len(runs)} circuits completed, {sum(verified)} of {len(runs)} bundles verified offline.")
    return 0 if completed == len(runs) and all(verified) else 1


if __name__ == "__main__":
    try:
        with stopping_on_signals():
            sys.exit(main())
    except Stopped:
        sys.exit(130)
    except (ChildFailed, DeploymentFailed, RuntimeError, TimeoutError, httpx.HTTPError) as error:
        sys.exit(f"the demo did not finish: {error}")
