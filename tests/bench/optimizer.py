"""``python -m tests.bench.optimizer``: the optimizer and Qiskit side by side on the same circuits, in one run.

Writes docs/benchmark-optimizer.md. Every count is of native gates for the same machine, against level 0: gate-by-gate
lowering with one native gate for a rotation, one-qubit runs fused and Z free.
"""

from __future__ import annotations

import argparse
import math
import platform
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qiskit.transpiler import generate_preset_pass_manager

from qcos_optimizer import Optimized, optimize, target
from qcos_optimizer.lowering import PartsCache, lower, operations_of
from qcos_optimizer.native import Metrics, measure_up
from qcos_optimizer.parsing import parse
from qcos_optimizer.source import Source, take_apart

ROOT = Path(__file__).parents[2]
CIRCUITS = ROOT / "tests" / "data" / "circuits" / "bench"
REPORT = ROOT / "docs" / "benchmark-optimizer.md"
QISKIT = {"cx": ["u", "cx"], "rzz": ["u", "rzz"]}


@dataclass(frozen=True, slots=True)
class Row:
    """What was found for one circuit."""

    name: str
    qubits: int
    levels: dict[int, Optimized]
    least_depth: Optimized
    qiskit: dict[str, tuple[Metrics, float]]

    @property
    def before(self) -> Metrics:
        return self.levels[0].optimized

    @property
    def family(self) -> str:
        return self.name.split("_")[0]


def qiskit_level_3(source: Source, basis: list[str], machine: str) -> tuple[Metrics, float]:
    """Native counts of Qiskit's level 3, lowered as level 0 is, and its seconds. Not verified."""
    native = target(machine).two_qubit_gate
    started = time.perf_counter()
    passes = generate_preset_pass_manager(
        optimization_level=3, basis_gates=basis, seed_transpiler=0, qubits_initially_zero=False
    )
    made = passes.run(source.body())
    every = tuple(range(source.qubits))
    candidate = lower("qiskit", operations_of(made), every, native, "z", PartsCache())
    return measure_up(candidate.gates), time.perf_counter() - started


def measure(path: Path, machine: str, levels: Sequence[int]) -> Row:
    """Run everything on one circuit."""
    text = path.read_text()
    source = take_apart(parse(text))
    return Row(
        path.stem,
        source.qubits,
        {level: optimize(text, machine, level) for level in levels},
        optimize(text, machine, max(levels), "depth"),
        {name: qiskit_level_3(source, basis, machine) for name, basis in QISKIT.items()},
    )


def ratio(rows: Sequence[Row], count: Callable[[Metrics], int], of: Callable[[Row], Metrics]) -> str:
    """Geometric mean of (x + 0.5) / (level 0 + 0.5)."""
    logs = [math.log((count(of(row)) + 0.5) / (count(row.before) + 0.5)) for row in rows]
    return f"{math.exp(statistics.fmean(logs)):.3f}"


