"""Signing keys: a KMS key in the cloud, a software key in a secret elsewhere; the bundles they make are the same.

Only the signing step and what is built on it import this module: it needs the evidence library.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from nacl.signing import SigningKey

import qcos_evidence
from qcos.ports import SignedBundle
from qcos_evidence import KeyPair, KeySet, LocalSigner, PublicKey, Signer


class KmsSigner:
    """A :class:`qcos_evidence.Signer` whose ML-DSA-65 secret never leaves AWS KMS.

    KMS is given the 64-byte message representative (``EXTERNAL_MU``), so a bundle of any size is signed the same way.
    """

    def __init__(self, key_arn: str, client: Any) -> None:
        self._arn = key_arn
        self._client = client

    @cached_property
    def public_key(self) -> PublicKey:
        answer = self._client.get_public_key(KeyId=self._arn)
        return PublicKey("ML-DSA-65", qcos_evidence.spki_to_public(answer["PublicKey"]))

    def sign(self, tbs: bytes) -> bytes:
        answer = self._client.sign(
            KeyId=self._arn,
            Message=qcos_evidence.mu(self.public_key.public, tbs),
            MessageType="EXTERNAL_MU",
            SigningAlgorithm="ML_DSA_SHAKE_256",
        )
        return bytes(answer["Signature"])


def post_quantum_signer(arn: str, client: Callable[[str], Any]) -> Signer:
    """The ML-DSA-65 signer that ``arn`` names: a KMS key, or a secret holding a software key pair.

    Raises:
        ValueError: it names neither.
    """
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    if service == "kms":
        return KmsSigner(arn, client("kms"))
    if service == "secretsmanager":
        text = client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
        return LocalSigner(KeyPair.from_secret_json(text))
    raise ValueError("QCOS_SIGNING_KEY_ARN must name a KMS key or a Secrets Manager secret")


def classical_signer(seed_text: str) -> Signer:
    """The Ed25519 signer whose seed is SHA-256 of the tenant's random secret text, bound to this one use."""
    seed = hashlib.sha256(b"qcos evidence ed25519 v1\x00" + seed_text.encode()).digest()
    return LocalSigner(KeyPair("Ed25519", bytes(SigningKey(seed).verify_key), seed))


class Custody:
    """A :class:`qcos.ports.EvidenceSigner`; each signer is opened when first needed."""

    def __init__(self, post_quantum: Callable[[], Signer], classical: Callable[[], Signer]) -> None:
        self._open = {True: post_quantum, False: classical}
        self._signers: dict[bool, Signer] = {}

    def _signer(self, *, post_quantum: bool) -> Signer:
        if post_quantum not in self._signers:
            self._signers[post_quantum] = self._open[post_quantum]()
        return self._signers[post_quantum]

    def register(self) -> list[dict[str, Any]]:
        """The public keys it signs with, as JWKs."""
        return [self._signer(post_quantum=kind).public_key.to_jwk() for kind in (True, False)]

    def sign(self, record: Mapping[str, Any], event_hashes: Sequence[str], *, post_quantum: bool) -> SignedBundle:
        """Assemble, sign and verify a bundle of ``record`` and the log whose event hashes are given."""
        hashes = [bytes.fromhex(text.removeprefix("sha256:")) for text in event_hashes]
        log = qcos_evidence.event_log(str(record["job_id"]), hashes)
        bundle = qcos_evidence.assemble(**record, event_log=log)
        signed = qcos_evidence.sign(bundle, self._signer(post_quantum=post_quantum))
        document = json.dumps(signed, ensure_ascii=False, separators=(",", ":")).encode()
        return self._described(signed, document)

    def inspect(self, document: bytes) -> SignedBundle:
        """What a stored bundle of this tenant is, after verifying it.

        Raises:
            ValueError: it does not verify.
        """
        keys = KeySet(self._signer(post_quantum=kind).public_key for kind in (True, False))
        # The process that stored it may have a clock a little ahead of ours.
        verdict = qcos_evidence.verify(document, keys, now=datetime.now(UTC) + timedelta(minutes=5))
        if not verdict.valid:
            raise ValueError(f"the stored bundle does not verify: {', '.join(r.code for r in verdict.reasons)}")
        return self._described(qcos_evidence.parse(document), document)

    @staticmethod
    def _described(signed: Mapping[str, Any], document: bytes) -> SignedBundle:
        signatures = signed["signatures"]
        return SignedBundle(document, qcos_evidence.digest(signed), signatures["algorithm"], signatures["key_id"])
