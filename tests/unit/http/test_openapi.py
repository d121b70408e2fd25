"""The OpenAPI document is valid, complete, and honest about errors and keys."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from qcos import errors
from qcos.http import openapi
from tests.unit.http.conftest import Api, resolved

ROUTES = {
    ("/api/v2/optimize", "post"),
    ("/api/v2/optimize/batch", "post"),
    ("/api/v2/optimize/batch/{batch_id}", "get"),
    ("/api/v2/optimize/batch/{batch_id}", "delete"),
    ("/api/v2/optimize/stats", "get"),
    ("/api/v2/optimize/{job_id}", "get"),
    ("/api/v2/optimize/{job_id}/circuit", "get"),
    ("/api/v2/optimize/{job_id}/certificate", "get"),
    ("/api/v2/jobs", "get"),
    ("/api/v2/jobs/{job_id}", "get"),
    ("/api/v2/jobs/{job_id}", "delete"),
    ("/api/v2/jobs/{job_id}/retry", "post"),
    ("/api/v2/jobs/{job_id}/events", "get"),
    ("/api/v2/jobs/{job_id}/events/{version}/proof", "get"),
    ("/api/v2/keys", "post"),
    ("/api/v2/keys", "get"),
    ("/api/v2/keys/{key_id}", "delete"),
    ("/api/v2/backends", "get"),
    ("/api/v2/backends/{backend_id}", "get"),
    ("/api/v2/backends/{backend_id}/calibration", "get"),
    ("/api/v2/evidence/verify", "post"),
    ("/api/v2/evidence/{bundle_id}", "get"),
    ("/api/v2/evidence/{bundle_id}/proof", "get"),
    ("/api/v2/log/checkpoint", "get"),
    ("/api/v2/log/checkpoint/{size}", "get"),
    ("/api/v2/log/consistency", "get"),
    ("/api/v2/log/tile/{path}", "get"),
    ("/api/v2/evidence/export/{bundle_id}", "get"),
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
            assert parameter["in"] in ("path", "query", "header")
            assert "null" not in json.dumps(parameter)
            assert not {"ge", "le", "strict"} & set(parameter["schema"])
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
    assert {path for path, _, operation in operations() if operation["security"] == []} == PUBLIC


def test_every_error_has_the_contracts_body() -> None:
    failure = {"$ref": "#/components/schemas/Failure"}
    for path, _, operation in operations():
        refusals = {
            status: resolved(answer)
            for status, answer in operation["responses"].items()
            if status not in ("200", "303", "304")
        }
        assert all(answer["content"]["application/json"]["schema"] == failure for answer in refusals.values())
        for answer in refusals.values():
            example = answer["content"]["application/json"]["example"]
            assert example["error"]["code"] in answer["description"]
            jsonschema.validate(example, {**failure, "components": openapi.document()["components"]})
        wanted = set() if path in PUBLIC else {"401", "403", "429", "500"}
        assert wanted <= set(refusals)
        assert ("422" in refusals) == (path in ("/api/v2/optimize", "/api/v2/optimize/batch"))
        if "{job_id}" in path:
            assert refusals["404"]["description"].split(" or ")[0] == "JOB_NOT_FOUND"
    answers = openapi.document()["paths"]["/api/v2/optimize"]["post"]["responses"]
    submission = {status: resolved(answer) for status, answer in answers.items()}
    assert submission["400"]["description"] == "INVALID_CIRCUIT or VALIDATION_ERROR"
    assert submission["403"]["description"] == "QUOTA_EXCEEDED or FORBIDDEN"
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
        "maximum": 1_000_000,
        "default": 1024,
        "description": "Number of shots; the plan may allow fewer, usually 100,000",
        "title": "",
    }
    body = openapi.document()["paths"]["/api/v2/optimize"]["post"]["requestBody"]
    assert body["required"] is True
    assert body["content"]["application/json"]["schema"]["$ref"].endswith("/OptimizeRequest")


def test_the_examples_are_requests_that_are_taken(api: Api) -> None:
    schemas = openapi.document()["components"]["schemas"]
    taken = [
        ("/api/v2/optimize", "OptimizeRequest"),
        ("/api/v2/optimize/batch", "BatchRequest"),
        ("/api/v2/keys", "KeyRequest"),
    ]
    for path, name in taken:
        for example in schemas[name]["examples"]:
            jsonschema.validate(example, {**schemas[name], "components": openapi.document()["components"]})
            assert api("POST", path, example, scopes="admin").status == 200


def test_every_answer_has_an_example_of_its_form() -> None:
    components = openapi.document()["components"]
    for path, _, operation in operations():
        for kind, content in operation["responses"]["200"]["content"].items():
            if kind == "application/json" and content["schema"] and "format" not in content["schema"]:
                assert content["example"], path
                jsonschema.validate(content["example"], {**content["schema"], "components": components})


def test_the_scope_an_operation_names_is_the_one_it_asks_for(api: Api) -> None:
    every = {"optimize:read", "optimize:write", "backends:read", "evidence:read", "evidence:write"}
    for path, method, operation in operations():
        if not operation["security"]:
            continue
        needed = operation["security"][0]["bearer"]
        assert operation["security"] == [{"bearer": needed}, {"apiKey": needed}]
        concrete = re.sub(r"\{[^}]*\}", "x", path)
        held = " ".join(every - set(needed))
        assert (api(method.upper(), concrete, scopes=held).status == 403) == bool(needed), path


def test_links_lead_to_operations_that_take_the_field() -> None:
    by_id = {operation["operationId"]: operation for _, _, operation in operations()}
    links = [
        (name, link)
        for operation in by_id.values()
        for name, link in operation["responses"]["200"].get("links", {}).items()
    ]
    assert len(links) >= 5
    for _, link in links:
        (field,) = link["parameters"]
        parameters = by_id[link["operationId"]]["parameters"]
        assert field in {parameter["name"] for parameter in parameters if parameter["in"] == "path"}


def test_the_codes_are_all_those_there_are() -> None:
    codes = {
        kind.code for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.QcosError)
    }
    listed = set(openapi.document()["components"]["schemas"]["Error"]["properties"]["code"]["enum"])
    # What only the gateway says.
    assert listed == codes | {"UNSUPPORTED_MEDIA_TYPE"}


def test_the_checked_in_document_is_this_one() -> None:
    file = Path(__file__).parents[3] / "docs" / "openapi.json"
    assert file.read_text(encoding="utf-8") == openapi.text(), "run: make schemas"


def test_the_document_is_written_by_the_module(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "qcos.http.openapi", str(tmp_path / "api.json")], check=True)
    assert (tmp_path / "api.json").read_text(encoding="utf-8") == openapi.text()


@pytest.mark.parametrize("word", ["pydantic", "HTTPValidationError", "fastapi"])
def test_it_says_nothing_of_our_insides(word: str) -> None:
    assert word.lower() not in json.dumps(openapi.document()).lower()
