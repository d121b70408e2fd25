"""Keys against Wycheproof, RFC 9964 and an independent implementation (OpenSSL's, through cryptography)."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from typing import Any

import cbor2
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey, MLDSA65PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from qcos_evidence import EvidenceError, KeyPair, KeySet, LocalSigner, PublicKey, SigningFailed, mu, spki_to_public
from qcos_evidence.encoding import decode_base64, decode_base64url
from tests.unit.evidence.samples import CLASSICAL, OURS, STRANGER, VECTORS

WYCHEPROOF = json.loads((VECTORS / "wycheproof" / "mldsa_65_verify_test.json").read_text())
JOSE = json.loads((VECTORS / "rfc9964" / "ML_DSA_65.jose.json").read_text())
COSE = json.loads((VECTORS / "rfc9964" / "ML_DSA_65.cose.json").read_text())
MESSAGES = [hashlib.shake_256(bytes([length & 255])).digest(length) for length in (*range(20), 100, 4096, 4097, 65536)]


def test_wycheproof() -> None:
    """All 210 cases: ours is the empty context, so the valid signatures with another context must be refused too."""
    outcomes: Counter[tuple[str, bool, bool]] = Counter()
    wrong = []
    for group in WYCHEPROOF["testGroups"]:
        try:
            key = PublicKey("ML-DSA-65", bytes.fromhex(group["publicKey"]))
        except EvidenceError:
            key = None
        for case in group["tests"]:
            message, signature = bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"])
            accepted = key is not None and key.verify(message, signature)
            empty_context = not case.get("ctx")
            if accepted != (case["result"] == "valid" and empty_context):
                wrong.append(case["tcId"])
            outcomes[case["result"], empty_context, accepted] += 1
    assert not wrong
    assert outcomes == {
        ("valid", True, True): 77,
        ("valid", False, False): 2,
        ("invalid", True, False): 126,
        ("invalid", False, False): 5,
    }


def test_mu_on_wycheproof() -> None:
    """OpenSSL, given only our mu of each message, finds every signature with the empty context as Wycheproof does."""
    ran = 0
    for group in WYCHEPROOF["testGroups"]:
        public = bytes.fromhex(group["publicKey"])
        if len(public) != 1952:
            continue
        reference = MLDSA65PublicKey.from_public_bytes(public)
        for case in group["tests"]:
            if case.get("ctx"):
                continue
            try:
                reference.verify_mu(bytes.fromhex(case["sig"]), mu(public, bytes.fromhex(case["msg"])))
                found = "valid"
            except InvalidSignature:
                found = "invalid"
            assert found == case["result"], case["tcId"]
            ran += 1
    assert ran == 199


def test_spki_of_wycheproof() -> None:
    for group in WYCHEPROOF["testGroups"]:
        public, der = bytes.fromhex(group["publicKey"]), bytes.fromhex(group["publicKeyDer"])
        if len(public) == 1952:
            assert spki_to_public(der) == public
        else:
            with pytest.raises(EvidenceError):
                spki_to_public(der)


def test_spki_of_ed25519() -> None:
    reference = Ed25519PublicKey.from_public_bytes(CLASSICAL.public)
    der = reference.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert spki_to_public(der) == CLASSICAL.public
    for wrong in (b"", der[:-1], der + b"\x00", bytes([der[0] ^ 1]) + der[1:], CLASSICAL.public):
        with pytest.raises(EvidenceError):
            spki_to_public(wrong)


def test_rfc_9964_key() -> None:
    public_jwk = {name: value for name, value in JOSE["jwk"].items() if name != "priv"}
    key = PublicKey.from_jwk(public_jwk)
    assert key.public == bytes.fromhex(JOSE["raw_public_key"])
    assert key.key_id == JOSE["jwk"]["kid"]
    assert key.to_jwk().items() >= public_jwk.items()
    assert key.public == MLDSA65PrivateKey.from_seed_bytes(bytes(32)).public_key().public_bytes_raw()


def test_rfc_9964_signatures() -> None:
    for example in (JOSE, COSE):
        key = PublicKey("ML-DSA-65", bytes.fromhex(example["raw_public_key"]))
        assert key.verify(bytes.fromhex(example["raw_to_be_signed"]), bytes.fromhex(example["raw_signature"]))
        assert not key.verify(bytes.fromhex(example["raw_to_be_signed"])[1:], bytes.fromhex(example["raw_signature"]))


def test_rfc_9964_sig_structure() -> None:
    """The signed bytes of the published COSE_Sign1 are laid out as ours are."""
    protected, _, payload, signature = cbor2.loads(bytes.fromhex(COSE["sign1"])).value
    tbs = cbor2.dumps(["Signature1", protected, b"", payload], canonical=True)
    assert tbs.hex() == COSE["raw_to_be_signed"]
    assert PublicKey("ML-DSA-65", bytes.fromhex(COSE["raw_public_key"])).verify(tbs, signature)
    assert cbor2.loads(protected)[1] == -49


def test_rfc_8037_thumbprint() -> None:
    """Appendix A.3."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert PublicKey.from_jwk(jwk).key_id == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_rfc_8032_signature() -> None:
    """Section 7.1, test 3."""
    seed = bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7")
    public = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    keypair = KeyPair("Ed25519", public, seed)
    assert keypair.sign(bytes.fromhex("af82")).hex() == (
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )


