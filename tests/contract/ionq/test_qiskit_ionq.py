"""The published client qiskit-ionq, unmodified, against the emulator.

Its counts are held to 5 standard deviations of the binomial distribution for each outcome, at fixed seeds.
"""

import math
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from qiskit import transpile
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.providers import JobStatus
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_ionq import ErrorMitigation, IonQProvider
from qiskit_ionq.exceptions import IonQAPIError, IonQJobError, IonQJobFailureError, IonQJobStateError

from infra.local.ionq.server import IonQEmulator
from tests.contract.ionq.conftest import KEY, Resume

# The client advises, whenever a backend is made, to transpile at level 0 or 1: IonQ's service compiles anyway.
pytestmark = pytest.mark.filterwarnings("ignore::qiskit_ionq.exceptions.IonQTranspileLevelWarning")
SHOTS = 4000


@pytest.fixture(scope="module")
def provider(emulator: IonQEmulator) -> Iterator[IonQProvider]:
    with pytest.MonkeyPatch.context() as environment:
        for name in ("QISKIT_IONQ_API_TOKEN", "IONQ_API_KEY", "IONQ_API_TOKEN"):
            environment.setenv(name, KEY)
        # The number of qubits is always read from the address in the environment, whatever the constructor says.
        for name in ("QISKIT_IONQ_API_URL", "IONQ_API_URL"):
            environment.setenv(name, emulator.url)
        yield IonQProvider()


def finish(job: Any) -> Any:
    return job.result(wait=0.02)


def prepared(qubits: int) -> QuantumCircuit:
    """A state without symmetry, so that an exchanged qubit or a lost phase shows."""
    circuit = QuantumCircuit(qubits)
    for qubit in range(qubits):
        circuit.ry(0.4 + 0.5 * qubit, qubit)
        circuit.rz(0.3 + 0.7 * qubit, qubit)
    return circuit


def mixed(circuit: QuantumCircuit) -> QuantumCircuit:
    """Turn phases into probabilities."""
    for qubit in range(circuit.num_qubits):
        circuit.rx(0.9 - 0.3 * qubit, qubit)
    return circuit


PAULI = PauliEvolutionGate(SparsePauliOp(["XZ", "ZX"], [0.3, -0.8]), time=0.7)
GATES: dict[str, tuple[Any, ...]] = {
    "x": (0,),
    "y": (1,),
    "z": (2,),
    "h": (0,),
    "s": (1,),
    "sdg": (2,),
    "t": (0,),
    "tdg": (1,),
    "sx": (2,),
    "sxdg": (0,),
    "id": (1,),
    "rx": (0.7, 0),
    "ry": (-1.1, 1),
    "rz": (2.3, 2),
    "p": (0.8, 0),
    "rxx": (0.6, 0, 2),
    "ryy": (-0.7, 2, 1),
    "rzz": (1.9, 1, 0),
    "swap": (0, 2),
    "cx": (2, 0),
    "cy": (0, 1),
    "cz": (1, 2),
    "ch": (2, 1),
    "cp": (0.9, 0, 2),
    "crx": (1.2, 1, 0),
    "cry": (-0.5, 2, 0),
    "crz": (0.4, 0, 1),
    "csx": (2, 1),
    "ccx": (2, 0, 1),
    "mcp": (0.7, [0, 2], 1),
    "mcx": ([1, 2], 0),
    "append": (PAULI, [2, 0]),
}


def assert_counts_fit(counts: dict[str, int], expected: dict[str, float], shots: int) -> None:
    assert sum(counts.values()) == shots
    for key in counts.keys() | expected.keys():
        probability = expected.get(key, 0.0)
        allowed = 5.0 * math.sqrt(shots * probability * (1.0 - probability)) + 1e-6
        assert abs(counts.get(key, 0) - shots * probability) <= allowed, key


def test_there_are_at_least_thirty_gates() -> None:
    assert len(GATES) >= 30


@pytest.mark.parametrize("name", GATES)
def test_every_gate(provider: IonQProvider, name: str) -> None:
    circuit = prepared(3)
    getattr(circuit, name)(*GATES[name])
    mixed(circuit)
    # Written out into gates, because the matrix of an evolution makes scipy warn about its sparse format.
    expected = Statevector(circuit.decompose("PauliEvolution")).probabilities_dict()
    circuit.measure_all()
    job = provider.get_backend("simulator").run(circuit, shots=SHOTS, sampler_seed=7)
    result = finish(job)
    found = result.get_probabilities()
    assert found == pytest.approx({key: expected[key] for key in found}, abs=1e-9)
    assert_counts_fit(result.get_counts(), expected, SHOTS)  # the client drops outcomes it did not draw


