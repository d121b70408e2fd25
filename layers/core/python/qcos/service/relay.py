"""Stream reader: start and stop workflows, log what was signed, and publish every event to the tenant's bus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qcos.events import Event, EvidenceSigned, JobCancelled, JobRetried, JobSubmitted
from qcos.ports import Bus, PollQueue, TransparencyLog, Workflows


class NotPublished(Exception):
    """The bus did not take some events; the batch is delivered again."""


@dataclass(frozen=True)
class Relay:
    """React to events. Repeating a reaction is harmless.

    Executions are named, a bundle is logged once, bus events carry their id.
    """

    workflows: Workflows
    queue: PollQueue
    bus: Bus
    transparency_log: TransparencyLog

    def __call__(self, events: Sequence[Event]) -> None:
        """React to ``events``.

        Raises:
            NotPublished: some events are not on the bus.
            Unavailable: a bundle could not be logged.
        """
        for event in events:
            match event.data:
                case JobSubmitted():
                    self._start(event, 1)
                case JobRetried(attempt=attempt):
                    self._start(event, attempt)
                case JobCancelled(attempt=attempt):
                    self.workflows.stop(_name(event, attempt), "cancelled by the user")
                    self.queue.send({"kind": "cancel", **_attempt(event, attempt), "n": 0}, 0)
                case EvidenceSigned(bundle_id=bundle_id, log_entry=str(entry)):
                    self.transparency_log.append(event.tenant, bundle_id, entry.encode())
                case _:
                    pass
        refused = self.bus.publish(events)
        if refused:
            raise NotPublished(f"{len(refused)} of {len(events)} events")

    def _start(self, event: Event, attempt: int) -> None:
        self.workflows.start(_name(event, attempt), _attempt(event, attempt))


def _name(event: Event, attempt: int) -> str:
    return f"{event.stream_id}-{attempt}"


def _attempt(event: Event, attempt: int) -> dict[str, Any]:
    return {"tenant": event.tenant, "job_id": event.stream_id, "attempt": attempt}
