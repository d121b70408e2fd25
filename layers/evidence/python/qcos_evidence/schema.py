"""The form of a bundle, version 3.0: every rule that can be judged from the bundle alone, without keys or a clock.

The same rules hold back a bundle before it is signed and judge one that somebody presents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from qcos_evidence import merkle
from qcos_evidence.timestamp import parse_timestamp

VERSION = "3.0"
TREE = "RFC9162_SHA256"
SIGNATURE_PREFIX = "base64:"
MAX_LEAF_HASHES = 256
"""More events than this, and their hashes are not carried in the bundle: the verifier needs the events."""
CLOCK_SKEW = timedelta(seconds=300)
"""How far two honest clocks (ours, the provider's, the verifier's) may stand apart."""

Check = Literal["signature", "hash", "timestamp"]

SHA3_256 = re.compile(r"sha3-256:[0-9a-f]{64}")
SHA_256 = re.compile(r"sha256:[0-9a-f]{64}")
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}")
ISSUER = re.compile(r"https?://[!-~]{1,2000}")


@dataclass(frozen=True)
class Reason:
    """Why a check did not come out valid: a stable ``code`` and words for people, which quote nothing untrusted."""

    check: Check | Literal["transparency"]
    code: str
    message: str


def identifier(value: object) -> bool:
    """Whether ``value`` is an id: 1 to 128 of letters, digits and ``_.:-``, starting with a letter or digit."""
    return isinstance(value, str) and IDENTIFIER.fullmatch(value) is not None


def sha3_256_text(value: object) -> bool:
    """Whether ``value`` is ``sha3-256:`` and 64 lower-case hex digits."""
    return isinstance(value, str) and SHA3_256.fullmatch(value) is not None


def sha256_bytes(value: object) -> bytes | None:
    """The 32 bytes of ``sha256:`` and 64 lower-case hex digits, or None."""
    if not isinstance(value, str) or not SHA_256.fullmatch(value):
        return None
    return bytes.fromhex(value[len("sha256:") :])


def job_id(bundle: Mapping[str, Any]) -> str | None:
    """The job a bundle speaks of: its ``job_id``, else that of its execution proof; None if neither is an id."""
    execution = bundle.get("execution_proof")
    inner = execution.get("job_id") if isinstance(execution, Mapping) else None
    found = bundle.get("job_id", inner)
    return found if identifier(found) else None


def violations(bundle: Mapping[str, Any]) -> list[Reason]:
    """Every rule that ``bundle`` (plain JSON data; ``signatures`` is not looked at) breaks, or an empty list."""
    execution, log = bundle.get("execution_proof"), bundle.get("event_log")
    reasons = [] if bundle.get("version") == VERSION else [_unsupported_version()]
    reasons += _fields(bundle, "", _BUNDLE_FIELDS)
    if isinstance(execution, Mapping):
        reasons += _fields(execution, "execution_proof.", _EXECUTION_FIELDS)
        reasons += _times(bundle, execution)
    if isinstance(log, Mapping):
        reasons += _event_log(log)
        reasons += _job(bundle, log)
    return reasons


def log_mismatches(log: Mapping[str, Any], leaf_hashes: Sequence[bytes]) -> list[Reason]:
    """Where the log's size, head and root disagree with its leaf hashes."""
    reasons = []
    if log.get("size") != len(leaf_hashes):
        reasons.append(Reason("hash", "event_size_mismatch", "the log's size is not its number of events"))
    if not leaf_hashes or sha256_bytes(log.get("head_event_hash")) != leaf_hashes[-1]:
        reasons.append(Reason("hash", "event_head_mismatch", "the log's head is not the hash of its last event"))
    if sha256_bytes(log.get("root_hash")) != merkle.root(leaf_hashes):
        reasons.append(Reason("hash", "event_root_mismatch", "the log's root is not the Merkle root of its events"))
    return reasons


def leaf_hashes(log: Mapping[str, Any]) -> list[bytes] | None:
    """The leaf hashes a log carries, or None if it carries none or they are not of the form."""
    carried = log.get("leaf_hashes")
    if not isinstance(carried, list) or not 1 <= len(carried) <= MAX_LEAF_HASHES:
        return None
    hashes = [sha256_bytes(leaf) for leaf in carried]
    return None if None in hashes else [leaf for leaf in hashes if leaf is not None]


@dataclass(frozen=True)
class _Field:
    name: str
    good: Callable[[object], bool]
    form: str
    check: Check = "hash"
    required: bool = True


