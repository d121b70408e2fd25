"""One bundle in every form: the same content, the same signature, the same verdict; and hostile documents of each."""

from __future__ import annotations

import base64
import copy
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcos_evidence import (
    EvidenceError,
    KeyPair,
    Malformed,
    PublicKey,
    canonical,
    cbor,
    cose,
    digest,
    pdf,
    read,
    to_be_signed,
    verify,
)
from qcos_evidence.canonical import MAX_BYTES
from tests.unit.evidence.samples import (
    CLASSICAL,
    KEYS,
    NOW,
    OUR_KEY_ID,
    OURS,
    RESULT,
    STRANGER,
    VECTORS,
    force_sign,
    signed,
    text,
    unsigned,
)

COSE = json.loads((VECTORS / "rfc9964" / "ML_DSA_65.cose.json").read_text())
WRITERS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "json": text,
    "cbor": cbor.dumps,
    "cose": cose.dumps,
    "pdf": lambda bundle: pdf.render(text(bundle), RESULT),
}
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
EXAMPLES = settings(max_examples=150, deadline=None, database=None)


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("keypair", [OURS, CLASSICAL], ids=lambda one: one.algorithm)
def test_one_signature_serves_every_form(form: str, keypair: KeyPair) -> None:
    bundle = force_sign(unsigned(), keypair)
    document = WRITERS[form](bundle)
    assert read(document) == (bundle, form)
    verdict = verify(document, KEYS, now=NOW)
    assert verdict.valid, verdict.reasons
    assert verdict.bundle_hash == digest(bundle)


@EXAMPLES
@given(more=JSON_VALUES)
def test_no_form_loses_anything(more: Any) -> None:
    bundle = force_sign(unsigned(more=more), CLASSICAL)
    for form in "cbor", "cose":
        document = WRITERS[form](bundle)
        assert read(document) == (bundle, form)
        assert verify(document, KEYS, now=NOW).valid


def test_the_cbor_is_the_same_map() -> None:
    assert cbor2.loads(cbor.dumps(signed())) == signed()
    # RFC 8949 section 4.2.1: shortest first falls out of comparing the encoded keys, for text keys.
    assert cbor.dumps({"aa": [True, None], "b": -1}) == bytes.fromhex("a2 6162 20 626161 82f5f6")


def test_the_cose_message_is_what_was_signed() -> None:
    tag = cbor2.loads(cose.dumps(signed()))
    protected, unprotected, payload, signature = tag.value
    assert (tag.tag, unprotected) == (18, {})
    assert payload == canonical(unsigned())
    assert cbor2.dumps(["Signature1", protected, b"", payload]) == to_be_signed(signed(), OUR_KEY_ID, "ML-DSA-65")
    assert PublicKey("ML-DSA-65", OURS.public).verify(cose.sig_structure(protected, payload), signature)


def test_the_example_of_rfc_9964() -> None:
    """The structure that is signed is the standard's: its own message verifies through it."""
    key = cbor2.loads(bytes.fromhex(COSE["key"]))
    public = PublicKey("ML-DSA-65", key[-1])
    message = bytes.fromhex(COSE["sign1"])
    protected, _, payload, signature = cbor2.loads(message).value
    assert cbor2.loads(protected)[1] == cose.COSE_ALGORITHMS["ML-DSA-65"] == key[3]
    assert public.verify(cose.sig_structure(protected, payload), signature)
    assert not public.verify(cose.sig_structure(protected, payload + b" "), signature)
    # It is no bundle, and says so.
    with pytest.raises(Malformed) as refused:
        read(message)
    assert refused.value.code == "not_cose_evidence"


