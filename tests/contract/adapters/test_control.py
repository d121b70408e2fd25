"""API keys and signing keys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qcos.adapters.control_store import DynamoControl
from qcos.ports import ApiKey
from tests.contract.adapters.backends import CONTROL, AnswerLost, Aws, Backend
from tests.contract.adapters.samples import TENANT

KEY = ApiKey("pub1", TENANT, "laptop", "ab" * 32, ("optimize:read", "evidence:read"), "2026-03-01T12:00:00.000Z")
LIMITED = ApiKey(
    "pub2",
    TENANT,
    "CI",
    "cd" * 32,
    (),
    "2026-03-01T12:00:00.000Z",
    "2027-03-01T12:00:00.000Z",
    "2026-04-01T12:00:00.000Z",
)


def test_keys_are_read_back_whole(backend: Backend) -> None:
    control = backend.control()
    assert control.api_key("pub1") is None
    control.put_api_key(KEY)
    control.put_api_key(LIMITED)
    assert control.api_key("pub1") == KEY
    assert control.api_key("pub2") == LIMITED


def test_a_public_id_is_given_once(backend: Backend) -> None:
    control = backend.control()
    control.put_api_key(KEY)
    for again in (KEY, replace(KEY, digest="ee" * 32)):
        with pytest.raises(ValueError, match="taken"):
            control.put_api_key(again)
    assert control.api_key("pub1") == KEY


def test_signing_keys_are_kept_for_ever_oldest_first(backend: Backend) -> None:
    control = backend.control()
    assert control.signing_keys() == []
    jwks = [{"kty": "AKP", "alg": "ML-DSA-65", "kid": kid, "pub": f"key {kid}"} for kid in ("z", "a", "m")]
    for jwk in jwks:
        control.put_signing_key(jwk)
    control.put_signing_key(jwks[0])
    control.put_signing_key(jwks[0] | {"pub": "another"})
    assert control.signing_keys() == jwks


def test_a_signing_key_is_retired_once_and_revoked_for_ever(backend: Backend) -> None:
    control = backend.control()
    assert control.retire_signing_key("a", 100) is control.revoke_signing_key("a", 100) is False
    assert control.signing_keys() == []
    jwks = [{"kty": "AKP", "alg": "ML-DSA-65", "kid": kid, "status": "active", "nbf": 7} for kid in ("a", "b")]
    for jwk in jwks:
        control.put_signing_key(jwk)
    assert [control.retire_signing_key("a", exp) for exp in (100, 200, 50)] == [True, False, False]
    retired = {"status": "retired", "exp": 100}
    assert control.signing_keys() == [jwks[0] | retired, jwks[1]]
    control.put_signing_key(jwks[0])  # a function that still holds it makes it no younger
    assert control.signing_keys() == [jwks[0] | retired, jwks[1]]
    assert [control.revoke_signing_key(kid, at) for kid, at in (("a", 90), ("a", 95), ("b", 80))] == [True] * 3
    assert control.retire_signing_key("b", 300) is False
    revoked = [
        jwks[0] | {"status": "revoked", "exp": 100, "revoked_at": 90},
        jwks[1] | {"status": "revoked", "revoked_at": 80},
    ]
    assert control.signing_keys() == revoked
    # The secret was out of hand earlier than was known at first.
    assert control.revoke_signing_key("a", 60) is True
    assert control.signing_keys() == [revoked[0] | {"revoked_at": 60}, revoked[1]]


def test_a_key_is_retired_though_the_answer_was_lost(aws: Aws) -> None:
    control = DynamoControl(aws.table(CONTROL), AnswerLost(aws.clients["dynamodb"]))
    control.put_signing_key({"kid": "a"})
    assert control.retire_signing_key("a", 100) is True
    assert control.revoke_signing_key("a", 100) is True


def test_a_key_does_not_remove_itself(aws: Aws) -> None:
    name, client = aws.table(CONTROL), aws.clients["dynamodb"]
    DynamoControl(name, client).put_api_key(LIMITED)
    items = {item["pk"]["S"]: item for item in client.scan(TableName=name)["Items"]}
    assert set(items["KEY#pub2"]["expires_at"]) == {"S"}  # only a number makes DynamoDB remove an item