def report(rows: Sequence[Row], machine: str, levels: Sequence[int]) -> str:
    """The page."""
    versions = rows[0].levels[0].versions
    made = [
        "# Benchmark of the optimizer",
        "",
        f"`make bench-optimizer`: {len(rows)} public circuits on `{machine}`, all of this in one run and one process, "
        f"Python {platform.python_version()}, {', '.join(f'{name} {number}' for name, number in versions.items())}. "
        "Counts are of native gates; the base is level 0 (gate-by-gate lowering, one native gate for a rotation, "
        "one-qubit runs fused, Z free), not the input's own gates. Means are geometric means of "
        "(x + 0.5) / (level 0 + 0.5). Every answer of ours is the same unitary up to output permutation, global phase "
        "and final Z rotations, and was shown to be; Qiskit's level 3 (no |0> assumed, lowered as level 0 is) was not "
        "checked. Seconds are wall-clock, checking included.",
        "",
        "## Overall",
        "",
        "| | two-qubit gates | two-qubit depth | depth | median s | worst s | verdicts |",
        "|---|---|---|---|---|---|---|",
    ]
    kinds: list[tuple[str, Callable[[Row], Metrics], Callable[[Row], float], Callable[[Row], str] | None]] = [
        (f"Qiskit level 3, {name}", _qiskit(name), _qiskit_seconds(name), None) for name in QISKIT
    ]
    kinds += [
        (f"level {level}", _level(level), _level_seconds(level), _level_verdict(level)) for level in levels if level
    ]
    kinds.append(
        (
            f"level {max(levels)}, objective depth",
            lambda row: row.least_depth.optimized,
            lambda row: row.least_depth.seconds,
            lambda row: row.least_depth.verification.verdict,
        )
    )
    for name, of, seconds, verdict in kinds:
        took = [seconds(row) for row in rows]
        shown = "not checked"
        if verdict is not None:
            shown = ", ".join(f"{number} {what}" for what, number in sorted(Counter(map(verdict, rows)).items()))
        made.append(
            f"| {name} | {ratio(rows, _two, of)} | {ratio(rows, _two_depth, of)} | {ratio(rows, _depth, of)} "
            f"| {statistics.median(took):.2f} | {max(took):.1f} | {shown} |"
        )
    falls = [100 * (1 - row.least_depth.optimized.depth / row.before.depth) for row in rows if row.before.depth]
    made += [
        "",
        f"Native depth with objective `depth`: {statistics.fmean(falls):.1f} % less than level 0 on average.",
        "",
        "## Two-qubit gates by family",
        "",
        "| family | circuits | " + " | ".join(name for name, *_ in kinds) + " |",
        "|---" * (len(kinds) + 2) + "|",
    ]
    for family in sorted({row.family for row in rows}):
        members = [row for row in rows if row.family == family]
        cells = " | ".join(ratio(members, _two, of) for _, of, *_ in kinds)
        made.append(f"| {family} | {len(members)} | {cells} |")
    best = max(levels)
    worse = [
        row.name
        for row in rows
        if any(_two(found) < _two(row.levels[best].optimized) for found, _ in row.qiskit.values())
    ]
    made += [
        "",
        f"Level {best} has more two-qubit gates than Qiskit's level 3 on: {', '.join(worse) or 'none'}.",
        "",
        "## Circuits",
        "",
        "Two-qubit gates / depth, both native.",
        "",
        "| circuit | qubits | level 0 | "
        + " | ".join(f"Qiskit 3, {name}" for name in QISKIT)
        + " | "
        + " | ".join(f"level {level} | s | verdict" for level in levels if level)
        + " |",
        "|---" * (3 + len(QISKIT) + 3 * len([level for level in levels if level])) + "|",
    ]
    for row in rows:
        entries = [row.name, str(row.qubits), _pair(row.before)]
        entries += [_pair(found) for found, _ in row.qiskit.values()]
        for level in levels:
            if level:
                answer = row.levels[level]
                how = f"{answer.verification.verdict}, {answer.verification.method}"
                entries += [_pair(answer.optimized), f"{answer.seconds:.2f}", how]
        made.append("| " + " | ".join(entries) + " |")
    return "\n".join(made) + "\n"


def _two(metrics: Metrics) -> int:
    return metrics.two_qubit_gates


def _two_depth(metrics: Metrics) -> int:
    return metrics.two_qubit_depth


def _depth(metrics: Metrics) -> int:
    return metrics.depth


def _pair(metrics: Metrics) -> str:
    return f"{metrics.two_qubit_gates} / {metrics.depth}"


def _qiskit(name: str) -> Callable[[Row], Metrics]:
    return lambda row: row.qiskit[name][0]


def _qiskit_seconds(name: str) -> Callable[[Row], float]:
    return lambda row: row.qiskit[name][1]


def _level(level: int) -> Callable[[Row], Metrics]:
    return lambda row: row.levels[level].optimized


def _level_seconds(level: int) -> Callable[[Row], float]:
    return lambda row: row.levels[level].seconds


def _level_verdict(level: int) -> Callable[[Row], str]:
    return lambda row: row.levels[level].verification.verdict


def main() -> None:
    """Measure and write the page; with circuits named, print it instead."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("circuits", nargs="*", type=Path, help="OpenQASM 2 files; none: the suite, into docs/")
    parser.add_argument("--target", default="ionq_forte")
    parser.add_argument("--level", type=int, choices=(1, 2, 3), default=2, help="the highest level to run")
    asked = parser.parse_args()
    paths = asked.circuits or sorted(CIRCUITS.glob("*.qasm"))
    levels = range(asked.level + 1)
    rows = []
    for path in paths:
        rows.append(measure(path, asked.target, levels))
        found = rows[-1].levels[asked.level]
        print(f"{path.stem}: {_pair(rows[-1].before)} -> {_pair(found.optimized)}", file=sys.stderr, flush=True)
    page = report(rows, asked.target, levels)
    if asked.circuits:
        print(page)
    else:
        REPORT.write_text(page)


if __name__ == "__main__":
    main()
