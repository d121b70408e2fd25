"""Signature algorithms as bytes: ML-DSA-65, ML-DSA-44 (FIPS 204) and Ed25519 (RFC 8032).

ML-DSA is used pure, with the empty context, which is what RFC 9964 demands and what a key service offers; the hashed
variant is never used.

Bundles are signed with ML-DSA-65 or Ed25519, checkpoints of a log with ML-DSA-44 alone: the algorithm tells the two
kinds of keys apart, so that neither can stand in for the other.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Literal

from nacl.exceptions import CryptoError
from nacl.signing import SigningKey, VerifyKey
from pqcrypto.sign import ml_dsa_44, ml_dsa_65

from qcos_evidence.errors import EvidenceError, SigningFailed

Algorithm = Literal["ML-DSA-65", "Ed25519"]
"""What bundles are signed with."""
LogAlgorithm = Literal["ML-DSA-44"]
"""What checkpoints are signed with."""

PUBLIC_BYTES: dict[Algorithm | LogAlgorithm, int] = {"ML-DSA-65": 1952, "Ed25519": 32, "ML-DSA-44": 1312}
SIGNATURE_BYTES: dict[Algorithm | LogAlgorithm, int] = {"ML-DSA-65": 3309, "Ed25519": 64, "ML-DSA-44": 2420}
SECRET_BYTES: dict[Algorithm | LogAlgorithm, int] = {"ML-DSA-65": 4032, "Ed25519": 32, "ML-DSA-44": 2560}
"""FIPS 204's expanded key; for Ed25519 the seed."""

# DER up to the key itself: RFC 9881 (ML-DSA) and RFC 8410 (Ed25519).
_SPKI_PREFIXES: dict[Algorithm | LogAlgorithm, bytes] = {
    "ML-DSA-65": bytes.fromhex("308207b2300b0609608648016503040312038207a100"),
    "Ed25519": bytes.fromhex("302a300506032b6570032100"),
    "ML-DSA-44": bytes.fromhex("30820532300b06096086480165030403110382052100"),
}
_ML_DSA: dict[Algorithm | LogAlgorithm, Any] = {"ML-DSA-65": ml_dsa_65, "ML-DSA-44": ml_dsa_44}


def verifies(algorithm: Algorithm | LogAlgorithm, public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether ``signature`` is one of the key ``public`` over exactly ``message``."""
    if len(signature) != SIGNATURE_BYTES[algorithm]:
        return False
    # Both libraries say "no" by raising and "yes" by not raising; only the latter may become True.
    try:
        if algorithm == "Ed25519":
            VerifyKey(public).verify(message, signature)
        else:
            _ML_DSA[algorithm].verify(public, message, signature)
    except (CryptoError, ValueError):
        return False
    return True


def sign(algorithm: Algorithm | LogAlgorithm, secret: bytes, message: bytes) -> bytes:
    """The signature over ``message``; of ML-DSA every call gives another.

    Raises:
        SigningFailed: ML-DSA with a message over 1 MiB, which the library does not sign, or a damaged key.
    """
    if algorithm == "Ed25519":
        return SigningKey(secret).sign(message).signature
    try:
        return bytes(_ML_DSA[algorithm].sign(secret, message))
    except ValueError:
        raise SigningFailed("the message is over 1 MiB, or the secret key is damaged") from None


def generate(algorithm: Algorithm | LogAlgorithm) -> tuple[bytes, bytes]:
    """A new public key and its secret from the operating system's randomness."""
    if algorithm == "Ed25519":
        seed = SigningKey.generate()
        return bytes(seed.verify_key), bytes(seed)
    public, secret = _ML_DSA[algorithm].keygen()
    return bytes(public), bytes(secret)


def belong_together(algorithm: Algorithm | LogAlgorithm, public: bytes, secret: bytes) -> bool:
    """Whether ``secret`` is the secret of ``public``, as far as can be told without signing."""
    if algorithm == "Ed25519":
        return bytes(SigningKey(secret).verify_key) == public
    # FIPS 204 algorithm 24: the secret key starts rho || K || tr, with rho as in the public key, tr its hash.
    return secret[:32] == public[:32] and secret[64:128] == _public_hash(public)


def mu(public: bytes, message: bytes) -> bytes:
    """The 64-byte message representative of pure ML-DSA with the empty context (FIPS 204, algorithms 2 and 7).

    A key service that signs it signs ``message``, of any length, without seeing it. The same for ML-DSA-44 and -65.
    """
    # 00: pure, not pre-hashed; 00: the context has no bytes.
    return hashlib.shake_256(_public_hash(public) + b"\x00\x00" + message).digest(64)


def spki_to_public(der: bytes) -> bytes:
    """The raw public key in a DER SubjectPublicKeyInfo: 1952 bytes (ML-DSA-65), 1312 (ML-DSA-44) or 32 (Ed25519).

    Raises:
        EvidenceError: any other structure.
    """
    for algorithm, prefix in _SPKI_PREFIXES.items():
        if der.startswith(prefix) and len(der) == len(prefix) + PUBLIC_BYTES[algorithm]:
            return der[len(prefix) :]
    raise EvidenceError("the DER is no SubjectPublicKeyInfo of ML-DSA-65, ML-DSA-44 or Ed25519")


def public_to_pem(algorithm: Algorithm | LogAlgorithm, public: bytes) -> str:
    """The key as PEM of a SubjectPublicKeyInfo (RFC 9881, RFC 8410), as OpenSSL reads it."""
    body = base64.b64encode(_SPKI_PREFIXES[algorithm] + public).decode()
    lines = (body[start : start + 64] for start in range(0, len(body), 64))
    return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])


def _public_hash(public: bytes) -> bytes:
    return hashlib.shake_256(public).digest(64)
