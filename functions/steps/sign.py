"""Workflow step, the last: sign the evidence and complete the job."""

from typing import Any

from qcos.entry import entry
from qcos.wiring.signing import sign


@entry(sign)
def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    return sign()(event["tenant"], event["job_id"], event["attempt"])
