"""Verification: offline, from a bundle and a pinned set of public keys, with a reason for everything that is not valid.

Three checks are always made. ``signature``: a trusted key signed exactly this content. ``hash``: the hashes in it are
well formed and agree with each other and with whatever circuit, events and expectations the caller brings.
``timestamp``: its times are real, in order, not in the future, and within the key's validity. A check that cannot be
made comes out ``invalid``, with the reason.

A fourth, ``transparency``, takes a proof: that the issuer's log held the bundle when a checkpoint was signed. Without
one it is ``not_checked``, and when the bundle was made is known by its signer's word alone. So a bundle under a revoked
key is valid only with a proof under a checkpoint that was signed before the key was revoked.

A valid bundle is authentic, not new: whoever needs to know that it is *this* job's passes ``expected_job_id``.

Of a PDF it is the attached bundle that is judged. Its page is made again from the attachments and compared: a page that
differs makes the document invalid, and one that could not be compared is said to be ``not_checked``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from qcos_evidence.algorithms import SIGNATURE_BYTES
from qcos_evidence.bundle import content, event_hash, sha3_256, sha256_text
from qcos_evidence.canonical import MAX_BYTES, canonical, plain
from qcos_evidence.encoding import decode_base64
from qcos_evidence.errors import EvidenceError, Malformed
from qcos_evidence.form import Form, form_of, read
from qcos_evidence.keys import KeySet, PublicKey
from qcos_evidence.logged import Logged, Transparency, find
from qcos_evidence.pdf import PageState, page_state
from qcos_evidence.schema import (
    CLOCK_SKEW,
    SIGNATURE_PREFIX,
    Check,
    Reason,
    identifier,
    job_id,
    leaf_hashes,
    log_mismatches,
    violations,
)
from qcos_evidence.signing import to_be_signed
from qcos_evidence.timestamp import parse_timestamp

Outcome = Literal["valid", "invalid"]

_SIGNATURE_MEMBERS = ("algorithm", "key_id", "signature")
_FIRST_PREV_HASH = sha256_text(bytes(32))


@dataclass(frozen=True)
class Verdict:
    """What was found out about one bundle.

    ``bundle_id``, ``job_id`` and ``created_at`` are what the bundle says of itself, None where it says nothing
    well formed; they are only to be believed if the verdict is ``valid``. ``bundle_hash`` is ``sha3-256:<hex>``, None
    if the bundle has no canonical bytes. ``form`` is None for a bundle that was given as an object. ``page`` is None
    unless the form is ``pdf``; ``not_checked`` means that the page's words are not known to be the bundle's.
    ``transparency`` is ``not_checked`` where no proof was given; ``logged`` is where a good one shows the bundle to be.
    """

    valid: bool
    checks: dict[Check, Outcome]
    reasons: tuple[Reason, ...]
    bundle_id: str | None
    job_id: str | None
    created_at: str | None
    bundle_hash: str | None
    form: Form | None = None
    page: PageState | None = None
    transparency: Transparency = "not_checked"
    logged: Logged | None = None


def verify(
    document: bytes | Mapping[str, Any],
    keys: KeySet,
    *,
    now: datetime,
    circuit: bytes | None = None,
    events: Sequence[Mapping[str, Any]] | None = None,
    expected_job_id: str | None = None,
    expected_circuit_hash: str | None = None,
    proof: bytes | str | None = None,
    checkpoint: bytes | str | None = None,
) -> Verdict:
    """Judge a bundle.

    Args:
        document: a bundle in any form, as bytes, which is the stricter way (a reader that has already run may have
            dropped a repeated member), or the object that :func:`~qcos_evidence.form.read` gave.
        keys: the only keys that are believed.
        now: the verifier's clock, with a time zone.
        circuit: bytes that must hash to ``circuit_hash`` or ``optimized_circuit_hash``.
        events: the job's event documents in order, which must hash to the log's leaves and chain up. Later events,
            such as the signing itself, may follow those of the log.
        expected_job_id: the job the bundle must be of.
        expected_circuit_hash: what ``circuit_hash`` must be.
        proof: the bundle's tlog-proof, which carries a checkpoint; ``keys`` must hold the log's key.
        checkpoint: a signed checkpoint that must be of the same tree as the proof's; it needs a proof.
    Raises:
        Malformed: there is no single well-defined bundle to judge. Nothing else is raised, whatever the document.
        ValueError: ``now`` has no time zone.
    """
    if now.tzinfo is None:
        raise ValueError("now must have a time zone")
    bundle = read(document)[0] if isinstance(document, bytes) else plain(document)
    try:
        too_large = len(canonical(bundle)) > MAX_BYTES
        bundle_hash = sha3_256(content(bundle))
    except EvidenceError:
        too_large, bundle_hash = False, None
    if too_large:
        raise Malformed("too_large", f"the bundle is longer than {MAX_BYTES} bytes")

    form = form_of(document) if isinstance(document, bytes) else None
    page = page_state(document) if isinstance(document, bytes) and form == "pdf" else None
    key = _trusted_key(bundle, keys)
    found = find(bundle, keys, now, proof, checkpoint)
    reasons: tuple[Reason, ...] = (
        *violations(bundle),
        *_signature(bundle, key, found.at, canonical_exists=bundle_hash is not None),
        *_circuit(bundle, circuit, expected_circuit_hash),
        *_job(bundle, expected_job_id),
        *_events(bundle, events),
        *_time(bundle, key, now, found.at),
        *_page(page),
        *found.reasons,
    )
    failed = {reason.check for reason in reasons}
    checks: dict[Check, Outcome] = {check: "invalid" if check in failed else "valid" for check in get_args(Check)}
    return Verdict(
        valid=not reasons,
        checks=checks,
        reasons=reasons,
        bundle_id=bundle["bundle_id"] if identifier(bundle.get("bundle_id")) else None,
        job_id=job_id(bundle),
        created_at=bundle["created_at"] if parse_timestamp(bundle.get("created_at")) else None,
        bundle_hash=bundle_hash,
        form=form,
        page=page,
        transparency=found.outcome,
        logged=found.logged,
    )


def signed_parts(bundle: Mapping[str, Any], keys: KeySet) -> dict[str, bytes]:
    """What any other program needs to check the signature, by file name; nothing is judged here.

    ``tbs.bin``: the signed bytes, ``sig.bin``: the signature, ``key.pem``: the trusted key that the bundle names.

    Raises:
        EvidenceError: the bundle names no trusted key, or has no signed bytes or no signature of that key's form.
    """
    data = plain(bundle)
    key = _trusted_key(data, keys)
    if key is None:
        raise EvidenceError("the bundle names none of the trusted keys")
    signature = _decoded(data["signatures"].get("signature"), key)
    if signature is None:
        raise EvidenceError(f"the bundle's signature is not one of {key.algorithm}")
    tbs = to_be_signed(data, key.key_id, key.algorithm)
    return {"tbs.bin": tbs, "sig.bin": signature, "key.pem": key.to_pem().encode("ascii")}


def report(verdict: Verdict) -> str:
    """The verdict for people: one line a check, its reasons indented below it."""
    lines = [
        f"bundle     {verdict.bundle_id or '-'}",
        f"job        {verdict.job_id or '-'}",
        f"created    {verdict.created_at or '-'}",
        f"hash       {verdict.bundle_hash or '-'}",
        f"verdict    {'VALID' if verdict.valid else 'NOT VALID'}",
    ]
    if verdict.page is not None:
        lines.append(f"page       {_PAGES[verdict.page]}")
    if verdict.logged is not None:
        logged = verdict.logged
        lines.append(f"log        {logged.origin}, entry {logged.index}, by {logged.at}")
    for check, outcome in (*verdict.checks.items(), ("transparency", verdict.transparency)):
        lines.append(f"  {check:<12} {outcome}")
        lines += [f"    {one.code}: {one.message}" for one in verdict.reasons if one.check == check]
    return "\n".join(lines)


_PAGES: dict[PageState, str] = {
    "matches": "is what the attached bundle and result make, to the last byte",
    "differs": "WAS CHANGED: believe nothing that it says",
    "not_checked": "NOT CHECKED: made by another version, or typst is not installed; believe the attached bundle only",
}


def _trusted_key(bundle: dict[str, Any], keys: KeySet) -> PublicKey | None:
    signatures = bundle.get("signatures")
    key_id = signatures.get("key_id") if isinstance(signatures, dict) else None
    return keys.get(key_id) if isinstance(key_id, str) else None


def _signature(
    bundle: dict[str, Any], key: PublicKey | None, logged_at: datetime | None, *, canonical_exists: bool
) -> Iterator[Reason]:
    signatures = bundle.get("signatures")
    if not isinstance(signatures, dict):
        yield Reason("signature", "signature_missing", "the bundle is not signed")
        return
    for name in _SIGNATURE_MEMBERS:
        if not isinstance(signatures.get(name), str):
            yield Reason("signature", "signature_missing", f"signatures.{name} must be text")
            return
    if len(signatures) != len(_SIGNATURE_MEMBERS):
        # What stands inside signatures is not signed: a place to smuggle in a key or a claim.
        yield Reason("signature", "unknown_signature_field", "signatures holds a member that is not signed")
        return
    if key is None:
        yield Reason("signature", "unknown_key", "key_id is none of the trusted keys")
        return
    if signatures["algorithm"] != key.algorithm:
        yield Reason("signature", "algorithm_not_allowed", f"this key signs with {key.algorithm} only")
        return
    if key.status == "revoked" and (logged_at is None or not key.revoked_after(logged_at)):
        # Whoever stole the key can write any date, also one before the theft was noticed; but not into the log.
        when = f" on {key.revoked_at}" if key.revoked_at else ""
        unless = "only what a log held before is believed" if key.revoked_at else "nothing it signed is believed"
        yield Reason("signature", "key_revoked", f"the key was revoked{when}; {unless}")
    signature = _decoded(signatures["signature"], key)
    if signature is None:
        form = f"base64: and {SIGNATURE_BYTES[key.algorithm]} bytes in base64"
        yield Reason("signature", "signature_encoding", f"signatures.signature must be {form}")
    elif not canonical_exists:
        yield Reason("signature", "no_canonical_form", "the bundle holds text that is not valid Unicode")
    elif not key.verify(to_be_signed(bundle, key.key_id, key.algorithm), signature):
        yield Reason("signature", "signature_invalid", "the key did not sign this content")


def _decoded(text: object, key: PublicKey) -> bytes | None:
    if not isinstance(text, str) or not text.startswith(SIGNATURE_PREFIX):
        return None
    return decode_base64(text.removeprefix(SIGNATURE_PREFIX), SIGNATURE_BYTES[key.algorithm])


def _circuit(bundle: dict[str, Any], circuit: bytes | None, expected_hash: str | None) -> Iterator[Reason]:
    if circuit is not None:
        claimed = (bundle.get("circuit_hash"), bundle.get("optimized_circuit_hash"))
        if sha3_256(circuit) not in claimed:
            yield Reason("hash", "circuit_mismatch", "the given circuit is neither the submitted nor the optimized one")
    if expected_hash is not None and bundle.get("circuit_hash") != expected_hash:
        yield Reason("hash", "circuit_hash_mismatch", "the bundle is of another circuit than expected")


def _job(bundle: dict[str, Any], expected: str | None) -> Iterator[Reason]:
    if expected is not None and job_id(bundle) != expected:
        yield Reason("hash", "job_id_mismatch", "the bundle is of another job than expected")


def _events(bundle: dict[str, Any], events: Sequence[Mapping[str, Any]] | None) -> Iterator[Reason]:
    log = bundle.get("event_log")
    if not isinstance(log, dict):
        return  # a missing log is a violation already
    carried = leaf_hashes(log)
    if events is None:
        if carried is None and "leaf_hashes" not in log:
            yield Reason("hash", "events_needed", "the log is too long to carry its hashes: give the events as well")
        return
    hashes = []
    previous = _FIRST_PREV_HASH
    for number, event in enumerate(events if isinstance(events, (list, tuple)) else [events], 1):
        try:
            computed = event_hash(plain(event))
        except EvidenceError:
            yield Reason("hash", "event_malformed", f"event {number} is not a JSON object without fractions")
            return
        if event.get("prev_hash") != previous:
            yield Reason("hash", "event_chain_broken", f"prev_hash of event {number} is not the hash before it")
        previous = sha256_text(computed)
        if event.get("hash", previous) != previous:
            yield Reason("hash", "event_hash_mismatch", f"event {number} does not have the hash it states")
        hashes.append(computed)
    # A job's log goes on after its bundle was signed; what follows is chained to it but not part of it.
    size = log.get("size")
    covered = hashes[:size] if type(size) is int and size >= 1 else hashes
    if carried is not None and covered != carried:
        yield Reason("hash", "events_mismatch", "the given events are not those of the log")
    elif carried is None:
        yield from log_mismatches(log, covered)


def _page(page: PageState | None) -> Iterator[Reason]:
    if page == "differs":
        yield Reason("hash", "page_differs", "the page is not the one that its attachments make")


def _time(bundle: dict[str, Any], key: PublicKey | None, now: datetime, logged_at: datetime | None) -> Iterator[Reason]:
    created = parse_timestamp(bundle.get("created_at"))
    if created is None:
        return  # a violation already
    if created - now > CLOCK_SKEW:
        yield Reason("timestamp", "created_in_future", "created_at lies in the future")
    if logged_at is not None and created - logged_at > CLOCK_SKEW:
        yield Reason("timestamp", "logged_before_creation", "the log held the bundle before it was created")
    if key is None:
        yield Reason("timestamp", "key_validity_unknown", "without the key it cannot be told whether it was valid then")
        return
    if not key.covers(created):
        yield Reason("timestamp", "outside_key_validity", "the key was not valid when the bundle was created")
