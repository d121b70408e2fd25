"""The append-only log in DynamoDB: one item an event, its canonical bytes in one attribute.

Only PutItem, TransactWriteItems of puts, and Query are used: the table's readers and writers need no more rights,
and nothing here can change or remove an event.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from qcos.adapters.dynamo import ConditionFailed, Value, encode, query, write
from qcos.adapters.wire import check_append
from qcos.events import Event
from qcos.ports import VersionConflict


def _pk(tenant: str, stream_id: str) -> str:
    return f"T#{tenant}#JOB#{stream_id}"


class DynamoEventStore:
    """An :class:`qcos.ports.EventStore` over one table with the keys ``pk`` (text) and ``sk`` (number: the version)."""

    def __init__(self, table_name: str, client: Any) -> None:
        self._table = table_name
        self._client = client

    def read(self, tenant: str, stream_id: str) -> list[Event]:
        """The whole stream, oldest first, strongly consistent; empty when there is none."""
        return self._query("pk = :pk", encode({":pk": _pk(tenant, stream_id)}))

    def append(self, events: Sequence[Event]) -> None:
        """Add consecutive events of one stream; see :meth:`qcos.ports.EventStore.append`.

        Raises:
            VersionConflict: another event holds one of the versions.
            ValueError: the events cannot be one append.
            qcos.errors.Unavailable: rivals or throttling kept them from being stored, and they were not.
        """
        check_append(events)
        try:
            write(self._client, [{"Put": self._put(event)} for event in events])
        except ConditionFailed:
            # A repeated request finds its own events there: the first answer was lost, not the append.
            if [event.event_id for event in self._stored(events)] != [event.event_id for event in events]:
                raise VersionConflict(f"{events[0].stream_id}: version {events[0].version} is taken") from None

    def _put(self, event: Event) -> dict[str, Any]:
        item = encode(
            {
                "pk": _pk(event.tenant, event.stream_id),
                "sk": event.version,
                "body": event.raw,
                "hash": event.hash,
                "event_id": event.event_id,
                "type": event.type,
                "occurred_at": event.occurred_at,
                "tenant": event.tenant,
            }
        )
        return {"TableName": self._table, "Item": item, "ConditionExpression": "attribute_not_exists(pk)"}

    def _stored(self, events: Sequence[Event]) -> list[Event]:
        key: dict[str, Value] = {
            ":pk": _pk(events[0].tenant, events[0].stream_id),
            ":first": events[0].version,
            ":last": events[-1].version,
        }
        return self._query("pk = :pk AND sk BETWEEN :first AND :last", encode(key))

    def _query(self, condition: str, values: Mapping[str, Any]) -> list[Event]:
        items = query(
            self._client,
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=values,
            ProjectionExpression="body",
        )
        return [Event(bytes(item["body"]["B"])) for item in items]


def event_from_image(image: Mapping[str, Any]) -> Event:
    """The event in a stream record's ``NewImage``, where Lambda delivers bytes as base64 text.

    Raises:
        ValueError: the image is no event, or its bytes are not those the hash beside them was made of.
    """
    try:
        event = Event(base64.b64decode(image["body"]["B"], validate=True))
        stored = image["hash"]["S"]
    except (KeyError, TypeError, binascii.Error):
        raise ValueError("the stream record holds no event") from None
    if event.hash != stored:
        raise ValueError("the stream record's event does not have its hash")
    return event
