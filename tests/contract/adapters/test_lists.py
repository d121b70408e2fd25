"""Job lists: the same answer from every adapter, whole when followed to the end, at a bounded number of rows read."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from qcos import ports
from qcos.adapters import memory
from qcos.adapters.view_store import DynamoViews
from qcos.views import JobFilter, JobPage, JobRow, RowChange, make_cursor, order
from tests.contract.adapters.backends import VIEWS, Aws, Backend
from tests.contract.adapters.samples import TENANT

ROW = JobRow(TENANT, "job-1", 1, "queued", "ionq_simulator", 1024, "2026-03-01T12:00:00.000Z")
ALL = JobFilter()
STATUSES = ("completed", "failed", "queued")
TIMES = tuple(f"2026-03-01T12:00:00.{ms:03}Z" for ms in range(9))


def random_rows(seed: int, count: int, tenant: str = TENANT) -> list[JobRow]:
    """Rows of few statuses, backends, names, tags and creation times, so that conditions meet some of them."""
    choose = random.Random(seed)
    return [
        JobRow(
            tenant=tenant,
            job_id=f"job-{choose.randrange(16**6):06x}",
            version=1,
            status=choose.choices(STATUSES, (6, 1, 2))[0],
            backend=choose.choice(("ionq_simulator", "ionq_forte")),
            shots=1024,
            created_at=choose.choice(TIMES),
            name=choose.choice((None, "bell", "ghz", "")),
            tags=choose.choice(((), ("a",), ("a", "b"), ("ab",))),
            batch_id=choose.choice((None, "batch-1", "batch-2")),
        )
        for _ in range(count)
    ]


def save_all(views: ports.Views, rows: Sequence[JobRow]) -> None:
    """Save rows, the counters of all of them with the last one of each tenant."""
    counts: dict[str, dict[str, int]] = {}
    for row in rows:
        counted = counts.setdefault(row.tenant, {})
        for name in ("total", f"status#{row.status}"):
            counted[name] = counted.get(name, 0) + 1
    for row in rows:
        assert views.save(RowChange(row, 0))
    for tenant, counters in counts.items():
        last = next(row for row in reversed(rows) if row.tenant == tenant)
        assert views.save(RowChange(replace(last, version=2), 1, counters))


def bound(monkeypatch: pytest.MonkeyPatch, *, page: int, counted: int) -> None:
    """Read ``page`` rows at a time and examine ``counted`` at most."""
    monkeypatch.setattr("qcos.adapters.job_index.PAGE", page)
    for module in ("job_index", "view_store", "memory"):
        monkeypatch.setattr(f"qcos.adapters.{module}.MAX_COUNTED", counted)


def random_filter(choose: random.Random) -> JobFilter:
    """A filter with about two conditions."""

    def maybe(values: Sequence[Any], absent: Any = None) -> Any:
        return choose.choice(values) if choose.random() < 0.3 else absent

    several = [tuple(choose.sample((*STATUSES, "held"), n)) for n in (1, 1, 2, 3)]
    return JobFilter(
        statuses=maybe([*several, ("queued", "queued")], ()),
        backend=maybe(("ionq_simulator", "ionq_forte", "ionq_aria")),
        batch_id=maybe(("batch-1", "batch-2")),
        name=maybe(("bell", "ghz", "absent")),
        tag=maybe(("a", "b", "ab")),
        created_after=maybe(TIMES),
        created_before=maybe(TIMES),
    )


def expected(rows: Sequence[JobRow], wanted: JobFilter) -> list[JobRow]:
    newest = sorted((row for row in rows if row.tenant == TENANT), key=order, reverse=True)
    return [row for row in newest if wanted.matches(row)]


def follow(views: ports.Views, wanted: JobFilter, limit: int) -> Iterator[JobPage]:
    """Every page of a list, by its cursors."""
    cursor: str | None = None
    for _ in range(1_000):
        page = views.jobs(TENANT, wanted, limit, 0, cursor)
        yield page
        cursor = page.cursor
        if cursor is None:
            return
    raise AssertionError("the list has no end")


def rows_of(pages: Iterator[JobPage]) -> list[JobRow]:
    return [row for page in pages for row in page.rows]


def test_nothing_is_an_empty_page(backend: Backend) -> None:
    views = backend.views()
    for wanted in (
        ALL,
        JobFilter(statuses=("queued",)),
        JobFilter(statuses=("queued", "failed"), name="x"),
        JobFilter(created_after=TIMES[3], created_before=TIMES[3]),
        JobFilter(created_after=TIMES[4], created_before=TIMES[3]),
        JobFilter(statuses=("queued", "failed"), created_before=TIMES[3]),
    ):
        assert views.jobs(TENANT, wanted, 10, 0) == JobPage((), 0)


def test_lists_are_newest_first_in_pages(backend: Backend) -> None:
    views = backend.views()
    rows = [
        replace(ROW, job_id=f"job-{n}", created_at=TIMES[n // 2], status=("queued", "held")[n % 2]) for n in range(9)
    ]
    save_all(views, [*random.Random(1).sample(rows, 9), replace(ROW, tenant="bell")])
    newest = list(views.jobs(TENANT, ALL, 100, 0).rows)
    assert [row.job_id for row in newest] == [f"job-{n}" for n in reversed(range(9))]  # of one millisecond, by id
    lists = {(): newest, ("queued",): newest[::2], ("held",): newest[1::2], ("held", "queued"): newest, ("failed",): []}
    for (statuses, listed), (limit, offset) in itertools.product(
        lists.items(), ((3, 0), (3, 3), (3, 6), (3, 8), (4, 0), (100, 0), (2, 9), (5, 50))
    ):
        shown = tuple(listed[offset : offset + limit])
        more = make_cursor(shown[-1]) if offset + limit < len(listed) else None
        page = views.jobs(TENANT, JobFilter(statuses=statuses), limit, offset)
        assert page == JobPage(shown, len(listed), cursor=more)
    assert [row.tenant for row in views.jobs("bell", ALL, 10, 0).rows] == ["bell"]


@pytest.mark.parametrize(("page", "counted"), [(1_000, 10_000), (5, 10_000), (5, 12)])
def test_dynamodb_answers_as_memory_does(aws: Aws, monkeypatch: pytest.MonkeyPatch, page: int, counted: int) -> None:
    bound(monkeypatch, page=page, counted=counted)
    rows = random_rows(7, 30) + random_rows(8, 3, "bell")
    views, reference = aws.views(), memory.Views()
    for each in (views, reference):
        save_all(each, rows)
    choose = random.Random(page + counted)
    cursors: list[str | None] = [None]
    for _ in range(30):
        wanted, limit, offset = random_filter(choose), choose.choice((1, 2, 5, 100)), choose.choice((0, 0, 1, 4, 30))
        cursor = choose.choice((None, *cursors[-4:]))
        answer = views.jobs(TENANT, wanted, limit, offset, cursor)
        assert answer == reference.jobs(TENANT, wanted, limit, offset, cursor), (wanted, limit, offset, cursor)
        cursors += [answer.cursor] if answer.cursor else []
    assert len(cursors) > 5  # some lists went on


@pytest.mark.parametrize("counted", [10_000, 20, 4])
def test_a_list_followed_to_its_end_is_whole(monkeypatch: pytest.MonkeyPatch, counted: int) -> None:
    # What memory answers is right; the test above says that DynamoDB answers the same.
    bound(monkeypatch, page=3, counted=counted)
    rows, views, choose = random_rows(9, 60), memory.Views(), random.Random(counted)
    save_all(views, rows)
    rows[-1] = replace(rows[-1], version=2)
    capped = 0
    for _ in range(150):
        wanted, limit = random_filter(choose), choose.choice((1, 3, 100))
        listed = expected(rows, wanted)
        pages = list(follow(views, wanted, limit))
        assert rows_of(iter(pages)) == listed
        assert len({(page.total, page.total_capped) for page in pages}) == 1
        first = pages[0]
        capped += first.total_capped
        assert first.total <= min(len(listed), counted) if first.total_capped else first.total == len(listed)
        if counted == 10_000:
            assert not first.total_capped
            offset = choose.choice((0, 1, 7))
            assert views.jobs(TENANT, wanted, limit, offset).rows == tuple(listed[offset : offset + limit])
    assert (capped > 10) == (counted < 10_000)


@pytest.mark.parametrize("statuses", [(), ("queued",), ("queued", "held")])
def test_times_include_the_first_moment_and_exclude_the_last(backend: Backend, statuses: tuple[str, ...]) -> None:
    views = backend.views()
    save_all(views, [replace(ROW, job_id=f"job-{n}", created_at=TIMES[n]) for n in range(9)])
    for after, before, ids in (
        (TIMES[3], None, range(3, 9)),
        (None, TIMES[3], range(3)),
        (TIMES[3], TIMES[5], (3, 4)),
        (TIMES[3], TIMES[4], (3,)),
        (TIMES[3], TIMES[3], ()),
    ):
        page = views.jobs(TENANT, JobFilter(statuses=statuses, created_after=after, created_before=before), 100, 0)
        assert [row.job_id for row in page.rows] == [f"job-{n}" for n in reversed(ids)]
        assert (page.total, page.total_capped, page.cursor) == (len(ids), False, None)


def test_a_total_is_capped_only_when_there_is_more(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    views = backend.views()
    save_all(views, [replace(ROW, job_id=f"job-{n}", tags=("a",)) for n in range(9)])
    filters = (JobFilter(created_before=TIMES[8]), JobFilter(backend="ionq_simulator"), JobFilter(("queued",), tag="a"))
    for counted, total, capped in ((8, 8, True), (9, 9, False), (10, 9, False)):
        bound(monkeypatch, page=4, counted=counted)
        for wanted, limit in itertools.product(filters, (2, 8, 9)):
            page = views.jobs(TENANT, wanted, limit, 0)
            assert (page.total, page.total_capped) == (total, capped)
        assert views.jobs(TENANT, ALL, 1, 0).total == 9  # the counters know


def test_what_is_far_back_is_found_by_its_cursor_behind_empty_pages(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound(monkeypatch, page=4, counted=5)
    views = backend.views()
    rare = replace(ROW, job_id="job-00", name="rare")
    save_all(views, [rare, *(replace(ROW, job_id=f"job-{n:02}") for n in range(1, 16))])
    pages = list(follow(views, JobFilter(name="rare"), 2))
    assert [len(page.rows) for page in pages] == [0, 0, 0, 1]
    assert pages[-1].rows == (rare,)
    assert all((page.total, page.total_capped) == (0, True) for page in pages)


def test_a_cursor_outlives_its_row_and_is_not_moved_by_new_ones(aws: Aws) -> None:
    name, client = aws.table(VIEWS), aws.clients["dynamodb"]
    views = DynamoViews(name, client)
    save_all(views, [replace(ROW, job_id=f"job-{n}", created_at=TIMES[n]) for n in range(7)])
    first = views.jobs(TENANT, ALL, 3, 0)
    assert [row.job_id for row in first.rows] == ["job-6", "job-5", "job-4"]
    client.delete_item(TableName=name, Key={"pk": {"S": "T#acme#JOB#job-4"}, "sk": {"S": "ROW"}})
    views.save(RowChange(replace(ROW, job_id="job-9", created_at=TIMES[8]), 0))
    rest = views.jobs(TENANT, ALL, 3, 5, first.cursor)  # an offset means nothing after a cursor
    assert [row.job_id for row in rest.rows] == ["job-3", "job-2", "job-1"]
    assert [row.job_id for row in views.jobs(TENANT, ALL, 3, 0, rest.cursor).rows] == ["job-0"]


def test_a_cursor_that_this_tenant_was_not_given_is_refused(backend: Backend) -> None:
    views = backend.views()
    for cursor in (make_cursor(replace(ROW, tenant="bell")), "", "x", "YWNtZSA", make_cursor(ROW)[:-5], "é"):
        with pytest.raises(ValueError, match=r"cursor|ASCII"):
            views.jobs(TENANT, ALL, 10, 0, cursor)
    assert views.jobs(TENANT, ALL, 10, 0, make_cursor(ROW)) == JobPage((), 0)


class Meter:
    """A client that adds up how many rows its queries read, and how many of them were sent."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.read = self.sent = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def query(self, **request: Any) -> Any:
        answer = self._client.query(**request)
        self.read += answer["ScannedCount"]
        self.sent += len(answer.get("Items", ()))
        return answer


