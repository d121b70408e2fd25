"""The REST API: routes to functions, an authorizer before them, every gateway-made error in the API's own shape."""

from __future__ import annotations

import json
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.tenants import Tenant

STAGE = "live"

# Path (and everything below it when ``deep``) -> function. The gateway hands every method on: which methods a path
# has, and the answer for one it has not, are the function's.
AUTHORISED = {
    "api/v2/optimize": ("optimize", True),
    "api/v2/jobs": ("jobs", True),
    "api/v2/backends": ("backends", True),
    "api/v2/evidence": ("evidence", True),
    "api/v2/log": ("evidence", True),
    "api/v2/keys": ("account", True),
    "api/v2/status": ("account", False),
}
PUBLIC = {
    "health": "account",
    "openapi.json": "account",
    ".well-known/jwks.json": "evidence",
}
# What no route takes: answers 404 in the API's shape, without telling an anonymous caller anything else.
ELSEWHERE = "account"

# Requests a second, and how many may come at once, before the gateway itself says 429. The outer shield only:
# a plan's own limits are counted per minute and day, behind the authorizer.
THROTTLE = {"free": (20, 40), "pro": (100, 200), "hybrid": (200, 400), "enterprise": (1000, 2000)}


@dataclass(frozen=True)
class GatewayError:
    """What the gateway answers by itself; ``status`` None keeps the gateway's own."""

    status: int | None
    code: str
    message: str
    retryable: bool = False
    headers: tuple[tuple[str, str], ...] = ()


_NO_KEY = GatewayError(
    401,
    "UNAUTHORIZED",
    "No valid API key. Send it as Authorization: Bearer KEY, or as X-API-Key.",
    # RFC 9110, 11.6.1: a 401 names the scheme that would do. Only the gateway can: it renames a function's.
    headers=(("WWW-Authenticate", 'Bearer realm="qcos"'),),
)
_FORBIDDEN = GatewayError(403, "FORBIDDEN", "This API key may not do that.")
_NOT_FOUND = GatewayError(404, "NOT_FOUND", "There is nothing at this path.")
_BAD_REQUEST = GatewayError(400, "VALIDATION_ERROR", "The request could not be read.")
_BROKEN = GatewayError(500, "INTERNAL_ERROR", "Something went wrong on our side.")
_UNANSWERED = GatewayError(504, "UNAVAILABLE", "No answer in time. The request may have taken effect.", retryable=True)

GATEWAY_ERRORS: dict[str, GatewayError] = {
    "UNAUTHORIZED": _NO_KEY,
    "INVALID_API_KEY": _NO_KEY,
    "EXPIRED_TOKEN": _NO_KEY,
    "ACCESS_DENIED": _FORBIDDEN,
    # The gateway's name for "no such method here".
    "MISSING_AUTHENTICATION_TOKEN": _NOT_FOUND,
    "RESOURCE_NOT_FOUND": _NOT_FOUND,
    "REQUEST_TOO_LARGE": GatewayError(413, "PAYLOAD_TOO_LARGE", "The request is larger than 10 MB."),
    "UNSUPPORTED_MEDIA_TYPE": GatewayError(415, "UNSUPPORTED_MEDIA_TYPE", "Send JSON: Content-Type: application/json."),
    "BAD_REQUEST_BODY": _BAD_REQUEST,
    "BAD_REQUEST_PARAMETERS": _BAD_REQUEST,
    "THROTTLED": GatewayError(
        429,
        "RATE_LIMIT_EXCEEDED",
        "Too many requests at once. Slow down.",
        retryable=True,
        headers=(("Retry-After", "1"),),
    ),
    "QUOTA_EXCEEDED": GatewayError(403, "QUOTA_EXCEEDED", "The quota of this account is used up."),
    "INTEGRATION_TIMEOUT": _UNANSWERED,
    "INTEGRATION_FAILURE": _UNANSWERED,
    "AUTHORIZER_FAILURE": _BROKEN,
    "AUTHORIZER_CONFIGURATION_ERROR": _BROKEN,
    "API_CONFIGURATION_ERROR": _BROKEN,
    "DEFAULT_4XX": GatewayError(None, "VALIDATION_ERROR", "The request could not be read."),
    "DEFAULT_5XX": GatewayError(None, "INTERNAL_ERROR", "Something went wrong on our side."),
}


def error_template(error: GatewayError) -> str:
    """The response template: the API's error envelope with the gateway's request id filled in by the gateway."""
    return json.dumps(
        {
            "success": False,
            "error": {
                "code": error.code,
                "message": error.message,
                "details": [],
                "request_id": "$context.requestId",
                "retryable": error.retryable,
            },
        },
        separators=(",", ":"),
    )