@pytest.mark.parametrize(("qubit", "key"), [(0, "001"), (1, "010"), (2, "100")])
def test_bit_order(provider: IonQProvider, qubit: int, key: str) -> None:
    circuit = QuantumCircuit(3)
    circuit.x(qubit)
    circuit.measure_all()
    assert finish(provider.get_backend("simulator").run(circuit, shots=10)).get_counts() == {key: 10}


def test_measuring_into_other_bits(provider: IonQProvider) -> None:
    circuit = QuantumCircuit(3, 2)
    circuit.x(2)
    circuit.measure([2, 0], [0, 1])
    assert finish(provider.get_backend("simulator").run(circuit, shots=10)).get_counts() == {"01": 10}


@pytest.mark.parametrize(("machine", "entangler"), [("aria-1", "ms"), ("forte-1", "zz")])
def test_native_gates(provider: IonQProvider, machine: str, entangler: str) -> None:
    """A circuit in native gates on the simulator fits the abstract circuit; on the QPU it runs, with noise."""
    circuit = prepared(3)
    circuit.cx(0, 2)
    circuit.cp(0.8, 2, 1)
    mixed(circuit)
    ideal = Statevector(circuit).probabilities_dict()
    circuit.measure_all()
    simulator = provider.get_backend("simulator", gateset="native")
    simulator.set_options(noise_model=machine)
    native = transpile(circuit, simulator, optimization_level=1)
    assert entangler in native.count_ops()
    assert set(native.count_ops()) <= {"gpi", "gpi2", entangler, "measure", "barrier"}
    exact = finish(simulator.run(native, shots=SHOTS, noise_model="ideal", sampler_seed=3))
    assert_counts_fit(exact.get_counts(), ideal, SHOTS)
    qpu = provider.get_backend(f"qpu.{machine}", gateset="native")
    noisy = finish(qpu.run(native, shots=SHOTS)).get_counts()
    distance = 0.5 * sum(abs(noisy.get(key, 0) / SHOTS - ideal[key]) for key in ideal)
    assert sum(noisy.values()) == SHOTS
    assert distance < 0.25


def test_native_gates_of_another_machine_fail(provider: IonQProvider) -> None:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    native = transpile(circuit, provider.get_backend("qpu.aria-1", gateset="native"), optimization_level=1)
    job = provider.get_backend("qpu.forte-1", gateset="native").run(native, shots=100)
    with pytest.raises(IonQJobFailureError, match=r"UnsupportedGate: .*\(ms\): qpu\.forte-1 runs gpi, gpi2, zz"):
        finish(job)


def test_widths_come_from_the_emulator(provider: IonQProvider) -> None:
    names = ("simulator", "qpu.aria-1", "qpu.forte-1", "qpu.forte-enterprise-1")
    assert [provider.get_backend(name).num_qubits for name in names] == [29, 25, 36, 36]


def test_noise_models(provider: IonQProvider) -> None:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    for _ in range(9):
        circuit.cx(0, 1)
    circuit.measure_all()
    backend = provider.get_backend("simulator")

    def wrong(model: str) -> float:
        backend.set_options(noise_model=model, sampler_seed=5)
        counts = finish(backend.run(circuit, shots=20_000)).get_counts()
        return float((counts.get("01", 0) + counts.get("10", 0)) / 20_000)

    ideal, forte, harmony = wrong("ideal"), wrong("forte-1"), wrong("harmony")
    assert ideal == 0.0 < forte < harmony


def test_seeded_memory(provider: IonQProvider) -> None:
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.measure_all()
    backend = provider.get_backend("simulator")
    # The client asks for shots, and sends a seed for the noise, only if the backend itself has these options.
    backend.set_options(noise_model="aria-1", sampler_seed=9)

    def run() -> tuple[dict[str, int], list[str]]:
        job = backend.run(circuit, shots=500, memory=True)
        result = finish(job)
        return result.get_counts(), result.get_memory()

    counts, memory = run()
    assert {key: memory.count(key) for key in set(memory)} == counts
    assert run()[0] == counts


def test_several_circuits_in_one_job(provider: IonQProvider) -> None:
    circuits = []
    for qubit in (2, 0, 1):
        circuit = QuantumCircuit(3, name=f"flip{qubit}")
        circuit.x(qubit)
        circuit.measure_all()
        circuits.append(circuit)
    job = provider.get_backend("simulator").run(circuits, shots=10)
    assert finish(job).get_counts() == [{"100": 10}, {"001": 10}, {"010": 10}]
    assert job.status(detailed=True)["completed"] == 3


def test_mid_circuit_measurement(provider: IonQProvider) -> None:
    circuit = QuantumCircuit(2, 3)
    circuit.x(0)
    circuit.measure(0, 0)
    circuit.cx(0, 1)
    circuit.x(0)
    circuit.measure([0, 1], [1, 2])
    job = provider.get_backend("simulator").run(circuit, shots=300, noise_model="forte-1")
    counts = finish(job).get_counts()
    assert sum(counts.values()) == 300
    assert counts["101"] > 270


