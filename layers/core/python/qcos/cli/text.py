"""What people read: jobs, gains, outcomes, events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHOWN_OUTCOMES = 16

CUT_SHORT = "search       ended by the clock: another run may find another circuit"


def describe(job: Mapping[str, Any]) -> str:
    """A job on one screen."""
    lines = [
        f"job          {job['job_id']}",
        f"status       {job['status']}",
        f"backend      {job['backend']}, {job['shots']} shots",
    ]
    if job["error"]:
        lines.append(f"error        {job['error']['code']} ({job['error']['step']}): {job['error']['message']}")
    if job["verification"]:
        lines.append(gains(job))
    if job["estimate"]:
        lines.append(f"estimate     {_estimate(job['estimate'])}")
    if job["results"] and job["results"]["url"]:
        lines.append(f"results      too many to show; for 15 minutes at {job['results']['url']}")
    elif job["results"]:
        lines += [f"results      {job['results']['source'].replace('_', ' ')}", *histogram(job["results"])]
    if job["evidence_bundle_id"]:
        lines.append(f"evidence     {job['evidence_bundle_id']}")
    return "\n".join(lines)


def _estimate(estimate: Mapping[str, Any]) -> str:
    cost, execution, queue = estimate["cost_usd"], estimate["execution_ms"], estimate["queue_ms"]
    price = "no price stated" if cost is None else f"{cost} USD"
    times = [f"{round(time / 1000)} s {what}" for time, what in ((execution, "to run"), (queue, "to wait")) if time]
    return ", ".join([price, *times])


def job_line(job: Mapping[str, Any]) -> str:
    """A job of the list on one line."""
    marks = [job["name"] or "", *(f"#{tag}" for tag in job["tags"]), job["error_code"] or ""]
    told = f"{job['job_id']}  {job['created_at']}  {job['status']:<10}  {job['backend']}"
    return "  ".join([told, *(mark for mark in marks if mark)])


def key_line(key: Mapping[str, Any]) -> str:
    """An API key on one line."""
    until = f"until {key['expires_at']}" if key["expires_at"] else "for ever"
    return f"{key['key_id']}  {key['status']:<8}  {until}  {' '.join(key['scopes'])}  {key['name']}"


def totals(stats: Mapping[str, Any]) -> str:
    """What an account has done, on one screen."""
    states = ", ".join(f"{count} {status}" for status, count in stats["by_status"].items()) or "none"
    return "\n".join(
        (
            f"submissions  {stats['total_jobs']}",
            f"circuits     {stats['total_circuits']}: {states}",
            f"depth        {stats['avg_reduction']} % less on average",
            f"evaluations  {stats['evaluations_used']} of {stats['evaluations_limit']} in {stats['month']}",
        )
    )


def gains(figures: Mapping[str, Any]) -> str:
    """What optimizing saved, and how it was checked."""
    gates, depth = figures["two_qubit_gates"], figures["two_qubit_depth"]
    return "\n".join(
        (
            f"depth        {figures['original_depth']} -> {figures['optimized_depth']}, "
            f"{figures['reduction_percent']} % less",
            f"two-qubit    {gates['original']} -> {gates['optimized']} gates, "
            f"{depth['original']} -> {depth['optimized']} deep",
            f"equivalence  {figures['verification']['verdict']} ({figures['verification']['method']})",
            f"strategy     {figures['strategy']}",
        )
    )


def proof(shown: Any, limit: float, digest: str) -> str:
    """A proof that held: ``shown`` is the checker's account of it."""
    lines = [
        "verdict      proved: the output is the input, but for a global phase and what no measurement sees",
        f"error        at most {shown.error:.2e} in operator norm; {limit:.0e} is allowed",
        f"circuits     {shown.qubits} qubits, {shown.input_gates} gates in, {shown.native_gates} native gates out",
        *(f"stage {number}      {text}" for number, text in enumerate(shown.stages, 1)),
        f"certificate  {digest}",
    ]
    return "\n".join(lines)


def histogram(results: Mapping[str, Any]) -> list[str]:
    """The likeliest outcomes, highest classical bit leftmost."""
    ranked = sorted(results["probabilities"].items(), key=lambda item: (-item[1], item[0]))
    shown = ranked[:SHOWN_OUTCOMES]
    top = shown[0][1] if shown else 1
    counts = results["counts"]
    lines = [f"  {bits}  {counts.get(bits, 0):>7}  {'#' * max(1, round(40 * share / top))}" for bits, share in shown]
    hidden = len(ranked) - len(shown)
    return [*lines, f"  and {hidden} more outcomes"] if hidden else lines


def event_lines(event: Mapping[str, Any]) -> list[str]:
    """An event: when, what, who, and below it what it says."""
    told = [f"{'':>31}{name}: {_brief(value)}" for name, value in event["data"].items() if value is not None]
    return [f"{event['version']:>3}  {event['occurred_at']}  {event['type']:<19}  {event['actor']}", *told]


def _brief(value: Any) -> str:
    """One line for what an event says; a stored object is known by its digest."""
    if isinstance(value, Mapping):
        if set(value) == {"digest", "key"}:
            return str(value["digest"])
        return ", ".join(
            f"{name} ({_brief(item)})" if isinstance(item, Mapping) else f"{name} {item}"
            for name, item in value.items()
        )
    return str(value)
