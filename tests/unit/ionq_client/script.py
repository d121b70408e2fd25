"""IonQ as a list of answers, and every way in which an answer can go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx

from qcos.adapters.ionq import IonQProvider

URL = "https://ionq.test/v0.4"
JOB = "617a1f8b-59d4-435d-aa33-695433d7155e"
HTML = b"<!doctype html><html><body><h1>Error</h1><p>secret-origin-host</p></body></html>"

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Breaking(httpx.SyncByteStream):
    """A body that breaks off."""

    def __init__(self, begin: bytes, error: Exception) -> None:
        self.begin = begin
        self.error = error

    def __iter__(self) -> Iterator[bytes]:
        yield self.begin
        raise self.error


@dataclass
class Script:
    """A transport that gives the prepared answer to each path, the last one for ever, and keeps every request."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    key: Callable[[], str] = lambda: "secret-key"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path.removeprefix("/v0.4")
        prepared = self.answers.get(path)
        if prepared is None:
            return httpx.Response(404, json={"statusCode": 404, "error": "Not Found Error", "message": "absent"})
        answer = prepared.pop(0) if len(prepared) > 1 else prepared[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            return answer
        return answer(request)

    def provider(self, *, timeout_s: float = 30.0) -> IonQProvider:
        return IonQProvider(
            URL, self.key, timeout_s=timeout_s, transport=httpx.MockTransport(self), sleep=self.pauses.append
        )

    def count(self, method: str) -> int:
        return sum(request.method == method for request in self.requests)


def error(status: int, **more: object) -> Answer:
    """IonQ's own error object."""
    return lambda _: httpx.Response(
        status, json={"statusCode": status, "error": f"Error {status}", "message": "provider words", **more}
    )


def html(status: int, server: str = "cloudflare") -> Answer:
    """A proxy's page."""
    return lambda _: httpx.Response(
        status, content=HTML, headers={"Server": server, "Content-Type": "text/html; charset=UTF-8"}
    )


def half_body(status: int = 200) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        broken = httpx.RemoteProtocolError("peer closed connection without sending complete message body")
        return httpx.Response(status, stream=Breaking(b'{"id": "617a1f8b', broken), request=request)

    return answer


def stalled_body(status: int = 200) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, stream=Breaking(b"{", httpx.ReadTimeout("stalled")), request=request)

    return answer


def body(content: bytes, status: int = 200) -> Answer:
    return lambda _: httpx.Response(status, content=content)


FAULTS: dict[str, Answer] = {
    **{f"json {status}": error(status) for status in (400, 401, 402, 403, 404, 409, 413, 422, 429)},
    **{f"json {status}": error(status) for status in (408, 499, 500, 502, 503, 504)},
    **{f"html {status}": html(status) for status in (400, 403, 409, 429, 502, 503, 520, 521, 522, 524, 525, 529)},
    "redirect": lambda _: httpx.Response(307, headers={"Location": "https://elsewhere.test/v0.4/jobs"}),
    "connect error": httpx.ConnectError("refused"),
    "connect timeout": httpx.ConnectTimeout("no route"),
    "pool timeout": httpx.PoolTimeout("busy"),
    "proxy error": httpx.ProxyError("407"),
    "read timeout": httpx.ReadTimeout("silence"),
    "write timeout": httpx.WriteTimeout("stuck"),
    "write error": httpx.WriteError("broken pipe"),
    "reset": httpx.ReadError("connection reset by peer"),
    "no response": httpx.RemoteProtocolError("Server disconnected without sending a response."),
    "half body": half_body(),
    "stalled body": stalled_body(),
    "bad json": body(b'{"id": '),
    "html 200": html(200),
    "empty": body(b""),
    "null": body(b"null"),
    "array of nothing": body(b"[null]"),
    "not a number": body(b'{"id": NaN}'),
    "not utf-8": body(b"\xff\xfe\x00"),
    "deep": body(b"[" * 200_000),
    "bad encoding": lambda _: httpx.Response(200, headers={"Content-Encoding": "gzip"}, content=b"not gzip"),
}
