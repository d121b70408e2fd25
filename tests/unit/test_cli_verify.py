"""``qcos verify``: every form, everything that can be held against a bundle, and what another program needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from qcos import cli
from qcos_evidence import KeyPair, canonical, cbor, cose, pdf, sha3_256
from tests.unit.evidence.samples import (
    CIRCUIT,
    CLASSICAL,
    EVENTS,
    KEYS,
    OURS,
    RESULT,
    STRANGER,
    chained,
    force_sign,
    signed,
    text,
    unsigned,
)

Verify = Callable[..., tuple[int, str, str]]


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Verify:
    """``qcos verify`` of a document by our keys: exit status, standard output, standard error."""
    keys, file = tmp_path / "jwks.json", tmp_path / "bundle"
    keys.write_text(json.dumps(KEYS.to_jwks()))

    def command(document: bytes, *options: str) -> tuple[int, str, str]:
        file.write_bytes(document)
        status = cli.main(["verify", str(file), "--keys", str(keys), *options])
        shown = capsys.readouterr()
        return status, shown.out, shown.err

    return command


FORMS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "json": text,
    "cbor": cbor.dumps,
    "cose": cose.dumps,
    "pdf": lambda bundle: pdf.render(text(bundle), RESULT),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form(verify: Verify, form: str) -> None:
    status, out, err = verify(FORMS[form](signed()), "--json")
    assert (status, err) == (0, "")
    verdict = json.loads(out)
    assert (verdict["valid"], verdict["form"], verdict["reasons"]) == (True, form, [])
    assert verdict["page"] == ("matches" if form == "pdf" else None)
    assert verify(FORMS[form](force_sign(unsigned(), STRANGER)))[0] == 1


def test_an_edited_page_is_not_valid(verify: Verify) -> None:
    page = FORMS["pdf"](signed())
    at = page.index(b"/CreationDate(D:2026")
    status, out, _ = verify(page[:at] + page[at:].replace(b"D:2026", b"D:2025", 1))
    assert status == 1
    assert "page_differs" in out


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"", "not_json"),
        (text(signed())[:-1], "not_json"),
        (text(signed()) * 2, "trailing_data"),
        (cbor2.dumps(signed()), "not_deterministic_cbor"),
        (cose.dumps(signed())[:-1], "not_deterministic_cbor"),
        (b"%PDF-1.7\n", "not_evidence_pdf"),
        (b"\xef\xbb\xbf{}", "byte_order_mark"),
    ],
    ids=range(7),
)
def test_no_document(verify: Verify, document: bytes, code: str) -> None:
    status, out, err = verify(document, "--json")
    assert (status, out) == (2, "")
    assert err.endswith(f"({code})\n")


def codes(out: str) -> set[str]:
    return {reason["code"] for reason in json.loads(out)["reasons"]}


@pytest.mark.parametrize(
    ("circuit", "found"), [(CIRCUIT, set()), (CIRCUIT + b" ", {"circuit_mismatch"})], ids=["right", "wrong"]
)
def test_circuit(verify: Verify, tmp_path: Path, circuit: bytes, found: set[str]) -> None:
    (tmp_path / "c.qasm").write_bytes(circuit)
    status, out, _ = verify(text(signed()), "--json", "--circuit", str(tmp_path / "c.qasm"))
    assert (status, codes(out)) == (int(bool(found)), found)


LATER = chained(*(event["data"] for event in EVENTS), {"signed": 1})


@pytest.mark.parametrize(
    ("log", "status", "said"),
    [
        ({"success": True, "data": {"job_id": "job_xyz789", "events": LATER}}, 0, set()),
        ({"events": EVENTS}, 0, set()),
        ({"events": EVENTS[:-1]}, 1, {"events_mismatch"}),
        ({"events": [*EVENTS[:-1], EVENTS[-1] | {"data": 1}]}, 1, {"events_mismatch", "event_hash_mismatch"}),
        ({"events": {}}, 2, "holds no events"),
        ({"data": []}, 2, "holds no events"),
        ([], 2, "(not_an_object)"),
    ],
    ids=range(7),
)
def test_events(verify: Verify, tmp_path: Path, log: Any, status: int, said: Any) -> None:
    (tmp_path / "log.json").write_text(json.dumps(log))
    done, out, err = verify(text(signed()), "--json", "--events", str(tmp_path / "log.json"))
    assert done == status
    assert said in err if status == 2 else codes(out) == said


@pytest.mark.parametrize(
    ("at", "status"),
    [
        ("2026-02-06T12:00:20Z", 0),
        ("2026-02-06T11:55:00.000Z", 1),
        ("2030-01-01T00:00:00Z", 0),
        ("2026-02-30T00:00:00Z", 2),
        ("now", 2),
    ],
)
def test_time(verify: Verify, at: str, status: int) -> None:
    done, out, err = verify(text(signed()), "--at", at)
    assert done == status
    assert ("created_in_future" in out) is (status == 1)
    assert ("--at" in err) is (status == 2)


def test_in_words(verify: Verify) -> None:
    status, out, _ = verify(text(force_sign(unsigned(issuer="https://x.example") | {"version": "4.0"})))
    assert status == 1
    assert "unsupported_version: " in out


@pytest.mark.parametrize("keypair", [OURS, CLASSICAL], ids=lambda one: one.algorithm)
def test_dump_is_what_another_program_verifies(verify: Verify, tmp_path: Path, keypair: KeyPair) -> None:
    """OpenSSL's library stands in for its command, which takes the same three files."""
    assert verify(cose.dumps(force_sign(unsigned(), keypair)), "--dump", str(tmp_path))[0] == 0
    tbs, signature = (tmp_path / "tbs.bin").read_bytes(), (tmp_path / "sig.bin").read_bytes()
    key = load_pem_public_key((tmp_path / "key.pem").read_bytes())
    assert isinstance(key, (MLDSA65PublicKey, Ed25519PublicKey))
    key.verify(signature, tbs)
    assert cbor2.loads(tbs)[3] == canonical(unsigned())
    assert sha3_256(cbor2.loads(tbs)[3]) in verify(text(force_sign(unsigned(), keypair)))[1]


@pytest.mark.parametrize(
    "bundle",
    [
        force_sign(unsigned(), STRANGER),
        signed(signatures=None),
        signed(signatures=signed()["signatures"] | {"signature": "base64:AAAA"}),
        signed(note="\ud800"),
    ],
    ids=["unknown key", "unsigned", "no signature", "no signed bytes"],
)
def test_no_dump_of_what_has_no_signature(verify: Verify, tmp_path: Path, bundle: dict[str, Any]) -> None:
    document = json.dumps(bundle).encode()
    status, _, err = verify(document, "--dump", str(tmp_path))
    assert status == 2
    assert "--dump: " in err
    assert not (tmp_path / "tbs.bin").exists()


def test_a_dump_that_cannot_be_written(verify: Verify, tmp_path: Path) -> None:
    status, _, err = verify(text(signed()), "--dump", str(tmp_path / "missing"))
    assert status == 2
    assert "cannot be written" in err
