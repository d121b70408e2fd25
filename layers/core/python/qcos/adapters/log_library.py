"""The evidence library as the service uses it for the transparency log.

Only the evidence API, the checkpoint function and what is built on them import this module.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from qcos_evidence import KeySet, NotShown, tiles, transparency


class LogLibrary:
    """A :class:`qcos.library.LogLibrary`."""

    def origin(self, issuer: str, tenant: str) -> str:
        """The name of a tenant's log."""
        return transparency.origin(issuer, tenant)

    def leaf_hash(self, entry: bytes) -> bytes:
        """An entry's hash in the tree, 32 bytes."""
        return transparency.leaf_hash(entry)

    def believed(self, checkpoint: str, jwks: Sequence[Mapping[str, Any]]) -> bool:
        """Whether a checkpoint is good by the published keys."""
        try:
            transparency.open_checkpoint(checkpoint, KeySet.from_jwks({"keys": list(jwks)}))
        except NotShown:
            return False
        return True

    def size(self, checkpoint: str) -> int:
        """How many entries a checkpoint of ours is of."""
        return int(checkpoint.split("\n")[1])

    def proof(self, leaf_hashes: Sequence[bytes], index: int, checkpoint: str) -> str:
        """The tlog-proof that leaf ``index`` is under the checkpoint."""
        return transparency.inclusion_proof(leaf_hashes, index, checkpoint)

    def consistency(self, leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
        """The RFC 9162 path from the tree of the first ``old_size`` leaves to that of all of them."""
        return transparency.consistency(leaf_hashes, old_size)

    def place(self, path: str) -> tuple[int | None, int, int]:
        """The level of the tile at ``tile/<path>`` (None: a bundle of entries), its index and its width.

        Raises:
            ValueError: there is none at such a path, however long the log.
        """
        level, index, width = tiles.parse_tile_path(f"tile/{path}")
        return None if level == "entries" else level, index, width

    def tile(self, leaf_hashes: Sequence[bytes], level: int, index: int, width: int) -> bytes:
        """So many hashes of a tile.

        Raises:
            IndexError: the tree has no such tile, or not so much of it.
        """
        return tiles.tile(leaf_hashes, level, index, width)

    def entry_bundle(self, entries: Sequence[bytes]) -> bytes:
        """Entries as one file."""
        return tiles.entry_bundle(entries)
