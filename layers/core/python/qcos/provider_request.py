"""The job as IonQ gets it: the JSON body of the one submission, the same bytes whenever it is built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import rfc8785


def request_body(
    *, backend: str, shots: int, token: str, circuit_input: Mapping[str, Any], noise_model: str | None = None
) -> bytes:
    """The RFC 8785 bytes of an ``ionq.circuit.v1`` submission (IonQ API v0.4, ``POST /jobs``).

    ``backend`` is IonQ's name of the machine, ``circuit_input`` the optimizer's circuit (``gateset``,
    ``qubits``, ``circuit``; angles in turns) and is sent as it is. ``token`` stands in ``name``, where a job list
    shows it, and in ``metadata``: a submission whose answer was lost is found by it. Debiasing is switched off,
    because it would replace the counts of the circuit that was verified by those of several variants of it.
    ``noise_model`` asks the simulator for one of IonQ's noise models; without it the simulation is ideal.

    Raises:
        ValueError: ``shots`` is outside 1 to 1,000,000, the input is not in native gates, or the input holds a
            number JSON cannot carry.
    """
    if not 1 <= shots <= 1_000_000:
        raise ValueError("shots must be between 1 and 1,000,000")
    if circuit_input.get("gateset") != "native":
        raise ValueError("only circuits in native gates are submitted: any other would be compiled again, unverified")
    document: dict[str, Any] = {
        "type": "ionq.circuit.v1",
        "backend": backend,
        "shots": shots,
        "name": token,
        "metadata": {"qcos_token": token},
        "input": dict(circuit_input),
        "settings": {"error_mitigation": {"debiasing": False}},
    }
    if noise_model is not None:
        document["noise"] = {"model": noise_model}
    return rfc8785.dumps(document)
