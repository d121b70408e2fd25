"""What the emulator computes: exact distributions, native gates, noise, compilation, failures of the compiler.

Sampled counts are held to 5 standard deviations of the binomial distribution for each outcome; seeds are fixed, so a
run either always passes or always fails.
"""

import math
import threading
from typing import Any

import httpx
import numpy
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import Operator, Statevector

from infra.local.ionq.backends import NOISE_MODELS, BackendCatalogue, NoiseFigures
from infra.local.ionq.compiler import compile_native
from infra.local.ionq.errors import JobFailure
from infra.local.ionq.gates import build
from infra.local.ionq.payload import Circuit
from infra.local.ionq.simulation import DENSITY_MATRIX_QUBITS, STATEVECTOR_QUBITS, Outcome, Task, simulate
from infra.local.ionq.worker import WorkerProcess
from tests.contract.ionq.conftest import BELL, Resume, Submit, Wait

Gates = list[dict[str, Any]]
BACKENDS = BackendCatalogue()


def run(
    gates: Gates,
    qubits: int,
    *,
    gateset: str = "qis",
    noise: str = "ideal",
    shots: int = 1000,
    backend: str = "simulator",
) -> Outcome:
    figures = NOISE_MODELS[noise]
    entangler = "zz" if figures is None else figures.entangler
    circuit = Circuit(None, gateset, qubits, tuple(gates))
    return simulate(Task(circuit, BACKENDS.get(backend), shots, figures, (11,), entangler))


def figures_of(noise: str) -> NoiseFigures:
    figures = NOISE_MODELS[noise]
    assert figures is not None
    return figures


def assert_within_five_sigma(counts: dict[int, int], expected: dict[int, float], shots: int) -> None:
    assert sum(counts.values()) == shots
    for outcome in counts.keys() | expected.keys():
        probability = expected.get(outcome, 0.0)
        allowed = 5.0 * math.sqrt(shots * probability * (1.0 - probability))
        assert abs(counts.get(outcome, 0) - shots * probability) <= allowed, outcome


def counts_of(outcome: Outcome) -> dict[int, int]:
    return dict(zip(outcome.keys.tolist(), outcome.weights.tolist(), strict=True))


def random_gates(generator: numpy.random.Generator, qubits: int, number: int) -> Gates:
    """Every kind of qis gate, with and without controls."""
    names = ["x", "y", "z", "h", "s", "si", "t", "ti", "v", "vi", "not", "cnot", "swap"]
    names += ["rx", "ry", "rz", "xx", "yy", "zz"]
    gates: Gates = []
    for index in range(number):
        name = names[index % len(names)]
        chosen = [int(qubit) for qubit in generator.permutation(qubits)]
        width = 2 if name in ("xx", "yy", "zz", "swap") else 1
        gate: dict[str, Any] = {"gate": name, "targets": chosen[:width]}
        controls = 1 if name == "cnot" else int(generator.integers(3))
        if controls:
            gate["controls"] = chosen[width : width + controls]
        if name in ("rx", "ry", "rz", "xx", "yy", "zz") or (name == "z" and index % 2):
            gate["rotation"] = float(generator.uniform(-7, 7))
        gates.append(gate)
    return gates


@pytest.mark.parametrize("qubit", range(4))
def test_qubit_k_is_bit_k(qubit: int) -> None:
    assert counts_of(run([{"gate": "x", "target": qubit}], 4)) == {2**qubit: pytest.approx(1.0)}


def test_controls_and_targets_are_not_exchanged() -> None:
    gates: Gates = [{"gate": "not", "target": 0}, {"gate": "cnot", "control": 0, "target": 2}]
    assert counts_of(run(gates, 3)) == {0b101: pytest.approx(1.0)}


@pytest.mark.parametrize("seed", range(3))
def test_ideal_probabilities_are_exact(seed: int) -> None:
    gates = random_gates(numpy.random.default_rng(seed), 4, 38)
    outcome = run(gates, 4)
    expected = Statevector(build(Circuit(None, "qis", 4, tuple(gates)), BACKENDS.get("simulator"))).probabilities()
    found = numpy.zeros(16)
    found[outcome.keys.astype(int)] = outcome.weights
    assert outcome.exact
    assert found == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("entangler", ["ms", "zz"])
