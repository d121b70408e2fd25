"""Requests a tenant may make, counted exactly in fixed windows of a minute and of a day (UTC)."""

from __future__ import annotations

from dataclasses import dataclass

from qcos.errors import RateLimitExceeded
from qcos.plans import Plan
from qcos.ports import Clock, Control

MINUTE_S = 60
DAY_S = 86_400


@dataclass(frozen=True)
class Allowance:
    """What is left of the window that is nearer its limit, for the ``RateLimit-*`` headers."""

    limit: int
    remaining: int
    reset_s: int


@dataclass(frozen=True)
class Rates:
    """Count requests against the tenant's plan."""

    control: Control
    clock: Clock
    plan: Plan

    def count(self, tenant: str) -> Allowance:
        """Count one request; what is left afterwards. A request that is refused counts, too.

        Raises:
            RateLimitExceeded: the minute's or the day's requests are used up.
        """
        now = self.clock()
        seconds = int(now.timestamp())
        windows = (
            ("m", MINUTE_S, now.strftime("%Y-%m-%dT%H:%M"), self.plan.requests_per_minute, "minute"),
            ("d", DAY_S, now.strftime("%Y-%m-%d"), self.plan.requests_per_day, "day"),
        )
        left: list[Allowance] = []
        for prefix, length, name, limit, what in windows:
            reset = length - seconds % length
            count = self.control.count_request(tenant, f"{prefix}#{name}", seconds + reset + DAY_S)
            if count > limit:
                raise RateLimitExceeded(
                    f"The plan {self.plan.name} allows {limit:,} requests a {what}. Try again in {reset} s.",
                    retry_after_s=reset,
                    limit=limit,
                )
            left.append(Allowance(limit, limit - count, reset))
        return min(left, key=lambda allowance: allowance.remaining / allowance.limit)
