"""Chains of passes: each ends in a circuit for the same unitary, merged into two-qubit blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .candidate import Via
from .certify import Claim
from .passes.blocks import Merged, cost, depth, merge
from .passes.gadgets import Placed, Synthesized, Weighting, synthesize
from .passes.gather import gather, straighten
from .passes.phase import fold
from .passes.resynthesis import cost_of, resynthesize
from .passes.schedule import schedule
from .passes.walk import Goal, Walk
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

MAX_WORK = {1: 0, 2: 3_000, 3: 30_000}
"""Rotations synthesised in all at each level: large circuits are tried with fewer weightings."""

RANDOM_WEIGHTINGS = 64
"""More weightings at level 3, drawn with the seed."""

KEPT = {1: 3, 2: 4, 3: 4}
"""Chains that go on to be lowered at each level: so many of the fewest gates, and so many of the least depth."""

NEAR = 1.1
"""Synthesised circuits with up to so many times the gates of the best are worth bringing together and merging."""

WIDTHS = {2: (3, 5), 3: (3, 4, 5, 7)}
ROUNDS = {2: 1, 3: 4}
WINDOWS = {2: 40, 3: 200}
"""At each level: widths of the windows that are synthesised anew, in how many rounds, and how many in a round."""

TRIES = {2: 80_000, 3: 300_000}
MOST_TRIES = {2: 300, 3: 1_000}
WALKS = {2: ((1, 1),), 3: ((4, 2), (1, 12))}
STARTS = 3
IDLE = 6
"""Windows drawn at random, by walks: a leg is so many divided by the circuit's rotations, but no more than the second
number; in each round so many walks, the best of the round before, go so many legs, or until so many in a row have found
nothing. The first round starts from so many of the best chains in turn: where one walk is stuck another is not."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A name, the circuit the chain ended in, and its blocks."""

    name: str
    via: Via
    merged: tuple[Merged, ...]


def chains(source: Source, level: int, seed: int, goal: Goal = "gates") -> Iterator[Chain]:
    """The chains of ``level``, those of every level below it among them, so that a level never does worse."""
    if not source.operations:
        return
    cache = TurnsCache()
    every = tuple(range(source.qubits))
    claims = tuple(cache.claim(operation) for operation in expand(source.operations, 2))
    made = _best(list(_first(claims, source, seed, cache)), KEPT[1])
    yield from made
    for effort in range(2, level + 1):
        weightings = WEIGHTINGS[1:] if effort == 2 else _drawn(seed)
        more = list(_gadgets(claims, source.qubits, weightings, MAX_WORK[effort]))
        for name, operations, layout in whole(source, effort, seed):
            if name.startswith(f"l{effort}"):
                more += _variants(name, Via(tuple(cache.claim(operation) for operation in operations), layout))
        if effort == 2:
            more += list(_variants("folded", _folded(Via(claims, every))))
        kept = _best(more, KEPT[effort])
        yield from kept
        made += kept
        if kept:
            made.append(_resynthesized(min(kept, key=lambda chain: cost(chain.merged)), effort))
            yield made[-1]
        for chain in _walked(sorted(made, key=_rank(goal))[:STARTS], seed, effort, goal):
            made.append(chain)
            yield chain


def _first(claims: tuple[Claim, ...], source: Source, seed: int, cache: TurnsCache) -> Iterator[Chain]:
    """The chains of level 1."""
    yield from _variants("blocks", Via(claims, tuple(range(source.qubits))))
    yield from _gadgets(claims, source.qubits, WEIGHTINGS[:1], MAX_WORK[1])
    for name, operations, layout in whole(source, 1, seed):
        yield from _variants(name, Via(tuple(cache.claim(operation) for operation in operations), layout))


def _rank(goal: Goal) -> Callable[[Chain], tuple[float, ...]]:
    if goal == "depth":
        return lambda chain: (depth(chain.merged), *cost(chain.merged))
    return lambda chain: (*cost(chain.merged), depth(chain.merged))


def _walked(starts: Sequence[Chain], seed: int, level: int, goal: Goal) -> Iterator[Chain]:
    """What windows drawn at random make of ``starts``; of the same name, each is better than the one before."""
    first = WALKS[level][0][0]
    walks = [_Walking.of(starts[number % len(starts)], number, seed, level, goal) for number in range(first)]
    for kept, legs in WALKS[level]:
        # Sorting is stable: of equal ones the first stay.
        walks = sorted(walks, key=lambda walking: walking.walk.cost)[:kept]
        for walking in walks:
            yield from walking.go(legs)


