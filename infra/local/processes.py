"""Child processes that never outlive the run: a clean environment, a group of their own, a sure end."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from infra.local.assembly import ROOT

# How long a child may take to end by itself, seconds. Nothing it holds is kept, so there is nothing to wait for but
# its own tidying up.
GRACE = 1.0


class ChildFailed(Exception):
    """A child process ended, or did not get ready; the message holds the end of what it said."""


class Child:
    """A Python module running in its own process group, with a folder of its own that goes when it goes.

    It ends when this process does, however that comes about.
    """

    def __init__(self, module: str, arguments: Sequence[str], environment: Mapping[str, str], scratch: Path) -> None:
        self._name = module
        self._scratch = scratch
        self._log = scratch.with_name(scratch.name + ".log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "infra.local.leash", str(os.getpid()), module, *arguments],
                cwd=ROOT,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self._process.pid

    def check(self) -> None:
        """Raise ``ChildFailed`` when the process has ended."""
        code = self._process.poll()
        if code is not None:
            raise ChildFailed(f"{self._name} ended with {code}:\n{self.said()}")

    def said(self, characters: int = 2000) -> str:
        """The end of what the process wrote."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-characters:]

    def stop(self) -> None:
        """Ask the whole group, wait, kill whatever is left of it, and remove its folder and log."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(GRACE)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._log.unlink(missing_ok=True)


def scratch_folder(parent: Path, name: str) -> Path:
    """A new folder for one child, under the run's own folder."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=parent))


def clean_environment(scratch: Path) -> dict[str, str]:
    """PATH, a language and private folders: nothing else of the caller's environment reaches a child."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
    }


def wait_for(condition: Callable[[], bool], child: Child, seconds: float) -> None:
    """Call ``condition`` until it is true; ``ChildFailed`` when the child ends first or the time is up."""
    deadline = time.monotonic() + seconds
    while not condition():
        child.check()
        if time.monotonic() > deadline:
            raise ChildFailed(f"not ready after {seconds:.0f} s:\n{child.said()}")
        time.sleep(0.05)
