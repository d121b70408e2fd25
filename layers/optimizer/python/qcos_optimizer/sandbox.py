"""Optimizing text from strangers in a process of its own, with limits, and with nothing worth stealing in it."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from .choices import check_choices
from .errors import CircuitError, TooComplex
from .targets import target as find_target

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

    def run(self, job: bytes, seconds: float) -> bytes:
        """The answer to ``job``; raises :class:`TooComplex` if none comes in time or the process breaks."""
        try:
            answer, _ = self.process.communicate(job, timeout=seconds)
        except subprocess.TimeoutExpired:
            raise TooComplex(_TOO_MUCH) from None
        finally:
            self.end()
        if self.process.returncode != 0:
            raise TooComplex(_TOO_MUCH)
        return answer

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
    seconds: float = 60.0,
    memory_bytes: int = 2 * 2**30,
) -> dict[str, Any]:
    """:func:`qcos_optimizer.optimize` on OpenQASM text from a stranger; the answer is ``Optimized.to_dict()``.

    The work is done by a process that has no secrets in its environment, an empty directory, no right to write files,
    ``memory_bytes`` of address space and ``seconds`` of wall-clock and processor time, and that is killed after this
    one job. Two thirds of the time go to the search; what is best by then is the answer. Raises :class:`CircuitError`
    for a bad circuit, :class:`TooComplex` for one that passes a limit or breaks the process, :class:`UnknownTarget`,
    and ValueError for a level, objective, seed, budget or mode there is not.
    """
    find_target(target)
    check_choices(level, objective, seed, budget, mode)
    deadline = time.monotonic() + seconds
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
        answer = _spare.take().run(job, max(0.0, deadline - time.monotonic()))
    finally:
        _spare.refill()
    try:
        document = json.loads(answer)
        error = document.get("error")
        optimized = document.get("optimized")
    except (ValueError, AttributeError):
        raise TooComplex(_TOO_MUCH) from None
    if isinstance(error, dict):
        raise CircuitError(str(error["message"]), str(error["rule"]))
    if not isinstance(optimized, dict):
        raise TooComplex(_TOO_MUCH)
    return optimized


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
