"""API keys, signing keys and waits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qcos.adapters.control_store import WAIT_S, DynamoControl
from qcos.ports import ApiKey, Wait
from tests.contract.adapters.backends import CONTROL, AnswerLost, Aws, Backend
from tests.contract.adapters.samples import TENANT, race

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
WAIT = Wait(TENANT, "job-1", 1, "token/" + "x" * 2000, 0)


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


def test_a_wait_is_opened_once_and_keeps_its_count(backend: Backend) -> None:
    control = backend.control()
    assert control.open_wait(WAIT) == WAIT
    assert control.open_wait(WAIT) == WAIT
    assert control.advance_wait(WAIT) is True
    assert control.open_wait(WAIT) == replace(WAIT, n=1)


def test_waits_of_other_tokens_attempts_jobs_and_tenants_are_others(backend: Backend) -> None:
    control = backend.control()
    others = [
        replace(WAIT, token="other"),
        replace(WAIT, attempt=2),
        replace(WAIT, job_id="job-2"),
        replace(WAIT, tenant="bell"),
    ]
    for wait in (WAIT, *others):
        assert control.open_wait(wait) == wait
    assert control.advance_wait(WAIT) is True
    assert [control.open_wait(wait) for wait in others] == others


def test_a_wait_advances_from_each_count_once(backend: Backend) -> None:
    control = backend.control()
    control.open_wait(WAIT)
    assert control.advance_wait(WAIT) is True
    assert control.advance_wait(WAIT) is False
    assert control.advance_wait(replace(WAIT, n=1)) is True
    assert control.advance_wait(WAIT) is False
    assert control.open_wait(WAIT).n == 2


def test_a_message_ahead_of_its_wait_takes_it_along(backend: Backend) -> None:
    # The next message is sent before the wait is moved: whoever dies in between leaves the wait behind.
    control = backend.control()
    control.open_wait(WAIT)
    assert control.advance_wait(replace(WAIT, n=3)) is True
    assert control.open_wait(WAIT).n == 4
    assert control.advance_wait(replace(WAIT, n=3)) is False
    assert control.advance_wait(WAIT) is False


def test_a_closed_wait_does_not_advance(backend: Backend) -> None:
    control = backend.control()
    assert control.advance_wait(WAIT) is False
    control.open_wait(WAIT)
    control.close_wait(WAIT)
    control.close_wait(WAIT)
    assert control.advance_wait(WAIT) is False
    assert control.open_wait(WAIT) == WAIT


def test_of_eight_that_advance_a_wait_one_does(backend: Backend) -> None:
    control = backend.control()
    control.open_wait(WAIT)
    assert sorted(race([lambda: control.advance_wait(WAIT)] * 8)) == [False] * 7 + [True]
    assert control.open_wait(WAIT).n == 1


def test_of_eight_that_open_a_wait_all_get_the_same(backend: Backend) -> None:
    control = backend.control()
    rivals = [replace(WAIT, n=n) for n in range(8)]
    opened = race([lambda wait=wait: control.open_wait(wait) for wait in rivals])
    assert set(opened) == {control.open_wait(WAIT)}


def test_whoever_moved_a_wait_knows_it_though_the_answer_was_lost(aws: Aws) -> None:
    name = aws.table(CONTROL)
    control = DynamoControl(name, AnswerLost(aws.clients["dynamodb"]))
    assert control.open_wait(WAIT) == WAIT
    assert control.advance_wait(WAIT) is True
    assert control.advance_wait(WAIT) is False


def test_a_wait_removes_itself_and_a_key_does_not(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qcos.adapters.control_store.time.time", lambda: 1_000_000.7)
    name, client = aws.table(CONTROL), aws.clients["dynamodb"]
    control = DynamoControl(name, client)
    control.open_wait(WAIT)
    control.put_api_key(LIMITED)
    items = {item["pk"]["S"]: item for item in client.scan(TableName=name)["Items"]}
    assert items["WAIT#acme#job-1"]["expires_at"] == {"N": str(1_000_000 + WAIT_S)}
    assert set(items["KEY#pub2"]["expires_at"]) == {"S"}  # only a number makes DynamoDB remove an item
