"""The one submission's body."""

from __future__ import annotations

import json
from typing import Any

import pytest

from qcos.provider_request import request_body

CIRCUIT: dict[str, Any] = {
    "gateset": "native",
    "qubits": 2,
    "circuit": [
        {"gate": "gpi2", "target": 0, "phase": 0.1},
        {"gate": "ms", "targets": [0, 1], "phases": [0.0, 0.25], "angle": 0.25},
    ],
}


def body(**changes: Any) -> bytes:
    fields: dict[str, Any] = {"backend": "qpu.aria-1", "shots": 100, "token": "qcos-1", "circuit_input": CIRCUIT}
    return request_body(**fields | changes)


def test_the_whole_body() -> None:
    assert json.loads(body()) == {
        "type": "ionq.circuit.v1",
        "backend": "qpu.aria-1",
        "shots": 100,
        "name": "qcos-1",
        "metadata": {"qcos_token": "qcos-1"},
        "input": CIRCUIT,
        "settings": {"error_mitigation": {"debiasing": False}},
    }


def test_the_same_circuit_is_the_same_bytes_however_its_keys_are_ordered() -> None:
    turned = {key: CIRCUIT[key] for key in reversed(CIRCUIT)}
    assert body(circuit_input=turned) == body()
    assert body().startswith(b'{"backend":"qpu.aria-1","input":{"circuit":[{"gate":"gpi2","phase":0.1,"target":0}')


def test_noise_is_sent_only_when_asked_for() -> None:
    assert b"noise" not in body()
    assert json.loads(body(backend="simulator", noise_model="aria-1"))["noise"] == {"model": "aria-1"}


@pytest.mark.parametrize("shots", [0, -1, 1_000_001])
def test_shots_ionq_would_refuse_are_refused_here(shots: int) -> None:
    with pytest.raises(ValueError, match="shots"):
        body(shots=shots)


@pytest.mark.parametrize("gateset", ["qis", None])
def test_a_circuit_that_ionq_would_compile_again_is_refused(gateset: str | None) -> None:
    with pytest.raises(ValueError, match="native"):
        body(circuit_input={**CIRCUIT, "gateset": gateset})


@pytest.mark.parametrize("angle", [float("nan"), float("inf")])
def test_an_angle_that_is_no_number_is_refused(angle: float) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the serialiser's
        body(circuit_input={**CIRCUIT, "circuit": [{"gate": "zz", "targets": [0, 1], "angle": angle}]})
