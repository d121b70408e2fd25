"""Verdicts with a proof: whether a log held the bundle, and what that says of a revoked key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from qcos_evidence import KeyPair, KeySet, PublicKey, report, verify
from qcos_evidence.logged import Logged
from qcos_evidence.timestamp import format_seconds
from tests.unit.evidence.samples import KEYS, NOW, Log, force_sign, signed, text, unsigned
from tests.unit.evidence.test_transparency import NOT_PROOFS

STOLEN, LOST, OLD = (KeyPair.generate("ML-DSA-65") for _ in range(3))
REVOKED_AT = NOW - timedelta(hours=6)
"""Six hours after the bundles of ``samples`` say that they were created, and before anybody judges them."""
BEFORE, AFTER = REVOKED_AT - timedelta(seconds=1), REVOKED_AT + timedelta(seconds=1)

UNDER_STOLEN = force_sign(unsigned(bundle_id="ev_stolen"), STOLEN)
UNDER_LOST = force_sign(unsigned(bundle_id="ev_lost"), LOST)
UNDER_OLD = force_sign(unsigned(bundle_id="ev_old"), OLD)
LATE = force_sign(unsigned(bundle_id="ev_late", created_at="2026-02-06T20:00:00.000Z"), OLD)
LOGGED = [signed(), UNDER_STOLEN, UNDER_LOST, UNDER_OLD, LATE]
LOG = Log(*LOGGED)
FOREIGN = Log(*LOGGED, tenant="mallory")


def public(keypair: KeyPair, **validity: Any) -> PublicKey:
    return PublicKey("ML-DSA-65", keypair.public, **validity)


TRUSTED = KeySet(
    [
        *KEYS,
        public(STOLEN, status="revoked", revoked_at=format_seconds(REVOKED_AT)),
        public(LOST, status="revoked"),
        public(OLD, status="retired", not_before="2026-02-01T00:00:00Z", not_after="2026-02-06T20:00:00Z"),
    ],
    [LOG.key],
)


def replaced(proof: str, log: Log, at: datetime = NOW, size: int | None = None) -> str:
    """A proof whose checkpoint was exchanged."""
    return proof.split("\n\n")[0] + "\n\n" + log.checkpoint(at, size)


@dataclass(frozen=True)
class Case:
    """A bundle, perhaps a proof, and what they must come to: the checks that fail, and every code."""

    bundle: dict[str, Any]
    proof: Callable[[], str] | None = None
    transparency: str = "not_checked"
    failing: tuple[str, ...] = ()
    codes: frozenset[str] = field(default_factory=frozenset)


def case(
    bundle: dict[str, Any], proof: Callable[[], str] | None, transparency: str, failing: str = "", *codes: str
) -> Case:
    return Case(bundle, proof, transparency, tuple(failing.split()), frozenset(codes))


BACKDATED = force_sign(unsigned(bundle_id="ev_forged", created_at="2026-02-06T12:00:16.000Z"), STOLEN)
SAME_AGAIN = force_sign(unsigned(), KeyPair.generate("ML-DSA-65"))

CASES: dict[str, Case] = {
    "good key, no proof": case(signed(), None, "not_checked"),
    "good key, proof": case(signed(), lambda: LOG.proof(0), "valid"),
    "good key, proof of another": case(signed(), lambda: LOG.proof(1), "invalid", "", "not_in_log"),
    "another bundle, this proof": case(
        force_sign(unsigned(attempt=2)), lambda: LOG.proof(0), "invalid", "", "not_in_log"
    ),
    "same content signed again": case(force_sign(unsigned()), lambda: LOG.proof(0), "invalid", "", "not_in_log"),
    "checkpoint of another log": case(
        signed(), lambda: replaced(LOG.proof(0), FOREIGN), "invalid", "", "log_key_unknown"
    ),
    "checkpoint of another size": case(
        signed(), lambda: replaced(LOG.proof(0), LOG, size=4), "invalid", "", "not_in_log"
    ),
    "signature of a checkpoint changed": case(
        signed(),
        lambda: LOG.proof(0).replace("\n5\n", "\n6\n"),
        *("invalid", "", "checkpoint_signature_invalid"),
    ),
    "checkpoint of tomorrow": case(
        signed(), lambda: LOG.proof(0, NOW + timedelta(seconds=301)), "invalid", "", "checkpoint_in_future"
    ),
    "checkpoint of a clock a little ahead": case(signed(), lambda: LOG.proof(0, NOW + timedelta(seconds=300)), "valid"),
    "logged before it was created": case(
        signed(), lambda: LOG.proof(0, NOW - timedelta(days=1)), "valid", "timestamp", "logged_before_creation"
    ),
    "revoked key, no proof": case(UNDER_STOLEN, None, "not_checked", "signature", "key_revoked"),
    "revoked key, logged before": case(UNDER_STOLEN, lambda: LOG.proof(1, BEFORE), "valid"),
    "revoked key, logged at that second": case(
        UNDER_STOLEN, lambda: LOG.proof(1, REVOKED_AT), "valid", "signature", "key_revoked"
    ),
    "revoked key, logged after": case(UNDER_STOLEN, lambda: LOG.proof(1, AFTER), "valid", "signature", "key_revoked"),
    "revoked key, dated back by the thief": case(
        BACKDATED, lambda: LOG.proof(1, BEFORE), "invalid", "signature", "key_revoked", "not_in_log"
    ),
    "revoked key, older checkpoint of the thief's own log": case(
        UNDER_STOLEN, lambda: FOREIGN.proof(1, BEFORE), "invalid", "signature", "key_revoked", "log_key_unknown"
    ),
    "revoked key, older checkpoint without it": case(
        UNDER_STOLEN,
        lambda: replaced(LOG.proof(1), LOG, BEFORE, 1),
        *("invalid", "signature", "key_revoked", "not_in_log"),
    ),
    "key revoked nobody knows when, logged": case(
        UNDER_LOST, lambda: LOG.proof(2, BEFORE), "valid", "signature", "key_revoked"
    ),
    "retired key": case(UNDER_OLD, None, "not_checked"),
    "retired key, logged": case(UNDER_OLD, lambda: LOG.proof(3), "valid"),
    "retired key, used after its time": case(LATE, None, "not_checked", "timestamp", "outside_key_validity"),
    "retired key, used after its time, logged": case(
        LATE, lambda: LOG.proof(4), "valid", "timestamp", "outside_key_validity"
    ),
    **{
        f"no proof: {name}": case(signed(), lambda p=proof: p, "invalid", "", "proof_malformed")  # type: ignore[misc] # a default binds
        for name, proof in NOT_PROOFS.items()
        # What does not begin as one is taken for a checkpoint by the command, and what is longer is not sent at all.
        if isinstance(proof, str) and proof.startswith("c2sp.org/tlog-proof@") and len(proof) < 200_000
    },
}


@pytest.mark.parametrize("name", CASES)
def test_verdict(name: str) -> None:
    one = CASES[name]
    proof = one.proof() if one.proof else None
    for given in (proof, proof.encode() if proof is not None else None):
        verdict = verify(text(one.bundle), TRUSTED, now=NOW, proof=given)
        assert verdict.transparency == one.transparency
        assert {reason.code for reason in verdict.reasons} == one.codes
        assert tuple(check for check, outcome in verdict.checks.items() if outcome == "invalid") == one.failing
        assert verdict.valid == (not one.codes)
        assert (verdict.logged is not None) == (verdict.transparency == "valid")


def test_where_it_was_logged() -> None:
    verdict = verify(signed(), TRUSTED, now=NOW, proof=LOG.proof(0, NOW - timedelta(minutes=1)))
    assert verdict.logged == Logged(LOG.origin, 0, 5, "2026-02-06T23:59:00Z")
    assert "log        evidence.example/tenants/acme, entry 0, by 2026-02-06T23:59:00Z" in report(verdict)
    assert "  transparency valid" in report(verdict)
    refused = report(verify(signed(), TRUSTED, now=NOW, proof=""))
    assert "  transparency invalid\n    proof_malformed: " in refused


@pytest.mark.parametrize(
    ("proof", "checkpoint", "code"),
    [
        (lambda: LOG.proof(1, BEFORE), lambda: LOG.checkpoint(AFTER), None),
        # Somebody kept it since before the key was revoked; the proof was fetched today.
        (lambda: LOG.proof(1), lambda: LOG.checkpoint(BEFORE), None),
        (lambda: LOG.proof(1), lambda: LOG.checkpoint(AFTER), "key_revoked"),
        (lambda: LOG.proof(1, BEFORE), lambda: LOG.checkpoint(BEFORE, 4), "checkpoint_differs"),
        (lambda: LOG.proof(1, BEFORE), lambda: FOREIGN.checkpoint(BEFORE), "log_key_unknown"),
        (lambda: LOG.proof(1, BEFORE), lambda: "", "checkpoint_malformed"),
        (None, lambda: LOG.checkpoint(BEFORE), "proof_needed"),
        (None, lambda: FOREIGN.checkpoint(BEFORE), "log_key_unknown"),
    ],
    ids=range(8),
)
def test_a_checkpoint_that_was_kept(
    proof: Callable[[], str] | None, checkpoint: Callable[[], str], code: str | None
) -> None:
    verdict = verify(UNDER_STOLEN, TRUSTED, now=NOW, proof=proof() if proof else None, checkpoint=checkpoint())
    assert verdict.valid == (code is None)
    codes = {reason.code for reason in verdict.reasons}
    assert codes == {code, "key_revoked"} - {None} if code else not codes
    if proof is None:
        assert verdict.transparency == "invalid"


@pytest.mark.parametrize("bundle", [unsigned(), {}, signed(bundle_id=7), signed(signatures=[]), signed(note="\ud800")])
def test_what_no_log_can_hold(bundle: dict[str, Any]) -> None:
    verdict = verify(bundle, TRUSTED, now=NOW, proof=LOG.proof(0))
    assert (verdict.valid, verdict.transparency) == (False, "invalid")
    assert "not_in_log" in {reason.code for reason in verdict.reasons}


def test_without_the_logs_key_a_proof_is_worth_nothing() -> None:
    assert verify(signed(), KEYS, now=NOW).valid
    verdict = verify(signed(), KEYS, now=NOW, proof=LOG.proof(0))
    assert (verdict.valid, {reason.code for reason in verdict.reasons}) == (False, {"log_key_unknown"})
