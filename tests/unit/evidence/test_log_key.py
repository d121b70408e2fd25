"""Keys of logs: published beside those of bundles, and never taken for one."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from qcos_evidence import EvidenceError, KeyPair, KeySet, LocalSigner, LogKey, PublicKey, mu, spki_to_public, verify
from qcos_evidence.encoding import encode_base64url
from tests.unit.evidence.samples import CLASSICAL, KEYS, NOW, OURS, signed

KEYPAIR = KeyPair.generate("ML-DSA-44")
KEY = LogKey("api.example.com/tenants/acme", KEYPAIR.public)
REFERENCE = MLDSA44PublicKey.from_public_bytes(KEYPAIR.public)


def test_jwk() -> None:
    key = LogKey(KEY.origin, KEYPAIR.public, not_before="2026-01-01T00:00:00Z", status="retired")
    jwk = key.to_jwk()
    assert jwk == {
        "kty": "AKP",
        "alg": "ML-DSA-44",
        "pub": encode_base64url(KEYPAIR.public),
        "kid": key.key_id,
        "use": "sig",
        "key_ops": ["verify"],
        "qcos:log": "api.example.com/tenants/acme",
        "nbf": 1767225600,
        "status": "retired",
    }
    assert LogKey.from_jwk(jwk) == key
    assert LogKey.from_jwk({name: jwk[name] for name in ("kty", "alg", "pub", "qcos:log")}) == KEY


def test_a_set_keeps_them_apart() -> None:
    jwks = KeySet(KEYS, [KEY]).to_jwks()
    assert [jwk["alg"] for jwk in jwks["keys"]] == ["ML-DSA-65", "Ed25519", "ML-DSA-44"]
    read = KeySet.from_jwks(jwks)
    assert (list(read), read.logs, len(read)) == (list(KEYS), (KEY,), 2)
    assert read.get(KEY.key_id) is None
    # A set without them is what it always was.
    assert KeySet.from_jwks(KEYS.to_jwks()).logs == ()
    for twice in ([KEY, KEY], [KEY, LogKey(KEY.origin, KEY.public, status="revoked")]):
        with pytest.raises(EvidenceError):
            KeySet([], twice)
    assert len(KeySet([], [KEY, LogKey("another.example", KEY.public)]).logs) == 2


def test_a_key_that_says_it_is_a_logs_verifies_no_bundle() -> None:
    ours = PublicKey("ML-DSA-65", OURS.public).to_jwk()
    assert verify(signed(), KeySet.from_jwks({"keys": [ours]}), now=NOW).valid
    marked = KeySet.from_jwks({"keys": [ours | {"qcos:log": KEY.origin}]})
    assert (len(marked), marked.logs) == (0, ())
    assert {one.code for one in verify(signed(), marked, now=NOW).reasons} >= {"unknown_key"}


def test_a_key_of_ml_dsa_44_that_names_no_log_is_nobodys() -> None:
    jwk = KEY.to_jwk()
    del jwk["qcos:log"]
    found = KeySet.from_jwks({"keys": [jwk]})
    assert (len(found), found.logs) == (0, ())


def test_it_signs_no_bundle() -> None:
    with pytest.raises(EvidenceError):
        LocalSigner(KEYPAIR)
    with pytest.raises(EvidenceError):
        PublicKey("ML-DSA-44", KEYPAIR.public)  # type: ignore[arg-type]
    bundle = signed()
    bundle["signatures"] |= {"algorithm": "ML-DSA-44", "key_id": KEY.key_id}
    verdict = verify(bundle, KeySet(KEYS, [KEY]), now=NOW)
    assert verdict.checks["signature"] == "invalid"


@pytest.mark.parametrize(
    "change",
    [
        {"qcos:log": ""},
        {"qcos:log": "a b"},
        {"qcos:log": "a+b"},
        {"qcos:log": "x" * 256},
        {"qcos:log": None},
        {"qcos:log": 7},
        {"pub": encode_base64url(KEYPAIR.public[1:])},
        {"pub": encode_base64url(OURS.public)},
        {"pub": None},
        {"pub": encode_base64url(KEYPAIR.public) + "="},
        {"priv": "AAAA"},
        {"kid": "x"},
        {"use": "enc"},
        {"key_ops": ["sign"]},
        {"status": "lost"},
        {"revoked_at": 1},
        {"nbf": -1},
        {"exp": "2026"},
    ],
    ids=range(18),
)
def test_refused(change: dict[str, Any]) -> None:
    jwk = KEY.to_jwk() | change
    with pytest.raises(EvidenceError):
        LogKey.from_jwk(jwk)
    with pytest.raises(EvidenceError):
        KeySet.from_jwks({"keys": [jwk]})


@pytest.mark.parametrize("change", [{"alg": "ML-DSA-65"}, {"alg": None}, {"kty": "OKP"}])
def test_other_kinds_are_skipped(change: dict[str, Any]) -> None:
    jwk = KEY.to_jwk() | change
    assert KeySet.from_jwks({"keys": [jwk]}).logs == ()
    with pytest.raises(EvidenceError):
        LogKey.from_jwk(jwk)


@pytest.mark.parametrize(
    "public", [b"", OURS.public, CLASSICAL.public, bytearray(KEYPAIR.public), "x" * 1312], ids=range(5)
)
def test_refused_bytes(public: Any) -> None:
    with pytest.raises(EvidenceError):
        LogKey(KEY.origin, public)


def test_two_libraries_agree() -> None:
    """Ours and OpenSSL's ML-DSA-44, on what either signed and on what was changed since."""
    theirs = MLDSA44PrivateKey.generate()
    their_key = LogKey(KEY.origin, theirs.public_key().public_bytes_raw())
    for number in range(15):
        message = hashlib.shake_256(bytes([number])).digest(number * 7)
        ours, other = KEYPAIR.sign(message), theirs.sign(message)
        REFERENCE.verify(ours, message)
        assert their_key.verify(message, other)
        assert their_key.verify(message, theirs.sign_mu(mu(their_key.public, message)))
        assert not their_key.verify(message, theirs.sign(message, b"context"))
        place = int.from_bytes(hashlib.sha256(message).digest()[:4], "big") % len(ours)
        flipped = bytes(byte ^ (at == place) for at, byte in enumerate(ours))
        assert not KEY.verify(message, flipped)
        with pytest.raises(InvalidSignature):
            REFERENCE.verify(flipped, message)


def test_as_other_programs_take_it() -> None:
    assert load_pem_public_key(KEY.to_pem().encode()) == REFERENCE
    assert spki_to_public(REFERENCE.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)) == KEY.public
    message = b"subtree/v1\n\0"
    REFERENCE.verify(KEYPAIR.sign(message), message)
    assert KEY.verify(message, KEYPAIR.sign(message))
    assert not KEY.verify(message + b"\0", KEYPAIR.sign(message))
    assert not KEY.verify(message, OURS.sign(message))
    assert KeyPair.from_secret_json(KEYPAIR.to_secret_json()) == KEYPAIR