def _timestamp(value: object) -> bool:
    return parse_timestamp(value) is not None


def _positive(value: object) -> bool:
    return type(value) is int and value >= 1


def _text(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 256


def _object(value: object) -> bool:
    return isinstance(value, Mapping)


def _issuer(value: object) -> bool:
    return isinstance(value, str) and ISSUER.fullmatch(value) is not None


def _sha_256(value: object) -> bool:
    return sha256_bytes(value) is not None


_A_SHA3 = "sha3-256: and 64 lower-case hex digits"
_A_SHA2 = "sha256: and 64 lower-case hex digits"
_AN_ID = "an id"
_AN_INSTANT = "a real instant of the form 2026-01-01T00:00:00.000Z"

_BUNDLE_FIELDS = (
    _Field("bundle_id", identifier, _AN_ID),
    _Field("created_at", _timestamp, _AN_INSTANT, "timestamp"),
    _Field("circuit_hash", sha3_256_text, _A_SHA3),
    _Field("execution_proof", _object, "an object"),
    _Field("event_log", _object, "an object"),
    _Field("issuer", _issuer, "an http or https address"),
    _Field("job_id", identifier, _AN_ID, required=False),
    _Field("optimized_circuit_hash", sha3_256_text, _A_SHA3, required=False),
    _Field("previous_bundle_hash", sha3_256_text, _A_SHA3, required=False),
)
_EXECUTION_FIELDS = (
    _Field("backend", _text, "text"),
    _Field("shots", _positive, "an integer from 1"),
    _Field("timestamp", _timestamp, _AN_INSTANT, "timestamp"),
    _Field("result_hash", sha3_256_text, _A_SHA3),
    _Field("job_id", identifier, _AN_ID, required=False),
    _Field("calibration_hash", sha3_256_text, _A_SHA3, required=False),
)
_LOG_FIELDS = (
    _Field("stream_id", identifier, _AN_ID),
    _Field("tree", lambda value: value == TREE, TREE),
    _Field("size", _positive, "an integer from 1"),
    _Field("root_hash", _sha_256, _A_SHA2),
    _Field("head_event_hash", _sha_256, _A_SHA2),
)


def _fields(document: Mapping[str, Any], prefix: str, fields: Sequence[_Field]) -> list[Reason]:
    reasons = []
    for one in fields:
        if one.name not in document:
            if one.required:
                reasons.append(Reason(one.check, "field_missing", f"{prefix}{one.name} is missing"))
        elif not one.good(document[one.name]):
            code = "timestamp_malformed" if one.check == "timestamp" else "field_malformed"
            reasons.append(Reason(one.check, code, f"{prefix}{one.name} must be {one.form}"))
    return reasons


def _unsupported_version() -> Reason:
    # Of another version we know neither the rules nor the bytes that are signed.
    return Reason("signature", "unsupported_version", f"version must be {VERSION}")


def _times(bundle: Mapping[str, Any], execution: Mapping[str, Any]) -> list[Reason]:
    created, executed = parse_timestamp(bundle.get("created_at")), parse_timestamp(execution.get("timestamp"))
    if created is None or executed is None or executed - created <= CLOCK_SKEW:
        return []
    return [Reason("timestamp", "execution_after_creation", "the execution is later than the bundle that tells of it")]


def _event_log(log: Mapping[str, Any]) -> list[Reason]:
    reasons = _fields(log, "event_log.", _LOG_FIELDS)
    if "leaf_hashes" not in log:
        return reasons
    carried = leaf_hashes(log)
    if carried is None:
        form = f"1 to {MAX_LEAF_HASHES} times {_A_SHA2}"
        return [*reasons, Reason("hash", "field_malformed", f"event_log.leaf_hashes must be {form}")]
    return reasons + log_mismatches(log, carried)


def _job(bundle: Mapping[str, Any], log: Mapping[str, Any]) -> list[Reason]:
    job = job_id(bundle)
    if job is None:
        return [Reason("hash", "field_missing", "job_id is missing: it cannot be told whose events these are")]
    reasons = []
    execution = bundle.get("execution_proof")
    if isinstance(execution, Mapping) and execution.get("job_id", job) != job:
        reasons.append(Reason("hash", "job_id_mismatch", "the execution proof is of another job"))
    if log.get("stream_id") != job:
        reasons.append(Reason("hash", "stream_mismatch", "the event log is of another job"))
    return reasons
