"""Stream reader: start workflows for new jobs and publish every event to the tenant's bus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qcos.events import Event, JobSubmitted
from qcos.ports import Bus, Workflows


class NotPublished(Exception):
    """The bus did not take some events; the batch is delivered again."""


@dataclass(frozen=True)
class Relay:
    """React to events. Repeating a reaction is harmless: executions are named, bus events carry their id."""

    workflows: Workflows
    bus: Bus

    def __call__(self, events: Sequence[Event]) -> None:
        """React to ``events``.

        Raises:
            NotPublished: some events are not on the bus.
        """
        for event in events:
            if isinstance(event.data, JobSubmitted):
                start = {"tenant": event.tenant, "job_id": event.stream_id, "attempt": 1}
                self.workflows.start(f"{event.stream_id}-1", start)
        refused = self.bus.publish(events)
        if refused:
            raise NotPublished(f"{len(refused)} of {len(events)} events")
