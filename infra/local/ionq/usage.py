"""What completed jobs cost, by period and group."""

import datetime
from typing import Any

from infra.local.ionq import rates
from infra.local.ionq.errors import not_found
from infra.local.ionq.jobs import Job, JobStore

MODALITIES = ("daily", "weekly", "monthly")


def usage_body(
    store: JobStore, organization: str, start: datetime.date, end: datetime.date, group_by: str, modality: str
) -> dict[str, Any]:
    """The official Usages object; amounts in US dollars, times in microseconds; 404 for another organisation."""
    if organization != rates.ORGANIZATION_ID:
        raise not_found()
    periods: dict[datetime.date, dict[str, list[Job]]] = {}
    for job in store:
        done = job.completed_at
        if job.parent is not None or job.status != "completed" or done is None or not start <= done.date() <= end:
            continue
        group = {"job": job.id, "project": rates.PROJECT_ID, "user": rates.SUBMITTER_ID}[group_by]
        periods.setdefault(_period(done.date(), modality), {}).setdefault(group, []).append(job)
    data = [
        {
            "from": day.isoformat(),
            **_totals([job for jobs in groups.values() for job in jobs]),
            "group_usages": [
                {"group_id": group, "group_name": group, **_totals(jobs)} for group, jobs in groups.items()
            ],
        }
        for day, groups in sorted(periods.items())
    ]
    total = _totals([job for groups in periods.values() for jobs in groups.values() for job in jobs])
    return {
        "organization": organization,
        "start_date": start.isoformat(),
        "end_date": end.isoformat(),
        "usage_from": f"{start.isoformat()}T00:00:00Z",
        "usage_to": f"{end.isoformat()}T23:59:59Z",
        "group_type": group_by,
        "modality": modality,
        "usage_unit": "usd",
        "amount_total": total["amount"],
        "time_us_total": total["time_us"],
        "job_count": total["job_count"],
        "usage_data": data,
    }


def _period(day: datetime.date, modality: str) -> datetime.date:
    if modality == "daily":
        return day
    return day - datetime.timedelta(days=day.weekday()) if modality == "weekly" else day.replace(day=1)


def _totals(jobs: list[Job]) -> dict[str, Any]:
    paid = [job for job in jobs if not job.submission.dry_run]
    amount = sum(
        rates.cost_usd(job.submission.backend, job.gate_counts(), job.submission.shots, job.submission.debiasing)
        for job in paid
    )
    time = sum(1000 * (job.execution_ms or 0) for job in paid)
    return {"job_count": len(jobs), "amount": amount, "amount_unit": "usd", "time_us": time}
