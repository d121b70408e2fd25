"""One line on a terminal, rewritten in place, that says how far a search has come."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from qcos_optimizer.progress import Progress

WIDTH = 80
"""Of a terminal that does not say how wide it is, in characters."""


@contextmanager
def progress_line() -> Iterator[Callable[[Progress], None] | None]:
    """What shows progress on standard error, or None if that is no terminal; afterwards the line is gone."""
    if not sys.stderr.isatty():
        yield None
        return
    begun = time.monotonic()
    # What a line has beyond the edge stands on the next and stays there.
    room = (os.get_terminal_size(sys.stderr.fileno()).columns or WIDTH) - 1

    def show(made: Progress) -> None:
        text = f"{_found(made)}, {round(time.monotonic() - begun)} s"[:room]
        print(f"\r{text:<{room}}\r", end="", file=sys.stderr, flush=True)

    try:
        yield show
    finally:
        print(f"\r{'':<{room}}\r", end="", file=sys.stderr, flush=True)


def _found(made: Progress) -> str:
    if not made.candidates:
        return "no candidate yet"
    tried = "1 candidate" if made.candidates == 1 else f"{made.candidates} candidates"
    return f"{tried}, the best has {made.two_qubit_gates} two-qubit gates, depth {made.depth}"