@pytest.mark.parametrize(
    "signatures",
    [
        None,
        {},
        {"algorithm": "ML-DSA-65", "key_id": OUR_KEY_ID},
        {"algorithm": "none", "key_id": OUR_KEY_ID, "signature": "base64:"},
        {"algorithm": "ML-DSA-65", "key_id": OUR_KEY_ID, "signature": "base64:AAAA"},
        {**signed()["signatures"], "key_id": "é"},
        {**signed()["signatures"], "more": 1},
    ],
    ids=range(7),
)
def test_no_cose_without_a_signature(signatures: Any) -> None:
    with pytest.raises(EvidenceError):
        cose.dumps(signed(signatures=signatures))


def test_what_cbor_cannot_carry() -> None:
    documents: list[Any] = [{"x": 1.5}, {"x": "\ud800"}, {1: 2}, {"x": b""}, {"x": 2**53}]
    for document in documents:
        with pytest.raises(EvidenceError):
            cbor.dumps(document)


GENUINE_CBOR = cbor.dumps(signed())


def cut_map(value: bytes) -> bytes:
    """A map of one member, ``x``, with this encoding."""
    return b"\xa1\x61x" + value


HOSTILE_CBOR = {
    "key twice": bytes.fromhex("a2 6161 01 6161 02"),
    "keys out of order": bytes.fromhex("a2 6162 01 6161 02"),
    "indefinite map": bytes.fromhex("bf 6161 01 ff"),
    "indefinite text": cut_map(bytes.fromhex("7f 6161 ff")),
    "indefinite array": cut_map(bytes.fromhex("9f 01 ff")),
    "one in two bytes": cut_map(bytes.fromhex("1801")),
    "length in two bytes": bytes.fromhex("a1 7801 61 01"),
    "map length in two bytes": bytes.fromhex("b801 6161 01"),
    "tag 0 date": cut_map(bytes.fromhex("c0 74") + b"2026-02-06T12:00:15Z"),
    "tag 2 bignum": cut_map(bytes.fromhex("c2 41 01")),
    "tag 35 regex": cut_map(bytes.fromhex("d823 62 612b")),
    "tag 28 and 29 cycle": cut_map(bytes.fromhex("d81c 81 d81d 00")),
    "tag 55799 self-described": bytes.fromhex("d9d9f7") + GENUINE_CBOR,
    "unknown tag": cut_map(bytes.fromhex("d9ffff 00")),
    "trailing byte": GENUINE_CBOR + b"\x00",
    "trailing map": GENUINE_CBOR * 2,
    "cut": GENUINE_CBOR[:-1],
    "not UTF-8": cut_map(b"\x61\xff"),
    "surrogate": cut_map(b"\x63\xed\xa0\x80"),
    "enormous array": cut_map(bytes.fromhex("9bffffffffffffffff")),
    "enormous text": cut_map(bytes.fromhex("7b7fffffffffffffff")),
    "reserved length": cut_map(bytes.fromhex("1c")),
    "simple value in two bytes": cut_map(bytes.fromhex("f814")),
    "long float": cut_map(bytes.fromhex("fb3ff8000000000000")),
    "NaN with a payload": cut_map(bytes.fromhex("f97e01")),
    "deep": b"\x81" * 100_000 + b"\x01",
}
FOREIGN_CBOR = {
    "float": (cut_map(bytes.fromhex("f93e00")), "number_not_integer"),
    "2^53": (cut_map(bytes.fromhex("1b0020000000000000")), "integer_out_of_range"),
    "bytes": (cut_map(bytes.fromhex("4101")), "unsupported_type"),
    "undefined": (cut_map(bytes.fromhex("f7")), "unsupported_type"),
    "simple value": (cut_map(bytes.fromhex("e0")), "unsupported_type"),
    "integer as a key": (bytes.fromhex("a1 01 01"), "key_not_text"),
    "map as a key": (bytes.fromhex("a1 a0 01"), "key_not_text"),
    "boolean as a key": (bytes.fromhex("a1 f5 01"), "key_not_text"),
    "array": (bytes.fromhex("81 01"), "not_an_object"),
    "nested": (cut_map(b"\x81" * 64 + b"\x01"), "too_deep"),
    "too large": (b"\xa1\x61x\x7a" + MAX_BYTES.to_bytes(4, "big") + b"a" * MAX_BYTES, "too_large"),
}


