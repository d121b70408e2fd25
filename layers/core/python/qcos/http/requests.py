"""Requests as types: what is not of these forms is refused, and the OpenAPI document describes them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Context, Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
    field_validator,
)
from pydantic_core import PydanticCustomError

from qcos.library import BundleForm
from qcos.models import Digest, Mode, Options, Status, Submission, timestamp

BELL = 'OPENQASM 2.0;\ninclude "qelib1.inc";\nqreg q[2];\nh q[0];\ncx q[0],q[1];'
JOB_ID = "job_xyz789"
BATCH_ID = "batch_abc123"
MAX_SHOTS = 1_000_000
MAX_BATCH = 98
MAX_USD = 1_000_000
MAX_PROOF = 256 * 1024
MAX_WAIT_S = 20

# --- what fields are made of -------------------------------------------------------------------------------


class Body(BaseModel):
    """A request body: exact types, no field that is not documented."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Asked(BaseModel):
    """A query string: text that says one thing only, no parameter that is not documented."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    REPEATABLE: ClassVar[frozenset[str]] = frozenset()
    """Parameters that may come several times; of others the reader of queries would silently take the last."""


def _object_or_text(value: Any, as_object: ValidatorFunctionWrapHandler) -> Any:
    return value if isinstance(value, str) else as_object(value)


def _decimal(value: Any) -> Any:
    """Only plain digits: pydantic would also take ``1_0`` and ``1.0``."""
    return int(value) if isinstance(value, str) and re.fullmatch("-?[0-9]{1,18}", value) else value


Number = Annotated[int, Field(strict=True), BeforeValidator(_decimal)]

_MONEY = r"^[0-9]{1,7}(\.[0-9]{1,20})?$"
# Wide enough for every whole micro-dollar; what is beyond can only be cut off, never rounded up.
_EXACT = Context(prec=40, rounding=ROUND_DOWN, traps=[])


def _microdollars(value: Any) -> Any:
    """An amount in dollars, a JSON number or decimal text, as whole micro-dollars.

    A cap is cut off after the sixth decimal, which changes nothing: costs are whole micro-dollars.
    """
    if isinstance(value, str) and re.fullmatch(_MONEY, value, re.ASCII):
        value = Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not 0 <= value <= MAX_USD:
        words = f"must be an amount in US dollars from 0 to {MAX_USD}, as a number or as text like '12.50'"
        raise PydanticCustomError("money", "money", {"words": words})
    return int(_EXACT.multiply(Decimal(value), Decimal(1_000_000)))


Microdollars = Annotated[
    int,
    BeforeValidator(_microdollars),
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0, "maximum": MAX_USD}, {"type": "string", "pattern": _MONEY}]}
    ),
]

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _instant(value: Any) -> Any:
    """An RFC 3339 time of any zone in the form of events, up to the next whole millisecond.

    Events have whole milliseconds, so that rounding up changes neither what is at or after it nor what is before it.
    """
    if isinstance(value, str) and _INSTANT.fullmatch(value):
        try:
            moment = datetime.fromisoformat(value.upper())
            return timestamp(moment + timedelta(microseconds=-moment.microsecond % 1000))
        except (ValueError, OverflowError):  # the 31st of February, or before the year 1
            pass
    words = "must be a time like 2026-02-06T12:00:00Z or 2026-02-06T13:00:00%2B01:00"
    raise PydanticCustomError("instant", "instant", {"words": words})


Instant = Annotated[str, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]


def _listed(value: Any) -> Any:
    """``a,b`` as two, however often the parameter comes."""
    return [one for text in value for one in text.split(",")] if isinstance(value, list) else value


Name = Annotated[str, Field(min_length=1, max_length=200)]
Tag = Annotated[str, Field(min_length=1, max_length=64)]
Tags = Annotated[list[Tag], Field(max_length=20)]

# --- bodies ------------------------------------------------------------------------------------------------


class OptimizeOptions(Body):
    """How a circuit is to be optimized, what it may cost and what is to be kept of it."""

    optimization_level: int = Field(2, ge=0, le=3, description="0 (plain lowering) to 3 (every strategy)")
    evidence: bool = Field(False, description="Sign an evidence bundle when the job completes")
    pqc_signing: bool = Field(True, description="Sign with ML-DSA-65; false signs with Ed25519")
    memory: bool = Field(False, description="Keep the outcome of every shot, where the backend draws shots")
    mode: Mode = Field(
        "unitary",
        description="What to keep: unitary, or only the distribution of the measured bits from |0...0>, which may "
        "save more and is never called proved",
    )
    max_cost_usd: Microdollars | None = Field(
        None, description="Fail rather than submit what IonQ estimates to cost more, US dollars", examples=["12.50"]
    )

    def over(self, shared: OptimizeOptions) -> OptimizeOptions:
        """These options, and of what was not given the ``shared`` ones."""
        return shared.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})

    def chosen(self) -> Options:
        """The options as a job has them."""
        given = self.model_dump()
        return Options(max_cost_microdollars=given.pop("max_cost_usd"), **given)


def _no_options() -> OptimizeOptions:
    return OptimizeOptions.model_validate({})


class OptimizeRequest(Body):
    """A circuit to optimize and run."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "qasm": BELL,
                    "backend": "ionq_simulator",
                    "shots": 1024,
                    "options": {"optimization_level": 2, "evidence": True, "pqc_signing": True},
                },
                {
                    "qasm": BELL,
                    "backend": "ionq_simulator",
                    "name": "Bell pair",
                    "tags": ["calibration"],
                    "dry_run": True,
                    "options": {"optimization_level": 3, "max_cost_usd": "12.50"},
                },
            ]
        }
    )

    qasm: str = Field(
        min_length=1, description="The circuit, OpenQASM 2 or 3; without measurements all qubits are measured"
    )
    backend: str = Field(min_length=1, max_length=64, description="Backend id, as GET /api/v2/backends lists them")
    shots: int = Field(
        1024, ge=1, le=MAX_SHOTS, description="Number of shots; the plan may allow fewer, usually 100,000"
    )
    options: OptimizeOptions = Field(default_factory=_no_options)
    name: Name | None = Field(None, description="What you call the job")
    tags: Tags = Field(default_factory=list, description="Words to find the job by")
    dry_run: bool = Field(
        False, description="Optimize and estimate cost and time, but run nothing; charges evaluations, never shots"
    )

    def submission(self) -> Submission:
        """The circuit as it is submitted."""
        return _submission(self, self.shots, self.options, self.dry_run)