def test_reads_are_bounded(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    bound(monkeypatch, page=10, counted=30)
    meter = Meter(aws.clients["dynamodb"])
    views = DynamoViews(aws.table(VIEWS), meter)
    save_all(views, [replace(ROW, job_id=f"{n}", status=("queued", "held")[n % 2], tags=("a",)) for n in range(60)])
    cases: tuple[tuple[JobFilter, int, tuple[int, int]], ...] = (
        (ALL, 0, (6, 6)),
        (ALL, 20, (26, 6)),  # what is skipped is not sent
        (ALL, 90, (60, 0)),
        (JobFilter(statuses=("queued",)), 0, (6, 6)),
        (JobFilter(statuses=("queued", "held")), 0, (12, 12)),
        (JobFilter(created_after=TIMES[0]), 0, (31, 6)),  # one more tells whether the total is whole
        (JobFilter(tag="absent"), 0, (31, 0)),
        (JobFilter(tag="a"), 0, (31, 10)),
        (JobFilter(statuses=("queued", "held"), tag="absent"), 0, (32, 0)),
    )
    for wanted, offset, cost in cases:
        meter.read = meter.sent = 0
        page = views.jobs(TENANT, wanted, 5, offset)
        assert (meter.read, meter.sent) == cost, wanted
        if page.cursor:
            meter.read = 0
            views.jobs(TENANT, wanted, 5, 0, page.cursor)
            assert meter.read <= 2 * cost[0]
