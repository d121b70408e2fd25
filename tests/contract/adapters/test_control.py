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
