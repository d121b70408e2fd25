"""What a checked circuit holds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CircuitSummary:
    """What can be counted exactly in a circuit that passed every check.

    ``operations`` counts library gates and measurements after broadcasts and gate definitions are expanded; barriers
    are not operations. ``registers`` holds ``(kind, name, size)`` in the order of declaration, ``kind`` being
    ``"qreg"`` or ``"creg"``. ``redefined`` names the gates of qelib1.inc that the source defines itself: whoever loads
    the circuit must take the source's definition of these, not the library's gate of that name.
    """

    version: str
    qubits: int
    clbits: int
    operations: int
    measured: bool
    registers: tuple[tuple[str, str, int], ...]
    redefined: tuple[str, ...] = ()
