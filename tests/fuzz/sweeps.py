"""Exhaustive: every bit of a signature, every other value of every signed byte, in every form; and two libraries."""

from __future__ import annotations

import base64
import copy
import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import mldsa
from pqcrypto.sign import ml_dsa_44, ml_dsa_65

from qcos_evidence import KeyPair, KeySet, Malformed, PublicKey, cbor, cose, verify
from tests.fuzz.promises import Finding, check
from tests.unit.evidence.samples import NOW, encoded, force_sign, text, unsigned

WRITERS: dict[str, Callable[[dict[str, Any]], bytes]] = {"json": text, "cbor": cbor.dumps, "cose": cose.dumps}
MESSAGES = 1000
# Each set's module of pqcrypto, and OpenSSL's classes through cryptography.
SETS: dict[str, tuple[Any, Any, Any]] = {
    "ML-DSA-44": (ml_dsa_44, mldsa.MLDSA44PrivateKey, mldsa.MLDSA44PublicKey),
    "ML-DSA-65": (ml_dsa_65, mldsa.MLDSA65PrivateKey, mldsa.MLDSA65PublicKey),
}


def small() -> tuple[dict[str, Any], KeySet, bytes]:
    """A bundle of about 850 bytes, its keys, and its signature's bytes."""
    keypair = KeyPair.generate("ML-DSA-65")
    key = PublicKey("ML-DSA-65", keypair.public)
    bundle = unsigned()
    del bundle["optimized_circuit_hash"], bundle["equivalence"]
    bundle["event_log"]["leaf_hashes"] = bundle["event_log"]["leaf_hashes"][:2]
    signed = force_sign(bundle, keypair)
    return signed, KeySet([key]), _signature(signed)


def signature_bits(form: str) -> Iterator[tuple[str, int]]:
    """Every bit of the 3309 bytes flipped, in a document of ``form``; yields outcomes and how many, in parts."""
    bundle, keys, signature = small()
    check(_caught(WRITERS[form](bundle), keys) is None, "the genuine document is not valid as far as it goes")
    for position in range(len(signature)):
        seen: Counter[str] = Counter()
        for bit in range(8):
            flipped = bytearray(signature)
            flipped[position] ^= 1 << bit
            changed = copy.copy(bundle)
            changed["signatures"] = bundle["signatures"] | {"signature": encoded(bytes(flipped))}
            seen[_must_be_caught(WRITERS[form](changed), keys)] += 1
        yield from seen.items()


def content_bytes(form: str, part: int, parts: int) -> Iterator[tuple[str, int]]:
    """Every byte outside of the signature's, all 255 other values of each; ``part`` of ``parts``, by position."""
    bundle, keys, signature = small()
    genuine = WRITERS[form](bundle)
    inner = signature if form == "cose" else encoded(signature).removeprefix("base64:").encode()
    start = genuine.index(inner)
    for position in (*range(start), *range(start + len(inner), len(genuine))):
        if position % parts != part:
            continue
        seen: Counter[str] = Counter()
        for other in range(256):
            if other != genuine[position]:
                seen[_must_be_caught(genuine[:position] + bytes([other]) + genuine[position + 1 :], keys)] += 1
        yield from seen.items()


def differential(name: str) -> Iterator[tuple[str, int]]:
    """Over 1,000 random messages: what either library signs the other verifies, and both refuse a flipped bit."""
    ours, theirs, _ = SETS[name]
    public, secret = ours.keygen()
    private = theirs.generate()
    pairs = (
        (public, lambda message: ours.sign(secret, message)),
        (private.public_key().public_bytes_raw(), private.sign),
    )
    for number in range(MESSAGES):
        message = secrets.token_bytes(number)
        for key, sign in pairs:
            signature = bytes(sign(message))
            flipped = bytearray(signature)
            flipped[secrets.randbelow(len(flipped))] ^= 1 << secrets.randbelow(8)
            for one, wanted in ((signature, True), (bytes(flipped), False)):
                answers = verified_by_both(name, key, message, one)
                check(answers == (wanted, wanted), f"{name}: of {wanted} the libraries say {answers}")
            yield "agreed", 4


def verified_by_both(name: str, public: bytes, message: bytes, signature: bytes) -> tuple[bool, bool]:
    """Whether pqcrypto and whether OpenSSL, through cryptography, take the signature."""
    ours, _, theirs = SETS[name]
    try:
        ours.verify(public, message, signature)
        first = True
    except ValueError:
        first = False
    key = theirs.from_public_bytes(public)
    try:
        key.verify(signature, message)
        second = True
    except InvalidSignature:
        second = False
    return first, second


def _must_be_caught(document: bytes, keys: KeySet) -> str:
    caught = _caught(document, keys)
    if caught is None:
        raise Finding("a changed document has a valid signature")
    return caught


def _caught(document: bytes, keys: KeySet) -> str | None:
    try:
        verdict = verify(document, keys, now=NOW)
    except Malformed as refused:
        return f"refused {refused.code}"
    reasons = [one.code for one in verdict.reasons if one.check == "signature"]
    return reasons[0] if reasons else None


def _signature(bundle: dict[str, Any]) -> bytes:
    return base64.b64decode(bundle["signatures"]["signature"].removeprefix("base64:"))
