"""Keys: ML-DSA-65 (FIPS 204) and Ed25519 (RFC 8032), as bytes, as JWK (RFC 9964, RFC 8037) and as a pinned set.

ML-DSA is used pure, with the empty context, which is what RFC 9964 demands and what a key service offers; the hashed
variant is never used.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, Self

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey
from pqcrypto.sign import ml_dsa_65

from qcos_evidence.canonical import canonical, parse
from qcos_evidence.encoding import decode_base64, decode_base64url, encode_base64url
from qcos_evidence.errors import EvidenceError, SigningFailed
from qcos_evidence.timestamp import parse_timestamp

Algorithm = Literal["ML-DSA-65", "Ed25519"]
Status = Literal["active", "retired", "revoked"]

PUBLIC_BYTES: dict[Algorithm, int] = {"ML-DSA-65": 1952, "Ed25519": 32}
SIGNATURE_BYTES: dict[Algorithm, int] = {"ML-DSA-65": 3309, "Ed25519": 64}
# FIPS 204's expanded key; for Ed25519 the seed.
_SECRET_BYTES: dict[Algorithm, int] = {"ML-DSA-65": 4032, "Ed25519": 32}
_STATUSES = ("active", "retired", "revoked")
# DER up to the key itself: RFC 9881 (ML-DSA-65) and RFC 8410 (Ed25519).
_SPKI_PREFIXES: dict[Algorithm, bytes] = {
    "ML-DSA-65": bytes.fromhex("308207b2300b0609608648016503040312038207a100"),
    "Ed25519": bytes.fromhex("302a300506032b6570032100"),
}


@dataclass(frozen=True)
class PublicKey:
    """A key that verifies, and when it may be believed.

    ``not_before`` and ``not_after`` bound ``created_at`` of what it signs (from the first, before the second), in whole
    seconds as ``2026-01-01T00:00:00Z``; None is open. A ``retired`` key signs nothing new; nothing that a ``revoked``
    key signed is believed.

    Raises:
        EvidenceError: unknown algorithm or status, wrong length, or an instant that is not of that form.
    """

    algorithm: Algorithm
    public: bytes
    not_before: str | None = None
    not_after: str | None = None
    status: Status = "active"
    revoked_at: str | None = None
    key_id: str = field(init=False)
    """JWK thumbprint (RFC 7638; RFC 9964 for ML-DSA) in base64url."""

    def __post_init__(self) -> None:
        if self.algorithm not in PUBLIC_BYTES:
            raise EvidenceError("the algorithm must be ML-DSA-65 or Ed25519")
        if not isinstance(self.public, bytes) or len(self.public) != PUBLIC_BYTES[self.algorithm]:
            raise EvidenceError(f"a public key of {self.algorithm} has {PUBLIC_BYTES[self.algorithm]} bytes")
        if self.status not in _STATUSES:
            raise EvidenceError(f"a key is one of {', '.join(_STATUSES)}")
        if self.revoked_at is not None and self.status != "revoked":
            raise EvidenceError("a key with revoked_at must have the status revoked")
        for name in ("not_before", "not_after", "revoked_at"):
            value = getattr(self, name)
            if value is not None and (parse_timestamp(value) is None or len(value) != 20):
                raise EvidenceError(f"{name} must be of the form 2026-01-01T00:00:00Z")
        object.__setattr__(self, "key_id", _thumbprint(self.algorithm, self.public))

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is one of this key over exactly ``message`` (for ML-DSA: pure, empty context)."""
        if len(signature) != SIGNATURE_BYTES[self.algorithm]:
            return False
        # Both libraries say "no" by raising and "yes" by not raising; only the latter may become True.
        try:
            if self.algorithm == "Ed25519":
                VerifyKey(self.public).verify(message, signature)
            else:
                ml_dsa_65.verify(self.public, message, signature)
        except (CryptoError, ValueError):
            return False
        return True

    def to_pem(self) -> str:
        """The key as PEM of a SubjectPublicKeyInfo (RFC 9881, RFC 8410), as OpenSSL reads it."""
        body = base64.b64encode(_SPKI_PREFIXES[self.algorithm] + self.public).decode()
        lines = (body[start : start + 64] for start in range(0, len(body), 64))
        return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])

    def to_jwk(self) -> dict[str, Any]:
        """The key as a JWK: AKP (RFC 9964) or OKP (RFC 8037), with nbf and exp in seconds since 1970."""
        jwk: dict[str, Any] = {**_required_members(self.algorithm, self.public), "alg": self.algorithm}
        jwk |= {"kid": self.key_id, "use": "sig", "key_ops": ["verify"], "status": self.status}
        for member, instant in (("nbf", self.not_before), ("exp", self.not_after), ("revoked_at", self.revoked_at)):
            if instant is not None:
                jwk[member] = int(datetime.fromisoformat(instant).timestamp())
        return jwk

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> PublicKey:
        """Read a JWK as :meth:`to_jwk` writes it; ``kid`` may be missing but not differ from the thumbprint.

        Raises:
            EvidenceError: it is no public ML-DSA-65 or Ed25519 key for signatures, or it holds a private key.
        """
        if "priv" in jwk or "d" in jwk:
            raise EvidenceError("the JWK holds a private key: it must never be handed around")
        algorithm = _algorithm_of(jwk)
        if algorithm is None:
            raise EvidenceError("the JWK is neither an AKP key for ML-DSA-65 nor an OKP key for Ed25519")
        public = decode_base64url(jwk.get("pub" if algorithm == "ML-DSA-65" else "x"))
        if public is None:
            raise EvidenceError("the key in the JWK must be base64url without padding")
        if jwk.get("use", "sig") != "sig" or "verify" not in _key_ops(jwk):
            raise EvidenceError("the JWK is not for verifying signatures")
        status = jwk.get("status", "active")
        key = cls(algorithm, public, _instant(jwk, "nbf"), _instant(jwk, "exp"), status, _instant(jwk, "revoked_at"))
        if jwk.get("kid", key.key_id) != key.key_id:
            raise EvidenceError("kid is not the thumbprint of the key")
        return key


