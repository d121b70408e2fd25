"""Stream reader: start and stop workflows, log what was signed, and publish every event to the tenant's bus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qcos.events import (
    Event,
    EvidenceSigned,
    ExecutionAdopted,
    ExecutionReleased,
    JobCancelled,
    JobRetried,
    JobSubmitted,
)
from qcos.ports import Bus, PollQueue, TransparencyLog, Workflows
from qcos.service.executions import execution_input, execution_name, executions


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
                case ExecutionAdopted(attempt=int(attempt), n=n) | ExecutionReleased(attempt=attempt, n=n):
                    self._start(event, attempt, n)
                case JobCancelled(attempt=attempt, decided_n=decided_n):
                    self._stop(event, attempt, decided_n)
                case EvidenceSigned(bundle_id=bundle_id, log_entry=str(entry)):
                    self.transparency_log.append(event.tenant, bundle_id, entry.encode())
                case _:
                    pass
        refused = self.bus.publish(events)
        if refused:
            raise NotPublished(f"{len(refused)} of {len(events)} events")

    def _start(self, event: Event, attempt: int, decided_n: int = 0) -> None:
        name = execution_name(event.stream_id, attempt, decided_n)
        self.workflows.start(name, execution_input(event.tenant, event.stream_id, attempt, decided_n))

    def _stop(self, event: Event, attempt: int, decided_n: int) -> None:
        """Stop what runs here, and have stopped what runs at the provider."""
        newest, _ = executions(self.workflows, event.stream_id, attempt, decided_n)
        if newest and newest.running:
            self.workflows.stop(newest.name, "cancelled by the user")
        cancel = {"kind": "cancel", "tenant": event.tenant, "job_id": event.stream_id, "attempt": attempt, "n": 0}
        self.queue.send(cancel, 0)
