"""Stream reader: bring the list rows of every job in the batch up to its log."""

from typing import Any

from qcos import wiring
from qcos.entry import entry


@entry(wiring.project)
def handler(event: dict[str, Any], context: object) -> None:
    events = wiring.readable(event["Records"], "project")
    for tenant, job_id in dict.fromkeys((one.tenant, one.stream_id) for one in events):
        wiring.project()(tenant, job_id)