class KeySet:
    """The public keys a verifier trusts, by key id: nothing outside of it is ever believed."""

    def __init__(self, keys: Iterable[PublicKey]) -> None:
        self._keys: dict[str, PublicKey] = {}
        for key in keys:
            if key.key_id in self._keys:
                raise EvidenceError(f"the key {key.key_id} is in the set twice")
            self._keys[key.key_id] = key

    def get(self, key_id: str) -> PublicKey | None:
        """The key with this id, or None."""
        return self._keys.get(key_id)

    def __iter__(self) -> Iterator[PublicKey]:
        return iter(self._keys.values())

    def __len__(self) -> int:
        return len(self._keys)

    @classmethod
    def from_jwks(cls, jwks: Mapping[str, Any]) -> KeySet:
        """Read a JWK set. Keys of other kinds are skipped, as RFC 7517 section 5 asks.

        Raises:
            EvidenceError: it is no JWK set, or a key of our kinds in it is malformed or there twice.
        """
        entries = jwks.get("keys") if isinstance(jwks, Mapping) else None
        if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
            raise EvidenceError('a JWK set is an object with an array "keys" of objects')
        return cls(PublicKey.from_jwk(entry) for entry in entries if _algorithm_of(entry) is not None)

    def to_jwks(self) -> dict[str, Any]:
        """The JWK set ``{"keys": [...]}``."""
        return {"keys": [key.to_jwk() for key in self]}


@dataclass(frozen=True)
class KeyPair:
    """A key that signs, held in memory.

    ``secret`` is FIPS 204's expanded key (4032 bytes) or the Ed25519 seed (32 bytes).

    Raises:
        EvidenceError: unknown algorithm, wrong lengths, or halves that do not belong together.
    """

    algorithm: Algorithm
    public: bytes
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        PublicKey(self.algorithm, self.public)
        if not isinstance(self.secret, bytes) or len(self.secret) != _SECRET_BYTES[self.algorithm]:
            raise EvidenceError(f"a secret key of {self.algorithm} has {_SECRET_BYTES[self.algorithm]} bytes")
        if not self._halves_match():
            raise EvidenceError("the secret key does not belong to the public key")

    def _halves_match(self) -> bool:
        if self.algorithm == "Ed25519":
            return bytes(SigningKey(self.secret).verify_key) == self.public
        # FIPS 204 algorithm 24: the secret key starts rho || K || tr, with rho as in the public key, tr its hash.
        return self.secret[:32] == self.public[:32] and self.secret[64:128] == _public_hash(self.public)

    @classmethod
    def generate(cls, algorithm: Algorithm) -> Self:
        """A new key pair from the operating system's randomness."""
        if algorithm == "Ed25519":
            seed = SigningKey.generate()
            return cls(algorithm, bytes(seed.verify_key), bytes(seed))
        public, secret = ml_dsa_65.keygen()
        return cls(algorithm, public, secret)

    def to_secret_json(self) -> str:
        """``{"algorithm", "public", "secret"}`` with the bytes in base64: for a secret store, never for a log."""
        public, secret = (base64.b64encode(data).decode() for data in (self.public, self.secret))
        return json.dumps({"algorithm": self.algorithm, "public": public, "secret": secret})

    @classmethod
    def from_secret_json(cls, text: str | bytes) -> Self:
        """Read what :meth:`to_secret_json` wrote.

        Raises:
            EvidenceError: anything else; the message never quotes the text.
        """
        members = parse(text.encode() if isinstance(text, str) else text)
        algorithm = members.get("algorithm")
        if set(members) != {"algorithm", "public", "secret"} or algorithm not in ("ML-DSA-65", "Ed25519"):
            raise EvidenceError("a secret key is an object of algorithm, public and secret")
        public = decode_base64(members["public"], PUBLIC_BYTES[algorithm])
        secret = decode_base64(members["secret"], _SECRET_BYTES[algorithm])
        if public is None or secret is None:
            raise EvidenceError("public and secret must be base64 of the lengths the algorithm has")
        return cls(algorithm, public, secret)

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``: 3309 bytes (ML-DSA-65, hedged, so every call differs) or 64 (Ed25519).

        Raises:
            SigningFailed: ML-DSA-65 with a message over 1 MiB, which the library does not sign, or a damaged key.
        """
        if self.algorithm == "Ed25519":
            return SigningKey(self.secret).sign(message).signature
        try:
            return bytes(ml_dsa_65.sign(self.secret, message))
        except ValueError:
            raise SigningFailed("the message is over 1 MiB, or the secret key is damaged") from None


class Signer(Protocol):
    """Whoever holds the secret key: memory, or a key service."""

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies what :meth:`sign` returns."""

    def sign(self, tbs: bytes) -> bytes:
        """The signature over ``tbs``, the bytes to be signed."""


