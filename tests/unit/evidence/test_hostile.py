"""Bundles made to deceive: each must be refused for the right reason."""

from __future__ import annotations

import base64
import json
import unicodedata
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from qcos_evidence import KeyPair, KeySet, Malformed, PublicKey, canonical, event_log, sha3_256, to_be_signed, verify
from tests.unit.evidence.samples import (
    CLASSICAL,
    KEYS,
    NOW,
    OUR_KEY_ID,
    OURS,
    STRANGER,
    encoded,
    force_sign,
    signed,
    text,
    unsigned,
)
from tests.unit.evidence.test_verification import codes, outcomes

STRANGER_ID = PublicKey("ML-DSA-65", STRANGER.public).key_id
SIGNATURES: dict[str, str] = signed()["signatures"]
SIGNATURE = SIGNATURES["signature"]
PROOF: dict[str, Any] = unsigned()["execution_proof"]
LOG: dict[str, Any] = unsigned()["event_log"]


def without(member: str) -> dict[str, Any]:
    return {name: value for name, value in signed().items() if name != member}


def signatures(**changes: Any) -> dict[str, Any]:
    return signed(signatures=SIGNATURES | changes)


def proof(**changes: Any) -> dict[str, Any]:
    return signed(execution_proof=PROOF | changes)


def raw(old: bytes, new: bytes) -> bytes:
    """The genuine text with ``old`` replaced once."""
    genuine = text(signed())
    assert genuine.count(old) == 1
    return genuine.replace(old, new)


