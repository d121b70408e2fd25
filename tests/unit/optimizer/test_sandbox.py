"""The process that works on strangers' circuits: its limits hold, it leaks nothing, it never outlives its parent."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from qcos_optimizer import CircuitError, TooComplex, UnknownTarget, optimize, optimize_in_child, sandbox
from qcos_optimizer.progress import Progress

from .circuits import HEADER, text

CANARY = "canary-0f1e2d"


@pytest.fixture(autouse=True)
def no_spare_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    spare = sandbox._Spare()
    monkeypatch.setattr(sandbox, "_spare", spare)
    yield
    spare.close()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def gone_in_time(pid: int) -> bool:
    for _ in range(600):
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


def ignored(line: bytes | None) -> None:
    """What a child says before its answer."""


def broken(code: str, directory: Path) -> sandbox._Child:
    """A child that does what it likes with its pipes."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"import os, sys, time\n{code}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    return sandbox._Child(process, str(directory))


def soon() -> float:
    return time.monotonic() + 60


def test_the_answer_is_that_of_optimize() -> None:
    escaped = '"OPENQASM 2.0;\\ninclude \\"qelib1.inc\\";\\nqreg q[2];\\nh q[0];\\ncx q[0],q[1];"'
    assert json.loads(escaped) == text("bell")
    found = optimize_in_child(text("bell"), "ionq_aria", 3, objective="depth", seed=4)
    wanted = optimize(text("bell"), "ionq_aria", 3, "depth", 4).to_dict()
    del found["seconds"], wanted["seconds"]
    assert found == wanted
    spare = sandbox._spare._child
    assert spare is not None
    again = optimize_in_child(text("asymmetric"), "ionq_aria")
    assert again["registers"] == [["high", 1], ["low", 4]]
    # The spare took that job, and it is not used twice.
    assert not alive(spare.process.pid)
    assert not Path(spare.directory).exists()
    assert sandbox._spare._child is not spare


def test_refusals_come_through() -> None:
    for body, rule in (
        ("qreg q[1];creg c[1];measure q[0]->c[0];h q[0];", "mid_circuit"),
        ('include "/etc/passwd";qreg q[1];', "syntax"),
        (
            "gate g0 a{h a;}"
            + "".join(f"gate g{k} a{{g{k - 1} a;g{k - 1} a;}}" for k in range(1, 40))
            + "qreg q[1];g39 q[0];",
            "too_many_operations",
        ),
    ):
        with pytest.raises(CircuitError) as caught:
            optimize_in_child(HEADER + body, "ionq_forte")
        assert caught.value.rule == rule
        assert not isinstance(caught.value, TooComplex)
        assert "root" not in str(caught.value)
    with pytest.raises(UnknownTarget):
        optimize_in_child(text("bell"), "nowhere")
    for kwargs in ({"level": 7}, {"objective": "beauty"}, {"seed": -1}):
        with pytest.raises(ValueError, match="must be"):
            optimize_in_child(text("bell"), "ionq_forte", **kwargs)


def test_panics_memory_and_hangs_are_too_complex() -> None:
    for body, limits in (
        # A panic in native code, or an allocation that fails.
        ("qreg q[1000000000];", {}),
        # Memory: a thousand times what is left is asked for.
        ("qreg q[1];creg c[100000000];h q[0];", {"memory_bytes": 400 * 2**20}),
        # Time: parsing alone takes longer.
        ("qreg q[20000000];", {"seconds": 0.7, "memory_bytes": 2**40}),
    ):
        with pytest.raises(TooComplex) as caught:
            optimize_in_child(HEADER + body, "ionq_forte", **limits)
        assert caught.value.rule == "too_complex"
    # And the next job is served as if nothing had been.
    assert optimize_in_child(text("bell"), "ionq_forte")["verification"]["verdict"] == "proved"


def test_the_whole_group_dies_at_the_deadline() -> None:
    child = sandbox._Child.start()
    with pytest.raises(TooComplex):
        child.run(b'{"qasm": "', time.monotonic(), ignored)
    assert not alive(child.process.pid)
    assert not Path(child.directory).exists()


