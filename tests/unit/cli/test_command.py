"""What all commands have in common: addresses, files, errors, usage, help."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

import qcos.client
from qcos.errors import BackendUnavailable, InvalidCircuit, ValidationFailed
from tests.unit.cli.conftest import Run
from tests.unit.http.fakes import Fakes
from tests.unit.test_client import URL, Gateway


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
