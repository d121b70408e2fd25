"""Assembling a bundle, its hash, and the hashes of events."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from qcos_evidence import EvidenceError, assemble, digest, event_hash, event_log, sha3_256
from qcos_evidence.merkle import root
from tests.unit.evidence.samples import EVENTS, force_sign, signed, unsigned

LEAVES = [hashlib.sha256(bytes([number])).digest() for number in range(4)]


def without(member: str, document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != member}


def test_sha3_256_of_the_standard_example() -> None:
    # FIPS 202's example value for the empty message.
    assert sha3_256(b"") == "sha3-256:a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"


def test_event_hash_is_the_leaf_hash_of_the_canonical_bytes() -> None:
    event = {"type": "JobSubmitted", "event_id": "e1", "hash": "anything"}
    assert event_hash(event) == hashlib.sha256(b'\x00{"event_id":"e1","type":"JobSubmitted"}').digest()


def test_event_log() -> None:
    assert event_log("job_1", LEAVES) == {
        "stream_id": "job_1",
        "tree": "RFC9162_SHA256",
        "size": 4,
        "root_hash": f"sha256:{root(LEAVES).hex()}",
        "head_event_hash": f"sha256:{LEAVES[3].hex()}",
        "leaf_hashes": [f"sha256:{leaf.hex()}" for leaf in LEAVES],
    }


@pytest.mark.parametrize(("size", "carried"), [(256, True), (257, False)])
def test_long_logs_do_not_carry_their_leaves(size: int, carried: bool) -> None:
    log = event_log("job_1", [LEAVES[0]] * size)
    assert ("leaf_hashes" in log) is carried
    assert log["size"] == size


@pytest.mark.parametrize("hashes", [[], [b"short"], [LEAVES[0], LEAVES[0] + b"\x00"]], ids=len)
def test_no_event_log(hashes: list[bytes]) -> None:
    with pytest.raises(EvidenceError):
        event_log("job_1", hashes)


def test_a_bundle_holds_what_it_was_given_and_a_version() -> None:
    bundle = unsigned(attempt=2, metrics={"before": {"depth": 45}, "after": {"depth": 28}})
    assert bundle["version"] == "3.0"
    assert bundle["attempt"] == 2
    assert bundle["metrics"] == {"before": {"depth": 45}, "after": {"depth": 28}}
    assert bundle["execution_proof"]["shots"] == 1024
    assert "signatures" not in bundle


def test_a_bundle_shares_nothing_with_its_parts() -> None:
    metrics = {"depth": [45]}
    bundle = unsigned(metrics=metrics)
    metrics["depth"].append(28)
    assert bundle["metrics"] == {"depth": [45]}


def test_the_job_may_stand_in_the_execution_proof() -> None:
    bundle = without("job_id", unsigned())
    bundle["execution_proof"]["job_id"] = "job_xyz789"
    again = assemble(**without("version", bundle))
    assert again == bundle


def test_digest_is_of_the_content() -> None:
    bundle = unsigned()
    signature = force_sign(bundle)
    assert digest(bundle) == digest(signature) == digest(dict(reversed(signature.items())))
    canonical = json.dumps(bundle, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert digest(bundle) == sha3_256(canonical)
    assert digest(bundle) != digest(bundle | {"note": "cafe"})


PROOF = unsigned()["execution_proof"]
LOG = unsigned()["event_log"]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"bundle_id": ""}, "bundle_id"),
        ({"bundle_id": "ev 1"}, "bundle_id"),
        ({"bundle_id": 1}, "bundle_id"),
        ({"created_at": "2026-02-06T12:00:20+00:00"}, "created_at"),
        ({"created_at": None}, "created_at"),
        ({"circuit_hash": "sha3-256:" + "A" * 64}, "circuit_hash"),
        ({"circuit_hash": "sha256:" + "a" * 64}, "circuit_hash"),
        ({"circuit_hash": "sha3-256:" + "a" * 64 + "\n"}, "circuit_hash"),
        ({"optimized_circuit_hash": None}, "optimized_circuit_hash"),
        ({"previous_bundle_hash": "x"}, "previous_bundle_hash"),
        ({"issuer": "evidence.example"}, "issuer"),
        ({"issuer": "https://evidence.example/a b"}, "issuer"),
        ({"execution_proof": []}, "execution_proof"),
        ({"execution_proof": without("result_hash", PROOF)}, "result_hash"),
        ({"execution_proof": without("backend", PROOF)}, "backend"),
        ({"execution_proof": PROOF | {"shots": 0}}, "shots"),
        ({"execution_proof": PROOF | {"shots": True}}, "shots"),
        ({"execution_proof": PROOF | {"shots": "1024"}}, "shots"),
        ({"execution_proof": PROOF | {"calibration_hash": ""}}, "calibration_hash"),
        ({"execution_proof": PROOF | {"job_id": "job_2"}}, "another job"),
        ({"execution_proof": PROOF | {"timestamp": "2026-02-06T12:05:21Z"}}, "later"),
        ({"event_log": without("size", LOG)}, "size"),
        ({"event_log": LOG | {"size": 4}}, "size"),
        ({"event_log": LOG | {"size": True}}, "size"),
        ({"event_log": LOG | {"tree": "RFC6962"}}, "tree"),
        ({"event_log": LOG | {"stream_id": "job_2"}}, "another job"),
        ({"event_log": LOG | {"leaf_hashes": LOG["leaf_hashes"][::-1]}}, "root"),
        ({"event_log": LOG | {"leaf_hashes": []}}, "leaf_hashes"),
        ({"event_log": LOG | {"leaf_hashes": None}}, "leaf_hashes"),
        ({"event_log": LOG | {"leaf_hashes": LOG["leaf_hashes"] * 60}}, "leaf_hashes"),
        ({"event_log": LOG | {"root_hash": "sha256:" + "0" * 64}}, "root"),
        ({"event_log": LOG | {"head_event_hash": LOG["leaf_hashes"][0]}}, "head"),
        ({"job_id": "job_2"}, "another job"),
        ({"job_id": None}, "job_id"),
        ({"signatures": {}}, "signatures"),
        ({"version": "3.0"}, "version"),
        ({"metrics": {"ratio": 0.5}}, "integers"),
        ({"note": "\ud800"}, "Unicode"),
        ({"note": b"bytes"}, "bytes"),
    ],
    ids=range(39),
)
def test_refused_bundle(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(EvidenceError, match=named):
        unsigned(**wrong)


@pytest.mark.parametrize("name", ["bundle_id", "created_at", "circuit_hash", "execution_proof", "event_log", "issuer"])
def test_required_members(name: str) -> None:
    with pytest.raises(TypeError):
        assemble(**without(name, without("version", unsigned())))


def test_without_a_job() -> None:
    with pytest.raises(EvidenceError, match="job_id"):
        assemble(**without("job_id", without("version", unsigned())))


def test_events_hash_to_the_leaves_of_the_sample() -> None:
    assert [f"sha256:{event_hash(event).hex()}" for event in EVENTS] == signed()["event_log"]["leaf_hashes"]
