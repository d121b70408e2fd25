"""The optimizer and the evidence library as the use cases know them; adapters load the libraries themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from qcos.models import Mode


class Optimize(Protocol):
    """The optimizer, in a process of its own; answers its JSON document."""

    def __call__(self, qasm: str, target: str, level: int, *, mode: Mode, seconds: float) -> dict[str, Any]: ...


BundleForm = Literal["json", "cbor", "cose", "pdf"]


@dataclass(frozen=True)
class SignedBundle:
    """A signed evidence bundle: the exact JSON bytes that are served, and what the log says of them."""

    document: bytes
    bundle_hash: str
    algorithm: Literal["ML-DSA-65", "Ed25519"]
    key_id: str
    log_entry: str


class EvidenceSigner(Protocol):
    """Makes signed bundles with the tenant's keys."""

    def register(self) -> list[dict[str, Any]]:
        """The public keys it signs with, as JWKs."""

    def sign(self, record: Mapping[str, Any], event_hashes: Sequence[str], *, post_quantum: bool) -> SignedBundle:
        """Assemble, sign and verify a bundle of ``record`` and the log whose event hashes are given."""

    def inspect(self, document: bytes, jwks: Sequence[Mapping[str, Any]]) -> SignedBundle:
        """What a bundle of this tenant is, after verifying it by the published keys.

        Raises:
            ValueError: it does not verify.
        """


class CheckpointSigner(Protocol):
    """Makes checkpoints with the key of the tenant's log."""

    def key(self, origin: str) -> dict[str, Any]:
        """The public key it signs with, as a JWK for the log ``origin``."""

    def sign(self, origin: str, leaf_hashes: Sequence[bytes], at: datetime, previous: str | None) -> str:
        """The signed checkpoint of a log with these leaves.

        Raises:
            ValueError: the tree does not begin with that of the ``previous`` checkpoint: the log was changed.
        """


class LogLibrary(Protocol):
    """What a log of these entries looks like to others: names, hashes, proofs, tiles; needs no key."""

    def origin(self, issuer: str, tenant: str) -> str:
        """The name of a tenant's log."""

    def leaf_hash(self, entry: bytes) -> bytes:
        """An entry's hash in the tree, 32 bytes."""

    def believed(self, checkpoint: str, jwks: Sequence[Mapping[str, Any]]) -> bool:
        """Whether a checkpoint is good by the published keys."""

    def size(self, checkpoint: str) -> int:
        """How many entries a checkpoint of ours is of."""

    def proof(self, leaf_hashes: Sequence[bytes], index: int, checkpoint: str) -> str:
        """The tlog-proof that leaf ``index`` is under the checkpoint."""

    def consistency(self, leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
        """The RFC 9162 path from the tree of the first ``old_size`` leaves to that of all of them."""

    def place(self, path: str) -> tuple[int | None, int, int]:
        """The level of the tile at ``tile/<path>`` (None: a bundle of entries), its index and its width.

        Raises:
            ValueError: there is none at such a path, however long the log.
        """

    def tile(self, leaf_hashes: Sequence[bytes], level: int, index: int, width: int) -> bytes:
        """So many hashes of a tile.

        Raises:
            IndexError: the tree has no such tile, or not so much of it.
        """

    def entry_bundle(self, entries: Sequence[bytes]) -> bytes:
        """Entries as one file."""


class EvidenceLibrary(Protocol):
    """Everything that is done with bundles once they are signed; needs no key but the published ones."""

    def verdict(
        self,
        document: bytes,
        jwks: Sequence[Mapping[str, Any]],
        now: datetime,
        *,
        expected_job_id: str | None = None,
        expected_circuit_hash: str | None = None,
        proof: str | None = None,
    ) -> dict[str, Any]:
        """The verdict on a bundle in any form, as the API answers it; ``proof`` is its tlog-proof.

        Raises:
            ValueError: there is no single well-defined bundle to judge (message and ``code`` say why).
        """

    def write(self, bundle: bytes, form: BundleForm, result: bytes | None) -> bytes:
        """A signed bundle (its JSON text) in another form; the page, ``pdf``, takes the stored result."""
