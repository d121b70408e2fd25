"""The page of the optimizer's benchmark."""

from __future__ import annotations

import math
import platform
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from .contest import Contestant, Found, Ours
from .peers import Peer

Table = Mapping[str, Mapping[str, Found]]
"""By circuit, then by contestant."""
Count = Callable[[Found], int]


def report(
    every: Sequence[Found],
    machine: str,
    ours: Sequence[Ours],
    peers: Sequence[Peer],
    versions: Mapping[str, str],
) -> str:
    """The page, in Markdown."""
    table: dict[str, dict[str, Found]] = {}
    for found in sorted(every, key=lambda one: one.circuit):
        table.setdefault(found.circuit, {})[found.contestant] = found
    lines = [
        "# Benchmark of the optimizer",
        "",
        f"`make bench-optimizer`: {len(table)} public circuits (`tests/data/circuits/bench`, with their licences) on "
        f"`{machine}`, everything in one run, Python {platform.python_version()}, "
        f"{', '.join(f'{name} {number}' for name, number in versions.items())}. Every figure is about the peers "
        "measured here and these circuits, no more.",
        "",
        "- Base of every ratio is **level 0**: gate-by-gate lowering, one native gate for a rotation, one-qubit runs "
        "fused, Z free. Ratios are geometric means of (x + 0.5) / (level 0 + 0.5).",
        "- Peers' circuits are lowered in the same way: free Z, fused one-qubit runs and output permutations are given "
        "to all.",
        "- A verdict is this project's verifier's, on peers' circuits too: `proved` (equal as unitaries), `tested` "
        "(equal on random product states), `unequal` (not the input as it stands: not counted), `unchecked` (too wide "
        "to compare). No input state is assumed.",
        "- Seconds are CPU seconds of all processes of one run with the libraries imported; ours include the checking.",
        "",
        "## Overall",
        "",
        "| | circuits | two-qubit gates | two-qubit depth | depth | depth saved | median s | worst s | verdicts |",
        "|---" * 9 + "|",
    ]
    contestants: list[Contestant] = [*ours, *peers]
    lines += [_overall(table, one.name) for one in contestants if one.name != "level 0"]
    lines.append(_overall(_best(table, peers), "best peer per circuit"))
    lines += ["", "## Against the best peer of each circuit", ""]
    lines += [_against(table, one, peers) for one in ours if one.level]
    lines += ["", "## Two-qubit gates by family", "", "Geometric mean / median of the ratio to level 0.", ""]
    names = [one.name for one in contestants if one.name != "level 0"]
    lines += ["| family | circuits | " + " | ".join(names) + " |", "|---" * (len(names) + 2) + "|"]
    for family in sorted({_family(circuit) for circuit in table}):
        members = {circuit: row for circuit, row in table.items() if _family(circuit) == family}
        cells = " | ".join(_cell(members, name) for name in names)
        lines.append(f"| {family} | {len(members)} | {cells} |")
    lines += [
        "",
        "## If every two-qubit gate had to be CX",
        "",
        "An entangling gate of a quarter turn is one CX, of any other angle two; base is level 0 counted so. Tools "
        "that make CX only, and this optimizer, which does not optimise for it.",
        "",
        "| | CX |",
        "|---|---|",
    ]
    in_cx = [one.name for one in contestants if isinstance(one, Ours) or one.in_cx]
    lines += [f"| {name} | {_ratio(table, name, lambda one: one.cx)} |" for name in in_cx if name != "level 0"]
    lines += ["", "## Circuits", "", "Two-qubit gates / depth, both native.", ""]
    lines += ["| circuit | qubits | level 0 | " + " | ".join(names) + " |", "|---" * (len(names) + 3) + "|"]
    for circuit, row in table.items():
        cells = " | ".join(_pair(row.get(name)) for name in ["level 0", *names])
        lines.append(f"| {circuit} | {row['level 0'].qubits} | {cells} |")
    failed = [one for row in table.values() for one in row.values() if not one.answered]
    if failed:
        lines += ["", "## Without an answer, or with a wrong one", ""]
        lines += [
            "A circuit that is not equal may still be equal up to a renaming of qubits that the tool does not report, "
            "or but for rotations of a very small angle that it leaves out.",
            "",
        ]
        lines += [
            f"- {one.contestant} on {one.circuit}: {one.verdict}" + (f", {one.two} two-qubit gates" if one.two else "")
            for one in failed
        ]
    return "\n".join(lines) + "\n"


def _family(circuit: str) -> str:
    return circuit.split("_")[0]


def _best(table: Table, peers: Sequence[Peer]) -> dict[str, dict[str, Found]]:
    """A contestant that for each circuit is the peer with the fewest two-qubit gates, then the least depth."""
    best: dict[str, dict[str, Found]] = {}
    for circuit, row in table.items():
        answers = [row[peer.name] for peer in peers if peer.name in row and row[peer.name].answered]
        best[circuit] = {"level 0": row["level 0"]}
        if answers:
            best[circuit]["best peer per circuit"] = min(answers, key=lambda one: (one.two, one.depth))
    return best


def _pairs(table: Table, name: str) -> list[tuple[Found, Found]]:
    return [(row["level 0"], row[name]) for row in table.values() if name in row and row[name].answered]


def _ratios(table: Table, name: str, count: Count) -> list[float]:
    return [(count(found) + 0.5) / (count(base) + 0.5) for base, found in _pairs(table, name)]


def _ratio(table: Table, name: str, count: Count) -> str:
    ratios = _ratios(table, name, count)
    return f"{math.exp(statistics.fmean(map(math.log, ratios))):.3f}" if ratios else "-"


def _cell(table: Table, name: str) -> str:
    ratios = _ratios(table, name, lambda one: one.two)
    return f"{_ratio(table, name, lambda one: one.two)} / {statistics.median(ratios):.3f}" if ratios else "-"


def _overall(table: Table, name: str) -> str:
    pairs = _pairs(table, name)
    if not pairs:
        return f"| {name} | 0 |" + " - |" * 7
    falls = [100 * (1 - found.depth / base.depth) for base, found in pairs if base.depth]
    seconds = [found.seconds for _, found in pairs]
    verdicts = Counter(row[name].verdict if row[name].answered else "none" for row in table.values() if name in row)
    shown = ", ".join(f"{number} {verdict}" for verdict, number in sorted(verdicts.items()))
    counts: tuple[Count, ...] = (lambda one: one.two, lambda one: one.two_depth, lambda one: one.depth)
    cells = " | ".join(_ratio(table, name, count) for count in counts)
    return (
        f"| {name} | {len(pairs)} | {cells} | {statistics.fmean(falls):.1f} % "
        f"| {statistics.median(seconds):.2f} | {max(seconds):.1f} | {shown} |"
    )


def _against(table: Table, one: Ours, peers: Sequence[Peer]) -> str:
    best = _best(table, peers)
    better = equal = 0
    worse = []
    for circuit, row in table.items():
        if one.name not in row or "best peer per circuit" not in best[circuit]:
            continue
        mine, theirs = row[one.name].two, best[circuit]["best peer per circuit"]
        better += mine < theirs.two
        equal += mine == theirs.two
        if mine > theirs.two:
            worse.append(f"{circuit} ({mine} against {theirs.two} of {theirs.contestant})")
    return (
        f"- {one.name}: fewer two-qubit gates on {better}, as many on {equal}, more on {len(worse)}: "
        f"{', '.join(worse) or 'none'}."
    )


def _pair(found: Found | None) -> str:
    return f"{found.two} / {found.depth}" if found is not None and found.answered else "-"
