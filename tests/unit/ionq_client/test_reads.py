"""Reads are tried three times at most, and what comes back is believed only when it is of the published form."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from qcos.adapters.ionq import IonQProvider
from qcos.provider import ProviderJob, ProviderUnavailable
from tests.unit.ionq_client.script import FAULTS, JOB, Answer, Script, body, error

SINCE = datetime(2026, 11, 22, 9, tzinfo=UTC)
COMPLETED = ProviderJob(JOB, "completed")
REPEATED = {
    *(f"json {status}" for status in (408, 409, 429, 500, 502, 503, 504)),
    *(f"html {status}" for status in (409, 429, 502, 503, 520, 521, 522, 524, 525, 529)),
    *("connect error", "connect timeout", "pool timeout", "proxy error", "read timeout", "write timeout"),
    *("write error", "reset", "no response", "half body", "stalled body", "bad encoding"),
}
"""Faults that may pass: these and no others are worth another try."""


def document(**more: object) -> dict[str, Any]:
    return {
        "id": JOB,
        "status": "completed",
        "name": "qcos-token",
        "backend": "qpu.forte-1",
        "shots": 100,
        "stats": {"qubits": 2},
        "submitted_at": "2026-11-22T09:30:00.000Z",
        "results": {"histogram": {"url": f"/v0.4/jobs/{JOB}/results/histogram"}},
        **more,
    }


OPERATIONS: dict[str, tuple[str, Callable[[IonQProvider], object]]] = {
    "backends": ("/backends", lambda provider: provider.backends()),
    "characterization": (
        "/backends/qpu.forte-1/characterizations",
        lambda provider: provider.characterization("qpu.forte-1"),
    ),
    "poll": ("/jobs", lambda provider: provider.jobs([JOB])),
    "find": ("/jobs", lambda provider: provider.find("qcos-token", "qpu.forte-1", SINCE)),
    "result (job)": (f"/jobs/{JOB}", lambda provider: provider.result(COMPLETED)),
    "result": (f"/jobs/{JOB}/results/histogram", lambda provider: provider.result(COMPLETED)),
    "cost": (f"/jobs/{JOB}/cost", lambda provider: provider.cost_microdollars(JOB)),
    "estimate": (
        "/jobs/estimate",
        lambda provider: provider.estimate("simulator", qubits=1, shots=1, one_qubit_gates=1, two_qubit_gates=0),
    ),
    "cancel": (f"/jobs/{JOB}/status/cancel", lambda provider: provider.cancel(JOB)),
}
ABSENT_IS_NONE = {"characterization", "cost"}
BODY_IS_NOT_READ = {"bad json", "html 200", "empty", "null", "array of nothing", "not a number", "not utf-8", "deep"}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_each_read_survives_each_fault(operation: str, fault: str) -> None:
    path, ask = OPERATIONS[operation]
    script = Script({f"/jobs/{JOB}": [lambda _: httpx.Response(200, json=document())], path: [FAULTS[fault]]})

    with script.provider() as provider:
        if fault == "json 404" and operation in ABSENT_IS_NONE:
            assert ask(provider) is None
        elif fault in BODY_IS_NOT_READ and operation == "cancel":
            ask(provider)
        else:
            with pytest.raises(ProviderUnavailable) as caught:
                ask(provider)
            assert "<" not in str(caught.value)
            assert "secret" not in str(caught.value)

    tries = [request for request in script.requests if request.url.path == f"/v0.4{path}"]
    assert len(tries) == (3 if fault in REPEATED else 1)
    assert script.count("POST") == 0
    assert len(script.pauses) == (2 if fault in REPEATED else 0)
    assert all(0 < pause <= 2 for pause in script.pauses)


@pytest.mark.parametrize("failures", [1, 2])
def test_a_read_succeeds_on_a_later_try(failures: int) -> None:
    answers: list[Answer] = [error(503)] * failures
    script = Script({"/backends": [*answers, lambda _: httpx.Response(200, json=[])]})
    with script.provider() as provider:
        assert provider.backends() == []
    assert len(script.requests) == failures + 1


def test_retry_after_is_waited_for_up_to_two_seconds() -> None:
    def limited(seconds: str) -> Answer:
        return lambda _: httpx.Response(429, headers={"Retry-After": seconds})

    script = Script({"/backends": [limited("2"), lambda _: httpx.Response(200, json=[])]})
    with script.provider() as provider:
        provider.backends()
    assert script.pauses == [2.0]

    script = Script({"/backends": [limited("3"), lambda _: httpx.Response(200, json=[])]})
    with script.provider() as provider, pytest.raises(ProviderUnavailable, match="HTTP 429"):
        provider.backends()
    assert len(script.requests) == 1
    assert script.pauses == []


def test_pauses_are_not_all_alike() -> None:
    script = Script({"/backends": [error(503)]})
    with script.provider() as provider:
        for _ in range(5):
            with pytest.raises(ProviderUnavailable):
                provider.backends()
    assert len(set(script.pauses)) > 5


def test_a_missing_key_is_unavailable() -> None:
    script = Script(key=lambda: "")
    with script.provider() as provider, pytest.raises(ProviderUnavailable, match="API key"):
        provider.backends()
    assert script.requests == []


def test_an_answer_that_is_too_large_is_given_up_at_once() -> None:
    script = Script({"/backends": [body(b" " * ((16 << 20) + 1))]})
    with script.provider() as provider, pytest.raises(ProviderUnavailable, match="over 16777216 bytes"):
        provider.backends()
    assert len(script.requests) == 1


# --- backends and characterisations ------------------------------------------------------------------------


def test_backends_are_read() -> None:
    listed = [
        {
            "backend": "qpu.forte-1",
            "status": "available",
            "qubits": 36,
            "average_queue_time": 1181215.4,
            "last_updated": "2025-06-16T00:00:00Z",
            "degraded": True,
        },
        {"backend": "simulator", "status": "available", "qubits": 29},
    ]
    script = Script({"/backends": [httpx.Response(200, json=listed)]})
    with script.provider() as provider:
        forte, simulator = provider.backends()
    assert (forte.name, forte.status, forte.qubits, forte.queue_ms) == ("qpu.forte-1", "available", 36, 1181215)
    assert (forte.degraded, forte.last_updated) == (True, "2025-06-16T00:00:00Z")
    assert (simulator.queue_ms, simulator.degraded, simulator.last_updated) == (None, False, None)


@pytest.mark.parametrize(
    "machine",
    [
        {"status": "available", "qubits": 29},
        {"backend": "a/b", "status": "available", "qubits": 29},
        {"backend": "simulator", "status": None, "qubits": 29},
        {"backend": "simulator", "status": "available", "qubits": -1},
        {"backend": "simulator", "status": "available", "qubits": True},
        "simulator",
    ],
)
def test_a_backend_of_another_form_is_refused(machine: object) -> None:
    script = Script({"/backends": [httpx.Response(200, json=[machine])]})
    with script.provider() as provider, pytest.raises(ProviderUnavailable, match="a backend"):
        provider.backends()


def characterized(fidelity: object) -> Script:
    item = {"id": "c-1", "backend": "qpu.aria-1", "date": "2025-06-16T00:00:00Z", "fidelity": fidelity}
    content = json.dumps({"characterizations": [item], "pages": 1}).encode()
    return Script({"/backends/qpu.aria-1/characterizations": [body(content)]})


def test_a_characterization_is_read_and_kept_as_received() -> None:
    script = characterized(
        {"spam": {"median": 0.9962, "stderr": None}, "1q": {"median": 0.9998}, "2q": {"median": 0.99}}
    )
    with script.provider() as provider:
        found = provider.characterization("qpu.aria-1")
    assert found is not None
    assert (found.id, found.date) == ("c-1", "2025-06-16T00:00:00Z")
    assert found.single_qubit_fidelity == 0.9998
    assert found.two_qubit_fidelity == 0.99
    assert found.readout_fidelity == 0.9962
    assert json.loads(found.raw)["characterizations"][0]["id"] == "c-1"
    assert script.requests[0].url.params["limit"] == "1"


def test_fidelities_that_are_not_stated_are_none() -> None:
    script = characterized({"spam": {"median": 0.9962}})
    with script.provider() as provider:
        found = provider.characterization("qpu.aria-1")
    assert found is not None
    assert (found.single_qubit_fidelity, found.two_qubit_fidelity) == (None, None)


@pytest.mark.parametrize("median", [1.01, -0.1, "0.99", True])
def test_an_impossible_fidelity_is_refused(median: object) -> None:
    script = characterized({"spam": {"median": median}})
    with script.provider() as provider, pytest.raises(ProviderUnavailable, match="fidelity"):
        provider.characterization("qpu.aria-1")


@pytest.mark.parametrize("content", [b'{"characterizations": null, "pages": 0}', b'{"characterizations": []}'])
def test_no_characterization_is_none(content: bytes) -> None:
    script = Script({"/backends/simulator/characterizations": [body(content)]})
    with script.provider() as provider:
        assert provider.characterization("simulator") is None


# --- jobs --------------------------------------------------------------------------------------------------


def test_jobs_are_asked_for_by_id_in_one_request() -> None:
    other = "7f2d1c7e-0000-4000-8000-000000000001"
    failed = document(
        id=other,
        status="failed",
        failure={"code": "NotEnoughQubits", "message": "too wide"},
        noise={"model": "aria-1"},
        execution_duration_ms=12,
    )
    stranger = document(id="7f2d1c7e-0000-4000-8000-00000000ffff")
    page = {"jobs": [document(), failed, stranger], "next": None}
    script = Script({"/jobs": [httpx.Response(200, json=page)]})
    with script.provider() as provider:
        found = provider.jobs([JOB, other])
    assert set(found) == {JOB, other}
    assert (found[other].failure_code, found[other].failure_message) == ("NotEnoughQubits", "too wide")
    assert (found[other].noise_model, found[other].execution_duration_ms) == ("aria-1", 12)
    assert (found[JOB].status, found[JOB].backend, found[JOB].name) == ("completed", "qpu.forte-1", "qcos-token")
    (request,) = script.requests
    assert request.url.params.get_list("ids") == [JOB, other]
    assert request.url.params["limit"] == "25"


def test_markup_in_a_failure_is_not_passed_on() -> None:
    page = {"jobs": [document(failure={"code": "InternalError", "message": "<b>x</b>"})], "next": None}
    script = Script({"/jobs": [httpx.Response(200, json=page)]})
    with script.provider() as provider:
        assert provider.jobs([JOB])[JOB].failure_message is None


def test_no_ids_are_no_request_and_too_many_are_refused() -> None:
    script = Script()
    with script.provider() as provider:
        assert provider.jobs([]) == {}
        with pytest.raises(ValueError, match="25"):
            provider.jobs([JOB] * 26)
    assert script.requests == []


def pages(*listed: list[dict[str, Any]]) -> Script:
    """A job list; the cursor of a page is its number."""

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params.get("next", "0"))
        following = str(number + 1) if number + 1 < len(listed) else None
        return httpx.Response(200, json={"jobs": listed[number], "next": following})

    return Script({"/jobs": [answer]})


def listed(at: str | None, name: str = "other") -> dict[str, Any]:
    return document(id="7f2d1c7e-0000-4000-8000-000000000001", name=name, submitted_at=at)


NEW, OLD = "2026-11-22T09:30:00Z", "2026-11-22T08:59:59.999Z"


def test_find_reads_on_until_it_finds() -> None:
    script = pages([listed(NEW)] * 25, [listed(NEW)] * 24 + [document()], [listed(NEW)])
    with script.provider() as provider:
        found = provider.find("qcos-token", "qpu.forte-1", SINCE)
    assert found is not None
    assert found.id == JOB
    assert [request.url.params.get("next") for request in script.requests] == [None, "1"]
    assert all(request.url.params["target"] == "qpu.forte-1" for request in script.requests)


def test_find_stops_at_the_page_that_is_older_than_since() -> None:
    script = pages([listed(NEW)], [listed(OLD), listed(OLD)], [document()])
    with script.provider() as provider:
        assert provider.find("qcos-token", "qpu.forte-1", SINCE) is None
    assert len(script.requests) == 2


@pytest.mark.parametrize("at", [NEW, None, "yesterday"])
def test_find_goes_on_while_a_job_may_be_newer(at: str | None) -> None:
    script = pages([listed(OLD), listed(at)], [document()])
    with script.provider() as provider:
        assert provider.find("qcos-token", "qpu.forte-1", SINCE) is not None


def test_find_at_the_end_of_the_list_is_none() -> None:
    script = pages([listed(NEW)], [listed(NEW)])
    with script.provider() as provider:
        assert provider.find("qcos-token", "qpu.forte-1", SINCE) is None


def test_find_never_guesses_when_a_later_page_fails() -> None:
    first = httpx.Response(200, json={"jobs": [listed(NEW)], "next": "1"})
    script = Script({"/jobs": [first, error(500)]})
    with script.provider() as provider, pytest.raises(ProviderUnavailable):
        provider.find("qcos-token", "qpu.forte-1", SINCE)


def test_find_gives_up_on_a_list_without_end() -> None:
    script = Script({"/jobs": [lambda _: httpx.Response(200, json={"jobs": [listed(NEW)], "next": "1"})]})
    with script.provider() as provider, pytest.raises(ProviderUnavailable, match="does not go on"):
        provider.find("qcos-token", "qpu.forte-1", SINCE)
    assert len(script.requests) == 2

    script = pages(*[[listed(NEW)]] * 101)
    with script.provider() as provider, pytest.raises(ProviderUnavailable, match="more than 2500"):
        provider.find("qcos-token", "qpu.forte-1", SINCE)


def test_an_id_that_is_a_path_is_never_asked_for() -> None:
    script = Script()
    with script.provider() as provider:
        for ask in (provider.cancel, provider.cost_microdollars):
            with pytest.raises(ProviderUnavailable):
                ask("../backends")
        with pytest.raises(ProviderUnavailable):
            provider.result(ProviderJob("../backends", "completed"))
    assert script.requests == []


def test_cancel_is_a_put() -> None:
    script = Script({f"/jobs/{JOB}/status/cancel": [httpx.Response(200, json={"id": JOB, "status": "canceled"})]})
    with script.provider() as provider:
        provider.cancel(JOB)
    assert [request.method for request in script.requests] == ["PUT"]


# --- cost --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"dry_run":false,"cost":{"value":24.83,"unit":"usd"}}', 24_830_000),
        (b'{"dry_run":false,"cost":{"value":0.1,"unit":"USD"}}', 100_000),
        (b'{"dry_run":false,"cost":{"value":9007199254.740993,"unit":"usd"}}', 9_007_199_254_740_993),
        (b'{"dry_run":false,"cost":{"value":1.2e1,"unit":"usd"}}', 12_000_000),
        (b'{"dry_run":false,"cost":{"value":0.30000000000000004,"unit":"usd"}}', 300_000),
        (b'{"dry_run":false,"cost":{"value":7,"unit":"usd"}}', 7_000_000),
        (b'{"dry_run":false,"cost":{"value":0,"unit":"usd"}}', 0),
        (b'{"dry_run":false,"cost":{"value":3.5,"unit":"credit"}}', None),
        (b'{"dry_run":false,"cost":null}', None),
        (b'{"dry_run":true}', None),
    ],
)
def test_cost_keeps_every_digit(content: bytes, expected: int | None) -> None:
    script = Script({f"/jobs/{JOB}/cost": [body(content)]})
    with script.provider() as provider:
        assert provider.cost_microdollars(JOB) == expected


@pytest.mark.parametrize("value", [b"-1", b'"24"', b"true", b"null", b"1e999"])
def test_a_cost_that_is_no_amount_is_refused(value: bytes) -> None:
    script = Script({f"/jobs/{JOB}/cost": [body(b'{"dry_run":false,"cost":{"value":' + value + b',"unit":"usd"}}')]})
    with script.provider() as provider, pytest.raises(ProviderUnavailable, match="not an amount"):
        provider.cost_microdollars(JOB)


@pytest.mark.parametrize("value", [b"1e99999999999999999999", b"-1e99999999999999999999", b"9" * 5_000])
def test_a_cost_that_no_number_holds_is_refused(value: bytes) -> None:
    script = Script({f"/jobs/{JOB}/cost": [body(b'{"cost":{"value":' + value + b',"unit":"usd"}}')]})
    with script.provider() as provider, pytest.raises(ProviderUnavailable, match="not JSON"):
        provider.cost_microdollars(JOB)


@pytest.mark.parametrize("url", ["ftp://x/v0.4", "https://api.ionq.co", "v0.4", "https:///v0.4"])
def test_an_address_of_another_form_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"/v0\.4"):
        IonQProvider(url, lambda: "k")
