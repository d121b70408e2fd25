"""Keys of logs: ML-DSA-44, apart from those of bundles, so that who signs bundles cannot also date them.

Published in the same JWK set. What makes a JWK a log's is the member ``qcos:log``, the log's name (its *origin*): such
a key verifies the checkpoints of that log and nothing else. The same key as text of C2SP is :attr:`LogKey.vkey`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from qcos_evidence import algorithms, jwk
from qcos_evidence.algorithms import PUBLIC_BYTES, LogAlgorithm
from qcos_evidence.encoding import decode_base64url, encode_base64url
from qcos_evidence.errors import EvidenceError
from qcos_evidence.jwk import PublishedKey

ALGORITHM: LogAlgorithm = "ML-DSA-44"
ORIGIN = "qcos:log"
"""The JWK member that names the log."""
SIGNATURE_TYPE = b"\x06"
"""Timestamped ML-DSA-44 (sub)tree cosignatures (C2SP signed-note, signature types)."""

# A key name holds neither spaces nor plus signs, and fits the one-byte length of what is signed.
_ORIGIN = re.compile(r"[!-*,-~]{1,255}")


def origin(issuer: str, tenant: str) -> str:
    """The name of a tenant's log: ``https://api.example.com``, ``acme`` make ``api.example.com/tenants/acme``.

    Raises:
        EvidenceError: the name would be longer than 255 bytes, or hold what no key name may hold.
    """
    return checked_origin(f"{re.sub('^https?://', '', issuer).rstrip('/')}/tenants/{tenant}")


def checked_origin(name: str) -> str:
    """``name`` if it can name a log.

    Raises:
        EvidenceError: it is not 1 to 255 visible ASCII characters without a plus sign.
    """
    if not isinstance(name, str) or not _ORIGIN.fullmatch(name):
        raise EvidenceError("a log's name is 1 to 255 visible ASCII characters without a plus sign")
    return name


@dataclass(frozen=True)
class LogKey(PublishedKey):
    """A key that verifies the checkpoints of one log; its validity bounds the times of their signatures.

    Nothing that a ``revoked`` key of a log signed is believed: there is nobody left to say when it did.

    Raises:
        EvidenceError: ``origin`` names no log, ``public`` has not 1312 bytes, or the validity says nothing.
    """

    origin: str
    public: bytes
    key_id: str = field(init=False)
    """JWK thumbprint (RFC 9964) in base64url."""
    note_id: bytes = field(init=False)
    """The four bytes that name the key in a signed note (C2SP tlog-cosignature)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        checked_origin(self.origin)
        if not isinstance(self.public, bytes) or len(self.public) != PUBLIC_BYTES[ALGORITHM]:
            raise EvidenceError(f"a public key of {ALGORITHM} has {PUBLIC_BYTES[ALGORITHM]} bytes")
        named = hashlib.sha256(self.origin.encode() + b"\n" + SIGNATURE_TYPE + self.public).digest()
        object.__setattr__(self, "note_id", named[:4])
        object.__setattr__(self, "key_id", jwk.thumbprint(self._required_members()))

    def _required_members(self) -> dict[str, str]:
        return {"alg": ALGORITHM, "kty": "AKP", "pub": encode_base64url(self.public)}

    @property
    def vkey(self) -> str:
        """The key as C2SP writes verifier keys: ``<origin>+<key id>+<base64 of type and key>``."""
        return f"{self.origin}+{self.note_id.hex()}+{base64.b64encode(SIGNATURE_TYPE + self.public).decode()}"

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is one of this key over exactly ``message``."""
        return algorithms.verifies(ALGORITHM, self.public, message, signature)

    def to_pem(self) -> str:
        """The key as PEM of a SubjectPublicKeyInfo (RFC 9881), as OpenSSL reads it."""
        return algorithms.public_to_pem(ALGORITHM, self.public)

    def to_jwk(self) -> dict[str, Any]:
        """The key as an AKP JWK (RFC 9964) with the member ``qcos:log``."""
        members = {**self._required_members(), "kid": self.key_id, "use": "sig", "key_ops": ["verify"]}
        return {**members, ORIGIN: self.origin, **self.validity()}

    @staticmethod
    def describes(document: Mapping[str, Any]) -> bool:
        """Whether a JWK is of this kind."""
        return ORIGIN in document and (document.get("kty"), document.get("alg")) == ("AKP", ALGORITHM)

    @classmethod
    def from_jwk(cls, document: Mapping[str, Any]) -> LogKey:
        """Read a JWK as :meth:`to_jwk` writes it; ``kid`` may be missing but not differ from the thumbprint.

        Raises:
            EvidenceError: it is no public key of a log, or it holds a private key.
        """
        jwk.check_use(document)
        public = decode_base64url(document.get("pub"))
        if not cls.describes(document) or public is None:
            raise EvidenceError(f"the JWK is not an AKP key for {ALGORITHM} with the member {ORIGIN}")
        key = cls(document[ORIGIN], public, **jwk.validity(document))
        if document.get("kid", key.key_id) != key.key_id:
            raise EvidenceError("kid is not the thumbprint of the key")
        return key


class LogSigner(Protocol):
    """Whoever holds the secret key of a log: a :class:`~qcos_evidence.keys.KeyPair` of ML-DSA-44, or a key service.

    A key service is given :func:`~qcos_evidence.algorithms.mu` of the bytes (ML_DSA_44 with EXTERNAL_MU).
    """

    @property
    def public(self) -> bytes:
        """The public key, 1312 bytes."""

    def sign(self, tbs: bytes) -> bytes:
        """The ML-DSA-44 signature over ``tbs``: pure, with the empty context."""
