"""One answer of each kind for the OpenAPI document; a test holds each against its schema."""

from __future__ import annotations

from typing import Any

from qcos.http.requests import BATCH_ID, JOB_ID
from qcos.http.schemas import BUNDLE_ID

_AT, _DONE = "2026-02-06T12:00:00.000Z", "2026-02-06T12:00:30.000Z"
_DIGEST = "sha3-256:a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a"
_LEAF = "sha256:6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"

CHECKPOINT = """\
api.example.com/tenants/acme
3
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

\u2014 api.example.com/tenants/acme PlRN...
"""
PROOF = f"""\
c2sp.org/tlog-proof@v1
index 2
bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=

{CHECKPOINT}"""


def _metrics(depth: int, two_qubit_depth: int, two_qubit_gates: int, one_qubit_gates: int) -> dict[str, Any]:
    return {
        "depth": depth,
        "two_qubit_depth": two_qubit_depth,
        "two_qubit_gates": two_qubit_gates,
        "one_qubit_gates": one_qubit_gates,
        "entangling_angle_microturns": 250_000 * two_qubit_gates,
        "entangling_angle_turns": 0.25 * two_qubit_gates,
    }


_OPTIMIZATION: dict[str, Any] = {
    "job_id": JOB_ID,
    "status": "completed",
    "original_depth": 45,
    "optimized_depth": 28,
    "reduction_percent": 37.8,
    "results": {
        "counts": {"00": 512, "11": 512},
        "probabilities": {"00": 0.5, "11": 0.5},
        "source": "measured",
        "shots": 1024,
        "memory": None,
        "url": None,
        "memory_url": None,
        "truncated": False,
    },
    "evidence_bundle_id": BUNDLE_ID,
    "backend": "ionq_simulator",
    "shots": 1024,
    "created_at": _AT,
    "completed_at": _DONE,
    "two_qubit_gates": {"original": 12, "optimized": 7},
    "two_qubit_depth": {"original": 9, "optimized": 5},
    "metrics": {
        "original": _metrics(45, 9, 12, 30),
        "optimized": _metrics(28, 5, 7, 18),
        "literal": _metrics(60, 11, 15, 44),
    },
    "verification": {"verdict": "proved", "method": "unitary", "states": 0, "max_infidelity": "2.220e-16"},
    "strategy": "blocks",
    "provider_job_id": "617a1f8b-59d4-435d-aa33-695433d7155e",
    "error": None,
    "name": "Bell pair",
    "tags": ["calibration"],
    "batch_id": None,
    "attempt": 1,
    "dry_run": False,
    "estimate": None,
    "evaluations": 13,
    "cost_usd": "0",
}

_BACKEND: dict[str, Any] = {
    "id": "ionq_aria",
    "name": "IonQ Aria",
    "type": "hardware",
    "qubits": 25,
    "status": "online",
    "queue_depth": 12,
    "queue_depth_basis": "average wait in minutes, rounded up",
    "average_queue_time_ms": 700_000,
    "degraded": False,
    "last_updated": "2026-02-06T11:59:00Z",
}

_KEY: dict[str, Any] = {
    "key_id": "4fGh7Kd2",
    "name": "laptop",
    "scopes": ["optimize:read", "optimize:write"],
    "status": "active",
    "created_at": _AT,
    "expires_at": "2026-05-07T12:00:00.000Z",
    "revoked_at": None,
    "last_used_at": None,
}

