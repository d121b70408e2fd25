"""Nobody can tell what belongs to another tenant from what is not there: the answers are the same, byte for byte."""

from __future__ import annotations

import re

from fastapi.routing import APIRoute

from qcos.http import openapi
from qcos.http.caller import NEEDED
from tests.unit.http.conftest import Answer
from tests.unit.http.test_openapi import PUBLIC
from tests.unit.http.test_tenancy import OTHER, Gateway, gateway, requests

__all__ = ["gateway"]  # the fixture

ABSENT = {
    "job": "job_" + "0" * 24,
    "batch": "batch_" + "0" * 24,
    "ev": "ev_" + "0" * 32,
}
_ID = re.compile(r"/(job|batch|ev)_[0-9a-f]+")
_KEY = re.compile(r"/keys/[0-9A-Za-z]{8}$")


def absent(path: str) -> str:
    """The same path with ids that nothing has."""
    return _KEY.sub("/keys/00000000", _ID.sub(lambda found: f"/{ABSENT[found[1]]}", path))


def shown(answer: Answer | None) -> tuple[int, dict[str, str], str]:
    """All of an answer but its request id, which is the same in these tests, and the requests that are left."""
    assert answer is not None
    headers = {name: value for name, value in answer.headers.items() if name != "ratelimit-remaining"}
    return answer.status, headers, answer.text


def test_another_tenants_is_like_none_at_all(gateway: Gateway) -> None:
    stranger, owner = gateway.key(tenant=OTHER), gateway.key()
    compared = set()
    for name, method, path, body in requests(gateway):
        if absent(path) == path:  # names nothing
            continue
        compared.add(name)
        theirs = shown(gateway(method, path, body, stranger))
        assert theirs[0] == 404, name
        assert theirs == shown(gateway(method, absent(path), body, stranger)), name
        assert theirs == shown(gateway(method, absent(path), body, owner)), name
    named = {
        operation["operationId"]
        for path, operations in openapi.document()["paths"].items()
        for operation in operations.values()
        if "_id}" in path and "{backend_id}" not in path
    }
    assert compared == named


def test_every_route_there_is_asks_for_a_caller_and_is_walked(gateway: Gateway) -> None:
    """But for those that the document does not show: they only say that a path has no such method."""
    walked = {name for name, *_ in requests(gateway)}
    routes = [route for router in openapi.routers() for route in router.routes]
    for route in routes:
        assert isinstance(route, APIRoute)
        asks = any(dependency.call in NEEDED for dependency in route.dependant.dependencies)
        assert asks == (route.path not in PUBLIC and route.include_in_schema), route.path
        assert asks == (route.name in walked), route.path
