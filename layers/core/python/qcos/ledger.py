"""What events do to a tenant's counters of evaluations and money: pure, so that the log alone can audit them.

A counter is named ``<what>#<month>``. Evaluations count in the month of their charge, and a refund goes back to that
month. Money is reserved by estimate before a paid submission and corrected to the true cost when it is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qcos.events import (
    EventData,
    ExecutionAdopted,
    ExecutionCompleted,
    ExecutionIntended,
    ExecutionRefused,
    ExecutionReleased,
    ExecutionStopped,
    ExecutionSubmitted,
    JobCancelled,
    JobFailed,
    JobRetried,
    JobSubmitted,
)
from qcos.job import Job

EVALUATIONS = "evaluations"
SPEND = "spend"

ASKING = (JobSubmitted, JobRetried, ExecutionIntended)
"""Events that ask for evaluations or money and may be refused. All others say what has happened: no limit stops them,
not even where the provider charged more than it had estimated."""


@dataclass(frozen=True)
class Charge:
    """An amount for a tenant's counter, negative to give back. It is refused when the sum would pass ``limit``."""

    tenant: str
    counter: str
    amount: int
    limit: int | None = None


def movements(job: Job | None, data: Sequence[EventData], month: str) -> dict[str, int]:
    """How appending ``data`` in ``month`` to ``job`` (None: it begins) moves the counters; zero moves are left out.

    A reservation is settled by the event that tells what the submission cost, which is nothing if it was refused, or
    released by a person; while the provider does not say, it stays, because money is never guessed to be free. Where
    the provider has what was released after all, it is set aside again, in the month it was first.
    """
    moved: dict[str, int] = {}

    def move(what: str, when: str, amount: int) -> None:
        moved[f"{what}#{when}"] = moved.get(f"{what}#{when}", 0) + amount

    def settle(n: int, cost: int | None) -> None:
        reserved = job.reservations.get(n) if job else None
        if reserved and cost is not None:
            move(SPEND, reserved.month, cost - reserved.microdollars)

    for item in data:
        match item:
            case JobSubmitted() | JobRetried():
                move(EVALUATIONS, month, item.evaluations)
            case JobFailed() | JobCancelled() if job is not None:
                move(EVALUATIONS, job.charged_month, -item.refunded_evaluations)
            case ExecutionIntended():
                move(SPEND, month, item.estimated_cost_microdollars)
            case ExecutionSubmitted() | ExecutionAdopted() if job is not None and item.n in job.released:
                move(SPEND, job.released[item.n].month, job.released[item.n].microdollars)
            case ExecutionRefused() | ExecutionReleased():
                settle(item.n, 0)
            case ExecutionCompleted() | ExecutionStopped():
                settle(item.n, item.cost_microdollars)
            case _:
                pass
    return {counter: amount for counter, amount in moved.items() if amount}
