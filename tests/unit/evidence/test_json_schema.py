"""The schema for readers without this library agrees with the rules that a bundle is judged by."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from qcos_evidence.json_schema import bundle_schema
from qcos_evidence.schema import violations
from tests.unit.evidence.samples import CLASSICAL, force_sign, signed, unsigned

SCHEMA = bundle_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
PROOF: dict[str, Any] = unsigned()["execution_proof"]
LOG: dict[str, Any] = unsigned()["event_log"]


def test_it_is_a_schema_and_genuine_bundles_obey_it() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    VALIDATOR.validate(signed())
    VALIDATOR.validate(force_sign(unsigned(), CLASSICAL))
    VALIDATOR.validate(signed(more={"signed": "too"}))


@pytest.mark.parametrize("name", SCHEMA["required"])
def test_what_is_required(name: str) -> None:
    bundle = {member: value for member, value in signed().items() if member != name}
    assert not VALIDATOR.is_valid(bundle)
    assert name == "signatures" or violations(bundle)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": "3.1"},
        {"bundle_id": "ev 1"},
        {"created_at": "2026-02-06T12:00:20+00:00"},
        {"circuit_hash": "sha3-256:" + "A" * 64},
        {"circuit_hash": "sha256:" + "a" * 64},
        {"issuer": "ftp://x"},
        {"job_id": None},
        {"optimized_circuit_hash": ""},
        {"execution_proof": PROOF | {"shots": 0}},
        {"execution_proof": PROOF | {"shots": True}},
        {"execution_proof": PROOF | {"backend": ""}},
        {"event_log": LOG | {"size": 0}},
        {"event_log": LOG | {"tree": "x"}},
        {"event_log": LOG | {"leaf_hashes": []}},
        {"event_log": LOG | {"root_hash": "00"}},
    ],
    ids=range(15),
)
def test_what_both_refuse(changes: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(signed(**changes))
    assert violations(signed(**changes))


SIGNATURES: dict[str, Any] = signed()["signatures"]


@pytest.mark.parametrize(
    "signatures",
    [
        None,
        SIGNATURES | {"algorithm": "Ed25519"},
        SIGNATURES | {"algorithm": "none"},
        SIGNATURES | {"jwk": {}},
        SIGNATURES | {"signature": SIGNATURES["signature"] + "===="},
        SIGNATURES | {"signature": SIGNATURES["signature"][:-4]},
        SIGNATURES | {"key_id": "short"},
    ],
    ids=range(7),
)
def test_signatures_of_another_form(signatures: Any) -> None:
    assert not VALIDATOR.is_valid(signed(signatures=signatures))
