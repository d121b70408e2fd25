"""Search for the templates in ``qcos_optimizer.passes.template_table`` and print that module.

Run by hand (some minutes): ``python -m tests.bench.templates``.
For each core, all structures of k pairs are tried with a fixed seed, k growing until one reaches it; of the solutions
found the total angle is made as small as it gets, and the smallest is kept.
"""

from __future__ import annotations

import math
import sys
from itertools import pairwise, product

import numpy as np

from qcos_optimizer.native import Matrix
from qcos_optimizer.passes.axial import Kind, core
from qcos_optimizer.passes.fitting import Fit, fit, refine, shorten

PAIRS = ((0, 1), (0, 2), (1, 2))
CORES: dict[str, tuple[Kind, float, tuple[int, int]]] = {
    "ccz": ("ccp", math.pi, (1, 0)),
    "cciz": ("cciz", 0.125, (1, 0)),
    "margolus": ("margolus", 0.0, (1, 0)),
    "margolus_00": ("margolus", 0.0, (0, 0)),
    "peres": ("peres", 0.0, (1, 0)),
    "peres_xx": ("peres_xx", 0.0, (1, 0)),
    "cswap": ("cswap", 0.0, (1, 0)),
}


def search(wanted: Matrix, seed: int = 1, starts: int = 24, kept: int = 6) -> Fit:
    """The fewest ZZ rotations that make ``wanted``, and of the solutions found the least total angle."""
    for count in range(1, 9):
        found: list[Fit] = []
        for pairs in product(PAIRS, repeat=count):
            if all(one != other for one, other in pairwise(pairs)):
                found += fit(wanted, pairs, np.random.default_rng(seed), starts)[:1]
        if found:
            found.sort(key=lambda one: one.total)
            short = (shorten(wanted, one) for one in found[:kept])
            best = min(short, key=lambda one: (round(one.total, 9), one.pairs))
            polished = refine(wanted, best)
            return best if polished is None or polished.error > best.error else polished
    raise AssertionError("not found")


def show(name: str, found: Fit) -> str:
    """One entry of the table: the pairs, their angles, and the unit quaternions of the one-qubit gates."""
    locals_ = [*found.first, *(one for two in found.after for one in two)]
    lines = [f'    "{name}": (', f"        {found.pairs!r},", f"        {_tuple(found.turns)},", "        ("]
    lines += [f"            {_tuple(_quaternion(one))}," for one in locals_]
    return "\n".join([*lines, "        ),", "    ),"])


def _quaternion(one: Matrix) -> list[float]:
    return [one[0, 0].real, one[0, 1].imag, one[0, 1].real, one[0, 0].imag]


def _tuple(numbers: object) -> str:
    return "(" + ", ".join(repr(float(number)) for number in np.asarray(numbers)) + ")"


if __name__ == "__main__":
    print(
        '"""Minimal templates, printed by tests/bench/templates.py: pairs, ZZ angles in turns, and for every one-qubit'
    )
    print('gate the four numbers (a, x, y, z) of a + i (x X + y Y + z Z): first one per qubit, then two per pair."""')
    print("\nfrom __future__ import annotations\n")
    print(
        "Entry = tuple[tuple[tuple[int, int], ...], tuple[float, ...], tuple[tuple[float, float, float, float], ...]]\n"
    )
    print("TABLE: dict[str, Entry] = {")
    for name, (kind, angle, pattern) in CORES.items():
        made = search(core(kind, angle, pattern))
        print(name, len(made.pairs), made.total, made.error, file=sys.stderr)
        print(show(name, made), flush=True)
    print("}")
