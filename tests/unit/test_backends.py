"""The machines as users see them: what IonQ says now, and nothing invented where it says nothing."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qcos.backends import CATALOGUE
from qcos.errors import BackendNotFound, BackendUnavailable
from qcos.provider import Characterization, ProviderBackend, ProviderJob, ProviderResult, ProviderUnavailable
from qcos.service.backends import Backends

START = datetime(2026, 11, 22, 10, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


class Machines:
    """The provider, as far as machines go; every call is counted."""

    def __init__(self) -> None:
        self.listed = [
            ProviderBackend("simulator", "available", 29, 0, degraded=False),
            ProviderBackend(
                "qpu.aria-1", "available", 25, 1_181_215, degraded=True, last_updated="2026-11-22T00:00:00Z"
            ),
            ProviderBackend("qpu.forte-1", "unavailable", 36, None, degraded=False),
        ]
        self.characterized: dict[str, Characterization | None] = {
            "qpu.aria-1": Characterization("c-1", "2026-11-21T00:00:00Z", 0.9995, 0.987, 0.996, b"{}"),
            "qpu.forte-1": Characterization("c-2", "2026-11-20", None, None, 0.9962, b"{}"),
        }
        self.down: set[str] = set()
        self.calls: list[str] = []

    def backends(self) -> list[ProviderBackend]:
        self.calls.append("backends")
        self._answer("backends")
        return self.listed

    def characterization(self, backend: str) -> Characterization | None:
        self.calls.append(backend)
        self._answer(backend)
        return self.characterized.get(backend)

    def _answer(self, what: str) -> None:
        if what in self.down:
            raise ProviderUnavailable("IonQ did not answer: internal-host refused")

    def submit(self, body: bytes) -> str:
        raise AssertionError("questions about machines submit nothing")

    def jobs(self, ids: Sequence[str]) -> dict[str, ProviderJob]:
        raise AssertionError

    def find(self, token: str, backend: str, since: datetime) -> ProviderJob | None:
        raise AssertionError

    def result(self, job: ProviderJob) -> ProviderResult:
        raise AssertionError

    def cost_microdollars(self, job_id: str) -> int | None:
        raise AssertionError

    def cancel(self, job_id: str) -> None:
        raise AssertionError


@pytest.fixture
def machines() -> Machines:
    return Machines()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def backends(machines: Machines, clock: Clock) -> Backends:
    return Backends(machines, clock)


def test_every_machine_of_the_catalogue_is_listed_with_its_live_state(backends: Backends) -> None:
    lines = {line["id"]: line for line in backends.all()}
    assert list(lines) == list(CATALOGUE)
    assert lines["ionq_aria"] == {
        "id": "ionq_aria",
        "name": "IonQ Aria",
        "type": "hardware",
        "qubits": 25,
        "status": "online",
        "queue_depth": 20,
        "queue_depth_basis": "average wait in minutes, rounded up",
        "average_queue_time_ms": 1_181_215,
        "degraded": True,
        "last_updated": "2026-11-22T00:00:00Z",
    }
    assert {name: line["status"] for name, line in lines.items()} == {
        "ionq_simulator": "online",
        "ionq_aria": "online",
        "ionq_forte": "offline",
        "ionq_forte_enterprise": "retired",
    }


@pytest.mark.parametrize(
    ("status", "shown"), [("available", "online"), ("retired", "retired"), ("calibrating", "offline")]
)
def test_a_status_is_online_only_when_ionq_says_available(
    machines: Machines, backends: Backends, status: str, shown: str
) -> None:
    machines.listed = [ProviderBackend("qpu.aria-1", status, 25, 0, degraded=False)]
    assert backends.get("ionq_aria")["status"] == shown


@pytest.mark.parametrize(("wait", "depth"), [(0, 0), (1, 1), (60_000, 1), (60_001, 2), (None, 0)])
def test_queue_depth_is_the_wait_in_minutes_and_says_when_there_is_none(
    machines: Machines, backends: Backends, wait: int | None, depth: int
) -> None:
    machines.listed = [ProviderBackend("simulator", "available", 29, wait, degraded=False)]
    line = backends.get("ionq_simulator")
    assert (line["queue_depth"], line["average_queue_time_ms"]) == (depth, wait)


def test_details_hold_the_whole_contract(backends: Backends) -> None:
    details = backends.get("ionq_aria")
    assert details["native_gates"] == ["GPI", "GPI2", "MS"]
    assert details["connectivity"] == "all-to-all"
    assert details["average_fidelity"] == 0.987


@pytest.mark.parametrize(
    ("backend_id", "fidelity"), [("ionq_simulator", 1.0), ("ionq_forte", None), ("ionq_forte_enterprise", None)]
)
def test_a_fidelity_that_is_not_stated_is_null_and_an_ideal_one_is_1(
    backends: Backends, backend_id: str, fidelity: float | None
) -> None:
    assert backends.get(backend_id)["average_fidelity"] == fidelity


def test_details_do_without_a_characterization_that_cannot_be_read(machines: Machines, backends: Backends) -> None:
    machines.down = {"qpu.aria-1"}
    assert backends.get("ionq_aria")["average_fidelity"] is None
    assert backends.get("ionq_aria")["status"] == "online"


def test_the_calibration_of_a_machine_is_the_newest_characterization(backends: Backends) -> None:
    assert backends.calibration("ionq_aria") == {
        "backend_id": "ionq_aria",
        "timestamp": "2026-11-21T00:00:00.000Z",
        "single_qubit_fidelity": 0.9995,
        "two_qubit_fidelity": 0.987,
        "readout_fidelity": 0.996,
        "source": "provider",
    }


def test_what_a_characterization_does_not_state_is_null(backends: Backends) -> None:
    calibration = backends.calibration("ionq_forte")
    assert calibration["timestamp"] == "2026-11-20T00:00:00.000Z"
    assert (calibration["single_qubit_fidelity"], calibration["two_qubit_fidelity"]) == (None, None)
    assert calibration["readout_fidelity"] == 0.9962


def test_a_date_that_cannot_be_read_is_passed_on(machines: Machines, backends: Backends) -> None:
    machines.characterized["qpu.aria-1"] = Characterization("c", "last tuesday", None, None, None)
    assert backends.calibration("ionq_aria")["timestamp"] == "last tuesday"


def test_the_ideal_simulator_is_exact_and_says_that_this_was_not_measured(
    machines: Machines, backends: Backends
) -> None:
    assert backends.calibration("ionq_simulator") == {
        "backend_id": "ionq_simulator",
        "timestamp": "2026-11-22T10:00:00.000Z",
        "single_qubit_fidelity": 1.0,
        "two_qubit_fidelity": 1.0,
        "readout_fidelity": 1.0,
        "source": "ideal",
    }
    assert machines.calls == ["backends"]


@pytest.mark.parametrize("known", [True, False])
def test_a_machine_without_a_characterization_has_nulls_in_every_field(
    machines: Machines, backends: Backends, known: bool
) -> None:
    machines.characterized["qpu.aria-1"] = None
    calibration = backends.calibration("ionq_aria" if known else "ionq_forte_enterprise")
    assert set(calibration) == {
        "backend_id",
        "timestamp",
        "single_qubit_fidelity",
        "two_qubit_fidelity",
        "readout_fidelity",
        "source",
    }
    assert all(value is None for field, value in calibration.items() if field != "backend_id")


def test_a_machine_that_takes_work_is_returned(backends: Backends) -> None:
    assert backends.require_available("ionq_aria") is CATALOGUE["ionq_aria"]


@pytest.mark.parametrize(
    ("backend_id", "status", "says"),
    [("ionq_forte", "offline", "try again later"), ("ionq_forte_enterprise", "retired", "no longer offered")],
)
def test_a_machine_that_takes_no_work_is_refused_with_those_that_do(
    backends: Backends, backend_id: str, status: str, says: str
) -> None:
    with pytest.raises(BackendUnavailable, match=says) as caught:
        backends.require_available(backend_id)
    assert caught.value.details == [
        {"field": "backend", "backend": backend_id, "status": status, "online": ["ionq_simulator", "ionq_aria"]}
    ]


@pytest.mark.parametrize("question", ["get", "calibration", "require_available"])
def test_an_unknown_id_is_refused_without_asking_ionq(machines: Machines, backends: Backends, question: str) -> None:
    with pytest.raises(BackendNotFound):
        getattr(backends, question)("ionq_harmony")
    assert machines.calls == []


@pytest.mark.parametrize("question", ["all", "get", "calibration", "require_available"])
def test_when_ionq_does_not_answer_that_is_said_in_our_words(
    machines: Machines, backends: Backends, question: str
) -> None:
    machines.down = {"backends", "qpu.aria-1"}
    with pytest.raises(BackendUnavailable, match="Try again") as caught:
        getattr(backends, question)(*([] if question == "all" else ["ionq_aria"]))
    assert "internal-host" not in caught.value.message
    assert caught.value.retryable


def test_a_calibration_that_cannot_be_read_is_not_an_absent_one(machines: Machines, backends: Backends) -> None:
    machines.down = {"qpu.aria-1"}
    with pytest.raises(BackendUnavailable):
        backends.calibration("ionq_aria")


def test_status_sums_the_queues(machines: Machines, backends: Backends) -> None:
    machines.listed[0] = ProviderBackend("simulator", "available", 29, 90_000, degraded=False)
    assert backends.status() == {
        "api": "operational",
        "provider": "operational",
        "backends": {
            "ionq_simulator": "online",
            "ionq_aria": "online",
            "ionq_forte": "offline",
            "ionq_forte_enterprise": "retired",
        },
        "queue_depth": 22,
    }


def test_status_answers_when_ionq_does_not(machines: Machines, backends: Backends) -> None:
    machines.down = {"backends"}
    assert backends.status() == {
        "api": "operational",
        "provider": "unreachable",
        "backends": dict.fromkeys(CATALOGUE, "unknown"),
        "queue_depth": 0,
    }


def test_answers_are_kept_for_the_time_given(machines: Machines, clock: Clock) -> None:
    backends = Backends(machines, clock, cache_s=15)
    backends.get("ionq_aria")
    clock.now += timedelta(seconds=14.9)
    backends.get("ionq_aria")
    assert machines.calls == ["backends", "qpu.aria-1"]
    clock.now += timedelta(seconds=0.1)
    machines.listed = []
    assert backends.get("ionq_aria")["status"] == "retired"
    assert machines.calls == ["backends", "qpu.aria-1", "backends"]


def test_a_clock_set_back_does_not_keep_an_answer_for_ever(
    machines: Machines, backends: Backends, clock: Clock
) -> None:
    backends.all()
    clock.now -= timedelta(hours=1)
    backends.all()
    assert machines.calls == ["backends", "backends"]


def test_a_failure_is_not_kept(machines: Machines, backends: Backends) -> None:
    machines.down = {"backends"}
    with pytest.raises(BackendUnavailable):
        backends.all()
    machines.down = set()
    assert backends.all()


def test_nothing_is_kept_when_the_time_is_0(machines: Machines, clock: Clock) -> None:
    backends = Backends(machines, clock, cache_s=0)
    backends.all()
    backends.all()
    assert machines.calls == ["backends", "backends"]


def test_threads_share_one_question(machines: Machines, clock: Clock) -> None:
    entered, go = threading.Event(), threading.Event()
    answer = machines.backends

    def slowly() -> list[ProviderBackend]:
        entered.set()
        assert go.wait(10)
        return answer()

    machines.backends = slowly  # type: ignore[method-assign]  # the provider takes its time
    backends = Backends(machines, clock)
    found: list[list[dict[str, Any]]] = []
    threads = [threading.Thread(target=lambda: found.append(backends.all())) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert entered.wait(10)
    go.set()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert machines.calls == ["backends"]
