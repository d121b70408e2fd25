"""Keys of a tenant and its counted requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import Stubber

from qcos.adapters.control_store import DynamoControl
from qcos.ports import ApiKey
from tests.contract.adapters.backends import CONTROL, Aws, Backend
from tests.contract.adapters.samples import TENANT, race

KEY = ApiKey("pub1", TENANT, "laptop", "ab" * 32, ("optimize:read", "evidence:read"), "2026-03-01T12:00:00.000Z")
THEIRS = replace(KEY, public_id="pub9", tenant="bell")
NOON, LATER = "2026-04-01T12:00:00.000Z", "2026-04-01T12:01:00.000Z"
MINUTE, DAY = "m#2026-02-06T12:00", "d#2026-02-06"


def test_a_tenants_keys_are_listed_oldest_first(backend: Backend) -> None:
    control = backend.control()
    assert control.api_keys(TENANT) == []
    keys = [
        replace(KEY, public_id=public_id, created_at=f"2026-03-0{day}T12:00:00.000Z", expires_at=expires_at)
        for public_id, day, expires_at in (("z", 1, None), ("m", 2, "2026-03-03T00:00:00.000Z"), ("a", 3, None))
    ]
    for key in (keys[1], THEIRS, keys[2], keys[0]):
        control.put_api_key(key)
    assert control.api_keys(TENANT) == keys
    assert control.api_keys("bell") == [THEIRS]
    revoked = control.revoke_api_key(TENANT, "m", NOON)
    assert control.api_keys(TENANT) == [keys[0], revoked, keys[2]]


def test_a_revoked_key_stays_revoked_from_the_first_time(backend: Backend) -> None:
    control = backend.control()
    control.put_api_key(KEY)
    revoked = replace(KEY, revoked_at=NOON)
    assert control.revoke_api_key(TENANT, "pub1", NOON) == revoked
    assert control.revoke_api_key(TENANT, "pub1", LATER) == revoked
    assert control.api_key("pub1") == revoked
    with pytest.raises(ValueError, match="taken"):
        control.put_api_key(KEY)


def test_another_tenants_key_is_as_absent(backend: Backend) -> None:
    control = backend.control()
    control.put_api_key(THEIRS)
    assert control.revoke_api_key(TENANT, "pub9", NOON) is None
    assert control.revoke_api_key(TENANT, "nobody's", NOON) is None
    assert control.api_key("pub9") == THEIRS
    assert control.api_key("nobody's") is None
    assert control.api_keys(TENANT) == []


def test_of_eight_who_revoke_a_key_all_are_told_the_same(backend: Backend) -> None:
    control = backend.control()
    control.put_api_key(KEY)
    times = [f"2026-04-01T12:00:0{n}.000Z" for n in range(8)]
    told = race([lambda at=at: control.revoke_api_key(TENANT, "pub1", at) for at in times])
    stored = control.api_key("pub1")
    assert stored is not None
    assert stored.revoked_at in times
    assert told == [stored] * 8


def test_a_keys_last_use_is_the_latest_noted(backend: Backend) -> None:
    control = backend.control()
    control.put_api_key(KEY)
    for at, noted in ((NOON, NOON), (LATER, LATER), (NOON, LATER), (LATER, LATER)):
        control.touch_api_key("pub1", at)
        assert control.api_key("pub1") == replace(KEY, last_used_at=noted)
    control.revoke_api_key(TENANT, "pub1", LATER)
    assert control.api_keys(TENANT) == [replace(KEY, last_used_at=LATER, revoked_at=LATER)]


def test_the_use_of_no_key_makes_none(backend: Backend) -> None:
    control = backend.control()
    control.touch_api_key("pub1", NOON)
    assert control.api_key("pub1") is None
    control.put_api_key(KEY)
    assert control.api_key("pub1") == KEY


def test_requests_are_counted_by_tenant_and_window(backend: Backend) -> None:
    control = backend.control()
    assert [control.count_request(TENANT, MINUTE, 2_000_000_000) for _ in range(3)] == [1, 2, 3]
    assert control.count_request(TENANT, DAY, 2_000_000_000) == 1
    assert control.count_request(TENANT, "m#2026-02-06T12:01", 2_000_000_000) == 1
    assert control.count_request("bell", MINUTE, 2_000_000_000) == 1
    assert control.count_request(TENANT, MINUTE, 2_000_000_000) == 4


def test_thirty_two_at_once_are_counted_one_by_one(backend: Backend) -> None:
    control = backend.control()
    counted = race([lambda: [control.count_request(TENANT, MINUTE, 2_000_000_000) for _ in range(4)]] * 32)
    assert sorted(n for counts in counted for n in counts) == list(range(1, 129))
    assert all(counts == sorted(counts) for counts in counted)


def test_a_window_removes_itself(aws: Aws) -> None:
    name, client = aws.table(CONTROL), aws.clients["dynamodb"]
    control = DynamoControl(name, client)
    control.count_request(TENANT, MINUTE, 1_770_379_260)
    control.count_request(TENANT, MINUTE, 1_770_379_260)
    [item] = client.scan(TableName=name)["Items"]
    assert item["expires_at"] == {"N": "1770379260"}


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("update_item", lambda control: control.touch_api_key("pub1", NOON)),
        ("update_item", lambda control: control.revoke_api_key(TENANT, "pub1", NOON)),
        ("update_item", lambda control: control.count_request(TENANT, MINUTE, 1)),
        ("transact_write_items", lambda control: control.put_api_key(KEY)),
        ("query", lambda control: control.api_keys(TENANT)),
    ],
)
def test_other_errors_are_not_hidden(aws_clients: dict[str, Any], operation: str, call: Any) -> None:
    client = aws_clients["dynamodb"]
    with Stubber(client) as stub:
        stub.add_client_error(operation, "ResourceNotFoundException")
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            call(DynamoControl("table", client))
