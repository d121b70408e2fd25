"""What surrounds every request: its log line, planned faults, the size limit, the key and the request id.

This is the outermost ASGI application. Faults and the log are for tests and are reached under ``/__admin``, only from
this machine.
"""

import asyncio
import hashlib
import hmac
import json
import uuid
from collections import deque
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.local.ionq.errors import ApiError, bad_request, error_body, unauthorized

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_LOG_ENTRIES = 10_000
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PUBLIC = ("/v0.4/backends", "/v0.4/backends/*")


@dataclass
class Fault:
    """One planned misbehaviour for the next ``times`` requests that match.

    ``status`` answers that status with ``body`` (default: the official error body) instead of serving; ``drop``
    closes the connection without an answer, ``before`` or ``after`` the request was served; ``delay_s`` waits first.
    """

    method: str
    path: str
    times: int = 1
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: str | None = None
    delay_s: float = 0.0

    @classmethod
    def parse(cls, value: Any) -> "Fault":
        """Read one element of ``faults``; 400 when it is not understood."""
        known = {"match", "times", "status", "body", "headers", "drop", "delay_s"}
        if not isinstance(value, dict) or set(value) - known:
            raise bad_request(f"A fault is an object with {', '.join(sorted(known))}", "faults")
        match = value.get("match", {})
        if not isinstance(match, dict) or not all(isinstance(pattern, str) for pattern in match.values()):
            raise bad_request("'match' holds a method and a path", "faults.match")
        for key, kind in (("times", int), ("status", int), ("headers", dict), ("delay_s", int | float)):
            if key in value and not isinstance(value[key], kind):
                raise bad_request(f"'{key}' has the wrong type", f"faults.{key}")
        fault = cls(match.get("method", "*"), match.get("path", "*"), **{k: value[k] for k in value if k != "match"})
        if fault.drop not in (None, "before", "after"):
            raise bad_request("'drop' is 'before' or 'after'", "faults.drop")
        if fault.status is None and fault.drop is None and not fault.delay_s:
            raise bad_request("A fault needs a status, a drop or a delay_s", "faults")
        return fault

    def matches(self, method: str, path: str) -> bool:
        """Whether it is for this request; ``*`` in ``path`` stands for anything."""
        return self.times > 0 and self.method in ("*", method) and fnmatchcase(path, self.path)

    def body_to_send(self) -> dict[str, str]:
        """This fault as the administrator reads it."""
        return {key: value for key, value in vars(self).items() if value}