@pytest.mark.parametrize("seed", range(3))
def test_compiled_circuits_measure_the_same(seed: int, entangler: str) -> None:
    machine = BACKENDS.get("qpu.aria-1" if entangler == "ms" else "qpu.forte-1")
    circuit = build(Circuit(None, "qis", 4, tuple(random_gates(numpy.random.default_rng(seed), 4, 19))), machine)
    native = compile_native(circuit, entangler)
    compiled = build(Circuit(None, "native", 4, tuple(native)), machine)  # checks every phase and angle too
    assert Statevector(compiled).probabilities() == pytest.approx(Statevector(circuit).probabilities(), abs=1e-9)


def exponential(generator: Any, angle: float) -> Any:
    return math.cos(angle) * numpy.eye(len(generator)) - 1j * math.sin(angle) * generator


def test_native_gates_are_the_published_matrices() -> None:
    """GPI, GPI2 and MS written out from their definitions; a turn is 2 pi."""
    phase, angle = 0.15, 0.1
    axis = math.cos(2 * math.pi * phase) * numpy.array([[0, 1], [1, 0]]) + math.sin(2 * math.pi * phase) * numpy.array(
        [[0, -1j], [1j, 0]]
    )
    x_axis = numpy.array([[0, 1], [1, 0]])
    simulator = BACKENDS.get("simulator")

    def matrix(gate: dict[str, Any], qubits: int) -> Operator:
        return Operator(build(Circuit(None, "native", qubits, (gate,)), simulator))

    assert numpy.allclose(matrix({"gate": "gpi", "target": 0, "phase": phase}, 1).data, axis)
    assert numpy.allclose(matrix({"gate": "gpi2", "target": 0, "phase": phase}, 1).data, exponential(axis, math.pi / 4))
    ms = matrix({"gate": "ms", "targets": [0, 1], "phases": [phase, 0.0], "angle": angle}, 2)
    assert numpy.allclose(ms.data, exponential(numpy.kron(x_axis, axis), math.pi * angle))
    zz = matrix({"gate": "zz", "targets": [0, 1], "angle": angle}, 2)
    expected = QuantumCircuit(2)
    expected.rzz(2 * math.pi * angle, 0, 1)
    assert zz.equiv(Operator(expected))


def test_pauli_exponentials() -> None:
    operator = numpy.kron(numpy.diag([1, -1]), numpy.array([[0, 1], [1, 0]]))  # Z on the last target, X on the first
    gate = {"gate": "pauliexp", "targets": [0, 1], "terms": ["ZX"], "coefficients": [0.7], "time": 0.4}
    built = Operator(build(Circuit(None, "qis", 2, (gate,)), BACKENDS.get("simulator")))
    assert built.equiv(Operator(exponential(operator, 0.28)))
    crossed = {**gate, "terms": ["ZX", "XI"], "coefficients": [0.7, 0.3]}
    generator = 0.7 * operator + 0.3 * numpy.kron(numpy.array([[0, 1], [1, 0]]), numpy.eye(2))
    energies, states = numpy.linalg.eigh(generator)
    exact = states @ numpy.diag(numpy.exp(-0.4j * energies)) @ states.conj().T
    assert Operator(build(Circuit(None, "qis", 2, (crossed,)), BACKENDS.get("simulator"))).equiv(Operator(exact))


def test_one_qubit_noise_is_what_the_characterisation_says() -> None:
    noise, shots = figures_of("harmony"), 1_000_000
    wrong = noise.one_qubit_depolarising / 2
    read_as_zero = wrong * (1 - noise.readout_flip) + (1 - wrong) * noise.readout_flip
    outcome = run([{"gate": "gpi", "target": 0, "phase": 0.0}], 1, gateset="native", noise="harmony", shots=shots)
    assert_within_five_sigma(counts_of(outcome), {0: read_as_zero, 1: 1 - read_as_zero}, shots)


def test_two_qubit_noise_is_what_the_characterisation_says() -> None:
    noise, shots = figures_of("harmony"), 1_000_000
    mixed = noise.two_qubit_depolarising
    before_reading = numpy.array([0.5 * (1 - mixed), 0, 0, 0.5 * (1 - mixed)]) + mixed / 4
    flip = numpy.array([[1 - noise.readout_flip, noise.readout_flip], [noise.readout_flip, 1 - noise.readout_flip]])
    expected = dict(enumerate(numpy.kron(flip, flip) @ before_reading))
    gate = {"gate": "ms", "targets": [0, 1], "phases": [0.0, 0.0], "angle": 0.25}
    outcome = run([gate], 2, gateset="native", noise="harmony", shots=shots)
    assert_within_five_sigma(counts_of(outcome), expected, shots)


