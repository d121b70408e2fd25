"""Verdicts on correctly signed bundles: what the caller brings, what the clock and the keys say."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import pytest

from qcos_evidence import (
    KeyPair,
    KeySet,
    Malformed,
    PublicKey,
    Reason,
    Verdict,
    digest,
    event_hash,
    event_log,
    report,
    sha3_256,
    verify,
)
from tests.unit.evidence.samples import (
    CIRCUIT,
    CLASSICAL,
    EVENTS,
    FIRST_PREV_HASH,
    KEYS,
    NOW,
    OPTIMIZED,
    OURS,
    chained,
    force_sign,
    signed,
    text,
    unsigned,
)


def codes(verdict: Verdict) -> set[str]:
    return {reason.code for reason in verdict.reasons}


def outcomes(verdict: Verdict) -> str:
    """``shT``: an upper-case letter is a check that is valid."""
    assert list(verdict.checks) == ["signature", "hash", "timestamp"]
    assert verdict.valid == all(outcome == "valid" for outcome in verdict.checks.values())
    assert {reason.check for reason in verdict.reasons} == {
        check for check, outcome in verdict.checks.items() if outcome == "invalid"
    }
    return "".join(check[0].upper() if outcome == "valid" else check[0] for check, outcome in verdict.checks.items())


@pytest.mark.parametrize("keypair", [OURS, CLASSICAL], ids=lambda one: one.algorithm)
@pytest.mark.parametrize("form", [text, MappingProxyType], ids=["bytes", "mapping"])
def test_a_genuine_bundle(keypair: KeyPair, form: Any) -> None:
    bundle = force_sign(unsigned(), keypair)
    verdict = verify(form(bundle), KEYS, now=NOW)
    assert verdict == Verdict(
        valid=True,
        checks={"signature": "valid", "hash": "valid", "timestamp": "valid"},
        reasons=(),
        bundle_id="ev_abc123",
        job_id="job_xyz789",
        created_at="2026-02-06T12:00:20.000Z",
        bundle_hash=digest(bundle),
        form="json" if form is text else None,
    )


def test_everything_that_can_be_given_agrees() -> None:
    for circuit in (CIRCUIT, OPTIMIZED):
        verdict = verify(
            signed(),
            KEYS,
            now=NOW,
            circuit=circuit,
            events=EVENTS,
            expected_job_id="job_xyz789",
            expected_circuit_hash=sha3_256(CIRCUIT),
        )
        assert verdict.valid


def test_nothing_given_is_changed() -> None:
    bundle, events = signed(), copy.deepcopy(EVENTS)
    verify(bundle, KEYS, now=NOW, events=events)
    assert bundle == signed()
    assert events == EVENTS


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"circuit": CIRCUIT + b" "}, "circuit_mismatch"),
        ({"circuit": b""}, "circuit_mismatch"),
        ({"expected_job_id": "job_other"}, "job_id_mismatch"),
        ({"expected_job_id": ""}, "job_id_mismatch"),
        ({"expected_circuit_hash": sha3_256(OPTIMIZED)}, "circuit_hash_mismatch"),
        ({"expected_circuit_hash": sha3_256(CIRCUIT).upper()}, "circuit_hash_mismatch"),
    ],
)
def test_a_genuine_bundle_of_something_else(given: dict[str, Any], code: str) -> None:
    verdict = verify(signed(), KEYS, now=NOW, **given)
    assert outcomes(verdict) == "ShT"
    assert codes(verdict) == {code}


def changed_event(**changes: Any) -> list[Any]:
    return [EVENTS[0], EVENTS[1] | changes, *EVENTS[2:]]


@pytest.mark.parametrize(
    ("events", "code"),
    [
        ([], "events_mismatch"),
        (EVENTS[:-1], "events_mismatch"),
        (EVENTS[1:], "events_mismatch"),
        (EVENTS[1:], "event_chain_broken"),
        ([*EVENTS, EVENTS[-1]], "event_chain_broken"),
        ([*EVENTS, EVENTS[0]], "event_chain_broken"),
        (EVENTS[::-1], "event_chain_broken"),
        (changed_event(data={"chosen": "another"}), "events_mismatch"),
        (changed_event(data={"chosen": "another"}), "event_chain_broken"),
        (changed_event(data={"chosen": "another"}), "event_hash_mismatch"),
        (changed_event(prev_hash=FIRST_PREV_HASH), "event_chain_broken"),
        (changed_event(hash="sha256:" + "0" * 64), "event_hash_mismatch"),
        (changed_event(hash=None), "event_hash_mismatch"),
        (changed_event(more=1), "events_mismatch"),
        (changed_event(data=0.5), "event_malformed"),
        (changed_event(data="\ud800"), "event_malformed"),
        ([*EVENTS[:-1], None], "event_malformed"),
        ([*EVENTS[:-1], []], "event_malformed"),
        ({"events": EVENTS}, "events_mismatch"),
        ("events", "event_malformed"),
        (7, "event_malformed"),
    ],
    ids=range(21),
)
def test_events_that_are_not_those_of_the_bundle(events: Any, code: str) -> None:
    verdict = verify(signed(), KEYS, now=NOW, events=events)
    assert outcomes(verdict) == "ShT"
    assert code in codes(verdict)


def test_events_may_come_without_their_own_hash() -> None:
    bare = [{name: value for name, value in event.items() if name != "hash"} for event in EVENTS]
    assert verify(signed(), KEYS, now=NOW, events=tuple(bare)).valid


def test_a_log_may_have_gone_on_after_the_bundle() -> None:
    longer = chained(*(event["data"] for event in EVENTS), {"signed": "ev_abc123"}, {"completed": 1})
    assert longer[:5] == EVENTS
    assert verify(signed(), KEYS, now=NOW, events=longer).valid
    assert codes(verify(signed(), KEYS, now=NOW, events=[*longer[:-2], longer[-1]])) == {"event_chain_broken"}


def test_a_long_log_needs_its_events() -> None:
    many = chained(*({"n": number} for number in range(257)))
    bundle = force_sign(unsigned(event_log=event_log("job_xyz789", [event_hash(one) for one in many])))
    verdict = verify(bundle, KEYS, now=NOW)
    assert outcomes(verdict) == "ShT"
    assert codes(verdict) == {"events_needed"}
    assert verify(bundle, KEYS, now=NOW, events=many).valid
    assert verify(bundle, KEYS, now=NOW, events=chained(*({"n": number} for number in range(258)))).valid
    short = verify(bundle, KEYS, now=NOW, events=many[:-1])
    assert codes(short) == {"event_size_mismatch", "event_head_mismatch", "event_root_mismatch"}
    assert not verify(bundle, KEYS, now=NOW, events=[]).valid


CREATED = datetime(2026, 2, 6, 12, 0, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "valid"),
    [
        (CREATED - timedelta(seconds=300), True),
        (CREATED - timedelta(seconds=300, milliseconds=1), False),
        (CREATED.astimezone(timezone(timedelta(hours=9))), True),
        (datetime(9999, 12, 31, tzinfo=UTC), True),
        (datetime(1, 1, 1, tzinfo=UTC), False),
    ],
)
def test_created_in_the_future(now: datetime, valid: bool) -> None:
    verdict = verify(signed(), KEYS, now=now)
    assert outcomes(verdict) == ("SHT" if valid else "SHt")
    assert codes(verdict) == (set() if valid else {"created_in_future"})


def test_a_clock_without_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        verify(signed(), KEYS, now=datetime(2026, 2, 7))  # the wrong clock is the case


def our_key(**members: Any) -> KeySet:
    return KeySet([PublicKey("ML-DSA-65", OURS.public, **members)])


@pytest.mark.parametrize(
    ("members", "wanted", "code"),
    [
        ({"not_before": "2026-02-06T12:00:20Z"}, "SHT", None),
        ({"not_before": "2026-02-06T12:00:21Z"}, "SHt", "outside_key_validity"),
        ({"not_after": "2026-02-06T12:00:21Z"}, "SHT", None),
        ({"not_after": "2026-02-06T12:00:20Z"}, "SHt", "outside_key_validity"),
        ({"status": "retired"}, "SHT", None),
        ({"status": "retired", "not_after": "2026-01-01T00:00:00Z"}, "SHt", "outside_key_validity"),
        ({"status": "revoked"}, "sHT", "key_revoked"),
        # Whoever stole the key can write any date, also one before the theft was noticed.
        ({"status": "revoked", "revoked_at": "2026-12-31T00:00:00Z"}, "sHT", "key_revoked"),
    ],
)
def test_key_validity(members: dict[str, Any], wanted: str, code: str | None) -> None:
    verdict = verify(signed(), our_key(**members), now=NOW)
    assert outcomes(verdict) == wanted
    assert codes(verdict) == ({code} if code else set())


def test_without_the_key_nothing_that_depends_on_it_is_valid() -> None:
    verdict = verify(signed(), KeySet([]), now=NOW)
    assert outcomes(verdict) == "sHt"
    assert codes(verdict) == {"unknown_key", "key_validity_unknown"}


def test_an_execution_may_seem_later_by_what_clocks_differ() -> None:
    proof = unsigned()["execution_proof"]
    late = force_sign(unsigned(execution_proof=proof | {"timestamp": "2026-02-06T12:05:20.000Z"}))
    assert verify(late, KEYS, now=NOW).valid


def test_two_bundles_have_two_hashes() -> None:
    assert verify(force_sign(unsigned(attempt=2)), KEYS, now=NOW).bundle_hash != digest(signed())


def test_what_a_bundle_says_of_itself_is_only_repeated_if_well_formed() -> None:
    verdict = verify(b'{"bundle_id":"\\ud800","job_id":7,"created_at":"now"}', KEYS, now=NOW)
    assert (verdict.bundle_id, verdict.job_id, verdict.created_at, verdict.bundle_hash) == (None, None, None, None)
    assert outcomes(verdict) == "sht"
    report(verdict).encode()


@pytest.mark.parametrize("document", [None, 1, "{}", [], b"[]", bytearray(b"{}"), float("nan")], ids=repr)
def test_no_bundle_at_all(document: Any) -> None:
    with pytest.raises(Malformed) as refused:
        verify(document, KEYS, now=NOW)
    assert refused.value.code == "not_an_object"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"x": 1.0}, "number_not_integer"),
        ({1: "x"}, "key_not_text"),
        ({"x": 2**53}, "integer_out_of_range"),
        ({"x": b""}, "unsupported_type"),
        ({"x": "y" * 256 * 1024}, "too_large"),
    ],
    ids=["float", "name", "integer", "type", "size"],
)
def test_objects_that_are_no_json_document_of_ours(change: dict[Any, Any], code: str) -> None:
    with pytest.raises(Malformed) as refused:
        verify(signed() | change, KEYS, now=NOW)
    assert refused.value.code == code


def test_report() -> None:
    verdict = Verdict(
        valid=False,
        checks={"signature": "valid", "hash": "invalid", "timestamp": "valid"},
        reasons=(Reason("hash", "circuit_mismatch", "not this circuit"), Reason("hash", "other", "and more")),
        bundle_id="ev_1",
        job_id=None,
        created_at="2026-02-06T12:00:20Z",
        bundle_hash="sha3-256:00",
    )
    assert report(verdict).splitlines() == [
        "bundle     ev_1",
        "job        -",
        "created    2026-02-06T12:00:20Z",
        "hash       sha3-256:00",
        "verdict    NOT VALID",
        "  signature    valid",
        "  hash         invalid",
        "    circuit_mismatch: not this circuit",
        "    other: and more",
        "  timestamp    valid",
        "  transparency not_checked",
    ]
    assert "verdict    VALID" in report(verify(signed(), KEYS, now=NOW))