EXAMPLES: dict[str, dict[str, Any]] = {
    "Accepted": {"job_id": JOB_ID, "status": "queued", "estimated_time": 30},
    "BatchAccepted": {"batch_id": BATCH_ID, "job_ids": ["job_1", "job_2"], "status": "processing"},
    "BatchDetail": {
        "batch_id": BATCH_ID,
        "status": "processing",
        "created_at": _AT,
        "job_ids": ["job_1", "job_2"],
        "counts": {"completed": 1, "running": 1},
        "jobs": [
            {"index": 0, "job_id": "job_1", "status": "completed", "name": None, "completed_at": _DONE}
            | {"error_code": None},
            {"index": 1, "job_id": "job_2", "status": "running", "name": "fewer shots", "completed_at": None}
            | {"error_code": None},
        ],
    },
    "BatchCancelled": {
        "batch_id": BATCH_ID,
        "status": "partial",
        "counts": {"completed": 1, "cancelled": 1},
        "jobs": [{"job_id": "job_1", "status": "completed"}, {"job_id": "job_2", "status": "cancelled"}],
    },
    "StatsDetail": {
        "total_jobs": 1523,
        "total_circuits": 4891,
        "avg_reduction": 34.7,
        "evaluations_used": 45230,
        "evaluations_limit": 50000,
        "month": "2026-02",
        "by_status": {"cancelled": 11, "completed": 4850, "failed": 30},
    },
    "Optimization": _OPTIMIZATION,
    "JobDetail": _OPTIMIZATION
    | {
        "options": {
            "optimization_level": 2,
            "evidence": True,
            "pqc_signing": True,
            "memory": False,
            "mode": "unitary",
            "max_cost_usd": "12.5",
        },
        "circuit": {"digest": _DIGEST, "qubits": 2, "operations": 2},
        "candidates": 7,
        "timing": {
            "submitted_at": _AT,
            "execution_intended_at": "2026-02-06T12:00:08.000Z",
            "executed_at": "2026-02-06T12:00:28.000Z",
            "completed_at": _DONE,
            "provider_submitted_at": "2026-02-06T12:00:09Z",
            "provider_started_at": "2026-02-06T12:00:21Z",
            "provider_completed_at": "2026-02-06T12:00:22Z",
            "execution_duration_ms": 1100,
        },
        "cost_microdollars": 0,
        "event_count": 8,
    },
    "JobList": {
        "jobs": [
            {
                "job_id": JOB_ID,
                "status": "completed",
                "created_at": _AT,
                "completed_at": _DONE,
                "backend": "ionq_simulator",
                "shots": 1024,
                "name": "Bell pair",
                "tags": ["calibration"],
                "batch_id": None,
                "error_code": None,
            }
        ],
        "pagination": {
            "total": 150,
            "total_capped": False,
            "limit": 20,
            "offset": 0,
            "next_cursor": "YWNtZSAyMDI2LTAyLTA2VDEyOjAwOjAwLjAwMFojam9iX3h5ejc4OQ==",
        },
    },
    "EventLog": {
        "job_id": JOB_ID,
        "events": [
            {
                "event_id": "evt_0f8fad5bd9cb469fa16570867728950e",
                "tenant": "acme",
                "stream_id": JOB_ID,
                "version": 1,
                "type": "JobSubmitted",
                "schema_version": 1,
                "occurred_at": _AT,
                "correlation_id": "4f3c9a52-5d07-4f0e-9c1d-0a4f6f1f7c11",
                "causation_id": None,
                "actor": "key:4fGh7Kd2",
                "prev_hash": "sha256:" + "0" * 64,
                "data": {"backend": "ionq_simulator", "shots": 1024, "qubits": 2, "operations": 2},
                "hash": _LEAF,
            }
        ],
    },
    "Cancelled": {"job_id": JOB_ID, "status": "cancelled"},
    "Retried": {"job_id": JOB_ID, "status": "queued", "attempt": 2},
    "BackendList": {"backends": [_BACKEND]},
    "BackendDetail": _BACKEND
    | {"native_gates": ["GPI", "GPI2", "MS"], "connectivity": "all-to-all", "average_fidelity": 0.997},
    "Calibration": {
        "backend_id": "ionq_aria",
        "timestamp": "2026-02-06T10:00:00Z",
        "single_qubit_fidelity": 0.9995,
        "two_qubit_fidelity": 0.997,
        "readout_fidelity": 0.998,
        "source": "provider",
    },
    "Bundle": {
        "bundle_id": BUNDLE_ID,
        "version": "3.0",
        "created_at": _DONE,
        "circuit_hash": _DIGEST,
        "execution_proof": {"backend": "ionq_simulator", "shots": 1024, "timestamp": "2026-02-06T12:00:15.000Z"},
        "signatures": {"algorithm": "ML-DSA-65", "key_id": "jZ4h-example", "signature": "base64:AAEC..."},
    },
    "Verdict": {
        "valid": True,
        "checks": {"signature": "valid", "hash": "valid", "timestamp": "valid"},
        "reasons": [],
        "bundle_id": BUNDLE_ID,
        "job_id": JOB_ID,
        "created_at": _DONE,
        "bundle_hash": _DIGEST,
        "form": "json",
        "page": None,
        "transparency": "valid",
        "logged": {
            "origin": "api.example.com/tenants/acme",
            "index": 41,
            "size": 57,
            "at": "2026-02-06T12:05:00Z",
        },
    },
    "ExportLink": {
        "url": "https://bucket.s3.eu-central-1.amazonaws.com/exports/ev_abc123.pdf?X-Amz-Signature=...",
        "expires_in_s": 900,
        "file_name": "ev_abc123.pdf",
        "media_type": "application/pdf",
        "size": 7_591_581,
        "digest": _DIGEST,
    },
    "EventProof": {
        "bundle_id": BUNDLE_ID,
        "job_id": JOB_ID,
        "version": 3,
        "tree": "RFC9162_SHA256",
        "leaf": _LEAF,
        "index": 2,
        "size": 8,
        "path": [_LEAF, _LEAF, _LEAF],
        "root": _LEAF,
    },
    "Consistency": {"from": 2, "to": 3, "path": [_LEAF]},
    "KeyMade": _KEY | {"api_key": "qcos_live_4fGh7Kd2_..."},
    "KeyList": {"keys": [_KEY]},
    "KeyLine": _KEY | {"status": "revoked", "revoked_at": _DONE},
    "SystemStatus": {
        "api": "operational",
        "backends": {"ionq_simulator": "online", "ionq_aria": "online"},
        "provider": "operational",
        "queue_depth": 17,
        "avg_response_time_ms": 45,
    },
    "Document": {"openapi": "3.1.0", "info": {"title": "QCOS Core API", "version": "2.0"}, "paths": {}},
    "Health": {"status": "ok"},
    "KeySet": {"keys": [{"kty": "AKP", "alg": "ML-DSA-65", "kid": "jZ4h-example", "pub": "AAEC..."}]},
}
"""By the name of the answer's type; without its envelope."""
