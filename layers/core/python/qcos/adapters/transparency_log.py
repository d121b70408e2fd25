"""A tenant's transparency log in the events table, in partitions of its own.

An entry and the note that its bundle has one are put in one transaction, each only if nothing is there. So the log has
no gaps and no bundle twice whoever races, and like the events it needs no right to change or remove anything.
"""

from __future__ import annotations

from typing import Any

from qcos.adapters.dynamo import Attributes, ConditionFailed, Value, encode, number, query, write
from qcos.adapters.retry import tries
from qcos.errors import Unavailable

PREFIX = "LOG"
"""How the keys of the log's partitions begin; the readers of the table's stream pass over its records."""
APPEND_TRIES = 64
"""Every try that fails without rivals giving up means that another entry was added."""


class DynamoTransparencyLog:
    """A :class:`qcos.ports.TransparencyLog` over the events table.

    Entry ``n`` is the item ``LOG#<tenant>``, ``n``; a bundle's index is in ``LOGGED#<tenant>#<bundle id>``, 0.
    """

    def __init__(self, table_name: str, client: Any) -> None:
        self._table = table_name
        self._client = client

    def append(self, tenant: str, bundle_id: str, entry: bytes) -> int:
        """Add the entry of a bundle; its index, from 0 and without gaps. Adding it again gives the same index.

        Raises:
            qcos.errors.Unavailable: rivals or throttling kept it from being added, and it was not.
        """
        for _ in tries(APPEND_TRIES):
            index = self.size(tenant)
            puts = [
                self._put(pk=_logged(tenant, bundle_id), sk=0, index=index),
                self._put(pk=_log(tenant), sk=index, entry=entry),
            ]
            try:
                write(self._client, puts)
            except ConditionFailed:
                known = self.index_of(tenant, bundle_id)
                if known is not None:
                    return known
            else:
                return index
        raise Unavailable("Too many bundles are being logged at once. Try again in a moment.")

    def index_of(self, tenant: str, bundle_id: str) -> int | None:
        """The index of a bundle's entry, None where it has none."""
        found = self._last(_logged(tenant, bundle_id))
        return number(found, "index") if found else None

    def size(self, tenant: str) -> int:
        """How many entries there are, strongly consistent."""
        last = self._last(_log(tenant))
        return number(last, "sk") + 1 if last else 0

    def entries(self, tenant: str, start: int, end: int) -> list[bytes]:
        """The entries from ``start`` up to but not ``end``, in order; fewer where the log ends before."""
        if start >= end:
            return []
        found = query(
            self._client,
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=encode({":pk": _log(tenant), ":first": start, ":last": end - 1}),
        )
        return [bytes(item["entry"]["B"]) for item in found]

    def _last(self, pk: str) -> Attributes | None:
        """The item of the highest sort key in a partition."""
        answer = self._client.query(
            TableName=self._table,
            ConsistentRead=True,
            ScanIndexForward=False,
            Limit=1,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=encode({":pk": pk}),
        )
        items: list[Attributes] = answer["Items"]
        return items[0] if items else None

    def _put(self, **item: Value) -> dict[str, Any]:
        put = {
            "TableName": self._table,
            "Item": encode(item),
            "ConditionExpression": "attribute_not_exists(pk)",
        }
        return {"Put": put}


def _log(tenant: str) -> str:
    return f"{PREFIX}#{tenant}"


def _logged(tenant: str, bundle_id: str) -> str:
    return f"{PREFIX}GED#{tenant}#{bundle_id}"
