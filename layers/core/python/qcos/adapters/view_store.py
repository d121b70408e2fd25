"""Read models in DynamoDB: a row a job, a counters item a tenant, two indexes for lists.

Indexes: ``by_created`` (``gsi1pk``, ``gsi1sk``) and ``by_status`` (``gsi2pk``, ``gsi2sk``), both projecting all.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from qcos.adapters.dynamo import Attributes, ConditionFailed, encode, number, optional_string, string, write
from qcos.views import JobPage, JobRow, RowChange

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

    def jobs(self, tenant: str, status: str | None, limit: int, offset: int) -> JobPage:
        """Lines ``offset`` to ``offset + limit`` of the tenant's jobs (of one status, or all), newest first."""
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
    order = f"{row.created_at}#{row.job_id}"
    keys = {
        "pk": f"T#{row.tenant}#JOB#{row.job_id}",
        "sk": "ROW",
        "gsi1pk": f"T#{row.tenant}",
        "gsi1sk": order,
        "gsi2pk": f"T#{row.tenant}#{row.status}",
        "gsi2sk": order,
    }
    return encode(keys | asdict(row))


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
    )
