"""The bytes that are signed, and that nothing is handed out that does not verify."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey

from qcos_evidence import (
    EvidenceError,
    KeyPair,
    KeySet,
    LocalSigner,
    PublicKey,
    SigningFailed,
    canonical,
    mu,
    sign,
    to_be_signed,
    verify,
)
from tests.unit.evidence.samples import CLASSICAL, NOW, OUR_KEY_ID, OURS, STRANGER, signed, unsigned


@pytest.mark.parametrize(("keypair", "algorithm"), [(OURS, -49), (CLASSICAL, -19)], ids=["ML-DSA-65", "Ed25519"])
def test_signed_bytes_are_a_cose_sig_structure(keypair: KeyPair, algorithm: int) -> None:
    key_id = PublicKey(keypair.algorithm, keypair.public).key_id
    tbs = to_be_signed(signed(), key_id, keypair.algorithm)
    label, protected, external, payload = cbor2.loads(tbs)
    assert (label, external) == ("Signature1", b"")
    assert cbor2.loads(protected) == {
        1: algorithm,
        3: "application/vnd.qcos.evidence+json; version=3.0",
        4: key_id.encode(),
    }
    assert payload == canonical(unsigned())
    # Byte for byte: array of 4, text of 10, byte strings with two-byte lengths where needed.
    length = len(payload).to_bytes(2, "big")
    assert tbs == b"\x84\x6aSignature1\x58" + bytes([len(protected)]) + protected + b"\x40\x59" + length + payload


def test_signed_bytes_by_hand() -> None:
    """A whole structure spelled out, so that no library decides what an auditor has to reproduce."""
    protected = (
        b"\xa3\x01\x38\x30\x03\x78\x2fapplication/vnd.qcos.evidence+json; version=3.0\x04\x43kid"  # -49 is 38 30
    )
    assert to_be_signed({"b": 1, "a": [True], "signatures": {}}, "kid", "ML-DSA-65") == (
        b"\x84\x6aSignature1\x58" + bytes([len(protected)]) + protected + b'\x40\x52{"a":[true],"b":1}'
    )


@pytest.mark.parametrize(("keypair", "length"), [(OURS, 4412), (CLASSICAL, 88)], ids=["ML-DSA-65", "Ed25519"])
def test_signature_members(keypair: KeyPair, length: int) -> None:
    bundle = sign(unsigned(), LocalSigner(keypair))
    key = PublicKey(keypair.algorithm, keypair.public)
    signatures = bundle["signatures"]
    assert set(signatures) == {"algorithm", "key_id", "signature"}
    assert (signatures["algorithm"], signatures["key_id"]) == (keypair.algorithm, key.key_id)
    prefix, _, encoded = signatures["signature"].partition(":")
    assert (prefix, len(encoded)) == ("base64", length)
    assert key.verify(to_be_signed(bundle, key.key_id, key.algorithm), base64.b64decode(encoded))
    assert {name: value for name, value in bundle.items() if name != "signatures"} == unsigned()


def test_openssl_verifies_a_bundle() -> None:
    bundle = signed()
    signature = base64.b64decode(bundle["signatures"]["signature"].removeprefix("base64:"))
    MLDSA65PublicKey.from_public_bytes(OURS.public).verify(signature, to_be_signed(bundle, OUR_KEY_ID, "ML-DSA-65"))


class MuSigner:
    """Signs as a key service does that sees 64 bytes only."""

    def __init__(self) -> None:
        self._private = MLDSA65PrivateKey.generate()
        self.public_key = PublicKey("ML-DSA-65", self._private.public_key().public_bytes_raw())

    def sign(self, tbs: bytes) -> bytes:
        return self._private.sign_mu(mu(self.public_key.public, tbs))


def test_a_signer_that_sees_mu_only() -> None:
    signer = MuSigner()
    bundle = sign(unsigned(), signer)
    assert verify(bundle, KeySet([signer.public_key]), now=NOW).valid


class WrongSigner:
    """Claims one key and answers with whatever it is told."""

    def __init__(self, answer: Any) -> None:
        self.public_key = PublicKey("ML-DSA-65", OURS.public)
        self._answer = answer

    def sign(self, tbs: bytes) -> Any:
        return self._answer(tbs)


def damaged(at: int) -> KeyPair:
    secret = bytearray(OURS.secret)
    secret[at] ^= 1
    return KeyPair("ML-DSA-65", OURS.public, bytes(secret))


@pytest.mark.parametrize(
    "answer",
    [
        lambda _tbs: b"",
        lambda _tbs: None,
        lambda tbs: bytearray(OURS.sign(tbs)),
        lambda tbs: OURS.sign(tbs)[:-1],
        lambda tbs: STRANGER.sign(tbs),
        lambda tbs: OURS.sign(hashlib.sha512(tbs).digest()),
        lambda tbs: CLASSICAL.sign(tbs),
        # The library signs with a damaged s1, s2 or t0 without complaint.
        lambda tbs: damaged(200).sign(tbs),
    ],
    ids=["empty", "none", "not bytes", "short", "other key", "pre-hashed", "other algorithm", "damaged key"],
)
def test_what_does_not_verify_is_not_handed_out(answer: Any) -> None:
    with pytest.raises(SigningFailed):
        sign(unsigned(), WrongSigner(answer))


def test_refused_before_the_signer_is_asked() -> None:
    def unexpected(_tbs: bytes) -> bytes:
        raise AssertionError("the signer was asked")

    signer = WrongSigner(unexpected)
    with pytest.raises(EvidenceError, match="already"):
        sign(signed(), signer)
    with pytest.raises(EvidenceError, match="backend"):
        sign(unsigned() | {"execution_proof": {}}, signer)
    with pytest.raises(EvidenceError, match="version"):
        sign(unsigned() | {"version": "3.1"}, signer)
    with pytest.raises(EvidenceError, match="integers"):
        sign(unsigned() | {"ratio": 0.5}, signer)


def test_a_bundle_no_verifier_would_read() -> None:
    with pytest.raises(EvidenceError, match="long"):
        sign(unsigned(note="x" * 256 * 1024), LocalSigner(CLASSICAL))


def test_the_largest_bundle_is_read() -> None:
    room = 256 * 1024 - len(canonical(sign(unsigned(note=""), LocalSigner(CLASSICAL))))
    bundle = sign(unsigned(note="x" * room), LocalSigner(CLASSICAL))
    assert len(canonical(bundle)) == 256 * 1024
    assert verify(canonical(bundle), KeySet([PublicKey("Ed25519", CLASSICAL.public)]), now=NOW).valid
