"""The commands that ask a server."""

from __future__ import annotations

import argparse
import json
import os
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from qcos.cli.files import Stop, circuit, not_installed, unusable, write
from qcos.cli.text import describe, event_lines, job_line, key_line, totals

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
        with _once(arguments) as idempotency_key:
            accepted = api.submit(
                source,
                arguments.backend,
                shots=arguments.shots,
                level=arguments.level,
                evidence=arguments.evidence,
                mode=arguments.mode,
                max_cost_usd=arguments.max_cost_usd,
                name=arguments.name,
                tags=arguments.tag,
                dry_run=arguments.dry_run,
                idempotency_key=idempotency_key,
            )
        job_id = str(accepted["job_id"])
        print(job_id, flush=True)
        if not arguments.wait:
            print(f"expected in about {accepted['estimated_time']} s; then: qcos job {job_id}", file=sys.stderr)
            return 0
        ended = api.wait(job_id, lambda seen: print(f"{job_id} {seen['status']}", file=sys.stderr, flush=True))
    print(describe(ended))
    return 0 if ended["status"] == "completed" else 1


@contextmanager
def _once(arguments: argparse.Namespace) -> Iterator[str]:
    """An idempotency key to submit with; should no answer come, the user is told how to repeat it safely."""
    from qcos.client import NoAnswer

    key = arguments.idempotency_key or f"qcos-{uuid.uuid4()}"
    try:
        yield key
    except NoAnswer as problem:
        again = f"It may have been accepted; to repeat it safely, add: --idempotency-key {key}"
        raise Stop(f"{problem.message} {again}", 3) from None


def batch(arguments: argparse.Namespace) -> int:
    """Submit several circuits, all or none; print the batch's id, then each file's job."""
    circuits = [
        {"qasm": circuit(file), "backend": arguments.backend, "name": Path(file).name} for file in arguments.files
    ]
    with _Server(arguments) as api, _once(arguments) as idempotency_key:
        accepted = api.submit_batch(
            circuits,
            shots=arguments.shots,
            level=arguments.level,
            evidence=arguments.evidence,
            tags=arguments.tag,
            dry_run=arguments.dry_run,
            idempotency_key=idempotency_key,
        )
    print(accepted["batch_id"])
    for file, job_id in zip(arguments.files, accepted["job_ids"], strict=True):
        print(f"{job_id}  {file}")
    return 0


def jobs(arguments: argparse.Namespace) -> int:
    """List jobs, as many as asked for, whatever the API answers at a time."""
    left, cursor = arguments.limit, None
    with _Server(arguments) as api:
        while left > 0:
            page = api.jobs(
                arguments.status,
                min(left, 100),
                backend=arguments.backend,
                batch_id=arguments.batch,
                name=arguments.name,
                tag=arguments.tag,
                created_after=arguments.after,
                created_before=arguments.before,
                cursor=cursor,
            )
            for found in page["jobs"]:
                print(job_line(found))
            left -= len(page["jobs"])
            cursor = page["pagination"]["next_cursor"]
            if cursor is None:
                break
    return 0


def cancel(arguments: argparse.Namespace) -> int:
    """Cancel a job, or every job of a batch that has not ended; print what each then is."""
    with _Server(arguments) as api:
        if arguments.id.startswith("batch_"):
            ended = api.cancel_batch(arguments.id)["jobs"]
        else:
            ended = [api.cancel(arguments.id)]
    for found in ended:
        print(f"{found['job_id']} {found['status']}")
    return 0


def retry(arguments: argparse.Namespace) -> int:
    """Open another attempt of a failed job."""
    with _Server(arguments) as api:
        opened = api.retry(arguments.id)
    print(f"{opened['job_id']} {opened['status']}, attempt {opened['attempt']}")
    return 0


def stats(arguments: argparse.Namespace) -> int:
    """Show the account's sums."""
    with _Server(arguments) as api:
        print(totals(api.stats()))
    return 0


def list_keys(arguments: argparse.Namespace) -> int:
    """List the API keys."""
    with _Server(arguments) as api:
        for key in api.api_keys():
            print(key_line(key))
    return 0


def create_key(arguments: argparse.Namespace) -> int:
    """Create an API key; its text alone goes to standard output."""
    with _Server(arguments) as api:
        made = api.make_key(arguments.name, arguments.scope, arguments.expires)
    print(made["api_key"])
    print(f"keep it: it is not shown again; to revoke it: qcos keys revoke {made['key_id']}", file=sys.stderr)
    return 0


def revoke_key(arguments: argparse.Namespace) -> int:
    """Revoke an API key."""
    with _Server(arguments) as api:
        print(key_line(api.revoke_key(arguments.id)))
    return 0


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


def proof(arguments: argparse.Namespace) -> int:
    """Show or save the proof that an event is in a job's log, or a bundle in the transparency log."""
    of_bundle = arguments.id.startswith("ev_")
    if of_bundle != (arguments.version is None):
        raise unusable("give a job id and the version of an event, or a bundle id alone")
    with _Server(arguments) as api:
        if of_bundle:
            shown = api.bundle_proof(arguments.id)
        else:
            shown = json.dumps(api.event_proof(arguments.id, arguments.version), indent=2) + "\n"
    return _saved(arguments.output, shown)


def checkpoint(arguments: argparse.Namespace) -> int:
    """Show or save the latest checkpoint of the transparency log, or the one of a size."""
    with _Server(arguments) as api:
        return _saved(arguments.output, api.checkpoint(arguments.size))


def consistency(arguments: argparse.Namespace) -> int:
    """Show or save the proof that the log only grew between two sizes."""
    with _Server(arguments) as api:
        return _saved(arguments.output, json.dumps(api.consistency(arguments.old, arguments.new), indent=2) + "\n")


def _saved(output: str | None, content: str) -> int:
    """Save text, or print it as it is."""
    if output is None:
        print(content, end="")
    else:
        write(output, content)
    return 0


def evidence(arguments: argparse.Namespace) -> int:
    """Save a bundle as a file of any form."""
    with _Server(arguments) as api:
        file = api.export(arguments.id, arguments.format)
    write(arguments.output, file)
    return 0


def backends(arguments: argparse.Namespace) -> int:
    """List the backends."""
    with _Server(arguments) as api:
        for backend in api.backends():
            wait = backend.get("average_queue_time_ms")
            queue = "-" if wait is None else f"{round(wait / 1000)} s"
            print(f"{backend['id']:<24}{backend['status']:<9}{backend['qubits']:>4} qubits   wait {queue}")
    return 0
