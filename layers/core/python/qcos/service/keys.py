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

from qcos.errors import Unauthorized, ValidationFailed
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

    def mint(self, tenant: str, name: str, scopes: Sequence[str]) -> tuple[str, ApiKey]:
        """A new key's text, shown this once, and what is stored of it.

        Raises:
            ValidationFailed: a scope is unknown, or the name is empty or over 100 characters.
        """
        unknown = sorted(set(scopes) - set(SCOPES))
        if unknown or not scopes:
            raise ValidationFailed(f"scopes must be some of: {', '.join(SCOPES)}", [{"field": "scopes"}])
        if not 0 < len(name) <= 100:
            raise ValidationFailed("name must have 1 to 100 characters", [{"field": "name"}])
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
        )
        self.control.put_api_key(key)
        return body + _checksum(body), key

    def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Whom the request's key stands for.

        Raises:
            Unauthorized: there is no key, two different ones, or one that is unknown, expired or revoked.
        """
        text = _from_headers(headers)
        match = _KEY.fullmatch(text)
        if match is None or _checksum(text[:-6]) != text[-6:]:
            raise Unauthorized(_WRONG)
        key = self._lookup(match[2])
        # Compare also when there is no such key, so that the time taken says nothing about which ids exist.
        same = hmac.compare_digest(self._digest(match[3]), key.digest if key else "0" * 64)
        if key is None or not same or key.revoked_at or (key.expires_at and moment(key.expires_at) <= self.clock()):
            raise Unauthorized(_WRONG)
        return Principal(key.tenant, key.public_id, key.scopes)

    def _lookup(self, public_id: str) -> ApiKey | None:
        now = self.clock().timestamp()
        with self._lock:
            cached = self._cache.get(public_id)
        if cached and now - cached[0] < CACHE_S:
            return cached[1]
        key = self.control.api_key(public_id)
        with self._lock:
            if key is None:
                self._cache.pop(public_id, None)
            else:
                if len(self._cache) >= 1000:
                    self._cache.clear()
                self._cache[public_id] = (now, key)
        return key

    def _digest(self, secret: str) -> str:
        return hashlib.sha256(self.pepper().encode() + secret.encode()).hexdigest()


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
