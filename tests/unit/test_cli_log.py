"""``qcos verify --checkpoint`` and ``qcos log check``: what is read, what is said, and the exit status."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from qcos import cli
from qcos_evidence import KeySet
from qcos_evidence.transparency import consistency
from tests.unit.evidence.samples import KEYS, NOW, Log, force_sign, signed, text, unsigned

LOG = Log(*(force_sign(unsigned(attempt=number)) for number in range(1, 5)), signed())
FORKED = Log(*(force_sign(unsigned(attempt=number)) for number in range(1, 6)))
FORKED.keypair, FORKED.key = LOG.keypair, LOG.key
OTHER = Log(signed(), tenant="other")
TRUSTED = KeySet(KEYS, [LOG.key])
EARLIER = NOW - timedelta(hours=1)

Command = Callable[..., tuple[int, str, str]]


def path(old: int, new: int, log: Log = LOG) -> list[str]:
    return [f"sha256:{one.hex()}" for one in consistency(log.leaf_hashes[:new], old)]


def answer(old: int, new: int, log: Log = LOG) -> str:
    """As the API gives it."""
    return json.dumps({"success": True, "data": {"from": old, "to": new, "path": path(old, new, log)}})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "jwks.json").write_text(json.dumps(TRUSTED.to_jwks()))
    (tmp_path / "bundle.json").write_bytes(text(signed()))
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], folder: Path) -> Command:
    """A command whose arguments name files by what they hold: exit status, standard output, standard error."""

    def command(*arguments: str, **files: str) -> tuple[int, str, str]:
        for name, content in files.items():
            (folder / name).write_text(content, encoding="utf-8")
        words = [str(folder / word) if (folder / word).exists() else word for word in arguments]
        status = cli.main([*words, "--keys", str(folder / "jwks.json")])
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return command


def test_verify_with_a_proof(run: Command) -> None:
    status, out, _ = run("verify", "bundle.json", "--json", "--checkpoint", "p", p=LOG.proof(4, EARLIER))
    verdict = json.loads(out)
    assert (status, verdict["valid"], verdict["transparency"]) == (0, True, "valid")
    assert verdict["logged"] == {"origin": LOG.origin, "index": 4, "size": 5, "at": "2026-02-06T23:00:00Z"}
    status, out, _ = run("verify", "bundle.json", "--checkpoint", "p", p=LOG.proof(3))
    assert (status, "not_in_log: " in out) == (1, True)
    status, out, _ = run("verify", "bundle.json")
    assert (status, "transparency not_checked" in out) == (0, True)


def test_verify_with_a_proof_and_a_kept_checkpoint(run: Command) -> None:
    files = {"p": LOG.proof(4), "c": LOG.checkpoint(EARLIER), "older": LOG.checkpoint(EARLIER, 4)}
    for first, second in (("p", "c"), ("c", "p")):
        given = ("--checkpoint", first, "--checkpoint", second)
        status, out, _ = run("verify", "bundle.json", *given, **files)
        assert (status, "by 2026-02-06T23:00:00Z" in out) == (0, True)
    status, out, _ = run("verify", "bundle.json", "--checkpoint", "p", "--checkpoint", "older", **files)
    assert (status, "checkpoint_differs: " in out) == (1, True)
    status, out, _ = run("verify", "bundle.json", "--checkpoint", "c", **files)
    assert (status, "proof_needed: " in out) == (1, True)
    for one, kind in (("p", "proof"), ("c", "checkpoint")):
        status, out, err = run("verify", "bundle.json", "--checkpoint", one, "--checkpoint", one, **files)
        assert (status, out, f"is a second {kind}" in err) == (2, "", True)
    assert run("verify", "bundle.json", "--checkpoint", "absent")[0] == 2


def test_a_log_that_went_on(run: Command) -> None:
    old, new = LOG.checkpoint(EARLIER, 3), LOG.checkpoint()
    status, out, err = run("log", "check", "old", "new", "proof", old=old, new=new, proof=answer(3, 5))
    assert (status, err) == (0, "")
    assert f"old: {LOG.origin}, 3 entries, signed 2026-02-06T23:00:00Z" in out
    assert out.endswith("CONSISTENT: every entry of the older is in the newer, and 2 more\n")
    bare = json.dumps({"path": path(3, 5)})
    assert run("log", "check", "old", "new", "proof", proof=bare)[0] == 0
    # Proofs hold checkpoints.
    held = {"old": LOG.proof(0, EARLIER, 3), "new": LOG.proof(4)}
    assert run("log", "check", "old", "new", "proof", **held, proof=answer(3, 5))[0] == 0


def test_the_same_tree_needs_no_path(run: Command) -> None:
    status, out, _ = run("log", "check", "old", "new", old=LOG.checkpoint(EARLIER), new=LOG.checkpoint())
    assert (status, "and 0 more" in out) == (0, True)


@pytest.mark.parametrize(
    ("old", "new", "proof", "code"),
    [
        (lambda: LOG.checkpoint(EARLIER, 3), FORKED.checkpoint, lambda: answer(3, 5, FORKED), "log_rewritten"),
        (lambda: LOG.checkpoint(EARLIER, 3), LOG.checkpoint, lambda: answer(3, 5, FORKED), "log_rewritten"),
        (lambda: LOG.checkpoint(EARLIER), FORKED.checkpoint, None, "log_rewritten"),
        (lambda: LOG.checkpoint(EARLIER), lambda: LOG.checkpoint(NOW, 3), None, "log_shrank"),
        (lambda: LOG.checkpoint(EARLIER), lambda: LOG.checkpoint(EARLIER, 3), None, "log_shrank"),
        (lambda: LOG.checkpoint(EARLIER), OTHER.checkpoint, None, "log_key_unknown"),
        (lambda: LOG.checkpoint().replace("\n5\n", "\n4\n"), LOG.checkpoint, None, "checkpoint_signature_invalid"),
    ],
    ids=range(7),
)
def test_a_log_that_was_changed(
    run: Command, old: Callable[[], str], new: Callable[[], str], proof: Callable[[], str] | None, code: str
) -> None:
    files = {"old": old(), "new": new()} | ({"proof": proof()} if proof else {})
    status, out, err = run("log", "check", *files, **files)
    assert (status, err) == (1, "")
    assert f"NOT CONSISTENT\n  {code}: " in out
    assert "\nCONSISTENT" not in out


def test_two_logs(run: Command, folder: Path) -> None:
    (folder / "jwks.json").write_text(json.dumps(KeySet([], [LOG.key, OTHER.key]).to_jwks()))
    status, out, _ = run("log", "check", "old", "new", old=LOG.checkpoint(EARLIER, 1), new=OTHER.checkpoint())
    assert (status, "other_log: " in out) == (1, True)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"new": "x"}, "(checkpoint_malformed)"),
        ({"old": "c2sp.org/tlog-proof@v1\n"}, "(proof_malformed)"),
        ({"proof": None}, "GET /api/v2/log/consistency?from=3&to=5"),
        ({"proof": "["}, "(not_json)"),
        ({"proof": "{}"}, "is not the answer of GET"),
        ({"proof": '{"path":[7]}'}, "is not the answer of GET"),
        ({"proof": '{"path":["sha256:00"]}'}, "is not the answer of GET"),
        ({"proof": answer(2, 5)}, "is not the answer of GET"),
        ({"old": LOG.checkpoint(), "new": LOG.checkpoint(EARLIER, 3)}, "the older checkpoint comes first"),
        ({"jwks.json": json.dumps(KEYS.to_jwks())}, "holds no key of a log"),
        ({"jwks.json": "{}"}, "JWK set"),
        ({"old": None}, "cannot be read"),
    ],
    ids=range(12),
)
def test_unusable(run: Command, folder: Path, files: dict[str, Any], said: str) -> None:
    good: dict[str, str | None] = {
        "old": LOG.checkpoint(EARLIER, 3),
        "new": LOG.checkpoint(),
        "proof": answer(3, 5),
    }
    for name, content in (good | files).items():
        if content is not None:
            (folder / name).write_text(content)
    arguments = [name for name in good if name != "proof" or (folder / name).exists()]
    status, out, err = run("log", "check", *arguments)
    assert (status, out.count("CONSISTENT")) == (2, 0)
    assert said in err
