"""Every byte counts, and nothing but the meaning does."""

from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qcos_evidence import KeyPair, Malformed, PublicKey, canonical, digest, parse, verify
from tests.unit.evidence.samples import CLASSICAL, KEYS, NOW, OURS, force_sign, signed, text, unsigned

EXAMPLES = settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])


def signature_check(document: bytes) -> str:
    try:
        return verify(document, KEYS, now=NOW).checks["signature"]
    except Malformed:
        return "malformed"


def minimal(keypair: KeyPair) -> dict[str, Any]:
    bundle = unsigned()
    for name in ("optimized_circuit_hash", "equivalence"):
        del bundle[name]
    bundle["event_log"]["leaf_hashes"] = bundle["event_log"]["leaf_hashes"][:2]
    return force_sign(bundle, keypair)


@pytest.mark.parametrize("bit", range(8))
def test_every_bit_of_the_text(bit: int) -> None:
    """All of a bundle's text but the signature's own digits."""
    genuine = text(minimal(CLASSICAL))
    assert signature_check(genuine) == "valid"
    start = genuine.index(b"base64:") + len(b"base64:")
    outcomes: Counter[str] = Counter()
    for position in [*range(start), *range(start + 88, len(genuine))]:
        changed = bytearray(genuine)
        changed[position] ^= 1 << bit
        outcomes[signature_check(bytes(changed))] += 1
    assert outcomes["invalid"] + outcomes["malformed"] == len(genuine) - 88 > 900


@pytest.mark.parametrize(("keypair", "step"), [(OURS, 29), (CLASSICAL, 1)], ids=["ML-DSA-65", "Ed25519"])
def test_digits_of_the_signature(keypair: KeyPair, step: int) -> None:
    genuine = text(minimal(keypair))
    assert signature_check(genuine) == "valid"
    start = genuine.index(b"base64:") + len(b"base64:")
    for position in range(start, genuine.index(b'"', start), step):
        for other in b"A", b"B", b"/", b"=", b"-", b" ":
            changed = genuine[:position] + other + genuine[position + 1 :]
            if changed != genuine:
                assert signature_check(changed) == "invalid"


def test_every_bit_of_a_signature() -> None:
    """Of all 3309 bytes; in whole documents of every form ``make fuzz`` does the same."""
    key, message = PublicKey("ML-DSA-65", OURS.public), b"content"
    genuine = OURS.sign(message)
    assert key.verify(message, genuine)
    for bit in range(len(genuine) * 8):
        changed = bytearray(genuine)
        changed[bit // 8] ^= 1 << bit % 8
        assert not key.verify(message, bytes(changed)), bit


def test_every_cut() -> None:
    genuine = text(minimal(CLASSICAL))
    for length in range(0, len(genuine), 3):
        assert signature_check(genuine[:length]) == "malformed"


def respell(value: Any, choice: random.Random) -> str:
    """``value`` as JSON with random order, white space and escapes."""
    space = "".join(choice.choices(" \t\r\n", k=choice.choice([0, 0, 1, 3])))
    if isinstance(value, dict):
        members = list(value.items())
        choice.shuffle(members)
        inner = ",".join(f"{respell(name, choice)}:{respell(item, choice)}" for name, item in members)
        return f"{space}{{{inner}{space}}}"
    if isinstance(value, list):
        return f"{space}[{','.join(respell(item, choice) for item in value)}{space}]"
    if isinstance(value, str):
        return f'{space}"{"".join(escape(letter, choice) for letter in value)}"{space}'
    return f"{space}{json.dumps(value)}{space}"


def escape(letter: str, choice: random.Random) -> str:
    if letter not in '"\\' and ord(letter) >= 0x20 and choice.random() < 0.8:
        return letter
    units = letter.encode("utf-16-be")
    digits = (units[place : place + 2].hex() for place in range(0, len(units), 2))
    return "".join(f"\\u{one.upper() if choice.random() < 0.5 else one}" for one in digits)


LEAVES_OF_JSON = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8)
JSON = st.recursive(
    LEAVES_OF_JSON,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)


@EXAMPLES
@given(seed=st.integers(0, 2**32), more=JSON)
def test_another_spelling_is_the_same_bundle(seed: int, more: Any) -> None:
    bundle = force_sign(unsigned(more=more), CLASSICAL)
    spelled = respell(bundle, random.Random(seed)).encode()
    assert parse(spelled) == bundle
    verdict = verify(spelled, KEYS, now=NOW)
    assert verdict.valid
    assert verdict.bundle_hash == digest(bundle)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from places(item, (*path, name))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, (*path, number))


PLACES = list(places(unsigned()))


@EXAMPLES
@given(place=st.sampled_from(PLACES), value=JSON)
def test_another_value_is_another_bundle(place: tuple[Any, ...], value: Any) -> None:
    bundle = copy.deepcopy(signed())
    holder = bundle
    for step in place[:-1]:
        holder = holder[step]
    if canonical({"": holder[place[-1]]}) == canonical({"": value}):
        return
    holder[place[-1]] = value
    verdict = verify(text(bundle), KEYS, now=NOW)
    assert verdict.checks["signature"] == "invalid"
    assert "signature_invalid" in {reason.code for reason in verdict.reasons}


@EXAMPLES
@given(place=st.sampled_from(PLACES))
def test_a_missing_value_is_another_bundle(place: tuple[Any, ...]) -> None:
    bundle = copy.deepcopy(signed())
    holder = bundle
    for step in place[:-1]:
        holder = holder[step]
    del holder[place[-1]]
    assert verify(text(bundle), KEYS, now=NOW).checks["signature"] == "invalid"


@EXAMPLES
@given(
    document=st.fixed_dictionaries(
        {},
        optional={
            name: JSON | st.just(value)
            for name, value in {**signed(), "execution_proof": unsigned()["execution_proof"]}.items()
        }
        | {"event_log": st.dictionaries(st.sampled_from(sorted(unsigned()["event_log"])), JSON)}
        | {"execution_proof": st.dictionaries(st.sampled_from(sorted(unsigned()["execution_proof"])), JSON)}
        | {"signatures": st.dictionaries(st.sampled_from(sorted(signed()["signatures"])), JSON)},
    ),
    events=JSON | st.lists(JSON, max_size=3),
)
def test_any_object_gets_a_verdict(document: dict[str, Any], events: Any) -> None:
    verdict = verify(text(document), KEYS, now=NOW, events=events, circuit=b"", expected_job_id="job_xyz789")
    assert not verdict.valid
    assert verdict.checks["signature"] == "invalid"


@EXAMPLES
@given(data=st.binary(max_size=40) | st.text(max_size=40).map(str.encode) | JSON.map(text))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert signature_check(data) in ("invalid", "malformed")
