"""Read a batch of the event table's stream; what cannot be understood is parked, so that the rest goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from qcos.events import Event
from qcos.ports import ParkingLot


def readable(
    records: Sequence[Mapping[str, Any]],
    reader: str,
    event_from_image: Callable[[Mapping[str, Any]], Event | None],
    parking_lot: ParkingLot,
) -> list[Event]:
    """The events of ``records`` in the order given; records that should hold one and do not are parked.

    ``event_from_image`` gives None for records that are for nobody.
    Trouble that may pass (a throttled table, say) is not for here: the reader raises, and the batch comes again.
    """
    events: list[Event] = []
    for record in records:
        if record.get("eventName") != "INSERT":
            continue
        try:
            event = event_from_image(record["dynamodb"]["NewImage"])
            if event is None:
                continue
            _ = event.data, event.tenant, event.stream_id, event.version
            events.append(event)
        except (KeyError, TypeError, ValueError) as error:
            keys = record.get("dynamodb", {}).get("Keys", {})
            stream = str(keys.get("pk", {}).get("S", "?"))
            version = str(keys.get("sk", {}).get("N", "0"))
            parking_lot.park(reader, "?", stream, int(version) if version.isdigit() else 0, type(error).__name__)
    return events
