"""Keys of bundles, ML-DSA-65 (FIPS 204) and Ed25519 (RFC 8032), as bytes, as JWK (RFC 9964, RFC 8037) and as a set.

A set may also hold the keys of logs (:mod:`qcos_evidence.log_key`), apart: those are asked for checkpoints only.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, get_args

from qcos_evidence import algorithms, jwk
from qcos_evidence.algorithms import PUBLIC_BYTES, SECRET_BYTES, Algorithm, LogAlgorithm
from qcos_evidence.canonical import parse
from qcos_evidence.encoding import decode_base64, decode_base64url, encode_base64url
from qcos_evidence.errors import EvidenceError
from qcos_evidence.jwk import PublishedKey
from qcos_evidence.log_key import ORIGIN, LogKey


@dataclass(frozen=True)
class PublicKey(PublishedKey):
    """A key that verifies bundles; its validity bounds their ``created_at``.

    Of a ``revoked`` key only those bundles are believed that a log held before ``revoked_at``.

    Raises:
        EvidenceError: an algorithm that is not for bundles, a wrong length, or a validity that says nothing.
    """

    algorithm: Algorithm
    public: bytes
    key_id: str = field(init=False)
    """JWK thumbprint (RFC 7638; RFC 9964 for ML-DSA) in base64url."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.algorithm not in get_args(Algorithm):
            raise EvidenceError("the algorithm must be ML-DSA-65 or Ed25519")
        if not isinstance(self.public, bytes) or len(self.public) != PUBLIC_BYTES[self.algorithm]:
            raise EvidenceError(f"a public key of {self.algorithm} has {PUBLIC_BYTES[self.algorithm]} bytes")
        object.__setattr__(self, "key_id", jwk.thumbprint(_required_members(self.algorithm, self.public)))

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is one of this key over exactly ``message`` (for ML-DSA: pure, empty context)."""
        return algorithms.verifies(self.algorithm, self.public, message, signature)

    def to_pem(self) -> str:
        """The key as PEM of a SubjectPublicKeyInfo (RFC 9881, RFC 8410), as OpenSSL reads it."""
        return algorithms.public_to_pem(self.algorithm, self.public)

    def to_jwk(self) -> dict[str, Any]:
        """The key as a JWK: AKP (RFC 9964) or OKP (RFC 8037), with nbf and exp in seconds since 1970."""
        members = {**_required_members(self.algorithm, self.public), "alg": self.algorithm}
        return {**members, "kid": self.key_id, "use": "sig", "key_ops": ["verify"], **self.validity()}

    @classmethod
    def from_jwk(cls, document: Mapping[str, Any]) -> PublicKey:
        """Read a JWK as :meth:`to_jwk` writes it; ``kid`` may be missing but not differ from the thumbprint.

        Raises:
            EvidenceError: it is no public ML-DSA-65 or Ed25519 key for bundles, or it holds a private key.
        """
        jwk.check_use(document)
        algorithm = _algorithm_of(document)
        if algorithm is None:
            raise EvidenceError("the JWK is neither an AKP key for ML-DSA-65 nor an OKP key for Ed25519")
        public = decode_base64url(document.get("pub" if algorithm == "ML-DSA-65" else "x"))
        if public is None:
            raise EvidenceError("the key in the JWK must be base64url without padding")
        key = cls(algorithm, public, **jwk.validity(document))
        if document.get("kid", key.key_id) != key.key_id:
            raise EvidenceError("kid is not the thumbprint of the key")
        return key


class KeySet:
    """The public keys a verifier trusts, by key id: nothing outside of it is ever believed.

    ``logs`` are the keys of logs, believed of checkpoints and of nothing else. Iterating gives the keys of bundles.
    """

    def __init__(self, keys: Iterable[PublicKey], logs: Iterable[LogKey] = ()) -> None:
        self._keys: dict[str, PublicKey] = {}
        for key in keys:
            if key.key_id in self._keys:
                raise EvidenceError(f"the key {key.key_id} is in the set twice")
            self._keys[key.key_id] = key
        self.logs = tuple(logs)
        if len({(log.key_id, log.origin) for log in self.logs}) != len(self.logs):
            raise EvidenceError("the key of a log is in the set twice")

    def get(self, key_id: str) -> PublicKey | None:
        """The key with this id that verifies bundles, or None."""
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
        return cls(
            [PublicKey.from_jwk(entry) for entry in entries if _algorithm_of(entry) is not None],
            [LogKey.from_jwk(entry) for entry in entries if LogKey.describes(entry)],
        )

    def to_jwks(self) -> dict[str, Any]:
        """The JWK set ``{"keys": [...]}``."""
        return {"keys": [key.to_jwk() for key in (*self, *self.logs)]}


@dataclass(frozen=True)
class KeyPair:
    """A key that signs, held in memory: of bundles, or with ML-DSA-44 of a log.

    ``secret`` is FIPS 204's expanded key (4032 bytes; 2560 of ML-DSA-44) or the Ed25519 seed (32 bytes).

    Raises:
        EvidenceError: unknown algorithm, wrong lengths, or halves that do not belong together.
    """

    algorithm: Algorithm | LogAlgorithm
    public: bytes
    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if self.algorithm not in SECRET_BYTES:
            raise EvidenceError("the algorithm must be ML-DSA-65, ML-DSA-44 or Ed25519")
        for what, lengths in (("public", PUBLIC_BYTES), ("secret", SECRET_BYTES)):
            key = getattr(self, what)
            if not isinstance(key, bytes) or len(key) != lengths[self.algorithm]:
                raise EvidenceError(f"a {what} key of {self.algorithm} has {lengths[self.algorithm]} bytes")
        if not algorithms.belong_together(self.algorithm, self.public, self.secret):
            raise EvidenceError("the secret key does not belong to the public key")

    @classmethod
    def generate(cls, algorithm: Algorithm | LogAlgorithm) -> Self:
        """A new key pair from the operating system's randomness."""
        return cls(algorithm, *algorithms.generate(algorithm))

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
        if set(members) != {"algorithm", "public", "secret"} or algorithm not in tuple(SECRET_BYTES):
            raise EvidenceError("a secret key is an object of algorithm, public and secret")
        public = decode_base64(members["public"], PUBLIC_BYTES[algorithm])
        secret = decode_base64(members["secret"], SECRET_BYTES[algorithm])
        if public is None or secret is None:
            raise EvidenceError("public and secret must be base64 of the lengths the algorithm has")
        return cls(algorithm, public, secret)

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``: 3309 bytes (ML-DSA-65), 2420 (ML-DSA-44) or 64 (Ed25519).

        ML-DSA is hedged: every call gives another.

        Raises:
            SigningFailed: ML-DSA with a message over 1 MiB, which the library does not sign, or a damaged key.
        """
        return algorithms.sign(self.algorithm, self.secret, message)


class Signer(Protocol):
    """Whoever holds the secret key of bundles: memory, or a key service."""

    @property
    def public_key(self) -> PublicKey:
        """The key that verifies what :meth:`sign` returns."""

    def sign(self, tbs: bytes) -> bytes:
        """The signature over ``tbs``, the bytes to be signed."""


class LocalSigner:
    """A :class:`Signer` over a key pair in memory.

    Raises:
        EvidenceError: the key pair is a log's.
    """

    def __init__(self, keypair: KeyPair) -> None:
        if keypair.algorithm == "ML-DSA-44":
            raise EvidenceError("a key of ML-DSA-44 signs checkpoints, not bundles")
        self._keypair = keypair
        self._public_key = PublicKey(keypair.algorithm, keypair.public)

    @property
    def public_key(self) -> PublicKey:
        return self._public_key

    def sign(self, tbs: bytes) -> bytes:
        return self._keypair.sign(tbs)


def _required_members(algorithm: Algorithm, public: bytes) -> dict[str, str]:
    """What the thumbprint covers: RFC 9964 counts alg for AKP, RFC 8037 does not for OKP."""
    if algorithm == "Ed25519":
        return {"crv": "Ed25519", "kty": "OKP", "x": encode_base64url(public)}
    return {"alg": algorithm, "kty": "AKP", "pub": encode_base64url(public)}


def _algorithm_of(document: Mapping[str, Any]) -> Algorithm | None:
    """What a JWK verifies bundles with; None of another kind, or of a log."""
    if ORIGIN in document:
        return None
    match document.get("kty"), document.get("alg"), document.get("crv"):
        case "AKP", "ML-DSA-65", _:
            return "ML-DSA-65"
        # "EdDSA" is the name RFC 9864 retired; without alg the curve says enough.
        case "OKP", ("Ed25519" | "EdDSA" | None), "Ed25519":
            return "Ed25519"
    return None
