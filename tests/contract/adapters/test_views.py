"""Read models: whatever order, gap or repetition deliveries come in, rows and counters say what the log says."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any, get_args

import pytest
from botocore.stub import Stubber

from qcos import ports
from qcos.adapters.view_store import DynamoViews
from qcos.errors import Unavailable
from qcos.events import Event
from qcos.job import fold
from qcos.models import Status
from qcos.views import JobFilter, JobPage, JobRow, RowChange, advance, job_row
from tests.contract.adapters.backends import VIEWS, AnswerLost, Aws, Backend
from tests.contract.adapters.samples import COURSES, TENANT, extend, race

ROW = JobRow(TENANT, "job-1", 1, "queued", "ionq_simulator", 1024, "2026-03-01T12:00:00.000Z")
NEW = RowChange(ROW, 0, {"total": 1, "status#queued": 1})
DONE = RowChange(
    replace(ROW, version=4, status="completed", completed_at="2026-03-01T12:00:09.000Z"),
    1,
    {"status#queued": -1, "status#completed": 1},
)
STATUSES: tuple[str, ...] = get_args(Status)
ALL = JobFilter()


def of(*statuses: str) -> JobFilter:
    return JobFilter(statuses=statuses)


def totals(views: ports.Views, tenant: str = TENANT) -> dict[str, int]:
    """Every counter that lists show, without the zeros."""
    counts = {"total": views.jobs(tenant, ALL, 1, 0).total}
    counts |= {f"status#{status}": views.jobs(tenant, of(status), 1, 0).total for status in STATUSES}
    return {name: count for name, count in counts.items() if count}


def deliver(views: ports.Views, log: list[Event]) -> None:
    """What a stream reader does with a log it has read: fold, compare, write, and again if it was overtaken."""
    while change := advance(views.row(log[0].tenant, log[0].stream_id), log):
        if views.save(change):
            return


def random_logs(seed: int, jobs: int) -> list[list[Event]]:
    choose = random.Random(seed)
    return [extend([], *choose.choice(COURSES), stream=f"job-{n}", at=n) for n in range(jobs)]


def expected(logs: list[list[Event]]) -> dict[str, int]:
    rows = [job_row(fold(log)) for log in logs]
    return {"total": len(rows)} | dict(Counter(f"status#{row.status}" for row in rows))


def test_nothing_is_there_at_first(backend: Backend) -> None:
    views = backend.views()
    assert views.row(TENANT, "job-1") is None
    assert views.jobs(TENANT, ALL, 10, 0) == JobPage((), 0)
    assert views.jobs(TENANT, of("queued"), 10, 0) == JobPage((), 0)


def test_a_saved_row_is_read_back(backend: Backend) -> None:
    views = backend.views()
    assert views.save(NEW) is True
    assert views.row(TENANT, "job-1") == ROW
    assert views.save(DONE) is True
    assert views.row(TENANT, "job-1") == DONE.row
    assert views.row("bell", "job-1") is None
    assert totals(views) == {"total": 1, "status#completed": 1}


@pytest.mark.parametrize(
    ("saved", "late"),
    [
        ([NEW], NEW),  # a duplicate of the first
        ([NEW, DONE], DONE),  # a duplicate of a later one
        ([NEW, DONE], NEW),  # overtaken
        ([], DONE),  # the row it saw is not there
        ([NEW], replace(DONE, seen=3)),  # a gap
    ],
)
def test_a_change_of_another_version_changes_nothing(backend: Backend, saved: list[RowChange], late: RowChange) -> None:
    views = backend.views()
    assert all(views.save(change) for change in saved)
    row, before = views.row(TENANT, "job-1"), totals(views)
    assert views.save(late) is False
    assert views.row(TENANT, "job-1") == row
    assert totals(views) == before


def test_a_change_without_counters_moves_the_row_alone(backend: Backend) -> None:
    views = backend.views()
    views.save(NEW)
    assert views.save(RowChange(replace(ROW, version=2), 1)) is True
    assert views.save(RowChange(replace(ROW, version=2), 1)) is False
    assert views.row(TENANT, "job-1") == replace(ROW, version=2)
    assert totals(views) == {"total": 1, "status#queued": 1}


@pytest.mark.parametrize("seed", [1, 2])
def test_counters_equal_a_recount_after_a_shuffled_replay(backend: Backend, seed: int) -> None:
    views, choose = backend.views(), random.Random(seed)
    logs = random_logs(seed, 6)
    # Each record makes a reader see the log as it was then or later; every record comes once or twice, in any order.
    seen = [log[:version] for log in logs for version in range(1, len(log) + 1)]
    deliveries = [log for log in seen for _ in range(choose.choice((1, 1, 2)))]
    choose.shuffle(deliveries)
    late: list[RowChange] = []
    for log in deliveries:
        change = advance(views.row(TENANT, log[0].stream_id), log)
        if change and choose.random() < 0.3:
            late.append(change)  # decided now, written after others
        else:
            deliver(views, log)
        if late and choose.random() < 0.3:
            views.save(late.pop(choose.randrange(len(late))))
    for change in late:
        views.save(change)
    for log in logs:  # whoever was late and lost reads the log again
        deliver(views, log)
    assert totals(views) == expected(logs)
    newest_first = tuple(job_row(fold(log)) for log in reversed(logs))
    assert views.jobs(TENANT, ALL, 100, 0).rows == newest_first


def test_counters_equal_a_recount_after_eight_readers_at_once(backend: Backend) -> None:
    views, logs = backend.views(), random_logs(3, 3)

    def read_all(seed: int) -> None:
        deliveries = [log[:version] for log in logs for version in range(1, len(log) + 1)]
        random.Random(seed).shuffle(deliveries)
        for log in deliveries:
            deliver(views, log)

    assert race([lambda seed=seed: read_all(seed) for seed in range(8)]) == [None] * 8
    assert totals(views) == expected(logs)


def test_a_row_moves_between_the_lists_of_its_statuses(backend: Backend) -> None:
    views = backend.views()
    views.save(NEW)
    views.save(DONE)
    assert views.jobs(TENANT, of("queued"), 10, 0) == JobPage((), 0)
    assert views.jobs(TENANT, of("completed"), 10, 0) == JobPage((DONE.row,), 1)
    assert views.jobs(TENANT, ALL, 10, 0) == JobPage((DONE.row,), 1)


def test_a_lost_answer_counts_once(aws: Aws) -> None:
    name = aws.table(VIEWS)
    DynamoViews(name, AnswerLost(aws.clients["dynamodb"])).save(NEW)
    views = DynamoViews(name, aws.clients["dynamodb"])
    assert views.row(TENANT, "job-1") == ROW
    assert totals(views) == {"total": 1, "status#queued": 1}


def test_rows_are_read_by_their_ids(backend: Backend) -> None:
    views = backend.views()
    stored = [replace(ROW, job_id=f"job-{n}", status=("queued", "held")[n % 2]) for n in range(12)]
    for row in stored:
        views.save(RowChange(row, 0))
    views.save(RowChange(replace(ROW, tenant="bell", job_id="job-50"), 0))
    assert views.rows(TENANT, []) == {}
    assert views.rows(TENANT, ["job-3"]) == {"job-3": stored[3]}
    assert views.rows(TENANT, ["job-3", "job-3"]) == {"job-3": stored[3]}
    assert views.rows(TENANT, ["job-50"]) == {}
    assert views.rows(TENANT, [f"job-{n}" for n in range(100)]) == {row.job_id: row for row in stored}


def test_counters_are_read_whole(backend: Backend) -> None:
    views = backend.views()
    assert views.counters_of(TENANT) == {}
    views.save(replace(NEW, counters={"total": 1, "status#queued": 1, "evaluations#2026-03": 13}))
    views.save(replace(DONE, counters={"status#queued": -1, "status#completed": 1, "reduction_tenths": 416}))
    assert views.counters_of(TENANT) == {
        "total": 1,
        "status#queued": 0,
        "status#completed": 1,
        "evaluations#2026-03": 13,
        "reduction_tenths": 416,
    }
    assert views.counters_of("bell") == {}


@pytest.mark.parametrize(("times", "succeeds"), [(2, True), (8, False)])
def test_rows_that_were_not_read_are_asked_for_again(
    aws_clients: dict[str, Any], no_sleep: list[float], times: int, succeeds: bool
) -> None:
    views, left = DynamoViews("table", aws_clients["dynamodb"]), {"pk": {"S": "T#acme#JOB#job-1"}, "sk": {"S": "ROW"}}
    unread = {"table": {"Keys": [left], "ConsistentRead": True}}
    with Stubber(aws_clients["dynamodb"]) as stub:
        for _ in range(times):
            answer = {"Responses": {"table": []}, "UnprocessedKeys": unread}
            stub.add_response("batch_get_item", answer, {"RequestItems": unread})
        if succeeds:
            stub.add_response("batch_get_item", {"Responses": {"table": []}}, {"RequestItems": unread})
            assert views.rows(TENANT, ["job-1"]) == {}
        else:
            with pytest.raises(Unavailable):
                views.rows(TENANT, ["job-1"])
        stub.assert_no_pending_responses()
    assert len(no_sleep) == min(times, 7)


@pytest.mark.parametrize(("conflicts", "succeeds"), [(3, True), (8, False)])
def test_the_hot_counter_is_waited_for(
    aws_clients: dict[str, Any], no_sleep: list[float], conflicts: int, succeeds: bool
) -> None:
    reasons = {"CancellationReasons": [{"Code": "None"}, {"Code": "TransactionConflict"}]}
    with Stubber(aws_clients["dynamodb"]) as stub:
        for _ in range(conflicts):
            stub.add_client_error("transact_write_items", "TransactionCanceledException", modeled_fields=reasons)
        views = DynamoViews("table", aws_clients["dynamodb"])
        if succeeds:
            stub.add_response("transact_write_items", {})
            assert views.save(NEW) is True
        else:
            with pytest.raises(Unavailable):
                views.save(NEW)
        stub.assert_no_pending_responses()
