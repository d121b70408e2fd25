"""Bundles issued long ago, in every form: they verify for ever, with this library and without it."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from infra.local.assembly import node_folder
from qcos_evidence import KeySet, parse, read, sha3_256, signed_parts, verify, write

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "data" / "golden"
RECIPE = (ROOT / "docs" / "verify-by-hand.md").read_text(encoding="utf-8")
KEYS = KeySet.from_jwks(parse((GOLDEN / "jwks.json").read_bytes()))
CIRCUIT = (GOLDEN / "circuit.qasm").read_bytes()
HASHES = {
    "ml-dsa-65": "sha3-256:8bbfa1364bc64b7d263cf783bd7c2cded73c2d3f017a0157a14b36727aa4f11d",
    "ed25519": "sha3-256:0b21762cc757d7394e6b7e100db25bf11665cbbb8c1569c7ca2594b0966e0af6",
}
FORMS = ("json", "cbor", "cose", "pdf")


def golden(name: str, form: str) -> bytes:
    return (GOLDEN / f"{name}.{form}").read_bytes()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", HASHES)
@pytest.mark.parametrize("year", [2026, 2126])
def test_verifies_for_ever(name: str, form: str, year: int) -> None:
    events = parse(golden(name, "events.json"))["events"]
    now = datetime(year, 12, 31, tzinfo=UTC)
    verdict = verify(golden(name, form), KEYS, now=now, circuit=CIRCUIT, events=events)
    assert verdict.valid, verdict.reasons
    assert (verdict.form, verdict.bundle_hash) == (form, HASHES[name])
    assert verdict.page != "differs"


@pytest.mark.parametrize("name", HASHES)
def test_every_form_is_still_written_as_it_was(name: str) -> None:
    for form in "json", "cbor", "cose":
        assert write(golden(name, "json"), form) == golden(name, form)
        assert read(golden(name, form))[0] == parse(golden(name, "json"))
    # Another typst may set the page otherwise; what it carries stays.
    assert read(golden(name, "pdf"))[0] == parse(golden(name, "json"))


def scripts() -> list[str]:
    return re.findall(r"```python\n(.*?)```", RECIPE, re.DOTALL)


def openssl_version() -> tuple[int, ...]:
    """Of the command, not of a library; (0,) where there is none."""
    if not shutil.which("openssl"):
        return (0,)
    said = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout
    found = re.match(r"OpenSSL (\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0,)


def run_script(script: str, folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-I", "-c", script, *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout


def says_node(signed_file: str, folder: Path) -> tuple[str, str, str]:
    """What the page's line for Node prints about a file: as it is, with its last bit flipped, and without it."""
    folder_of_node = node_folder()
    assert folder_of_node, "the environment brings its Node"
    (line,) = re.findall(rf'^\$ (node -p .*readFileSync\("{signed_file}"\).*)$', RECIPE, re.MULTILINE)
    _, *arguments = shlex.split(line)

    def answer() -> str:
        done = subprocess.run(
            [str(Path(folder_of_node, "node")), *arguments], cwd=folder, capture_output=True, text=True, check=True
        )
        return done.stdout

    signed, answers = (folder / signed_file).read_bytes(), []
    for content in signed, signed[:-1] + bytes([signed[-1] ^ 1]), signed[:-1]:
        (folder / signed_file).write_bytes(content)
        answers.append(answer())
    return answers[0], answers[1], answers[2]


@pytest.fixture(params=list(HASHES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def by_hand(name: str, tmp_path: Path) -> Path:
    """A folder in which the page's first script was run."""
    run_script(scripts()[0], tmp_path, str(GOLDEN / f"{name}.json"), str(GOLDEN / "jwks.json"))
    return tmp_path


def test_the_recipe_makes_what_the_library_signs(name: str, by_hand: Path) -> None:
    wanted = signed_parts(parse(golden(name, "json")), KEYS)
    assert (by_hand / "tbs.bin").read_bytes() == wanted["tbs.bin"]
    assert (by_hand / "sig.bin").read_bytes() == wanted["sig.bin"]
    key = load_pem_public_key((by_hand / "key.pem").read_bytes())
    assert key == load_pem_public_key(wanted["key.pem"])
    assert isinstance(key, (MLDSA65PublicKey, Ed25519PublicKey))
    key.verify(wanted["sig.bin"], wanted["tbs.bin"])
    assert sha3_256((by_hand / "content.json").read_bytes()) == HASHES[name]


def test_the_recipes_command(name: str, by_hand: Path) -> None:
    needed = (3, 5) if name == "ml-dsa-65" else (3, 0)
    if openssl_version() < needed:
        pytest.skip(f"this machine has no openssl {'.'.join(map(str, needed))}")
    (line,) = re.findall(r"^\$ (openssl pkeyutl .* -in tbs\.bin .*)$", RECIPE, re.MULTILINE)
    done = subprocess.run(line.split(), cwd=by_hand, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Signature Verified Successfully\n"), done.stderr
    tbs = (by_hand / "tbs.bin").read_bytes()
    (by_hand / "tbs.bin").write_bytes(tbs[:-1] + bytes([tbs[-1] ^ 1]))
    assert subprocess.run(line.split(), cwd=by_hand, capture_output=True, check=False).returncode == 1


def test_the_recipes_other_command(by_hand: Path) -> None:
    """The OpenSSL in Node is new enough wherever these tests run: none of pqcrypto's code is in it."""
    assert says_node("tbs.bin", by_hand) == ("true\n", "false\n", "false\n")


def test_the_recipes_hashes(name: str, by_hand: Path) -> None:
    assert json.loads((by_hand / "content.json").read_bytes())["circuit_hash"] == sha3_256(CIRCUIT)
    if openssl_version() < (3, 0):
        pytest.skip("this machine has no openssl 3")
    (line,) = re.findall(r"^\$ (openssl dgst .*?)  #", RECIPE, re.MULTILINE)
    done = subprocess.run(line.split(), cwd=GOLDEN, capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == sha3_256(CIRCUIT).removeprefix("sha3-256:")


def test_the_recipes_log(name: str, tmp_path: Path) -> None:
    files = str(GOLDEN / f"{name}.json"), str(GOLDEN / f"{name}.events.json")
    signed, computed = run_script(scripts()[1], tmp_path, *files).split()
    assert signed == computed == parse(golden(name, "json"))["event_log"]["root_hash"]
