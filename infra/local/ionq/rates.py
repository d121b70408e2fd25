"""Prices, durations and the one account of the emulator. All figures are its own."""

import math
import uuid
from collections.abc import Iterable
from typing import Any

from infra.local.ionq.backends import Backend, now
from infra.local.ionq.payload import Circuit

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "account.ionq-emulator.invalid")
KEY_ID = str(uuid.uuid5(_NAMESPACE, "key"))
SUBMITTER_ID = str(uuid.uuid5(_NAMESPACE, "user"))
PROJECT_ID = str(uuid.uuid5(_NAMESPACE, "project"))
ORGANIZATION_ID = str(uuid.uuid5(_NAMESPACE, "organization"))

RATE_CARD_ID = str(uuid.uuid5(_NAMESPACE, "rate-card"))
COST_PER_ONE_QUBIT_GATE = 0.0002
COST_PER_TWO_QUBIT_GATE = 0.001
JOB_MINIMUM = 10.0
MITIGATION_MINIMUM = 80.0
"""US dollars. A job on a QPU costs shots * (gates * cost of a gate), at least the minimum; the simulator is free."""


def cost_usd(backend: Backend, counts: dict[str, int], shots: int, mitigation: bool) -> float:
    """The price of a job in US dollars, by the emulator's rate card; gates are counted per shot."""
    if backend.is_simulator:
        return 0.0
    per_shot = counts["1q"] * COST_PER_ONE_QUBIT_GATE + counts["2q"] * COST_PER_TWO_QUBIT_GATE
    return round(max(MITIGATION_MINIMUM if mitigation else JOB_MINIMUM, shots * per_shot), 6)


def execution_ms(backend: Backend, counts: dict[str, int], shots: int) -> int:
    """How long the machine would be busy, in ms, gates running one after another."""
    if backend.times is None:
        return 1
    times = backend.times
    shot = times.reset + times.readout + counts["1q"] * times.one_qubit + counts["2q"] * times.two_qubit
    return math.ceil(1000.0 * shots * shot)


def requested_gates(circuits: Iterable[Circuit]) -> dict[str, int]:
    """Gates of a request by size, before compiling; a gate on n > 2 qubits counts as 6 (n - 2) two-qubit gates."""
    counts = {"1q": 0, "2q": 0}
    for circuit in circuits:
        for gate in circuit.gates:
            width = sum(len(gate.get(key) or ()) for key in ("targets", "controls"))
            width += sum(gate.get(key) is not None for key in ("target", "control"))
            if width <= 1:
                counts["1q"] += gate["gate"] != "nop"
            else:
                counts["2q"] += 1 if width == 2 else 6 * (width - 2)
    return counts


def estimate_body(backend: Backend, context: dict[str, Any], session: bool) -> dict[str, Any]:
    """GET /jobs/estimate in both shapes: the published keys and those qiskit-ionq 1.1.1 reads. Times are in ms."""
    counts = {"1q": context["1q_gates"], "2q": context["2q_gates"]}
    cost = cost_usd(backend, counts, context["shots"], context["error_mitigation"])
    minimum = MITIGATION_MINIMUM if context["error_mitigation"] else JOB_MINIMUM
    rates = [
        {
            "sku": f"{backend.name}-gates",
            "unit": "gates",
            "cost_1q_gate": 0.0 if backend.is_simulator else COST_PER_ONE_QUBIT_GATE,
            "cost_2q_gate": 0.0 if backend.is_simulator else COST_PER_TWO_QUBIT_GATE,
            "job_cost_minimum": 0.0 if backend.is_simulator else minimum,
        }
    ]
    milliseconds = execution_ms(backend, counts, context["shots"])
    return {
        "estimate_context": {**context, "organization": ORGANIZATION_ID, "project": PROJECT_ID},
        "estimated_at": now().isoformat(timespec="milliseconds"),
        "estimated_unit": "usd",
        "rate_card": {"id": RATE_CARD_ID, "rates": rates},
        "estimated_total_cost": cost,
        "estimated_execution_time": milliseconds,
        "estimated_quantum_compute_time_us": milliseconds * 1000,
        "current_predicted_queue_time": backend.queue_ms,
        "input_values": {**context, "session": session},
        "estimated_cost": cost,
        "cost_unit": "usd",
        "rate_information": {
            "organization": ORGANIZATION_ID,
            "job_cost_minimum": rates[0]["job_cost_minimum"],
            "cost_1q_gate": rates[0]["cost_1q_gate"],
            "cost_2q_gate": rates[0]["cost_2q_gate"],
        },
    }
