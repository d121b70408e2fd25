"""The workflow executions of a job's attempt: how they are named, what they begin with, which one is the newest.

They come in runs: the first since the attempt was opened, and another since each decision about a held submission.
"""

from __future__ import annotations

from typing import Any

from qcos.ports import Execution, Workflows

RESTARTS = 5
"""How often the workflow of an attempt is started again, and again so often since a held job goes on."""


def execution_name(job_id: str, attempt: int, decided_n: int = 0) -> str:
    """The name of the first workflow execution of an attempt, or since a person decided about submission ``decided_n``.

    A submission is held, and so decided about, at most once: no two executions share a name.
    """
    first = f"{job_id}-{attempt}"
    return f"{first}-h{decided_n}" if decided_n else first


def execution_input(tenant: str, job_id: str, attempt: int, decided_n: int = 0) -> dict[str, Any]:
    """What an execution begins with: its steps are told whose they are, and since which decision."""
    return {"tenant": tenant, "job_id": job_id, "attempt": attempt, "decided_n": decided_n}


def executions(
    workflows: Workflows, job_id: str, attempt: int, decided_n: int = 0
) -> tuple[Execution | None, str | None]:
    """The newest execution since the decision, None if there was none, and the next one's name, if any is left.

    A name stays taken when its execution has ended. Of those since one decision at most the newest runs.
    """
    first = execution_name(job_id, attempt, decided_n)
    newest = None
    for name in (first, *(f"{first}-r{number}" for number in range(1, RESTARTS + 1))):
        execution = workflows.execution(name)
        if execution is None:
            return newest, name
        newest = execution
    return newest, None
