"""Chains over entangling gates between rotated axes: merged, Toffoli gates recognised and paired, then templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .candidate import Via
from .passes.assembly import Group, grouped
from .passes.axial import Axial, axial
from .passes.toffoli import rewrite
from .source import Source


@dataclass(frozen=True, slots=True)
class Plan:
    """A name, a circuit, and its gates in groups that are made native one by one."""

    name: str
    circuit: Axial
    groups: tuple[Group, ...]


def plans(source: Source, vias: Sequence[Via], level: int, seed: int) -> Iterator[Plan]:
    """The plans of ``level`` and of every level below it, so that a level never does worse."""
    paired = rewrite(axial(source.operations, source.qubits))
    yield Plan("toffoli", paired, tuple(grouped(paired.items)))
