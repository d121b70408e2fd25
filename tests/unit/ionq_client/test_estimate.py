"""Estimates: what a circuit of a size would cost and take, as far as IonQ says."""

from __future__ import annotations

import pytest

from qcos.provider import Estimate, ProviderUnavailable
from tests.unit.ionq_client.script import Script, body


def ask(script: Script) -> Estimate:
    with script.provider() as provider:
        return provider.estimate("qpu.aria-1", qubits=5, shots=1000, one_qubit_gates=7, two_qubit_gates=3)


def test_an_estimate_asks_for_the_size_of_the_circuit() -> None:
    script = Script({"/jobs/estimate": [body(b"{}")]})
    ask(script)
    [request] = script.requests
    assert request.method == "GET"
    assert dict(request.url.params) == {
        "type": "ionq.circuit.v1",
        "backend": "qpu.aria-1",
        "qubits": "5",
        "shots": "1000",
        "1q_gates": "7",
        "2q_gates": "3",
        "error_mitigation": "false",
    }


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            b'{"estimated_total_cost":12.41,"estimated_unit":"usd",'
            b'"estimated_execution_time":3100,"current_predicted_queue_time":90000}',
            Estimate(12_410_000, 3100, 90_000),
        ),
        (b'{"estimated_total_cost":0,"estimated_unit":"USD"}', Estimate(0, None, None)),
        (b'{"estimated_total_cost":0.0000005,"estimated_unit":"usd"}', Estimate(0, None, None)),
        (
            b'{"estimated_total_cost":9007199254.740993,"estimated_unit":"usd"}',
            Estimate(9_007_199_254_740_993, None, None),
        ),
        (b'{"estimated_total_cost":3,"estimated_unit":"credit"}', Estimate(None, None, None)),
        (b'{"estimated_total_cost":3}', Estimate(None, None, None)),
        (b'{"estimated_total_cost":null,"estimated_execution_time":2.5e1}', Estimate(None, 25, None)),
        (b'{"estimated_execution_time":1.5,"current_predicted_queue_time":0}', Estimate(None, 2, 0)),
        (b"{}", Estimate(None, None, None)),
    ],
)
def test_an_estimate_says_what_ionq_says(content: bytes, expected: Estimate) -> None:
    assert ask(Script({"/jobs/estimate": [body(content)]})) == expected


@pytest.mark.parametrize("value", [b"-1", b'"25"', b"true", b"[]", b"1e999", b"1e999999999999999999", b"1" * 13])
def test_a_time_that_is_none_is_left_out(value: bytes) -> None:
    content = b'{"estimated_execution_time":' + value + b',"current_predicted_queue_time":' + value + b"}"
    assert ask(Script({"/jobs/estimate": [body(content)]})) == Estimate(None, None, None)


@pytest.mark.parametrize("value", [b"-0.01", b'"24"', b"true", b"[]", b"{}", b"1e999", b"1e999999999999999999"])
def test_an_estimated_cost_that_is_no_amount_is_refused(value: bytes) -> None:
    content = b'{"estimated_total_cost":' + value + b',"estimated_unit":"usd"}'
    with pytest.raises(ProviderUnavailable, match="not an amount"):
        ask(Script({"/jobs/estimate": [body(content)]}))
