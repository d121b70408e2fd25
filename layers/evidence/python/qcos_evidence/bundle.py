"""The evidence bundle, version 3.0: what ran, where, with which result, and the events that led there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from qcos_evidence import merkle
from qcos_evidence.canonical import canonical, plain
from qcos_evidence.errors import EvidenceError
from qcos_evidence.schema import MAX_LEAF_HASHES, TREE, VERSION, violations


def assemble(
    *,
    bundle_id: str,
    created_at: str,
    circuit_hash: str,
    execution_proof: Mapping[str, Any],
    event_log: Mapping[str, Any],
    issuer: str,
    **additions: Any,
) -> dict[str, Any]:
    """An unsigned bundle, checked against every rule a verifier applies without keys or a clock.

    Args:
        created_at: UTC, ``2026-01-01T00:00:00.000Z``.
        circuit_hash: ``sha3-256:`` hash of the submitted circuit's bytes.
        execution_proof: ``backend``, ``shots``, ``timestamp``, ``result_hash`` and whatever else is known of the run.
        event_log: from :func:`event_log`; its ``stream_id`` is the job's id.
        issuer: where the signing keys are published.
        additions: further signed members (JSON without floats). The job's id must be among them as ``job_id``,
            or in ``execution_proof``.
    Raises:
        EvidenceError: something required is missing, of the wrong form, or does not agree with the rest.
    """
    reserved = additions.keys() & {"version", "signatures"}
    if reserved:
        raise EvidenceError(f"{min(reserved)} is not for the caller to set")
    bundle = plain(
        {
            "version": VERSION,
            "bundle_id": bundle_id,
            "created_at": created_at,
            "circuit_hash": circuit_hash,
            "execution_proof": execution_proof,
            "event_log": event_log,
            "issuer": issuer,
            **additions,
        }
    )
    check(bundle)
    return bundle


def check(bundle: Mapping[str, Any]) -> None:
    """Raise :class:`EvidenceError`, naming everything that is wrong, unless ``bundle`` keeps the format's rules."""
    broken = violations(bundle)
    if broken:
        raise EvidenceError("; ".join(reason.message for reason in broken))
    canonical(bundle)


def content(bundle: Mapping[str, Any]) -> bytes:
    """The signed content: the canonical bytes of the bundle without ``signatures``."""
    return canonical({name: value for name, value in bundle.items() if name != "signatures"})


def digest(bundle: Mapping[str, Any]) -> str:
    """The bundle's hash, ``sha3-256:<hex>``, the same before and after signing and however the JSON is spelled."""
    return sha3_256(content(bundle))


def sha3_256(data: bytes) -> str:
    """``sha3-256:`` and the hash of ``data`` in lower-case hex (FIPS 202)."""
    return f"sha3-256:{hashlib.sha3_256(data).hexdigest()}"


def sha256_text(digest: bytes) -> str:
    """``sha256:`` and 32 bytes in lower-case hex."""
    return f"sha256:{digest.hex()}"


def event_hash(document: Mapping[str, Any]) -> bytes:
    """An event's hash, 32 bytes: SHA-256(0x00 || canonical bytes without the member ``hash``).

    That is the leaf hash of RFC 9162, so a job's event hashes are the leaves of its tree as they are.
    """
    event = canonical({name: value for name, value in document.items() if name != "hash"})
    return hashlib.sha256(b"\x00" + event).digest()


def event_log(stream_id: str, event_hashes: Sequence[bytes]) -> dict[str, Any]:
    """What a bundle says of a job's events: how many, the last one's hash, the root over all.

    Up to 256 hashes are carried as ``leaf_hashes``; a longer log can only be checked with its events at hand.

    Args:
        stream_id: the job's id.
        event_hashes: from :func:`event_hash`, 32 bytes each, in the order of the log; at least one.
    """
    if not event_hashes or any(len(one) != hashlib.sha256().digest_size for one in event_hashes):
        raise EvidenceError("a log has at least one event, and event hashes have 32 bytes")
    log: dict[str, Any] = {
        "stream_id": stream_id,
        "tree": TREE,
        "size": len(event_hashes),
        "root_hash": sha256_text(merkle.root(event_hashes)),
        "head_event_hash": sha256_text(event_hashes[-1]),
    }
    if len(event_hashes) <= MAX_LEAF_HASHES:
        log["leaf_hashes"] = [sha256_text(one) for one in event_hashes]
    return log
