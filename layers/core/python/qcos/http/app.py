"""One FastAPI application per Lambda function, all alike but for their routes."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from qcos.http import envelope, errors
from qcos.http.allowance import Allowance

if TYPE_CHECKING:
    from qcos.service.rates import Rates

TITLE = "QCOS Core API"
VERSION = "2.0"
REQUEST_ID = "X-Request-Id"

_SANE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", re.ASCII)

logger = Logger()


def application(*routers: APIRouter, rates: Callable[[], Rates]) -> FastAPI:
    """An application of these routes, with the contract's envelopes around every answer, errors of ours included.

    Where routes of two routers fit a path, the earlier router has it. ``rates`` counts what the authorizer let
    through. It serves no documentation itself: that is one document for the whole API, see :mod:`qcos.http.openapi`.
    """
    app = FastAPI(
        title=TITLE,
        version=VERSION,
        openapi_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.add_middleware(Allowance, rates=rates)
    app.add_middleware(Outermost)
    errors.install(app, [route for router in routers for route in router.routes if isinstance(route, APIRoute)])
    for router in routers:
        app.include_router(router)
    return app


class Outermost:
    """Gives every request its id, and turns what nobody expected into the contract's 500.

    Every answer gets its headers here, those of the request's ``state["headers"]`` among them.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = identify(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers.update(scope["state"].get("headers", {}))
                headers[REQUEST_ID] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except Exception as problem:  # whatever it is, its sender gets the contract's answer and we get its trace
            logger.error("unexpected exception", extra={"request_id": request_id, **errors.trace(problem)})
            if begun:
                raise
            await envelope.failure(errors.internal(), request_id)(scope, receive, answer)


def identify(scope: Scope) -> str:
    """The request's id: the sender's X-Request-Id where it is fit to be logged, else the gateway's, else a new one."""
    sent = Headers(scope=scope).get(REQUEST_ID, "")
    if _SANE_ID.fullmatch(sent):
        return sent
    context: Any = (scope.get("aws.event") or {}).get("requestContext") or {}
    given = context.get("requestId")
    return given if isinstance(given, str) and given else str(uuid.uuid4())
