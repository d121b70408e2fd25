"""Every few minutes: find waits, workflows and cancellations that were lost on their way, and send them on."""

from typing import Any

from qcos import wiring
from qcos.entry import counted, entry


@entry(wiring.sweep)
def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    return counted(wiring.sweep()(wiring.tenant()))
