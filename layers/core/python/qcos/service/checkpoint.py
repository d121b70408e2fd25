"""Sign and publish a checkpoint of the tenant's transparency log when it has grown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from qcos.library import CheckpointSigner, LogLibrary
from qcos.ports import Checkpoints, Clock, Control, TransparencyLog
from qcos.service.signing_keys import register


class LogChanged(Exception):
    """The log is not the one that was signed before: nothing more is signed until a person has looked."""


@dataclass
class Leaves:
    """The leaf hashes of logs. Entries never change, so what was read once is kept."""

    log: TransparencyLog
    leaf_hash: Callable[[bytes], bytes]
    _known: dict[str, list[bytes]] = field(default_factory=dict)

    def __call__(self, tenant: str, size: int) -> list[bytes]:
        """The hashes of the first ``size`` entries; fewer where the log is shorter."""
        known = self._known.get(tenant, [])
        if len(known) < size:
            known = known + [self.leaf_hash(entry) for entry in self.log.entries(tenant, len(known), size)]
            self._known[tenant] = known
        return known[:size]


@dataclass(frozen=True)
class Checkpoint:
    """Publish what the log holds. Repeating it is harmless: a size is signed for once."""

    log: TransparencyLog
    checkpoints: Checkpoints
    control: Control
    signer: CheckpointSigner
    library: LogLibrary
    leaves: Leaves
    issuer: str
    clock: Clock

    def __call__(self, tenant: str) -> dict[str, int]:
        """Publish a checkpoint if none of as many entries is; ``{"size": of the latest}``, 0 for an empty log.

        Raises:
            LogChanged: the log is shorter than its latest checkpoint, or does not begin with that one's tree.
        """
        size = self.log.size(tenant)
        signed, previous = self.checkpoints.latest(tenant) or (0, None)
        if size < signed:
            raise LogChanged(f"{tenant}: has {size} entries, {signed} were signed for")
        if size == signed:
            self.checkpoints.archive(tenant)
            return {"size": size}
        origin = self.library.origin(self.issuer, tenant)
        published = register(self.control, [self.signer.key(origin)], self.clock())
        try:
            text = self.signer.sign(origin, self.leaves(tenant, size), self.clock(), previous)
        except ValueError as problem:
            raise LogChanged(f"{tenant}: {problem}") from None
        if not self.library.believed(text, published):
            raise RuntimeError("the log's key was retired or revoked: switch to another")
        self.checkpoints.publish(tenant, size, text)
        return {"size": size}
