"""The command line of the local cloud, and the demo's words: what needs no cloud to be shown."""

from __future__ import annotations

import json
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from infra.local import __main__ as command
from infra.local import assembly, demo, front
from infra.local.cloud import LocalCloud
from infra.local.stop import Stopped, stopping_on_signals


def test_a_taken_port_is_an_error_before_anything_is_started(capsys: pytest.CaptureFixture[str]) -> None:
    taken = front.listen(0)
    try:
        assert command.main(["--port", str(taken.getsockname()[1])]) == 1
    finally:
        taken.close()
    assert "is taken" in capsys.readouterr().out


def test_an_unknown_tenant_is_an_error_that_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--port", "0", "--tenant", "nobody"]) == 2
    assert "acme, demo" in capsys.readouterr().out


def test_a_taken_default_port_gives_way_to_a_free_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = front.listen(0)
    try:
        monkeypatch.setattr(command, "DEFAULT_PORT", taken.getsockname()[1])
        assert command._port(None) == 0
        assert "taking a free one" in capsys.readouterr().out
    finally:
        taken.close()
    assert command._port(4711) == 4711


def test_another_ionq_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IONQ_API_KEY", raising=False)
    with pytest.raises(ValueError, match="IONQ_API_KEY"):
        LocalCloud(ionq_url="http://127.0.0.1:1/v0.4").__enter__()


def test_the_ready_file_is_whole_and_private(tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    command.write_atomically(path, json.dumps({"api_key": "k"}))
    assert json.loads(path.read_text(encoding="utf-8")) == {"api_key": "k"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_signal_is_an_exception_once_and_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Stopped), stopping_on_signals():
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("asked", ["SIG_DFL", "SIG_IGN"])
def test_a_child_goes_when_its_parent_is_killed(tmp_path: Path, asked: str) -> None:
    """The parent gets no chance to clean up. What does not go when it is asked is killed, and what it started, too."""
    note = tmp_path / "pids"
    (tmp_path / "waits.py").write_text(
        "import os, pathlib, signal, subprocess, sys, time\n"
        f"signal.signal(signal.SIGTERM, signal.{asked})\n"
        "own = [str(os.getpid())]\n"
        "if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:\n"
        "    own.append(str(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid))\n"
        f"pathlib.Path({str(note)!r}).write_text(' '.join([*own, 'all']))\n"
        "time.sleep(600)\n",
        encoding="utf-8",
    )
    parent_code = (
        "import os, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-m', 'infra.local.leash', str(os.getpid()), 'waits'],"
        f" env={{'PYTHONPATH': {str(tmp_path)!r}}}, cwd={str(assembly.ROOT)!r}, start_new_session=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", parent_code])
    try:
        until(lambda: note.exists() and note.read_text().endswith("all"))
    finally:
        parent.kill()
        parent.wait()
    until(lambda: not any(running(pid) for pid in note.read_text().split()[:-1]))


def running(pid: str) -> bool:
    """Whether the process is there, and not merely waiting to be reaped."""
    try:
        return Path("/proc", pid, "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(condition: Any) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen")


def test_an_assembly_is_found_by_content_and_needs_no_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def synthesise(folder: Path) -> None:
        calls.append(folder)
        (folder / "manifest.json").write_text("{}", encoding="utf-8")

    monkeypatch.setattr(assembly, "synthesise", synthesise)
    first, made = assembly.load(tmp_path)
    second, made_again = assembly.load(tmp_path)
    assert (made, made_again) == (True, False)
    assert first == second
    assert len(calls) == 1
    monkeypatch.setattr(assembly, "content_hash", lambda: "another" * 8)
    assert assembly.load(tmp_path)[1] is True


def test_a_failed_synthesis_is_not_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def synthesise(_folder: Path) -> None:
        raise RuntimeError("synthesis failed")

    monkeypatch.setattr(assembly, "synthesise", synthesise)
    with pytest.raises(RuntimeError, match="synthesis failed"):
        assembly.load(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_the_hash_changes_with_any_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.py"
    monkeypatch.setattr(assembly, "ROOT", tmp_path)
    monkeypatch.setattr(assembly, "_inputs", lambda: iter([path]))
    path.write_text("1", encoding="utf-8")
    first = assembly.content_hash()
    path.write_text("2", encoding="utf-8")
    second = assembly.content_hash()
    assert second != first
    # Assets are named by absolute paths: a copied checkout must not deploy the code of the one it was copied from.
    moved = tmp_path / "moved"
    moved.mkdir()
    path.rename(moved / "x.py")
    monkeypatch.setattr(assembly, "ROOT", moved)
    monkeypatch.setattr(assembly, "_inputs", lambda: iter([moved / "x.py"]))
    assert assembly.content_hash() != second


def test_assets_are_the_sources_themselves() -> None:
    sources = {asset.source for asset in assembly.load()[0].assets("Qcos-acme")}
    root = assembly.ROOT
    assert sources == {root / "functions", *(root / "layers" / name for name in ("core", "optimizer", "evidence"))}


def test_the_histogram_shows_eight_and_counts_the_rest() -> None:
    counts = {f"{index:04b}": 100 - index for index in range(10)}
    lines = demo.histogram(counts)
    assert len(lines) == 9
    assert lines[0].split() == ["0000", "█" * 32, "100"]
    assert lines[-1].strip() == "and 2 more outcomes, 183 shots together"
    assert demo.histogram({"00": 512, "11": 512})[1].endswith("512")


def test_a_completed_run_is_described_by_its_figures() -> None:
    run = demo.Run("bell.qasm", "ionq_simulator", status="completed")
    run.answer = {
        "original_depth": 10,
        "optimized_depth": 5,
        "reduction_percent": 50.0,
        "metrics": {"original": {"two_qubit_gates": 4}, "optimized": {"two_qubit_gates": 3}},
        "verification": {"verdict": "proved", "method": "unitary"},
        "results": {"counts": {"00": 1}},
        "evidence_bundle_id": "ev_1",
    }
    text = demo.describe(run)
    for part in ("10 -> 5", "50.0 % less", "4 -> 3", "25.0 % less", "proved (unitary)", "ev_1"):
        assert part in text


def test_a_failed_run_is_described_by_its_error() -> None:
    run = demo.Run("bell.qasm", "ionq_simulator", status="failed")
    run.answer = {"error": {"code": "STEP_FAILED", "message": "No."}}
    assert "failed: STEP_FAILED No." in demo.describe(run)


def test_the_demos_circuits_are_there() -> None:
    runs = demo.plan()
    assert [run.circuit for run in runs] == ["bell.qasm", "asymmetric.qasm", "barenco_tof_5.qasm", "qft_12.qasm"]
    assert all((demo.CIRCUITS / run.circuit).is_file() for run in runs)
    assert len({run.backend for run in runs}) > 1
