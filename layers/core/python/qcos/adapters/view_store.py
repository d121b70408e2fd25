"""Read models in DynamoDB: a row a job, a counters item a tenant, two indexes for lists.

Indexes: ``by_created`` (``gsi1pk``, ``gsi1sk``) and ``by_status`` (``gsi2pk``, ``gsi2sk``), both projecting all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from qcos.adapters.dynamo import Attributes, ConditionFailed, encode, number, optional_string, string, write
from qcos.adapters.job_index import Lane, count, read_page
from qcos.adapters.retry import tries
from qcos.adapters.wire import HIGHEST, MAX_COUNTED, cursor_at, has_conditions, total_is_known, total_known
from qcos.errors import Unavailable
from qcos.views import JobFilter, JobPage, JobRow, RowChange, order, read_cursor


class DynamoViews:
    """A :class:`qcos.ports.Views` over one table with the text keys ``pk`` and ``sk``."""

    def __init__(self, table_name: str, client: Any) -> None:
        self._table = table_name
        self._client = client

    def row(self, tenant: str, job_id: str) -> JobRow | None:
        """The stored list line of a job, strongly consistent."""
        item = self._get(f"T#{tenant}#JOB#{job_id}", "ROW")
        return _row(item) if item else None

    def save(self, change: RowChange) -> bool:
        """Write a row and its counter changes, both or neither; False when the row is no longer at ``seen``.

        Raises:
            qcos.errors.Unavailable: rivals or throttling kept it from being written, and it was not.
        """
        put: dict[str, Any] = {"TableName": self._table, "Item": _item(change.row)}
        if change.seen:
            put |= {
                "ConditionExpression": "#version = :seen",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": encode({":seen": change.seen}),
            }
        else:
            put["ConditionExpression"] = "attribute_not_exists(pk)"
        writes = [{"Put": put}]
        if change.counters:
            writes.append({"Update": self._count(change.row.tenant, change.counters)})
        try:
            write(self._client, writes)
        except ConditionFailed:
            return False
        return True

    def rows(self, tenant: str, job_ids: Sequence[str]) -> dict[str, JobRow]:
        """The stored lines of those of the jobs (at most 100) that have one, by id.

        Raises:
            qcos.errors.Unavailable: throttling kept some of them from being read.
        """
        if not job_ids:
            return {}
        keys = [encode({"pk": f"T#{tenant}#JOB#{job_id}", "sk": "ROW"}) for job_id in dict.fromkeys(job_ids)]
        wanted: dict[str, Any] = {self._table: {"Keys": keys, "ConsistentRead": True}}
        found: dict[str, JobRow] = {}
        for _ in tries():
            answer = self._client.batch_get_item(RequestItems=wanted)
            found |= {row.job_id: row for row in map(_row, answer["Responses"].get(self._table, []))}
            wanted = answer.get("UnprocessedKeys") or {}
            if not wanted:
                return found
        raise Unavailable("The database is busy with other requests. Try again in a moment.")

    def counters_of(self, tenant: str) -> dict[str, int]:
        """The tenant's counters."""
        item = self._get(f"T#{tenant}", "COUNTERS")
        return {name: number(item, name) for name in item if name not in ("pk", "sk")}

    def jobs(self, tenant: str, wanted: JobFilter, limit: int, offset: int, cursor: str | None = None) -> JobPage:
        """Part of the jobs ``wanted``, newest first; see :meth:`qcos.ports.Views.jobs`.

        Examines at most 10,000 rows, and after a cursor as many for the page; where a condition finds too few among
        them, the page is short or empty, and its cursor goes on behind them. An offset counts within them.

        Raises:
            ValueError: the cursor is none that was given out for this tenant.
        """
        after = None if cursor is None else read_cursor(cursor, tenant)
        lanes = self._lanes(tenant, wanted, after)
        items, following = read_page(lanes, limit, offset if after is None else 0)
        if total_is_known(wanted):
            total, capped = total_known(wanted, self.counters_of(tenant)), False
        else:
            total, capped = count(lanes if after is None else self._lanes(tenant, wanted, None))
        more = None if following is None else cursor_at(tenant, following)
        return JobPage(tuple(map(_row, items)), total, capped, more)

    def _lanes(self, tenant: str, wanted: JobFilter, after: str | None) -> list[Lane]:
        """The index partitions that hold what is ``wanted``, below ``after``."""
        # A place begins with a time, so that a time alone lies below every place of its millisecond.
        lowest = wanted.created_after or "0"
        bounds = (wanted.created_before, None if after is None else _below(after))
        highest = min(bound for bound in (*bounds, HIGHEST) if bound is not None)
        if highest < lowest:
            return []
        statuses = tuple(dict.fromkeys(wanted.statuses)) or (None,)
        bound = max(1, MAX_COUNTED // len(statuses)) if has_conditions(wanted) else None
        lanes = []
        for status in statuses:
            index, keys, owner = ("by_status", "gsi2", f"#{status}") if status else ("by_created", "gsi1", "")
            request: dict[str, Any] = {
                "TableName": self._table,
                "IndexName": index,
                "KeyConditionExpression": f"{keys}pk = :pk AND {keys}sk BETWEEN :lowest AND :highest",
                "ExpressionAttributeValues": encode(
                    {":pk": f"T#{tenant}{owner}", ":lowest": lowest, ":highest": highest}
                ),
            }
            lanes.append(Lane(self._client, _only(request, wanted), f"{keys}sk", bound))
        return lanes

    def _count(self, tenant: str, counters: dict[str, int]) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": encode({"pk": f"T#{tenant}", "sk": "COUNTERS"}),
            "UpdateExpression": "ADD " + ", ".join(f"#c{i} :c{i}" for i in range(len(counters))),
            "ExpressionAttributeNames": {f"#c{i}": name for i, name in enumerate(counters)},
            "ExpressionAttributeValues": encode({f":c{i}": by for i, by in enumerate(counters.values())}),
        }

    def _get(self, pk: str, sk: str) -> Attributes:
        answer = self._client.get_item(TableName=self._table, Key=encode({"pk": pk, "sk": sk}), ConsistentRead=True)
        item: Attributes = answer.get("Item") or {}
        return item


