"""qcos evidence and qcos log."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.conftest import Run
from tests.unit.http.fakes import BUNDLE, BUNDLE_ID, Fakes


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
