"""The commands that ask a server."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from qcos.cli.files import Stop, circuit, not_installed, unusable, write
from qcos.cli.text import describe, event_lines

if TYPE_CHECKING:
    from qcos.client import Client


class _Server:
    """A client whose errors end the command."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        url = arguments.url or os.environ.get("QCOS_URL")
        key = arguments.key or os.environ.get("QCOS_API_KEY")
        if not url:
            raise unusable("no server address: give --url or set QCOS_URL")
        if not key:
            raise unusable("no API key: set QCOS_API_KEY or give --key")
        try:
            from qcos.client import Client
        except ModuleNotFoundError as missing:
            raise not_installed(missing, "client") from None
        try:
            self._client = Client(url, key)
        except ValueError as problem:
            raise unusable(str(problem)) from None

    def __enter__(self) -> Client:
        return self._client

    def __exit__(self, kind: object, problem: BaseException | None, trace: object) -> None:
        from qcos.client import ApiError, NoAnswer

        self._client.close()
        if isinstance(problem, NoAnswer):
            raise Stop(problem.message, 3) from None
        if isinstance(problem, ApiError):
            status = 2 if problem.code in ("INVALID_CIRCUIT", "VALIDATION_ERROR") else 1
            raise Stop(f"{problem.code}: {problem.message}", status) from None
        if isinstance(problem, TimeoutError):
            raise Stop(str(problem), 3) from None


def submit(arguments: argparse.Namespace) -> int:
    """Submit a circuit; with --wait, exit status 1 unless its job completes."""
    source = circuit(arguments.file)
    with _Server(arguments) as api:
        accepted = api.submit(
            source, arguments.backend, shots=arguments.shots, level=arguments.level, evidence=arguments.evidence
        )
        job_id = str(accepted["job_id"])
        print(job_id, flush=True)
        if not arguments.wait:
            print(f"expected in about {accepted['estimated_time']} s; then: qcos job {job_id}", file=sys.stderr)
            return 0
        ended = api.wait(job_id, lambda seen: print(f"{job_id} {seen['status']}", file=sys.stderr, flush=True))
    print(describe(ended))
    return 0 if ended["status"] == "completed" else 1


def job(arguments: argparse.Namespace) -> int:
    """Show a job."""
    with _Server(arguments) as api:
        found = api.job(arguments.id)
    print(json.dumps(found, indent=2, ensure_ascii=False) if arguments.json else describe(found))
    return 0


def events(arguments: argparse.Namespace) -> int:
    """Show a job's log."""
    with _Server(arguments) as api:
        log = api.events(arguments.id)
    for event in log:
        print("\n".join(event_lines(event)))
    return 0


def evidence(arguments: argparse.Namespace) -> int:
    """Save a bundle."""
    with _Server(arguments) as api:
        bundle = api.bundle(arguments.id)
    write(arguments.output, json.dumps(bundle, indent=2, ensure_ascii=False) + "\n")
    return 0


def backends(arguments: argparse.Namespace) -> int:
    """List the backends."""
    with _Server(arguments) as api:
        for backend in api.backends():
            wait = backend.get("average_queue_time_ms")
            queue = "-" if wait is None else f"{round(wait / 1000)} s"
            print(f"{backend['id']:<24}{backend['status']:<9}{backend['qubits']:>4} qubits   wait {queue}")
    return 0
