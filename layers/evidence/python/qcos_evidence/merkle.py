"""The Merkle tree of RFC 9162 (Certificate Transparency 2.0), over leaf hashes that are already computed.

A leaf hash is SHA-256(0x00 || entry), an inner node SHA-256(0x01 || left || right), the empty tree SHA-256 of
nothing. All hashes are 32 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def root(leaf_hashes: Sequence[bytes]) -> bytes:
    """The tree head (RFC 9162 section 2.1.1), 32 bytes."""
    level = list(leaf_hashes)
    if not level:
        return hashlib.sha256().digest()
    while len(level) > 1:
        level = _parents(level)
    return level[0]


def inclusion_path(index: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """The siblings from leaf ``index`` (from 0) up to the root (RFC 9162 section 2.1.3.1).

    Raises:
        IndexError: the tree has no such leaf.
    """
    if not 0 <= index < len(leaf_hashes):
        raise IndexError(f"no leaf {index} in a tree of {len(leaf_hashes)}")
    level, path = list(leaf_hashes), []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, index = _parents(level), index // 2
    return path


def verify_inclusion(leaf_hash: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether ``path`` shows that ``leaf_hash`` is leaf ``index`` of the tree of ``size`` leaves with this ``root``.

    The steps are those of RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    node, last, current = index, size - 1, leaf_hash
    for sibling in path:
        if last == 0:
            return False
        if node & 1 or node == last:
            current = _node(sibling, current)
            # A right edge without a sibling on some levels: climb to where it becomes a right child.
            while node and not node & 1:
                node >>= 1
                last >>= 1
        else:
            current = _node(current, sibling)
        node >>= 1
        last >>= 1
    return last == 0 and current == root


def _parents(level: list[bytes]) -> list[bytes]:
    # RFC 9162 splits at the largest power of two; level by level that is: pair up, and the odd one out moves up as is.
    paired = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return paired + level[len(paired) * 2 :]


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
