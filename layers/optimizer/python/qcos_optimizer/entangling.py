"""Chains over entangling gates between rotated axes: Toffoli gates in pairs, then windows of three qubits made anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .candidate import Via
from .passes.assembly import Group, grouped
from .passes.axial import Axial, axial, of_turns
from .passes.blocks import cost, merge
from .passes.recogniser import recognise
from .passes.refit import Effort, Refit
from .passes.toffoli import cost as rotations
from .passes.toffoli import rewrite
from .source import Source

BASES = {1: 0, 2: 2, 3: 4}
"""How many of the other chains' circuits have their windows made anew at each level, those of the fewest gates."""

MAX_ITEMS = 1_500
"""Circuits of more entangling gates are only rewritten, not cut into windows."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A name, a circuit, and its gates in groups that are made native one by one."""

    name: str
    circuit: Axial
    groups: tuple[Group, ...]


def plans(source: Source, vias: Sequence[Via], level: int, seed: int) -> Iterator[Plan]:
    """The plans of ``level`` and of every level below it, so that a level never does worse. ``vias`` are circuits that
    other chains have found for the same source, of gates of at most two qubits."""
    read = axial(source.operations, source.qubits)
    found = [("toffoli", rewrite(read))]
    seen = recognise(read) if len(read.items) <= MAX_ITEMS else read
    if len(seen.items) != len(read.items):
        found.append(("recognised", rewrite(seen)))
    for name, circuit in found:
        yield Plan(name, circuit, tuple(grouped(circuit.items)))
    paired = min((circuit for _, circuit in found), key=rotations)
    shortest = sorted(vias, key=lambda via: cost(merge([claim.step for claim in via.claims])))
    for effort in range(2, level + 1):
        bases = [("toffoli", paired)]
        for number, via in enumerate(shortest[: BASES[effort]]):
            placed = [(claim.step.qubits, claim.turns) for claim in via.claims]
            bases.append((f"chain{number}", of_turns(placed, via.layout)))
        # What is learned about a window on the way helps with all of them, so the best come first.
        refit = Refit(seed, _effort(effort))
        for name, base in sorted(bases, key=lambda named: rotations(named[1])):
            if len(base.items) <= MAX_ITEMS:
                yield Plan(f"{name}-r{effort}", base, tuple(refit.groups(base.items)))


def _effort(level: int) -> Effort:
    return Effort(60) if level == 2 else Effort(1_200, widest=9, guesses=12, rounds=30)