def error_headers(error: GatewayError) -> dict[str, str]:
    """Where each header comes from: X-Request-Id says what the body says, all others are literals."""
    return {"X-Request-Id": "context.requestId"} | {name: f"'{value}'" for name, value in error.headers}


class Api(Construct):
    """One tenant's REST API, deployed to one stage."""

    def __init__(
        self, scope: Construct, construct_id: str, *, tenant: Tenant, functions: dict[str, lambda_.Function]
    ) -> None:
        super().__init__(scope, construct_id)
        access_log = logs.LogGroup(
            self,
            "AccessLog",
            log_group_name=f"/aws/vendedlogs/apigateway/qcos-{tenant.tenant}",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        rate, burst = THROTTLE[tenant.plan]
        self.api = apigateway.RestApi(
            self,
            "Rest",
            rest_api_name=f"qcos-{tenant.tenant}",
            description=f"QCOS Core API of {tenant.tenant}",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            # Bytes reach the caller as bytes if his Accept header matches one of these; browsers name text/html first.
            binary_media_types=["*/*"],
            # The account's logging role is shared by all APIs of a region: it must outlive this stack.
            cloud_watch_role=True,
            cloud_watch_role_removal_policy=cdk.RemovalPolicy.RETAIN,
            deploy_options=apigateway.StageOptions(
                stage_name=STAGE,
                tracing_enabled=True,
                metrics_enabled=True,
                throttling_rate_limit=rate,
                throttling_burst_limit=burst,
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                # Never bodies: they hold circuits. Never headers: they hold keys.
                data_trace_enabled=False,
                access_log_destination=apigateway.LogGroupLogDestination(access_log),
                access_log_format=_access_log_format(),
            ),
        )
        # Not cached by the gateway: a key may come in either of two headers, and a cache key needs both to be there.
        self.authorizer = apigateway.RequestAuthorizer(
            self,
            "Authorizer",
            handler=functions["authorizer"],
            identity_sources=[],
            results_cache_ttl=cdk.Duration.seconds(0),
        )
        # CDK writes an empty source where there is none.
        resource = self.authorizer.node.default_child
        assert isinstance(resource, apigateway.CfnAuthorizer)
        resource.add_property_deletion_override("IdentitySource")
        integrations = {
            name: apigateway.LambdaIntegration(
                functions[name], proxy=True, allow_test_invoke=False, scope_permission_to_method=False
            )
            for name in sorted({name for name, _ in AUTHORISED.values()} | {*PUBLIC.values(), ELSEWHERE})
        }
        for path, (name, deep) in AUTHORISED.items():
            resource = self.api.root.resource_for_path(path)
            self._any(resource, integrations[name], authorised=True)
            if deep:
                self._any(resource.add_resource("{proxy+}"), integrations[name], authorised=True)
        for path, name in PUBLIC.items():
            self._any(self.api.root.resource_for_path(path), integrations[name], authorised=False)
        self._any(self.api.root, integrations[ELSEWHERE], authorised=False)
        self._any(self.api.root.add_resource("{proxy+}"), integrations[ELSEWHERE], authorised=False)

        for kind, error in GATEWAY_ERRORS.items():
            self.api.add_gateway_response(
                f"Error{kind.title().replace('_', '')}",
                type=apigateway.ResponseType.of(kind),
                status_code=None if error.status is None else str(error.status),
                response_headers=error_headers(error),
                templates={"application/json": error_template(error)},
            )

    def _any(
        self, resource: apigateway.IResource, integration: apigateway.LambdaIntegration, *, authorised: bool
    ) -> None:
        if authorised:
            resource.add_method(
                "ANY",
                integration,
                authorizer=self.authorizer,
                authorization_type=apigateway.AuthorizationType.CUSTOM,
            )
        else:
            resource.add_method("ANY", integration, authorization_type=apigateway.AuthorizationType.NONE)


def _access_log_format() -> apigateway.AccessLogFormat:
    """Who asked for what, how it ended, how long it took; the tenant and key id come from the authorizer."""
    fields = {
        "requestId": "$context.requestId",
        "requestTime": "$context.requestTime",
        "ip": "$context.identity.sourceIp",
        "method": "$context.httpMethod",
        "path": "$context.path",
        "status": "$context.status",
        "responseLength": "$context.responseLength",
        "latencyMs": "$context.responseLatency",
        "integrationLatencyMs": "$context.integrationLatency",
        "integrationStatus": "$context.integration.status",
        "errorType": "$context.error.responseType",
        "tenant": "$context.authorizer.tenant",
        "keyId": "$context.authorizer.key_id",
        "traceId": "$context.xrayTraceId",
    }
    return apigateway.AccessLogFormat.custom(json.dumps(fields))
