"""The log: versions are taken once, appends are whole, bytes come back as they were."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from botocore.stub import Stubber

from qcos.adapters.event_store import DynamoEventStore, event_from_image
from qcos.adapters.wire import MAX_EVENT_BYTES
from qcos.errors import Unavailable
from qcos.events import Event, check_chain
from qcos.ports import VersionConflict
from tests.contract.adapters.backends import CONTROL, EVENTS, AnswerLost, Aws, Backend, Serial
from tests.contract.adapters.samples import INTENDED, STARTED, SUBMITTED, TENANT, extend, large, race


def raws(events: list[Event]) -> list[bytes]:
    return [event.raw for event in events]


def test_an_unknown_stream_is_empty(backend: Backend) -> None:
    assert backend.event_store().read(TENANT, "job-1") == []


def test_what_was_appended_is_read_byte_for_byte_in_order(backend: Backend) -> None:
    store = backend.event_store()
    log: list[Event] = []
    for data in ([SUBMITTED], [large(10)], [STARTED, INTENDED], [STARTED] * 8):
        more = extend(log, *data)
        store.append(more)
        log += more
    read = store.read(TENANT, "job-1")
    assert raws(read) == raws(log)
    assert [event.version for event in read] == list(range(1, 13))  # numbers, not text: 10 follows 9
    check_chain(read)


def test_streams_and_tenants_are_apart(backend: Backend) -> None:
    store = backend.event_store()
    logs = [extend([], SUBMITTED, tenant=t, stream=s) for t in ("acme", "bell") for s in ("job-1", "job-2")]
    for log in logs:
        store.append(log)
    assert [raws(store.read(log[0].tenant, log[0].stream_id)) for log in logs] == [raws(log) for log in logs]


def test_a_taken_version_is_a_conflict_and_stays(backend: Backend) -> None:
    store = backend.event_store()
    mine, theirs = extend([], SUBMITTED), extend([], SUBMITTED)
    store.append(theirs)
    with pytest.raises(VersionConflict):
        store.append(mine)
    assert raws(store.read(TENANT, "job-1")) == raws(theirs)


def test_repeating_an_append_succeeds_and_changes_nothing(backend: Backend) -> None:
    store = backend.event_store()
    first = extend([], SUBMITTED)
    pair = extend(first, STARTED, INTENDED)
    later = extend(first + pair, STARTED)
    for events in (first, pair, later, first, pair, later):
        store.append(events)
    assert raws(store.read(TENANT, "job-1")) == raws(first + pair + later)


@pytest.mark.parametrize("taken", [2, 3])
def test_two_events_are_stored_both_or_neither(backend: Backend, taken: int) -> None:
    store = backend.event_store()
    first = extend([], SUBMITTED)
    store.append(first)
    theirs = extend(first, STARTED, STARTED)
    if taken == 2:
        store.append(theirs[:1])
    else:
        store.append(theirs[1:])  # version 3 alone, which no command writes, so that only the second put fails
    before = raws(store.read(TENANT, "job-1"))
    with pytest.raises(VersionConflict):
        store.append(extend(first, STARTED, INTENDED))
    assert raws(store.read(TENANT, "job-1")) == before


def test_an_append_that_is_only_partly_mine_is_a_conflict(backend: Backend) -> None:
    store = backend.event_store()
    log = extend([], SUBMITTED, STARTED)
    store.append(log)
    with pytest.raises(VersionConflict):
        store.append(log + extend(log, INTENDED))
    assert raws(store.read(TENANT, "job-1")) == raws(log)


@pytest.mark.parametrize("width", [1, 2])
def test_of_sixteen_writers_of_one_version_one_wins(backend: Backend, width: int) -> None:
    store = backend.event_store()
    first = extend([], SUBMITTED)
    store.append(first)
    rivals = [extend(first, *[STARTED] * width) for _ in range(16)]
    outcomes = race([lambda events=events: store.append(events) for events in rivals])
    winners = [events for events, outcome in zip(rivals, outcomes, strict=True) if outcome is None]
    assert len(winners) == 1
    assert sum(isinstance(outcome, VersionConflict) for outcome in outcomes) == 15
    assert raws(store.read(TENANT, "job-1")) == raws(first + winners[0])


def test_a_stream_over_one_page_is_read_whole(backend: Backend) -> None:
    store = backend.event_store()
    log: list[Event] = []
    for _ in range(4):
        events = extend(log, large(MAX_EVENT_BYTES - 1_000))
        store.append(events)
        log += events
    assert sum(len(event.raw) for event in log) > 1_300_000  # a page ends at 1 MB
    assert raws(store.read(TENANT, "job-1")) == raws(log)
    if isinstance(backend, Aws) and isinstance(backend.clients["dynamodb"], Serial):
        assert backend.clients["dynamodb"].calls.count("query") == 2


def test_appends_of_the_wrong_form_are_refused(backend: Backend) -> None:
    store = backend.event_store()
    log = extend([], *[STARTED] * 101)
    other = extend([], STARTED, tenant="bell")
    unchained = extend(extend([], INTENDED), STARTED)
    cases: tuple[list[Event], ...] = ([], log, [log[0], log[2]], [log[1], log[0]], log[:1] + other, log[:1] + unchained)
    for events in (*cases, extend([], large(MAX_EVENT_BYTES)), extend([], *[large(340_000)] * 12)):
        with pytest.raises(ValueError, match=r"append|event"):
            store.append(events)
    store.append(log[:100])
    assert raws(store.read(TENANT, "job-1")) == raws(log[:100])


def test_a_lost_answer_is_not_a_conflict(aws: Aws) -> None:
    client = aws.clients["dynamodb"]
    store = DynamoEventStore(aws.table(EVENTS), aws.table(CONTROL), AnswerLost(client))
    first = extend([], SUBMITTED)
    store.append(first)
    pair = extend(first, STARTED, INTENDED)
    store.append(pair)
    assert raws(store.read(TENANT, "job-1")) == raws(first + pair)


def test_the_log_is_only_put_and_queried(aws: Aws) -> None:
    client = Serial(aws.clients["dynamodb"])
    store = DynamoEventStore(aws.table(EVENTS), aws.table(CONTROL), client)
    first = extend([], SUBMITTED)
    store.append(first)
    store.append(first)
    store.append(extend(first, STARTED, INTENDED))
    store.read(TENANT, "job-1")
    assert set(client.calls) == {"put_item", "transact_write_items", "query"}


def refuse(stub: Stubber, operation: str, reason: str) -> None:
    """Answer the next ``operation`` as DynamoDB does when it is busy: as an error, or a reason of a cancelled pair."""
    if operation == "transact_write_items":
        reasons = {"CancellationReasons": [{"Code": "None"}, {"Code": reason}]}
        stub.add_client_error(operation, "TransactionCanceledException", modeled_fields=reasons)
    else:
        stub.add_client_error(operation, reason)


@pytest.mark.parametrize(
    ("operation", "reason", "count"),
    [
        ("put_item", "TransactionConflictException", 1),
        ("put_item", "ProvisionedThroughputExceededException", 1),
        ("transact_write_items", "TransactionConflict", 2),
        ("transact_write_items", "ThrottlingError", 2),
    ],
)
def test_what_passes_by_itself_is_tried_again(
    aws_clients: dict[str, Any], no_sleep: list[float], operation: str, reason: str, count: int
) -> None:
    events = extend([], *[STARTED] * count)
    with Stubber(aws_clients["dynamodb"]) as stub:
        refuse(stub, operation, reason)
        refuse(stub, operation, reason)
        stub.add_response(operation, {})
        DynamoEventStore("table", "control", aws_clients["dynamodb"]).append(events)
        stub.assert_no_pending_responses()
    assert len(no_sleep) == 2


@pytest.mark.parametrize(
    ("operation", "reason", "count"),
    [("put_item", "TransactionConflictException", 1), ("transact_write_items", "TransactionConflict", 2)],
)
def test_trying_again_has_an_end(
    aws_clients: dict[str, Any], no_sleep: list[float], operation: str, reason: str, count: int
) -> None:
    with Stubber(aws_clients["dynamodb"]) as stub:
        for _ in range(8):
            refuse(stub, operation, reason)
        with pytest.raises(Unavailable):
            DynamoEventStore("table", "control", aws_clients["dynamodb"]).append(extend([], *[STARTED] * count))
        stub.assert_no_pending_responses()
    assert len(no_sleep) == 7
    assert max(no_sleep) <= 0.5


def test_other_errors_are_not_hidden(aws_clients: dict[str, Any], no_sleep: list[float]) -> None:
    client = aws_clients["dynamodb"]
    with Stubber(client) as stub:
        stub.add_client_error("put_item", "ResourceNotFoundException")
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            DynamoEventStore("table", "control", client).append(extend([], STARTED))
    assert no_sleep == []


def image(event: Event) -> dict[str, Any]:
    """A stream record's new image as Lambda gets it."""
    return {
        "pk": {"S": f"T#{event.tenant}#JOB#{event.stream_id}"},
        "sk": {"N": str(event.version)},
        "body": {"B": base64.b64encode(event.raw).decode()},
        "hash": {"S": event.hash},
    }


def test_a_stream_record_gives_back_the_event() -> None:
    [event] = extend([], SUBMITTED)
    assert event_from_image(image(event)).raw == event.raw


@pytest.mark.parametrize(
    "wrong",
    [
        {"body": {"B": "***"}},
        {"body": {"S": "text"}},
        {"body": None},
        {"hash": {"S": "sha256:" + "0" * 64}},
        {"body": {"B": base64.b64encode(b"{}").decode()}},
    ],
)
def test_a_stream_record_that_is_no_event_is_refused(wrong: dict[str, Any]) -> None:
    [event] = extend([], SUBMITTED)
    with pytest.raises(ValueError, match="stream record"):
        event_from_image(image(event) | wrong)
