"""SIGINT and SIGTERM as one exception, so that whatever is running is taken down by the code that put it up."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator


class Stopped(BaseException):
    """SIGINT or SIGTERM came. Not an Exception: nothing on the way may take it for an error it can handle."""


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[None]:
    """Raise ``Stopped`` in the main thread at the first signal; further ones do not interrupt the clean-up."""
    numbers = (signal.SIGINT, signal.SIGTERM)

    def stop(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
