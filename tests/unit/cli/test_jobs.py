"""qcos job, jobs, events, proof, cancel and retry."""

from __future__ import annotations

import json

from qcos.events import ExecutionEstimated, JobCompleted, TranspileStarted
from qcos.views import JobFilter
from tests.unit.cli.conftest import Run
from tests.unit.http.fakes import BUNDLE_ID, COMPLETE, FAILED, OPTIMIZED, RESULTS, SUBMITTED, TENANT, Fakes, log_of
from tests.unit.test_client import Gateway


def test_job(run: Run, fakes: Fakes) -> None:
    status, out, _ = run("job", "job_done")
    assert status == 0
    assert out.splitlines() == [
        "job          job_done",
        "status       completed",
        "backend      ionq_simulator, 1024 shots",
        "depth        45 -> 28, 37.8 % less",
        "two-qubit    12 -> 7 gates, 9 -> 5 deep",
        "equivalence  proved (unitary)",
        "strategy     blocks",
        "results      measured",
        "  00      519  " + "#" * 40,
        "  11      505  " + "#" * 39,
        f"evidence     {BUNDLE_ID}",
    ]


def test_job_as_json_is_the_apis_answer(run: Run, fakes: Fakes, gateway: Gateway) -> None:
    _, out, _ = run("job", "job_done", "--json")
    assert json.loads(out) == gateway.api("GET", "/api/v2/jobs/job_done").data


def test_a_job_that_has_only_begun(run: Run, fakes: Fakes) -> None:
    fakes.logs[TENANT, "job_new"] = log_of("job_new", SUBMITTED)
    assert run("job", "job_new")[1].splitlines()[1:] == [
        "status       queued",
        "backend      ionq_simulator, 1024 shots",
    ]


def test_many_outcomes_are_cut(run: Run, fakes: Fakes) -> None:
    shares = {format(k, "05b"): (k + 1) / 528 for k in range(32)}
    results = RESULTS | {"counts": dict.fromkeys(shares, 3), "probabilities": shares, "shots": 96}
    fakes._results = lambda job: results  # type: ignore[method-assign]
    lines = run("job", "job_done")[1].splitlines()
    bars = [line for line in lines if line.endswith("#")]
    assert [line.split()[0] for line in bars] == [format(k, "05b") for k in range(31, 15, -1)]
    assert "  and 16 more outcomes" in lines


def test_an_estimate_and_a_long_result_are_told(run: Run, fakes: Fakes) -> None:
    dry = SUBMITTED.model_copy(update={"dry_run": True})
    estimated = ExecutionEstimated(
        provider_backend="qpu.aria-1", cost_microdollars=1_230_000, execution_ms=5_000, queue_ms=0
    )
    done = [TranspileStarted(attempt=1), OPTIMIZED, estimated, JobCompleted(attempt=1)]
    fakes.logs[TENANT, "job_dry"] = log_of("job_dry", dry, *done)
    assert "estimate     1.23 USD, 5 s to run" in run("job", "job_dry")[1].splitlines()
    results = RESULTS | {"counts": None, "probabilities": None, "url": "https://s3.example/x"}
    fakes._results = lambda job: results  # type: ignore[method-assign]
    assert "at https://s3.example/x" in run("job", "job_done")[1]


def test_events_read_as_a_story(run: Run, fakes: Fakes) -> None:
    status, out, _ = run("events", "job_done")
    heads = [line for line in out.splitlines() if not line.startswith("    ")]
    assert status == 0
    assert [line.split()[2] for line in heads] == [type(item).__name__ for item in COMPLETE]
    assert heads[0].startswith("  1  2026-02-06T12:00:00.000Z  JobSubmitted")
    assert "strategy: blocks" in out
    assert "original (depth 45," in out


def test_a_proof_is_shown_as_json(run: Run, fakes: Fakes) -> None:
    status, out, _ = run("proof", "job_done", "3")
    shown = json.loads(out)
    assert (status, shown["version"], shown["leaf"]) == (0, 3, fakes.logs[TENANT, "job_done"][2].hash)
    assert run("proof", "job_done", "third")[0] == 2


def test_jobs_are_listed_by_what_was_asked(run: Run, fakes: Fakes) -> None:
    named = SUBMITTED.model_copy(update={"name": "Bell", "tags": ("a", "b")})
    fakes.logs[TENANT, "job_new"] = log_of("job_new", named, FAILED)
    assert run("jobs") == (
        0,
        "job_new  2026-02-06T12:00:00.000Z  failed      ionq_simulator  Bell  #a  #b  PROVIDER_FAILED\n"
        "job_done  2026-02-06T12:00:00.000Z  completed   ionq_simulator\n",
        "",
    )
    assert len(run("jobs", "--limit", "1")[1].splitlines()) == 1
    filters = [
        "--status",
        "failed",
        "--status",
        "held",
        "--backend",
        "b",
        "--batch",
        "batch_1",
        "--name",
        "n",
        "--tag",
        "t",
    ]
    run("jobs", *filters, "--after", "2026-02-06T12:00:00Z", "--before", "2026-02-07T12:00:00Z")
    assert fakes.wanted == JobFilter(
        statuses=("failed", "held"),
        backend="b",
        batch_id="batch_1",
        name="n",
        tag="t",
        created_after="2026-02-06T12:00:00.000Z",
        created_before="2026-02-07T12:00:00.000Z",
    )


def test_a_long_list_is_fetched_in_parts(run: Run, fakes: Fakes, gateway: Gateway) -> None:
    for number in range(103):
        fakes.logs[TENANT, f"job_{number:03}"] = log_of(f"job_{number:03}", SUBMITTED)
    lines = run("jobs", "--limit", "104", "--status", "queued")[1].splitlines()
    assert [line.split()[0] for line in lines] == [f"job_{number:03}" for number in reversed(range(103))]
    assert len(gateway.requests) == 2


def test_cancel_and_retry(run: Run, fakes: Fakes) -> None:
    fakes.logs[TENANT, "job_new"] = log_of("job_new", SUBMITTED)
    assert run("cancel", "job_new") == (0, "job_new cancelled\n", "")
    assert run("cancel", "job_done")[0] == 1
    fakes.logs[TENANT, "job_bad"] = log_of("job_bad", SUBMITTED, FAILED)
    assert run("retry", "job_bad") == (0, "job_bad queued, attempt 2\n", "")
    fakes.batch_jobs[TENANT, "batch_1"] = ("job_done", "job_later")
    assert run("cancel", "batch_1") == (0, "job_done completed\njob_later cancelled\n", "")
