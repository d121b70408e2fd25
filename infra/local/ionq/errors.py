"""The two ways IonQ says no: an HTTP error now, or a failure object on the job later."""

from typing import Any

FAILURE_CODES = frozenset(
    {
        "InvalidInput",
        "CompilationError",
        "ContractExpiredError",
        "DebiasingError",
        "InternalError",
        "NotEnoughQubits",
        "OptimizationError",
        "PreflightError",
        "QuantumCircuitComplexityError",
        "QuantumComputerError",
        "QuotaExhaustedError",
        "SimulationError",
        "SimulationTimeout",
        "SystemCancel",
        "TooLongPredictedExecutionTime",
        "TooManyControls",
        "TooManyGates",
        "TooManyShots",
        "UnknownBillingError",
        "UnsupportedGate",
    }
)
"""Every ``failure.code`` of the published v0.4 schema."""

_TITLES = {
    400: "Bad Request",
    401: "Unauthorized Error",
    403: "Forbidden",
    404: "Not Found Error",
    405: "Method Not Allowed",
    413: "Payload Too Large",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
_UNAUTHORIZED = (
    "Invalid key provided. See https://docs.ionq.com/#authentication for details, or email support@ionq.co for help."
)
_NOT_FOUND = "Resource not found. See https://docs.ionq.com/ for details, or email support@ionq.co for help."


class ApiError(Exception):
    """An answer with an HTTP error status.

    ``keys`` names the offending fields (``input.circuit[3].target``) and ``source`` where they were found: ``body``,
    ``params`` or ``query``.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        source: str = "body",
        keys: tuple[str, ...] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.source = source
        self.keys = keys
        self.headers = headers or {}

    def body(self) -> dict[str, Any]:
        """The official body: ``statusCode``, ``error``, ``message`` and, for a refused field, ``validation``."""
        answer = error_body(self.status, self.message)
        if self.keys:
            answer["validation"] = {"source": self.source, "keys": list(self.keys)}
        return answer


def error_body(status: int, message: str | None = None) -> dict[str, Any]:
    """The body IonQ sends with ``status``; ``message`` defaults to the title."""
    title = _TITLES.get(status, "Error")
    return {"statusCode": status, "error": title, "message": message or title}


def bad_request(message: str, *keys: str, source: str = "body") -> ApiError:
    """A 400 that names the fields at fault."""
    return ApiError(400, message, source=source, keys=keys)


def unauthorized() -> ApiError:
    """The 401 for an absent or unknown key."""
    return ApiError(401, _UNAUTHORIZED)


def not_found() -> ApiError:
    """The 404 for anything absent."""
    return ApiError(404, _NOT_FOUND)


class JobFailure(Exception):
    """What ends a job as ``failed``; ``code`` is one of ``FAILURE_CODES``."""

    def __init__(self, code: str, message: str) -> None:
        if code not in FAILURE_CODES:
            raise ValueError(f"{code} is not a failure code of IonQ Cloud API v0.4")
        super().__init__(message)
        self.code = code
        self.message = message