class BatchCircuit(Body):
    """One circuit of a batch; what it does not say of itself, the batch says for all."""

    qasm: str = Field(min_length=1, description="The circuit, OpenQASM 2 or 3")
    backend: str = Field(min_length=1, max_length=64, description="Backend id")
    shots: int | None = Field(None, ge=1, le=MAX_SHOTS, description="Number of shots")
    options: OptimizeOptions = Field(default_factory=_no_options, description="Each overrides the batch's")
    name: Name | None = Field(None, description="What you call the job")
    tags: Tags = Field(default_factory=list, description="Words to find the job by")


class BatchRequest(Body):
    """Circuits to optimize and run; all are accepted, or none."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "circuits": [
                        {"qasm": BELL, "backend": "ionq_simulator"},
                        {"qasm": BELL, "backend": "ionq_simulator", "shots": 100, "name": "fewer shots"},
                    ],
                    "options": {"optimization_level": 2},
                }
            ]
        }
    )

    # More are refused by the use case, with 413 and the limit in the message.
    circuits: list[BatchCircuit] = Field(
        min_length=1, description=f"At most {MAX_BATCH}", json_schema_extra={"maxItems": MAX_BATCH}
    )
    shots: int = Field(1024, ge=1, le=MAX_SHOTS, description="Number of shots of each circuit that names none")
    options: OptimizeOptions = Field(default_factory=_no_options, description="Of every circuit")
    tags: Tags = Field(default_factory=list, description="Added to the tags of every circuit")
    dry_run: bool = Field(False, description="Optimize and estimate, but run nothing")

    def submissions(self) -> list[Submission]:
        """The circuits as they are submitted."""
        return [
            _submission(
                one.model_copy(update={"tags": [*one.tags, *self.tags]}),
                self.shots if one.shots is None else one.shots,
                one.options.over(self.options),
                self.dry_run,
            )
            for one in self.circuits
        ]


def _submission(one: OptimizeRequest | BatchCircuit, shots: int, options: OptimizeOptions, dry_run: bool) -> Submission:
    return Submission(
        qasm=one.qasm,
        backend=one.backend,
        shots=shots,
        options=options.chosen(),
        name=one.name,
        tags=tuple(dict.fromkeys(one.tags)),
        dry_run=dry_run,
    )


class VerifyRequest(Body):
    """An evidence bundle to judge, as GET /api/v2/evidence/{bundle_id} or its export gave it."""

    bundle: Annotated[
        dict[str, Any],
        WrapValidator(_object_or_text),
        WithJsonSchema({"anyOf": [{"type": "object"}, {"type": "string", "contentEncoding": "base64"}]}),
    ] = Field(
        description="The bundle, unchanged (the order of its fields does not matter); "
        "or, as text, a JSON, CBOR, COSE or PDF file in base64"
    )
    expected_job_id: str | None = Field(
        None, min_length=1, max_length=128, description="The job it must be of", examples=[JOB_ID]
    )
    expected_circuit_hash: Digest | None = Field(None, description="The hash its submitted circuit must have")
    proof: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_PROOF,
        description="The bundle's tlog-proof, as GET /api/v2/evidence/{bundle_id}/proof gave it",
    )


KeyScope = Literal["optimize:read", "optimize:write", "backends:read", "evidence:read", "evidence:write", "admin"]

_DAYS = r"([1-9][0-9]{0,2}|[12][0-9]{3}|3[0-5][0-9]{2}|36[0-4][0-9]|3650)d"
_HOURS = r"([1-9][0-9]{0,3}|[1-7][0-9]{4}|8[0-6][0-9]{3}|87[0-5][0-9]{2}|87600)h"


class KeyRequest(Body):
    """An API key to make."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "laptop", "scopes": ["optimize:read", "optimize:write"], "expires_in": "90d"}]
        }
    )

    name: str = Field(min_length=1, max_length=100, description="What you call the key")
    scopes: list[KeyScope] = Field(min_length=1, max_length=6, description="What it may do; admin may do everything")
    expires_in: Annotated[str, Field(pattern=f"^({_DAYS}|{_HOURS})$")] | None = Field(
        None, description="Days or hours until it expires, like 90d or 12h, at most 3650d; null is never"
    )