def test_the_child_sees_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    monkeypatch.setenv("QCOS_PEPPER", CANARY)
    child = sandbox._Child.start()
    try:
        environment = Path(f"/proc/{child.process.pid}/environ").read_bytes()
        while b"PYTHONPATH" not in environment:  # the new image is not there yet
            environment = Path(f"/proc/{child.process.pid}/environ").read_bytes()
        assert CANARY.encode() not in environment
        assert Path(f"/proc/{child.process.pid}/cwd").readlink() == Path(child.directory).resolve()
        assert list(Path(child.directory).iterdir()) == []
        assert Path(child.directory).stat().st_mode & 0o777 == 0o700
        assert os.getsid(child.process.pid) == child.process.pid != os.getsid(0)
    finally:
        child.end()


def test_a_spare_dies_when_its_input_closes() -> None:
    child = sandbox._Child.start()
    assert child.process.stdin is not None
    child.process.stdin.close()
    assert child.process.wait(60) == 0
    child.process.stdin = None
    child.end()


PARENT = """
import os, sys, time
from qcos_optimizer import sandbox
sandbox._spare.refill()
print(sandbox._spare._child.process.pid, sandbox._spare._child.directory, flush=True)
if sys.argv[1] == "fork" and os.fork() == 0:
    os.close(1)
    time.sleep(60)
if sys.argv[1] == "wait":
    time.sleep(60)
if sys.argv[1] == "fork":
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("end", ["exit", "wait", "fork"])
def test_no_spare_outlives_its_parent(end: str) -> None:
    """Whether the parent leaves in order, is killed, or is killed while a process forked from it lives on."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, end], stdout=subprocess.PIPE, start_new_session=True, text=True
    ) as parent:
        assert parent.stdout is not None
        pid, directory = parent.stdout.readline().split()
        if end == "wait":
            parent.kill()
        parent.wait(60)
        try:
            assert gone_in_time(int(pid))
            if end == "exit":
                assert not Path(directory).exists()
        finally:
            if end == "fork":
                os.killpg(parent.pid, signal.SIGKILL)
            if end != "exit":
                shutil.rmtree(directory)


def test_a_job_ends_when_its_clock_does_even_without_a_parent() -> None:
    """The child bounds itself: nobody waits for this one."""
    child = sandbox._Child.start()
    job = {
        **{"qasm": HEADER + "qreg q[20000000];", "target": "ionq_forte", "level": 1, "objective": "depth"},
        **{"seed": 0, "budget": None, "mode": "unitary", "deadline": 0.0, "memory_bytes": 2**40},
    }
    assert child.process.stdin is not None
    child.process.stdin.write(json.dumps(job).encode())
    child.process.stdin.close()
    child.process.stdin = None
    try:
        # Its clock or its processor time, whichever runs out first on a busy machine.
        assert -child.process.wait(60) in (signal.SIGALRM, signal.SIGXCPU, signal.SIGKILL)
    finally:
        child.end()


def test_a_dead_spare_is_replaced() -> None:
    sandbox._spare.refill()
    child = sandbox._spare._child
    assert child is not None
    os.kill(child.process.pid, signal.SIGKILL)
    child.process.wait()
    assert optimize_in_child(text("bell"), "ionq_forte")["qubits"] == 2


def test_an_unclean_answer_is_too_complex(monkeypatch: pytest.MonkeyPatch) -> None:
    nested = b"[" * 200_000
    for answer in (b"", b"nonsense", b"[]", b"{}", b'{"optimized": 3}', b'{"error": {"message": "no"}}', nested):
        monkeypatch.setattr(
            sandbox._Child, "run", lambda self, job, deadline, hear, answer=answer: (self.end(), answer)[1]
        )
        with pytest.raises(TooComplex):
            optimize_in_child(text("bell"), "ionq_forte")


