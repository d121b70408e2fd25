"""The provider port over real HTTP, against the IonQ emulator."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from infra.local.ionq.server import IonQEmulator
from qcos.adapters.ionq import IonQProvider
from qcos.backends import CATALOGUE
from qcos.provider import ProviderJob, ProviderRefused, ProviderUnavailable, ProviderUnknown
from qcos.provider_request import request_body
from qcos.results import BitMap, counts

ENDED = {"completed", "failed", "canceled"}

# |00> -> |01>: a half turn on qubit 0, in the gates that every machine has. Qubit 1 stays 0, so a reversed bit order
# shows at once.
ASYMMETRIC: list[dict[str, Any]] = [{"gate": "gpi", "target": 0, "phase": 0.0}]
MS = [*ASYMMETRIC, {"gate": "ms", "targets": [0, 2], "phases": [0.0, 0.0], "angle": 0.25}]
ZZ = [*ASYMMETRIC, {"gate": "zz", "targets": [0, 2], "angle": 0.25}]


@pytest.fixture(scope="module")
def emulator() -> Iterator[IonQEmulator]:
    with IonQEmulator(api_key="contract-key", queue_seconds=0) as running:
        yield running


@pytest.fixture
def provider(emulator: IonQEmulator) -> Iterator[IonQProvider]:
    with IonQProvider(emulator.url, lambda: "contract-key") as client:
        yield client


@pytest.fixture
def admin(emulator: IonQEmulator) -> Iterator[httpx.Client]:
    """The test hooks; planned faults are gone afterwards."""
    with httpx.Client(base_url=emulator.admin_url, trust_env=False) as client:
        yield client
        client.delete("/faults").raise_for_status()


def plan(admin: httpx.Client, **fault: Any) -> None:
    admin.post("/faults", json={"faults": [fault]}).raise_for_status()


def posts(admin: httpx.Client) -> int:
    log = admin.get("/log").json()["requests"]
    return sum(entry["method"] == "POST" and entry["path"].endswith("/jobs") for entry in log)


def body(backend: str, circuit: list[dict[str, Any]], token: str, *, shots: int = 200, **more: Any) -> bytes:
    circuit_input = {"gateset": "native", "qubits": 3, "circuit": circuit}
    return request_body(backend=backend, shots=shots, token=token, circuit_input=circuit_input, **more)


def finish(provider: IonQProvider, job_id: str) -> ProviderJob:
    for _ in range(600):
        job = provider.jobs([job_id])[job_id]
        if job.status in ENDED:
            return job
        time.sleep(0.05)
    raise AssertionError("the job did not end")


def since() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=5)


def test_every_machine_of_the_catalogue_is_listed(provider: IonQProvider) -> None:
    listed = {machine.name: machine for machine in provider.backends()}
    for machine in CATALOGUE.values():
        assert listed[machine.provider_name].status == "available"
        assert listed[machine.provider_name].qubits == machine.qubits
        assert listed[machine.provider_name].queue_ms is not None


@pytest.mark.parametrize("backend", ["qpu.aria-1", "qpu.forte-1"])
def test_a_machine_has_a_characterization(provider: IonQProvider, backend: str) -> None:
    found = provider.characterization(backend)
    assert found is not None
    assert found.raw
    assert datetime.fromisoformat(found.date)
    assert found.two_qubit_fidelity is not None
    assert found.single_qubit_fidelity is not None
    assert found.two_qubit_fidelity < found.single_qubit_fidelity <= 1


@pytest.mark.parametrize("backend", ["simulator", "qpu.harmony"])
def test_the_simulator_and_an_unknown_machine_have_none(provider: IonQProvider, backend: str) -> None:
    assert provider.characterization(backend) is None


def test_an_ideal_simulation_answers_exact_probabilities(provider: IonQProvider) -> None:
    job = finish(provider, provider.submit(body("simulator", MS, "qcos-ideal")))
    assert (job.status, job.name, job.backend) == ("completed", "qcos-ideal", "simulator")

    answer = provider.result(job)
    assert answer.histogram is None
    assert answer.probabilities == pytest.approx({"1": 0.5, "4": 0.5}, abs=1e-9)
    bits = BitMap([("c", 3)], [0, 1, 2])
    found = counts(bits, shots=201, histogram=answer.histogram, probabilities=answer.probabilities)
    assert sum(found.counts.values()) == 201
    assert set(found.counts) == {"001", "100"}


@pytest.mark.parametrize(
    ("backend", "circuit", "noise"),
    [("qpu.aria-1", MS, None), ("qpu.forte-1", ZZ, None), ("simulator", MS, "aria-1")],
)
def test_machines_and_noisy_simulations_count_shots(
    provider: IonQProvider, backend: str, circuit: list[dict[str, Any]], noise: str | None
) -> None:
    job = finish(provider, provider.submit(body(backend, circuit, "qcos-noisy", noise_model=noise)))
    assert job.status == "completed"
    assert job.noise_model == noise
    answer = provider.result(job)
    assert answer.probabilities is None
    assert answer.histogram is not None
    assert sum(answer.histogram.values()) == 200
    likely = answer.histogram.get("1", 0) + (answer.histogram.get("4", 0) if circuit is MS else 0)
    assert likely > 150


def test_a_job_tells_its_times_and_its_cost(provider: IonQProvider) -> None:
    paid = finish(provider, provider.submit(body("qpu.forte-1", ZZ, "qcos-paid")))
    assert paid.submitted_at is not None
    assert paid.completed_at is not None
    assert datetime.fromisoformat(paid.submitted_at) <= datetime.fromisoformat(paid.completed_at)
    cost = provider.cost_microdollars(paid.id)
    assert cost is not None
    assert cost > 0
    free = finish(provider, provider.submit(body("simulator", MS, "qcos-free")))
    assert provider.cost_microdollars(free.id) in (None, 0)


def test_twenty_five_jobs_are_listed_at_once_and_absent_ones_are_left_out(provider: IonQProvider) -> None:
    ids = [provider.submit(body("simulator", ASYMMETRIC, f"qcos-many-{k}")) for k in range(24)]
    absent = "00000000-0000-4000-8000-000000000000"
    assert set(provider.jobs([*ids, absent])) == set(ids)


def test_a_job_is_found_by_its_token_across_pages(provider: IonQProvider) -> None:
    wanted = provider.submit(body("simulator", ASYMMETRIC, "qcos-wanted"))
    for k in range(30):
        provider.submit(body("simulator", ASYMMETRIC, f"qcos-later-{k}"))
    found = provider.find("qcos-wanted", "simulator", since())
    assert found is not None
    assert found.id == wanted
    assert provider.find("qcos-wanted", "qpu.aria-1", since()) is None
    assert provider.find("qcos-never", "simulator", since()) is None


def test_a_waiting_job_is_canceled_and_canceling_again_is_harmless() -> None:
    with IonQEmulator(queue_seconds=600) as busy, IonQProvider(busy.url, lambda: "k") as provider:
        job_id = provider.submit(body("qpu.aria-1", MS, "qcos-cancel"))
        assert provider.jobs([job_id])[job_id].status not in ENDED
        for _ in range(2):
            provider.cancel(job_id)
            assert provider.jobs([job_id])[job_id].status == "canceled"


def test_canceling_a_finished_job_changes_nothing(provider: IonQProvider) -> None:
    job_id = provider.submit(body("simulator", ASYMMETRIC, "qcos-finished"))
    finish(provider, job_id)
    provider.cancel(job_id)
    assert provider.jobs([job_id])[job_id].status == "completed"


def test_a_failed_job_tells_why(provider: IonQProvider) -> None:
    wide = {"gateset": "native", "qubits": 30, "circuit": [{"gate": "gpi", "target": 29, "phase": 0.0}]}
    job_id = provider.submit(request_body(backend="qpu.aria-1", shots=1, token="qcos-wide", circuit_input=wide))
    job = finish(provider, job_id)
    assert (job.status, job.failure_code) == ("failed", "NotEnoughQubits")
    assert job.failure_message
    with pytest.raises(ProviderUnavailable, match="no histogram"):
        provider.result(job)


# --- what must never be paid twice -------------------------------------------------------------------------


def test_a_lost_answer_is_unknown_and_the_job_is_then_found_by_its_token(
    provider: IonQProvider, admin: httpx.Client
) -> None:
    plan(admin, match={"method": "POST", "path": "*/jobs"}, drop="after")
    before = posts(admin)
    with pytest.raises(ProviderUnknown):
        provider.submit(body("qpu.forte-1", ZZ, "qcos-lost-after"))
    assert posts(admin) == before + 1
    found = provider.find("qcos-lost-after", "qpu.forte-1", since())
    assert found is not None
    assert finish(provider, found.id).status == "completed"


def test_an_estimate_is_what_the_job_then_costs(provider: IonQProvider) -> None:
    size = {"qubits": 3, "shots": 60_000, "one_qubit_gates": 1, "two_qubit_gates": 1}
    estimate = provider.estimate("qpu.aria-1", **size)
    job = finish(provider, provider.submit(body("qpu.aria-1", MS, "qcos-estimated", shots=60_000)))
    assert estimate.cost_microdollars == provider.cost_microdollars(job.id) == 72_000_000
    assert estimate.execution_ms is not None
    assert estimate.execution_ms > 0
    assert estimate.queue_ms is not None


def test_a_small_job_costs_the_minimum_and_a_simulation_nothing(provider: IonQProvider) -> None:
    size = {"qubits": 3, "shots": 100, "one_qubit_gates": 1, "two_qubit_gates": 1}
    assert provider.estimate("qpu.aria-1", **size).cost_microdollars == 10_000_000
    assert provider.estimate("simulator", **size).cost_microdollars == 0


def test_an_estimate_of_an_unknown_machine_is_unavailable(provider: IonQProvider) -> None:
    with pytest.raises(ProviderUnavailable):
        provider.estimate("qpu.nowhere", qubits=1, shots=1, one_qubit_gates=1, two_qubit_gates=0)


def test_a_lost_request_is_unknown_and_no_job_is_found(provider: IonQProvider, admin: httpx.Client) -> None:
    plan(admin, match={"method": "POST", "path": "*/jobs"}, drop="before")
    before = posts(admin)
    with pytest.raises(ProviderUnknown):
        provider.submit(body("simulator", ASYMMETRIC, "qcos-lost-before"))
    assert posts(admin) == before + 1
    assert provider.find("qcos-lost-before", "simulator", since()) is None


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520])
def test_a_server_error_is_unknown_and_sent_once(provider: IonQProvider, admin: httpx.Client, status: int) -> None:
    plan(admin, match={"method": "POST", "path": "*/jobs"}, status=status)
    before = posts(admin)
    with pytest.raises(ProviderUnknown, match=str(status)):
        provider.submit(body("simulator", ASYMMETRIC, f"qcos-{status}"))
    assert posts(admin) == before + 1


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [
        (402, "PROVIDER_QUOTA_EXHAUSTED", False),
        (413, "PROVIDER_JOB_TOO_LARGE", False),
        (429, "PROVIDER_RATE_LIMITED", True),
    ],
)
def test_a_refusal_is_a_refusal_and_sent_once(
    provider: IonQProvider, admin: httpx.Client, status: int, code: str, retryable: bool
) -> None:
    plan(admin, match={"method": "POST", "path": "*/jobs"}, status=status)
    before = posts(admin)
    with pytest.raises(ProviderRefused) as caught:
        provider.submit(body("simulator", ASYMMETRIC, f"qcos-{status}"))
    assert (caught.value.code, caught.value.retryable) == (code, retryable)
    assert posts(admin) == before + 1
    assert provider.find(f"qcos-{status}", "simulator", since()) is None


def test_ionqs_own_refusals_are_told_by_field(provider: IonQProvider) -> None:
    with pytest.raises(ProviderRefused) as caught:
        provider.submit(body("qpu.nowhere", ASYMMETRIC, "qcos-nowhere"))
    assert caught.value.code == "PROVIDER_REJECTED"
    assert "Bad Request; refused: backend" in caught.value.message


def test_a_wrong_key_is_refused_and_reads_are_unavailable(emulator: IonQEmulator) -> None:
    with IonQProvider(emulator.url, lambda: "wrong-key") as stranger:
        with pytest.raises(ProviderRefused) as caught:
            stranger.submit(body("simulator", ASYMMETRIC, "qcos-stranger"))
        assert caught.value.code == "PROVIDER_UNAUTHORIZED"
        with pytest.raises(ProviderUnavailable, match="401"):
            stranger.jobs(["00000000-0000-4000-8000-000000000000"])
        assert stranger.backends()


def test_nobody_there_is_a_refusal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with (
        IonQProvider(f"http://127.0.0.1:{port}/v0.4", lambda: "k") as provider,
        pytest.raises(ProviderRefused) as caught,
    ):
        provider.submit(body("simulator", ASYMMETRIC, "qcos-nobody"))
    assert (caught.value.code, caught.value.retryable) == ("PROVIDER_UNREACHABLE", True)


def test_reads_outlast_two_failures_and_not_three(provider: IonQProvider, admin: httpx.Client) -> None:
    plan(admin, match={"method": "GET", "path": "*/backends"}, status=503, times=2)
    assert provider.backends()
    plan(admin, match={"method": "GET", "path": "*/backends"}, drop="before", times=3)
    with pytest.raises(ProviderUnavailable):
        provider.backends()
    assert provider.backends()
