"""Optimizing text from strangers in a process of its own, with limits, and with nothing worth stealing in it."""

from __future__ import annotations

import atexit
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .choices import check_choices
from .errors import CircuitError, TooComplex
from .progress import Progress
from .targets import target as find_target

SECONDS = {0: 300.0, 1: 300.0, 2: 900.0, 3: 3600.0}
"""What a job may take at each level if nobody says otherwise. A third of it is for candidates: with 2,000 gates the
search comes to its own end in that, even on a machine several times slower than where it was measured."""

MAX_ANSWER_BYTES = 100_000_000
MAX_LINES = 10_000
"""An honest child says less: a broken one is not listened to for ever."""

TICK_SECONDS = 1.0

_TOO_MUCH = "the circuit needs more time or memory than a job may use; make it smaller or lower the level"


@dataclass(slots=True)
class _Child:
    """A process that has imported Qiskit, or is about to, and serves one job."""

    process: subprocess.Popen[bytes]
    directory: str

    @classmethod
    def start(cls) -> _Child:
        directory = tempfile.mkdtemp(prefix="qcos-optimizer-")
        try:
            process = subprocess.Popen(
                # -P: no module is ever taken from the working directory. -B: the child may write no file.
                [sys.executable, "-P", "-B", "-m", "qcos_optimizer.child"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=directory,
                env=_environment(directory),
                start_new_session=True,
            )
        except BaseException:
            shutil.rmtree(directory, ignore_errors=True)
            raise
        return cls(process, directory)

    def run(self, job: bytes, deadline: float, hear: Callable[[bytes | None], object]) -> bytes:
        """The answer to ``job``: what follows the last line.

        ``hear`` is given every line before it, and None whenever a second has passed without one. Raises
        :class:`TooComplex` if the process breaks, or has not ended by ``deadline`` (``time.monotonic``).
        """
        try:
            answer = self._talk(job, deadline, hear)
            self.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise TooComplex(_TOO_MUCH) from None
        finally:
            self.end()
        if self.process.returncode != 0:
            raise TooComplex(_TOO_MUCH)
        return answer

    def _talk(self, job: bytes, deadline: float, hear: Callable[[bytes | None], object]) -> bytes:
        """As :meth:`run`, until the process has closed its output."""
        given, said = self.process.stdin, self.process.stdout
        assert given is not None
        assert said is not None
        # Nothing here waits but ``select``: a process that left the group could hold a pipe open beyond the deadline.
        os.set_blocking(given.fileno(), False)
        unsent, answer, lines = memoryview(job), bytearray(), 0
        with selectors.DefaultSelector() as pipes:
            pipes.register(given, selectors.EVENT_WRITE)
            pipes.register(said, selectors.EVENT_READ)
            while True:
                left = deadline - time.monotonic()
                if left <= 0 or lines > MAX_LINES or len(answer) > MAX_ANSWER_BYTES:
                    raise TooComplex(_TOO_MUCH)
                ready = {key.fileobj for key, _ in pipes.select(min(TICK_SECONDS, left))}
                if not ready:
                    hear(None)
                if given in ready:
                    try:
                        unsent = unsent[os.write(given.fileno(), unsent) :]
                    except BrokenPipeError:
                        unsent = unsent[:0]  # its status will tell
                    if not unsent:
                        pipes.unregister(given)
                        given.close()
                if said in ready:
                    piece = os.read(said.fileno(), 1 << 16)
                    if not piece:
                        return bytes(answer)
                    head, end, rest = piece.rpartition(b"\n")
                    if end:
                        for line in bytes(answer + head).split(b"\n"):
                            hear(line)
                            lines += 1
                        answer.clear()
                    answer += rest

    def end(self) -> None:
        """Kill the process and all it may have started, and remove its directory."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class _Spare:
    """At most one child in waiting."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._closed = False

    def take(self) -> _Child:
        """The spare if it lives, else a new child."""
        with self._lock:
            child, self._child = self._child, None
        if child is not None and child.process.poll() is None:
            return child
        if child is not None:
            child.end()
        return _Child.start()

    def refill(self) -> None:
        """Start the next spare, so that it warms up while nobody waits."""
        with self._lock:
            if self._child is None and not self._closed:
                with suppress(OSError):
                    self._child = _Child.start()

    def close(self) -> None:
        """End the spare and keep no other: called at exit."""
        with self._lock:
            self._closed = True
            child, self._child = self._child, None
        if child is not None:
            child.end()

    def forget(self) -> None:
        """In a forked process: the spare is the parent's. Its pipes are let go, or it would outlive the parent."""
        self._lock = threading.Lock()
        child, self._child = self._child, None
        if child is not None:
            for pipe in (child.process.stdin, child.process.stdout):
                if pipe is not None:
                    pipe.close()
            child.process.returncode = 0


_spare = _Spare()
atexit.register(_spare.close)
os.register_at_fork(after_in_child=_spare.forget)


def optimize_in_child(
    qasm: str,
    target: str,
    level: int = 2,
    *,
    objective: str = "two_qubit_gates",
    seed: int = 0,
    budget: int | None = None,
    mode: str = "unitary",
    seconds: float | None = None,
    memory_bytes: int = 2 * 2**30,
    progress: Callable[[Progress], object] | None = None,
) -> dict[str, Any]:
    """:func:`qcos_optimizer.optimize` on OpenQASM text from a stranger; the answer is ``Optimized.to_dict()``.

    The work is done by a process that has no secrets in its environment, an empty directory, no right to write files,
    ``memory_bytes`` of address space and ``seconds`` of wall-clock and processor time (None: those of :data:`SECONDS`),
    and that is killed after this one job, or when this call is interrupted. Two thirds of the time go to the search,
    half of that to candidates; what is best by then is the answer, and its ``search_complete`` is false.

    ``progress`` is called after each candidate and, whenever a second passes without one, with the same again; what it
    is told is the process's own word. Raises :class:`CircuitError` for a bad circuit, :class:`TooComplex` for one that
    passes a limit or breaks the process, :class:`UnknownTarget`, and ValueError for a level, objective, seed, budget or
    mode there is not.
    """
    find_target(target)
    check_choices(level, objective, seed, budget, mode)
    deadline = time.monotonic() + (SECONDS[level] if seconds is None else seconds)
    so_far = Progress()

    def hear(line: bytes | None) -> None:
        nonlocal so_far
        if line is not None:
            try:
                so_far = Progress.from_line(line)
            except ValueError:
                raise TooComplex(_TOO_MUCH) from None
        if progress is not None:
            progress(so_far)

    job = json.dumps(
        {
            "qasm": qasm,
            "target": target,
            "level": level,
            "objective": objective,
            "seed": seed,
            "budget": budget,
            "mode": mode,
            # The clock runs while a new child still imports; it is the same clock in all processes of a machine.
            "deadline": deadline,
            "memory_bytes": memory_bytes,
        }
    ).encode()
    try:
        answer = _spare.take().run(job, deadline, hear)
    finally:
        _spare.refill()
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        raise TooComplex(_TOO_MUCH) from None
    match document:
        case {"error": {"message": str(message), "rule": str(rule)}}:
            raise CircuitError(message, rule)
        case {"optimized": dict(optimized)}:
            return optimized
    raise TooComplex(_TOO_MUCH)


def _environment(directory: str) -> dict[str, str]:
    """All the child gets to see: where code is, and one thread each for the libraries that would start many."""
    return {
        "HOME": directory,
        "LANG": "C.UTF-8",
        # Qiskit's allocator would reserve 1 GiB of address space at once, which is what the memory limit counts.
        "MALLOC_ARENA_MAX": "1",
        "MIMALLOC_ARENA_RESERVE": "64MiB",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "QISKIT_PARALLEL": "FALSE",
        "RAYON_NUM_THREADS": "1",
    }