class Gateway:
    """The outermost application; ``application`` serves what passes.

    With ``api_key`` only that key is accepted, without it any key that is not empty.
    """

    def __init__(self, application: ASGIApp, api_key: str | None) -> None:
        self._application = application
        self._api_key = api_key
        self.faults: list[Fault] = []
        self.log: deque[dict[str, Any]] = deque(maxlen=MAX_LOG_ENTRIES)
        self.transports: dict[Any, asyncio.BaseTransport] = {}
        """Open connections by the client's address; the server keeps it up to date."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        administrative = scope["path"].startswith("/__admin")
        try:
            await exchange.read_body()
            if administrative:
                _require_loopback(exchange)
            else:
                if await self._misbehave(exchange, scope):
                    return
                self._authorize(exchange)
            await self._application(scope, exchange.replay, exchange.forward)
        except ApiError as error:
            await exchange.answer(error.status, error.body(), error.headers)
        finally:
            if not administrative:
                self.log.append(exchange.log_entry())

    async def _misbehave(self, exchange: "_Exchange", scope: Scope) -> bool:
        """Play the first fault that matches; True when the request is over."""
        fault = next((fault for fault in self.faults if fault.matches(exchange.method, exchange.path)), None)
        if fault is None:
            return False
        fault.times -= 1
        if fault.times <= 0:
            self.faults.remove(fault)
        await asyncio.sleep(fault.delay_s)
        if fault.drop is not None:
            if fault.drop == "after":
                self._authorize(exchange)
                await self._application(scope, exchange.replay, exchange.swallow)
            await self._hang_up(exchange)
            return True
        if fault.status is not None:
            body = error_body(fault.status) if fault.body is None else fault.body
            await exchange.answer(fault.status, body, fault.headers)
            return True
        return False

    def _authorize(self, exchange: "_Exchange") -> None:
        if exchange.method == "GET" and any(fnmatchcase(exchange.path, public) for public in _PUBLIC):
            last = exchange.path.rpartition("/")[2]
            # Reading one characterisation needs a key, listing them does not.
            if exchange.path.count("/") <= 3 or last == "characterizations":
                return
        scheme, _, key = exchange.header("authorization").strip().partition(" ")
        key = key.strip()
        if scheme.lower() != "apikey" or not key:
            raise unauthorized()
        if self._api_key is not None and not hmac.compare_digest(key.encode(), self._api_key.encode()):
            raise unauthorized()

    async def _hang_up(self, exchange: "_Exchange") -> None:
        """Close the connection; the server then sends nothing, because its client is gone."""
        transport = self.transports.get(exchange.client)
        if transport is None:
            raise RuntimeError("the connection of this request is not known")
        transport.close()
        while (await exchange.receive())["type"] != "http.disconnect":
            continue


class _Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.receive = receive
        self._send = send
        self.method = str(scope["method"])
        self.path = str(scope["path"])
        self.client = scope.get("client")
        self._query: bytes = scope["query_string"]
        self._headers: dict[str, str] = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        self._request_id = str(uuid.uuid4())
        self._body = b""
        self._digest = hashlib.sha256()
        self._replayed = False
        self._status: int | None = None

    def header(self, name: str) -> str:
        """A request header, empty when absent."""
        return self._headers.get(name, "")

    async def read_body(self) -> None:
        """Read the whole body, keeping no more than is allowed; 413 above."""
        size, more = 0, True
        chunks: list[bytes] = []
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                return
            chunk = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(chunk)
            self._digest.update(chunk)
            if size <= MAX_BODY_BYTES:
                chunks.append(chunk)
            else:
                chunks.clear()  # read on, so that the client can read the answer
        if size > MAX_BODY_BYTES:
            raise ApiError(413, f"The request body is limited to {MAX_BODY_BYTES} bytes")
        self._body = b"".join(chunks)

    async def replay(self) -> Message:
        """ASGI receive for the application behind."""
        if self._replayed:
            return await self.receive()
        self._replayed = True
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def forward(self, message: Message) -> None:
        """ASGI send for the application behind: adds the request id."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            message["headers"] = [*message.get("headers", []), (b"x-request-id", self._request_id.encode())]
        await self._send(message)

    async def swallow(self, _message: Message) -> None:
        """ASGI send that keeps the answer from the client."""

    async def answer(self, status: int, body: Any, headers: dict[str, str]) -> None:
        """Send a JSON answer; a string body is sent as it is."""
        content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        lines = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        lines += [(name.lower().encode(), str(value).encode()) for name, value in headers.items()]
        await self.forward({"type": "http.response.start", "status": status, "headers": lines})
        await self._send({"type": "http.response.body", "body": content})

    def log_entry(self) -> dict[str, Any]:
        """What the log keeps; ``status`` is None when no answer was sent."""
        return {
            "method": self.method,
            "path": self.path,
            "query": self._query.decode("latin-1"),
            "status": self._status,
            "body_sha256": self._digest.hexdigest(),
            "request_id": self._request_id,
        }


def _require_loopback(exchange: _Exchange) -> None:
    host = exchange.header("host").rpartition(":")[0].strip("[]")
    if exchange.client is None or exchange.client[0] not in _LOOPBACK or host not in _LOOPBACK:
        raise ApiError(403, "Only this machine may administer the emulator")
