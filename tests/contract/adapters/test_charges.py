"""Charges: a counter moves if and only if its events were appended, once, and never past its limit."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.stub import Stubber

from qcos.adapters.event_store import DynamoEventStore
from qcos.errors import Unavailable
from qcos.events import Event
from qcos.ledger import Charge
from qcos.ports import LimitReached, VersionConflict
from tests.contract.adapters.backends import CONTROL, EVENTS, AnswerLost, Aws, Backend
from tests.contract.adapters.samples import STARTED, SUBMITTED, TENANT, extend, race

MONTH = "evaluations#2026-03"
SPEND = "spend#2026-03"


def charge(amount: int, limit: int | None = None, counter: str = MONTH, tenant: str = TENANT) -> Charge:
    return Charge(tenant, counter, amount, limit)


def batch(jobs: int) -> list[Event]:
    """The first events of so many streams."""
    return [event for n in range(jobs) for event in extend([], SUBMITTED, stream=f"job-{n}")]


def test_what_was_never_charged_stands_at_zero(backend: Backend) -> None:
    assert backend.event_store().counter(TENANT, MONTH) == 0


def test_charges_add_up_by_tenant_and_counter(backend: Backend) -> None:
    store = backend.event_store()
    log = extend([], SUBMITTED)
    store.append(log, [charge(13, 100), charge(2_500_000, counter=SPEND)])
    store.append(extend(log, STARTED), [charge(40, 100)])
    store.append(extend([], SUBMITTED, tenant="bell"), [charge(5, tenant="bell")])
    assert store.counter(TENANT, MONTH) == 53
    assert store.counter(TENANT, SPEND) == 2_500_000
    assert store.counter("bell", MONTH) == 5
    assert store.counter(TENANT, "evaluations#2026-04") == 0


def test_a_refund_goes_back_below_any_limit(backend: Backend) -> None:
    store = backend.event_store()
    log = extend([], SUBMITTED, STARTED, STARTED)
    store.append(log[:1], [charge(13, 13)])
    store.append(log[1:2], [charge(-13)])
    assert store.counter(TENANT, MONTH) == 0
    store.append(log[2:], [charge(-4, 10)])
    assert store.counter(TENANT, MONTH) == -4


@pytest.mark.parametrize("before", [None, 0, 7])
def test_a_charge_may_reach_its_limit_and_not_pass_it(backend: Backend, before: int | None) -> None:
    store = backend.event_store()
    log = extend([], *[SUBMITTED] * 4)
    if before is not None:
        store.append(log[:1], [charge(before)])
    rest, room = log[before is not None :], 10 - (before or 0)
    with pytest.raises(LimitReached) as refused:
        store.append(rest[:2], [charge(room + 1, 10)])
    assert refused.value.charge == charge(room + 1, 10)
    assert store.counter(TENANT, MONTH) == (before or 0)
    assert len(store.read(TENANT, "job-1")) == (before is not None)
    store.append(rest[:2], [charge(room, 10)])
    assert store.counter(TENANT, MONTH) == 10
    assert len(store.read(TENANT, "job-1")) == 2 + (before is not None)


@pytest.mark.parametrize("over", [MONTH, SPEND])
def test_one_charge_over_its_limit_stops_all_of_them(backend: Backend, over: str) -> None:
    store = backend.event_store()
    charges = [charge(5, 4 if counter == over else 100, counter) for counter in (MONTH, SPEND)]
    with pytest.raises(LimitReached) as refused:
        store.append(extend([], SUBMITTED), charges)
    assert refused.value.charge.counter == over
    assert store.read(TENANT, "job-1") == []
    assert (store.counter(TENANT, MONTH), store.counter(TENANT, SPEND)) == (0, 0)


@pytest.mark.parametrize("limit", [None, 100, 4])
def test_a_conflict_charges_nothing_and_outranks_a_limit(backend: Backend, limit: int | None) -> None:
    store = backend.event_store()
    store.append(extend([], SUBMITTED))
    with pytest.raises(VersionConflict):
        store.append(extend([], SUBMITTED), [charge(5, limit)])
    assert store.counter(TENANT, MONTH) == 0


def test_a_repeated_append_charges_once_though_its_limit_is_now_reached(backend: Backend) -> None:
    store = backend.event_store()
    log = extend([], SUBMITTED)
    for _ in range(3):
        store.append(log, [charge(10, 10)])
    assert store.counter(TENANT, MONTH) == 10
    store.append(extend(log, STARTED))
    store.append(log, [charge(10, 10)])
    assert store.counter(TENANT, MONTH) == 10


def test_a_lost_answer_charges_once(aws: Aws) -> None:
    store = DynamoEventStore(aws.table(EVENTS), aws.table(CONTROL), AnswerLost(aws.clients["dynamodb"]))
    store.append(extend([], SUBMITTED), [charge(10, 10)])
    assert store.counter(TENANT, MONTH) == 10


def test_a_batch_of_a_whole_transaction_is_one_append(backend: Backend) -> None:
    store, events = backend.event_store(), batch(99)
    store.append(events, [charge(99 * 13, 99 * 13)])
    store.append(events, [charge(99 * 13, 99 * 13)])
    assert store.counter(TENANT, MONTH) == 99 * 13
    assert [store.read(TENANT, event.stream_id)[0].raw for event in events[::14]] == [e.raw for e in events[::14]]
    with pytest.raises(ValueError, match="100 events and charges"):
        store.append(batch(100), [charge(1)])


def test_a_batch_is_stored_whole_or_not_at_all(backend: Backend) -> None:
    store, events = backend.event_store(), batch(12)
    store.append(extend([], SUBMITTED, stream="job-7"))
    with pytest.raises(VersionConflict):
        store.append(events, [charge(12)])
    others = [event for event in events if event.stream_id != "job-7"]
    with pytest.raises(LimitReached):
        store.append(others, [charge(12, 11)])
    assert store.counter(TENANT, MONTH) == 0
    assert [store.read(TENANT, event.stream_id) for event in others] == [[]] * 11


def test_charges_of_the_wrong_form_are_refused(backend: Backend) -> None:
    store, log = backend.event_store(), extend([], SUBMITTED)
    for events, charges in (
        ([], [charge(1)]),
        (log, [charge(1), charge(2)]),
        (log, [charge(1, tenant="bell")]),
        (batch(2) + extend([], SUBMITTED, tenant="bell"), []),
        ([*batch(1), *batch(1)], []),
    ):
        with pytest.raises(ValueError, match="append"):
            store.append(events, charges)
    assert store.counter(TENANT, MONTH) == 0


def test_sixty_four_at_ten_below_the_limit_are_ten(backend: Backend) -> None:
    store = backend.event_store()
    store.append(extend([], SUBMITTED, stream="before"), [charge(49_990, 50_000)])
    rivals = [extend([], SUBMITTED, stream=f"job-{n}") for n in range(64)]
    outcomes = race([lambda events=events: store.append(events, [charge(1, 50_000)]) for events in rivals])
    assert outcomes.count(None) == 10
    assert sum(isinstance(outcome, LimitReached) for outcome in outcomes) == 54
    assert store.counter(TENANT, MONTH) == 50_000
    stored = [bool(store.read(TENANT, events[0].stream_id)) for events in rivals]
    assert stored == [outcome is None for outcome in outcomes]


def test_sixteen_who_repeat_one_append_charge_once(backend: Backend) -> None:
    store, log = backend.event_store(), extend([], SUBMITTED, STARTED)
    assert race([lambda: store.append(log, [charge(10, 10)])] * 16) == [None] * 16
    assert store.counter(TENANT, MONTH) == 10


def busy(stub: Stubber, *reasons: str) -> None:
    """Cancel the next transaction for these reasons, one for each of its writes."""
    stub.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        modeled_fields={"CancellationReasons": [{"Code": reason} for reason in reasons]},
    )


@pytest.mark.parametrize(("conflicts", "succeeds"), [(3, True), (8, False)])
def test_the_hot_counter_is_waited_for(
    aws_clients: dict[str, Any], no_sleep: list[float], conflicts: int, succeeds: bool
) -> None:
    client = aws_clients["dynamodb"]
    store = DynamoEventStore("table", "control", client)
    with Stubber(client) as stub:
        for _ in range(conflicts):
            busy(stub, "None", "TransactionConflict")
        if succeeds:
            stub.add_response("transact_write_items", {})
            store.append(extend([], SUBMITTED), [charge(1, 10)])
        else:
            with pytest.raises(Unavailable):
                store.append(extend([], SUBMITTED), [charge(1, 10)])
        stub.assert_no_pending_responses()
    assert len(no_sleep) == min(conflicts, 7)


def test_a_conflict_is_told_though_only_the_limit_was_named(aws_clients: dict[str, Any]) -> None:
    # A transaction may stop looking at the first condition that fails.
    theirs, client = extend([], SUBMITTED), aws_clients["dynamodb"]
    with Stubber(client) as stub:
        busy(stub, "None", "ConditionalCheckFailed")
        stub.add_response("query", {"Items": [{"body": {"B": theirs[0].raw}}]})
        with pytest.raises(VersionConflict):
            DynamoEventStore("table", "control", client).append(extend([], SUBMITTED), [charge(1, 10)])
        stub.assert_no_pending_responses()


def test_other_errors_are_not_hidden(aws_clients: dict[str, Any], no_sleep: list[float]) -> None:
    client = aws_clients["dynamodb"]
    with Stubber(client) as stub:
        busy(stub, "None", "ValidationError")
        with pytest.raises(client.exceptions.TransactionCanceledException):
            DynamoEventStore("table", "control", client).append(extend([], SUBMITTED), [charge(1)])
    assert no_sleep == []