class LocalSigner:
    """A :class:`Signer` over a key pair in memory."""

    def __init__(self, keypair: KeyPair) -> None:
        self._keypair = keypair
        self._public_key = PublicKey(keypair.algorithm, keypair.public)

    @property
    def public_key(self) -> PublicKey:
        return self._public_key

    def sign(self, tbs: bytes) -> bytes:
        return self._keypair.sign(tbs)


def mu(public: bytes, message: bytes) -> bytes:
    """The 64-byte message representative of pure ML-DSA with the empty context (FIPS 204, algorithms 2 and 7).

    A key service that signs it signs ``message``, of any length, without seeing it.
    """
    # 00: pure, not pre-hashed; 00: the context has no bytes.
    return hashlib.shake_256(_public_hash(public) + b"\x00\x00" + message).digest(64)


def spki_to_public(der: bytes) -> bytes:
    """The raw public key in a DER SubjectPublicKeyInfo of ML-DSA-65 (1952 bytes) or Ed25519 (32 bytes).

    Raises:
        EvidenceError: any other structure.
    """
    for algorithm, prefix in _SPKI_PREFIXES.items():
        if der.startswith(prefix) and len(der) == len(prefix) + PUBLIC_BYTES[algorithm]:
            return der[len(prefix) :]
    raise EvidenceError("the DER is no SubjectPublicKeyInfo of ML-DSA-65 or Ed25519")


def _public_hash(public: bytes) -> bytes:
    return hashlib.shake_256(public).digest(64)


def _required_members(algorithm: Algorithm, public: bytes) -> dict[str, str]:
    """What the thumbprint covers: RFC 9964 counts alg for AKP, RFC 8037 does not for OKP."""
    if algorithm == "Ed25519":
        return {"crv": "Ed25519", "kty": "OKP", "x": encode_base64url(public)}
    return {"alg": algorithm, "kty": "AKP", "pub": encode_base64url(public)}


def _thumbprint(algorithm: Algorithm, public: bytes) -> str:
    return encode_base64url(hashlib.sha256(canonical(_required_members(algorithm, public))).digest())


def _algorithm_of(jwk: Mapping[str, Any]) -> Algorithm | None:
    match jwk.get("kty"), jwk.get("alg"), jwk.get("crv"):
        case "AKP", "ML-DSA-65", _:
            return "ML-DSA-65"
        # "EdDSA" is the name RFC 9864 retired; without alg the curve says enough.
        case "OKP", ("Ed25519" | "EdDSA" | None), "Ed25519":
            return "Ed25519"
    return None


def _key_ops(jwk: Mapping[str, Any]) -> list[Any]:
    operations = jwk.get("key_ops", ["verify"])
    return operations if isinstance(operations, list) else []


def _instant(jwk: Mapping[str, Any], member: str) -> str | None:
    """A NumericDate in whole seconds (RFC 7519) as RFC 3339 text."""
    if member not in jwk:
        return None
    seconds = jwk[member]
    if type(seconds) is not int or not 0 <= seconds < 253402300800:  # up to the end of the year 9999
        raise EvidenceError(f"{member} must be whole seconds since 1970")
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