@dataclass(frozen=True, slots=True)
class _Walking:
    """A walk, what its chains are called, and the windows of a leg."""

    name: str
    walk: Walk
    tries: int

    @classmethod
    def of(cls, chain: Chain, number: int, seed: int, level: int, goal: Goal) -> _Walking:
        start = Synthesized(tuple(straighten(chain.via.claims, len(chain.via.layout))), chain.via.layout)
        name = chain.name if "-walked" in chain.name else f"{chain.name}-walked"
        tries = min(MOST_TRIES[level], TRIES[level] // max(1, len(start.turns)))
        return cls(f"{name}-{number}" if number else name, Walk(start, [seed, level, number], goal), tries)

    def go(self, legs: int) -> Iterator[Chain]:
        idle = 0
        for _ in range(legs):
            idle = 0 if self.walk.go(self.tries) else idle + 1
            if idle == IDLE:
                return
            if idle == 0:
                best = self.walk.best
                via = Via(placed_claims(schedule(gather(best.turns))), best.layout)
                yield Chain(self.name, via, merge([claim.step for claim in via.claims]))


def _drawn(seed: int) -> list[Weighting]:
    random = np.random.default_rng(seed)
    return [
        Weighting(
            fade=round(float(random.uniform(0.35, 0.75)), 3),
            tail=round(float(10 ** random.uniform(-2, -0.5)), 3),
            window=int(random.choice([20, 40, 80, 120])),
        )
        for _ in range(RANDOM_WEIGHTINGS)
    ]


def _best(made: Sequence[Chain], kept: int) -> list[Chain]:
    by_count = sorted(range(len(made)), key=lambda place: cost(made[place].merged))[:kept]
    by_depth = sorted(range(len(made)), key=lambda place: (depth(made[place].merged), cost(made[place].merged)))[:kept]
    return [made[place] for place in sorted({*by_count, *by_depth})]


def _variants(name: str, via: Via) -> Iterator[Chain]:
    """The circuit as it is, and if that is better with its rotations brought together."""
    plain = merge([claim.step for claim in via.claims])
    yield Chain(name, via, plain)
    gathered = _gathered(name, via)
    if (cost(gathered.merged), depth(gathered.merged)) < (cost(plain), depth(plain)):
        yield gathered


def _gathered(name: str, via: Via) -> Chain:
    turns = schedule(gather(straighten(via.claims, len(via.layout))))
    moved = Via(placed_claims(turns), via.layout, via.origin or via)
    return Chain(f"{name}-gathered", moved, merge([claim.step for claim in moved.claims]))


def _folded(via: Via) -> Via:
    qubits = len(via.layout)
    turns = straighten(via.claims, qubits)
    return Via(placed_claims(straighten(placed_claims(fold(turns, qubits)), qubits)), via.layout)


def _resynthesized(chain: Chain, level: int) -> Chain:
    """``chain`` with windows of it synthesised anew, as long as that helps."""
    qubits = len(chain.via.layout)
    turns: tuple[Placed, ...] = tuple(gather(straighten(chain.via.claims, qubits)))
    layout = chain.via.layout
    for _ in range(ROUNDS[level]):
        before = cost_of(turns)
        for width in WIDTHS[level]:
            if width < qubits:
                made = resynthesize(turns, qubits, width, WEIGHTINGS[: 2 * level - 2], WINDOWS[level])
                turns, layout = made.turns, tuple(made.layout[wire] for wire in layout)
        if cost_of(turns) >= before:
            break
    via = Via(placed_claims(schedule(turns)), layout, chain.via.origin or chain.via)
    return Chain(f"{chain.name}-windows", via, merge([claim.step for claim in via.claims]))


def _gadgets(claims: Sequence[Claim], qubits: int, weightings: Sequence[Weighting], work: int) -> Iterator[Chain]:
    """Greedy synthesis from the beginning and, of the inverse, from the end."""
    forth = form_of(claims, qubits)
    back = form_of([_inverse(claim) for claim in reversed(claims)], qubits)
    allowed = max(1, work // (2 * len(forth.rotations) + 1))
    found: list[tuple[str, Synthesized]] = []
    for weighting in weightings[:allowed]:
        label = f"f{weighting.fade:g}-t{weighting.tail:g}-w{weighting.window}"
        made = synthesize(forth, weighting)
        if made is not None:
            found.append((f"gadgets-{label}", made))
        made = synthesize(back, weighting)
        if made is not None:
            found.append((f"gadgets-back-{label}", made.inverse()))
    least = min((_entangling(made) for _, made in found), default=0)
    for name, made in found:
        if _entangling(made) <= NEAR * least:
            yield _gathered(name, Via(placed_claims(made.turns), made.layout))


def _entangling(made: Synthesized) -> int:
    return sum(len(wires) == 2 for _, wires in made.turns)


def _inverse(claim: Claim) -> Claim:
    step = Step(claim.step.matrix.conj().T, claim.step.qubits)
    return Claim(step, tuple((x, z, -turns) for x, z, turns in reversed(claim.turns)))
