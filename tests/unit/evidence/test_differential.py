"""pqcrypto against OpenSSL's ML-DSA: what one signs the other verifies, and both refuse a flipped bit.

OpenSSL signs 1,000 random messages here with ML-DSA-65, 200 with ML-DSA-44; pqcrypto, which is slower to sign, 20 with
each. ``make fuzz`` does 1,000 both ways with each.
"""

from __future__ import annotations

import itertools
from random import Random

import pytest

from tests.fuzz.sweeps import SETS, verified_by_both


@pytest.mark.parametrize(
    ("name", "signer", "messages"),
    [
        ("ML-DSA-65", "cryptography", 1000),
        ("ML-DSA-65", "pqcrypto", 20),
        ("ML-DSA-44", "cryptography", 200),
        ("ML-DSA-44", "pqcrypto", 20),
    ],
)
def test_both_agree(name: str, signer: str, messages: int) -> None:
    ours, theirs, _ = SETS[name]
    if signer == "pqcrypto":
        public, secret = ours.keygen()
    else:
        private = theirs.generate()
        public = private.public_key().public_bytes_raw()
    choose = Random(signer + name)
    for number in range(messages):
        message = choose.randbytes(number)
        signature = bytes(ours.sign(secret, message) if signer == "pqcrypto" else private.sign(message))
        assert verified_by_both(name, public, message, signature) == (True, True), number
        flipped = bytearray(signature)
        flipped[choose.randrange(len(flipped))] ^= 1 << choose.randrange(8)
        assert verified_by_both(name, public, message, bytes(flipped)) == (False, False), number


@pytest.mark.parametrize("name", SETS)
def test_both_refuse_another_message_and_another_key(name: str) -> None:
    ours, theirs, _ = SETS[name]
    public, secret = ours.keygen()
    signature = ours.sign(secret, b"message")
    stranger = theirs.generate().public_key().public_bytes_raw()
    for key, message in itertools.product((public, stranger), (b"message", b"messagf")):
        wanted = key == public and message == b"message"
        assert verified_by_both(name, key, message, signature) == (wanted, wanted)
