"""The transparency log and its checkpoints in memory, safe for threads."""

from __future__ import annotations

from threading import Lock


class TransparencyLog:
    """A :class:`qcos.ports.TransparencyLog`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._logs: dict[str, dict[str, bytes]] = {}

    def append(self, tenant: str, bundle_id: str, entry: bytes) -> int:
        """Add the entry of a bundle; its index, from 0. Adding it again gives the same index."""
        with self._lock:
            log = self._logs.setdefault(tenant, {})
            log.setdefault(bundle_id, entry)
            return list(log).index(bundle_id)

    def index_of(self, tenant: str, bundle_id: str) -> int | None:
        """The index of a bundle's entry, None where it has none."""
        with self._lock:
            log = self._logs.get(tenant, {})
            return list(log).index(bundle_id) if bundle_id in log else None

    def size(self, tenant: str) -> int:
        """How many entries there are."""
        with self._lock:
            return len(self._logs.get(tenant, {}))

    def entries(self, tenant: str, start: int, end: int) -> list[bytes]:
        """The entries from ``start`` up to but not ``end``, in order; fewer where the log ends before."""
        with self._lock:
            return list(self._logs.get(tenant, {}).values())[start : max(start, end)]


class Checkpoints:
    """A :class:`qcos.ports.Checkpoints`; ``archived`` maps tenant and size to the text."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._heads: dict[str, tuple[int, str]] = {}
        self.archived: dict[tuple[str, int], str] = {}

    def publish(self, tenant: str, size: int, text: str) -> bool:
        """Publish and archive a checkpoint; False where one of as many entries or more is published."""
        with self._lock:
            if tenant in self._heads and self._heads[tenant][0] >= size:
                return False
            self._heads[tenant] = size, text
        self.archive(tenant)
        return True

    def archive(self, tenant: str) -> None:
        """Archive the latest checkpoint."""
        with self._lock:
            if tenant in self._heads:
                size, text = self._heads[tenant]
                self.archived.setdefault((tenant, size), text)

    def latest(self, tenant: str) -> tuple[int, str] | None:
        """The largest published checkpoint and its size; None before the first."""
        with self._lock:
            return self._heads.get(tenant)

    def covering(self, tenant: str, size: int) -> str | None:
        """The smallest archived checkpoint of at least ``size`` entries."""
        with self._lock:
            sizes = [archived for owner, archived in self.archived if owner == tenant and archived >= size]
            return self.archived[tenant, min(sizes)] if sizes else None

    def of_size(self, tenant: str, size: int) -> str | None:
        """The archived checkpoint of exactly so many entries."""
        with self._lock:
            return self.archived.get((tenant, size))
