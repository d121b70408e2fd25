"""The envelope: canonical, chained, free of floats, readable by older and newer versions."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime

import pytest
import rfc8785

from qcos.canonical import canonical
from qcos.events import (
    NO_HASH,
    BrokenChain,
    Event,
    ExecutionHeld,
    JobCompleted,
    Origin,
    TranspileStarted,
    Unrecognised,
    chain,
    check_chain,
)
from qcos.job import fold

NOW = datetime(2026, 2, 6, 12, 0, 0, 123_999, tzinfo=UTC)
ORIGIN = Origin("key:k", "req-1", "evt_0")


def log() -> list[Event]:
    data = [TranspileStarted(attempt=1), ExecutionHeld(n=1, reason="é"), JobCompleted(attempt=1)]
    first = chain("acme", "job_1", [], data[:1], ORIGIN, NOW)
    return [*first, *chain("acme", "job_1", first, data[1:], ORIGIN, NOW)]


def test_the_bytes_are_canonical_and_the_hash_is_over_them() -> None:
    for event in log():
        assert event.raw == rfc8785.dumps(json.loads(event.raw))
        assert event.hash == "sha256:" + hashlib.sha256(b"\x00" + event.raw).hexdigest()
        assert event.occurred_at == "2026-02-06T12:00:00.123Z"


def test_the_chain_names_each_predecessor() -> None:
    events = log()
    assert events[0].prev_hash == NO_HASH
    assert [event.prev_hash for event in events[1:]] == [event.hash for event in events[:-1]]
    check_chain(events)


@pytest.mark.parametrize(
    "broken", [lambda e: e[1:], lambda e: [e[0], e[2]], lambda e: [e[1], e[0], e[2]], lambda e: [*e, e[2]]]
)
def test_a_changed_log_is_noticed(broken: object) -> None:
    with pytest.raises(BrokenChain):
        check_chain(broken(log()))  # type: ignore[operator]


def test_an_edited_event_is_noticed() -> None:
    events = log()
    events[1] = Event(events[1].raw.replace("é".encode(), b"e"))
    with pytest.raises(BrokenChain):
        check_chain(events)


@pytest.mark.parametrize("value", [1.5, [0.0], {"a": {"b": [1, float("nan")]}}])
def test_floats_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="floats"):
        canonical({"data": value})


def test_a_type_of_a_newer_version_is_passed_over() -> None:
    document = {**log()[0].document, "type": "JobTeleported", "data": {"where": "Mars"}}
    assert isinstance(Event(canonical(document)).data, Unrecognised)


def test_a_field_of_a_newer_version_is_ignored() -> None:
    document = log()[0].document
    newer = {**document, "data": {**document["data"], "mood": "good"}}
    assert Event(canonical(newer)).data == TranspileStarted(attempt=1)


def test_a_stream_begins_with_its_submission() -> None:
    with pytest.raises(ValueError, match="JobSubmitted"):
        fold(log())
    with pytest.raises(ValueError, match="JobSubmitted"):
        fold([])
