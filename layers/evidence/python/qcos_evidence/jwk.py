"""What the JWKs of all our public keys have in common (RFC 7517), and the thumbprint that names them (RFC 7638)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from qcos_evidence.canonical import canonical
from qcos_evidence.encoding import encode_base64url
from qcos_evidence.errors import EvidenceError
from qcos_evidence.timestamp import format_seconds, parse_timestamp

Status = Literal["active", "retired", "revoked"]

_STATUSES = ("active", "retired", "revoked")


@dataclass(frozen=True, kw_only=True)
class PublishedKey:
    """A public key, and when it may be believed.

    ``not_before`` and ``not_after`` bound the time of what it signs (from the first, before the second), in whole
    seconds as ``2026-01-01T00:00:00Z``; None is open. A ``retired`` key signs nothing new. From ``revoked_at`` on
    somebody else may have had the secret.

    Raises:
        EvidenceError: unknown status, an instant that is not of that form, or ``revoked_at`` of a key not revoked.
    """

    not_before: str | None = None
    not_after: str | None = None
    status: Status = "active"
    revoked_at: str | None = None

    def __post_init__(self) -> None:
        if self.status not in _STATUSES:
            raise EvidenceError(f"a key is one of {', '.join(_STATUSES)}")
        if self.revoked_at is not None and self.status != "revoked":
            raise EvidenceError("a key with revoked_at must have the status revoked")
        for name in ("not_before", "not_after", "revoked_at"):
            value = getattr(self, name)
            if value is not None and (parse_timestamp(value) is None or len(value) != 20):
                raise EvidenceError(f"{name} must be of the form 2026-01-01T00:00:00Z")

    def covers(self, moment: datetime) -> bool:
        """Whether the key was valid at ``moment``; whether it was revoked is another question."""
        start, end = parse_timestamp(self.not_before), parse_timestamp(self.not_after)
        return (start is None or moment >= start) and (end is None or moment < end)

    def revoked_after(self, moment: datetime) -> bool:
        """Whether the key was revoked, and later than ``moment``; not known when is never later."""
        revoked = parse_timestamp(self.revoked_at)
        return revoked is not None and moment < revoked

    def validity(self) -> dict[str, Any]:
        """When it may be believed, as JWK members: status, and nbf, exp and revoked_at in seconds since 1970."""
        jwk: dict[str, Any] = {"status": self.status}
        for member, instant in (("nbf", self.not_before), ("exp", self.not_after), ("revoked_at", self.revoked_at)):
            if instant is not None:
                jwk[member] = int(datetime.fromisoformat(instant).timestamp())
        return jwk


def validity(jwk: Mapping[str, Any]) -> dict[str, Any]:
    """What :meth:`PublishedKey.validity` wrote, as the arguments that make the key again."""
    return {
        "not_before": _instant(jwk, "nbf"),
        "not_after": _instant(jwk, "exp"),
        "status": jwk.get("status", "active"),
        "revoked_at": _instant(jwk, "revoked_at"),
    }


def check_use(jwk: Mapping[str, Any]) -> None:
    """Raise :class:`EvidenceError` unless the JWK is a public key for verifying signatures."""
    if "priv" in jwk or "d" in jwk:
        raise EvidenceError("the JWK holds a private key: it must never be handed around")
    if jwk.get("use", "sig") != "sig" or "verify" not in _key_ops(jwk):
        raise EvidenceError("the JWK is not for verifying signatures")


def thumbprint(required: Mapping[str, str]) -> str:
    """A key's id: SHA-256 over its required members (RFC 7638; RFC 9964 counts alg among them) in base64url."""
    return encode_base64url(hashlib.sha256(canonical(required)).digest())


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
    return format_seconds(datetime.fromtimestamp(seconds, UTC))