def test_ed25519_signature_has_one_form() -> None:
    """S + L verifies under a careless implementation (RFC 8032 section 5.1.7 forbids it)."""
    message, signature = b"x", CLASSICAL.sign(b"x")
    order = 2**252 + 27742317777372353535851937790883648493
    raised = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    key = PublicKey("Ed25519", CLASSICAL.public)
    assert key.verify(message, signature)
    assert not key.verify(message, signature[:32] + raised)


def test_what_we_sign_the_other_library_verifies() -> None:
    reference = MLDSA65PublicKey.from_public_bytes(OURS.public)
    classical = Ed25519PublicKey.from_public_bytes(CLASSICAL.public)
    for message in MESSAGES:
        reference.verify(OURS.sign(message), message)
        classical.verify(CLASSICAL.sign(message), message)
        with pytest.raises(InvalidSignature):
            reference.verify(OURS.sign(message), message + b"\x00")


def test_what_the_other_library_signs_we_verify() -> None:
    private, classical = MLDSA65PrivateKey.generate(), Ed25519PrivateKey.generate()
    key = PublicKey("ML-DSA-65", private.public_key().public_bytes_raw())
    classical_key = PublicKey("Ed25519", classical.public_key().public_bytes_raw())
    for message in MESSAGES:
        assert key.verify(message, private.sign(message))
        assert key.verify(message, private.sign_mu(mu(key.public, message)))
        assert not key.verify(message, private.sign(message, b"context"))
        assert not key.verify(message + b"\x00", private.sign(message))
        assert classical_key.verify(message, classical.sign(message))
        assert not classical_key.verify(message + b"\x00", classical.sign(message))


@pytest.mark.parametrize("keypair", [OURS, CLASSICAL], ids=lambda one: one.algorithm)
def test_verify_answers_false_to_any_other_bytes(keypair: KeyPair) -> None:
    key, signature = PublicKey(keypair.algorithm, keypair.public), keypair.sign(b"x")
    assert key.verify(b"x", signature) is True
    for wrong in (b"", signature[:-1], signature + b"\x00", bytes(len(signature)), b"\xff" * len(signature)):
        assert key.verify(b"x", wrong) is False
    assert key.verify(b"", signature) is False


def test_messages_over_the_librarys_limit() -> None:
    too_long = bytes(2**20 + 1)
    with pytest.raises(SigningFailed):
        OURS.sign(too_long)
    assert PublicKey("ML-DSA-65", OURS.public).verify(too_long, OURS.sign(b"x")) is False


@pytest.mark.parametrize("algorithm", ["ML-DSA-65", "Ed25519"])
def test_secret_json_round_trip(algorithm: Any) -> None:
    keypair = KeyPair.generate(algorithm)
    assert KeyPair.generate(algorithm) != keypair
    stored = keypair.to_secret_json()
    assert set(json.loads(stored)) == {"algorithm", "public", "secret"}
    for text in (stored, stored.encode()):
        again = KeyPair.from_secret_json(text)
        assert again == keypair
        assert LocalSigner(again).public_key.verify(b"x", LocalSigner(again).sign(b"x"))
    assert base64.b64encode(keypair.secret).decode() not in repr(keypair)
    assert repr(keypair.secret) not in repr(keypair)


def secret_json(**changes: Any) -> str:
    return json.dumps(json.loads(OURS.to_secret_json()) | changes)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        b"\xff",
        secret_json(algorithm="ML-DSA-44"),
        secret_json(algorithm="Ed25519"),
        secret_json(algorithm=[]),
        secret_json(more=1),
        secret_json(public=None),
        secret_json(secret="AAAA"),
        secret_json(secret=base64.b64encode(bytes(4032)).decode()),
        secret_json(public=base64.b64encode(STRANGER.public).decode()),
        secret_json(secret=base64.b64encode(OURS.secret).decode() + "\n"),
    ],
    ids=range(13),
)
def test_refused_secret_json(text: str | bytes) -> None:
    with pytest.raises(EvidenceError) as refused:
        KeyPair.from_secret_json(text)
    assert len(str(refused.value)) < 200


