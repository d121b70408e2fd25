"""Waits and bookmarks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qcos.adapters.wait_store import WAIT_S, DynamoWaits
from qcos.ports import CANCEL, Wait
from tests.contract.adapters.backends import CONTROL, AnswerLost, Aws, Backend
from tests.contract.adapters.samples import TENANT, race

WAIT = Wait(TENANT, "job-1", 1, "token/" + "x" * 2000, 0, "2026-02-06T12:00:00.000Z")
LATER = "2026-02-06T12:01:00.000Z"


def test_a_wait_is_opened_once_and_keeps_its_count(backend: Backend) -> None:
    waits = backend.waits()
    assert waits.open(WAIT) == WAIT
    assert waits.open(WAIT) == WAIT
    assert waits.advance(WAIT, LATER) is True
    assert waits.open(WAIT) == replace(WAIT, n=1, asked_at=LATER)


def test_waits_of_other_tokens_attempts_jobs_and_tenants_are_others(backend: Backend) -> None:
    waits = backend.waits()
    others = [
        replace(WAIT, token="other"),
        replace(WAIT, attempt=2),
        replace(WAIT, job_id="job-2"),
        replace(WAIT, tenant="bell"),
    ]
    for wait in (WAIT, *others):
        assert waits.open(wait) == wait
    assert waits.advance(WAIT, LATER) is True
    assert [waits.open(wait) for wait in others] == others


def test_a_wait_advances_from_each_count_once(backend: Backend) -> None:
    waits = backend.waits()
    waits.open(WAIT)
    assert waits.advance(WAIT, LATER) is True
    assert waits.advance(WAIT, LATER) is False
    assert waits.advance(replace(WAIT, n=1), LATER) is True
    assert waits.advance(WAIT, LATER) is False
    assert waits.open(WAIT).n == 2


def test_a_message_ahead_of_its_wait_takes_it_along(backend: Backend) -> None:
    # The next message is sent before the wait is moved: whoever dies in between leaves the wait behind.
    waits = backend.waits()
    waits.open(WAIT)
    assert waits.advance(replace(WAIT, n=3), LATER) is True
    assert waits.open(WAIT).n == 4
    assert waits.advance(replace(WAIT, n=3), LATER) is False
    assert waits.advance(WAIT, LATER) is False


def test_a_closed_wait_does_not_advance(backend: Backend) -> None:
    waits = backend.waits()
    assert waits.advance(WAIT, LATER) is False
    waits.open(WAIT)
    waits.close(WAIT)
    waits.close(WAIT)
    assert waits.advance(WAIT, LATER) is False
    assert waits.open(WAIT) == WAIT


def test_of_eight_that_advance_a_wait_one_does(backend: Backend) -> None:
    waits = backend.waits()
    waits.open(WAIT)
    assert sorted(race([lambda: waits.advance(WAIT, LATER)] * 8)) == [False] * 7 + [True]
    assert waits.open(WAIT).n == 1


def test_of_eight_that_open_a_wait_all_get_the_same(backend: Backend) -> None:
    waits = backend.waits()
    rivals = [replace(WAIT, n=n) for n in range(8)]
    opened = race([lambda wait=wait: waits.open(wait) for wait in rivals])
    assert set(opened) == {waits.open(WAIT)}


def test_whoever_moved_a_wait_knows_it_though_the_answer_was_lost(aws: Aws) -> None:
    name = aws.table(CONTROL)
    waits = DynamoWaits(name, AnswerLost(aws.clients["dynamodb"]))
    assert waits.open(WAIT) == WAIT
    assert waits.advance(WAIT, LATER) is True
    assert waits.advance(WAIT, LATER) is False


def test_a_wait_removes_itself(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qcos.adapters.wait_store.time.time", lambda: 1_000_000.7)
    name, client = aws.table(CONTROL), aws.clients["dynamodb"]
    DynamoWaits(name, client).open(WAIT)
    [item] = client.scan(TableName=name)["Items"]
    assert item["expires_at"] == {"N": str(1_000_000 + WAIT_S)}


def test_the_waits_of_a_job(backend: Backend) -> None:
    waits = backend.waits()
    own = [WAIT, replace(WAIT, attempt=2), replace(WAIT, token=CANCEL)]
    for wait in (*own, replace(WAIT, job_id="job-12"), replace(WAIT, tenant="bell"), replace(WAIT, job_id="job")):
        waits.open(wait)
    assert sorted(waits.of_job(TENANT, "job-1"), key=repr) == sorted(own, key=repr)
    waits.close(WAIT)
    assert len(waits.of_job(TENANT, "job-1")) == 2
    assert waits.of_job(TENANT, "job-2") == []


def test_every_wait_is_on_one_page(backend: Backend) -> None:
    waits = backend.waits()
    own = {replace(WAIT, job_id=f"job-{number}") for number in range(7)}
    for wait in (*own, replace(WAIT, tenant="bell")):
        waits.open(wait)
    found: list[Wait] = []
    place = None
    for _ in range(9):
        page, place = waits.page(TENANT, 3, place)
        assert len(page) <= 3
        found += page
        if place is None:
            break
        waits.close(page[-1])  # what a page goes on after may be gone
    assert len(found) == 7
    assert set(found) == own
    assert waits.page("nobody", 3, None) == ([], None)


def test_a_bookmark_is_where_it_was_put(backend: Backend) -> None:
    bookmarks = backend.bookmarks()
    assert bookmarks.place("open") is None
    bookmarks.keep("open", "a")
    bookmarks.keep("waits", "b")
    assert (bookmarks.place("open"), bookmarks.place("waits")) == ("a", "b")
    bookmarks.keep("open", None)
    assert (bookmarks.place("open"), bookmarks.place("waits")) == (None, "b")
