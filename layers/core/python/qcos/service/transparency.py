"""Read the tenant's transparency log: checkpoints, tiles, and proofs that bundles are in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from qcos.errors import CheckpointNotFound, NotLogged, RouteNotFound, Unavailable
from qcos.library import LogLibrary
from qcos.ports import Checkpoints, Control, TransparencyLog
from qcos.service.checkpoint import Leaves
from qcos.service.evidence import EvidenceDesk

TILE_WIDTH = 256
"""Hashes, or entries, of a full tile."""


@dataclass(frozen=True)
class Transparency:
    """A tenant's log as everybody with a key to it may see it. ``request_checkpoint`` has one made if the log grew."""

    log: TransparencyLog
    checkpoints: Checkpoints
    control: Control
    library: LogLibrary
    leaves: Leaves
    desk: EvidenceDesk
    request_checkpoint: Callable[[], None]

    def latest(self, tenant: str) -> str:
        """A checkpoint of everything that was logged when it was asked for.

        Raises:
            CheckpointNotFound: nothing was logged yet.
            Unavailable: none could be made.
        """
        size = self.log.size(tenant)
        latest = self.checkpoints.latest(tenant)
        if size and (latest is None or latest[0] < size):
            self.request_checkpoint()
            latest = self.checkpoints.latest(tenant)
            if latest is None or latest[0] < size:
                raise Unavailable("The log's new checkpoint is not there yet. Try again in a moment.")
        if latest is None:
            raise CheckpointNotFound("The log is empty: it begins with the first signed bundle.")
        return latest[1]

    def of_size(self, tenant: str, size: int) -> str:
        """The checkpoint of exactly so many entries.

        Raises:
            CheckpointNotFound: none was published.
        """
        found = self.checkpoints.of_size(tenant, size)
        if found is None:
            raise CheckpointNotFound("No checkpoint of that size was published.", [{"field": "size"}])
        return found

    def proof(self, tenant: str, bundle_id: str) -> str:
        """The tlog-proof of a bundle under the earliest checkpoint that covers it: the same for ever.

        Where the key of that checkpoint was revoked, it is under the latest instead.

        Raises:
            BundleNotFound: this tenant has none of that id.
            NotLogged: it was signed a moment ago.
            Unavailable: no checkpoint could be made.
        """
        index = self.log.index_of(tenant, bundle_id)
        if index is None:
            self.desk.bundle(tenant, bundle_id)
            raise NotLogged("The bundle is not in the log yet. Try again in a moment.")
        checkpoint = self.checkpoints.covering(tenant, index + 1)
        if checkpoint is None:
            self.request_checkpoint()
            checkpoint = self.checkpoints.covering(tenant, index + 1)
        if checkpoint is None:
            raise Unavailable("No checkpoint covers the bundle yet. Try again in a moment.")
        if not self.library.believed(checkpoint, self.control.signing_keys()):
            checkpoint = self.latest(tenant)
        leaves = self.leaves(tenant, self.library.size(checkpoint))
        return self.library.proof(leaves, index, checkpoint)

    def consistency(self, tenant: str, old: int, new: int) -> dict[str, Any]:
        """That the tree of ``new`` entries begins with the tree of ``old``, 0 < old <= new: the path of RFC 9162.

        Raises:
            CheckpointNotFound: the log is shorter.
        """
        if new > self.log.size(tenant):
            raise CheckpointNotFound("to is at most the size of the latest checkpoint.", [{"field": "to"}])
        path = self.library.consistency(self.leaves(tenant, new), old)
        return {"from": old, "to": new, "path": [f"sha256:{one.hex()}" for one in path]}

    def tile(self, tenant: str, path: str) -> bytes:
        """The tile, or bundle of entries, at ``tile/<path>`` (C2SP tlog-tiles).

        Raises:
            RouteNotFound: the log has no such tile, or not so much of it.
        """
        missing = RouteNotFound("The log has no such tile.")
        try:
            level, index, width = self.library.place(path)
        except ValueError:
            raise missing from None
        start = index * TILE_WIDTH
        end = start + width if level is None else (start + width) << 8 * level
        if end > self.log.size(tenant):
            raise missing
        if level is None:
            return self.library.entry_bundle(self.log.entries(tenant, start, end))
        return self.library.tile(self.leaves(tenant, end), level, index, width)
