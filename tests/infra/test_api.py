"""The REST API: which path goes where, what needs a key, and what the gateway says by itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.infra.template import Stack, references

ROUTES = {
    ("/api/v2/optimize", "optimize", True),
    ("/api/v2/optimize/{proxy+}", "optimize", True),
    ("/api/v2/jobs", "jobs", True),
    ("/api/v2/jobs/{proxy+}", "jobs", True),
    ("/api/v2/backends", "backends", True),
    ("/api/v2/backends/{proxy+}", "backends", True),
    ("/api/v2/evidence", "evidence", True),
    ("/api/v2/evidence/{proxy+}", "evidence", True),
    ("/api/v2/log", "evidence", True),
    ("/api/v2/log/{proxy+}", "evidence", True),
    ("/api/v2/keys", "account", True),
    ("/api/v2/keys/{proxy+}", "account", True),
    ("/api/v2/status", "account", True),
    ("/health", "account", False),
    ("/openapi.json", "account", False),
    ("/.well-known/jwks.json", "evidence", False),
    ("/", "account", False),
    ("/{proxy+}", "account", False),
}

# What the gateway says by itself: status, code, whether to try again.
ERRORS: dict[str, tuple[int | None, str, bool]] = {
    "UNAUTHORIZED": (401, "UNAUTHORIZED", False),
    "INVALID_API_KEY": (401, "UNAUTHORIZED", False),
    "EXPIRED_TOKEN": (401, "UNAUTHORIZED", False),
    "ACCESS_DENIED": (403, "FORBIDDEN", False),
    "MISSING_AUTHENTICATION_TOKEN": (404, "NOT_FOUND", False),
    "RESOURCE_NOT_FOUND": (404, "NOT_FOUND", False),
    "REQUEST_TOO_LARGE": (413, "PAYLOAD_TOO_LARGE", False),
    "UNSUPPORTED_MEDIA_TYPE": (415, "UNSUPPORTED_MEDIA_TYPE", False),
    "BAD_REQUEST_BODY": (400, "VALIDATION_ERROR", False),
    "BAD_REQUEST_PARAMETERS": (400, "VALIDATION_ERROR", False),
    "THROTTLED": (429, "RATE_LIMIT_EXCEEDED", True),
    "QUOTA_EXCEEDED": (403, "QUOTA_EXCEEDED", False),
    "INTEGRATION_TIMEOUT": (504, "UNAVAILABLE", True),
    "INTEGRATION_FAILURE": (504, "UNAVAILABLE", True),
    "AUTHORIZER_FAILURE": (500, "INTERNAL_ERROR", False),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "INTERNAL_ERROR", False),
    "API_CONFIGURATION_ERROR": (500, "INTERNAL_ERROR", False),
    "DEFAULT_4XX": (None, "VALIDATION_ERROR", False),
    "DEFAULT_5XX": (None, "INTERNAL_ERROR", False),
}


def test_files_leave_the_gateway_as_bytes_whatever_a_browser_accepts(acme: Stack) -> None:
    _, api = acme.one("AWS::ApiGateway::RestApi")
    assert api["BinaryMediaTypes"] == ["*/*"]


def path_of(stack: Stack, resource: Any) -> str:
    """The full path of a method's resource."""
    if "Ref" not in resource:
        return "/"
    properties = stack.resources[resource["Ref"]]["Properties"]
    return f"{path_of(stack, properties['ParentId']).rstrip('/')}/{properties['PathPart']}"


def test_routes(acme: Stack) -> None:
    names = {logical_id: name for name, (logical_id, _) in acme.functions().items()}
    authorizer, _ = acme.one("AWS::ApiGateway::Authorizer")
    found = set()
    for method in acme.of("AWS::ApiGateway::Method").values():
        assert method["HttpMethod"] == "ANY"
        assert method["Integration"]["Type"] == "AWS_PROXY"
        (function,) = references(method["Integration"]["Uri"]) & set(names)
        authorised = method["AuthorizationType"] == "CUSTOM"
        assert method.get("AuthorizerId") == ({"Ref": authorizer} if authorised else None)
        found.add((path_of(acme, method["ResourceId"]), names[function], authorised))
    assert found == ROUTES


