"""The transparency log: indexes without gaps whoever races, each bundle once; checkpoints that only grow."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from qcos.adapters.checkpoints import AwsCheckpoints
from qcos.adapters.event_store import event_from_image
from qcos.adapters.messages import LambdaFunction
from qcos.adapters.transparency_log import DynamoTransparencyLog
from qcos.errors import Unavailable
from tests.contract.adapters.backends import CONTROL, EVENTS, AnswerLost, Aws, Backend, Serial
from tests.contract.adapters.samples import TENANT, race


def entry(bundle_id: str) -> bytes:
    return f'{{"bundle_id":"{bundle_id}"}}'.encode()


def test_entries_are_counted_from_0_and_read_back_in_order(backend: Backend) -> None:
    log = backend.transparency_log()
    assert (log.size(TENANT), log.entries(TENANT, 0, 9), log.index_of(TENANT, "ev_0")) == (0, [], None)
    ids = [f"ev_{number}" for number in range(12)]
    assert [log.append(TENANT, one, entry(one)) for one in ids] == list(range(12))
    assert log.size(TENANT) == 12
    assert [log.index_of(TENANT, one) for one in ids] == list(range(12))
    assert log.entries(TENANT, 0, 12) == [entry(one) for one in ids]  # numbers, not text: 10 follows 9
    assert log.entries(TENANT, 3, 5) == [entry("ev_3"), entry("ev_4")]
    assert log.entries(TENANT, 11, 99) == [entry("ev_11")]
    assert log.entries(TENANT, 5, 5) == log.entries(TENANT, 5, 3) == []


def test_a_bundle_is_logged_once_as_it_was_first(backend: Backend) -> None:
    log = backend.transparency_log()
    assert [log.append(TENANT, one, entry(one)) for one in ("a", "b", "a", "b", "a")] == [0, 1, 0, 1, 0]
    assert log.append(TENANT, "a", b"another") == 0
    assert log.entries(TENANT, 0, 9) == [entry("a"), entry("b")]


def test_tenants_have_logs_of_their_own(backend: Backend) -> None:
    log = backend.transparency_log()
    assert [log.append(tenant, "a", entry(tenant)) for tenant in ("acme", "bell", "acme#a")] == [0, 0, 0]
    assert log.entries("bell", 0, 9) == [entry("bell")]
    assert log.index_of("bell", "b") is None


def test_32_that_race_get_an_index_each_and_leave_no_gap(backend: Backend) -> None:
    log = backend.transparency_log()
    ids = [f"ev_{number}" for number in range(32)]
    got = race([lambda one=one: log.append(TENANT, one, entry(one)) for one in ids])
    assert sorted(got) == list(range(32))
    assert [log.index_of(TENANT, one) for one in ids] == got
    assert log.entries(TENANT, 0, 99) == [entry(one) for one in sorted(ids, key=lambda one: got[ids.index(one)])]


def test_of_eight_that_log_the_same_bundle_all_get_its_one_index(backend: Backend) -> None:
    log = backend.transparency_log()
    log.append(TENANT, "first", b"first")
    assert race([lambda: log.append(TENANT, "a", entry("a"))] * 8) == [1] * 8
    assert log.size(TENANT) == 2


def test_a_lost_answer_is_found_again(aws: Aws) -> None:
    log = DynamoTransparencyLog(aws.table(EVENTS), AnswerLost(aws.clients["dynamodb"]))
    assert [log.append(TENANT, one, entry(one)) for one in ("a", "b")] == [0, 1]
    assert log.size(TENANT) == 2


def test_the_log_only_puts_and_queries_and_streams_no_event(aws: Aws) -> None:
    client = Serial(aws.clients["dynamodb"])
    name = aws.table(EVENTS)
    log = DynamoTransparencyLog(name, client)
    log.append(TENANT, "a", entry("a"))
    log.append(TENANT, "a", entry("a"))
    log.entries(TENANT, 0, 1)
    assert set(client.calls) == {"transact_write_items", "query"}
    items = aws.clients["dynamodb"].scan(TableName=name)["Items"]
    assert len(items) == 2
    assert [event_from_image(item) for item in items] == [None, None]


def test_checkpoints_are_published_once_each_and_only_grow(backend: Backend) -> None:
    checkpoints = backend.checkpoints()
    assert checkpoints.latest(TENANT) is checkpoints.covering(TENANT, 1) is checkpoints.of_size(TENANT, 1) is None
    checkpoints.archive(TENANT)
    assert checkpoints.publish(TENANT, 3, "three") is True
    assert checkpoints.publish(TENANT, 3, "another three") is False
    assert checkpoints.publish(TENANT, 2, "two") is False
    assert checkpoints.publish(TENANT, 12, "twelve") is True
    assert checkpoints.latest(TENANT) == (12, "twelve")
    assert [checkpoints.of_size(TENANT, size) for size in (2, 3, 12)] == [None, "three", "twelve"]
    assert [checkpoints.covering(TENANT, size) for size in (1, 3, 4, 12, 13)] == [
        "three", "three", "twelve", "twelve", None,
    ]  # fmt: skip
    assert checkpoints.latest("bell") is checkpoints.covering("bell", 1) is None


def test_checkpoints_that_race_are_published_in_order(backend: Backend) -> None:
    checkpoints = backend.checkpoints()
    sizes = [5, 1, 7, 3, 8, 2, 6, 4]
    got = race([lambda size=size: checkpoints.publish(TENANT, size, f"{size}") for size in sizes])
    assert got[sizes.index(8)] is True
    assert checkpoints.latest(TENANT) == (8, "8")
    # What was published is archived, and what was not is nowhere.
    assert [checkpoints.of_size(TENANT, size) for size in sizes] == [
        f"{size}" if published else None for size, published in zip(sizes, got, strict=True)
    ]


class Dies:
    """An S3 client whose process dies before it puts certain bytes."""

    def __init__(self, client: Any, at: bytes) -> None:
        self._client = client
        self._at = at

    def put_object(self, **request: Any) -> Any:
        if request["Body"] == self._at:
            raise KeyboardInterrupt
        return self._client.put_object(**request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def test_whoever_comes_next_archives_what_a_dead_publisher_did_not(aws: Aws) -> None:
    bucket, table = aws.bucket(), aws.table(CONTROL)
    dynamodb, s3 = aws.clients["dynamodb"], aws.clients["s3"]
    checkpoints = AwsCheckpoints(bucket, s3, table, dynamodb)
    with pytest.raises(KeyboardInterrupt):
        AwsCheckpoints(bucket, Dies(s3, b"one"), table, dynamodb).publish(TENANT, 1, "one")
    assert (checkpoints.latest(TENANT), checkpoints.of_size(TENANT, 1)) == ((1, "one"), None)
    checkpoints.publish(TENANT, 2, "two")
    with pytest.raises(KeyboardInterrupt):
        AwsCheckpoints(bucket, Dies(s3, b"three"), table, dynamodb).publish(TENANT, 3, "three")
    assert checkpoints.of_size(TENANT, 3) is None
    checkpoints.archive(TENANT)
    assert [checkpoints.of_size(TENANT, size) for size in (1, 2, 3)] == ["one", "two", "three"]


def test_a_lost_answer_is_a_published_checkpoint(aws: Aws) -> None:
    clients = {name: AnswerLost(aws.clients[name]) for name in ("s3", "dynamodb")}
    checkpoints = AwsCheckpoints(aws.bucket(), clients["s3"], aws.table(CONTROL), clients["dynamodb"])
    assert checkpoints.publish(TENANT, 1, "one") is True
    assert checkpoints.of_size(TENANT, 1) == "one"


def test_what_is_locked_cannot_be_removed(aws: Aws) -> None:
    """That the lock of the template's bucket is one: AWS's own word for it, which both emulators keep."""
    s3, name = aws.clients["s3"], "locked-checkpoints"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    retention = {"Mode": "COMPLIANCE", "Years": 10}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}
    s3.put_object_lock_configuration(Bucket=name, ObjectLockConfiguration=lock)
    AwsCheckpoints(name, s3, aws.table(CONTROL), aws.clients["dynamodb"]).publish(TENANT, 1, "one")
    key = f"log/{TENANT}/checkpoint/{1:020d}"
    version = s3.head_object(Bucket=name, Key=key)["VersionId"]
    for bypass in (True, False):
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(Bucket=name, Key=key, VersionId=version, BypassGovernanceRetention=bypass)


def test_whoever_asks_for_a_checkpoint_waits_for_it_and_hears_that_there_is_none() -> None:
    client = boto3.session.Session("x", "x", region_name="us-east-1").client("lambda")
    request = {"FunctionName": "checkpoint", "Payload": b"{}"}
    ask = LambdaFunction("checkpoint", client)
    with Stubber(client) as stub:
        stub.add_response("invoke", {"StatusCode": 200}, request)
        ask()
        stub.add_response("invoke", {"StatusCode": 200, "FunctionError": "Unhandled"}, request)
        with pytest.raises(Unavailable):
            ask()
        stub.add_client_error("invoke", "TooManyRequestsException", http_status_code=429)
        with pytest.raises(Unavailable):
            ask()
        stub.add_client_error("invoke", "ResourceNotFoundException", http_status_code=404)
        with pytest.raises(ClientError, match="ResourceNotFound"):
            ask()
        stub.assert_no_pending_responses()
    client.close()