def test_halves_of_different_key_pairs() -> None:
    with pytest.raises(EvidenceError):
        KeyPair("Ed25519", CLASSICAL.public, bytes(32))
    for flipped in (0, 64):  # rho, which makes the matrix; tr, the hash of the public key
        damaged = bytearray(OURS.secret)
        damaged[flipped] ^= 1
        with pytest.raises(EvidenceError):
            KeyPair("ML-DSA-65", OURS.public, bytes(damaged))


def test_jwks_round_trip() -> None:
    keys = [
        PublicKey(
            "ML-DSA-65",
            OURS.public,
            not_before="2026-01-01T00:00:00Z",
            not_after="2027-01-01T00:00:00Z",
            status="retired",
        ),
        PublicKey("ML-DSA-65", STRANGER.public, status="revoked", revoked_at="2026-06-01T12:30:59Z"),
        PublicKey("Ed25519", CLASSICAL.public),
    ]
    published = json.loads(json.dumps(KeySet(keys).to_jwks()))
    assert published["keys"][0]["nbf"] == 1767225600
    assert published["keys"][0]["exp"] == 1798761600
    assert published["keys"][2]["alg"] == "Ed25519"
    read = KeySet.from_jwks(published)
    assert list(read) == keys
    assert len(read) == 3
    for key in keys:
        assert read.get(key.key_id) == key
    assert read.get("none") is None


def test_keys_of_other_kinds_are_skipped_in_a_set() -> None:
    others = [{"kty": "RSA", "n": "AQ", "e": "AQAB"}, {"kty": "AKP", "alg": "ML-DSA-87", "pub": "AA"}, {}]
    read = KeySet.from_jwks({"keys": [*others, PublicKey("Ed25519", CLASSICAL.public).to_jwk()]})
    assert [key.public for key in read] == [CLASSICAL.public]


JWK = PublicKey("ML-DSA-65", OURS.public).to_jwk()
OKP = PublicKey("Ed25519", CLASSICAL.public).to_jwk()


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        JOSE["jwk"],
        OKP | {"d": "AAAA"},
        JWK | {"alg": "ML-DSA-44"},
        {name: value for name, value in JWK.items() if name != "alg"},
        OKP | {"crv": "Ed448"},
        OKP | {"alg": "ES256"},
        JWK | {"pub": JWK["pub"] + "=="},
        JWK | {"pub": JWK["pub"][:-4]},
        JWK | {"pub": 1},
        JWK | {"pub": None},
        OKP | {"x": OKP["x"][:-1] + chr(ord(OKP["x"][-1]) + 1)},
        JWK | {"kid": OKP["kid"]},
        JWK | {"kid": None},
        JWK | {"use": "enc"},
        JWK | {"key_ops": ["sign"]},
        JWK | {"key_ops": "verify"},
        JWK | {"status": "unknown"},
        JWK | {"status": []},
        JWK | {"nbf": "2026-01-01T00:00:00Z"},
        JWK | {"nbf": 1.5},
        JWK | {"nbf": True},
        JWK | {"exp": -1},
        JWK | {"exp": 2**53},
        JWK | {"revoked_at": 1},
    ],
    ids=range(25),
)
def test_refused_jwk(jwk: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError):
        PublicKey.from_jwk(jwk)


@pytest.mark.parametrize("jwks", [{}, {"keys": {}}, {"keys": [1]}, {"keys": [JWK, JWK]}, [], None], ids=range(6))
def test_refused_jwks(jwks: Any) -> None:
    with pytest.raises(EvidenceError):
        KeySet.from_jwks(jwks)


@pytest.mark.parametrize(
    "wrong",
    [
        {"algorithm": "ML-DSA-44"},
        {"public": OURS.public[:-1]},
        {"public": bytearray(OURS.public)},
        {"not_before": "2026-01-01"},
        {"not_after": "2026-01-01T00:00:00.000Z"},
        {"not_after": 1},
        {"status": "gone"},
        {"revoked_at": "2026-01-01T00:00:00Z"},
    ],
    ids=lambda one: next(iter(one)),
)
def test_refused_public_key(wrong: dict[str, Any]) -> None:
    with pytest.raises(EvidenceError):
        PublicKey(**({"algorithm": "ML-DSA-65", "public": OURS.public} | wrong))


@pytest.mark.parametrize(
    "text",
    ["YWJj====", "YWJ=", "YWI", "YWI==", "YW I=", "YWI=\n", "YW-_", "", "Y===", "ＹＷＩ=", None, b"YWI="],
    ids=repr,
)
def test_base64_of_two_bytes_has_one_spelling(text: object) -> None:
    assert decode_base64("YWI=", 2) == b"ab"
    assert decode_base64(text, 2) is None


@pytest.mark.parametrize("text", ["YWI=", "YWJ", "YW+/", "Y", "YWI\n", None, b"YWI"], ids=repr)
def test_base64url_has_one_spelling(text: object) -> None:
    assert decode_base64url("YWI") == b"ab"
    assert decode_base64url(text) is None
