"""Custody of signing keys: what KMS is asked, that its ML-DSA is ours, and that keys may change.

moto and the emulator have no ML-DSA. In KMS's place stands OpenSSL's signature of a 64-byte message representative
(FIPS 204's external mu), behind botocore's Stubber, which holds request and answer against AWS's own description.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from qcos.adapters.custody import Custody, KmsSigner, classical_signer, post_quantum_signer
from qcos_evidence import KeyPair, KeySet, LocalSigner, PublicKey, SigningFailed, mu, sign, to_be_signed, verify
from tests.unit.evidence.samples import EVENTS, NOW, unsigned

ARN = "arn:aws:kms:us-east-1:000000000000:key/0b6a9a6c-2f8e-4a0e-9a5e-5d0c4f0c1d2e"
SECRET = "arn:aws:secretsmanager:us-east-1:000000000000:secret:signing-AbCdEf"
PRIVATE = MLDSA65PrivateKey.generate()
PUBLIC = PublicKey("ML-DSA-65", PRIVATE.public_key().public_bytes_raw())
DER = PRIVATE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
HASHES = [event["hash"] for event in EVENTS]


@pytest.fixture
def kms() -> Iterator[Stubber]:
    """KMS, which answers only what it was told to expect, and all of it."""
    client = boto3.session.Session("x", "x", region_name="us-east-1").client("kms")
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()
    client.close()


def expect_key(kms: Stubber, der: bytes = DER) -> None:
    answer = {
        "KeyId": ARN,
        "PublicKey": der,
        "KeySpec": "ML_DSA_65",
        "KeyUsage": "SIGN_VERIFY",
        "SigningAlgorithms": ["ML_DSA_SHAKE_256"],
    }
    kms.add_response("get_public_key", answer, {"KeyId": ARN})


def expect_signature(kms: Stubber, tbs: bytes, signature: bytes | None = None) -> None:
    """KMS must be given the 64 bytes that stand for ``tbs``, and how to understand them."""
    digest = mu(PUBLIC.public, tbs)
    assert len(digest) == 64
    request = {
        "KeyId": ARN,
        "Message": digest,
        "MessageType": "EXTERNAL_MU",
        "SigningAlgorithm": "ML_DSA_SHAKE_256",
    }
    answer = {
        "KeyId": ARN,
        "Signature": signature or PRIVATE.sign_mu(digest),
        "SigningAlgorithm": "ML_DSA_SHAKE_256",
    }
    kms.add_response("sign", answer, request)


def test_kms_signs_a_bundle_that_verifies(kms: Stubber) -> None:
    bundle = unsigned(note="x" * 9000)  # far beyond the 4096 bytes that KMS takes as they are
    expect_key(kms)
    expect_signature(kms, to_be_signed(bundle, PUBLIC.key_id, "ML-DSA-65"))
    signer = KmsSigner(ARN, kms.client)
    signed = sign(bundle, signer)
    # The key was asked for once; AWS has no other right to be asked.
    assert signer.public_key == PUBLIC
    assert verify(json.dumps(signed).encode(), KeySet([PUBLIC]), now=NOW).valid


def test_what_kms_signs_wrongly_is_never_handed_out(kms: Stubber) -> None:
    bundle = unsigned()
    expect_key(kms)
    tbs = to_be_signed(bundle, PUBLIC.key_id, "ML-DSA-65")
    # Signed as if the bytes were a message: the mistake of MessageType RAW.
    expect_signature(kms, tbs, PRIVATE.sign(mu(PUBLIC.public, tbs)))
    with pytest.raises(SigningFailed):
        sign(bundle, KmsSigner(ARN, kms.client))


def test_kms_that_refuses(kms: Stubber) -> None:
    expect_key(kms)
    kms.add_client_error("sign", "DisabledException")
    with pytest.raises(ClientError, match="Disabled"):
        sign(unsigned(), KmsSigner(ARN, kms.client))


def test_a_key_of_another_kind_is_no_key(kms: Stubber) -> None:
    expect_key(kms, DER[:-1])
    with pytest.raises(ValueError, match="SubjectPublicKeyInfo"):
        sign(unsigned(), KmsSigner(ARN, kms.client))


def test_which_signer_an_arn_names(kms: Stubber) -> None:
    pair = KeyPair.generate("ML-DSA-65")

    class Secrets:
        def get_secret_value(self, SecretId: str) -> dict[str, str]:
            assert SecretId == SECRET
            return {"SecretString": pair.to_secret_json()}

    clients: dict[str, Any] = {"kms": kms.client, "secretsmanager": Secrets()}
    assert isinstance(post_quantum_signer(ARN, clients.__getitem__), KmsSigner)
    assert post_quantum_signer(SECRET, clients.__getitem__).public_key.public == pair.public
    for wrong in ("", "kms", "arn:aws:s3:::bucket", ARN.replace(":kms:", ":ssm:")):
        with pytest.raises(ValueError, match="must name a KMS key or a Secrets Manager secret"):
            post_quantum_signer(wrong, clients.__getitem__)


def test_the_classical_key_follows_from_its_secret() -> None:
    assert classical_signer("a").public_key == classical_signer("a").public_key
    assert classical_signer("a").public_key != classical_signer("b").public_key
    assert classical_signer("a").public_key.algorithm == "Ed25519"


def record(**changes: Any) -> dict[str, Any]:
    members = {name: value for name, value in unsigned().items() if name not in ("event_log", "version")}
    return members | changes


def custody(pair: KeyPair) -> Custody:
    return Custody(lambda: LocalSigner(pair), lambda: classical_signer("seed"))


@pytest.mark.parametrize("post_quantum", [True, False])
def test_custody_signs_and_knows_its_own(post_quantum: bool) -> None:
    pair = KeyPair.generate("ML-DSA-65")
    mine = custody(pair)
    made = mine.sign(record(), HASHES, post_quantum=post_quantum)
    assert made.algorithm == ("ML-DSA-65" if post_quantum else "Ed25519")
    assert mine.inspect(made.document) == made
    keys = KeySet.from_jwks({"keys": mine.register()})
    assert {key.algorithm for key in keys} == {"ML-DSA-65", "Ed25519"}
    assert verify(made.document, keys, now=NOW).bundle_hash == made.bundle_hash
    with pytest.raises(ValueError, match="signature_invalid"):
        mine.inspect(made.document.replace(b"ev_abc123", b"ev_abc124"))
    stranger = Custody(lambda: LocalSigner(KeyPair.generate("ML-DSA-65")), lambda: classical_signer("other"))
    with pytest.raises(ValueError, match="unknown_key"):
        stranger.inspect(made.document)


def test_bundles_from_before_during_and_after_a_rotation_all_verify() -> None:
    """The old key is believed for what it signed while it was in use, the new one from its first day, for ever."""
    old, new = KeyPair.generate("ML-DSA-65"), KeyPair.generate("ML-DSA-65")

    def made(pair: KeyPair, created: str) -> bytes:
        proof = unsigned()["execution_proof"] | {"timestamp": created}
        return custody(pair).sign(record(created_at=created, execution_proof=proof), HASHES, post_quantum=True).document

    published = KeySet(
        [
            PublicKey("ML-DSA-65", old.public, "2025-01-01T00:00:00Z", "2026-02-02T00:00:00Z", "retired"),
            PublicKey("ML-DSA-65", new.public, "2026-02-01T00:00:00Z"),
        ]
    )
    # As a verifier gets them: through the JWK set, in which the old key stays.
    published = KeySet.from_jwks(json.loads(json.dumps(published.to_jwks())))
    years_later = datetime(2036, 1, 1, tzinfo=UTC)

    def codes(document: bytes) -> list[str]:
        return [reason.code for reason in verify(document, published, now=years_later).reasons]

    before, during, after = "2026-01-31T12:00:00.000Z", "2026-02-01T12:00:00.000Z", "2026-02-02T12:00:00.000Z"
    assert codes(made(old, before)) == []
    assert codes(made(old, during)) == []
    assert codes(made(new, during)) == []
    assert codes(made(new, after)) == []
    # What the old key signs once it is out of use, or the new one before it was in use, is not believed.
    assert codes(made(old, after)) == ["outside_key_validity"]
    assert codes(made(new, before)) == ["outside_key_validity"]
