"""Workflow step: optimize and verify the circuit."""

from typing import Any

from qcos.entry import entry
from qcos.wiring.transpiling import transpile


@entry(transpile)
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    return transpile()(event["tenant"], event["job_id"], event["attempt"])
