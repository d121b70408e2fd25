"""The command line: what it prints, its exit statuses, and that verifying needs only the evidence library."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

import qcos.client
from qcos import cli
from qcos.client import Client
from qcos.errors import BackendUnavailable, InvalidCircuit, ValidationFailed
from qcos.events import ExecutionEstimated, JobCompleted, TranspileStarted
from qcos.views import JobFilter
from qcos_evidence import sign
from tests.unit.evidence.samples import KEYS, OURS, SIGNED, STRANGER, LocalSigner, unsigned
from tests.unit.http.conftest import Api
from tests.unit.http.fakes import (
    BELL,
    BUNDLE,
    BUNDLE_ID,
    COMPLETE,
    FAILED,
    OPTIMIZED,
    RESULTS,
    SUBMITTED,
    TENANT,
    Fakes,
    log_of,
)
from tests.unit.test_client import URL, Gateway

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command in this process: exit status, standard output, standard error."""
    monkeypatch.delenv("QCOS_URL", raising=False)
    monkeypatch.delenv("QCOS_API_KEY", raising=False)

    def command(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        try:
            status = cli.main(arguments)
        except SystemExit as stopped:  # argparse ends by itself
            status = int(stopped.code or 0)
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return command


@pytest.fixture(scope="module")
def gateway() -> Gateway:
    return Gateway(Api(Fakes()))


@pytest.fixture
def fakes(gateway: Gateway, run: Run, monkeypatch: pytest.MonkeyPatch) -> Fakes:
    """The API behind QCOS_URL, with one finished job; pauses take no time."""
    monkeypatch.setenv("QCOS_URL", URL)
    monkeypatch.setenv("QCOS_API_KEY", "good-key")
    patient = partial(qcos.client.Client, transport=gateway, sleep=lambda _: None)
    monkeypatch.setattr(qcos.client, "Client", patient)
    gateway.requests.clear()
    vars(gateway.api.fakes).clear()
    Fakes.__init__(
        gateway.api.fakes,
        logs={(TENANT, "job_done"): log_of("job_done", *COMPLETE), (TENANT, "job_new"): log_of("job_new", *COMPLETE)},
        bundles={(TENANT, BUNDLE_ID): BUNDLE},
    )
    return gateway.api.fakes


@pytest.fixture
def bell(tmp_path: Path) -> Path:
    file = tmp_path / "bell.qasm"
    file.write_text(BELL)
    return file


# --- with a server -----------------------------------------------------------------------------------------


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


def test_events_read_as_a_story(run: Run, fakes: Fakes) -> None:
    status, out, _ = run("events", "job_done")
    heads = [line for line in out.splitlines() if not line.startswith("    ")]
    assert status == 0
    assert [line.split()[2] for line in heads] == [type(item).__name__ for item in COMPLETE]
    assert heads[0].startswith("  1  2026-02-06T12:00:00.000Z  JobSubmitted")
    assert "strategy: blocks" in out
    assert "original (depth 45," in out


def test_backends(run: Run, fakes: Fakes) -> None:
    assert run("backends") == (0, "ionq_aria               online     25 qubits   wait 700 s\n", "")


def test_evidence_is_saved_as_the_bundle_alone(run: Run, fakes: Fakes, tmp_path: Path) -> None:
    for form in ((), ("--format", "cose")):
        saved = tmp_path / "bundle"
        assert run("evidence", BUNDLE_ID, *form, "-o", str(saved)) == (0, "", "")
        assert saved.read_bytes() == BUNDLE
    status, _, err = run("evidence", BUNDLE_ID, "--format", "xml", "-o", str(tmp_path / "bundle.xml"))
    assert (status, "invalid choice" in err) == (2, True)


def test_the_log_is_shown_or_saved(run: Run, fakes: Fakes, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    consistency = {"from": 2, "to": 3, "path": ["sha256:" + "0" * 64]}
    for arguments, shown in (
        (("proof", BUNDLE_ID), f"proof of {BUNDLE_ID}\n"),
        (("log", "checkpoint"), "latest\n"),
        (("log", "checkpoint", "7"), "of 7\n"),
        (("log", "consistency", "2", "3"), json.dumps(consistency, indent=2) + "\n"),
    ):
        assert run(*arguments) == (0, shown, "")
        assert run(*arguments, "-o", str(saved)) == (0, "", "")
        assert saved.read_text() == shown
    for wrong in (("proof", BUNDLE_ID, "3"), ("proof", "job_done")):
        status, _, err = run(*wrong)
        assert (status, "a bundle id alone" in err) == (2, True)
    status, _, err = run("proof", "ev_nobody")
    assert (status, "BUNDLE_NOT_FOUND" in err) == (1, True)


def test_a_proof_is_shown_as_json(run: Run, fakes: Fakes) -> None:
    status, out, _ = run("proof", "job_done", "3")
    shown = json.loads(out)
    assert (status, shown["version"], shown["leaf"]) == (0, 3, fakes.logs[TENANT, "job_done"][2].hash)
    assert run("proof", "job_done", "third")[0] == 2


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


def test_stats(run: Run, fakes: Fakes) -> None:
    assert run("stats")[1].splitlines() == [
        "submissions  3",
        "circuits     5: 5 completed",
        "depth        34.7 % less on average",
        "evaluations  65 of 50000 in 2026-02",
    ]


def test_keys(run: Run, fakes: Fakes) -> None:
    status, out, err = run("keys", "create", "laptop", "--scope", "optimize:read", "--expires", "1d")
    key_id = out.split("_")[2]
    assert (status, out.count("\n")) == (0, 1)
    assert key_id in err
    line = f"{key_id}  active    until 2026-02-07T12:00:00.000Z  optimize:read  laptop\n"
    assert run("keys", "list") == (0, line, "")
    assert run("keys", "revoke", key_id)[1] == line.replace("active ", "revoked")
    assert run("keys", "create", "x", "--scope", "everything")[0] == 2


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


def test_address_and_key_from_arguments_outrank_the_environment(
    run: Run, fakes: Fakes, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QCOS_API_KEY", "bad")
    assert run("backends", "--url", "https://other.example", "--key", "good-key")[0] == 0
    assert gateway.requests[0].url.host == "other.example"


@pytest.mark.parametrize(
    ("refusal", "status", "words"),
    [
        (BackendUnavailable("IonQ Aria takes no work now."), 1, "qcos: BACKEND_UNAVAILABLE: IonQ Aria takes no work"),
        (ValidationFailed("shots must be at least 1"), 2, "qcos: VALIDATION_ERROR: shots must be at least 1"),
        (InvalidCircuit("no such gate", line=4, column=1), 2, "qcos: INVALID_CIRCUIT: line 4, column 1: no such gate"),
    ],
)
def test_a_refusal_is_one_line(run: Run, fakes: Fakes, bell: Path, refusal: Exception, status: int, words: str) -> None:
    fakes.refusal = refusal
    code, out, err = run("submit", str(bell), "--backend", "ionq_aria")
    assert (code, out) == (status, "")
    assert err.startswith(words)
    assert err.count("\n") == 1


def test_a_server_that_is_not_there(run: Run, fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    nowhere = partial(qcos.client.Client, transport=httpx.MockTransport(broken))
    monkeypatch.setattr(qcos.client, "Client", nowhere)
    status, out, err = run("job", "job_done")
    assert (status, out) == (3, "")
    assert err == f"qcos: {URL}/ cannot be reached. Is the address right?\n"


def test_without_address_or_key(run: Run) -> None:
    assert run("backends") == (2, "", "qcos: no server address: give --url or set QCOS_URL\n")
    assert run("backends", "--url", URL) == (2, "", "qcos: no API key: set QCOS_API_KEY or give --key\n")
    assert run("backends", "--url", "nonsense", "--key", "k")[0] == 2


# --- without a server --------------------------------------------------------------------------------------


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A genuine bundle, a stranger's, an altered one, and the published keys."""
    for name, document in {
        "bundle": SIGNED,
        "altered": SIGNED | {"issuer": "https://elsewhere.example"},
        "strangers": sign(unsigned(), LocalSigner(STRANGER)),
        "answer": {"success": True, "data": SIGNED},
        "jwks": KEYS.to_jwks(),
        "none": {"keys": []},
        "list": [],
        "private": {"keys": [KEYS.to_jwks()["keys"][0] | {"priv": "AAAA"}]},
    }.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document, indent=1))
    (tmp_path / "garbage.json").write_bytes(b"\xff\x00")
    (tmp_path / "twice.json").write_text('{"version":"3.0","version":"3.0"}')
    return tmp_path


@pytest.mark.parametrize(
    ("bundle", "keys", "status"),
    [
        ("bundle", "jwks", 0),
        ("altered", "jwks", 1),
        ("strangers", "jwks", 1),
        ("answer", "jwks", 2),
        ("garbage", "jwks", 2),
        ("twice", "jwks", 2),
        ("list", "jwks", 2),
        ("missing", "jwks", 2),
        ("bundle", "missing", 2),
        ("bundle", "none", 2),
        ("bundle", "list", 2),
        ("bundle", "garbage", 2),
        ("bundle", "private", 2),
        ("bundle", "bundle", 2),
    ],
)
def test_verify(run: Run, files: Path, bundle: str, keys: str, status: int) -> None:
    code, out, err = run("verify", str(files / f"{bundle}.json"), "--keys", str(files / f"{keys}.json"))
    assert code == status, err
    if status == 2:
        guilty = keys if bundle == "bundle" else bundle
        assert (out, err.count("\n")) == ("", 1)
        assert f"{guilty}.json: " in err
    else:
        assert err == ""
        assert ("verdict    VALID" in out) is (status == 0)
        assert ("verdict    NOT VALID" in out) is (status == 1)


def test_ours_is_the_key_that_signed() -> None:
    assert KEYS.get(SIGNED["signatures"]["key_id"]).public == OURS.public  # type: ignore[union-attr]


BLOCKER = """
import importlib.abc, sys
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refuse())
from qcos.cli import main
sys.exit(main(sys.argv[1:]))
"""
EVERYTHING_ELSE = {
    *("pydantic", "pydantic_core", "fastapi", "starlette", "mangum", "boto3", "botocore", "httpx", "aws_xray_sdk"),
    *("aws_lambda_powertools", "qiskit", "qiskit_ionq", "numpy", "scipy", "qcos_optimizer", "cryptography"),
    *("infra", "functions", "typst", "segno"),
}


def blocked(names: set[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    code = BLOCKER.format(blocked=names)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QCOS_")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def test_verify_needs_the_evidence_library_only(files: Path) -> None:
    done = blocked(EVERYTHING_ELSE, "verify", str(files / "bundle.json"), "--keys", str(files / "jwks.json"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "verdict    VALID" in done.stdout


@pytest.mark.parametrize(
    ("missing", "extra", "arguments"),
    [
        ("httpx", "client", ["backends", "--url", URL, "--key", "k"]),
        ("pqcrypto", "evidence", ["verify", "b.json", "--keys", "k.json"]),
        ("qiskit", "optimizer", ["optimize", "{bell}", "--target", "ionq_aria"]),
    ],
)
def test_a_missing_package_is_named_with_what_to_install(
    bell: Path, missing: str, extra: str, arguments: list[str]
) -> None:
    done = blocked({missing}, *(one.format(bell=bell) for one in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"qcos: the package {missing} is not installed; try: pip install 'qcos-core-api[{extra}]'\n"


def test_optimize_as_json(run: Run, bell: Path, tmp_path: Path) -> None:
    from qiskit import qasm2
    from qiskit.quantum_info import Statevector

    out_file = tmp_path / "out.qasm"
    status, out, err = run("optimize", str(bell), "--target", "ionq_aria", "--json", "-o", str(out_file))
    assert (status, err) == (0, "")
    figures = json.loads(out)
    assert list(figures) == [
        "original_depth",
        "optimized_depth",
        "reduction_percent",
        "two_qubit_gates",
        "two_qubit_depth",
        "verification",
        "strategy",
        "seconds",
    ]
    assert figures["two_qubit_gates"] == {"original": 1, "optimized": 1}
    assert 0 < figures["optimized_depth"] <= figures["original_depth"]
    expected = round(100 * (1 - figures["optimized_depth"] / figures["original_depth"]), 1)
    assert figures["reduction_percent"] == expected
    assert set(figures["verification"]) == {"verdict", "method"}
    assert figures["verification"]["verdict"] == "proved"
    circuit = qasm2.load(out_file)
    circuit.remove_final_measurements()
    shares = Statevector(circuit).probabilities_dict()
    assert {bits: round(share, 6) for bits, share in shares.items() if share > 1e-9} == {"00": 0.5, "11": 0.5}


def test_optimize_from_standard_input_for_people(run: Run) -> None:
    status, out, _ = run("optimize", "-", "--target", "ionq_forte", "--level", "0", stdin=BELL.encode())
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["depth", "two-qubit", "equivalence", "strategy"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (b'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\n  foo q[0];\n', "line 4, column 3: "),
        (b'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[26];\nh q;\n', "line 3, "),
        (b"", "line 1, column 1: "),
        (b"\xff\xfe", "is not text in UTF-8"),
        (b"x" * (256 * 1024 + 1), "has 262,145 bytes; a circuit may have 262,144"),
    ],
)
def test_a_circuit_that_cannot_be_used(run: Run, tmp_path: Path, source: bytes, words: str) -> None:
    file = tmp_path / "c.qasm"
    file.write_bytes(source)
    status, out, err = run("optimize", str(file), "--target", "ionq_aria")
    assert (status, out) == (2, "")
    assert err.startswith(f"qcos: {file}: {words}")
    assert err.count("\n") == 1


def test_files_that_cannot_be_used(run: Run, bell: Path, tmp_path: Path) -> None:
    target = ("--target", "ionq_aria", "--level", "0")
    for file, words in [
        (tmp_path, "cannot be read: Is a directory"),
        (tmp_path / "none", "cannot be read: No such file or directory"),
    ]:
        assert run("optimize", str(file), *target) == (2, "", f"qcos: {file}: {words}\n")
    nowhere = str(tmp_path / "no" / "out.qasm")
    status, out, err = run("optimize", str(bell), *target, "-o", nowhere)
    assert (status, out, err) == (2, "", f"qcos: {nowhere}: cannot be written: No such file or directory\n")


def test_a_huge_file_is_not_read_to_its_end(run: Run) -> None:
    status, _, err = run("optimize", "/dev/zero", "--target", "ionq_aria")
    assert (status, err) == (2, "qcos: /dev/zero: is larger than 33,554,432 bytes\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["optimize", "f.qasm"],
        ["optimize", "f.qasm", "--target", "ibm"],
        ["optimize", "f.qasm", "--target", "ionq_aria", "--level", "4"],
        ["optimize", "f.qasm", "--target", "ionq_aria", "--objective", "beauty"],
        ["submit", "f.qasm"],
        ["submit", "f.qasm", "--backend", "b", "--shots", "1.5"],
        ["verify", "b.json"],
        ["evidence", "ev_1"],
    ],
)
def test_wrong_usage(run: Run, arguments: list[str]) -> None:
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert "usage: qcos" in err


@pytest.mark.parametrize("name", ["submit", "job", "events", "proof", "evidence", "backends", "verify", "optimize"])
def test_help_has_an_example(run: Run, name: str) -> None:
    status, out, _ = run(name, "--help")
    assert status == 0
    assert f"qcos {name}" in out.partition("example:")[2]
    assert name in run("--help")[1]


def test_interrupted(run: Run, fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(qcos.client, "Client", stop)
    assert run("backends") == (130, "", "qcos: interrupted\n")


def test_a_reader_that_stops_reading_is_no_error(bell: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-c", "import sys; from qcos.cli import main; sys.exit(main(sys.argv[1:]))"]
    arguments = ["optimize", str(bell), "--target", "ionq_aria", "--level", "0"]
    done = subprocess.run([*command, *arguments], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")
