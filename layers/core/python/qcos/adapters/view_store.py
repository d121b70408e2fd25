"""Read models in DynamoDB: a row a job, a counters item a tenant, two indexes for lists.

Indexes: ``by_created`` (``gsi1pk``, ``gsi1sk``) and ``by_status`` (``gsi2pk``, ``gsi2sk``), both projecting all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from qcos.adapters.dynamo import Attributes, ConditionFailed, encode, number, optional_string, string, write
from qcos.views import JobFilter, JobPage, JobRow, RowChange, order

PAGE = 1_000
"""Rows asked for at a time: only as many are read as are skipped or shown."""


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
        """The stored lines of those of the jobs (at most 100) that have one, by id."""
        keys = [encode({"pk": f"T#{tenant}#JOB#{job_id}", "sk": "ROW"}) for job_id in job_ids]
        found: dict[str, JobRow] = {}
        wanted: dict[str, Any] = {self._table: {"Keys": keys, "ConsistentRead": True}} if keys else {}
        while wanted:
            answer = self._client.batch_get_item(RequestItems=wanted)
            found |= {row.job_id: row for row in map(_row, answer["Responses"].get(self._table, []))}
            wanted = answer.get("UnprocessedKeys") or {}
        return found

    def counters_of(self, tenant: str) -> dict[str, int]:
        """The tenant's counters."""
        item = self._get(f"T#{tenant}", "COUNTERS")
        return {name: number(item, name) for name in item if name not in ("pk", "sk")}

    def jobs(self, tenant: str, wanted: JobFilter, limit: int, offset: int, cursor: str | None = None) -> JobPage:
        """Part of the jobs ``wanted``, newest first; see :meth:`qcos.ports.Views.jobs`."""
        status = wanted.statuses[0] if len(wanted.statuses) == 1 else None
        counters = self._get(f"T#{tenant}", "COUNTERS")
        name = f"status#{status}" if status else "total"
        total = number(counters, name) if name in counters else 0
        request: dict[str, Any] = {"TableName": self._table, "ScanIndexForward": False}
        if status:
            request |= {"IndexName": "by_status", "KeyConditionExpression": "gsi2pk = :pk"}
            request["ExpressionAttributeValues"] = encode({":pk": f"T#{tenant}#{status}"})
        else:
            request |= {"IndexName": "by_created", "KeyConditionExpression": "gsi1pk = :pk"}
            request["ExpressionAttributeValues"] = encode({":pk": f"T#{tenant}"})
        more = self._skip(request, offset)
        return JobPage(self._take(request, limit) if more else (), total)

    def _skip(self, request: dict[str, Any], rows: int) -> bool:
        """Move ``request`` past ``rows`` rows, of which nothing is sent back; whether any may follow."""
        while rows > 0:
            answer = self._client.query(**request, Select="COUNT", Limit=min(rows, PAGE))
            rows -= int(answer["Count"])
            if not answer.get("LastEvaluatedKey"):
                return False
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return True

    def _take(self, request: dict[str, Any], rows: int) -> tuple[JobRow, ...]:
        taken: list[JobRow] = []
        while len(taken) < rows:
            answer = self._client.query(**request, Limit=min(rows - len(taken), PAGE))
            taken += [_row(item) for item in answer["Items"]]
            if not answer.get("LastEvaluatedKey"):
                break
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
        return tuple(taken)

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
