"""What a tenant's plan allows. A deployment names the plan; the figures are here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """Limits of one plan.

    Requests count in fixed windows of a minute and a day (UTC). ``evaluations_per_month`` bounds optimizer candidates
    paid for, ``monthly_spend_microdollars`` what jobs may cost at the provider, ``max_shots`` a single job.
    """

    name: str
    requests_per_minute: int
    requests_per_day: int
    evaluations_per_month: int
    max_shots: int
    monthly_spend_microdollars: int


PLANS: dict[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan("free", 60, 1_000, 5_000, 100_000, 100_000_000),
        Plan("pro", 300, 10_000, 50_000, 100_000, 10_000_000_000),
        Plan("hybrid", 600, 50_000, 500_000, 1_000_000, 100_000_000_000),
        Plan("enterprise", 6_000, 1_000_000, 50_000_000, 1_000_000, 1_000_000_000_000),
    )
}

EVALUATIONS: dict[int, int] = {0: 1, 1: 4, 2: 13, 3: 40}
"""Evaluations charged for a circuit by optimization level: a fixed price, whatever the search then needs."""