def test_many_qubits_are_noisy_too() -> None:
    """Above the density matrix errors are drawn: of a GHZ state some shots are neither all 0 nor all 1."""
    qubits = DENSITY_MATRIX_QUBITS + 1
    gates: Gates = [{"gate": "h", "target": 0}]
    gates += [{"gate": "cnot", "control": index, "target": index + 1} for index in range(qubits - 1)]
    counts = counts_of(run(gates, qubits, noise="aria-1", shots=2000))
    assert sum(counts.values()) == 2000
    ideal = counts[0] + counts[2**qubits - 1]
    assert 1000 < ideal < 1990
    assert 0.3 < counts[0] / ideal < 0.7


def test_seeds_decide() -> None:
    gates: Gates = [{"gate": "h", "target": index} for index in range(3)]
    first, again = (counts_of(run(gates, 3, noise="aria-1")) for _ in range(2))
    assert first == again
    task = Task(
        Circuit(None, "qis", 3, tuple(gates)), BACKENDS.get("simulator"), 1000, NOISE_MODELS["aria-1"], (12,), "ms"
    )
    assert counts_of(simulate(task)) != first


def test_over_the_statevector_limit_probabilities_are_sampled() -> None:
    qubits = STATEVECTOR_QUBITS + 1
    gates: Gates = [{"gate": "h", "target": 0}]
    gates += [{"gate": "cnot", "control": index, "target": index + 1} for index in range(qubits - 1)]
    outcome = run(gates, qubits)
    assert not outcome.exact
    assert "estimated from 10000 samples" in outcome.warnings[0]
    assert_within_five_sigma(counts_of(outcome), {0: 0.5, 2**qubits - 1: 0.5}, 10_000)


@pytest.mark.parametrize(
    ("backend", "gateset", "gate", "code"),
    [
        ("simulator", "qis", {"gate": "frobnicate", "target": 0}, "UnsupportedGate"),
        ("simulator", "qis", {"gate": "gpi", "target": 0, "phase": 0}, "UnsupportedGate"),
        ("simulator", "native", {"gate": "h", "target": 0}, "UnsupportedGate"),
        (
            "qpu.forte-1",
            "native",
            {"gate": "ms", "targets": [0, 1], "phases": [0, 0], "angle": 0.25},
            "UnsupportedGate",
        ),
        ("qpu.aria-1", "native", {"gate": "zz", "targets": [0, 1], "angle": 0.25}, "UnsupportedGate"),
        ("simulator", "qis", {"gate": "h", "target": 2}, "InvalidInput"),
        ("simulator", "qis", {"gate": "h", "target": -1}, "InvalidInput"),
        ("simulator", "qis", {"gate": "cnot", "control": 1, "target": 1}, "InvalidInput"),
        ("simulator", "qis", {"gate": "cnot", "target": 1}, "InvalidInput"),
        ("simulator", "qis", {"gate": "swap", "targets": [1]}, "InvalidInput"),
        ("simulator", "qis", {"gate": "rx", "target": 1}, "InvalidInput"),
        ("simulator", "native", {"gate": "gpi", "target": 0, "phase": 1.01}, "InvalidInput"),
        ("simulator", "native", {"gate": "gpi2", "target": 0}, "InvalidInput"),
        ("simulator", "native", {"gate": "zz", "targets": [0, 1], "angle": 0.26}, "InvalidInput"),
        ("simulator", "native", {"gate": "zz", "targets": [0, 1], "angle": -0.01}, "InvalidInput"),
        ("simulator", "native", {"gate": "ms", "targets": [0, 1], "phases": [0.0], "angle": 0.1}, "InvalidInput"),
        ("simulator", "native", {"gate": "gpi", "target": 0, "controls": [1], "phase": 0}, "InvalidInput"),
        (
            "simulator",
            "qis",
            {"gate": "pauliexp", "targets": [0], "terms": ["XX"], "coefficients": [1]},
            "InvalidInput",
        ),
    ],
)
def test_the_compiler_refuses(backend: str, gateset: str, gate: dict[str, Any], code: str) -> None:
    with pytest.raises(JobFailure) as failure:
        run([gate], 2, gateset=gateset, backend=backend)
    assert failure.value.code == code