@pytest.mark.parametrize("name", HOSTILE_CBOR)
def test_cbor_that_another_reader_could_read_otherwise(name: str) -> None:
    with pytest.raises(Malformed) as refused:
        cbor.loads(HOSTILE_CBOR[name])
    assert refused.value.code == "not_deterministic_cbor"


@pytest.mark.parametrize("name", FOREIGN_CBOR)
def test_cbor_of_what_json_does_not_have(name: str) -> None:
    document, code = FOREIGN_CBOR[name]
    with pytest.raises(Malformed) as refused:
        cbor.loads(document)
    assert refused.value.code == code


PROTECTED = cose.protected_header("ML-DSA-65", OUR_KEY_ID)
PAYLOAD = canonical(unsigned())
SIGNATURE = base64.b64decode(signed()["signatures"]["signature"].removeprefix("base64:"))


def message(protected: Any = PROTECTED, unprotected: Any = None, payload: Any = PAYLOAD, *more: Any) -> bytes:
    return cose.TAG + cbor2.dumps([protected, unprotected or {}, payload, SIGNATURE, *more], canonical=True)


def header(**changes: Any) -> bytes:
    labels = {"alg": 1, "content_type": 3, "kid": 4, "crit": 2, "x": 99}
    members = {"alg": -49, "content_type": cose.CONTENT_TYPE, "kid": OUR_KEY_ID.encode()} | changes
    return cbor2.dumps({labels[name]: value for name, value in members.items()}, canonical=True)


HOSTILE_COSE = {
    "untagged": (message()[1:], "not_an_object"),
    "COSE_Sign": (b"\xd8\x62" + message()[1:], "not_deterministic_cbor"),
    "tag 18 in two bytes": (b"\xd8\x12" + message()[1:], "not_deterministic_cbor"),
    "tagged twice": (cose.TAG + message(), "not_deterministic_cbor"),
    "unprotected key id": (message(unprotected={4: b"x"}), "not_cose_evidence"),
    "unprotected key": (message(unprotected={33: [b"x"]}), "not_cose_evidence"),
    "detached payload": (cose.TAG + cbor2.dumps([PROTECTED, {}, None, SIGNATURE]), "not_cose_evidence"),
    "payload as text": (message(payload=PAYLOAD.decode()), "not_cose_evidence"),
    "five members": (message(PROTECTED, None, PAYLOAD, b""), "not_cose_evidence"),
    "map": (cose.TAG + b"\xa0", "not_cose_evidence"),
    "header as a map": (message({1: -49}), "not_cose_evidence"),
    "empty header": (message(b""), "not_deterministic_cbor"),
    "header with crit": (message(header(crit=[99], x=1)), "not_cose_evidence"),
    "header with more": (message(header(x=1)), "not_cose_evidence"),
    "other content type": (message(header(content_type="application/json")), "not_cose_evidence"),
    "content type of the registry": (message(header(content_type=50)), "not_cose_evidence"),
    "algorithm as text": (message(header(alg="ML-DSA-65")), "not_cose_evidence"),
    "key id not ASCII": (message(header(kid=b"\xff")), "not_cose_evidence"),
    "key id as text": (message(header(kid=OUR_KEY_ID)), "not_cose_evidence"),
    "true for the label 1": (
        message(cbor2.dumps({3: cose.CONTENT_TYPE, 4: OUR_KEY_ID.encode(), True: -49}, canonical=True)),
        "not_cose_evidence",
    ),
    "header not deterministic": (message(b"\xb8\x03" + PROTECTED[1:]), "not_deterministic_cbor"),
    "payload with white space": (message(payload=PAYLOAD + b" "), "not_cose_evidence"),
    "payload in another order": (message(payload=text(unsigned())), "not_cose_evidence"),
    "payload with signatures": (message(payload=canonical(signed())), "not_cose_evidence"),
    "payload with a lone surrogate": (message(payload=b'{"x":"\\ud800"}'), "not_cose_evidence"),
    "payload with a member twice": (message(payload=b'{"x":1,"x":1}'), "duplicate_key"),
    "payload not JSON": (message(payload=b"x"), "not_json"),
    "trailing byte": (message() + b"\x00", "not_deterministic_cbor"),
    "too large": (message() + bytes(MAX_BYTES + 8192), "too_large"),
}


