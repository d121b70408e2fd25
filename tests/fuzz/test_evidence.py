"""The fuzzer itself: quiet over a verifier that keeps its promises, loud over one that does not."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import cbor2
import pytest

import qcos_evidence
from qcos_evidence import PublicKey, cbor, verification
from tests.fuzz import evidence, judges, mutations, promises, sweeps
from tests.fuzz.corpus import build

CORPUS = build()
VALUES = json.dumps(mutations.VALUES)


def yes(*_: Any) -> bool:
    return True


def no(*_: Any) -> None:
    return None


def judged(folder: Path, way: str, count: int) -> tuple[Counter[str], str | None]:
    (folder / "files").mkdir(exist_ok=True)
    return evidence.judged(judges.Judges(CORPUS, folder / "files"), 0, way, range(count), folder / "found")


@pytest.mark.parametrize(("way", "count"), [("json", 200), ("cbor", 200), ("cose", 200), ("http", 50), ("command", 30)])
def test_nothing_is_found(tmp_path: Path, way: str, count: int) -> None:
    outcomes, problem = judged(tmp_path, way, count)
    assert problem is None
    assert outcomes.total() == count
    # Not all die in parsing, and some of what is only spelled otherwise is valid.
    assert len(outcomes) > 2
    assert not (tmp_path / "found").exists()


@pytest.mark.parametrize(("way", "count"), [("proof", 150), ("checkpoint", 150), ("consistency", 100), ("jwks", 100)])
def test_nothing_is_found_about_logs(tmp_path: Path, way: str, count: int) -> None:
    outcomes, problem = judged(tmp_path, way, count)
    assert problem is None
    assert outcomes.total() == count
    believed = {"proof": "shown", "checkpoint": "opened", "consistency": "exit 0", "jwks": "bundles are believed"}[way]
    assert outcomes[believed] > 0
    assert len(outcomes) > 2


def lax(text: object, length: int | None) -> bytes | None:
    """Base64 as Python reads it by itself."""
    data = base64.b64decode(str(text) + "==")
    return data if length in (None, len(data)) else None


CARELESS: dict[str, tuple[str, Any, str, str]] = {
    "any signature of a log's key": (
        "qcos_evidence.log_key.LogKey.verify",
        yes,
        "checkpoint",
        "nobody signed|not the earliest",
    ),
    "any path in a tree": ("qcos_evidence.merkle.verify_inclusion", yes, "proof", "not there|two bundles"),
    "any path between trees": ("qcos_evidence.merkle.verify_consistency", yes, "consistency", "a wrong path is taken"),
    "any spelling of a hash": ("qcos_evidence.transparency.decode_base64", lax, "proof", "not that of the tree|signed"),
    "a revoked key": ("qcos_evidence.transparency._refusal", no, "checkpoint", "not the earliest"),
    "a key revoked nobody knows when": ("qcos_evidence.jwk.PublishedKey.revoked_after", yes, "proof", "is believed"),
    "a private key": ("qcos_evidence.jwk.check_use", no, "jwks", "no key of the set"),
    "no path": ("qcos_evidence.merkle.verify_consistency", no, "consistency", "the right path is refused"),
    "no proof": ("qcos_evidence.merkle.verify_inclusion", no, "proof", "a genuine proof is refused"),
    "no checkpoint": ("qcos_evidence.log_key.LogKey.verify", no, "checkpoint", "a genuine"),
}
"""What a verifier of logs takes, or does not take: what is put in whose place, where it shows, and how."""


@pytest.mark.parametrize("careless", CARELESS)
def test_a_careless_reader_of_logs_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, careless: str) -> None:
    name, instead, way, words = CARELESS[careless]
    (tmp_path / "files").mkdir()
    judge = judges.Judges(CORPUS, tmp_path / "files")
    monkeypatch.setattr(name, instead)
    _, problem = evidence.judged(judge, 0, way, range(1500), tmp_path / "found")
    assert problem
    assert re.search(f"Finding: .*({words})", problem), problem


def test_a_verifier_that_does_not_look_at_the_signature_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PublicKey, "verify", lambda *_: True)
    for way in "json", "cbor", "cose", "http", "command":
        _, problem = judged(tmp_path, way, 400)
        assert problem
        assert "a changed document is valid" in problem


@pytest.mark.parametrize("way", ["json", "cbor", "cose"])
def test_a_verifier_that_takes_nothing_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(PublicKey, "verify", no)
    _, problem = judged(tmp_path, way, 800)
    assert problem
    assert "a genuine document is not valid" in problem


def test_a_lax_reader_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same map in another encoding, which is what the deterministic one is there to refuse."""
    monkeypatch.setattr(cbor, "decode", cbor2.loads)
    _, problem = judged(tmp_path, "cbor", 400)
    assert problem


def test_an_undocumented_exception_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(data: bytes) -> Any:
        return json.loads(data)

    monkeypatch.setattr("qcos_evidence.form.parse", careless)
    _, problem = judged(tmp_path, "json", 400)
    assert problem
    (saved,) = (tmp_path / "found").iterdir()
    assert problem.startswith(f"{saved}: Traceback")
    with pytest.raises((ValueError, AttributeError, TypeError)) as raised:
        qcos_evidence.verify(saved.read_bytes(), qcos_evidence.KeySet([]), now=promises.LATE)
    assert not isinstance(raised.value, qcos_evidence.Malformed)


def test_another_verdict_from_the_endpoint_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qcos.adapters.bundles.Bundles.verdict", lambda *_, **__: {"valid": False, "reasons": []})
    _, problem = judged(tmp_path, "http", 100)
    assert problem


def test_the_sweeps_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ends at the first change that a careless verifier takes."""
    monkeypatch.setattr(verification, "_signature", lambda *_, **__: iter(()))
    with pytest.raises(promises.Finding):
        list(sweeps.content_bytes("json", 0, 40))


def test_no_document_is_changed_by_the_one_before_it() -> None:
    """What is put into one and changed there must not come changed into the next."""
    choose, small = Random(0), {"a": 1, "b": {"c": [1, "x"]}}
    for _ in range(3000):
        mutations.of_tree(small, choose)
    assert json.dumps(mutations.VALUES) == VALUES
    assert small == {"a": 1, "b": {"c": [1, "x"]}}


def test_documents_are_a_function_of_the_seed() -> None:
    first, second = (
        [evidence.document(CORPUS, seed, way, number)[0] for way in evidence.WAYS for number in range(20)]
        for seed in (1, 1)
    )
    assert first == second
    assert first != [evidence.document(CORPUS, 2, way, n)[0] for way in evidence.WAYS for n in range(20)]
