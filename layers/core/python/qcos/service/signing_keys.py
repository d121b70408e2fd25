"""The published keys: a key appears when it first signs, is retired when another has taken its place, may be revoked.

None is ever removed: what a key signed while it was good stays verifiable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from qcos.errors import Conflict, KeyNotFound, ValidationFailed
from qcos.ports import Clock, Control

CLOCK_SKEW_S = 300
"""A key is good from this long before it first signs: clocks of two functions differ."""
OVERLAP_S = 900
"""A retired key is good for so long yet: functions that still hold it ask for the new one every five minutes."""


def register(control: Control, jwks: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Publish those of the keys that are not yet; all published keys."""
    published = control.signing_keys()
    new = [jwk for jwk in jwks if jwk["kid"] not in {one["kid"] for one in published}]
    for jwk in new:
        control.put_signing_key({**jwk, "nbf": int(now.timestamp()) - CLOCK_SKEW_S})
    return control.signing_keys() if new else published


@dataclass(frozen=True)
class SigningKeys:
    """What an operator does with keys that sign evidence and checkpoints."""

    control: Control
    clock: Clock

    def all(self) -> list[dict[str, Any]]:
        """Every key's ``kid``, ``alg``, status and times (seconds since 1970), oldest first."""
        shown = ("kid", "alg", "status", "nbf", "exp", "revoked_at")
        return [{name: jwk[name] for name in shown if name in jwk} for jwk in self.control.signing_keys()]

    def rotate(self, algorithm: str) -> list[dict[str, Any]]:
        """Retire every active key of the algorithm but the newest; all keys.

        Raises:
            Conflict: no two are active: the new key has signed nothing yet.
        """
        active = [one for one in self.control.signing_keys() if (one["alg"], one["status"]) == (algorithm, "active")]
        if len(active) < 2:
            raise Conflict(
                f"There are not two active keys of {algorithm}. Switch to the new key, let it sign, and repeat this.",
                [{"field": "rotate", "active": len(active)}],
            )
        exp = int(self.clock().timestamp()) + OVERLAP_S
        for jwk in active[:-1]:
            self.control.retire_signing_key(str(jwk["kid"]), exp)
        return self.all()

    def revoke(self, kid: str, at: datetime | None = None) -> list[dict[str, Any]]:
        """Revoke a key as of ``at`` (an aware time, now without it), from which on others may have had it; all keys.

        Raises:
            KeyNotFound: no key has that id.
            ValidationFailed: ``at`` lies in the future or has no time zone.
        """
        now = self.clock()
        if at is not None and (at.tzinfo is None or at > now):
            raise ValidationFailed("The time of a revocation has a time zone and is past.", [{"field": "at"}])
        if not self.control.revoke_signing_key(kid, int((at or now).timestamp())):
            raise KeyNotFound("No signing key has that id.", [{"field": "revoke"}])
        return self.all()
