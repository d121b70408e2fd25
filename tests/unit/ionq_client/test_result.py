"""What a job resulted in: where it is read from, and what is believed."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from qcos.provider import ProviderJob, ProviderResult, ProviderUnavailable
from tests.unit.ionq_client.script import JOB, URL, Script, body

HISTOGRAM = f"/jobs/{JOB}/results/histogram"
PROBABILITIES = f"/jobs/{JOB}/results/probabilities"


def read(document: dict[str, Any], contents: dict[str, bytes]) -> tuple[ProviderResult, Script]:
    script = Script({f"/jobs/{JOB}": [httpx.Response(200, json={"id": JOB, "status": "completed", **document})]})
    script.answers |= {path: [body(content)] for path, content in contents.items()}
    with script.provider() as provider:
        return provider.result(ProviderJob(JOB, "completed")), script


def hardware(content: bytes, **more: Any) -> ProviderResult:
    document = {
        "backend": "qpu.aria-1",
        "shots": 100,
        "stats": {"qubits": 2},
        "results": {"histogram": {"url": f"/v0.4{HISTOGRAM}"}, "probabilities": {"url": f"/v0.4{PROBABILITIES}"}},
        **more,
    }
    return read(document, {HISTOGRAM: content})[0]


def ideal(content: bytes, **more: Any) -> ProviderResult:
    document = {
        "backend": "simulator",
        "stats": {"qubits": 2},
        "results": {"probabilities": {"url": f"/v0.4{PROBABILITIES}"}},
        **more,
    }
    return read(document, {PROBABILITIES: content})[0]


def test_hardware_counts_shots() -> None:
    content = b'{"0": 48,  "3": 52}'
    result = hardware(content)
    assert result == ProviderResult(raw=content, histogram={"0": 48, "3": 52})


def test_a_noisy_simulation_counts_shots() -> None:
    result = hardware(b'{"0": 48.0, "3": 52}', backend="simulator", noise={"model": "aria-1"})
    assert result.histogram == {"0": 48, "3": 52}
    assert result.probabilities is None


@pytest.mark.parametrize("noise", [{}, {"noise": None}, {"noise": {"model": "ideal"}}])
def test_an_ideal_simulation_gives_probabilities_even_when_a_histogram_is_offered(noise: dict[str, Any]) -> None:
    results = {"probabilities": {"url": f"/v0.4{PROBABILITIES}"}, "histogram": {"url": f"/v0.4{HISTOGRAM}"}}
    content = b'{"0": 0.5, "3": 0.5000001}'
    assert ideal(content, results=results, **noise) == ProviderResult(
        raw=content, probabilities={"0": 0.5, "3": 0.5000001}
    )


def test_an_artifact_is_followed_where_no_address_is_given() -> None:
    entry = {"id": "a-1", "format": "ionq.result.histogram.json.v1", "media_type": "application/json"}
    document = {"backend": "qpu.forte-1", "results": {"ionq.result.histogram.json.v1": entry}}
    result, script = read(document, {f"/jobs/{JOB}/artifacts/a-1": b'{"2": 7}'})
    assert result.histogram == {"2": 7}
    assert script.requests[-1].url.path == f"/v0.4/jobs/{JOB}/artifacts/a-1"


def test_a_whole_address_of_the_same_server_is_followed() -> None:
    document = {"backend": "qpu.forte-1", "results": {"histogram": {"url": f"{URL}{HISTOGRAM}"}}}
    assert read(document, {HISTOGRAM: b'{"2": 7}'})[0].histogram == {"2": 7}


@pytest.mark.parametrize(
    "url",
    [
        f"https://evil.test/v0.4{HISTOGRAM}",
        f"//evil.test/v0.4{HISTOGRAM}",
        f"http://ionq.test/v0.4{HISTOGRAM}",
        f"https://ionq.test:8443/v0.4{HISTOGRAM}",
        f"https://user:pass@ionq.test/v0.4{HISTOGRAM}",
        "/v0.4/jobs/7f2d1c7e-0000-4000-8000-000000000001/results/histogram",
        f"/v0.4/jobs/{JOB}/../../backends",
        f"/v0.4/jobs/{JOB}/%2e%2e/%2e%2e/backends",
        f"/v0.4/jobs/{JOB}/results/histogram?x=1",
        f"/v0.3{HISTOGRAM}",
        f"v0.4{HISTOGRAM}",
        "/v0.4/whoami",
        "http://[",
        "",
        7,
    ],
)
def test_no_other_address_is_followed(url: object) -> None:
    script = Script(
        {
            f"/jobs/{JOB}": [
                httpx.Response(
                    200,
                    json={
                        "id": JOB,
                        "backend": "qpu.forte-1",
                        "status": "completed",
                        "results": {"histogram": {"url": url}},
                    },
                )
            ]
        }
    )
    with script.provider() as provider, pytest.raises(ProviderUnavailable, match="histogram"):
        provider.result(ProviderJob(JOB, "completed"))
    assert len(script.requests) == 1


@pytest.mark.parametrize("artifact", [None, "", "../x", 7])
def test_an_artifact_without_a_usable_id_is_not_followed(artifact: object) -> None:
    with pytest.raises(ProviderUnavailable, match="neither an address nor an id"):
        read({"backend": "qpu.forte-1", "results": {"histogram": {"id": artifact}}}, {})


@pytest.mark.parametrize("results", [None, {}, [], {"probabilities": {"url": f"/v0.4{PROBABILITIES}"}}])
def test_hardware_without_a_histogram_is_no_result(results: object) -> None:
    with pytest.raises(ProviderUnavailable, match="no histogram"):
        read({"backend": "qpu.forte-1", "results": results}, {})


def test_the_answer_about_another_job_is_no_result() -> None:
    with pytest.raises(ProviderUnavailable, match="another job"):
        read({"id": "7f2d1c7e-0000-4000-8000-000000000001"}, {})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"0": 48, "3": 51}', "does not sum to the job's shots"),
        (b'{"0": 101, "3": -1}', "not a whole number"),
        (b'{"0": 50.5, "3": 49.5}', "not a whole number"),
        (b'{"0": "48", "3": 52}', "not a whole number"),
        (b'{"0": true, "3": 99}', "not a whole number"),
        (b'{"0": 1e999, "3": 52}', "not a whole number"),
        (b'{"0": 48, "4": 52}', "not a number of 2 bits"),
        (b'{"0": 48, "-1": 52}', "not a number of 2 bits"),
        (b'{"0": 48, "03": 52}', "not a number of 2 bits"),
        (b'{"00": 48, "0x3": 52}', "not a number of 2 bits"),
        ('{"0": 48, "\u0663": 52}'.encode(), "not a number of 2 bits"),
        (b'{"0": 48, "' + b"9" * 5000 + b'": 52}', "not a number of 2 bits"),
        (b"{}", "empty"),
        (b"[48, 52]", "not an object"),
        (b'{"0": NaN}', "not JSON"),
        (b'{"histogram": {"registers": {"output_all": {"00": 100}}}}', "not a number of 2 bits"),
    ],
)
def test_a_histogram_that_cannot_be_is_refused_by_name(content: bytes, says: str) -> None:
    with pytest.raises(ProviderUnavailable, match=says):
        hardware(content)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b'{"0": 0.5, "3": 0.4999}', "do not sum to 1"),
        (b'{"0": 0.5, "3": 0.500002}', "do not sum to 1"),
        (b'{"0": 1.5, "3": -0.5}', "not between 0 and 1"),
        (b'{"0": 0.5, "3": "0.5"}', "not between 0 and 1"),
        (b'{"0": 1e999}', "not between 0 and 1"),
        (b'{"0": 0.5, "4": 0.5}', "not a number of 2 bits"),
        (b'{"0": Infinity}', "not JSON"),
        (b"{}", "empty"),
    ],
)
def test_probabilities_that_cannot_be_are_refused_by_name(content: bytes, says: str) -> None:
    with pytest.raises(ProviderUnavailable, match=says):
        ideal(content)


def test_the_shots_are_checked_only_where_they_are_stated() -> None:
    assert hardware(b'{"0": 7}', shots=None).histogram == {"0": 7}


@pytest.mark.parametrize("stats", [None, {}, {"qubits": 0}, {"qubits": 10_000}, {"qubits": "2"}])
def test_outcomes_are_bounded_by_the_widest_machine_where_no_width_is_stated(stats: object) -> None:
    assert hardware(b'{"68719476735": 100}', stats=stats).histogram == {str(2**36 - 1): 100}
    with pytest.raises(ProviderUnavailable, match="36 bits"):
        hardware(b'{"68719476736": 100}', stats=stats)


def test_sums_of_many_small_probabilities_are_not_lost_to_rounding() -> None:
    share = 1 / 2**14
    content = ("{" + ",".join(f'"{k}": {share!r}' for k in range(2**14)) + "}").encode()
    assert len(ideal(content, stats={"qubits": 14}).probabilities or {}) == 2**14
