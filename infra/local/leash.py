"""``python -m infra.local.leash PARENT_PID MODULE ...``: a module that does not outlive the process that started it.

The kernel's own way (PR_SET_PDEATHSIG) signals once for every thread of the parent that ends, which cuts an orderly
end short, and knows Linux only. So a thread looks: cheap, the same everywhere, and one signal.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

# How soon an orphan notices, and how long it may then take to end by itself, seconds. The AWS emulator does not while
# a function runs, and optimizing a circuit takes minutes.
INTERVAL = 0.25
GRACE = 3.0


def watch(parent: int) -> None:
    """Return never while the parent lives; then ask this process to end, and in the end kill its whole group."""
    while os.getppid() == parent:
        time.sleep(INTERVAL)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=watch, args=(int(sys.argv[1]),), name="leash", daemon=True).start()
    del sys.argv[:2]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
