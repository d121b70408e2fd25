"""``python -m tests.bench.evidence``: how long evidence takes on this machine, written into docs/operations.md.

Everything runs in this process, the service in memory: what is measured is the code, without any call to AWS. The
machine is shared and noisy: beside the time that passed stands the processor's, which is what would pass on an idle
machine, and both are compared within one run, with the limit and with the bare check of a signature.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from qcos_evidence import KeySet, attachments, parse, pdf, verify
from qcos_evidence.verification import signed_parts
from tests.unit.service.world import TENANT, World

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
BEGIN, END = "<!-- bench-evidence -->\n", "<!-- /bench-evidence -->\n"
GOLDEN = Path(__file__).parents[1] / "data" / "golden"
LATE = datetime(2100, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Times:
    """Medians of the time that passed and of the processor's, in milliseconds."""

    passed: float
    processor: float


def measured(call: Callable[[], object], times: int) -> Times:
    """How long a call takes, of ``times`` calls; two calls before them are not counted."""
    call()
    call()
    passed, processor = [], []
    for _ in range(times):
        began, used = time.perf_counter(), time.process_time()
        call()
        passed.append(1000 * (time.perf_counter() - began))
        processor.append(1000 * (time.process_time() - used))
    return Times(statistics.median(passed), statistics.median(processor))


def signing(jobs: int) -> Callable[[], object]:
    """Signs and stores the evidence of another finished job at each call, ``jobs`` in all."""
    world = World()
    world.provider.quick = True
    waiting = []
    for _ in range(jobs):
        waiting.append(world.optimized())
        assert world.execute(TENANT, waiting[-1], 1) == {"outcome": "done"}
    return lambda: world.sign(TENANT, waiting.pop(), 1)


def rows() -> list[str]:
    """The table, one line a measurement."""
    keys = KeySet.from_jwks(parse((GOLDEN / "jwks.json").read_bytes()))
    files = {form: (GOLDEN / f"ml-dsa-65.{form}").read_bytes() for form in ("json", "cbor", "cose")}
    bundle = parse(files["json"])
    parts = signed_parts(bundle, keys)
    key = keys.get(bundle["signatures"]["key_id"])
    assert key
    bare = measured(lambda: key.verify(parts["tbs.bin"], parts["sig.bin"]), 400)
    results: list[tuple[str, Times, int | None]] = [("the bare ML-DSA-65 check", bare, None)]
    for form, file in files.items():
        assert verify(file, keys, now=LATE).valid
        results.append((f"verify, {form}", measured(lambda file=file: verify(file, keys, now=LATE), 400), 5))  # type: ignore[misc] # a default binds
    results.append(("sign and store, ML-DSA-65", measured(signing(62), 60), 60))
    page, result = files["json"], _result()
    results.append(("render the page, warm", measured(lambda: pdf.render(page, result), 30), 300))
    lines = []
    for name, taken, limit in results:
        aim = f"{limit} | {limit / taken.processor:.1f}" if limit else "- | -"
        ratio = taken.processor / bare.processor
        lines.append(f"| {name} | {taken.passed:.2f} | {taken.processor:.2f} | {ratio:.1f} | {aim} |")
        print(lines[-1], flush=True)
    return lines


def _result() -> bytes:
    """The result that the golden page carries."""
    return attachments.read((GOLDEN / "ml-dsa-65.pdf").read_bytes())[attachments.RESULT]


def main() -> None:
    """Measure, and write the table into the page."""
    lines = [
        f"Measured {time.strftime('%Y-%m-%d')}, python {platform.python_version()}, {platform.machine()}, one process,",
        f"while {os.getloadavg()[0]:.0f} processes shared {os.cpu_count()} cores; nothing of AWS; milliseconds.",
        "A bundle of 6.9 kB as JSON, its page of 64 kB.",
        "",
        "| what | passed, median | processor, median | times the bare check | limit | limit / processor |",
        "|---|---|---|---|---|---|",
        *rows(),
        "",
    ]
    page = PAGE.read_text()
    head, _, rest = page.partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(head + BEGIN + "\n".join(lines) + END + tail)


if __name__ == "__main__":
    main()
