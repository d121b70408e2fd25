"""Every authorised request is counted, once and before anything else is done for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.types import ASGIApp, Receive, Scope, Send

from qcos.errors import QcosError, RateLimitExceeded
from qcos.http import envelope
from qcos.http.caller import vouched
from qcos.http.errors import retry_after

if TYPE_CHECKING:
    from qcos.service.rates import Rates


class Allowance:
    """Counts requests that the authorizer vouches for; ``rates`` gives the use case when a request needs it.

    Answers say what is left in ``RateLimit-Limit``, ``RateLimit-Remaining`` and ``RateLimit-Reset`` (seconds), and a
    request over the limit goes no further. Requests without a key are for the gateway's own throttle.
    """

    def __init__(self, app: ASGIApp, rates: Callable[[], Rates]) -> None:
        self.app = app
        self.rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        context = vouched(scope)
        if not context:
            await self.app(scope, receive, send)
            return
        try:
            left = self.rates().count(str(context["tenant"]))
        except QcosError as problem:
            if isinstance(problem, RateLimitExceeded) and problem.limit is not None:
                scope["state"]["headers"] = _headers(problem.limit, 0, problem.retry_after_s)
            refusal = envelope.failure(problem, scope["state"]["request_id"], retry_after(problem))
            await refusal(scope, receive, send)
            return
        # For the outermost middleware, which also answers what nobody expected.
        scope["state"]["headers"] = _headers(left.limit, left.remaining, left.reset_s)
        await self.app(scope, receive, send)


def _headers(limit: int, remaining: int, reset_s: int) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(limit),
        "RateLimit-Remaining": str(remaining),
        "RateLimit-Reset": str(reset_s),
    }
