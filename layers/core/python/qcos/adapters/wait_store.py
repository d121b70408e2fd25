"""Open waits, and how far sweeps have come, in DynamoDB.

The waits of a tenant are one partition, so that looking through all of them reads nothing else. It takes a thousand
writes a second: a hundred thousand jobs that are each asked about every fifteen minutes need a ninth of that.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import asdict
from typing import Any

from qcos.adapters.dynamo import Attributes, ConditionFailed, encode, number, optional_string, query, string, write
from qcos.ports import Wait

WAIT_S = 9 * 24 * 3600
"""How long a wait is kept: longer than any workflow waits for its token."""


class DynamoWaits:
    """A :class:`qcos.ports.Waits` over one table with the text keys ``pk`` and ``sk``, expiring by ``expires_at``."""

    def __init__(self, table_name: str, client: Any) -> None:
        self._table = table_name
        self._client = client

    def open(self, wait: Wait) -> Wait:
        """Store a wait unless one of the same job, attempt and token is stored; returns the stored one."""
        put = {
            "TableName": self._table,
            "Item": encode(_key(wait) | asdict(wait) | {"expires_at": int(time.time()) + WAIT_S}),
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            write(self._client, [{"Put": put}])
        except ConditionFailed as failed:
            return _wait(failed.item)
        return wait

    def advance(self, wait: Wait, at: str) -> bool:
        """Move a wait to ``n + 1``, asked ``at``, if it is stored at ``n`` or below; False when beyond, or closed."""
        mover = secrets.token_hex(8)
        update = {
            "TableName": self._table,
            "Key": encode(_key(wait)),
            "UpdateExpression": "SET n = :next, asked_at = :at, mover = :mover",
            "ConditionExpression": "n <= :n",
            "ExpressionAttributeValues": encode({":n": wait.n, ":next": wait.n + 1, ":at": at, ":mover": mover}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        try:
            write(self._client, [{"Update": update}])
        except ConditionFailed as failed:
            # The client repeats a request whose answer was lost: then it was this very call that moved the wait.
            return optional_string(failed.item, "mover") == mover
        return True

    def close(self, wait: Wait) -> None:
        """Forget a wait; forgetting twice is harmless."""
        self._client.delete_item(TableName=self._table, Key=encode(_key(wait)))

    def of_job(self, tenant: str, job_id: str) -> list[Wait]:
        """The open waits of a job, strongly consistent."""
        found = query(
            self._client,
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :job)",
            ExpressionAttributeValues=encode({":pk": _pk(tenant), ":job": f"{job_id}#"}),
        )
        return [_wait(item) for item in found]

    def page(self, tenant: str, limit: int, after: str | None) -> tuple[list[Wait], str | None]:
        """At most ``limit`` open waits of a tenant, and what continues after them; None at the end."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "ConsistentRead": True,
            "KeyConditionExpression": "pk = :pk",
            "ExpressionAttributeValues": encode({":pk": _pk(tenant)}),
            "Limit": limit,
        }
        if after is not None:
            request["ExclusiveStartKey"] = encode({"pk": _pk(tenant), "sk": after})
        answer = self._client.query(**request)
        last = answer.get("LastEvaluatedKey")
        return [_wait(item) for item in answer["Items"]], string(last, "sk") if last else None


class DynamoBookmarks:
    """A :class:`qcos.ports.Bookmarks` over the same table."""

    def __init__(self, table_name: str, client: Any) -> None:
        self._table = table_name
        self._client = client

    def place(self, name: str) -> str | None:
        """Where to go on, None from the beginning."""
        answer = self._client.get_item(TableName=self._table, Key=_bookmark(name), ConsistentRead=True)
        item: Attributes = answer.get("Item") or {}
        return optional_string(item, "place")

    def keep(self, name: str, place: str | None) -> None:
        """Go on from there next time."""
        self._client.put_item(TableName=self._table, Item=_bookmark(name) | encode({"place": place}))


def _bookmark(name: str) -> Attributes:
    return encode({"pk": "BOOKMARKS", "sk": name})


def _pk(tenant: str) -> str:
    return f"WAITS#{tenant}"


def _key(wait: Wait) -> dict[str, str]:
    # A task token is up to 2,048 characters, a sort key up to 1,024 bytes.
    token = hashlib.sha256(wait.token.encode()).hexdigest()
    return {"pk": _pk(wait.tenant), "sk": f"{wait.job_id}#{wait.attempt}#{token}"}


def _wait(item: Attributes) -> Wait:
    return Wait(
        tenant=string(item, "tenant"),
        job_id=string(item, "job_id"),
        attempt=number(item, "attempt"),
        token=string(item, "token"),
        n=number(item, "n"),
        asked_at=string(item, "asked_at"),
    )
