"""Clients and secrets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.stub import Stubber

from qcos.adapters import clients
from qcos.adapters.object_store import S3ObjectStore
from qcos.adapters.secrets import KEEP_S, SecretsManagerSecret
from tests.contract.adapters.backends import Aws, Serial


@pytest.fixture
def local_endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }.items():
        monkeypatch.setenv(name, value)
    clients._client.cache_clear()
    yield
    clients._client.cache_clear()


@pytest.mark.usefixtures("local_endpoint")
def test_clients_are_made_once_and_give_up_in_time() -> None:
    client = clients.client("dynamodb")
    assert clients.client("dynamodb") is client
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    config = client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (2, 10)
    assert config.retries["mode"] == "standard"
    assert config.retries["total_max_attempts"] == 4


def test_a_secret_is_read_once_in_five_minutes(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("qcos.adapters.secrets.time.monotonic", lambda: now)
    client = Serial(aws.clients["secretsmanager"])
    arn = client.create_secret(Name="pepper", SecretString="first")["ARN"]
    secret = SecretsManagerSecret(arn, client)
    assert secret() == "first"
    client.put_secret_value(SecretId=arn, SecretString="second")
    now += KEEP_S - 1
    assert secret() == "first"
    now += 1
    assert secret() == "second"
    assert client.calls.count("get_secret_value") == 2


def test_a_secret_of_bytes_is_refused(aws_clients: dict[str, Any]) -> None:
    with Stubber(aws_clients["secretsmanager"]) as stub:
        stub.add_response("get_secret_value", {"SecretBinary": b"x"}, {"SecretId": "arn-of-a-secret"})
        with pytest.raises(ValueError, match="no text"):
            SecretsManagerSecret("arn-of-a-secret", aws_clients["secretsmanager"])()


@pytest.mark.usefixtures("local_endpoint")
def test_an_address_for_others_is_signed_as_every_region_takes_it_and_ends() -> None:
    store = S3ObjectStore("bucket", clients.client("s3"))
    address = urlsplit(store.presign("results/ab", 900))
    query = parse_qs(address.query)
    assert (address.netloc, address.path) == ("127.0.0.1:9", "/bucket/results/ab")
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Expires"] == ["900"]
    assert "/eu-central-1/s3/" in query["X-Amz-Credential"][0]
