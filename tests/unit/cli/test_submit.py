"""qcos submit and qcos batch."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import httpx
import pytest

import qcos.client
from qcos.client import Client
from tests.unit.cli.conftest import Run
from tests.unit.http.fakes import BELL, FAILED, SUBMITTED, TENANT, Fakes, log_of
from tests.unit.test_client import Gateway


def test_submit(run: Run, fakes: Fakes, bell: Path) -> None:
    status, out, err = run("submit", str(bell), "--backend", "ionq_aria", "--shots", "7", "--level", "3", "--evidence")
    assert (status, out) == (0, "job_new\n")
    assert "qcos job job_new" in err
    submission = fakes.submissions[0][1]
    assert (submission.qasm, submission.backend, submission.shots) == (BELL, "ionq_aria", 7)
    assert (submission.options.optimization_level, submission.options.evidence) == (3, True)


def test_submit_from_standard_input_with_defaults(run: Run, fakes: Fakes) -> None:
    assert run("submit", "-", "--backend", "ionq_simulator", "--no-evidence", stdin=BELL.encode())[0] == 0
    submission = fakes.submissions[0][1]
    assert (submission.qasm, submission.shots) == (BELL, 1024)
    assert (submission.options.optimization_level, submission.options.evidence) == (2, False)
    assert submission.options.pqc_signing is True


def test_submit_and_wait(run: Run, fakes: Fakes, bell: Path) -> None:
    status, out, err = run("submit", str(bell), "--backend", "ionq_simulator", "--wait")
    assert status == 0
    assert out.startswith("job_new\njob          job_new\nstatus       completed\n")
    assert err == "job_new completed\n"


def test_waiting_for_a_job_that_fails(run: Run, fakes: Fakes, bell: Path) -> None:
    fakes.logs[TENANT, "job_new"] = log_of("job_new", SUBMITTED, FAILED)
    status, out, _ = run("submit", str(bell), "--backend", "ionq_simulator", "--wait")
    assert status == 1
    assert "error        PROVIDER_FAILED (execute): IonQ refused it. Submit again." in out


def test_a_submission_with_everything(run: Run, fakes: Fakes, bell: Path) -> None:
    options = [
        "--name",
        "Bell",
        "--tag",
        "a",
        "--tag",
        "b",
        "--dry-run",
        "--max-cost-usd",
        "0.29",
        "--idempotency-key",
        "mine",
    ]
    assert run("submit", str(bell), "--backend", "ionq_aria", *options)[:2] == (0, "job_new\n")
    submission = fakes.submissions[0][1]
    assert (submission.name, submission.tags, submission.dry_run) == ("Bell", ("a", "b"), True)
    assert submission.options.max_cost_microdollars == 290_000
    assert fakes.idempotency_keys == ["mine"]


def test_every_submission_has_a_key_of_its_own(run: Run, fakes: Fakes, bell: Path) -> None:
    for _ in range(2):
        run("submit", str(bell), "--backend", "ionq_aria")
    first, second = fakes.idempotency_keys
    assert first
    assert second
    assert first != second


def test_a_lost_answer_is_asked_for_again_with_the_same_key(
    run: Run, fakes: Fakes, gateway: Gateway, bell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []

    def forgetful(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        answer = gateway.handle_request(request)
        if len(keys) == 1:
            raise httpx.ReadTimeout("lost", request=request)
        return answer

    patient = partial(Client, transport=httpx.MockTransport(forgetful), sleep=lambda _: None)
    monkeypatch.setattr(qcos.client, "Client", patient)
    assert run("submit", str(bell), "--backend", "ionq_aria")[:2] == (0, "job_new\n")
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_when_no_answer_comes_the_key_to_repeat_it_with_is_told(
    run: Run, fakes: Fakes, bell: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []

    def silent(request: httpx.Request) -> httpx.Response:
        keys.append(request.headers["Idempotency-Key"])
        raise httpx.ReadTimeout("lost", request=request)

    patient = partial(Client, transport=httpx.MockTransport(silent), sleep=lambda _: None)
    monkeypatch.setattr(qcos.client, "Client", patient)
    status, out, err = run("submit", str(bell), "--backend", "ionq_aria")
    assert (status, out) == (3, "")
    assert err.endswith(f"--idempotency-key {keys[0]}\n")


def test_a_batch_of_files(run: Run, fakes: Fakes, bell: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.qasm"
    other.write_text(BELL + "\n")
    status, out, _ = run("batch", str(bell), str(other), "--backend", "ionq_simulator", "--shots", "9", "--tag", "t")
    assert status == 0
    assert out.splitlines() == ["batch_new", f"job_0  {bell}", f"job_1  {other}"]
    assert [(one.name, one.shots, one.tags) for _, one in fakes.submissions] == [
        ("bell.qasm", 9, ("t",)),
        ("other.qasm", 9, ("t",)),
    ]
    assert fakes.idempotency_keys[0]
