"""How much of anything one circuit may hold."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds of one OpenQASM source; the rule a circuit breaks by passing one stands behind it."""

    source_bytes: int = 256 * 1024  # "source_size": bytes of UTF-8
    identifier_length: int = 64  # "identifier_length"
    integer_digits: int = 9  # "number_length"
    real_length: int = 64  # "number_length": characters of a number with a point or an exponent
    nesting: int = 64  # "nesting": open brackets within one expression
    expression_tokens: int = 1000  # "expression_length": in one parameter
    evaluation_steps: int = 500_000  # "expression_work": to evaluate all parameters inside gate definitions
    gate_definitions: int = 256  # "gate_definitions"
    gate_depth: int = 64  # "gate_depth": defined gates inside one another; Qiskit expands them by recursion
    arguments: int = 64  # "arguments": parameters, and qubits, of one gate definition
    clbits: int = 1000  # "clbits"
    operations: int = 50_000  # "operations": library gates and measurements after expansion
    expansion: int = 200_000  # "expansion": those, and the barriers and calls of defined gates met on the way
    angle: float = 1e6  # "parameter": magnitude of a gate parameter, radians
