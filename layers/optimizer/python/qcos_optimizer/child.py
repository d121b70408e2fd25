"""``python -m qcos_optimizer.child``: one job as JSON on standard input, its answer as JSON on standard output, after a
line for each candidate that the search tries (:class:`progress.Progress`).

Started ahead of time, it imports Qiskit first and then waits. It takes one job, limits its own memory, processor time
and clock before it looks at the circuit, and exits. It exits too when its input closes or its parent is gone. An exit
status other than 0 means that the job broke the process, however (out of memory, a panic in native code, a signal).
"""

from __future__ import annotations

import json
import math
import os
import resource
import select
import signal
import sys
import threading
import time
from typing import Any

from .errors import CircuitError

WATCH_SECONDS = 1.0


def main() -> None:
    """Serve one job."""
    parent = os.getppid()
    # Nothing a library prints may end up in the answer.
    answers = os.dup(1)
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    from .portfolio import optimize
    from .warming import warm

    warm()
    job = _read_job(parent)
    if job is None:
        return
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    seconds = max(0.0, job["deadline"] - time.monotonic())
    _limit(job["memory_bytes"], seconds)
    answer: dict[str, Any]
    try:
        made = optimize(
            job["qasm"],
            job["target"],
            job["level"],
            job["objective"],
            job["seed"],
            job["budget"],
            job["mode"],
            search_seconds=seconds * 2 / 3,
            progress=lambda made: _say(answers, made.to_line() + b"\n"),
        )
        answer = {"optimized": made.to_dict()}
    except CircuitError as error:
        answer = {"error": {"rule": error.rule, "message": error.message}}
    _say(answers, json.dumps(answer, allow_nan=False).encode())


def _say(answers: int, data: bytes) -> None:
    while data:
        data = data[os.write(answers, data) :]


def _leave_with(parent: int) -> None:
    """End the process, whatever it is doing, once its parent is gone: nobody waits for the answer any more."""
    while os.getppid() == parent:
        time.sleep(WATCH_SECONDS / 4)
    os._exit(70)


def _read_job(parent: int) -> dict[str, Any] | None:
    """The job, or None if none will come."""
    received = b""
    while True:
        ready, _, _ = select.select([0], [], [], WATCH_SECONDS)
        if not ready:
            # The pipe may be held open by a process forked from a parent that is long dead.
            if os.getppid() != parent:
                return None
            continue
        piece = os.read(0, 1 << 16)
        if not piece:
            break
        received += piece
    if not received:
        return None
    job: dict[str, Any] = json.loads(received)
    return job


def _limit(memory_bytes: int, seconds: float) -> None:
    """Bound what the job may use. The alarm ends the process even if its parent is gone and native code is running."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    used = resource.getrusage(resource.RUSAGE_SELF)
    processor = math.ceil(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (processor, processor))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds + 1)


if __name__ == "__main__":
    try:
        main()
    except BaseException:  # noqa: BLE001  a panic in native code is a BaseException; the status tells the parent
        os._exit(70)
    sys.stderr.flush()
    os._exit(0)
