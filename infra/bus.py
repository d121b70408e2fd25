"""The tenant's event bus: whatever else wants to know of jobs subscribes here, never to the stream."""

from __future__ import annotations

from aws_cdk import aws_events as events
from constructs import Construct


class Bus(Construct):
    """An EventBridge bus on which the relay publishes every job event."""

    def __init__(self, scope: Construct, construct_id: str, *, tenant: str) -> None:
        super().__init__(scope, construct_id)
        self.bus = events.EventBus(self, "Bus", event_bus_name=f"qcos-{tenant}", description="Job events of QCOS")