# --- queries -----------------------------------------------------------------------------------------------


class ExportQuery(Asked):
    """How to export a bundle."""

    format: BundleForm = Field("json", description="The form; one signature serves them all")


class WaitQuery(Asked):
    """How long to wait."""

    wait: Number = Field(
        0, ge=0, le=MAX_WAIT_S, description="Answer when the job has ended or is held, or after so many seconds"
    )


class CircuitQuery(Asked):
    """Which of a job's circuits, in which form."""

    which: Literal["original", "optimized"] = Field("optimized", description="As submitted, or as run")
    format: Literal["qasm2", "qasm3", "ionq"] = Field(
        "qasm2", description="ionq is the JSON sent to IonQ; the original is kept only as it was submitted"
    )


class ConsistencyQuery(Asked):
    """Between which sizes of the log."""

    old: Number = Field(alias="from", ge=1, le=2**53 - 1, description="Size of the older checkpoint")
    new: Number = Field(alias="to", ge=1, le=2**53 - 1, description="Size of the newer one, at least as large")

    @field_validator("new")
    @classmethod
    def _not_the_older(cls, new: int, info: ValidationInfo) -> int:
        if new < info.data.get("old", 0):
            raise PydanticCustomError("order", "order", {"words": "must be at least from"})
        return new


class JobsQuery(Asked):
    """Which jobs to list; all conditions must hold."""

    REPEATABLE = frozenset({"status"})

    status: Annotated[list[Status], BeforeValidator(_listed)] = Field(
        default_factory=list, description="Only jobs of these statuses: repeated, or separated by commas"
    )
    backend: str | None = Field(None, min_length=1, max_length=64, description="Only jobs for this backend")
    batch_id: str | None = Field(None, min_length=1, max_length=128, description="Only jobs of this batch")
    name: Name | None = Field(None, description="Only jobs of exactly this name")
    tag: Tag | None = Field(None, description="Only jobs with this tag")
    created_after: Instant | None = Field(None, description="Only jobs created at this time (RFC 3339) or after it")
    created_before: Instant | None = Field(None, description="Only jobs created before this time (RFC 3339)")
    limit: Number = Field(20, ge=1, le=100, description="At most so many jobs")
    offset: Number = Field(0, ge=0, le=10_000, description="Skip so many of the newest jobs; not with a cursor")
    cursor: str | None = Field(
        None, min_length=1, max_length=400, description="Go on where the list that gave this next_cursor ended"
    )
