"""Custody of signing keys: what KMS is asked, that its ML-DSA is ours, and that keys may change.

moto and the emulator have no ML-DSA. In KMS's place stands OpenSSL's signature of a 64-byte message representative
(FIPS 204's external mu), behind botocore's Stubber, which holds request and answer against AWS's own description.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA65PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from qcos.adapters.custody import (
    KEEP_S,
    Custody,
    KmsSigner,
    LogCustody,
    classical_signer,
    log_signer,
    post_quantum_signer,
)
from qcos_evidence import (
    KeyPair,
    KeySet,
    LocalSigner,
    LogKey,
    PublicKey,
    SigningFailed,
    merkle,
    mu,
    sign,
    to_be_signed,
    transparency,
    verify,
)
from tests.unit.evidence.samples import EVENTS, NOW, unsigned

ARN = "arn:aws:kms:us-east-1:000000000000:key/0b6a9a6c-2f8e-4a0e-9a5e-5d0c4f0c1d2e"
ALIAS = "arn:aws:kms:us-east-1:000000000000:alias/qcos-acme-evidence"
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


def expect_key(kms: Stubber, der: bytes = DER, name: str = ARN, spec: str = "ML_DSA_65") -> None:
    answer = {
        "KeyId": ARN,
        "PublicKey": der,
        "KeySpec": spec,
        "KeyUsage": "SIGN_VERIFY",
        "SigningAlgorithms": ["ML_DSA_SHAKE_256"],
    }
    kms.add_response("get_public_key", answer, {"KeyId": name})


def expect_signature(kms: Stubber, tbs: bytes, signature: bytes | None = None, public: bytes = PUBLIC.public) -> None:
    """KMS must be given the 64 bytes that stand for ``tbs``, and how to understand them."""
    digest = mu(public, tbs)
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


def test_the_key_that_an_alias_meant_first_is_the_one_that_signs(kms: Stubber) -> None:
    """Were the alias switched between the two calls, its new key would sign what stands for the old one."""
    bundle = unsigned()
    expect_key(kms, name=ALIAS)
    expect_signature(kms, to_be_signed(bundle, PUBLIC.key_id, "ML-DSA-65"))
    assert verify(json.dumps(sign(bundle, KmsSigner(ALIAS, kms.client))).encode(), KeySet([PUBLIC]), now=NOW).valid


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
    assert mine.inspect(made.document, mine.register()) == made
    assert made.log_entry.encode() == transparency.entry(json.loads(made.document))
    keys = KeySet.from_jwks({"keys": mine.register()})
    assert {key.algorithm for key in keys} == {"ML-DSA-65", "Ed25519"}
    assert verify(made.document, keys, now=NOW).bundle_hash == made.bundle_hash
    with pytest.raises(ValueError, match="signature_invalid"):
        mine.inspect(made.document.replace(b"ev_abc123", b"ev_abc124"), mine.register())
    stranger = Custody(lambda: LocalSigner(KeyPair.generate("ML-DSA-65")), lambda: classical_signer("other"))
    with pytest.raises(ValueError, match="unknown_key"):
        mine.inspect(made.document, stranger.register())


def test_custody_asks_for_the_key_that_is_meant_again_after_five_minutes() -> None:
    pairs, now = [KeyPair.generate("ML-DSA-65")], [0.0]
    mine = Custody(lambda: LocalSigner(pairs[-1]), lambda: classical_signer("seed"), lambda: now[0])

    def key_ids() -> set[str]:
        return {jwk["kid"] for jwk in mine.register() if jwk["alg"] == "ML-DSA-65"}

    before = key_ids()
    pairs.append(KeyPair.generate("ML-DSA-65"))
    now[0] = KEEP_S - 1
    assert key_ids() == before
    now[0] = KEEP_S
    assert key_ids() == {PublicKey("ML-DSA-65", pairs[-1].public).key_id} != before


LOG = "qcos.test/tenants/acme"
LOG_PRIVATE = MLDSA44PrivateKey.generate()
LOG_PUBLIC = LOG_PRIVATE.public_key().public_bytes_raw()
LEAVES = [transparency.leaf_hash(bytes([number])) for number in range(5)]


def test_kms_signs_a_checkpoint_that_opens(kms: Stubber) -> None:
    der = LOG_PRIVATE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    expect_key(kms, der, name=ALIAS, spec="ML_DSA_44")
    custody = LogCustody(lambda: log_signer(ALIAS, {"kms": kms.client}.__getitem__))
    key = LogKey.from_jwk(custody.key(LOG))
    assert (key.public, key.origin) == (LOG_PUBLIC, LOG)
    # What is signed is fixed by the time in it, so the answer can be made before the question is asked.
    message = transparency._cosigned_message(LOG, 5, merkle.root(LEAVES), int(NOW.timestamp()))
    digest = mu(LOG_PUBLIC, message)
    expect_signature(kms, message, LOG_PRIVATE.sign_mu(digest), public=LOG_PUBLIC)
    text = custody.sign(LOG, LEAVES, NOW, None)
    opened = transparency.open_checkpoint(text, KeySet.from_jwks({"keys": [custody.key(LOG)]}), LOG)
    assert (opened.size, opened.root, opened.at) == (5, merkle.root(LEAVES), NOW.replace(microsecond=0))


def test_no_checkpoint_is_signed_of_a_log_that_was_changed() -> None:
    pair = KeyPair.generate("ML-DSA-44")
    custody = LogCustody(lambda: pair)
    first = custody.sign(LOG, LEAVES[:3], NOW, None)
    assert custody.sign(LOG, LEAVES, NOW, first)
    assert custody.sign(LOG, LEAVES[:3], NOW, first)
    for changed in (LEAVES[1:], LEAVES[:2], [LEAVES[0], LEAVES[2], LEAVES[1], *LEAVES[3:]]):
        with pytest.raises(ValueError, match="first 3 entries"):
            custody.sign(LOG, changed, NOW, first)


def test_keys_of_bundles_and_of_logs_do_not_stand_in_for_each_other() -> None:
    class Secrets:
        def get_secret_value(self, SecretId: str) -> dict[str, str]:
            return {
                "SecretString": KeyPair.generate("ML-DSA-44" if SecretId == SECRET else "ML-DSA-65").to_secret_json()
            }

    with pytest.raises(ValueError, match="checkpoints, not bundles"):
        post_quantum_signer(SECRET, lambda _name: Secrets())
    with pytest.raises(ValueError, match="1312 bytes"):
        LogCustody(lambda: log_signer(SECRET + "2", lambda _name: Secrets())).key(LOG)
