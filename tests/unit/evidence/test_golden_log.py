"""The log of long ago: its checkpoints and proofs verify for ever, with this library and by the written recipe."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from qcos_evidence import KeySet, merkle, parse, tiles, verify
from qcos_evidence.schema import sha256_bytes
from qcos_evidence.transparency import entry, leaf_hash, open_checkpoint, verify_consistency
from tests.unit.evidence.test_golden import (
    GOLDEN,
    HASHES,
    RECIPE,
    golden,
    openssl_version,
    run_script,
    says_node,
    scripts,
)

KEYS = KeySet.from_jwks(parse((GOLDEN / "log.jwks.json").read_bytes()))
ORIGIN = "qcos.test/tenants/acme"
INDEX = {"ml-dsa-65": 1, "ed25519": 3}
ROOTS = {
    5: "50278a6af736cb927da116ae6edf0ed1512c99ebb1316718d8bde5e21e672d16",
    8: "53af606b79d684aae6b4d030b17b0bb3ba8acc8d439769f6b0bfbda59b0e473b",
}
TIMES = {5: datetime(2026, 11, 22, 12, tzinfo=UTC), 8: datetime(2026, 11, 22, 12, 50, tzinfo=UTC)}


def note(size: int) -> bytes:
    return (GOLDEN / f"log.{size}.checkpoint").read_bytes()


@pytest.mark.parametrize("size", ROOTS)
def test_checkpoints_open_for_ever(size: int) -> None:
    opened = open_checkpoint(note(size), KEYS, ORIGIN)
    assert (opened.origin, opened.size, opened.root.hex(), opened.at) == (ORIGIN, size, ROOTS[size], TIMES[size])
    assert [key.vkey for key in KEYS.logs] == [(GOLDEN / "log.vkey").read_text().strip()]
    entries = tiles.read_entry_bundle((GOLDEN / "log.entries").read_bytes())
    assert merkle.root([leaf_hash(one) for one in entries[:size]]) == opened.root
    for name, index in INDEX.items():
        assert entry(parse(golden(name, "json"))) == entries[index]


def test_the_log_continues_for_ever() -> None:
    answer = parse((GOLDEN / "log.5.8.consistency.json").read_bytes())["data"]
    path = [found for one in answer["path"] if (found := sha256_bytes(one))]
    assert len(path) == 4
    verify_consistency(open_checkpoint(note(5), KEYS), open_checkpoint(note(8), KEYS), path)


@pytest.mark.parametrize("form", ["json", "cbor", "cose", "pdf"])
@pytest.mark.parametrize("size", ROOTS)
@pytest.mark.parametrize("name", HASHES)
def test_proofs_hold_for_ever_and_of_every_form(name: str, size: int, form: str) -> None:
    proof = golden(name, f"{size}.tlog-proof")
    verdict = verify(golden(name, form), KEYS, now=datetime(2126, 1, 1, tzinfo=UTC), proof=proof, checkpoint=note(size))
    assert (verdict.valid, verdict.transparency) == (True, "valid")
    assert verdict.logged
    assert (verdict.logged.index, verdict.logged.size) == (INDEX[name], size)
    other = "ed25519" if name == "ml-dsa-65" else "ml-dsa-65"
    assert not verify(golden(other, form), KEYS, now=datetime(2126, 1, 1, tzinfo=UTC), proof=proof).valid


@pytest.mark.parametrize("name", HASHES)
def test_a_revoked_keys_bundle_is_believed_if_a_checkpoint_is_older(name: str) -> None:
    """Revoked between the two checkpoints: the first shows the bundle to be older than that, the second does not."""
    revoked = KeySet([replace(key, status="revoked", revoked_at="2026-11-22T12:30:00Z") for key in KEYS], KEYS.logs)
    now = datetime(2126, 1, 1, tzinfo=UTC)
    older = verify(golden(name, "json"), revoked, now=now, proof=golden(name, "5.tlog-proof"))
    assert (older.valid, older.transparency) == (True, "valid")
    later = verify(golden(name, "json"), revoked, now=now, proof=golden(name, "8.tlog-proof"))
    assert (later.valid, later.transparency) == (False, "valid")
    assert [reason.code for reason in later.reasons] == ["key_revoked"]
    assert [reason.code for reason in verify(golden(name, "json"), revoked, now=now).reasons] == ["key_revoked"]


@pytest.fixture(params=list(HASHES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def by_hand(name: str, tmp_path: Path) -> tuple[Path, str]:
    """A folder in which the page's script about proofs was run, and what it said."""
    files = [GOLDEN / f"{name}.json", GOLDEN / f"{name}.5.tlog-proof", GOLDEN / "log.jwks.json"]
    return tmp_path, run_script(scripts()[2], tmp_path, *map(str, files))


def test_the_recipe_finds_the_bundle_under_the_checkpoint(name: str, by_hand: tuple[Path, str]) -> None:
    folder, said = by_hand
    assert said == f"entry {INDEX[name]} of 5 in qcos.test/tenants/acme\nsigned 2026-11-22 12:00:00 UTC\n"
    key = load_pem_public_key((folder / "log.pem").read_bytes())
    assert isinstance(key, MLDSA44PublicKey)
    key.verify((folder / "log-sig.bin").read_bytes(), (folder / "log-tbs.bin").read_bytes())
    assert json.loads((folder / "entry.json").read_bytes())["bundle_id"] == parse(golden(name, "json"))["bundle_id"]


def test_the_recipe_refuses_another_bundle(name: str, tmp_path: Path) -> None:
    other = "ed25519" if name == "ml-dsa-65" else "ml-dsa-65"
    files = [GOLDEN / f"{other}.json", GOLDEN / f"{name}.5.tlog-proof", GOLDEN / "log.jwks.json"]
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run_script(scripts()[2], tmp_path, *map(str, files))
    assert "not under this checkpoint" in refused.value.stderr


def test_the_recipes_command(by_hand: tuple[Path, str]) -> None:
    folder, _ = by_hand
    if openssl_version() < (3, 5):
        pytest.skip("this machine has no openssl 3.5")
    (line,) = re.findall(r"^\$ (openssl pkeyutl .* -in log-tbs\.bin .*)$", RECIPE, re.MULTILINE)
    done = subprocess.run(line.split(), cwd=folder, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Signature Verified Successfully\n"), done.stderr


def test_the_recipes_other_command(by_hand: tuple[Path, str]) -> None:
    assert says_node("log-tbs.bin", by_hand[0]) == ("true\n", "false\n", "false\n")


def test_the_recipe_ties_two_checkpoints(tmp_path: Path) -> None:
    files = [GOLDEN / "log.5.checkpoint", GOLDEN / "log.8.checkpoint", GOLDEN / "log.5.8.consistency.json"]
    assert run_script(scripts()[3], tmp_path, *map(str, files)) == "8 entries continue 5\n"
    swapped = [GOLDEN / "log.5.checkpoint", tmp_path / "forked", GOLDEN / "log.5.8.consistency.json"]
    lines = note(8).split(b"\n")
    lines[2] = note(5).split(b"\n")[2]
    (tmp_path / "forked").write_bytes(b"\n".join(lines))
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run_script(scripts()[3], tmp_path, *map(str, swapped))
    assert "not one log" in refused.value.stderr
