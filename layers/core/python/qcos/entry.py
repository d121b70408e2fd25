"""What every function that is not an HTTP handler has around it: structured logs, traces, and warming up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger()
tracer = Tracer()

Handler = Callable[[dict[str, Any], Any], Any]


def entry(prepare: Callable[[], object]) -> Callable[[Handler], Handler]:
    """Wrap a Lambda handler. ``{"warm": true}`` builds what it needs (``prepare``) and does nothing else.

    Events are never logged: they may carry task tokens.
    """

    def around(handler: Handler) -> Handler:
        traced = tracer.capture_lambda_handler(handler, capture_response=False)

        @logger.inject_lambda_context
        @wraps(handler)
        def run(event: dict[str, Any], context: Any) -> Any:
            if event.get("warm") is True:
                prepare()
                return {"warm": True}
            answer = traced(event, context)
            logger.info("done", extra={"answer": answer} if isinstance(answer, dict) else {})
            return answer

        return run

    return around


def counted(counts: Mapping[str, int]) -> dict[str, int]:
    """``counts``, once each is a metric: ``waits_sent`` as WaitsSent, of the service that is the function."""
    metrics = Metrics(namespace="qcos")
    for name, count in counts.items():
        metrics.add_metric("".join(part.capitalize() for part in name.split("_")), MetricUnit.Count, count)
    metrics.flush_metrics()
    return dict(counts)
