"""Who is asking: what the authorizer vouched for, and nothing else a request may claim about itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from fastapi import Request

from qcos.errors import Forbidden, Unauthorized, ValidationFailed
from qcos.http.errors import invalid_request, request_id
from qcos.models import Caller

ADMIN = "admin"
"""Whoever holds this scope holds every other."""

NEEDED: dict[Callable[..., Any], str | None] = {}
"""Which scope each of the dependencies that :func:`needs` made asks for, for the OpenAPI document."""


def vouched(scope: MutableMapping[str, Any]) -> Mapping[str, Any] | None:
    """What the authorizer said of the caller (tenant, key_id, scopes), None where it was not asked."""
    event = scope.get("aws.event")
    context = event.get("requestContext") if isinstance(event, Mapping) else None
    found = context.get("authorizer") if isinstance(context, Mapping) else None
    return found if isinstance(found, Mapping) and found.get("tenant") and found.get("key_id") else None


def caller(request: Request) -> Caller:
    """The caller as the API Gateway event's authorizer context names it.

    Raises:
        Unauthorized: the request did not come through the authorizer.
    """
    context = vouched(request.scope)
    if not context:
        raise Unauthorized("No valid API key. Send it as Authorization: Bearer KEY, or as X-API-Key.")
    return Caller(
        tenant=str(context["tenant"]),
        key_id=str(context["key_id"]),
        scopes=frozenset(str(context.get("scopes") or "").split()),
        request_id=request_id(request),
    )


def needs(scope: str | None) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency that gives the caller, who must hold ``scope`` or ``admin``; None asks for any good key.

    Raises:
        Unauthorized: nobody vouches for the caller.
        Forbidden: the key lacks the scope.
        ValidationFailed: the request has a query or a body, and the route takes none.
    """

    async def dependency(request: Request) -> Caller:
        who = caller(request)
        if scope is not None and not who.scopes & {scope, ADMIN}:
            raise Forbidden(
                f"This API key lacks the scope {scope}. Use a key that has it.", [{"field": "scope", "needs": scope}]
            )
        await _only_what_is_taken(request)
        return who

    NEEDED[dependency] = scope
    return dependency


async def _only_what_is_taken(request: Request) -> None:
    """Whoever sends ``?dry_run=true`` with a submission must not find out from the bill that nobody read it.

    Routes that take a query or a body refuse by themselves what they do not know, but not what comes twice. An empty
    object is no body.
    """
    route = request.scope["route"]
    takes_body = "requestBody" in (route.openapi_extra or {})
    if request.query_params and not route.dependant.query_params:
        instead = "Send what they say in the body." if takes_body else "Leave them out."
        raise _not_taken("query", f"This path takes no query parameters. {instead}")
    sent = Counter(name for name, _ in request.query_params.multi_items())
    once = set(sent).difference(*(field.field_info.annotation.REPEATABLE for field in route.dependant.query_params))
    if twice := sorted(name for name in once if sent[name] > 1):
        raise invalid_request([{"loc": ("query", name), "type": "repeated"} for name in twice])
    if request.method != "GET" and not takes_body and (await request.body()).strip() not in (b"", b"{}"):
        raise _not_taken("body", "This request takes no body. Send it without one.")


def _not_taken(field: str, message: str) -> ValidationFailed:
    return ValidationFailed(message, [{"field": field, "message": message, "rule": "not_taken"}])
