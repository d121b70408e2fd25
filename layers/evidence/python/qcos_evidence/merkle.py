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


def consistency_path(old_size: int, leaf_hashes: Sequence[bytes]) -> list[bytes]:
    """What shows that the tree of the first ``old_size`` leaves begins this one (RFC 9162 section 2.1.4.1).

    Empty where there is nothing to show: of the empty tree, and of the same tree.

    Raises:
        IndexError: this tree has not so many leaves.
    """
    if not 0 <= old_size <= len(leaf_hashes):
        raise IndexError(f"no {old_size} leaves in a tree of {len(leaf_hashes)}")
    if old_size in (0, len(leaf_hashes)):
        return []
    # The right edge of the old tree is made of complete subtrees. The lowest is where both trees begin to climb: it is
    # the first hash, unless it is the whole old tree, whose root is known.
    level, node = list(leaf_hashes), old_size - 1
    while node & 1:
        level, node = _parents(level), node >> 1
    path = [level[node]] if node else []
    while len(level) > 1:
        sibling = node ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level, node = _parents(level), node >> 1
    return path


def verify_consistency(old_size: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> bool:
    """Whether ``path`` shows that the tree of ``size`` leaves begins with the tree of ``old_size`` leaves.

    The steps are those of RFC 9162 section 2.1.4.2. The empty tree is the beginning of every tree.
    """
    if not 0 <= old_size <= size:
        return False
    if old_size in (0, size):
        return not path and old_root == (root if old_size == size else hashlib.sha256().digest())
    if not path:
        return False
    # A complete old tree is its own first hash.
    first, *rest = path if old_size & (old_size - 1) else [old_root, *path]
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = first
    for sibling in rest:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = _node(sibling, old), _node(sibling, new)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            new = _node(new, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old == old_root and new == root


def _parents(level: list[bytes]) -> list[bytes]:
    # RFC 9162 splits at the largest power of two; level by level that is: pair up, and the odd one out moves up as is.
    paired = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    return paired + level[len(paired) * 2 :]


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()
