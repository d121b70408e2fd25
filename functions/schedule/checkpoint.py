"""Every few minutes, and when a request needs it: sign and publish a checkpoint of the log if it grew."""

from typing import Any

from qcos import wiring
from qcos.entry import entry
from qcos.wiring.signing import checkpoint


@entry(checkpoint)
def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    return checkpoint()(wiring.tenant())
