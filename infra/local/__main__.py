"""``python -m infra.local``: the local cloud in the foreground until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import errno
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from infra.local import front
from infra.local.cloud import LocalCloud
from infra.local.deploy import DeploymentFailed
from infra.local.processes import ChildFailed
from infra.local.stop import Stopped, stopping_on_signals

DEFAULT_PORT = 8080


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0 after a clean stop, 1 when the cloud did not start or fell over, 2 for unusable arguments."""
    options = _parser().parse_args(arguments)

    try:
        with stopping_on_signals():
            return _run(options)
    except Stopped:
        _say("stopped")
        return 0


def _run(options: argparse.Namespace) -> int:
    """Run until stopped; only a failure returns."""
    try:
        with LocalCloud(_port(options.port), options.ionq_url, options.tenant, report=_say) as cloud:
            if options.ready_file:
                write_atomically(options.ready_file, json.dumps(cloud.ready, indent=2) + "\n")
            _say("")
            _say(f"  API      {cloud.ready['api_url']}")
            _say(f"  docs     {cloud.ready['api_url']}/docs")
            _say(f"  API key  {cloud.ready['api_key']}")
            _say(f"  IonQ     {cloud.ready['ionq_url']}")
            _say(f"  AWS      {cloud.ready['aws_endpoint_url']}")
            _say("")
            _say("Ctrl-C stops it; nothing is kept.")
            while True:
                cloud.check()
                time.sleep(0.5)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            _say(f"port {options.port} is taken: stop what uses it, or choose another with --port (0: any free one)")
            return 1
        raise
    except (ChildFailed, DeploymentFailed, RuntimeError) as error:
        _say(f"the local cloud did not start or fell over: {error}")
        return 1
    except ValueError as error:
        _say(str(error))
        return 2
    finally:
        if options.ready_file:
            options.ready_file.unlink(missing_ok=True)


def _port(wanted: int | None) -> int:
    """The port asked for; the default one when none was and it is free, else 0 for any."""
    if wanted is not None:
        return wanted
    try:
        front.listen(DEFAULT_PORT).close()
    except OSError:
        _say(f"port {DEFAULT_PORT} is taken: taking a free one instead (choose one with --port)")
        return 0
    return DEFAULT_PORT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.local", description="Run the QCOS Core API on this machine.")
    parser.add_argument(
        "--port",
        type=int,
        help=f"port of the API, 0 for any free one; without it {DEFAULT_PORT}, or a free one when that is taken",
    )
    parser.add_argument("--ready-file", type=Path, help="JSON file written when everything is up")
    parser.add_argument("--ionq-url", help="use this IonQ API, with IONQ_API_KEY, instead of the emulator")
    parser.add_argument("--tenant", help="whose stack of tenants.json to run (the first)")
    return parser


def write_atomically(path: Path, text: str) -> None:
    """Write a file that is either not there or whole, readable by its owner only: it may hold a key."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
