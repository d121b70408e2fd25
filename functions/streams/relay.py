"""Stream reader: start workflows for new jobs and publish every event to the tenant's bus."""

from typing import Any

from qcos import wiring
from qcos.entry import entry


@entry(wiring.relay)
def handler(event: dict[str, Any], context: object) -> None:
    wiring.relay()(wiring.readable(event["Records"], "relay"))