def test_cancel(provider: IonQProvider, paused: Resume) -> None:
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    job = provider.get_backend("simulator").run(circuit, shots=10)
    assert job.status() == JobStatus.INITIALIZING
    job.cancel()
    paused()
    with pytest.warns(UserWarning, match="Job was cancelled"), pytest.raises(IonQJobStateError, match="canceled job"):
        finish(job)


def test_failure(provider: IonQProvider, admin: httpx.Client) -> None:
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    admin.post("/backends/qpu.aria-1", json={"status": "unavailable"}).raise_for_status()
    job = provider.get_backend("qpu.aria-1").run(circuit, shots=10)
    failure = {"code": "QuotaExhaustedError", "message": "The quota is used up"}
    admin.post(f"/jobs/{job.job_id()}", json={"failure": failure}).raise_for_status()
    admin.post("/backends/qpu.aria-1", json={"status": "available"}).raise_for_status()
    with pytest.raises(IonQJobFailureError, match="QuotaExhaustedError: The quota is used up"):
        finish(job)


def test_dry_run_and_the_compiled_circuit(provider: IonQProvider) -> None:
    circuit = prepared(2)
    circuit.cx(0, 1)
    circuit.measure_all()
    job = provider.get_backend("qpu.forte-1").run(circuit, shots=10, dry_run=True)
    with pytest.raises(IonQJobError, match="dry_run=True"):
        finish(job)
    compiled: Any = job.compiled_circuit("native")
    assert compiled["qubits"] == 2
    assert {gate["gate"] for gate in compiled["circuit"]} <= {"gpi", "gpi2", "zz"}


def test_debiasing_is_checked(provider: IonQProvider) -> None:
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    backend = provider.get_backend("qpu.aria-1")
    with pytest.raises(IonQAPIError, match="at least 500 shots"):
        backend.run(circuit, shots=100, error_mitigation=ErrorMitigation.DEBIASING)
    job = backend.run(circuit, shots=500, error_mitigation=ErrorMitigation.DEBIASING)
    assert sum(finish(job).get_counts().values()) == 500


def test_estimate_calibration_and_status(provider: IonQProvider) -> None:
    backend = provider.get_backend("qpu.aria-1")
    assert backend.status()
    calibration: Any = backend.calibration()
    assert (calibration.backend, calibration.qubits) == ("qpu.aria-1", 25)
    assert len(calibration.connectivity) == 300
    assert 0.9 < calibration.median_spam_fidelity < 1
    assert calibration.timing["2q"] < 0.01
    assert provider.get_backend("simulator").client.get_latest_calibration("simulator") is None
    estimate: Any = backend.client.estimate_job(
        backend="ionq_qpu.aria-1", oneq_gates=100, twoq_gates=50, qubits=5, shots=10_000
    )
    assert (estimate.shots, estimate.cost_unit) == (10_000, "usd")
    assert estimate.cost > estimate.rate_information["job_cost_minimum"]
    assert estimate.estimated_at.tzinfo is not None


def test_wrong_key(emulator: IonQEmulator, provider: IonQProvider) -> None:
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    stranger = IonQProvider("wrong", emulator.url).get_backend("simulator")
    with pytest.raises(IonQAPIError) as refused:
        stranger.run(circuit, shots=10)
    assert refused.value.status_code == 401


def test_a_lost_answer_is_a_raw_connection_error(provider: IonQProvider, admin: httpx.Client) -> None:
    """The client does not repeat it, and the job exists: the case our own client has to reconcile."""
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    backend = provider.get_backend("simulator")
    before = admin.get("/log").json()["created_jobs"]
    fault = {"match": {"method": "POST", "path": "/v0.4/jobs"}, "drop": "after"}
    admin.post("/faults", json={"faults": [fault]}).raise_for_status()
    with pytest.raises(OSError, match="Connection aborted"):
        backend.run(circuit, shots=10)
    assert admin.get("/log").json()["created_jobs"] == before + 1


@pytest.mark.filterwarnings("ignore:Retrying submit_job:UserWarning")  # the client announces each repetition
def test_the_client_repeats_a_submission_after_504(provider: IonQProvider, admin: httpx.Client) -> None:
    """At once, and with no key in it by which a server could tell a repetition from a second job."""
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    backend = provider.get_backend("simulator")
    fault = {"match": {"method": "POST", "path": "/v0.4/jobs"}, "status": 504, "times": 2}
    admin.post("/faults", json={"faults": [fault]}).raise_for_status()
    backend.run(circuit, shots=10)
    requests = [entry for entry in admin.get("/log").json()["requests"] if entry["path"] == "/v0.4/jobs"]
    assert [entry["status"] for entry in requests[-3:]] == [504, 504, 201]
