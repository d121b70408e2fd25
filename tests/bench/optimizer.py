"""``python -m tests.bench.optimizer``: the optimizer and other compilers side by side on the same circuits, in one run.

Writes docs/benchmark-optimizer.md; every single result is in build/benchmark-optimizer.jsonl.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from .contest import Contestant, Ours, contest
from .contest_report import report
from .peers import PEERS, versions

ROOT = Path(__file__).parents[2]
CIRCUITS = ROOT / "tests" / "data" / "circuits" / "bench"
PAGE = ROOT / "docs" / "benchmark-optimizer.md"
RECORD = ROOT / "build" / "benchmark-optimizer.jsonl"


def main() -> None:
    """Measure and write the page; with circuits named, print it instead."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("circuits", nargs="*", type=Path, help="OpenQASM 2 files; none: the suite, into docs/")
    parser.add_argument("--target", default="ionq_forte")
    parser.add_argument("--level", type=int, choices=(1, 2, 3), default=3, help="the highest level to run")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="contestants run at a time")
    asked = parser.parse_args()
    paths = asked.circuits or sorted(CIRCUITS.glob("*.qasm"))
    ours = [Ours(level, "two_qubit_gates") for level in range(asked.level + 1)]
    ours += [Ours(level, "depth") for level in range(2, asked.level + 1)]
    contestants: list[Contestant] = [*ours, *PEERS]
    RECORD.parent.mkdir(exist_ok=True)
    every = []
    for found in contest(paths, contestants, asked.target, asked.processes, RECORD):
        every.append(found)
        shown = f"{found.two} / {found.depth}, {found.verdict}, {found.seconds:.2f} s"
        done = f"{len(every)}/{len(paths) * len(contestants)}"
        print(f"{done} {found.circuit}, {found.contestant}: {shown}", file=sys.stderr, flush=True)
    page = report(every, asked.target, ours, PEERS, versions())
    if asked.circuits:
        print(page)
    else:
        PAGE.write_text(page)


if __name__ == "__main__":
    main()
