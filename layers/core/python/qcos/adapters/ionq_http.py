"""The connection to IonQ's API: what is sent once, what is repeated, and the bounds on every answer."""

from __future__ import annotations

import random
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import httpx

TRIES = 3
MAX_PAUSE_S = 2.0
READ_S = 6.0
"""A whole try of an ordinary read; three and their pauses stay inside an API gateway's 29 seconds."""

RESULT_S = 30.0
ANSWER_BYTES = 16 << 20
RESULT_BYTES = 96 << 20
"""Room for a million outcomes and their probabilities, three times over."""

_LOCAL = frozenset({"127.0.0.1", "::1", "localhost"})

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
"""Raised before a byte of the request was sent (a proxy error: the tunnel was not made)."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer, read to its end."""

    status: int
    headers: httpx.Headers
    body: bytes


class KeyUnavailable(Exception):
    """There is no API key to send; nothing was sent."""


class NotSent(Exception):
    """No connection was made; nothing was sent."""


class NoAnswer(Exception):
    """No whole answer came to what was sent; ``status`` is that of a refusal, 0 where there was none."""

    def __init__(self, why: str, *, status: int = 0) -> None:
        super().__init__(why)
        self.status = status


class _TooLarge(Exception):
    """An answer grew over its limit."""


class Connection:
    """HTTP to one root address. Safe to use from several threads.

    ``api_key`` is called for every request, so that a key can be rotated under a running process.

    Raises:
        ValueError: ``url`` is not an HTTP address that ends in ``/v0.4``.
    """

    def __init__(
        self,
        url: str,
        api_key: Callable[[], str],
        *,
        timeout_s: float,
        transport: httpx.BaseTransport | None,
        sleep: Callable[[float], None],
    ) -> None:
        self.url = httpx.URL(url.rstrip("/"))
        if self.url.scheme not in ("http", "https") or not self.url.host or not self.url.path.endswith("/v0.4"):
            raise ValueError("the IonQ address must be http(s) and end in /v0.4")
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._sleep = sleep

        def client(idle_connections: int) -> httpx.Client:
            return httpx.Client(
                headers={"User-Agent": _user_agent(), "Accept": "application/json", "Accept-Encoding": "identity"},
                limits=httpx.Limits(max_keepalive_connections=idle_connections),
                verify=_trusted_authorities(),
                transport=transport,
                # A proxy of the environment is meant for the outside, not for an emulator on this machine.
                trust_env=self.url.host not in _LOCAL,
            )

        self._reads = client(4)
        # An idle connection may be dead without anybody having noticed: a frozen Lambda wakes up with one. A read on
        # it is repeated, but the outcome of a submission on it would be unknown, so submissions never reuse one.
        self._submissions = client(0)

    def close(self) -> None:
        """Close the connections."""
        self._reads.close()
        self._submissions.close()

    def post_once(self, path: str, body: bytes) -> Answer:
        """One POST of JSON, whatever happens; the answer, whatever its status.

        Raises:
            KeyUnavailable, NotSent: not a byte was sent.
            NoAnswer: some or all of it was sent and no whole answer came.
        """
        request = self._submissions.build_request(
            "POST",
            f"{self.url}{path}",
            content=body,
            headers={"Content-Type": "application/json", "Authorization": self._authorization()},
            timeout=httpx.Timeout(self._timeout_s, connect=min(5.0, self._timeout_s)),
        )
        try:
            return _exchange(self._submissions, request, ANSWER_BYTES, self._timeout_s)
        except _NEVER_SENT as error:
            raise NotSent(type(error).__name__) from error
        except (httpx.HTTPError, httpx.StreamError, _TooLarge) as error:
            raise NoAnswer(type(error).__name__) from error

    def read(
        self,
        path: str,
        *,
        method: str = "GET",
        params: dict[str, Any] | None = None,
        limit: int = ANSWER_BYTES,
        seconds: float = READ_S,
    ) -> bytes:
        """The body of a 2xx answer to a request that may be repeated, after at most three tries.

        A ``Retry-After`` of at most two seconds is waited for; a longer one ends the tries, because asking sooner
        than the server wants would only be refused again.

        Raises:
            NoAnswer: there was none.
        """
        for attempt in range(1, TRIES + 1):
            pause_s = random.uniform(0.05, 0.25 * 2**attempt)
            try:
                answer = self._try(path, method, params, limit, min(seconds, self._timeout_s))
            except (httpx.HTTPError, httpx.StreamError) as error:
                failure = NoAnswer(type(error).__name__)
            except _TooLarge:
                raise NoAnswer(f"the answer is over {limit} bytes") from None
            except KeyUnavailable as error:
                raise NoAnswer("the service could not read its API key") from error
            else:
                if 200 <= answer.status < 300:
                    return answer.body
                failure = NoAnswer(f"HTTP {answer.status}", status=answer.status)
                pause_s = max(pause_s, _retry_after(answer.headers))
                # 409 is Cloudflare's for a name that it could not resolve just now.
                if (answer.status < 500 and answer.status not in (408, 409, 429)) or pause_s > MAX_PAUSE_S:
                    raise failure
            if attempt < TRIES:
                self._sleep(pause_s)
        raise failure

    def _try(self, path: str, method: str, params: dict[str, Any] | None, limit: int, seconds: float) -> Answer:
        request = self._reads.build_request(
            method,
            f"{self.url}{path}",
            params=params,
            headers={"Authorization": self._authorization()},
            timeout=httpx.Timeout(seconds, connect=min(3.0, seconds)),
        )
        return _exchange(self._reads, request, limit, seconds)

    def _authorization(self) -> str:
        try:
            key = self._api_key().strip()
        except Exception as error:
            raise KeyUnavailable from error
        if not key or not key.isascii() or not key.isprintable():
            raise KeyUnavailable("the key is empty or cannot stand in a header")
        return f"apiKey {key}"


@cache
def _trusted_authorities() -> ssl.SSLContext:
    """The certificate authorities that are trusted; reading them takes longer than a request."""
    return httpx.create_ssl_context()


def _user_agent() -> str:
    try:
        return f"qcos/{version('qcos-core-api')}"
    except PackageNotFoundError:  # run from a layer, which carries no package metadata
        return "qcos"


def _exchange(client: httpx.Client, request: httpx.Request, limit: int, seconds: float) -> Answer:
    """Send ``request`` once; its answer, of at most ``limit`` bytes and within ``seconds``."""
    end = time.monotonic() + seconds
    response = client.send(request, stream=True)
    try:
        body = bytearray()
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > limit:
                raise _TooLarge
            # The client's own timeout bounds each wait for bytes, not their sum.
            if time.monotonic() > end:
                raise httpx.ReadTimeout("the whole answer took too long", request=request)
        return Answer(response.status_code, response.headers, bytes(body))
    finally:
        response.close()


def _retry_after(headers: httpx.Headers) -> float:
    """The seconds of ``Retry-After``, 0 without; its date form, which IonQ does not send, counts as absent."""
    value = headers.get("retry-after", "")
    return float(value) if re.fullmatch(r"[0-9]{1,6}", value) else 0.0
