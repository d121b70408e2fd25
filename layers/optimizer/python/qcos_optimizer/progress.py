"""How far a search has come, and the line that one process says it to another with."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE = re.compile(rb"(\d{1,9}) (\d{1,9}) (\d{1,9})")


@dataclass(frozen=True, slots=True)
class Progress:
    """So many ``candidates`` generated and scored, and what the best of them has, which nothing has checked yet."""

    candidates: int = 0
    two_qubit_gates: int = 0
    depth: int = 0

    def to_line(self) -> bytes:
        """Three numbers, without the end of the line."""
        return b"%d %d %d" % (self.candidates, self.two_qubit_gates, self.depth)

    @classmethod
    def from_line(cls, line: bytes) -> Progress:
        """What :meth:`to_line` wrote; raises ValueError for anything else."""
        found = _LINE.fullmatch(line)
        if found is None:
            raise ValueError("no line of progress")
        return cls(*map(int, found.groups()))