def test_too_many_controls() -> None:
    gate = {"gate": "x", "target": 0, "controls": list(range(1, 10))}
    with pytest.raises(JobFailure) as failure:
        run([gate], 10)
    assert failure.value.code == "TooManyControls"


def test_a_failure_reaches_the_job(submit: Submit, wait: Wait) -> None:
    job = wait(submit(input={**BELL, "qubits": 26}, backend="qpu.aria-1"))
    assert (job["status"], job["failure"]["code"]) == ("failed", "NotEnoughQubits")
    assert job["failure"]["message"] == job["failure"]["error"]
    assert job["results"] is None


def test_a_qpu_samples(api: httpx.Client, submit: Submit, wait: Wait) -> None:
    job = wait(submit(backend="qpu.forte-1", shots=500))
    histogram = api.get(f"/jobs/{job['id']}/results/histogram").json()
    assert sum(histogram.values()) == 500
    probabilities = api.get(f"/jobs/{job['id']}/results/probabilities").json()
    assert probabilities == {key: count / 500 for key, count in histogram.items()}
    shots = api.get(f"/jobs/{job['id']}/results/shots").json()
    assert {key: shots.count(key) for key in set(shots)} == histogram
    assert api.get(f"/jobs/{job['id']}/results/shots").json() == shots

    def artifact(kind: str) -> Any:
        return api.get(f"/jobs/{job['id']}/artifacts/{job['results'][kind]['id']}").json()

    registers = artifact("ionq.result.histogram.json.v2")["histogram"]["registers"]["output_all"]
    assert registers == {format(int(key), "02b"): count for key, count in histogram.items()}
    bits = artifact("ionq.result.shots.json.v2")["shots"]
    assert [str(low + 2 * high) for low, high in (shot["registers"]["output_all"] for shot in bits)] == shots


def test_multi_circuit_results_keep_the_order(api: httpx.Client, submit: Submit, wait: Wait) -> None:
    circuits = [{"name": f"c{bit}", "circuit": [{"gate": "x", "target": bit}]} for bit in (2, 0, 1)]
    body = {"gateset": "qis", "qubits": 3, "circuits": circuits}
    job = wait(submit(type="ionq.multi-circuit.v1", input=body))
    assert (job["stats"]["circuits"], job["stats"]["gate_counts"]) == (3, {"1q": 3, "2q": 0})
    answer = api.get(job["results"]["probabilities"]["url"].removeprefix("/v0.4")).json()
    assert list(answer) == job["child_job_ids"]
    assert [list(child) for child in answer.values()] == [["4"], ["1"], ["2"]]
    child = api.get(f"/jobs/{job['child_job_ids'][0]}").json()
    assert (child["name"], child["status"], child["parent_job_id"]) == ("c2", "completed", job["id"])
    assert child["stats"]["gate_counts"] == {"1q": 1, "2q": 0}
    listed = api.get("/jobs", params={"parent_job_id": job["id"]}).json()["jobs"]
    assert [entry["id"] for entry in listed] == job["child_job_ids"][::-1]
    api.delete(f"/jobs/{job['id']}")
    assert api.get(f"/jobs/{child['id']}").status_code == 404


def test_the_children_of_a_waiting_job(api: httpx.Client, submit: Submit, paused: Resume) -> None:
    circuits = [{"circuit": [{"gate": "h", "target": 0}] * number} for number in (1, 2)]
    made = submit(type="ionq.multi-circuit.v1", input={"gateset": "qis", "qubits": 1, "circuits": circuits})
    job = api.get(f"/jobs/{made}").json()
    children = [api.get(f"/jobs/{child}").json() for child in job["child_job_ids"]]
    assert job["stats"]["gate_counts"]["1q"] == 3
    assert [child["stats"]["gate_counts"]["1q"] for child in children] == [1, 2]
    api.put(f"/jobs/{made}/status/cancel").raise_for_status()
    assert {api.get(f"/jobs/{child}").json()["status"] for child in job["child_job_ids"]} == {"canceled"}
    paused()


