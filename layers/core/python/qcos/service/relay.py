"""Stream reader: start and stop workflows, log what was signed, and publish every event to the tenant's bus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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
                case JobCancelled(attempt=attempt):
                    self.workflows.stop(execution_name(event.stream_id, attempt), "cancelled by the user")
                    self.queue.send(
                        {"kind": "cancel", **execution_input(event.tenant, event.stream_id, attempt), "n": 0}, 0
                    )
                case EvidenceSigned(bundle_id=bundle_id, log_entry=str(entry)):
                    self.transparency_log.append(event.tenant, bundle_id, entry.encode())
                case _:
                    pass
        refused = self.bus.publish(events)
        if refused:
            raise NotPublished(f"{len(refused)} of {len(events)} events")

    def _start(self, event: Event, attempt: int, decided_n: int = 0) -> None:
        name = execution_name(event.stream_id, attempt, decided_n)
        self.workflows.start(name, execution_input(event.tenant, event.stream_id, attempt))


def execution_name(job_id: str, attempt: int, decided_n: int = 0) -> str:
    """The name of the first workflow execution of an attempt, or since a person decided about submission ``decided_n``.

    A submission is held, and so decided about, at most once: no two executions share a name.
    """
    first = f"{job_id}-{attempt}"
    return f"{first}-h{decided_n}" if decided_n else first


def execution_input(tenant: str, job_id: str, attempt: int) -> dict[str, Any]:
    """What every execution of an attempt begins with."""
    return {"tenant": tenant, "job_id": job_id, "attempt": attempt}
