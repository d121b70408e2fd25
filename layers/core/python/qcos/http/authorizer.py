"""The REQUEST authorizer of API Gateway: an API key in, a policy and the caller's identity out. Imports no FastAPI."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Tracer

from qcos.errors import Unauthorized

if TYPE_CHECKING:
    from qcos.service.keys import Keys

logger = Logger()
tracer = Tracer()


def authorizer(keys: Callable[[], Keys]) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The Lambda handler; ``keys`` gives the use case when a request needs it.

    A good key is answered with leave for the whole stage (scopes are checked behind the gateway, where a refusal can
    say what is missing) and the context ``{tenant, key_id, scopes}``, scopes separated by spaces. For a bad one the
    handler raises ``Exception("Unauthorized")``, which is how API Gateway is told to answer 401.
    ``{"warm": true}`` builds what requests will need and does nothing else.
    """

    @logger.inject_lambda_context(log_event=False)
    @tracer.capture_lambda_handler(capture_response=False, capture_error=False)
    def decide(event: dict[str, Any], context: Any) -> dict[str, Any]:
        try:
            principal = keys().authenticate(_headers(event))
        except Unauthorized:
            raise Exception("Unauthorized") from None
        return {
            "principalId": principal.key_id,
            "policyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {"Action": "execute-api:Invoke", "Effect": "Allow", "Resource": _stage(str(event["methodArn"]))}
                ],
            },
            "context": {
                "tenant": principal.tenant,
                "key_id": principal.key_id,
                "scopes": " ".join(principal.scopes),
            },
        }

    def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
        if event.get("warm") is True:
            keys()
            return {"warm": True}
        result: dict[str, Any] = decide(event, context)
        return result

    return handle


def _headers(event: Mapping[str, Any]) -> dict[str, str]:
    """The headers by lower-case name; a key header that was sent twice with different values counts as none."""
    found: dict[str, str] = {}
    for name, value in (event.get("headers") or {}).items():
        found[str(name).lower()] = str(value)
    for name, values in (event.get("multiValueHeaders") or {}).items():
        found[str(name).lower()] = " ".join(dict.fromkeys(str(value) for value in values))
    return found


def _stage(method_arn: str) -> str:
    """``arn:aws:execute-api:<region>:<account>:<api>/<stage>/*`` of a method's ARN."""
    api, stage, *_ = method_arn.split("/")
    return f"{api}/{stage}/*"
