"""One connection to the API: requests that are repeated where that is safe, answers as data or as exceptions."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import httpx

TRIES = 4
"""How often a request that may be repeated is sent at most."""

MAX_PAUSE_S = 20.0
"""No pause between two tries is longer, whatever a server asks for."""

_PASSING = frozenset({429, 500, 502, 503, 504})


class ApiError(Exception):
    """The API refused; ``status`` is HTTP's, ``code``, ``message`` and ``details`` are the API's own."""

    def __init__(self, status: int, code: str, message: str, details: list[dict[str, Any]] | None = None) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.details = details or []


class NoAnswer(ApiError):
    """Nothing came back that could be an answer of the API; ``status`` is 0 if nothing came back at all."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(status, "NO_ANSWER", message)


class Connection:
    """The server at ``url``, asked with the API key ``key``; links that lead elsewhere are followed without it.

    An answer may take ``timeout_s`` seconds; ``sleep`` waits between two tries, in seconds, and ``transport`` replaces
    the network.

    Raises:
        ValueError: the address or the key cannot be used.
    """

    def __init__(
        self,
        url: str,
        key: str | None,
        *,
        timeout_s: float,
        transport: httpx.BaseTransport | None,
        sleep: Callable[[float], None],
    ) -> None:
        if key is not None and not (key.isascii() and key.isprintable() and key.strip() == key != ""):
            raise ValueError("the API key is empty or holds characters that no key has")
        try:
            address = httpx.URL(url)
        except httpx.InvalidURL:
            address = httpx.URL("")
        if address.scheme not in ("http", "https") or not address.host:
            raise ValueError(f"{url!r} is not a usable address; it must begin with http:// or https://")
        self._sleep = sleep
        self._http = httpx.Client(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=timeout_s,
            transport=transport,
        )
        self._links = httpx.Client(timeout=timeout_s, transport=transport)

    def close(self) -> None:
        """Give the connection back."""
        self._http.close()
        self._links.close()

    def post_once(self, path: str, body: Mapping[str, Any] | None) -> httpx.Response:
        """The answer to a request that must not be repeated.

        Raises:
            NoAnswer: none came; the message says whether anything was sent.
        """
        try:
            return self._http.post(path, json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as problem:
            raise NoAnswer(
                f"{self._http.base_url} cannot be reached; nothing was sent. Is the address right?"
            ) from problem
        except httpx.HTTPError as problem:
            raise NoAnswer(
                f"{self._http.base_url} gave no answer. The request may have taken effect: look before you repeat it."
            ) from problem

    def patiently(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        elsewhere: bool = False,
    ) -> httpx.Response:
        """The answer to a request that may be repeated: it then does what it does once.

        ``path`` is a whole address where the request goes ``elsewhere``, without the API key.

        Raises:
            NoAnswer: none came, however often it was sent.
        """
        http = self._links if elsewhere else self._http
        for attempt in range(1, TRIES + 1):
            asked_pause = 0.0
            try:
                response = http.request(method, path, params=query, json=body, headers=headers)
            except httpx.HTTPError as problem:
                if attempt == TRIES:
                    where = "The link's storage" if elsewhere else http.base_url
                    raise NoAnswer(f"{where} cannot be reached. Is the address right?") from problem
            else:
                passing = response.status_code in _PASSING or "Retry-After" in response.headers
                if not passing or attempt == TRIES:
                    return response
                asked_pause = _retry_after(response)
            backoff = random.uniform(0.5, 1.0) * 2 ** (attempt - 1)
            self._sleep(min(MAX_PAUSE_S, max(asked_pause, backoff)))
        raise AssertionError("the last try returns or raises")


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0


def content(response: httpx.Response) -> bytes:
    """The bytes of a file.

    Raises:
        ApiError: it is an error of the API.
        NoAnswer: it is another answer than a file.
    """
    if response.status_code != 200:
        document(response)
        raise _strange(response)
    return response.content


def enveloped(response: httpx.Response) -> dict[str, Any]:
    """The ``data`` of a successful answer.

    Raises:
        ApiError: it is an error of the API.
        NoAnswer: it has no envelope.
    """
    data = document(response).get("data")
    if not isinstance(data, dict):
        raise _strange(response)
    return data


def document(response: httpx.Response) -> dict[str, Any]:
    """The answer's JSON object.

    Raises:
        ApiError: it is an error of the API.
        NoAnswer: it is nothing of the API's at all.
    """
    try:
        found = response.json()
    except ValueError:
        found = None
    if isinstance(found, dict):
        if response.is_success and found.get("success") is not False:
            return found
        error = found.get("error")
        if isinstance(error, dict) and isinstance(error.get("code"), str):
            raise ApiError(
                response.status_code, error["code"], str(error.get("message", "")), list(error.get("details") or [])
            )
    raise _strange(response)


def _strange(response: httpx.Response) -> NoAnswer:
    address = response.url.copy_with(query=None)
    return NoAnswer(f"{address} answered HTTP {response.status_code}, and not as this API does", response.status_code)
