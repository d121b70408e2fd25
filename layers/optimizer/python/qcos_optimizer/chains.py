"""Chains of passes: each ends in a circuit for the same unitary, merged into two-qubit blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .candidate import Via
from .certify import Claim
from .passes.blocks import Merged, cost, depth, merge
from .passes.gadgets import Synthesized, Weighting, synthesize
from .passes.gather import gather, straighten
from .simulation import Step
from .source import Source, expand
from .synthesis import whole
from .turns import TurnsCache, form_of, placed_claims

WEIGHTINGS: tuple[Weighting, ...] = (
    Weighting(fade=0.6, tail=0.1),
    Weighting(fade=0.5, tail=0.05),
    Weighting(fade=0.7, tail=0.05, window=30),
    Weighting(fade=0.5, tail=0.3),
    Weighting(fade=0.7, tail=0.05),
    Weighting(fade=0.6, tail=0.02),
    Weighting(fade=0.3, tail=0.1),
    Weighting(fade=0.8, tail=0.1),
)
"""Which is best depends on the circuit; in an order in which each adds most to those before it."""

MAX_WORK = 3_000
"""Rotations synthesised in all at level 2: large circuits are tried with fewer weightings."""

KEPT = 4
"""Chains beyond level 1's that go on to be lowered: so many of the fewest gates, and so many of the least depth."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A name, the circuit the chain ended in, and its blocks."""

    name: str
    via: Via
    merged: tuple[Merged, ...]


def chains(source: Source, level: int, seed: int) -> Iterator[Chain]:
    """The chains of ``level``, those of every level below it among them, so that a level never does worse."""
    if not source.operations:
        return
    cache = TurnsCache()
    every = tuple(range(source.qubits))
    claims = tuple(cache.claim(operation) for operation in expand(source.operations, 2))
    yield from _variants("blocks", Via(claims, every))
    yield from _gadgets(claims, source.qubits, WEIGHTINGS[:1])
    for name, operations, layout in whole(source, 1, seed):
        yield from _variants(name, Via(tuple(cache.claim(operation) for operation in operations), layout))
    if level == 1:
        return
    more = list(_gadgets(claims, source.qubits, WEIGHTINGS[1:]))
    for name, operations, layout in whole(source, level, seed):
        if not name.startswith("l1"):
            more += _variants(name, Via(tuple(cache.claim(operation) for operation in operations), layout))
    yield from _best(more)


def _best(made: Sequence[Chain]) -> list[Chain]:
    by_count = sorted(range(len(made)), key=lambda place: cost(made[place].merged))[:KEPT]
    by_depth = sorted(range(len(made)), key=lambda place: (depth(made[place].merged), cost(made[place].merged)))[:KEPT]
    return [made[place] for place in sorted({*by_count, *by_depth})]


def _variants(name: str, via: Via) -> Iterator[Chain]:
    """The circuit as it is, and if that is better with its rotations brought together."""
    plain = merge([claim.step for claim in via.claims])
    yield Chain(name, via, plain)
    gathered = _gathered(name, via)
    if cost(gathered.merged) < cost(plain):
        yield gathered


def _gathered(name: str, via: Via) -> Chain:
    moved = Via(placed_claims(gather(straighten(via.claims, len(via.layout)))), via.layout)
    return Chain(f"{name}-gathered", moved, merge([claim.step for claim in moved.claims]))


def _gadgets(claims: Sequence[Claim], qubits: int, weightings: Sequence[Weighting]) -> Iterator[Chain]:
    """Greedy synthesis from the beginning and, of the inverse, from the end."""
    forth = form_of(claims, qubits)
    back = form_of([_inverse(claim) for claim in reversed(claims)], qubits)
    allowed = max(1, MAX_WORK // (2 * len(forth.rotations) + 1))
    for weighting in weightings[:allowed]:
        label = f"f{weighting.fade:g}-t{weighting.tail:g}-w{weighting.window}"
        made = synthesize(forth, weighting)
        if made is not None:
            yield _gathered(f"gadgets-{label}", Via(placed_claims(made.turns), made.layout))
        made = synthesize(back, weighting)
        if made is not None:
            made = _reversed(made)
            yield _gathered(f"gadgets-back-{label}", Via(placed_claims(made.turns), made.layout))


def _inverse(claim: Claim) -> Claim:
    step = Step(claim.step.matrix.conj().T, claim.step.qubits)
    return Claim(step, tuple((x, z, -turns) for x, z, turns in reversed(claim.turns)))


def _reversed(made: Synthesized) -> Synthesized:
    """The inverse circuit, its wires renamed so that qubit q enters on wire q."""
    home = [0] * len(made.layout)
    for qubit, wire in enumerate(made.layout):
        home[wire] = qubit
    turns = tuple(
        ((x, z, -angle), tuple(home[wire] for wire in wires)) for (x, z, angle), wires in reversed(made.turns)
    )
    return Synthesized(turns, tuple(home))
