"""Workflow step: the workflow gave up; end the job and say why."""

from typing import Any

from qcos import wiring
from qcos.entry import entry


@entry(wiring.fail)
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    return wiring.fail()(event["tenant"], event["job_id"], event["attempt"], event.get("error", {}))
