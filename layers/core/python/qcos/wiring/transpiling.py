"""The transpile step over the optimizer's child process. Importing this loads the optimizer library."""

from __future__ import annotations

from functools import cache
from typing import Any

from qcos import wiring
from qcos.errors import InvalidCircuit
from qcos.models import Mode
from qcos.service.transpile import Transpile
from qcos_optimizer.errors import CircuitError
from qcos_optimizer.sandbox import optimize_in_child


def optimize(qasm: str, target: str, level: int, *, mode: Mode, seconds: float) -> dict[str, Any]:
    """The optimizer's document for a circuit.

    Raises:
        InvalidCircuit: the circuit cannot be optimized or not within the limits; the rule says which.
    """
    try:
        return optimize_in_child(qasm, target, level, mode=mode, seconds=seconds)
    except CircuitError as refusal:
        raise InvalidCircuit(str(refusal), rule=refusal.rule) from None


@cache
def transpile() -> Transpile:
    return Transpile(wiring.log(), wiring.objects(), optimize)
