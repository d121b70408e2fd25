"""The OpenAPI document is valid, complete, and honest about errors and keys."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from qcos.http import openapi
from qcos.http.schemas import OptimizeRequest
from tests.unit.http.conftest import Api

ROUTES = {
    ("/api/v2/optimize", "post"),
    ("/api/v2/optimize/{job_id}", "get"),
    ("/api/v2/jobs", "get"),
    ("/api/v2/jobs/{job_id}", "get"),
    ("/api/v2/jobs/{job_id}/events", "get"),
    ("/api/v2/backends", "get"),
    ("/api/v2/backends/{backend_id}", "get"),
    ("/api/v2/backends/{backend_id}/calibration", "get"),
    ("/api/v2/evidence/verify", "post"),
    ("/api/v2/evidence/{bundle_id}", "get"),
    ("/api/v2/evidence/export/{bundle_id}", "get"),
    ("/api/v2/evidence/{bundle_id}/proof/{version}", "get"),
    ("/.well-known/jwks.json", "get"),
    ("/health", "get"),
    ("/api/v2/status", "get"),
    ("/openapi.json", "get"),
}
PUBLIC = {"/health", "/.well-known/jwks.json", "/openapi.json"}


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in openapi.document()["paths"].items()
        for method, operation in item.items()
    ]


def test_every_route_is_listed_and_no_other() -> None:
    assert {(path, method) for path, method, _ in operations()} == ROUTES


def test_it_is_an_openapi_3_1_document() -> None:
    document = openapi.document()
    assert document["openapi"] == "3.1.0"
    assert set(document) <= {"openapi", "info", "paths", "components", "security", "servers", "tags"}
    assert document["info"]["title"]
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(ids)) == len(ids)
    for _, _, operation in operations():
        assert operation["summary"]
        assert operation["description"]
        for parameter in operation.get("parameters", []):
            assert parameter["in"] in ("path", "query")
            assert parameter["description"]


def test_every_schema_is_valid_and_every_reference_leads_somewhere() -> None:
    document = openapi.document()
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    text = json.dumps(document)
    targets = {part.split('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert targets <= set(schemas)
    # Success[...] are only reached from operations; nothing may stand there unused.
    assert set(schemas) == targets


def test_security_is_either_header_and_public_routes_need_neither() -> None:
    document = openapi.document()
    assert document["security"] == [{"bearer": []}, {"apiKey": []}]
    assert document["components"]["securitySchemes"]["apiKey"]["name"] == "X-API-Key"
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert {path for path, _, operation in operations() if operation.get("security") == []} == PUBLIC


def test_every_error_has_the_contracts_body() -> None:
    failure = {"$ref": "#/components/schemas/Failure"}
    for path, _, operation in operations():
        errors = {status: answer for status, answer in operation["responses"].items() if status != "200"}
        assert all(answer["content"]["application/json"]["schema"] == failure for answer in errors.values())
        for answer in errors.values():
            example = answer["content"]["application/json"]["example"]
            assert example["error"]["code"] in answer["description"]
        wanted = set() if path in PUBLIC else {"401", "403", "429", "500"}
        assert wanted <= set(errors)
        assert "422" not in errors
        if "{job_id}" in path:
            assert errors["404"]["description"] == "JOB_NOT_FOUND"
    submission = openapi.document()["paths"]["/api/v2/optimize"]["post"]["responses"]
    assert submission["400"]["description"] == "INVALID_CIRCUIT or VALIDATION_ERROR"
    assert submission["503"]["description"] == "BACKEND_UNAVAILABLE or UNAVAILABLE"
    assert {"404", "413"} <= set(submission)


def test_request_bodies_are_described_as_strictly_as_they_are_read() -> None:
    schemas = openapi.document()["components"]["schemas"]
    request = schemas["OptimizeRequest"]
    assert request["additionalProperties"] is False
    assert request["required"] == ["qasm", "backend"]
    assert request["properties"]["shots"] | {"title": ""} == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100_000,
        "default": 1024,
        "description": "Number of shots",
        "title": "",
    }
    body = openapi.document()["paths"]["/api/v2/optimize"]["post"]["requestBody"]
    assert body["required"] is True
    assert body["content"]["application/json"]["schema"]["$ref"].endswith("/OptimizeRequest")


def test_the_example_is_a_request_that_is_taken(api: Api) -> None:
    [example] = openapi.document()["components"]["schemas"]["OptimizeRequest"]["examples"]
    OptimizeRequest.model_validate(example)
    assert api("POST", "/api/v2/optimize", example).status == 200


@pytest.mark.parametrize("word", ["pydantic", "HTTPValidationError", "fastapi"])
def test_it_says_nothing_of_our_insides(word: str) -> None:
    assert word.lower() not in json.dumps(openapi.document()).lower()