def _below(place: str) -> str:
    """A text above every place before ``place``, and below ``place``: BETWEEN takes its upper end in."""
    return place[:-1] + chr(ord(place[-1]) - 1) + HIGHEST


def _only(request: dict[str, Any], wanted: JobFilter) -> dict[str, Any]:
    """``request`` with the conditions on other attributes than its keys."""
    asked = {"backend": wanted.backend, "batch_id": wanted.batch_id, "name": wanted.name, "tags": wanted.tag}
    asked = {name: value for name, value in asked.items() if value is not None}
    if not asked:
        return request
    tests = [f"contains(#{name}, :{name})" if name == "tags" else f"#{name} = :{name}" for name in asked]
    values = encode({f":{name}": value for name, value in asked.items()})
    return request | {
        "FilterExpression": " AND ".join(tests),
        "ExpressionAttributeNames": {f"#{name}": name for name in asked},
        "ExpressionAttributeValues": request["ExpressionAttributeValues"] | values,
    }


def _item(row: JobRow) -> Attributes:
    keys = {
        "pk": f"T#{row.tenant}#JOB#{row.job_id}",
        "sk": "ROW",
        "gsi1pk": f"T#{row.tenant}",
        "gsi1sk": order(row),
        "gsi2pk": f"T#{row.tenant}#{row.status}",
        "gsi2sk": order(row),
    }
    values = asdict(row) | {"tags": list(row.tags) or None, "counted": json.dumps(row.counted, sort_keys=True)}
    return encode(keys | values)


def _row(item: Attributes) -> JobRow:
    return JobRow(
        tenant=string(item, "tenant"),
        job_id=string(item, "job_id"),
        version=number(item, "version"),
        status=string(item, "status"),
        backend=string(item, "backend"),
        shots=number(item, "shots"),
        created_at=string(item, "created_at"),
        completed_at=optional_string(item, "completed_at"),
        name=optional_string(item, "name"),
        tags=tuple(tag["S"] for tag in item["tags"]["L"]) if "tags" in item else (),
        batch_id=optional_string(item, "batch_id"),
        error_code=optional_string(item, "error_code"),
        counted=json.loads(string(item, "counted")),
    )
