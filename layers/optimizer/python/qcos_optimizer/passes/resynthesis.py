"""Pieces of a circuit synthesised anew, each on its own, and kept where that is better.

The circuit is cut into windows of consecutive rotations on few qubits; each is brought into Pauli form and synthesised
greedily. What is found locally is never worse, and where the whole circuit has a structure that greedy synthesis of
all of it destroys, the windows are small enough not to.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..simulation import blocks
from ..turns import form_of, placed_claims
from .blocks import cost, merge
from .gadgets import Placed, Synthesized, Weighting, synthesize
from .gather import gather, straighten

MIN_ROTATIONS = 3
"""Two-qubit rotations a window must have to be worth a try."""


def cost_of(placed: Sequence[Placed]) -> tuple[int, float]:
    """Two-qubit gates and total angle once blocks are merged."""
    return cost(merge([claim.step for claim in placed_claims(placed)]))


def resynthesize(
    placed: Sequence[Placed], qubits: int, width: int, weightings: Sequence[Weighting], limit: int
) -> Synthesized:
    """``placed`` with its windows of ``width`` qubits synthesised anew where that costs less; at most ``limit`` windows
    are tried."""
    made: list[Placed] = []
    wires = list(range(qubits))
    for block in blocks([places for _, places in placed], width):
        place = {qubit: number for number, qubit in enumerate(block.qubits)}
        members = [(placed[member][0], tuple(place[qubit] for qubit in placed[member][1])) for member in block.members]
        size = len(block.qubits)
        best = Synthesized(tuple(members), tuple(range(size)))
        if size > 2 and limit > 0 and sum(len(places) == 2 for _, places in members) >= MIN_ROTATIONS:
            limit -= 1
            best = _best(best, size, weightings)
        homes = [wires[qubit] for qubit in block.qubits]
        made += [(turn, tuple(homes[slot] for slot in places)) for turn, places in best.turns]
        for slot, qubit in enumerate(block.qubits):
            wires[qubit] = homes[best.layout[slot]]
    return Synthesized(tuple(gather(straighten(placed_claims(made), qubits))), tuple(wires))


def _best(had: Synthesized, size: int, weightings: Sequence[Weighting]) -> Synthesized:
    best, least = had, cost_of(had.turns)
    form = form_of(placed_claims(had.turns), size)
    for weighting in weightings:
        made = synthesize(form, weighting)
        if made is None:
            continue
        turns = tuple(gather(straighten(placed_claims(made.turns), size)))
        found = cost_of(turns)
        if found < least:
            best, least = Synthesized(turns, made.layout), found
    return best