def test_one_bad_circuit_fails_the_whole_job(api: httpx.Client, submit: Submit, wait: Wait) -> None:
    circuits = [{"circuit": [{"gate": "x", "target": 0}]}, {"circuit": [{"gate": "nothing", "target": 0}]}]
    job = wait(submit(type="ionq.multi-circuit.v1", input={"gateset": "qis", "qubits": 1, "circuits": circuits}))
    assert (job["status"], job["failure"]["code"]) == ("failed", "UnsupportedGate")
    children = [api.get(f"/jobs/{child}").json()["status"] for child in job["child_job_ids"]]
    assert children == ["completed", "failed"]


def test_openqasm3_measures_into_registers(api: httpx.Client, submit: Submit, wait: Wait) -> None:
    program = """OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[1] early; bit[2] late;
    x q[0]; early[0] = measure q[0]; cx q[0], q[1]; x q[0]; late[0] = measure q[0]; late[1] = measure q[1];"""
    ideal = wait(submit(type="ionq.qasm3.v1", input={"data": program}))
    assert api.get(f"/jobs/{ideal['id']}/results/probabilities").json() == {"5": 1.0}  # late 10, early 1
    assert "ionq.result.shots.json.v2" not in ideal["results"]
    noise = {"model": "forte-1", "seed": 5}
    noisy = wait(submit(type="ionq.qasm3.v1", input={"data": program}, noise=noise, shots=200))
    artifact = noisy["results"]["ionq.result.shots.json.v2"]["id"]
    shots = api.get(f"/jobs/{noisy['id']}/artifacts/{artifact}").json()["shots"]
    assert len(shots) == 200
    right = sum(shot["registers"]["early"] == [1] and shot["registers"]["late"] == [0, 1] for shot in shots)
    assert 180 < right < 200
    reset = wait(submit(type="ionq.qasm3.v1", input={"data": program.replace("x q[0]; late", "reset q[0]; late")}))
    assert api.get(f"/jobs/{reset['id']}/results/probabilities").json() == {"5": 1.0}  # q[1] stays 1, q[0] is 0


@pytest.mark.parametrize("source", ['include "/proc/self/environ";', "qubit[2] q; nothing q[0];", "qubit[2", "(" * 500])
def test_openqasm3_that_cannot_be_read(submit: Submit, wait: Wait, source: str) -> None:
    unread = wait(submit(type="ionq.qasm3.v1", input={"data": f"OPENQASM 3.0; {source}"}))
    assert (unread["status"], unread["failure"]["code"]) == ("failed", "CompilationError")
    assert "PATH" not in unread["failure"]["message"]


HEAVY: dict[str, Any] = {
    "gateset": "qis",
    "qubits": 24,
    "circuit": [{"gate": "rx", "target": index % 24, "rotation": 0.1} for index in range(4000)],
}


def test_cancelling_stops_long_simulations(api: httpx.Client, submit: Submit, wait: Wait) -> None:
    """Both places of simulation are taken by jobs of minutes; once those are canceled a short job runs."""
    heavy = [submit(input=HEAVY) for _ in range(2)]
    for job_id in heavy:
        assert wait(job_id, "started", "completed", "failed")["status"] == "started"
    short = submit()
    assert api.get("/whoami").status_code == 200  # the server answers meanwhile
    assert api.put(f"/jobs/{heavy[0]}/status/cancel").json()["status"] == "canceled"
    api.delete(f"/jobs/{heavy[1]}").raise_for_status()
    assert wait(short)["status"] == "completed"
    assert wait(heavy[0])["status"] == "canceled"


def test_a_killed_simulation_fails_and_leaves_no_process() -> None:
    circuit = Circuit(None, "qis", 24, tuple(HEAVY["circuit"]))
    process = WorkerProcess(Task(circuit, BACKENDS.get("simulator"), 1, None, (1,), "zz"))
    killer = threading.Timer(0.2, process.kill)
    killer.start()
    with pytest.raises(JobFailure) as failure:
        process.result()
    killer.join()
    assert failure.value.code == "SimulationError"


def test_a_simulation_of_its_own_process_gives_the_same() -> None:
    task = Task(Circuit(None, "qis", 2, tuple(BELL["circuit"])), BACKENDS.get("simulator"), 1, None, (1,), "zz")
    process = WorkerProcess(task)
    outcome = process.result()
    process.kill()
    assert counts_of(outcome) == pytest.approx(counts_of(simulate(task)))
