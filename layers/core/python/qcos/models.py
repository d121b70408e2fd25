"""Values shared by events, the job and the API. Integers and text only: nothing here may lose a digit.

Angles are micro-turns (1e-6 of a full turn, IonQ's unit), money is micro-dollars, times are RFC 3339 in UTC
with milliseconds and ``Z``, digests are ``sha3-256:<64 hex>``.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Digest = Annotated[str, Field(pattern=r"^sha3-256:[0-9a-f]{64}$")]
Timestamp = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
# Not strict: JSON has arrays where Python has tuples.
Texts = Annotated[tuple[str, ...], Field(strict=False)]
Status = Literal["queued", "optimizing", "running", "held", "signing", "completed", "failed", "cancelled"]
TERMINAL: frozenset[str] = frozenset({"completed", "failed", "cancelled"})


def sha3_256(data: bytes) -> str:
    """The digest under which a stored object is known: ``sha3-256:<hex>``."""
    return "sha3-256:" + hashlib.sha3_256(data).hexdigest()


def timestamp(moment: datetime) -> str:
    """``moment`` in the one form used everywhere: UTC, milliseconds, ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """The aware ``datetime`` of a :data:`Timestamp`."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


class Value(BaseModel):
    """An immutable value; fields added by later versions are ignored when an older reader meets them."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


Mode = Literal["unitary", "distribution"]
"""What optimizing must keep: the whole unitary, or only how the measured bits are distributed from |0...0>."""


class StoredObject(Value):
    """An immutable object in the tenant's bucket: its digest and its key."""

    digest: Digest
    key: str


class Options(Value):
    """What the user chose for a job, defaults applied."""

    optimization_level: int = Field(ge=0, le=3)
    evidence: bool
    pqc_signing: bool
    memory: bool = False
    mode: Mode = "unitary"
    max_cost_microdollars: int | None = Field(default=None, ge=0)


class Metrics(Value):
    """The cost of one circuit in native gates of its backend.

    ``depth`` counts layers of native pulses (virtual Z rotations are free), ``two_qubit_depth`` only layers of
    entangling gates, ``entangling_angle_microturns`` the sum of all entangling angles in 1e-6 turns.
    """

    depth: int = Field(ge=0)
    two_qubit_depth: int = Field(ge=0)
    two_qubit_gates: int = Field(ge=0)
    one_qubit_gates: int = Field(ge=0)
    entangling_angle_microturns: int = Field(ge=0)


class MetricsTable(Value):
    """``original`` is the plain lowering (level 0), ``optimized`` what runs, ``literal`` the SDK's lowering."""

    original: Metrics
    optimized: Metrics
    literal: Metrics


class Verification(Value):
    """How the optimized circuit was shown to do the same as the submitted one.

    ``proved``: equal as unitaries. ``tested``: equal on ``states`` random product states, worst infidelity
    ``max_infidelity`` (decimal text). ``distribution``, in the mode of that name only: the measured bits are
    distributed alike when all qubits start in |0>, and ``max_infidelity`` bounds the total variation distance.
    """

    verdict: Literal["proved", "tested", "distribution"]
    method: str
    states: int
    max_infidelity: str


def month(at: datetime) -> str:
    """The calendar month (UTC) that quotas count in, as ``2026-02``."""
    return at.astimezone(UTC).strftime("%Y-%m")


def reduction_percent(original: int, optimized: int) -> float:
    """How much smaller ``optimized`` is, in percent of ``original``, one decimal; negative when it grew."""
    return round(100 * (original - optimized) / original, 1) if original else 0.0


class Caller(Value):
    """Who makes a request: the tenant and key that the authorizer vouches for, and the request's id."""

    tenant: str
    key_id: str
    scopes: frozenset[str]
    request_id: str


class Submission(Value):
    """A circuit that a user wants run, defaults applied."""

    qasm: str
    backend: str
    shots: int
    options: Options
    name: str | None = None
    tags: Texts = ()
    dry_run: bool = False
