"""API keys: what is made is recognised, everything else is not."""

from __future__ import annotations

import pytest

from qcos.adapters import memory
from qcos.errors import Unauthorized, ValidationFailed
from qcos.service.keys import CACHE_S, Keys, _checksum
from tests.unit.service.world import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(clock: Clock) -> Keys:
    return Keys(memory.Control(), lambda: "pepper", clock)


def test_a_minted_key_stands_for_its_tenant(keys: Keys) -> None:
    text, stored = keys.mint("acme", "ci", ["optimize:write", "optimize:read"])
    for headers in (
        {"Authorization": f"Bearer {text}"},
        {"x-api-key": text},
        {"X-API-KEY": text, "authorization": f"bearer {text}"},
    ):
        principal = keys.authenticate(headers)
        assert (principal.tenant, principal.key_id) == ("acme", stored.public_id)
        assert principal.scopes == ("optimize:read", "optimize:write")
    assert text not in str(stored)
    assert text.split("_")[3][:43] not in str(stored)


def test_every_changed_character_is_noticed(keys: Keys) -> None:
    text, _ = keys.mint("acme", "ci", ["admin"])
    for position in range(len(text)):
        wrong = text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1 :]
        with pytest.raises(Unauthorized):
            keys.authenticate({"X-API-Key": wrong})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer"},
        {"X-API-Key": "qcos_live_short"},
        {"X-API-Key": "qcos_live_" + "é" * 8},
        {"X-API-Key": "x" * 100_000},
    ],
)
def test_what_is_no_key(keys: Keys, headers: dict[str, str]) -> None:
    with pytest.raises(Unauthorized):
        keys.authenticate(headers)


def test_two_different_keys_at_once_are_refused(keys: Keys) -> None:
    one, _ = keys.mint("acme", "a", ["admin"])
    two, _ = keys.mint("acme", "b", ["admin"])
    with pytest.raises(Unauthorized, match="Two different"):
        keys.authenticate({"X-API-Key": one, "Authorization": f"Bearer {two}"})


def test_another_pepper_knows_no_key(keys: Keys, clock: Clock) -> None:
    text, _ = keys.mint("acme", "a", ["admin"])
    with pytest.raises(Unauthorized):
        Keys(keys.control, lambda: "salt", clock).authenticate({"X-API-Key": text})


def test_a_revoked_key_is_refused_within_a_minute(keys: Keys, clock: Clock) -> None:
    text, stored = keys.mint("acme", "a", ["admin"])
    keys.authenticate({"X-API-Key": text})
    elsewhere = Keys(keys.control, lambda: "pepper", clock)
    elsewhere.revoke("acme", stored.public_id)
    clock.forward(seconds=CACHE_S)
    with pytest.raises(Unauthorized):
        keys.authenticate({"X-API-Key": text})


def test_an_expired_key_is_refused_at_once(keys: Keys, clock: Clock) -> None:
    text, _ = keys.mint("acme", "a", ["admin"], "1h")
    clock.forward(seconds=3599)
    keys.authenticate({"X-API-Key": text})
    clock.forward(seconds=1)
    with pytest.raises(Unauthorized):
        keys.authenticate({"X-API-Key": text})


def test_only_a_request_that_is_let_in_is_a_use_of_its_key(keys: Keys, clock: Clock) -> None:
    text, stored = keys.mint("acme", "a", ["admin"])
    body = f"qcos_live_{stored.public_id}_{'0' * 43}"
    forged = body + _checksum(body)

    def used_at() -> str | None:
        return keys.all("acme")[0].last_used_at

    with pytest.raises(Unauthorized):
        keys.authenticate({"X-API-Key": forged})
    assert used_at() is None
    clock.forward(seconds=1)
    keys.authenticate({"X-API-Key": text})
    assert used_at() == "2026-02-06T12:00:01.000Z"
    keys.revoke("acme", stored.public_id)
    clock.forward(seconds=CACHE_S)
    with pytest.raises(Unauthorized):
        keys.authenticate({"X-API-Key": text})
    assert used_at() == "2026-02-06T12:00:01.000Z"


@pytest.mark.parametrize(("name", "scopes"), [("a", []), ("a", ["root"]), ("", ["admin"]), ("x" * 101, ["admin"])])
def test_what_cannot_be_minted(keys: Keys, name: str, scopes: list[str]) -> None:
    with pytest.raises(ValidationFailed):
        keys.mint("acme", name, scopes)
