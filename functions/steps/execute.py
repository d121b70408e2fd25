"""Workflow step: send the circuit to the provider, at most once."""

from typing import Any

from qcos import wiring
from qcos.entry import entry


@entry(wiring.execute)
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    return wiring.execute()(event["tenant"], event["job_id"], event["attempt"])