def test_the_hostile_messages_are_built_from_a_good_one() -> None:
    assert message() == message(header()) == cose.dumps(signed())
    assert verify(message(), KEYS, now=NOW).valid


@pytest.mark.parametrize("name", HOSTILE_COSE)
def test_cose_that_is_no_bundle(name: str) -> None:
    document, code = HOSTILE_COSE[name]
    with pytest.raises(Malformed) as refused:
        verify(document, KEYS, now=NOW)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("protected", "code"),
    [
        (header(alg=-48), "algorithm_not_allowed"),
        (header(alg=-19), "algorithm_not_allowed"),
        (header(alg=-8), "algorithm_not_allowed"),
        (header(alg=5), "algorithm_not_allowed"),
        (header(kid=PublicKey("ML-DSA-65", STRANGER.public).key_id.encode()), "unknown_key"),
        (header(kid=b""), "unknown_key"),
    ],
    ids=["ML-DSA-44", "Ed25519", "EdDSA", "HMAC", "stranger", "nobody"],
)
def test_cose_of_another_key_or_algorithm(protected: bytes, code: str) -> None:
    verdict = verify(message(protected), KEYS, now=NOW)
    assert [one.code for one in verdict.reasons if one.check == "signature"] == [code]


def minimal() -> dict[str, Any]:
    bundle = copy.deepcopy(unsigned())
    del bundle["optimized_circuit_hash"], bundle["equivalence"]
    return force_sign(bundle, CLASSICAL)


@pytest.mark.parametrize("form", ["cbor", "cose"])
@pytest.mark.parametrize("bit", range(8))
def test_every_bit_of_every_byte(form: str, bit: int) -> None:
    """Ed25519, whose signature is short, so that the whole document fits; JSON has a test of its own."""
    genuine = WRITERS[form](minimal())
    assert verify(genuine, KEYS, now=NOW).valid
    outcomes: Counter[str] = Counter()
    for position in range(len(genuine)):
        changed = bytearray(genuine)
        changed[position] ^= 1 << bit
        try:
            outcomes[verify(bytes(changed), KEYS, now=NOW).checks["signature"]] += 1
        except Malformed:
            outcomes["malformed"] += 1
    assert outcomes["invalid"] + outcomes["malformed"] == len(genuine) > 1100


@EXAMPLES
@given(data=st.data(), form=st.sampled_from(["json", "cbor", "cose"]), other=st.integers(0, 255))
def test_any_other_byte_anywhere(data: st.DataObject, form: str, other: int) -> None:
    genuine = WRITERS[form](signed())
    position = data.draw(st.integers(0, len(genuine) - 1))
    if genuine[position] == other:
        return
    try:
        verdict = verify(genuine[:position] + bytes([other]) + genuine[position + 1 :], KEYS, now=NOW)
    except Malformed:
        return
    assert verdict.checks["signature"] == "invalid"


@EXAMPLES
@given(head=st.sampled_from([b"\xa1", b"\xd2\x84", b"%PDF-1.7\n", b"\x80"]), tail=st.binary(max_size=60))
def test_any_bytes_are_judged_or_refused(head: bytes, tail: bytes) -> None:
    try:
        verdict = verify(head + tail, KEYS, now=NOW)
    except Malformed:
        return
    assert not verdict.valid
