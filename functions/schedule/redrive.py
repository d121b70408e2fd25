"""Every quarter of an hour, or when an operator says so: give parked events to their stream readers again."""

from typing import Any

from qcos import wiring
from qcos.entry import counted, entry


@entry(wiring.redrive)
def handler(event: dict[str, Any], context: object) -> dict[str, int]:
    return counted(wiring.redrive()())
