"""What a tenant has done so far, from projected counters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from qcos.models import month
from qcos.plans import Plan
from qcos.ports import Clock, Views


@dataclass(frozen=True)
class Stats:
    """Sums over a tenant's jobs."""

    views: Views
    clock: Clock
    plan: Plan

    def __call__(self, tenant: str) -> dict[str, Any]:
        """The contract's figures, and jobs by status.

        ``total_jobs`` counts submissions (a batch is one), ``total_circuits`` circuits, ``avg_reduction`` is the mean
        reduction of depth in percent over the optimized ones, ``evaluations_used`` is this month's.
        """
        counters = self.views.counters_of(tenant)
        optimized = counters.get("optimized", 0)
        this_month = month(self.clock())
        return {
            "total_jobs": counters.get("submissions", 0),
            "total_circuits": counters.get("total", 0),
            "avg_reduction": round(counters.get("reduction_tenths", 0) / optimized / 10, 1) if optimized else 0.0,
            "evaluations_used": counters.get(f"evaluations#{this_month}", 0),
            "evaluations_limit": self.plan.evaluations_per_month,
            "month": this_month,
            "by_status": {
                name.removeprefix("status#"): count
                for name, count in sorted(counters.items())
                if name.startswith("status#") and count
            },
        }
