"""The log as static files: tiles of hashes, bundles of entries and their paths (C2SP tlog-tiles v0.1.0).

A tile is 256 hashes or, at the right edge of the tree, fewer: level 0 are the leaf hashes, and each hash of a level
above is the root of a full tile below. Whoever has the tiles computes every proof.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from qcos_evidence import merkle
from qcos_evidence.errors import EvidenceError

WIDTH = 256
"""Hashes in a full tile, entries in a full bundle."""
MAX_LEVEL = 63

Level = int | Literal["entries"]

_MAX_ENTRY_BYTES = 0xFFFF
_PATH = re.compile(r"tile/(entries|0|[1-9][0-9]?)/((?:x[0-9]{3}/){0,5})([0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


def tile(leaf_hashes: Sequence[bytes], level: int, index: int, width: int = WIDTH) -> bytes:
    """``width`` hashes of a tile, 32 bytes each.

    Args:
        leaf_hashes: of the log from its first entry; only those under the tile are read.
    Raises:
        IndexError: the tree has no such tile, or not so much of it.
    """
    if not 0 <= level <= MAX_LEVEL or index < 0 or not 1 <= width <= available(len(leaf_hashes), level, index):
        raise IndexError("the tree has no such tile")
    span, start = 1 << 8 * level, index * WIDTH
    return b"".join(merkle.root(leaf_hashes[one * span : (one + 1) * span]) for one in range(start, start + width))


def available(size: int, level: Level, index: int) -> int:
    """How many hashes (or entries) of a tile a tree of ``size`` entries has: 0 to 256."""
    complete = size if level == "entries" else size >> 8 * level
    return min(max(complete - index * WIDTH, 0), WIDTH)


def entry_bundle(entries: Sequence[bytes]) -> bytes:
    """Entries behind one another, each after its length in two bytes, big-endian.

    Raises:
        EvidenceError: none or more than 256 of them, or one of more than 65,535 bytes.
    """
    if not 1 <= len(entries) <= WIDTH or any(len(one) > _MAX_ENTRY_BYTES for one in entries):
        raise EvidenceError("a bundle has 1 to 256 entries of at most 65,535 bytes")
    return b"".join(len(one).to_bytes(2, "big") + one for one in entries)


def read_entry_bundle(data: bytes) -> list[bytes]:
    """What :func:`entry_bundle` wrote.

    Raises:
        EvidenceError: it is cut, empty, or holds more than 256 entries.
    """
    entries: list[bytes] = []
    place = 0
    while place < len(data):
        end = place + 2 + int.from_bytes(data[place : place + 2], "big")
        if end > len(data) or len(entries) == WIDTH:
            raise EvidenceError("the bundle of entries is cut, or too long")
        entries.append(data[place + 2 : end])
        place = end
    if not entries:
        raise EvidenceError("a bundle has at least one entry")
    return entries


def tile_path(level: Level, index: int, width: int = WIDTH) -> str:
    """Where a tile is found below the log's address, such as ``tile/0/x001/234.p/17``; full tiles have no ``.p``."""
    digits = f"{index:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    *above, last = (digits[place : place + 3] for place in range(0, len(digits), 3))
    path = "".join(f"x{one}/" for one in above) + last
    return f"tile/{level}/{path}" + (f".p/{width}" if width != WIDTH else "")


def entries_path(index: int, width: int = WIDTH) -> str:
    """Where a bundle of entries is found below the log's address."""
    return tile_path("entries", index, width)


def parse_tile_path(path: str) -> tuple[Level, int, int]:
    """Level (or ``"entries"``), index and width of a path.

    Raises:
        EvidenceError: it is not one that :func:`tile_path` writes.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        raise EvidenceError("there is no tile at such a path")
    level: Level = "entries" if found[1] == "entries" else int(found[1])
    index = int(re.sub("[x/]", "", found[2]) + found[3])
    width = int(found[4]) if found[4] else WIDTH
    if (level != "entries" and level > MAX_LEVEL) or tile_path(level, index, width) != path:
        raise EvidenceError("there is no tile at such a path")
    return level, index, width
