"""IonQ's answers narrowed to what the service relies on. Every function takes parsed JSON and trusts none of it.

Shapes are those of IonQ's published OpenAPI document for v0.4, and the older ones its machines still send.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn, TypeGuard

from qcos.backends import CATALOGUE
from qcos.provider import Characterization, Estimate, ProviderBackend, ProviderJob

SUM_TOLERANCE = 1e-6
"""How far from 1 probabilities may sum."""

WIDEST = max(machine.qubits for machine in CATALOGUE.values())
"""Qubits of the widest machine: the bound on outcomes where a job does not state its own width."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_OUTCOME = re.compile(r"0|[1-9][0-9]{0,30}")
_MARKUP_OR_CONTROL = re.compile(r"[<>\x00-\x1f\x7f]")
_FIELD_NAME = re.compile(r"[A-Za-z0-9_.\[\]-]{1,80}")


class Malformed(ValueError):
    """An answer is not of the published form; the message says what is wrong and quotes nothing of it."""


def parse(body: bytes, *, exact: bool = False) -> Any:
    """The JSON value of ``body``; with ``exact``, numbers with a fraction are ``Decimal`` as written.

    Raises:
        Malformed: it is not JSON.
    """
    try:
        return json.loads(body, parse_float=Decimal if exact else float, parse_constant=_refuse_constant)
    except (ValueError, ArithmeticError, RecursionError):  # a Decimal has an exponent of at most 18 digits
        raise Malformed("the answer is not JSON") from None


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


def identifier(value: Any) -> str | None:
    """``value`` when it can be an id: text that is safe as one segment of a path; otherwise None."""
    return value if isinstance(value, str) and _IDENTIFIER.fullmatch(value) else None


def text(value: Any, limit: int = 500) -> str | None:
    """``value`` when it is short text without markup or control characters, cut to ``limit``; otherwise None."""
    if not isinstance(value, str) or not value or _MARKUP_OR_CONTROL.search(value):
        return None
    return value[:limit]


def refusal_details(body: bytes) -> str:
    """What IonQ's error object says in codes: its error type and the fields it refused; empty when it is none."""
    try:
        document = parse(body)
    except Malformed:
        return ""
    if not isinstance(document, dict):
        return ""
    nested = document.get("error")
    named = nested.get("type") if isinstance(nested, dict) else nested
    code = text(named, 80) or text(document.get("code"), 80)
    validation = document.get("validation")
    keys = validation.get("keys") if isinstance(validation, dict) else None
    fields = [key for key in keys if isinstance(key, str) and _FIELD_NAME.fullmatch(key)] if _is_list(keys) else []
    parts = [code] if code else []
    if fields:
        parts.append("refused: " + ", ".join(fields[:5]))
    return "; ".join(parts)


def backends(value: Any) -> list[ProviderBackend]:
    """The machines of ``GET /backends``, a bare list.

    Raises:
        Malformed: it is none.
    """
    if not _is_list(value):
        raise Malformed("the list of backends is not a list")
    return [_backend(item) for item in value]


def _backend(value: Any) -> ProviderBackend:
    item = _object(value, "a backend")
    name, status, qubits = identifier(item.get("backend")), text(item.get("status"), 40), item.get("qubits")
    if name is None or status is None or not _is_count(qubits):
        raise Malformed("a backend lacks its name, status or number of qubits")
    wait = item.get("average_queue_time")
    return ProviderBackend(
        name=name,
        status=status,
        qubits=qubits,
        queue_ms=round(wait) if _is_number(wait) and wait >= 0 else None,
        degraded=item.get("degraded") is True,
        last_updated=text(item.get("last_updated"), 40),
    )


def characterization(value: Any, raw: bytes) -> Characterization | None:
    """The first characterisation of a list of them (IonQ lists the newest first), or None when there is none.

    Raises:
        Malformed: it is no such list, or a fidelity is outside 0 to 1.
    """
    listed = _object(value, "the list of characterisations").get("characterizations")
    if listed is None or listed == []:
        return None
    if not _is_list(listed):
        raise Malformed("the list of characterisations is not a list")
    item = _object(listed[0], "a characterisation")
    name, date = identifier(item.get("id")), text(item.get("date"), 40)
    if name is None or date is None:
        raise Malformed("a characterisation lacks its id or date")
    fidelity = item.get("fidelity")
    table = fidelity if isinstance(fidelity, dict) else {}
    return Characterization(
        id=name,
        date=date,
        single_qubit_fidelity=_median(table.get("1q")),
        two_qubit_fidelity=_median(table.get("2q")),
        readout_fidelity=_median(table.get("spam")),
        raw=raw,
    )


def _median(value: Any) -> float | None:
    median = value.get("median") if isinstance(value, dict) else None
    if median is None:
        return None
    if not _is_number(median) or not 0 <= median <= 1:
        raise Malformed("a fidelity is not between 0 and 1")
    return float(median)


def job_page(value: Any) -> tuple[list[dict[str, Any]], str | None]:
    """The jobs of one page of ``GET /jobs`` and the cursor of the next page, None on the last.

    Raises:
        Malformed: it is no such page.
    """
    page = _object(value, "the list of jobs")
    listed, cursor = page.get("jobs"), page.get("next")
    if not _is_list(listed):
        raise Malformed("the list of jobs is not a list")
    if cursor is not None and identifier(cursor) is None:
        raise Malformed("the cursor of the list of jobs is not an id")
    return [_object(item, "a job") for item in listed], cursor


