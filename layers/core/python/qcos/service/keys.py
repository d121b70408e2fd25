"""API keys: ``qcos_live_<8 public id>_<43 secret><6 checksum>``.

The secret is 256 random bits in base 62; only SHA-256(pepper || secret) is stored. The checksum lets anybody
recognise a mistyped or leaked key without asking, and lets us refuse junk without a read.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from qcos.errors import KeyNotFound, Unauthorized, ValidationFailed
from qcos.models import moment, timestamp
from qcos.ports import ApiKey, Clock, Control

SCOPES = ("optimize:read", "optimize:write", "backends:read", "evidence:read", "evidence:write", "admin")
CACHE_S = 60
_ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
_KEY = re.compile(r"qcos_(live|test|rkey)_([0-9A-Za-z]{8})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})", re.ASCII)
_MISSING = "Send your API key as 'Authorization: Bearer <key>' or 'X-API-Key: <key>'."
_WRONG = "The API key is not valid. Check that it was copied whole and has not been revoked or expired."


@dataclass(frozen=True)
class Principal:
    """Whom a key stands for."""

    tenant: str
    key_id: str
    scopes: tuple[str, ...]


@dataclass
class Keys:
    """Make and recognise API keys. ``pepper`` gives the tenant's pepper."""

    control: Control
    pepper: Callable[[], str]
    clock: Clock
    _cache: dict[str, tuple[float, ApiKey]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def mint(self, tenant: str, name: str, scopes: Sequence[str], expires_in: str | None = None) -> tuple[str, ApiKey]:
        """A new key's text, shown this once, and what is stored of it.

        ``expires_in`` is a whole number of days or hours, ``90d`` or ``12h``, up to ten years; None is for ever.

        Raises:
            ValidationFailed: a scope is unknown, the name is empty or over 100 characters, or the expiry is no span.
        """
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            raise ValidationFailed(f"scopes must be some of: {', '.join(SCOPES)}", [{"field": "scopes"}])
        if not 0 < len(name) <= 100:
            raise ValidationFailed("name must have 1 to 100 characters", [{"field": "name"}])
        expires_at = timestamp(self.clock() + span(expires_in)) if expires_in is not None else None
        public_id = _base62(secrets.randbits(8 * 5), 8)
        secret = _base62(secrets.randbits(256), 43)
        body = f"qcos_live_{public_id}_{secret}"
        key = ApiKey(
            public_id=public_id,
            tenant=tenant,
            name=name,
            digest=self._digest(secret),
            scopes=tuple(sorted(set(scopes))),
            created_at=timestamp(self.clock()),
            expires_at=expires_at,
        )
        self.control.put_api_key(key)
        return body + _checksum(body), key

    def all(self, tenant: str) -> list[ApiKey]:
        """Every key of the tenant, revoked and expired ones included, oldest first."""
        return self.control.api_keys(tenant)

    def revoke(self, tenant: str, public_id: str) -> ApiKey:
        """Revoke a key, for ever; it is refused everywhere within :data:`CACHE_S` seconds.

        Raises:
            KeyNotFound: the tenant has no such key.
        """
        key = self.control.revoke_api_key(tenant, public_id, timestamp(self.clock()))
        if key is None:
            raise KeyNotFound("There is no API key of that id. GET /api/v2/keys lists yours.")
        with self._lock:
            self._cache.pop(public_id, None)
        return key

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Whom the request's key stands for.

        Raises:
            Unauthorized: there is no key, two different ones, or one that is unknown, expired or revoked.
        """
        text = _from_headers(headers)
        match = _KEY.fullmatch(text)
        if match is None or _checksum(text[:-6]) != text[-6:]:
            raise Unauthorized(_WRONG)
        now = self.clock()
        cached = self._cached(match[2], now.timestamp())
        key = cached or self.control.api_key(match[2])
        # Compare also when there is no such key, so that the time taken says nothing about which ids exist.
        same = hmac.compare_digest(self._digest(match[3]), key.digest if key else "0" * 64)
        if key is None or not same or key.revoked_at or (key.expires_at and moment(key.expires_at) <= now):
            raise Unauthorized(_WRONG)
        if cached is None:
            self._let_in(key, now)
        return Principal(key.tenant, key.public_id, key.scopes)

    def _cached(self, public_id: str, now: float) -> ApiKey | None:
        """The key as it was read when it last let somebody in, if that is less than :data:`CACHE_S` seconds ago."""
        with self._lock:
            cached = self._cache.get(public_id)
        return cached[1] if cached and now - cached[0] < CACHE_S else None

    def _let_in(self, key: ApiKey, read_at: datetime) -> None:
        """Remember a key that is good, and note that it is used: a wrong secret or a revoked key is no use of it."""
        with self._lock:
            if len(self._cache) >= 1000:
                self._cache.clear()
            self._cache[key.public_id] = (read_at.timestamp(), key)
        self.control.touch_api_key(key.public_id, timestamp(read_at))

    def _digest(self, secret: str) -> str:
        return hashlib.sha256(self.pepper().encode() + secret.encode()).hexdigest()


def span(text: str) -> timedelta:
    """The time that ``90d`` or ``12h`` says.

    Raises:
        ValidationFailed: it says none, or more than ten years.
    """
    match = re.fullmatch(r"([1-9][0-9]{0,4})([dh])", text, re.ASCII)
    found = timedelta(**{"days" if match[2] == "d" else "hours": int(match[1])}) if match else timedelta(0)
    if not timedelta(0) < found <= timedelta(days=3650):
        raise ValidationFailed("expires_in must be like 90d or 12h, at most 3650d", [{"field": "expires_in"}])
    return found


def _from_headers(headers: Mapping[str, str]) -> str:
    found = {name.lower(): value for name, value in headers.items()}
    keys: set[str] = set()
    if "authorization" in found:
        scheme, _, value = found["authorization"].partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthorized(_MISSING)
        keys.add(value.strip())
    if "x-api-key" in found:
        keys.add(found["x-api-key"].strip())
    if len(keys) != 1:
        raise Unauthorized("Two different API keys were sent; send one." if keys else _MISSING)
    return keys.pop()


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), 6)
