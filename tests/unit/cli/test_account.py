"""qcos backends, stats and keys."""

from __future__ import annotations

from tests.unit.cli.conftest import Run
from tests.unit.http.fakes import Fakes


def test_backends(run: Run, fakes: Fakes) -> None:
    assert run("backends") == (0, "ionq_aria               online     25 qubits   wait 700 s\n", "")


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
