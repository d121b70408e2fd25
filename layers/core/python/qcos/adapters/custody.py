"""Signing keys: a KMS key in the cloud, a software key in a secret elsewhere; what they sign is the same.

A key is named by something that may come to mean another: a KMS alias, a secret. Who signs holds what it meant for a
few minutes, so for so long two keys may be in use.

Only what signs, and what is built on it, imports this module: it needs the evidence library.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Generic, TypeVar

from nacl.signing import SigningKey

import qcos_evidence
from qcos.library import SignedBundle
from qcos_evidence import KeyPair, KeySet, LocalSigner, LogKey, LogSigner, PublicKey, Signer, merkle, transparency

KEEP_S = 300
"""How long a signer is used before its key is asked for again."""

S = TypeVar("S")


class KmsSigner:
    """A :class:`qcos_evidence.Signer` or :class:`qcos_evidence.LogSigner` whose ML-DSA secret never leaves AWS KMS.

    KMS is given the 64-byte message representative (``EXTERNAL_MU``), so what is signed may have any size. ``name`` is
    the key's ARN or an alias's; the key that an alias means when it is first asked for is the one that signs.
    """

    def __init__(self, name: str, client: Any) -> None:
        self._name = name
        self._client = client

    @cached_property
    def _key(self) -> tuple[str, bytes]:
        answer = self._client.get_public_key(KeyId=self._name)
        # By its own ARN from here on: were an alias switched now, KMS would sign what stands for another key.
        return answer["KeyId"], qcos_evidence.spki_to_public(answer["PublicKey"])

    @property
    def public(self) -> bytes:
        return self._key[1]

    @property
    def public_key(self) -> PublicKey:
        return PublicKey("ML-DSA-65", self.public)

    def sign(self, tbs: bytes) -> bytes:
        arn, public = self._key
        answer = self._client.sign(
            KeyId=arn,
            Message=qcos_evidence.mu(public, tbs),
            MessageType="EXTERNAL_MU",
            SigningAlgorithm="ML_DSA_SHAKE_256",
        )
        return bytes(answer["Signature"])


def post_quantum_signer(arn: str, client: Callable[[str], Any]) -> Signer:
    """The ML-DSA-65 signer that ``arn`` names: a KMS key or alias, or a secret holding a software key pair.

    Raises:
        ValueError: it names neither.
    """
    found = _custodian(arn, client)
    return found if isinstance(found, KmsSigner) else LocalSigner(found)


def log_signer(arn: str, client: Callable[[str], Any]) -> LogSigner:
    """The ML-DSA-44 signer that ``arn`` names: a KMS key or alias, or a secret holding a software key pair.

    Raises:
        ValueError: it names neither.
    """
    return _custodian(arn, client)


def _custodian(arn: str, client: Callable[[str], Any]) -> KmsSigner | KeyPair:
    service = arn.split(":")[2] if arn.count(":") >= 5 else ""
    if service == "kms":
        return KmsSigner(arn, client("kms"))
    if service == "secretsmanager":
        return KeyPair.from_secret_json(client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    raise ValueError("a signing key's ARN must name a KMS key or a Secrets Manager secret")


def classical_signer(seed_text: str) -> Signer:
    """The Ed25519 signer whose seed is SHA-256 of the tenant's random secret text, bound to this one use."""
    seed = hashlib.sha256(b"qcos evidence ed25519 v1\x00" + seed_text.encode()).digest()
    return LocalSigner(KeyPair("Ed25519", bytes(SigningKey(seed).verify_key), seed))


class Kept(Generic[S]):
    """What ``make`` makes, made when first needed and again after :data:`KEEP_S`; ``clock`` counts seconds."""

    def __init__(self, make: Callable[[], S], clock: Callable[[], float]) -> None:
        self._make = make
        self._clock = clock
        self._held: tuple[S, float] | None = None

    def __call__(self) -> S:
        now = self._clock()
        if self._held is None or now - self._held[1] >= KEEP_S:
            self._held = self._make(), now
        return self._held[0]


class Custody:
    """A :class:`qcos.library.EvidenceSigner`; the arguments open a signer with the key that is meant at present."""

    def __init__(
        self,
        post_quantum: Callable[[], Signer],
        classical: Callable[[], Signer],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._signers = {True: Kept(post_quantum, clock), False: Kept(classical, clock)}

    def register(self) -> list[dict[str, Any]]:
        """The public keys it signs with, as JWKs."""
        return [self._signers[kind]().public_key.to_jwk() for kind in (True, False)]

    def sign(self, record: Mapping[str, Any], event_hashes: Sequence[str], *, post_quantum: bool) -> SignedBundle:
        """Assemble, sign and verify a bundle of ``record`` and the log whose event hashes are given."""
        hashes = [bytes.fromhex(text.removeprefix("sha256:")) for text in event_hashes]
        log = qcos_evidence.event_log(str(record["job_id"]), hashes)
        bundle = qcos_evidence.assemble(**record, event_log=log)
        signed = qcos_evidence.sign(bundle, self._signers[post_quantum]())
        document = json.dumps(signed, ensure_ascii=False, separators=(",", ":")).encode()
        return self._described(signed, document)

    def inspect(self, document: bytes, jwks: Sequence[Mapping[str, Any]]) -> SignedBundle:
        """What a bundle of this tenant is, after verifying it by the published keys.

        Raises:
            ValueError: it does not verify.
        """
        keys = KeySet.from_jwks({"keys": list(jwks)})
        # The process that stored it may have a clock a little ahead of ours.
        verdict = qcos_evidence.verify(document, keys, now=datetime.now(UTC) + timedelta(minutes=5))
        if not verdict.valid:
            raise ValueError(f"the bundle does not verify: {', '.join(r.code for r in verdict.reasons)}")
        return self._described(qcos_evidence.parse(document), document)

    @staticmethod
    def _described(signed: Mapping[str, Any], document: bytes) -> SignedBundle:
        signatures = signed["signatures"]
        return SignedBundle(
            document,
            qcos_evidence.digest(signed),
            signatures["algorithm"],
            signatures["key_id"],
            transparency.entry(signed).decode(),
        )


class LogCustody:
    """A :class:`qcos.library.CheckpointSigner`; ``signer`` opens one with the key that is meant at present."""

    def __init__(self, signer: Callable[[], LogSigner], clock: Callable[[], float] = time.monotonic) -> None:
        self._signer = Kept(signer, clock)

    def key(self, origin: str) -> dict[str, Any]:
        """The public key it signs with, as a JWK for the log ``origin``."""
        return LogKey(origin, self._signer().public).to_jwk()

    def sign(self, origin: str, leaf_hashes: Sequence[bytes], at: datetime, previous: str | None) -> str:
        """The signed checkpoint of a log with these leaves.

        Raises:
            ValueError: the tree does not begin with that of the ``previous`` checkpoint: the log was changed.
        """
        if previous is not None:
            _, size, root, *_ = previous.split("\n")
            if merkle.root(leaf_hashes[: int(size)]) != base64.b64decode(root):
                raise ValueError(f"its first {size} entries are not those that were signed before")
        return transparency.sign_checkpoint(origin, len(leaf_hashes), merkle.root(leaf_hashes), at, self._signer())
