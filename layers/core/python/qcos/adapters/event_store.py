"""The append-only log in DynamoDB: one item an event, its canonical bytes in one attribute.

Of the log's table only PutItem, TransactWriteItems of puts, and Query are used: its readers and writers need no more
rights, and nothing here can change or remove an event. Charges are updates of counters in the control table, inside
the transaction of the events they belong to.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from qcos.adapters.dynamo import ConditionFailed, Value, encode, number, query, write
from qcos.adapters.transparency_log import PREFIX
from qcos.adapters.wire import check_append
from qcos.events import Event
from qcos.ledger import Charge
from qcos.ports import LimitReached, VersionConflict


def _pk(tenant: str, stream_id: str) -> str:
    return f"T#{tenant}#JOB#{stream_id}"


class DynamoEventStore:
    """An :class:`qcos.ports.EventStore` over one table with the keys ``pk`` (text) and ``sk`` (number: the version).

    Counters are items of the control table: ``pk`` ``LEDGER#<tenant>``, ``sk`` the counter's name, ``amount``.
    """

    def __init__(self, table_name: str, control_table_name: str, client: Any) -> None:
        self._table = table_name
        self._control = control_table_name
        self._client = client

    def read(self, tenant: str, stream_id: str) -> list[Event]:
        """The whole stream, oldest first, strongly consistent; empty when there is none."""
        return self._query("pk = :pk", encode({":pk": _pk(tenant, stream_id)}))

    def append(self, events: Sequence[Event], charges: Sequence[Charge] = ()) -> None:
        """Add events and charge for them, all or none; see :meth:`qcos.ports.EventStore.append`.

        Raises:
            VersionConflict: another event holds one of the versions.
            LimitReached: a charge would pass its limit.
            ValueError: the events cannot be one append.
            qcos.errors.Unavailable: rivals or throttling kept them from being stored, and they were not.
        """
        check_append(events, charges)
        puts = [{"Put": self._put(event)} for event in events]
        try:
            write(self._client, [*puts, *({"Update": self._charge(charge)} for charge in charges)])
        except ConditionFailed as failed:
            # A repeated request finds its own events there: the first answer was lost, not the append.
            stored = self._stored(events)
            if stored == [event.event_id for event in events]:
                return
            over = [charges[at - len(puts)] for at in failed.positions if at >= len(puts)]
            if over and not any(stored):
                raise LimitReached(over[0]) from None
            raise VersionConflict(f"{events[0].stream_id}: version {events[0].version} is taken") from None

    def counter(self, tenant: str, counter: str) -> int:
        """The present sum of a counter, strongly consistent; 0 when nothing was ever charged."""
        key = encode({"pk": f"LEDGER#{tenant}", "sk": counter})
        answer = self._client.get_item(TableName=self._control, Key=key, ConsistentRead=True)
        return number(answer["Item"], "amount") if answer.get("Item") else 0

    def _charge(self, charge: Charge) -> dict[str, Any]:
        update: dict[str, Any] = {
            "TableName": self._control,
            "Key": encode({"pk": f"LEDGER#{charge.tenant}", "sk": charge.counter}),
            "UpdateExpression": "ADD amount :amount",
            "ExpressionAttributeValues": encode({":amount": charge.amount}),
        }
        if charge.limit is not None:
            room = charge.limit - charge.amount
            # A counter that nothing was charged to stands at 0.
            absent = "attribute_not_exists(amount) OR " if room >= 0 else ""
            update["ConditionExpression"] = f"{absent}amount <= :room"
            update["ExpressionAttributeValues"] |= encode({":room": room})
        return update

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

    def _stored(self, events: Sequence[Event]) -> list[str | None]:
        """The ids of what is stored at the events' places, None where nothing is."""
        first_last: dict[tuple[str, str], tuple[int, int]] = {}
        for event in events:
            stream = (event.tenant, event.stream_id)
            first_last[stream] = (first_last.get(stream, (event.version, 0))[0], event.version)
        found: dict[tuple[str, int], str] = {}
        for (tenant, stream_id), (first, last) in first_last.items():
            key: dict[str, Value] = {":pk": _pk(tenant, stream_id), ":first": first, ":last": last}
            for event in self._query("pk = :pk AND sk BETWEEN :first AND :last", encode(key)):
                found[stream_id, event.version] = event.event_id
        return [found.get((event.stream_id, event.version)) for event in events]

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


def event_from_image(image: Mapping[str, Any]) -> Event | None:
    """The event in a stream record's ``NewImage``, where Lambda delivers bytes as base64 text.

    None for what else is in the table, the transparency log.

    Raises:
        ValueError: the image is no event, or its bytes are not those the hash beside them was made of.
    """
    if image.get("pk", {}).get("S", "").startswith(PREFIX):
        return None
    try:
        event = Event(base64.b64decode(image["body"]["B"], validate=True))
        stored = image["hash"]["S"]
    except (KeyError, TypeError, binascii.Error):
        raise ValueError("the stream record holds no event") from None
    if event.hash != stored:
        raise ValueError("the stream record's event does not have its hash")
    return event
