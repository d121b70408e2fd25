"""The RFC 9162 tree over a job's log: an event's hash is its leaf hash, as :mod:`qcos.events` computes it.

The evidence library has a tree of its own, because whoever verifies has nothing else of ours; this one lets the API
show proofs without loading that library.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

_PREFIX = "sha256:"


def inclusion(leaves: Sequence[str], index: int) -> tuple[list[str], str]:
    """The siblings from leaf ``index`` (from 0) up (RFC 9162, 2.1.3.1), and the root; all are ``sha256:<hex>``.

    Raises:
        IndexError: the tree has no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} in a tree of {len(leaves)}")
    level, path = [bytes.fromhex(leaf.removeprefix(_PREFIX)) for leaf in leaves], []
    while len(level) > 1:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        pairs = zip(level[::2], level[1::2], strict=False)
        # The odd one out moves up as it is: that is where the RFC's split at a power of two puts it.
        level = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in pairs] + level[len(level) & ~1 :]
        index //= 2
    return [_PREFIX + sibling.hex() for sibling in path], _PREFIX + level[0].hex()
