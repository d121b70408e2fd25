"""A genuine bundle and its surroundings, and ways to sign what the library would refuse to sign."""

from __future__ import annotations

import base64
import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qcos_evidence import (
    KeyPair,
    KeySet,
    LocalSigner,
    LogKey,
    PublicKey,
    assemble,
    event_hash,
    event_log,
    merkle,
    sha3_256,
    sign,
    to_be_signed,
    transparency,
)

VECTORS = Path(__file__).parents[2] / "data" / "vectors"

NOW = datetime(2026, 2, 7, tzinfo=UTC)
CIRCUIT = b"OPENQASM 2.0;\nqreg q[2];\n"
OPTIMIZED = b"OPENQASM 3.0;\nqubit[2] q;\n"
RESULT = (
    b'{"counts":{"00":512,"01":7,"10":5,"11":500},'
    b'"probabilities":{"00":0.5,"01":0.0068359375,"10":0.0048828125,"11":0.48828125},"shots":1024,"source":"measured"}'
)
FIRST_PREV_HASH = "sha256:" + "0" * 64

OURS = KeyPair.generate("ML-DSA-65")
CLASSICAL = KeyPair.generate("Ed25519")
STRANGER = KeyPair.generate("ML-DSA-65")
KEYS = KeySet([PublicKey("ML-DSA-65", OURS.public), PublicKey("Ed25519", CLASSICAL.public)])
OUR_KEY_ID = PublicKey("ML-DSA-65", OURS.public).key_id


def chained(*data: dict[str, Any]) -> list[dict[str, Any]]:
    """Event documents with these data, each with the hash before it and its own."""
    documents, previous = [], FIRST_PREV_HASH
    for number, one in enumerate(data):
        document = {"event_id": f"e{number}", "type": "JobSubmitted", "prev_hash": previous, "data": one}
        previous = f"sha256:{event_hash(document).hex()}"
        documents.append(document | {"hash": previous})
    return documents


EVENTS = chained({"shots": 1024}, {"chosen": "phase-poly"}, {"provider": "é"}, {"cost": None}, {"attempts": [1, 2]})


def unsigned(**changes: Any) -> dict[str, Any]:
    """A bundle ready to be signed; ``changes`` replace or add top-level members."""
    members: dict[str, Any] = {
        "bundle_id": "ev_abc123",
        "created_at": "2026-02-06T12:00:20.000Z",
        "circuit_hash": sha3_256(CIRCUIT),
        "execution_proof": {
            "backend": "ionq_simulator",
            "shots": 1024,
            "timestamp": "2026-02-06T12:00:15.000Z",
            "result_hash": sha3_256(RESULT),
        },
        "event_log": event_log("job_xyz789", [event_hash(event) for event in EVENTS]),
        "issuer": "https://evidence.example",
        "job_id": "job_xyz789",
        "optimized_circuit_hash": sha3_256(OPTIMIZED),
        "equivalence": {"verdict": "proved", "method": "zx"},
        "note": "caf\u00e9",
    }
    return assemble(**(members | changes))


SIGNED = sign(unsigned(), LocalSigner(OURS))


def signed(**changes: Any) -> dict[str, Any]:
    """A deep copy of one genuine bundle, with top-level members replaced after signing."""
    return copy.deepcopy(SIGNED) | changes


def force_sign(bundle: dict[str, Any], keypair: KeyPair = OURS, **signatures: Any) -> dict[str, Any]:
    """``bundle`` as it is, however wrong, correctly signed; ``signatures`` replace members of that name."""
    key_id = PublicKey(keypair.algorithm, keypair.public).key_id
    content = {name: value for name, value in bundle.items() if name != "signatures"}
    signature = keypair.sign(to_be_signed(content, key_id, keypair.algorithm))
    members = {"algorithm": keypair.algorithm, "key_id": key_id, "signature": encoded(signature)}
    return content | {"signatures": members | signatures}


class Log:
    """A tenant's transparency log in memory, with its own key."""

    def __init__(self, *bundles: dict[str, Any], tenant: str = "acme") -> None:
        self.keypair = KeyPair.generate("ML-DSA-44")
        self.origin = transparency.origin("https://evidence.example", tenant)
        self.key = LogKey(self.origin, self.keypair.public)
        self.leaf_hashes = [transparency.leaf_hash(transparency.entry(bundle)) for bundle in bundles]

    def checkpoint(self, at: datetime = NOW, size: int | None = None) -> str:
        leaves = self.leaf_hashes[:size]
        return transparency.sign_checkpoint(self.origin, len(leaves), merkle.root(leaves), at, self.keypair)

    def proof(self, index: int, at: datetime = NOW, size: int | None = None) -> str:
        return transparency.inclusion_proof(self.leaf_hashes, index, self.checkpoint(at, size))


def encoded(signature: bytes) -> str:
    return f"base64:{base64.b64encode(signature).decode()}"


def text(bundle: object) -> bytes:
    return json.dumps(bundle, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
