"""The edge to Lambda: an API Gateway event in, the application's answer out, one log line and three numbers each."""

from __future__ import annotations

import asyncio
import atexit
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.metrics import MetricUnit
from fastapi import FastAPI
from mangum import Mangum

from qcos.http.app import REQUEST_ID

Handler = Callable[[dict[str, Any], Any], dict[str, Any]]

SHOWN_PATH = 200
"""At most so many characters of a path are logged."""

# Mangum runs requests on the thread's current loop, which from Python 3.12 nobody makes unasked.
_LOOP = asyncio.new_event_loop()
atexit.register(_LOOP.close)

_recent: deque[float] = deque(maxlen=100)

logger = Logger()
tracer = Tracer()
metrics = Metrics(namespace="qcos")


def handler(app: FastAPI, *, warm: str, prepare: Sequence[Callable[[], object]]) -> Handler:
    """The Lambda handler of ``app``.

    ``warm`` is a path that needs an API key: it is asked for once, without one, so that what the first request
    would pay for (about 50 ms) is paid while the function starts, and no use case is touched.
    ``{"warm": true}`` builds what requests will need (``prepare``) and does nothing else.
    """
    asyncio.set_event_loop(_LOOP)
    asgi = Mangum(app, lifespan="off")
    _ask(asgi, _warm_up(warm), None)

    # Neither answers nor exceptions go into traces: they may hold what a tenant computed.
    @logger.inject_lambda_context(log_event=False)
    @tracer.capture_lambda_handler(capture_response=False, capture_error=False)
    @metrics.log_metrics(capture_cold_start_metric=True)
    def answer(event: dict[str, Any], context: Any) -> dict[str, Any]:
        started = time.perf_counter()
        response = _ask(asgi, event, context)
        _record(event, response, 1000 * (time.perf_counter() - started))
        return response

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        if event.get("warm") is True:
            for build in prepare:
                build()
            return {"warm": True}
        result: dict[str, Any] = answer(event, context)
        return result

    return handle


def _ask(asgi: Mangum, event: dict[str, Any], context: Any) -> dict[str, Any]:
    asyncio.set_event_loop(_LOOP)
    return asgi(event, context)


def _warm_up(path: str) -> dict[str, Any]:
    return {
        "resource": path,
        "path": path,
        "httpMethod": "GET",
        "headers": {},
        "multiValueHeaders": {},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "requestContext": {"requestId": "warm-up", "identity": {}},
        "body": None,
        "isBase64Encoded": False,
    }


def average_ms(current: float) -> float:
    """Mean milliseconds of the latest 100 requests that this process answered, ``current`` among them."""
    times = [*_recent, current]
    return sum(times) / len(times)


def _record(event: Mapping[str, Any], response: Mapping[str, Any], milliseconds: float) -> None:
    """Never bodies, headers or query strings: they hold circuits and keys."""
    context = event.get("requestContext") or {}
    vouched = context.get("authorizer") or {}
    status = int(response["statusCode"])
    _recent.append(milliseconds)
    logger.info(
        "request",
        extra={
            "method": event.get("httpMethod"),
            "path": str(event.get("path"))[:SHOWN_PATH],
            "status": status,
            "duration_ms": round(milliseconds, 1),
            "request_id": response["headers"].get(REQUEST_ID.lower()),
            "gateway_request_id": context.get("requestId"),
            "tenant": vouched.get("tenant"),
            "key_id": vouched.get("key_id"),
        },
    )
    metrics.add_metric("Requests", MetricUnit.Count, 1)
    metrics.add_metric("Latency", MetricUnit.Milliseconds, milliseconds)
    if status >= 500:
        metrics.add_metric("ServerErrors", MetricUnit.Count, 1)