def test_no_running_job_outlives_its_parent() -> None:
    """The parent is killed in the middle of a job that would take a minute more."""
    code = (
        "import json, sys, time; from qcos_optimizer import sandbox; child = sandbox._Child.start()\n"
        "job = {'qasm': sys.stdin.read(), 'target': 'ionq_forte', 'level': 3, 'objective': 'depth', 'seed': 0,"
        " 'budget': None, 'mode': 'unitary', 'deadline': time.monotonic() + 120, 'memory_bytes': 2**31}\n"
        "child.process.stdin.write(json.dumps(job).encode()); child.process.stdin.close()\n"
        "print(child.process.pid, flush=True); time.sleep(120)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdin is not None
    assert parent.stdout is not None
    parent.stdin.write(text("bench/nam_adder_8"))
    parent.stdin.close()
    pid = int(parent.stdout.readline())
    time.sleep(4)
    os.kill(pid, 0)
    parent.kill()
    parent.wait(60)
    parent.stdout.close()
    assert gone_in_time(pid)


def test_progress_comes_through_as_optimize_tells_it() -> None:
    told: list[Progress] = []
    wanted: list[Progress] = []
    optimize_in_child(text("barenco_tof_5"), "ionq_forte", 1, progress=told.append)
    optimize(text("barenco_tof_5"), "ionq_forte", 1, progress=wanted.append)
    # Before the first candidate, and wherever a second passes, the same is told again.
    assert sorted(set(told) - {Progress()}, key=lambda made: made.candidates) == wanted
    assert [made.candidates for made in told] == sorted(made.candidates for made in told)


def test_whoever_waits_is_told_so_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "TICK_SECONDS", 0.01)
    child = broken("print('1 2 3', flush=True); time.sleep(600)", tmp_path / "child")
    heard: list[bytes | None] = []

    def hear(line: bytes | None) -> None:
        heard.append(line)
        if heard[-3:] == [b"1 2 3", None, None]:
            os.kill(child.process.pid, signal.SIGKILL)

    with pytest.raises(TooComplex):
        child.run(b"", soon(), hear)
    assert heard[-3:] == [b"1 2 3", None, None]


@pytest.mark.parametrize(
    "line",
    [b"", b"1 2", b"1 2 3 4", b"-1 2 3", b"1 2 3.0", b"1 2 1e3", b"1 2 3\r", b"1 2 " + b"9" * 5000, b"{}", b"\xff"],
)
def test_progress_that_is_none_breaks_the_job(line: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"os.write(1, {line!r} + b'\\n' + b'{{\"optimized\": {{}}}}')"
    monkeypatch.setattr(sandbox._spare, "take", lambda: broken(code, tmp_path / "child"))
    with pytest.raises(TooComplex):
        optimize_in_child(text("bell"), "ionq_forte", progress=lambda made: None)


def test_a_line_in_pieces_is_one_line(tmp_path: Path) -> None:
    heard: list[bytes | None] = []
    code = "for piece in (b'1 2', b' 3\\n4 5 6\\nan', b'swer'): os.write(1, piece); time.sleep(0.2)"
    assert broken(code, tmp_path / "child").run(b"", soon(), heard.append) == b"answer"
    assert [line for line in heard if line is not None] == [b"1 2 3", b"4 5 6"]


@pytest.mark.parametrize(
    "code",
    [
        f"for _ in range({sandbox.MAX_LINES + 1}): os.write(1, b'1 2 3\\n')",
        f"for _ in range({sandbox.MAX_ANSWER_BYTES // 1_000_000 + 1}): sys.stdout.write('x' * 1_000_000)",
    ],
)
def test_a_flood_is_not_kept(code: str, tmp_path: Path) -> None:
    """It would end well if anybody listened to its end."""
    with pytest.raises(TooComplex):
        broken(code, tmp_path / "child").run(b"", soon(), ignored)


def test_a_pipe_held_open_by_what_left_the_group_is_not_waited_for(tmp_path: Path) -> None:
    heard: list[bytes | None] = []
    code = "if os.fork(): os._exit(0)\nos.setsid(); print(os.getpid(), 0, 0, flush=True); time.sleep(600)"
    with pytest.raises(TooComplex):
        broken(code, tmp_path / "child").run(b"", time.monotonic() + 3, heard.append)
    (pid,) = (int(line.split()[0]) for line in heard if line)
    assert alive(pid)
    os.kill(pid, signal.SIGKILL)


def test_a_child_that_reads_nothing_is_not_written_to_for_ever(tmp_path: Path) -> None:
    with pytest.raises(TooComplex):
        broken("time.sleep(600)", tmp_path / "child").run(b"x" * 2**20, time.monotonic() + 1, ignored)


def test_a_job_that_is_interrupted_leaves_no_process() -> None:
    def interrupt(made: Progress) -> None:
        if made.candidates:
            raise KeyboardInterrupt

    sandbox._spare.refill()
    child = sandbox._spare._child
    assert child is not None
    with pytest.raises(KeyboardInterrupt):
        optimize_in_child(text("bench/nam_adder_8"), "ionq_forte", 3, progress=interrupt)
    assert not alive(child.process.pid)
    assert not Path(child.directory).exists()


def test_every_level_has_its_time() -> None:
    assert sandbox.SECONDS.keys() == set(range(4))
    assert list(sandbox.SECONDS.values()) == sorted(sandbox.SECONDS.values())
