"""``python -m infra.local.ionq``: serve the emulator until SIGINT or SIGTERM."""

import argparse
import asyncio
import json
import os
import signal
import tempfile
from pathlib import Path

_EPILOG = """
Point a client at the printed address: IONQ_API_URL=http://127.0.0.1:PORT/v0.4 (and QISKIT_IONQ_API_URL for
qiskit-ionq), with the key given here in IONQ_API_KEY. Test hooks are under /__admin: POST faults, GET log,
POST jobs/ID, POST backends/NAME.
"""


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.ionq",
        description="An emulator of IonQ Cloud API v0.4 on 127.0.0.1 that simulates circuits with qiskit-aer.",
        epilog=_EPILOG,
    )
    parser.add_argument("--port", type=int, required=True, help="TCP port on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--ready-file", type=Path, metavar="PATH", help='write {"url": ...} there once serving')
    parser.add_argument("--api-key", metavar="KEY", help="the only key accepted (default: any key)")
    parser.add_argument(
        "--queue-seconds",
        type=float,
        metavar="S",
        help="how long every job waits before it starts (default: 0.2 on the simulator, 1.5 on QPUs)",
    )
    arguments = parser.parse_args()

    from infra.local.ionq.server import IonQEmulator  # importing the simulator takes seconds, --help should not

    emulator = IonQEmulator(arguments.api_key, arguments.port, arguments.queue_seconds)
    # uvicorn repeats a signal once it has shut down; with handlers of our own that does not end the program early.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: emulator.stop())
    if arguments.ready_file is not None:
        _write_atomically(arguments.ready_file, json.dumps({"url": emulator.url}))
    print(f"IonQ emulator: {emulator.url}", flush=True)
    try:
        asyncio.run(emulator.run())
    finally:
        if arguments.ready_file is not None:
            arguments.ready_file.unlink(missing_ok=True)


def _write_atomically(path: Path, text: str) -> None:
    """A reader sees the whole file or none."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    Path(name).replace(path)


if __name__ == "__main__":
    main()
