"""One simulation in a process of its own, so that it can be killed and cannot take the server's memory."""

import pickle
import resource
import subprocess
import sys
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
    from infra.local.ionq.simulation import simulate

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT_BYTES, MEMORY_LIMIT_BYTES))
    task: Task = pickle.load(sys.stdin.buffer)
    try:
        answer: Outcome | tuple[str, str] = simulate(task)
    except JobFailure as failure:
        answer = (failure.code, failure.message)
    sys.stdout.buffer.write(pickle.dumps(answer))


if __name__ == "__main__":
    main()
