"""qcos optimize."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from qcos_optimizer import sandbox
from tests.unit.cli.conftest import Run
from tests.unit.http.fakes import BELL


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
        "search_complete",
        "seconds",
    ]
    assert figures["two_qubit_gates"] == {"original": 1, "optimized": 1}
    assert 0 < figures["optimized_depth"] <= figures["original_depth"]
    expected = round(100 * (1 - figures["optimized_depth"] / figures["original_depth"]), 1)
    assert figures["reduction_percent"] == expected
    assert set(figures["verification"]) == {"verdict", "method"}
    assert figures["verification"]["verdict"] == "proved"
    assert figures["search_complete"] is True
    circuit = qasm2.load(out_file)
    circuit.remove_final_measurements()
    shares = Statevector(circuit).probabilities_dict()
    assert {bits: round(share, 6) for bits, share in shares.items() if share > 1e-9} == {"00": 0.5, "11": 0.5}


def test_optimize_from_standard_input_for_people(run: Run) -> None:
    status, out, _ = run("optimize", "-", "--target", "ionq_forte", "--level", "0", stdin=BELL.encode())
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["depth", "two-qubit", "equivalence", "strategy"]


def test_a_search_that_the_clock_ended_says_so(run: Run, bell: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = sandbox.optimize_in_child
    monkeypatch.setattr(
        sandbox, "optimize_in_child", lambda *args, **how: honest(*args, **how) | {"search_complete": False}
    )
    _, out, _ = run("optimize", str(bell), "--target", "ionq_forte", "--level", "0")
    assert out.splitlines()[-1] == "search       ended by the clock: another run may find another circuit"


class Session:
    """``qcos optimize`` with a terminal, 100 wide, for its standard error."""

    def __init__(self, *arguments: str) -> None:
        self.terminal, theirs = os.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        code = "import sys; from qcos.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", code, "optimize", *arguments, "--target", "ionq_forte"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs)
        os.close(theirs)
        self.shown = ""

    def read(self) -> bool:
        """Whether there is more to come."""
        try:
            piece = os.read(self.terminal, 1 << 16)
        except OSError:  # how Linux says that nobody writes to it any more
            return False
        self.shown += piece.decode()
        return bool(piece)

    def children(self) -> set[int]:
        pid = self.process.pid
        return {int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}

    def end(self) -> tuple[int, bytes]:
        """Its exit status, and its standard output."""
        while self.read():
            pass
        os.close(self.terminal)
        out, _ = self.process.communicate()
        return self.process.returncode, out


def test_progress_is_one_line_of_the_terminal_that_is_gone_at_the_end(bell: Path) -> None:
    session = Session(str(bell), "--level", "1", "--json")
    status, out = session.end()
    assert status == 0
    assert json.loads(out)["search_complete"] is True
    *lines, rest = session.shown.replace("\r", "\n").split("\n")
    assert rest == ""
    told = [line.rstrip() for line in lines if line]
    assert all(len(line) <= 99 for line in lines)
    assert told[-1] == ""
    assert "\n" not in session.shown
    assert re.fullmatch(r"\d+ candidates, the best has 1 two-qubit gates, depth \d+, \d+ s", told[-2])


def test_an_interrupted_search_ends_at_once_with_its_process() -> None:
    session = Session("tests/data/circuits/bench/nam_adder_8.qasm", "--level", "3")
    while "1 candidate," not in session.shown:
        assert session.read()
    children = session.children()
    assert children
    session.process.send_signal(signal.SIGINT)
    assert session.end() == (130, b"")
    assert session.shown.endswith("\rqcos: interrupted\r\n")
    assert not [pid for pid in children if Path(f"/proc/{pid}").exists()]


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
