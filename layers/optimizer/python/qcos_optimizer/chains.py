"""Chains of passes: each ends in a circuit for the same unitary, merged into two-qubit blocks."""

from __future__ import annotations

from collections.abc import Iterator

from .candidate import Via
from .passes.blocks import Merged, merge
from .passes.gadgets import Weighting, synthesize
from .source import Source, expand
from .synthesis import whole
from .turns import TurnsCache, form_of, placed_claims

Chain = tuple[str, Via, tuple[Merged, ...]]
"""A name, the circuit the chain ended in, and its blocks."""

WEIGHTINGS: tuple[Weighting, ...] = (
    Weighting(),
    Weighting(fade=0.9),
    Weighting(fade=0.5),
    Weighting(tail=0.2),
    Weighting(tail=0.0),
)


def chains(source: Source, level: int, seed: int) -> Iterator[Chain]:
    """The chains of ``level`` and of every level below it, so that a level never does worse."""
    if not source.operations:
        return
    cache = TurnsCache()
    every = tuple(range(source.qubits))
    claims = tuple(cache.claim(operation) for operation in expand(source.operations, 2))
    yield _chain("blocks", Via(claims, every))
    form = form_of(claims, source.qubits)
    for number, weighting in enumerate(WEIGHTINGS[: 1 if level == 1 else None]):
        made = synthesize(form, weighting)
        if made is not None:
            yield _chain(f"gadgets-{number}", Via(placed_claims(made.turns), made.layout))
    for name, operations, layout in whole(source, level, seed):
        yield _chain(name, Via(tuple(cache.claim(operation) for operation in operations), layout))


def _chain(name: str, via: Via) -> Chain:
    return name, via, merge([claim.step for claim in via.claims])
