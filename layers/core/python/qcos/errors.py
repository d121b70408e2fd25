"""Every refusal the service can give: a stable code, an HTTP status, words that tell the reader what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class QcosError(Exception):
    """An expected refusal.

    ``message`` is shown to users as it is: it says what was wrong and what to do. ``details`` holds
    machine-readable places (``field``, ``line``, ``column``, ``rule``, ...). Never put keys, more of a circuit than
    the one name that is wrong, or another library's error text into either.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    status: ClassVar[int] = 500
    retryable: bool = False
    """Whether the same request may succeed later."""

    def __init__(self, message: str, details: Sequence[dict[str, Any]] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = list(details)


class InvalidCircuit(QcosError):
    """The circuit cannot be accepted; ``line`` and ``column`` (from 1) point at the token that shows why."""

    code = "INVALID_CIRCUIT"
    status = 400

    def __init__(self, message: str, *, line: int | None = None, column: int | None = None, rule: str = "") -> None:
        place: dict[str, Any] = {"field": "qasm", "rule": rule or "circuit"}
        if line is not None:
            place |= {"line": line, "column": column}
            message = f"line {line}, column {column}: {message}"
        super().__init__(message, [place])
        self.line = line
        self.column = column
        self.rule = rule


class ValidationFailed(QcosError):
    """The request is not of the documented form (types, ranges, unknown fields)."""

    code = "VALIDATION_ERROR"
    status = 400


class Unauthorized(QcosError):
    """No usable API key came with the request."""

    code = "UNAUTHORIZED"
    status = 401


class Forbidden(QcosError):
    """The API key is good but lacks the scope this call needs."""

    code = "FORBIDDEN"
    status = 403


class QuotaExceeded(QcosError):
    """The month's evaluations are used up; they begin anew with the next month (UTC)."""

    code = "QUOTA_EXCEEDED"
    status = 403


class RateLimitExceeded(QcosError):
    """Too many requests in this window of ``limit``; ``retry_after_s`` says when the next one begins."""

    code = "RATE_LIMIT_EXCEEDED"
    status = 429
    retryable = True

    def __init__(self, message: str, *, retry_after_s: int, limit: int | None = None) -> None:
        super().__init__(message, [{"retry_after_s": retry_after_s}])
        self.retry_after_s = retry_after_s
        self.limit = limit


class JobNotFound(QcosError):
    """No such job for this tenant; another tenant's job answers the same."""

    code = "JOB_NOT_FOUND"
    status = 404


class EventNotFound(QcosError):
    """The job's log has no event of that version."""

    code = "EVENT_NOT_FOUND"
    status = 404


class BundleNotFound(QcosError):
    """No such evidence bundle for this tenant."""

    code = "BUNDLE_NOT_FOUND"
    status = 404


class NotLogged(QcosError):
    """The bundle is not in the transparency log yet; it will be in a moment."""

    code = "NOT_LOGGED"
    status = 409
    retryable = True


class CheckpointNotFound(QcosError):
    """The transparency log has no checkpoint of that size, or none at all yet."""

    code = "CHECKPOINT_NOT_FOUND"
    status = 404


class BatchNotFound(QcosError):
    """No such batch for this tenant."""

    code = "BATCH_NOT_FOUND"
    status = 404


class KeyNotFound(QcosError):
    """No such API key for this tenant."""

    code = "KEY_NOT_FOUND"
    status = 404


class BackendNotFound(QcosError):
    """The backend id is in no catalogue."""

    code = "BACKEND_NOT_FOUND"
    status = 404


class RouteNotFound(QcosError):
    """The path is none of the API's."""

    code = "NOT_FOUND"
    status = 404


class MethodNotAllowed(QcosError):
    """The path exists, the method does not."""

    code = "METHOD_NOT_ALLOWED"
    status = 405


class Conflict(QcosError):
    """Somebody else changed the job at the same moment, or its state does not allow the request, or not yet."""

    code = "CONFLICT"
    status = 409

    def __init__(self, message: str, details: Sequence[dict[str, Any]] = (), *, retryable: bool = False) -> None:
        super().__init__(message, details)
        self.retryable = retryable


class IdempotencyMismatch(QcosError):
    """The Idempotency-Key was used before with another request."""

    code = "IDEMPOTENCY_MISMATCH"
    status = 422


class PayloadTooLarge(QcosError):
    """The request body is over the documented size."""

    code = "PAYLOAD_TOO_LARGE"
    status = 413


class BackendUnavailable(QcosError):
    """The backend exists but takes no work now."""

    code = "BACKEND_UNAVAILABLE"
    status = 503
    retryable = True

    def __init__(self, message: str, details: Sequence[dict[str, Any]] = (), *, retryable: bool = True) -> None:
        super().__init__(message, details)
        self.retryable = retryable


class Unavailable(QcosError):
    """A dependency did not answer in time; nothing was changed."""

    code = "UNAVAILABLE"
    status = 503
    retryable = True
