"""Objects: written once, found by their digest, never quietly wrong."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from botocore.stub import Stubber

from qcos.adapters.object_store import S3ObjectStore
from qcos.errors import Unavailable
from qcos.models import StoredObject, sha3_256
from qcos.ports import ObjectDamaged, ObjectMissing
from tests.contract.adapters.backends import AnswerLost, Aws, Backend
from tests.contract.adapters.samples import race

DATA = bytes(range(256)) * 5


def test_an_object_is_kept_under_its_digest(backend: Backend) -> None:
    store = backend.object_store()
    stored = store.put("circuits", DATA, "text/plain; charset=utf-8")
    hexadecimal = hashlib.sha3_256(DATA).hexdigest()
    assert stored == StoredObject(digest=f"sha3-256:{hexadecimal}", key=f"circuits/{hexadecimal}")
    assert store.get(stored.key) == DATA
    assert store.get_checked(stored) == DATA
    assert backend.media_type(stored.key) == "text/plain; charset=utf-8"


def test_putting_again_changes_nothing(backend: Backend) -> None:
    store = backend.object_store()
    first = store.put("results", DATA, "application/json")
    assert store.put("results", DATA, "text/plain") == first
    assert store.get_checked(first) == DATA
    assert backend.media_type(first.key) == "application/json"


def test_an_empty_object_is_an_object(backend: Backend) -> None:
    store = backend.object_store()
    assert store.get_checked(store.put("results", b"", "application/json")) == b""


def test_kinds_are_apart(backend: Backend) -> None:
    store = backend.object_store()
    assert store.put("a", DATA, "text/plain").key != store.put("b", DATA, "text/plain").key


def test_the_first_to_use_a_name_keeps_it(backend: Backend) -> None:
    store = backend.object_store()
    assert store.put_named("evidence/1.json", b"first", "application/json") == b"first"
    assert store.put_named("evidence/1.json", b"second", "text/plain") == b"first"
    assert store.get("evidence/1.json") == b"first"
    assert backend.media_type("evidence/1.json") == "application/json"


def test_of_eight_writers_of_one_name_all_get_the_first_one_back(backend: Backend) -> None:
    store = backend.object_store()
    rivals = [f"writer {n}".encode() for n in range(8)]
    got = race([lambda data=data: store.put_named("evidence/1", data, "text/plain") for data in rivals])
    assert set(got) == {store.get("evidence/1")}
    assert got[0] in rivals


def test_a_damaged_object_is_not_given_out(backend: Backend) -> None:
    store = backend.object_store()
    stored = store.put("circuits", DATA, "text/plain")
    backend.overwrite(stored.key, DATA[:-1] + b"\x00")
    with pytest.raises(ObjectDamaged):
        store.get_checked(stored)


def test_a_missing_object_is_named(backend: Backend) -> None:
    store = backend.object_store()
    with pytest.raises(ObjectMissing, match="circuits/none"):
        store.get("circuits/none")
    with pytest.raises(ObjectMissing, match="circuits/none"):
        store.get_checked(StoredObject(digest=sha3_256(b""), key="circuits/none"))


def test_a_lost_answer_is_success(aws: Aws) -> None:
    store = S3ObjectStore(aws.bucket(), AnswerLost(aws.clients["s3"]))
    assert store.get_checked(store.put("circuits", DATA, "text/plain")) == DATA
    assert store.put_named("evidence/1", b"mine", "text/plain") == b"mine"


def test_rival_writes_are_tried_again(aws_clients: dict[str, Any], no_sleep: list[float]) -> None:
    with Stubber(aws_clients["s3"]) as stub:
        stub.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
        stub.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
        stub.add_response("put_object", {})
        assert S3ObjectStore("bucket", aws_clients["s3"]).put_named("k", DATA, "text/plain") == DATA
        stub.assert_no_pending_responses()
    assert len(no_sleep) == 2


def test_trying_again_has_an_end(aws_clients: dict[str, Any], no_sleep: list[float]) -> None:
    with Stubber(aws_clients["s3"]) as stub:
        for _ in range(8):
            stub.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
        with pytest.raises(Unavailable):
            S3ObjectStore("bucket", aws_clients["s3"]).put("k", DATA, "text/plain")
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("operation", ["put_object", "get_object"])
def test_a_refusal_is_neither_success_nor_absence(aws_clients: dict[str, Any], operation: str) -> None:
    client = aws_clients["s3"]
    store = S3ObjectStore("bucket", client)
    with Stubber(client) as stub:
        stub.add_client_error(operation, "AccessDenied", http_status_code=403)
        with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
            store.put("k", DATA, "text/plain") if operation == "put_object" else store.get("k")
