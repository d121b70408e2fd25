"""One suite, three places to run it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from qcos.adapters.clients import CONFIG, SIGNED_ADDRESSES
from tests.contract.adapters.backends import SERVICES, Aws, Backend, Memory, Serial, ministack

MINISTACK = pytest.param("ministack", marks=[pytest.mark.ministack, pytest.mark.xdist_group("ministack")])


def make_clients(endpoint: str | None) -> dict[str, Any]:
    """A client of each service with dummy credentials, whatever this machine's profile says."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
            patch.delenv(name, raising=False)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, "/dev/null")
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        # moto and ministack know no addresses that begin with an account number.
        patch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")
        wide, session = Config(max_pool_connections=32), boto3.session.Session()
        configs = {name: (SIGNED_ADDRESSES if name == "s3" else CONFIG).merge(wide) for name in SERVICES}
        return {name: session.client(name, endpoint_url=endpoint, config=configs[name]) for name in SERVICES}


@pytest.fixture(scope="session")
def aws_clients() -> dict[str, Any]:
    """Clients of AWS itself, of use only while they are mocked or stubbed."""
    return make_clients(None)


@pytest.fixture(scope="session")
def ministack_clients() -> Iterator[dict[str, Any]]:
    with ministack() as endpoint:
        clients = make_clients(endpoint)
        yield clients
        for client in clients.values():
            client.close()


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """The place named by the test's parameter."""
    match request.param:
        case "memory":
            yield Memory()
        case "moto":
            clients = request.getfixturevalue("aws_clients")
            with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
                yield Aws("moto", {name: Serial(client) for name, client in clients.items()})
        case _:
            yield Aws("ministack", request.getfixturevalue("ministack_clients"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``backend`` runs a test in all three places, ``aws`` in the two that speak AWS."""
    if "backend" in metafunc.fixturenames:
        metafunc.parametrize("place", ["memory", "moto", MINISTACK], indirect=True)
    elif "aws" in metafunc.fixturenames:
        metafunc.parametrize("place", ["moto", MINISTACK], indirect=True)


@pytest.fixture
def backend(place: Backend) -> Backend:
    """Every adapter, in memory, on moto and on ministack."""
    return place


@pytest.fixture
def aws(place: Backend) -> Backend:
    """The AWS adapters, on moto and on ministack."""
    return place


@pytest.fixture
def no_sleep(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Retries that do not wait; how long they would have, in seconds."""
    slept: list[float] = []
    monkeypatch.setattr("qcos.adapters.retry.time.sleep", slept.append)
    return slept
