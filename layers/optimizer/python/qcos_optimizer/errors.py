"""What the library refuses, in words its user can act on."""

from __future__ import annotations


class CircuitError(ValueError):
    """A circuit that cannot be optimized.

    ``rule`` is a stable name for the broken rule (``mid_circuit``, ``syntax``, ``too_many_qubits``, ...); the message
    says what to change. Neither ever carries another library's text or a piece of the circuit.
    """

    def __init__(self, message: str, rule: str) -> None:
        super().__init__(message)
        self.message = message
        self.rule = rule

    def __reduce__(self) -> tuple[type[CircuitError], tuple[str, ...]]:
        return (CircuitError, (self.message, self.rule))


class TooComplex(CircuitError):
    """The circuit needed more time or memory than it was given, or broke the process that worked on it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "too_complex")

    def __reduce__(self) -> tuple[type[CircuitError], tuple[str, ...]]:
        return (TooComplex, (self.message,))


class UnknownTarget(ValueError):
    """No machine of that name is known; the message lists those that are."""
