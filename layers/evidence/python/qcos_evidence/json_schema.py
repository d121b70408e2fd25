"""The form of a bundle as JSON Schema, for readers who do not run this library.

It says what a bundle looks like, never that it is genuine: hashes, times and the signature are judged by
:func:`qcos_evidence.verify` alone. ``python -m qcos_evidence.json_schema FILE`` writes it; a test compares.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from qcos_evidence.algorithms import SIGNATURE_BYTES
from qcos_evidence.cose import COSE_ALGORITHMS
from qcos_evidence.schema import IDENTIFIER, ISSUER, MAX_LEAF_HASHES, SHA3_256, SHA_256, TREE, VERSION
from qcos_evidence.timestamp import FORM

Schema = dict[str, Any]


def bundle_schema() -> Schema:
    """The schema (draft 2020-12) of a signed bundle. Members that it does not name may be there, and are signed too."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Evidence bundle",
        "description": f"Version {VERSION}: what a quantum circuit did, signed. No number has a fraction.",
        **_object(
            {
                "version": {"const": VERSION},
                "bundle_id": _ref("id"),
                "created_at": _ref("instant"),
                "issuer": _text(ISSUER.pattern, "Where the signing keys are published"),
                "circuit_hash": _ref("sha3_256") | {"description": "Of the submitted circuit's bytes"},
                "execution_proof": _execution(),
                "event_log": _event_log(),
                "signatures": {"oneOf": [_signatures(name) for name in COSE_ALGORITHMS]},
            },
            {
                "job_id": _ref("id"),
                "attempt": {"type": "integer", "minimum": 1},
                "circuit_format": {"type": "string"},
                "optimized_circuit_hash": _ref("sha3_256"),
                "previous_bundle_hash": _ref("sha3_256"),
                "equivalence": _equivalence(),
                "optimization": _optimization(),
                "software": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        ),
        "$defs": {
            "id": _text(IDENTIFIER.pattern, "An id"),
            "sha3_256": _text(SHA3_256.pattern, "A SHA3-256 hash"),
            "sha_256": _text(SHA_256.pattern, "A SHA-256 hash"),
            "instant": _text(FORM.pattern, "An instant in UTC"),
            "metrics": _metrics(),
        },
    }


def _execution() -> Schema:
    required = {
        "backend": {"type": "string", "minLength": 1, "maxLength": 256},
        "shots": {"type": "integer", "minimum": 1},
        "timestamp": _ref("instant") | {"description": "When the result was recorded"},
        "result_hash": _ref("sha3_256") | {"description": "Of the stored result with its counts"},
    }
    hashes = ("calibration_hash", "memory_hash", "native_circuit_hash", "raw_result_hash", "request_hash")
    texts = ("provider_backend", "provider_job_id", *(f"provider_{what}_at" for what in _PROVIDER_TIMES))
    optional: dict[str, Schema] = {"job_id": _ref("id"), **{name: _ref("sha3_256") for name in hashes}}
    optional |= {name: {"type": "string"} for name in texts}
    optional |= {"submission": {"type": "integer", "minimum": 1}, "execution_duration_ms": {"type": "integer"}}
    return _object(required, optional)


_PROVIDER_TIMES = ("submitted", "started", "completed")


def _event_log() -> Schema:
    leaves = {"type": "array", "items": _ref("sha_256"), "minItems": 1, "maxItems": MAX_LEAF_HASHES}
    return _object(
        {
            "stream_id": _ref("id") | {"description": "The job's id"},
            "tree": {"const": TREE},
            "size": {"type": "integer", "minimum": 1},
            "root_hash": _ref("sha_256"),
            "head_event_hash": _ref("sha_256"),
        },
        {"leaf_hashes": leaves},
    )


def _equivalence() -> Schema:
    return _object(
        {"verdict": {"type": "string"}, "method": {"type": "string"}},
        {
            "states": {"type": "integer", "minimum": 0},
            "max_infidelity": {"type": "string"},
            "certificate_hash": _ref("sha3_256")
            | {"description": "Of the equivalence certificate, or without one of the optimizer's report"},
        },
    )


def _optimization() -> Schema:
    metrics = _object({"original": _ref("metrics"), "optimized": _ref("metrics")}, {"literal": _ref("metrics")})
    return _object(
        {"level": {"type": "integer", "minimum": 0}, "strategy": {"type": "string"}, "metrics": metrics},
        {"mode": {"type": "string", "description": "What was kept: unitary, or only the distribution of the results"}},
    )


def _metrics() -> Schema:
    names = ("depth", "two_qubit_depth", "two_qubit_gates", "one_qubit_gates", "entangling_angle_microturns")
    return _object({name: {"type": "integer", "minimum": 0} for name in names}, {})


def _signatures(algorithm: Any) -> Schema:
    bytes_: int = SIGNATURE_BYTES[algorithm]
    digits, padding = -(-bytes_ * 8 // 6), -bytes_ % 3
    members: dict[str, Schema] = {
        "algorithm": {"const": algorithm},
        "key_id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$", "description": "The key's JWK thumbprint"},
        "signature": {"type": "string", "pattern": f"^base64:[A-Za-z0-9+/]{{{digits}}}{'=' * padding}$"},
    }
    return _object(members, {}) | {"additionalProperties": False}


def _object(required: dict[str, Schema], optional: dict[str, Schema]) -> Schema:
    return {"type": "object", "required": list(required), "properties": required | optional}


def _text(pattern: str, description: str) -> Schema:
    return {"type": "string", "pattern": f"^(?:{pattern})$", "description": description}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(bundle_schema(), indent=2) + "\n", encoding="utf-8")
