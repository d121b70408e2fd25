"""One HTTP address for the API: forwards to the emulator's gateway, and serves the documentation at ``/docs``.

It adds what the real gateway does and the emulator does not: bodies over 10 MB are refused, and an emulator that does
not answer is a gateway error in the API's own shape, both taken from the template.
"""

from __future__ import annotations

import contextlib
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send
from swagger_ui_bundle import swagger_ui_path

from infra.local.localise import Template

# API Gateway's limit on a request's body, bytes.
BODY_LIMIT = 10 * 1024 * 1024
# The gateway waits 29 s for a function; the emulator may first have to start one.
_TIMEOUT = httpx.Timeout(120.0)
# Headers about one connection, not about the message (RFC 9110, 7.6.1).
_HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}

# This Swagger UI reads OpenAPI 3.0 only and refuses a document that says 3.1, though it renders what ours holds.
_DOCS = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>QCOS Core API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/assets/favicon-32x32.png">
</head>
<body>
<div id="ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script>
fetch("/openapi.json").then((answer) => answer.json()).then((spec) => {
  if (spec.openapi.startsWith("3.1")) { spec.openapi = "3.0.3"; }
  SwaggerUIBundle({ spec, dom_id: "#ui", deepLinking: true, persistAuthorization: true, validatorUrl: null });
});
</script>
</body>
</html>
"""


@dataclass(frozen=True)
class GatewayResponse:
    """An error the gateway makes by itself: status, extra headers, and a template of the body."""

    status: int
    template: str
    headers: dict[str, str]
    """Where each comes from, as the gateway is told: ``'a literal'`` or ``context.requestId``."""

    def render(self) -> Response:
        """The answer, with a request id of its own."""
        request_id = secrets.token_hex(16)
        headers = {
            name: request_id if source == "context.requestId" else source.strip("'")
            for name, source in self.headers.items()
        }
        return Response(
            self.template.replace("$context.requestId", request_id),
            status_code=self.status,
            media_type="application/json",
            headers={"x-amzn-RequestId": request_id} | headers,
        )


def gateway_responses(template: Template) -> dict[str, GatewayResponse]:
    """The template's gateway responses by type, those that state their status."""
    return {
        properties["ResponseType"]: GatewayResponse(
            status=int(properties["StatusCode"]),
            template=properties["ResponseTemplates"]["application/json"],
            headers={
                name.removeprefix("gatewayresponse.header."): source
                for name, source in properties["ResponseParameters"].items()
            },
        )
        for properties in (
            resource["Properties"]
            for resource in template["Resources"].values()
            if resource["Type"] == "AWS::ApiGateway::GatewayResponse"
        )
        if "StatusCode" in properties
    }


def build(upstream: str, responses: dict[str, GatewayResponse]) -> Starlette:
    """The application that forwards to ``upstream``, the URL of the deployed stage without a slash at its end."""
    target = urlsplit(upstream)
    client = httpx.AsyncClient(timeout=_TIMEOUT, limits=httpx.Limits(max_connections=256), trust_env=False)

    async def forward(request: Request) -> Response:
        try:
            body = await _body(request)
        except _TooLarge:
            return responses["REQUEST_TOO_LARGE"].render()
        # The path as it was sent: decoding and encoding again would change what the function sees.
        raw_path: bytes = request.scope["raw_path"]
        query: bytes = request.scope["query_string"]
        url = httpx.URL(
            scheme=target.scheme,
            host=target.hostname or "",
            port=target.port,
            raw_path=target.path.encode() + raw_path + (b"?" + query if query else b""),
        )
        headers = [
            (name, value)
            for name, value in request.headers.raw
            if name.decode("latin-1") not in _HOP_BY_HOP | {"host", "content-length"}
        ]
        try:
            answer = await client.send(
                client.build_request(request.method, url, headers=headers, content=body), stream=True
            )
        except httpx.TimeoutException:
            return responses["INTEGRATION_TIMEOUT"].render()
        except httpx.TransportError:
            return responses["INTEGRATION_FAILURE"].render()
        response = StreamingResponse(_stream(answer), status_code=answer.status_code)
        response.raw_headers = [
            (name.lower(), value)
            for name, value in answer.headers.raw
            if name.decode("latin-1").lower() not in _HOP_BY_HOP
        ]
        return response

    async def docs(_request: Request) -> Response:
        return HTMLResponse(_DOCS)

    async def docs_slash(_request: Request) -> Response:
        return RedirectResponse("/docs")

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    async def anything(scope: Scope, receive: Receive, send: Send) -> None:
        # Not a route of its own: which methods a path has is for the API to say.
        response = await forward(Request(scope, receive))
        await response(scope, receive, send)

    return Starlette(
        routes=[
            Route("/docs", docs),
            Route("/docs/", docs_slash),
            Mount("/docs/assets", StaticFiles(directory=str(swagger_ui_path))),
            Mount("/", anything),
        ],
        lifespan=lifespan,
    )


class _TooLarge(Exception):
    """The body passed the limit."""


async def _body(request: Request) -> bytes:
    """The whole body; ``_TooLarge`` as soon as it is known to pass the limit."""
    if int(request.headers.get("content-length", "0")) > BODY_LIMIT:
        raise _TooLarge
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise _TooLarge
    return bytes(body)


async def _stream(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The answer's bytes as they come, still encoded as they were sent."""
    try:
        async for chunk in answer.aiter_raw():
            yield chunk
    finally:
        await answer.aclose()


def listen(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1; ``OSError`` when the port is taken. Port 0 takes a free one."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen(256)
    except OSError:
        listener.close()
        raise
    return listener


@contextlib.contextmanager
def serving(app: Starlette, listener: socket.socket) -> Iterator[None]:
    """Serve the application on a socket in a thread for as long as the block runs."""
    config = uvicorn.Config(
        app,
        log_level="warning",
        lifespan="on",
        timeout_graceful_shutdown=1,
        # The answers already carry the gateway's own.
        date_header=False,
        server_header=False,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="front")
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
