"""Runs ministack as a child process, with the few changes that let it carry the designed workflow.

``python -m infra.local.launcher`` reads its settings from the environment ``environment`` makes. What it changes in
ministack are private names; ``PATCHED`` lists them, the version is pinned exactly, and a test fails when either moves.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import socket
import sys
import threading
from collections import defaultdict
from pathlib import Path
from typing import Any

MINISTACK_VERSION = "1.5.33"
PATCHED = (
    ("ministack.services.lambda_svc", "_execute_function_warm"),
    ("ministack.core.lambda_runtime", "_PYTHON_WORKER_SCRIPT"),
    ("ministack.services.stepfunctions", "_invoke_resource_with_timeout"),
)

# Stock ministack starts a process for every call that finds no idle worker: fifty jobs at once are eighty
# interpreters on two cores, and time-outs. Two a function finish the same fifty jobs in seconds.
WORKERS_PER_FUNCTION = 2


def environment(*, port: int, region: str) -> dict[str, str]:
    """The emulator's settings, which its functions inherit."""
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_EC2_METADATA_DISABLED": "true",
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": region,
        "MINISTACK_WORKER_THREADS": "256",
        # Otherwise an MQTT broker listens on every interface.
        "IOT_MTLS_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# The line of the emulator's worker that reports a handler's exception, and what stands in its place. Stock ministack
# then kills the worker and forgets the exception's class; on AWS the environment lives on and the class is the
# error's name. So the worker reports a value that is marked, and the marked value becomes the error.
HANDLED = '{"status": "error", "error": str(e), "trace": traceback.format_exc()}'
MARKED = (
    '{"status": "ok", "result": {"$raised": {"errorMessage": str(e), "errorType": type(e).__name__, '
    '"stackTrace": traceback.format_exc().splitlines()}}}'
)


def keep_workers() -> None:
    """Let a worker outlive an exception of its handler, and the exception keep its name."""
    from ministack.core import lambda_runtime

    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(HANDLED) != 1:
        raise RuntimeError("this ministack reports exceptions in another way")
    lambda_runtime._PYTHON_WORKER_SCRIPT = script.replace(HANDLED, MARKED)


def _answer(result: dict[str, Any]) -> dict[str, Any]:
    """The result of an invocation with a marked value turned into the error it stands for."""
    body = result.get("body")
    if isinstance(body, dict) and "$raised" in body:
        error = body["$raised"]
        return {"body": error, "error": True, "log": "\n".join([result.get("log", ""), *error["stackTrace"]])}
    return result


def bound_workers() -> None:
    """At most ``WORKERS_PER_FUNCTION`` calls of one function run at a time; further ones wait their turn."""
    from ministack.services import lambda_svc

    gates = Gates()
    execute = lambda_svc._execute_function_warm

    @functools.wraps(execute)
    def gated(func: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        config = func.get("config") or func
        with gates.of(str(config.get("FunctionName"))):
            return _answer(execute(func, event, request_id))

    lambda_svc._execute_function_warm = gated


def time_tasks_from_their_start() -> None:
    """A workflow's task waits its turn before its time begins, not within it.

    On AWS a function starts at once. Here the last of a batch of 98 would otherwise have used up its time before
    a worker is free.
    """
    from ministack.services import stepfunctions

    gates = Gates()
    invoke = stepfunctions._invoke_resource_with_timeout

    @functools.wraps(invoke)
    def gated(resource: str, input_data: Any, timeout: float) -> Any:
        with gates.of(resource):
            return invoke(resource, input_data, timeout)

    stepfunctions._invoke_resource_with_timeout = gated


class Gates:
    """A gate for each name, through which ``WORKERS_PER_FUNCTION`` go at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._gates: defaultdict[str, threading.BoundedSemaphore] = defaultdict(
            lambda: threading.BoundedSemaphore(WORKERS_PER_FUNCTION)
        )

    def of(self, name: str) -> threading.BoundedSemaphore:
        """The gate of that name, always the same."""
        with self._lock:
            return self._gates[name]


def main() -> None:
    """Serve until SIGTERM, then leave neither a process of this group nor the scratch folder."""
    keep_workers()
    bound_workers()
    time_tasks_from_their_start()
    from ministack.app import main as serve

    scratch = Path(os.environ["TMPDIR"])
    sys.argv = ["ministack"]
    try:
        serve()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
