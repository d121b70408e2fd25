"""The command in this process, over the API's own application."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import qcos.client
from qcos import cli
from qcos_evidence import sign
from tests.unit.evidence.samples import KEYS, SIGNED, STRANGER, LocalSigner, unsigned
from tests.unit.http.conftest import Api
from tests.unit.http.fakes import BELL, BUNDLE, BUNDLE_ID, COMPLETE, TENANT, Fakes, log_of
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
