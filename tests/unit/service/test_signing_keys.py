"""Rotation and revocation: what was signed before, during and after stays believed; what a thief signs does not."""

from __future__ import annotations

import importlib
import json
from datetime import datetime, timedelta
from typing import Any

import pytest

import qcos_evidence
from qcos.adapters.custody import KEEP_S, Custody, LogCustody, classical_signer
from qcos.errors import Conflict, KeyNotFound, ValidationFailed
from qcos.service.sign import Sign
from qcos.service.signing_keys import CLOCK_SKEW_S, OVERLAP_S
from qcos_evidence import KeyPair, KeySet, LocalSigner, PublicKey, Verdict
from tests.unit.service.world import ISSUER, TENANT, World

PAIRS = [KeyPair.generate("ML-DSA-65") for _ in range(2)]
LOG_PAIRS = [KeyPair.generate("ML-DSA-44") for _ in range(2)]
OLD, NEW = (PublicKey("ML-DSA-65", pair.public).key_id for pair in PAIRS)


class Cloud:
    """A tenant with several warm copies of each function, and the operator's hand on what a key's name means."""

    def __init__(self) -> None:
        self.world = World()
        self.meant, self.log_meant = PAIRS[0], LOG_PAIRS[0]
        self.seed = "seed"
        self.seconds = lambda: self.world.clock().timestamp()
        self.world.log_custody = LogCustody(lambda: self.log_meant, self.seconds)
        self.world.compose()
        self.use(self.function())

    def function(self) -> Sign:
        """A copy of the signing function: it knows what the key's name meant when it last asked."""
        world = self.world
        custody = Custody(lambda: LocalSigner(self.meant), lambda: classical_signer(self.seed), self.seconds)
        return Sign(world.log, world.objects, world.control, custody, ISSUER)

    def use(self, sign: Sign) -> None:
        self.world.sign = sign

    def bundle(self, sign: Sign | None = None, **changes: Any) -> bytes:
        """A new bundle, signed by that copy."""
        self.use(sign or self.world.sign)
        return self.world.desk.bundle(TENANT, self.world.signed(**changes))

    def proof(self, bundle: bytes) -> str:
        return self.world.transparency.proof(TENANT, str(json.loads(bundle)["bundle_id"]))

    def verdict(self, bundle: bytes, proof: str | None = None, **later: float) -> Verdict:
        """A stranger's, by the published keys, as much later."""
        keys = KeySet.from_jwks(json.loads(json.dumps(self.world.desk.jwks())))
        return qcos_evidence.verify(bundle, keys, now=self.world.clock() + timedelta(**later), proof=proof)

    def status(self, kid: str) -> str:
        return next(str(key["status"]) for key in self.world.signing_keys.all() if key["kid"] == kid)


def signer_of(bundle: bytes) -> str:
    return str(json.loads(bundle)["signatures"]["key_id"])


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def test_bundles_from_before_during_and_after_a_rotation_all_verify(cloud: Cloud) -> None:
    world = cloud.world
    warm = cloud.function()
    before = cloud.bundle(warm)
    world.clock.forward(days=90)

    # The operator lets the name mean the new key. A warm function still holds the old one, a cold one asks.
    warm.signer.register()
    cloud.meant = PAIRS[1]
    cold = cloud.function()
    during = [cloud.bundle(warm), cloud.bundle(cold), cloud.bundle(warm)]
    assert [signer_of(one) for one in during] == [OLD, NEW, OLD]
    assert (cloud.status(OLD), cloud.status(NEW)) == ("active", "active")

    world.signing_keys.rotate("ML-DSA-65")
    assert (cloud.status(OLD), cloud.status(NEW)) == ("retired", "active")
    world.clock.forward(seconds=KEEP_S - 1)
    during += [cloud.bundle(warm), cloud.bundle(cold)]
    assert [signer_of(one) for one in during[3:]] == [OLD, NEW]
    world.clock.forward(seconds=1)
    during.append(cloud.bundle(warm))
    assert signer_of(during[-1]) == NEW

    world.clock.forward(seconds=OVERLAP_S)
    after = cloud.bundle(warm)
    assert signer_of(after) == NEW
    for bundle in (before, *during, after):
        verdict = cloud.verdict(bundle, days=3650)
        assert verdict.valid, verdict.reasons
        assert cloud.verdict(bundle, cloud.proof(bundle), days=3650).transparency == "valid"
    assert {jwk["kid"] for jwk in world.desk.jwks()["keys"]} >= {OLD, NEW}


