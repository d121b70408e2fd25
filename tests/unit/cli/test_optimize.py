"""qcos optimize."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