MALFORMED: dict[str, tuple[bytes, str]] = {
    "duplicate member": (raw(b'"shots":1024', b'"shots":1024,"shots":1'), "duplicate_key"),
    "the same duplicate first": (raw(b'"shots":1024', b'"shots":1,"shots":1024'), "duplicate_key"),
    "escaped duplicate": (raw(b'"shots":1024', b'"shots":1024,"\\u0073hots":1'), "duplicate_key"),
    "duplicate signatures": (text(signed())[:-1] + b',"signatures":null}', "duplicate_key"),
    "NaN": (raw(b"1024", b"NaN"), "number_not_integer"),
    "Infinity": (raw(b"1024", b"Infinity"), "number_not_integer"),
    "overflowing": (raw(b"1024", b"1e999999"), "number_not_integer"),
    "1024.0": (raw(b"1024", b"1024.0"), "number_not_integer"),
    "1.024e3": (raw(b"1024", b"1.024e3"), "number_not_integer"),
    "-0": (raw(b"1024", b"-0"), "number_not_integer"),
    "2^53": (raw(b"1024", b"9007199254740992"), "integer_out_of_range"),
    "400 digits": (raw(b"1024", b"1" * 400), "integer_out_of_range"),
    "5000 digits": (raw(b"1024", b"1" * 5000), "integer_out_of_range"),
    "deep": (raw(b"1024", b"[" * 100_000 + b"]" * 100_000), "too_deep"),
    "too large": (text(signed()) + b" " * 256 * 1024, "too_large"),
    "byte order mark": (b"\xef\xbb\xbf" + text(signed()), "byte_order_mark"),
    "UTF-16": (text(signed()).decode().encode("utf-16"), "byte_order_mark"),
    "Latin-1": (text(signed()).decode().encode("latin-1"), "not_utf8"),
    "trailing bundle": (text(signed()) * 2, "trailing_data"),
    "trailing null": (text(signed()) + b"\x00", "trailing_data"),
    "cut": (text(signed())[:-1], "not_json"),
    "array": (b"[" + text(signed()) + b"]", "not_an_object"),
    "text": (json.dumps(text(signed()).decode()).encode(), "not_an_object"),
    "empty": (b"", "not_json"),
    "CBOR in any order": (cbor2.dumps(signed()), "not_deterministic_cbor"),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_no_single_well_defined_bundle(name: str) -> None:
    document, code = MALFORMED[name]
    with pytest.raises(Malformed) as refused:
        verify(document, KEYS, now=NOW)
    assert refused.value.code == code


def spell(bundle: dict[str, Any], **options: Any) -> bytes:
    return json.dumps(bundle, **options).encode()


GENUINE: dict[str, bytes] = {
    "indented": spell(signed(), indent=4),
    "reversed": spell(dict(reversed(signed().items()))),
    "sorted": spell(signed(), sort_keys=True),
    "ascii": spell(signed(), ensure_ascii=True),
    "escaped letters": raw(b'"ionq_simulator"', b'"\\u0069onq_simulator"'),
    "escaped name": raw(b'"backend"', b'"\\u0062ackend"'),
    "escaped slash": raw(b'"https://', b'"https:\\/\\/'),
    "white space": b"\r\n\t " + raw(b'"shots":1024', b'"shots" :\r\n1024'),
}


@pytest.mark.parametrize("name", GENUINE)
def test_the_same_document_spelled_differently(name: str) -> None:
    assert GENUINE[name] != text(signed())
    assert verify(GENUINE[name], KEYS, now=NOW).valid


CHANGED: dict[str, bytes | dict[str, Any]] = {
    "shots as text": proof(shots="1024"),
    "shots as true": proof(shots=True),
    "fewer shots": proof(shots=1023),
    "another backend": proof(backend="ionq_forte"),
    "another result": proof(result_hash=sha3_256(b"better")),
    "member added inside": proof(cost=0),
    "backend removed": signed(execution_proof={"shots": 1024, "timestamp": PROOF["timestamp"]}),
    "backend null": proof(backend=None),
    "member added": signed(verified=True),
    "member removed": without("equivalence"),
    "circuit removed": without("circuit_hash"),
    "circuit null": signed(circuit_hash=None),
    "another bundle id": signed(bundle_id="ev_abc124"),
    "another job": signed(job_id="job_other", event_log=LOG | {"stream_id": "job_other"}),
    "another issuer": signed(issuer="https://evidence.examp1e"),
    "another verdict": signed(equivalence={"verdict": "tested", "method": "zx"}),
    "another log": signed(event_log=event_log("job_xyz789", [bytes(32)])),
    "event log removed": without("event_log"),
    "later": signed(created_at="2026-02-06T12:00:21.000Z"),
    "the same instant otherwise": signed(created_at="2026-02-06T12:00:20Z"),
    "version 3.1": signed(version="3.1"),
    "version 3": signed(version=3),
    "no version": without("version"),
    "decomposed": signed(note=unicodedata.normalize("NFD", "café")),
    "homoglyph": proof(backend="i\u043enq_simulator"),
    "zero width": signed(note="caf\u200bé"),
    "lone surrogate": raw("café".encode(), b"caf\\udce9"),
    "lone surrogate in a name": raw(b'"note"', b'"\\ud800"'),
    "empty object": {},
}


@pytest.mark.parametrize("name", CHANGED)
def test_changed_after_signing(name: str) -> None:
    document = CHANGED[name]
    forms: list[bytes | dict[str, Any]] = [document] if isinstance(document, bytes) else [document, text(document)]
    for form in forms:
        verdict = verify(form, KEYS, now=NOW)
        assert verdict.checks["signature"] == "invalid"
        assert not verdict.valid
        expected = {"signature_invalid", "no_canonical_form"} if document else {"signature_missing"}
        assert codes(verdict) & expected


def other_domain(tbs: bytes, **replaced: Any) -> bytes:
    """The signed structure with a member of the outer array replaced."""
    label, protected, external, payload = cbor2.loads(tbs)
    parts = {"label": label, "protected": protected, "external": external, "payload": payload} | replaced
    return cbor2.dumps(list(parts.values()), canonical=True)


TBS = to_be_signed(unsigned(), OUR_KEY_ID, "ML-DSA-65")
CONTEXT_KEY = MLDSA65PrivateKey.generate()
CONTEXT_PUBLIC = PublicKey("ML-DSA-65", CONTEXT_KEY.public_key().public_bytes_raw())
TRUSTED = KeySet([*KEYS, CONTEXT_PUBLIC])


def with_context(context: bytes | None) -> dict[str, Any]:
    """The bundle signed under a trusted key with this ML-DSA context."""
    signature = CONTEXT_KEY.sign(to_be_signed(unsigned(), CONTEXT_PUBLIC.key_id, "ML-DSA-65"), context)
    return signatures(key_id=CONTEXT_PUBLIC.key_id, signature=encoded(signature))


def by_ours(message: bytes) -> dict[str, Any]:
    return signatures(signature=encoded(OURS.sign(message)))


def flipped(position: int) -> str:
    data = bytearray(base64.b64decode(SIGNATURE.removeprefix("base64:")))
    data[position] ^= 1
    return encoded(bytes(data))


EMBEDDED_JWK = PublicKey("ML-DSA-65", STRANGER.public).to_jwk()

BADLY_SIGNED: dict[str, tuple[dict[str, Any], str]] = {
    "none": (without("signatures"), "signature_missing"),
    "null": (signed(signatures=None), "signature_missing"),
    "empty text": (signed(signatures=""), "signature_missing"),
    "array": (signed(signatures=[SIGNATURES]), "signature_missing"),
    "empty object": (signed(signatures={}), "signature_missing"),
    "no signature": (signed(signatures={"algorithm": "ML-DSA-65", "key_id": OUR_KEY_ID}), "signature_missing"),
    "no algorithm": (signed(signatures={"key_id": OUR_KEY_ID, "signature": SIGNATURE}), "signature_missing"),
    "no key id": (signed(signatures={"algorithm": "ML-DSA-65", "signature": SIGNATURE}), "signature_missing"),
    "key id as array": (signatures(key_id=[OUR_KEY_ID]), "signature_missing"),
    "algorithm null": (signatures(algorithm=None), "signature_missing"),
    "signature as array": (signatures(signature=[SIGNATURE]), "signature_missing"),
    "extra claim": (signatures(verified_by="somebody"), "unknown_signature_field"),
    "embedded key": (force_sign(unsigned(), STRANGER, jwk=EMBEDDED_JWK), "unknown_signature_field"),
    "embedded public_key": (signatures(public_key="base64:AAAA"), "unknown_signature_field"),
    "jku": (signatures(jku="https://attacker.example/jwks.json"), "unknown_signature_field"),
    "x5c": (signatures(x5c=["AAAA"]), "unknown_signature_field"),
    "unknown key": (signatures(key_id="A" * 43), "unknown_key"),
    "empty key id": (signatures(key_id=""), "unknown_key"),
    "key id with surrogate": (signatures(key_id="\ud800"), "unknown_key"),
    "stranger with his own id": (force_sign(unsigned(), STRANGER), "unknown_key"),
    "stranger with our id": (force_sign(unsigned(), STRANGER, key_id=OUR_KEY_ID), "signature_invalid"),
    "stranger who signs our id": (
        signatures(signature=encoded(STRANGER.sign(TBS))),
        "signature_invalid",
    ),
    "our other key": (force_sign(unsigned(), CLASSICAL, key_id=OUR_KEY_ID), "algorithm_not_allowed"),
    "none as algorithm": (signatures(algorithm="none"), "algorithm_not_allowed"),
    "HS256": (signatures(algorithm="HS256"), "algorithm_not_allowed"),
    "ML-DSA-44": (signatures(algorithm="ML-DSA-44"), "algorithm_not_allowed"),
    "HashML-DSA-65": (signatures(algorithm="HashML-DSA-65"), "algorithm_not_allowed"),
    "lower case": (signatures(algorithm="ml-dsa-65"), "algorithm_not_allowed"),
    "the other algorithm": (signatures(algorithm="Ed25519"), "algorithm_not_allowed"),
    "downgrade": (force_sign(unsigned(), CLASSICAL, algorithm="ML-DSA-65"), "algorithm_not_allowed"),
    "leading space": (signatures(signature="base64: " + SIGNATURE[7:]), "signature_encoding"),
    "trailing newline": (signatures(signature=SIGNATURE + "\n"), "signature_encoding"),
    "newline within": (signatures(signature=SIGNATURE[:83] + "\n" + SIGNATURE[83:]), "signature_encoding"),
    "padding": (signatures(signature=SIGNATURE + "===="), "signature_encoding"),
    "url-safe": (
        signatures(signature="base64:" + "-" + SIGNATURE[8:]),
        "signature_encoding",
    ),
    "full-width letter": (signatures(signature=SIGNATURE[:-1] + "Ａ"), "signature_encoding"),
    "truncated": (signatures(signature=SIGNATURE[:-4]), "signature_encoding"),
    "extended": (signatures(signature=SIGNATURE + "AAAA"), "signature_encoding"),
    "empty signature": (signatures(signature=""), "signature_encoding"),
    "prefix only": (signatures(signature="base64:"), "signature_encoding"),
    "no prefix": (signatures(signature=SIGNATURE[7:]), "signature_encoding"),
    "prefix twice": (signatures(signature="base64:" + SIGNATURE), "signature_encoding"),
    "upper-case prefix": (signatures(signature="BASE64:" + SIGNATURE[7:]), "signature_encoding"),
    "first bit": (signatures(signature=flipped(0)), "signature_invalid"),
    "last bit": (signatures(signature=flipped(-1)), "signature_invalid"),
    "zeros": (signatures(signature=encoded(bytes(3309))), "signature_invalid"),
    "over the text as it was": (by_ours(text(unsigned())), "signature_invalid"),
    "over the canonical bytes": (by_ours(canonical(unsigned())), "signature_invalid"),
    "over the bundle hash": (by_ours(sha3_256(canonical(unsigned())).encode()), "signature_invalid"),
    "other label": (by_ours(other_domain(TBS, label="Signature")), "signature_invalid"),
    "external data": (by_ours(other_domain(TBS, external=b"x")), "signature_invalid"),
    "other content type": (
        by_ours(other_domain(TBS, protected=cbor2.dumps({1: -49, 3: "text/plain", 4: OUR_KEY_ID.encode()}))),
        "signature_invalid",
    ),
    "no key id signed": (by_ours(other_domain(TBS, protected=cbor2.dumps({1: -49}))), "signature_invalid"),
    "ML-DSA context": (with_context(b"qcos"), "signature_invalid"),
}


@pytest.mark.parametrize("name", BADLY_SIGNED)
def test_badly_signed(name: str) -> None:
    document, code = BADLY_SIGNED[name]
    verdict = verify(document, TRUSTED, now=NOW)
    assert verdict.checks["signature"] == "invalid"
    assert verdict.checks["hash"] == "valid"
    assert code in codes(verdict)
    assert {reason.code for reason in verdict.reasons if reason.check == "signature"} == {code}


def test_the_tools_of_these_attacks_also_make_good_signatures() -> None:
    """Otherwise the cases above could fail for a mistake in the attack."""
    assert verify(with_context(None), TRUSTED, now=NOW).valid
    assert verify(by_ours(other_domain(TBS)), KEYS, now=NOW).valid
    assert verify(force_sign(unsigned(), STRANGER), KeySet([PublicKey("ML-DSA-65", STRANGER.public)]), now=NOW).valid
    assert PublicKey("ML-DSA-65", STRANGER.public).key_id == STRANGER_ID != OUR_KEY_ID


def genuine(keypair: KeyPair = CLASSICAL, **changes: Any) -> dict[str, Any]:
    """Wrong, but correctly signed by us."""
    return force_sign(unsigned() | changes, keypair)


LEAVES = LOG["leaf_hashes"]


def log(**changes: Any) -> dict[str, Any]:
    return genuine(event_log=LOG | changes)


def created(instant: Any) -> dict[str, Any]:
    return genuine(created_at=instant)


SIGNED_BUT_WRONG: dict[str, tuple[Callable[[], dict[str, Any]], str, str]] = {
    "root of other events": (lambda: log(root_hash="sha256:" + "0" * 64), "ShT", "event_root_mismatch"),
    "dropped leaf": (lambda: log(leaf_hashes=LEAVES[:-1]), "ShT", "event_root_mismatch"),
    "reordered leaves": (lambda: log(leaf_hashes=[LEAVES[1], LEAVES[0], *LEAVES[2:]]), "ShT", "event_root_mismatch"),
    "doubled leaf": (lambda: log(leaf_hashes=[*LEAVES, LEAVES[-1]], size=6), "ShT", "event_root_mismatch"),
    "size": (lambda: log(size=6), "ShT", "event_size_mismatch"),
    "size true": (lambda: log(size=True, leaf_hashes=LEAVES[:1]), "ShT", "field_malformed"),
    "head": (lambda: log(head_event_hash=LEAVES[0]), "ShT", "event_head_mismatch"),
    "upper-case leaf": (lambda: log(leaf_hashes=[LEAVES[0].upper(), *LEAVES[1:]]), "ShT", "field_malformed"),
    "leaf null": (lambda: log(leaf_hashes=[None]), "ShT", "field_malformed"),
    "no leaves": (
        lambda: genuine(event_log={name: value for name, value in LOG.items() if name != "leaf_hashes"}),
        "ShT",
        "events_needed",
    ),
    "log of another job": (lambda: log(stream_id="job_other"), "ShT", "stream_mismatch"),
    "log null": (lambda: genuine(event_log=None), "ShT", "field_malformed"),
    "other tree": (lambda: log(tree="RFC6962_SHA256"), "ShT", "field_malformed"),
    "proof of another job": (lambda: genuine(execution_proof=PROOF | {"job_id": "job_2"}), "ShT", "job_id_mismatch"),
    "upper-case circuit hash": (
        lambda: genuine(circuit_hash="sha3-256:" + "AB" * 32),
        "ShT",
        "field_malformed",
    ),
    "sha2 circuit hash": (lambda: genuine(circuit_hash="sha256:" + "ab" * 32), "ShT", "field_malformed"),
    "circuit hash with newline": (
        lambda: genuine(circuit_hash="sha3-256:" + "ab" * 32 + "\n"),
        "ShT",
        "field_malformed",
    ),
    "result hash": (lambda: genuine(execution_proof=PROOF | {"result_hash": "sha3-256:"}), "ShT", "field_malformed"),
    "future": (lambda: created("2026-02-07T00:05:00.001Z"), "SHt", "created_in_future"),
    "far future": (lambda: created("9999-12-31T23:59:59.999Z"), "SHt", "created_in_future"),
    "executed after creation": (lambda: created("2026-02-06T11:55:14.999Z"), "SHt", "execution_after_creation"),
    "30 February": (lambda: created("2026-02-30T12:00:00.000Z"), "SHt", "timestamp_malformed"),
    "29 February of no leap year": (lambda: created("2025-02-29T12:00:00.000Z"), "SHt", "timestamp_malformed"),
    "leap second": (lambda: created("2026-02-06T12:00:60.000Z"), "SHt", "timestamp_malformed"),
    "hour 24": (lambda: created("2026-02-06T24:00:00.000Z"), "SHt", "timestamp_malformed"),
    "year 0": (lambda: created("0000-02-06T12:00:00.000Z"), "SHt", "timestamp_malformed"),
    "offset": (lambda: created("2026-02-06T12:00:20.000+00:00"), "SHt", "timestamp_malformed"),
    "lower-case z": (lambda: created("2026-02-06T12:00:20.000z"), "SHt", "timestamp_malformed"),
    "space for T": (lambda: created("2026-02-06 12:00:20.000Z"), "SHt", "timestamp_malformed"),
    "microseconds": (lambda: created("2026-02-06T12:00:20.000000Z"), "SHt", "timestamp_malformed"),
    "trailing newline": (lambda: created("2026-02-06T12:00:20.000Z\n"), "SHt", "timestamp_malformed"),
    "other digits": (lambda: created("２026-02-06T12:00:20.000Z"), "SHt", "timestamp_malformed"),
    "number": (lambda: created(1770379220), "SHt", "timestamp_malformed"),
    "null": (lambda: created(None), "SHt", "timestamp_malformed"),
    "execution time": (
        lambda: genuine(execution_proof=PROOF | {"timestamp": "2026-02-30T12:00:00Z"}),
        "SHt",
        "timestamp_malformed",
    ),
    "version": (lambda: genuine(version="4.0"), "sHT", "unsupported_version"),
}


@pytest.mark.parametrize("name", SIGNED_BUT_WRONG)
def test_correctly_signed_but_wrong(name: str) -> None:
    make, wanted, code = SIGNED_BUT_WRONG[name]
    verdict = verify(text(make()), KEYS, now=NOW)
    assert outcomes(verdict) == wanted
    assert code in codes(verdict)


def test_a_proof_of_another_bundle() -> None:
    """Signature and content from two genuine bundles, which is how a proof comes loose from what it proves."""
    other = force_sign(unsigned(bundle_id="ev_other"))
    assert verify(other, KEYS, now=NOW).valid
    assert outcomes(verify(signed(signatures=other["signatures"]), KEYS, now=NOW)) == "sHT"


def test_a_replay_is_authentic_and_says_what_it_is_of() -> None:
    verdict = verify(signed(), KEYS, now=NOW, expected_job_id="job_of_today")
    assert outcomes(verdict) == "ShT"
    assert (verdict.bundle_id, verdict.job_id) == ("ev_abc123", "job_xyz789")
