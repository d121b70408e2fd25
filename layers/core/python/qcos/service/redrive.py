"""Hand to the stream readers again what they could not handle, from the log.

A note stays where it is until its events were handled: what failed for a mistake in the code is handled by the next
run after the mistake is mended.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qcos.ports import EventStore, Parked, ParkingLot
from qcos.service.project import Project
from qcos.service.relay import Relay

NOTES = 100
"""Notes of one run."""


@dataclass(frozen=True)
class Redrive:
    """One run over the parked notes."""

    events: EventStore
    project: Project
    relay: Relay
    parking_lot: ParkingLot
    report: Callable[[Exception], object]

    def __call__(self) -> dict[str, int]:
        """How many notes were ``redriven``, how many ``kept``; ``report`` hears why."""
        counts = {"redriven": 0, "kept": 0}
        for note in self.parking_lot.notes(NOTES):
            try:
                self._handle(note)
            except Exception as problem:  # noqa: BLE001 - one note must not keep the others from being handled
                self.report(problem)
                counts["kept"] += 1
            else:
                self.parking_lot.forget(note)
                counts["redriven"] += 1
        return counts

    def _handle(self, note: Parked) -> None:
        if not note.events:
            raise LookupError("nobody can tell which events a parked note is about")
        for tenant, stream_id, version in note.events:
            found = [event for event in self.events.read(tenant, stream_id) if event.version == version]
            if not found:
                raise LookupError(f"{stream_id}: the log has no version {version}")
            for reader in note.readers:
                match reader:
                    case "project":
                        self.project(tenant, stream_id)
                    case "relay":
                        self.relay(found)
                    case _:
                        raise LookupError("a parked note is of no reader that there is")
