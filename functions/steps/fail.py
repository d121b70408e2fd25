"""Workflow step: the workflow gave up; end the job and say why."""

from typing import Any

from qcos import wiring
from qcos.entry import entry


@entry(wiring.fail)
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    # Executions that were under way when their input did not say it yet began with no decision.
    decided_n = event.get("decided_n", 0)
    return wiring.fail()(event["tenant"], event["job_id"], event["attempt"], event.get("error", {}), decided_n)
