"""Every path with every method: those it has are routes, all others are refused with those it has."""

from __future__ import annotations

import pytest

from qcos.http import openapi
from tests.unit.http.conftest import Api
from tests.unit.http.fakes import BUNDLE_ID

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND")
IDS = {
    "{job_id}": "job_done",
    "{batch_id}": "batch_one",
    "{bundle_id}": BUNDLE_ID,
    "{backend_id}": "ionq_aria",
    "{key_id}": "k2k2k2k2",
    "{version}": "1",
    "{size}": "1",
    "{path}": "0/000",
}


def concrete(path: str) -> str:
    for placeholder, name in IDS.items():
        path = path.replace(placeholder, name)
    assert "{" not in path, "an id of this test is missing"
    return path


@pytest.mark.parametrize("path", openapi.document()["paths"])
def test_only_the_documented_methods(api: Api, path: str) -> None:
    documented = {method.upper() for method in openapi.document()["paths"][path]}
    for method in METHODS:
        if method in documented:
            assert api(method, concrete(path)).status != 405
            continue
        answer = api(method, concrete(path), query={"x": "1"})
        assert (answer.status, answer.error["code"]) == (405, "METHOD_NOT_ALLOWED"), method
        assert answer.headers["allow"] == ", ".join(sorted(documented)), method
        assert answer.error["retryable"] is False
