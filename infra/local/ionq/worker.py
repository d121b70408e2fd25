"""One simulation in a process of its own, so that it can be killed and cannot take the server's memory."""

import contextlib
import os
import pickle
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from infra.local.ionq.errors import JobFailure

if TYPE_CHECKING:
    from infra.local.ionq.simulation import Outcome, Task

TIME_LIMIT_SECONDS = 300.0
MEMORY_LIMIT_BYTES = 6 * 1024**3
_ROOT = Path(__file__).resolve().parents[3]


class WorkerProcess:
    """A running simulation."""

    def __init__(self, task: "Task") -> None:
        self._task = task
        self._process = subprocess.Popen(
            [sys.executable, "-m", "infra.local.ionq.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=_ROOT,
        )

    def result(self) -> "Outcome":
        """Wait for the end; raises ``JobFailure``, ``SimulationTimeout`` after ``TIME_LIMIT_SECONDS``."""
        try:
            output, errors = self._process.communicate(pickle.dumps(self._task), TIME_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise JobFailure("SimulationTimeout", f"The simulation took over {TIME_LIMIT_SECONDS:g} s") from None
        if self._process.returncode != 0:
            last = errors.decode(errors="replace").strip().rpartition("\n")[2]
            raise JobFailure("SimulationError", last or f"The simulation ended with {self._process.returncode}")
        answer: Outcome | tuple[str, str] = pickle.loads(output)
        if isinstance(answer, tuple):
            raise JobFailure(*answer)
        return answer

    def kill(self) -> None:
        """End the process and wait for it; nothing happens when it has ended."""
        self._process.kill()
        self._process.wait()


def main() -> None:
    """Read a task from standard input, write its outcome or its failure to standard output."""
    threading.Thread(target=_die_with, args=(os.getppid(),), daemon=True).start()
    from infra.local.ionq.simulation import simulate  # takes seconds

    with contextlib.suppress(ValueError, OSError):  # macOS refuses this limit
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    task: Task = pickle.load(sys.stdin.buffer)
    try:
        answer: Outcome | tuple[str, str] = simulate(task)
    except JobFailure as failure:
        answer = (failure.code, failure.message)
    sys.stdout.buffer.write(pickle.dumps(answer))


def _die_with(parent: int) -> None:
    """End this process when the server was killed and could not do so itself."""
    while os.getppid() == parent:
        time.sleep(1.0)
    os._exit(1)


if __name__ == "__main__":
    main()
