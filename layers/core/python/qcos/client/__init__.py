"""The API over HTTP: one method an endpoint, errors as exceptions, patience where it is safe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Self
from urllib.parse import quote

import httpx

from qcos.client.connection import TRIES, ApiError, Connection, NoAnswer, content, document, enveloped

__all__ = ["ENDED", "TRIES", "ApiError", "Client", "NoAnswer"]

ENDED = frozenset({"completed", "failed", "cancelled", "held"})
"""Statuses that a job does not leave by itself."""


class Client:
    """The API at ``url``, asked with the API key ``key``; a context manager, like the connection it holds.

    A GET or DELETE is repeated after a 429, a 5xx, a broken connection and whatever names a time to come back, at most
    :data:`TRIES` times in all, and so is a POST with an idempotency key. Any other POST is sent once: whoever repeats
    it may submit, and pay, twice.

    Raises:
        ValueError: the address or the key cannot be used.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout_s: float = 30.0,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._connection = Connection(url, key, timeout_s=timeout_s, transport=transport, sleep=sleep)
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def submit(
        self,
        qasm: str,
        backend: str,
        *,
        shots: int = 1024,
        level: int = 2,
        evidence: bool = False,
        pqc_signing: bool = True,
        memory: bool = False,
        mode: str = "unitary",
        max_cost_usd: Decimal | str | None = None,
        name: str | None = None,
        tags: Sequence[str] = (),
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Submit a circuit once; ``{job_id, status, estimated_time}``.

        With an idempotency key (up to 255 visible ASCII characters, a new one for each submission) it is safe to call
        this again with the same arguments after :class:`NoAnswer`.
        """
        options: dict[str, Any] = {"optimization_level": level, "evidence": evidence, "pqc_signing": pqc_signing}
        options |= _given(mode=None if mode == "unitary" else mode)
        options |= _given(memory=memory or None, max_cost_usd=None if max_cost_usd is None else str(max_cost_usd))
        body: dict[str, Any] = {"qasm": qasm, "backend": backend, "shots": shots, "options": options}
        body |= _given(name=name, tags=list(tags) or None, dry_run=dry_run or None)
        return self._post("/api/v2/optimize", body, idempotency_key)

    def submit_batch(
        self,
        circuits: Iterable[Mapping[str, Any]],
        *,
        shots: int = 1024,
        level: int = 2,
        evidence: bool = False,
        pqc_signing: bool = True,
        tags: Sequence[str] = (),
        dry_run: bool = False,
        idempotency_key: str | None = None,
    ) -> dict[str, Any]:
        """Submit several circuits (``{qasm, backend}`` and what the API lets each say); all are accepted or none.

        ``{batch_id, job_ids, status}``, the jobs in the order of the circuits.
        """
        options = {"optimization_level": level, "evidence": evidence, "pqc_signing": pqc_signing}
        body: dict[str, Any] = {"circuits": [dict(one) for one in circuits], "shots": shots, "options": options}
        body |= _given(tags=list(tags) or None, dry_run=dry_run or None)
        return self._post("/api/v2/optimize/batch", body, idempotency_key)

    def batch(self, batch_id: str) -> dict[str, Any]:
        """How a batch and each of its jobs are doing."""
        return self._data(f"/api/v2/optimize/batch/{_part(batch_id)}")

    def cancel_batch(self, batch_id: str) -> dict[str, Any]:
        """Cancel every job of a batch that has not ended."""
        return enveloped(self._connection.patiently("DELETE", f"/api/v2/optimize/batch/{_part(batch_id)}"))

    def stats(self) -> dict[str, Any]:
        """What the account has done so far."""
        return self._data("/api/v2/optimize/stats")

    def optimization(self, job_id: str, wait_s: int = 0) -> dict[str, Any]:
        """A job's status and results, once it has ended or ``wait_s`` seconds (0 to 20) are over."""
        return self._data(f"/api/v2/optimize/{_part(job_id)}", {"wait": str(wait_s)} if wait_s else {})

    def circuit(self, job_id: str, which: str = "optimized", form: str = "qasm2") -> bytes:
        """A job's circuit byte for byte, ``original`` or ``optimized``, as ``qasm2``, ``qasm3`` or ``ionq``."""
        path = f"/api/v2/optimize/{_part(job_id)}/circuit"
        return content(self._connection.patiently("GET", path, {"which": which, "format": form}))

    def certificate(self, job_id: str) -> bytes:
        """The proof that a job's optimized circuit is the submitted one, for ``qcos certify``."""
        return content(self._connection.patiently("GET", f"/api/v2/optimize/{_part(job_id)}/certificate"))

    def job(self, job_id: str) -> dict[str, Any]:
        """Everything about a job."""
        return self._data(f"/api/v2/jobs/{_part(job_id)}")

    def jobs(
        self,
        status: str | Sequence[str] | None = None,
        limit: int = 20,
        offset: int = 0,
        *,
        backend: str | None = None,
        batch_id: str | None = None,
        name: str | None = None,
        tag: str | None = None,
        created_after: str | None = None,
        created_before: str | None = None,
        cursor: str | None = None,
    ) -> dict[str, Any]:
        """Part of the job list, newest first: ``{jobs, pagination}``; all conditions must hold.

        Times are RFC 3339. ``cursor`` is ``pagination.next_cursor`` of the part before.
        """
        wanted = _given(
            status=status if status is None or isinstance(status, str) else ",".join(status) or None,
            backend=backend,
            batch_id=batch_id,
            name=name,
            tag=tag,
            created_after=created_after,
            created_before=created_before,
            cursor=cursor,
        )
        return self._data("/api/v2/jobs", wanted | {"limit": str(limit), "offset": str(offset)})

    def cancel(self, job_id: str) -> dict[str, Any]:
        """Cancel a job that has not ended; ``{job_id, status}``."""
        return enveloped(self._connection.patiently("DELETE", f"/api/v2/jobs/{_part(job_id)}"))

    def retry(self, job_id: str) -> dict[str, Any]:
        """Open the next attempt of a failed job; ``{job_id, status, attempt}``."""
        return self._post(f"/api/v2/jobs/{_part(job_id)}/retry", None)

    def events(self, job_id: str) -> list[dict[str, Any]]:
        """A job's log, oldest first."""
        found: list[dict[str, Any]] = self._data(f"/api/v2/jobs/{_part(job_id)}/events")["events"]
        return found

    def event_proof(self, job_id: str, version: int) -> dict[str, Any]:
        """That an event is in a job's log: its RFC 9162 path to the root that the bundle signs, if that holds it."""
        return self._data(f"/api/v2/jobs/{_part(job_id)}/events/{version}/proof")

    def wait(
        self,
        job_id: str,
        progress: Callable[[dict[str, Any]], None] | None = None,
        *,
        timeout_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> dict[str, Any]:
        """Ask until the job has ended or is held; ``progress`` is given the job whenever its status has changed.

        Asks every half second at first, every ten seconds in the end.

        Raises:
            TimeoutError: it has not ended within ``timeout_s``.
        """
        begun, pause, seen = clock(), 0.5, None
        while True:
            job = self.job(job_id)
            if job["status"] != seen:
                seen = job["status"]
                if progress:
                    progress(job)
            if seen in ENDED:
                return job
            if timeout_s is not None and clock() - begun + pause > timeout_s:
                raise TimeoutError(f"{job_id} is still {seen} after {timeout_s:g} s")
            self._sleep(pause)
            pause = min(10.0, pause * 1.2)

    def bundle(self, bundle_id: str) -> dict[str, Any]:
        """A signed evidence bundle."""
        return self._data(f"/api/v2/evidence/{_part(bundle_id)}")

    def export(self, bundle_id: str, form: str = "json") -> bytes:
        """A signed evidence bundle as a file: ``json``, ``cbor``, ``cose`` or ``pdf``; a long one by its link."""
        response = self._connection.patiently("GET", f"/api/v2/evidence/export/{_part(bundle_id)}", {"format": form})
        if response.status_code == 303:
            # Another host, and the link says all: it refuses a request that brings a key as well.
            response = self._connection.patiently("GET", response.headers["Location"], elsewhere=True)
        return content(response)

    def bundle_proof(self, bundle_id: str) -> str:
        """The tlog-proof that a bundle is in the transparency log; keep it beside the bundle."""
        return content(self._connection.patiently("GET", f"/api/v2/evidence/{_part(bundle_id)}/proof")).decode()

    def checkpoint(self, size: int | None = None) -> str:
        """The latest checkpoint of the transparency log, a signed note, or the one of that size."""
        of_size = "" if size is None else f"/{size}"
        return content(self._connection.patiently("GET", f"/api/v2/log/checkpoint{of_size}")).decode()

    def consistency(self, old: int, new: int) -> dict[str, Any]:
        """That the log of ``new`` entries begins with that of ``old``: ``{from, to, path}``."""
        return self._data("/api/v2/log/consistency", {"from": str(old), "to": str(new)})

    def verify(self, bundle: Mapping[str, Any]) -> dict[str, Any]:
        """The server's verdict on a bundle."""
        return self._post("/api/v2/evidence/verify", {"bundle": bundle})

    def jwks(self) -> dict[str, Any]:
        """The published keys, a JWK set."""
        return document(self._connection.patiently("GET", "/.well-known/jwks.json"))

    def backends(self) -> list[dict[str, Any]]:
        """Every backend with its live state."""
        found: list[dict[str, Any]] = self._data("/api/v2/backends")["backends"]
        return found

    def backend(self, backend_id: str) -> dict[str, Any]:
        """Details of a backend."""
        return self._data(f"/api/v2/backends/{_part(backend_id)}")

    def calibration(self, backend_id: str) -> dict[str, Any]:
        """The newest characterisation of a backend."""
        return self._data(f"/api/v2/backends/{_part(backend_id)}/calibration")

    def api_keys(self) -> list[dict[str, Any]]:
        """Every API key of the account, none with its secret."""
        found: list[dict[str, Any]] = self._data("/api/v2/keys")["keys"]
        return found

    def make_key(self, name: str, scopes: Sequence[str], expires_in: str | None = None) -> dict[str, Any]:
        """A new API key: its text, under ``api_key``, is never shown again. ``expires_in`` is like ``90d``."""
        return self._post("/api/v2/keys", {"name": name, "scopes": list(scopes)} | _given(expires_in=expires_in))

    def revoke_key(self, key_id: str) -> dict[str, Any]:
        """Revoke an API key, for ever."""
        return enveloped(self._connection.patiently("DELETE", f"/api/v2/keys/{_part(key_id)}"))

    def status(self) -> dict[str, Any]:
        """How the system is."""
        return self._data("/api/v2/status")

    def _data(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        return enveloped(self._connection.patiently("GET", path, query))

    def _post(self, path: str, body: Mapping[str, Any] | None, idempotency_key: str | None = None) -> dict[str, Any]:
        if idempotency_key is None:
            return enveloped(self._connection.post_once(path, body))
        headers = {"Idempotency-Key": idempotency_key}
        return enveloped(self._connection.patiently("POST", path, body=body, headers=headers))


def _part(text: str) -> str:
    """An id as one part of a path, whatever characters it has."""
    return quote(text, safe="") or "-"


def _given(**fields: Any) -> dict[str, Any]:
    """Those of the fields that are not None: what is left out has the API's default."""
    return {name: value for name, value in fields.items() if value is not None}