def test_the_authorizer_sees_whole_requests_and_is_asked_every_time(acme: Stack) -> None:
    _, authorizer = acme.one("AWS::ApiGateway::Authorizer")
    assert authorizer["Type"] == "REQUEST"
    assert authorizer["AuthorizerResultTtlInSeconds"] == 0
    assert "IdentitySource" not in authorizer
    assert acme.functions()["authorizer"][0] in references(authorizer["AuthorizerUri"])


def test_the_gateways_own_errors_are_these(acme: Stack) -> None:
    assert {p["ResponseType"] for p in acme.of("AWS::ApiGateway::GatewayResponse").values()} == set(ERRORS)


@pytest.mark.parametrize("kind", sorted(ERRORS))
def test_a_gateway_error_has_the_apis_shape(acme: Stack, kind: str) -> None:
    (response,) = (p for p in acme.of("AWS::ApiGateway::GatewayResponse").values() if p["ResponseType"] == kind)
    status, code, retryable = ERRORS[kind]
    assert response.get("StatusCode") == (None if status is None else str(status))
    body = json.loads(response["ResponseTemplates"]["application/json"])
    message = body["error"].pop("message")
    assert body == {
        "success": False,
        "error": {"code": code, "details": [], "request_id": "$context.requestId", "retryable": retryable},
    }
    assert message.endswith(".")
    assert "$" not in message


# Besides X-Request-Id, which all have.
HEADERS: dict[str, dict[str, str]] = {
    "THROTTLED": {"gatewayresponse.header.Retry-After": "'1'"},
    **{
        kind: {"gatewayresponse.header.WWW-Authenticate": "'Bearer realm=\"qcos\"'"}
        for kind in ("UNAUTHORIZED", "INVALID_API_KEY", "EXPIRED_TOKEN")
    },
}


@pytest.mark.parametrize("kind", sorted(ERRORS))
def test_a_gateway_error_has_the_headers_that_are_promised_of_it(acme: Stack, kind: str) -> None:
    (response,) = (p for p in acme.of("AWS::ApiGateway::GatewayResponse").values() if p["ResponseType"] == kind)
    request_id = {"gatewayresponse.header.X-Request-Id": "context.requestId"}
    assert response["ResponseParameters"] == request_id | HEADERS.get(kind, {})


def test_what_is_deployed_has_every_method_and_error_in_it(acme: Stack) -> None:
    """A deployment is a snapshot: what it does not wait for is not in it."""
    deployment, _ = acme.one("AWS::ApiGateway::Deployment")
    waits_for = set(acme.resources[deployment]["DependsOn"])
    assert waits_for >= set(acme.of("AWS::ApiGateway::GatewayResponse"))
    assert waits_for >= set(acme.of("AWS::ApiGateway::Method"))


def test_the_stage_is_throttled_traced_and_logs_neither_keys_nor_circuits(acme: Stack, demo: Stack) -> None:
    rates = []
    for stack in (acme, demo):
        _, stage = stack.one("AWS::ApiGateway::Stage")
        assert stage["TracingEnabled"] is True
        (settings,) = stage["MethodSettings"]
        assert (settings["HttpMethod"], settings["ResourcePath"]) == ("*", "/*")
        assert settings["DataTraceEnabled"] is False
        rates.append(settings["ThrottlingRateLimit"])
        fields = json.loads(stage["AccessLogSetting"]["Format"])
        assert fields["requestId"] == "$context.requestId"
        assert not [value for value in fields.values() if "header" in value or "body" in value]
    assert rates[0] > rates[1] > 0