def job(item: Mapping[str, Any]) -> ProviderJob:
    """A job object. A status that IonQ may add later is passed on as it is.

    Raises:
        Malformed: it has no id or status.
    """
    name, status = identifier(item.get("id")), text(item.get("status"), 40)
    if name is None or status is None:
        raise Malformed("a job lacks its id or status")
    failure = item.get("failure")
    failed = failure if isinstance(failure, dict) else {}
    noise = item.get("noise")
    duration = item.get("execution_duration_ms")
    return ProviderJob(
        id=name,
        status=status,
        name=text(item.get("name"), 200),
        backend=text(item.get("backend"), 80),
        failure_code=text(failed.get("code"), 80),
        failure_message=text(failed.get("message")) or text(failed.get("error")),
        submitted_at=text(item.get("submitted_at"), 40),
        started_at=text(item.get("started_at"), 40),
        completed_at=text(item.get("completed_at"), 40),
        execution_duration_ms=duration if _is_count(duration) else None,
        noise_model=text(noise.get("model"), 80) if isinstance(noise, dict) else None,
    )


def is_ideal(item: Mapping[str, Any]) -> bool:
    """Whether the job of this object is an ideal simulation, whose probabilities are known without shots."""
    known = job(item)
    return known.backend == "simulator" and known.noise_model in (None, "ideal")


def width(item: Mapping[str, Any]) -> int:
    """How many qubits the outcomes of this job object have, at most."""
    stats = item.get("stats")
    qubits = stats.get("qubits") if isinstance(stats, dict) else None
    return qubits if _is_count(qubits) and 1 <= qubits <= WIDEST else WIDEST


def histogram(value: Any, qubits: int, shots: Any) -> dict[str, int]:
    """Shots by outcome; ``shots`` is what the job states it ran, or anything else when it states nothing.

    Raises:
        Malformed: a key is no outcome of ``qubits`` qubits, a count no whole number from 0, or the sum is not
            ``shots``.
    """
    found: dict[str, int] = {}
    for key, count in _outcomes(value, qubits).items():
        # The schema types counts as numbers, so 500.0 is allowed to mean 500.
        if not _is_number(count) or count < 0 or count != int(count):
            raise Malformed("a count in the histogram is not a whole number")
        found[key] = int(count)
    if _is_count(shots) and sum(found.values()) != shots:
        raise Malformed("the histogram does not sum to the job's shots")
    return found


def shots(value: Any, qubits: int, stated: Any) -> list[str]:
    """The outcome of every shot; ``stated`` is how many the job says it ran, or anything else when it does not say.

    Raises:
        Malformed: it is no list, an entry is no outcome of ``qubits`` qubits, or the number of them is another.
    """
    if not _is_list(value):
        raise Malformed("the shots are not a list")
    end = 1 << qubits
    for outcome in value:
        if not isinstance(outcome, str) or not _OUTCOME.fullmatch(outcome) or int(outcome) >= end:
            raise Malformed(f"a shot is not a number of {qubits} bits")
    if _is_count(stated) and len(value) != stated:
        raise Malformed("there are not as many shots as the job ran")
    return value


def probabilities(value: Any, qubits: int) -> dict[str, float]:
    """Probabilities by outcome.

    Raises:
        Malformed: a key is no outcome of ``qubits`` qubits, a value is no probability, or the sum is not 1.
    """
    found: dict[str, float] = {}
    for key, share in _outcomes(value, qubits).items():
        if not _is_number(share) or not 0 <= share <= 1 + SUM_TOLERANCE:
            raise Malformed("a probability is not between 0 and 1")
        found[key] = float(share)
    if abs(math.fsum(found.values()) - 1) > SUM_TOLERANCE:
        raise Malformed("the probabilities do not sum to 1")
    return found


def _outcomes(value: Any, qubits: int) -> dict[str, Any]:
    table = _object(value, "the result")
    if not table:
        raise Malformed("the result is empty")
    end = 1 << qubits
    for key in table:
        if not _OUTCOME.fullmatch(key) or int(key) >= end:
            raise Malformed(f"an outcome is not a number of {qubits} bits")
    return table


def cost_microdollars(value: Any) -> int | None:
    """The cost of a job, or None when none is stated in dollars (credits have no exchange rate).

    ``value`` was parsed with ``exact``, so that no cent is lost to a double; half a micro-dollar rounds to even.

    Raises:
        Malformed: the cost is no amount.
    """
    cost = _object(value, "the cost").get("cost")
    return None if cost is None else _microdollars(_object(cost, "the cost").get("value"), cost.get("unit"))


def estimate(value: Any) -> Estimate:
    """What a job would cost and take; ``value`` was parsed with ``exact``.

    Raises:
        Malformed: the cost is no amount.
    """
    stated = _object(value, "the estimate")
    cost = stated.get("estimated_total_cost")
    return Estimate(
        cost_microdollars=None if cost is None else _microdollars(cost, stated.get("estimated_unit")),
        execution_ms=_milliseconds(stated.get("estimated_execution_time")),
        queue_ms=_milliseconds(stated.get("current_predicted_queue_time")),
    )


def _milliseconds(value: Any) -> int | None:
    return round(value) if _is_amount(value) else None


def _microdollars(amount: Any, unit: Any) -> int | None:
    if not _is_amount(amount):
        raise Malformed("the cost is not an amount")
    if not isinstance(unit, str) or unit.lower() != "usd":
        return None
    return int((Decimal(amount) * 1_000_000).to_integral_value())


def _is_amount(value: object) -> TypeGuard[int | Decimal]:
    """Whether ``value`` counts something; the bound keeps a large exponent from becoming as many digits."""
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and 0 <= value < 10**12


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{what} is not an object")
    return value


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _is_number(value: object) -> TypeGuard[int | float]:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