def test_a_key_that_was_retired_signs_nothing_any_more(cloud: Cloud) -> None:
    """A name switched back, or a function that never asks again: it must fail before anything is stored."""
    world = cloud.world
    cloud.bundle()
    cloud.meant = PAIRS[1]
    cloud.bundle(cloud.function())
    world.signing_keys.rotate("ML-DSA-65")
    cloud.meant = PAIRS[0]
    world.clock.forward(seconds=OVERLAP_S)
    stored = set(world.objects.objects)
    with pytest.raises(ValueError, match="outside_key_validity"):
        cloud.bundle(cloud.function())
    assert not [key for key in set(world.objects.objects) - stored if key.startswith("evidence/")]


def test_a_step_that_died_before_the_rotation_is_finished_after_it(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bundle that was stored is the bundle, though nobody holds its key any more."""
    world = cloud.world
    world.provider.quick = True
    job_id = world.submitted()
    for step in (world.transpile, world.execute):
        step(TENANT, job_id, 1)

    def dies(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(world.log), "decide", dies)
        with pytest.raises(KeyboardInterrupt):
            world.sign(TENANT, job_id, 1)
    cloud.meant = PAIRS[1]
    cold = cloud.function()
    cloud.bundle(cold)
    world.signing_keys.rotate("ML-DSA-65")
    assert cold(TENANT, job_id, 1) == {"outcome": "done"}
    evidence = world.job(job_id).evidence
    assert evidence
    assert evidence.key_id == OLD
    assert cloud.verdict(world.desk.bundle(TENANT, evidence.bundle_id)).valid


def test_a_revoked_keys_bundle_is_believed_only_if_a_checkpoint_before_the_revocation_covers_it(cloud: Cloud) -> None:
    world = cloud.world
    honest = cloud.bundle()
    proof = cloud.proof(honest)
    world.clock.forward(days=1)
    stolen_at = world.clock()
    late = cloud.bundle()  # logged, but nobody asked for a checkpoint before
    world.clock.forward(days=3)
    late_proof = cloud.proof(late)
    assert cloud.verdict(honest).valid
    assert cloud.verdict(late, late_proof).valid

    world.signing_keys.revoke(OLD, stolen_at)
    world.clock.forward(days=30)
    covered = cloud.verdict(honest, proof)
    assert covered.valid, covered.reasons
    assert covered.transparency == "valid"
    # The service gives the proof that was good, however long after.
    assert cloud.proof(honest) == proof
    assert codes(cloud.verdict(honest)) == ["key_revoked"]
    assert codes(cloud.verdict(late, late_proof)) == ["key_revoked"]
    assert codes(cloud.verdict(late)) == ["key_revoked"]


def codes(verdict: Verdict) -> list[str]:
    assert not verdict.valid
    return [reason.code for reason in verdict.reasons]


def test_a_revoked_key_signs_nothing_any_more(cloud: Cloud) -> None:
    cloud.bundle()
    cloud.world.signing_keys.revoke(OLD)
    with pytest.raises(ValueError, match="key_revoked"):
        cloud.bundle()
    cloud.meant = PAIRS[1]
    assert signer_of(cloud.bundle(cloud.function())) == NEW


@pytest.mark.parametrize("algorithm", ["ML-DSA-65", "Ed25519", "ML-DSA-44"])
def test_each_kind_of_key_is_rotated_for_itself(cloud: Cloud, algorithm: str) -> None:
    world = cloud.world
    first = cloud.bundle(pqc=algorithm != "Ed25519")
    proof = cloud.proof(first)
    with pytest.raises(Conflict, match="not two active keys"):
        world.signing_keys.rotate(algorithm)
    cloud.meant, cloud.log_meant, cloud.seed = PAIRS[1], LOG_PAIRS[1], "another"
    world.clock.forward(seconds=KEEP_S)
    second = cloud.bundle(cloud.function(), pqc=algorithm != "Ed25519")
    second_proof = cloud.proof(second)
    keys = {key["kid"]: key for key in world.signing_keys.rotate(algorithm)}
    assert [key["status"] for key in keys.values() if key["alg"] == algorithm] == ["retired", "active"]
    assert {key["status"] for key in keys.values() if key["alg"] != algorithm} == {"active"}
    with pytest.raises(Conflict):
        world.signing_keys.rotate(algorithm)
    world.clock.forward(days=1)
    for bundle, shown in ((first, proof), (second, second_proof)):
        assert cloud.verdict(bundle, shown).transparency == "valid"


def test_all_but_the_newest_are_retired(cloud: Cloud) -> None:
    for pair in (*PAIRS, KeyPair.generate("ML-DSA-65")):
        cloud.meant = pair
        cloud.bundle(cloud.function())
    keys = cloud.world.signing_keys.rotate("ML-DSA-65")
    assert [key["status"] for key in keys if key["alg"] == "ML-DSA-65"] == ["retired", "retired", "active"]


def test_a_key_is_good_from_a_little_before_it_first_signs(cloud: Cloud) -> None:
    """A function whose clock is behind may sign with it first of all; when it was registered stays."""
    started = int(cloud.world.clock().timestamp())
    cloud.bundle()
    cloud.world.clock.forward(hours=1)
    cloud.bundle(cloud.function())
    (key,) = (key for key in cloud.world.signing_keys.all() if key["kid"] == OLD)
    assert key == {"kid": OLD, "alg": "ML-DSA-65", "status": "active", "nbf": started - CLOCK_SKEW_S}


def test_what_an_operator_cannot_do(cloud: Cloud) -> None:
    cloud.bundle()
    keys = cloud.world.signing_keys
    with pytest.raises(KeyNotFound):
        keys.revoke("nobody's")
    for at in (cloud.world.clock() + timedelta(seconds=1), datetime(2026, 1, 1)):
        with pytest.raises(ValidationFailed):
            keys.revoke(OLD, at)
    with pytest.raises(Conflict):
        keys.rotate("RSA")
    assert cloud.status(OLD) == "active"


def test_the_operators_function(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    function = importlib.import_module("functions.ops.signing_keys")
    monkeypatch.setattr(function.wiring, "signing_keys", lambda: cloud.world.signing_keys)

    def ask(event: dict[str, Any]) -> Any:
        return function.handler.__wrapped__(event, None)

    assert ask({}) == {"keys": []}
    cloud.bundle()
    cloud.meant = PAIRS[1]
    cloud.bundle(cloud.function())
    listed = {key["kid"]: key for key in ask({"rotate": "ML-DSA-65"})["keys"]}
    assert (listed[OLD]["status"], listed[NEW]["status"]) == ("retired", "active")
    revoked = ask({"revoke": OLD, "at": "2026-02-06T12:00:00Z"})["keys"]
    assert next(key for key in revoked if key["kid"] == OLD)["revoked_at"] == 1770379200
    assert ask({"revoke": NEW})["keys"] == ask({})["keys"]
    wrongs: tuple[dict[str, Any], ...] = (
        {"rotate": "ML-DSA-65", "revoke": OLD},
        {"revok": OLD},
        {"rotate": 1},
        {"revoke": OLD, "by": "me"},
    )
    for wrong in wrongs:
        with pytest.raises(ValueError, match="give nothing"):
            ask(wrong)
