"""The whole way: circuits in, native circuits out, judged by what Qiskit makes of them when they are loaded again."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import warnings

import pytest
from qiskit import qasm2, qasm3
from qiskit.circuit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.quantum_info import Operator

from qcos_optimizer import TARGETS, Optimized, optimize, target
from qcos_optimizer import portfolio as portfolio_module
from qcos_optimizer.candidate import Candidate
from qcos_optimizer.choices import Objective
from qcos_optimizer.native import Native
from qcos_optimizer.progress import Progress

from .circuits import HEADER, close, distribution, load, random_circuit, same_but_for_final_z, text

MACHINES = ["ionq_aria", "ionq_forte"]


def body(circuit: QuantumCircuit) -> QuantumCircuit:
    made = circuit.copy()
    made.remove_final_measurements()
    return made


def strict(text: str) -> QuantumCircuit:
    """Nothing but OpenQASM 2.0 as published."""
    return qasm2.loads(text, include_path=(), strict=True)


def check_native(made: Optimized) -> None:
    entangling = target(made.target).two_qubit_gate
    job = made.to_ionq_input()
    assert job["gateset"] == "native"
    assert job["qubits"] == made.qubits
    assert len(job["circuit"]) == len(made.gates)
    for gate in job["circuit"]:
        if gate["gate"] in ("gpi", "gpi2"):
            assert gate.keys() == {"gate", "target", "phase"}
            assert 0 <= gate["phase"] < 1
            assert 0 <= gate["target"] < made.qubits
            continue
        assert gate["gate"] == entangling
        assert 0 < gate["angle"] <= 0.25
        assert len(set(gate["targets"])) == 2
        if entangling == "ms":
            assert all(0 <= phase < 1 for phase in gate["phases"])
            assert gate.keys() == {"gate", "targets", "phases", "angle"}
        else:
            assert gate.keys() == {"gate", "targets", "angle"}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("level", "qubits"),
    # The last level searches for long, so it gets the smallest circuit.
    [(level, qubits) for level in range(4) for qubits in (2, 3, 4, 6) if level < 3 or qubits < 3],
)
def test_random_circuits(machine: str, level: int, qubits: int) -> None:
    circuit = random_circuit(qubits, 25, seed=level + 10 * qubits)
    circuit.swap(0, 1)
    made = optimize(circuit, machine, level)
    again = strict(made.to_qasm2())
    assert sorted(made.measured) == list(range(qubits))  # type: ignore[type-var]  # all are measured
    assert same_but_for_final_z(circuit, body(again), made.measured)  # type: ignore[arg-type]
    assert same_but_for_final_z(circuit, body(made.circuit), made.measured)  # type: ignore[arg-type]
    assert close(distribution(circuit), distribution(again))
    assert made.verification.verdict == "proved"
    check_native(made)


@pytest.mark.parametrize(
    ("name", "machine", "levels"),
    [
        ("bell", "ionq_forte", range(4)),
        ("tof_3", "ionq_forte", range(3)),
        ("variational_n4", "ionq_aria", range(4)),
        ("fredkin_n3", "ionq_aria", range(3)),
        ("qaoa_n6", "ionq_aria", range(3)),
        ("qaoa_n6", "ionq_forte", range(3)),
    ],
)
def test_levels_never_do_worse(machine: str, name: str, levels: range) -> None:
    ranks = []
    for level in levels:
        made = optimize(text(name), machine, level)
        counts = made.metrics["optimized"]
        ranks.append((counts["two_qubit_gates"], counts["entangling_angle_microturns"], counts["depth"]))
        assert made.metrics["original"] == optimize(text(name), machine, 0).metrics["optimized"]
        assert made.candidates[[tried.chosen for tried in made.candidates].index(True)].name == made.strategy
        if level == 0:
            assert made.strategy == "level0"
            assert made.reduction_percent == 0.0
            assert [tried.name for tried in made.candidates] == ["level0"]
    assert ranks == sorted(ranks, reverse=True)
    assert same_but_for_final_z(load(text(name)), body(strict(made.to_qasm2())), made.measured)  # type: ignore[arg-type]


def test_level_zero_is_the_honest_before() -> None:
    rotations = "rzz(0.3) q[0],q[1]; cp(0.2) q[1],q[2]; cx q[0],q[2]; crz(1.0) q[2],q[1]; cu3(0.1,0.2,0.3) q[0],q[1];"
    made = optimize(HEADER + "qreg q[3];" + rotations, "ionq_forte", 0)
    assert made.metrics["original"]["two_qubit_gates"] == 5
    assert made.metrics["literal"]["two_qubit_gates"] == 9
    made = optimize(HEADER + "qreg q[2]; swap q[0],q[1];", "ionq_forte", 0)
    assert made.metrics["original"]["two_qubit_gates"] == 3
    runs = "h q[0]; t q[0]; rx(0.2) q[0]; ry(0.4) q[0]; z q[0]; cx q[0],q[1]; s q[1];"
    made = optimize(HEADER + "qreg q[2];" + runs, "ionq_forte", 0)
    assert made.metrics["original"]["one_qubit_gates"] == 2 + 2
    assert made.metrics["literal"]["one_qubit_gates"] == 5 * 3 + 4 * 3 + 3


LITERAL = """
import sys
from qiskit import qasm2
from qiskit.circuit.equivalence_library import SessionEquivalenceLibrary
from qiskit.transpiler import PassManager
from qiskit.transpiler.passes import BasisTranslator, UnrollCustomDefinitions
from qiskit_ionq import add_equivalences
from qcos_optimizer import optimize
add_equivalences()
for native, machine in (("ms", "ionq_aria"), ("zz", "ionq_forte")):
    circuit = qasm2.loads(sys.argv[1], custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
    basis = (SessionEquivalenceLibrary, ["gpi", "gpi2", native])
    wanted = PassManager([UnrollCustomDefinitions(*basis), BasisTranslator(*basis)]).run(circuit)
    found = optimize(sys.argv[1], machine, 0).metrics["literal"]
    assert found["depth"] == wanted.depth(), (found, wanted.depth())
    assert found["two_qubit_gates"] == wanted.count_ops()[native]
    assert found["one_qubit_gates"] == wanted.size() - wanted.count_ops()[native]
"""


KINDS = """qreg q[5]; h q[0]; u3(0.3,0,1.1) q[1]; u3(0,0,0) q[1]; sx q[2]; rx(pi) q[3]; p(0.1) q[0]; cx q[0],q[2];
swap q[1],q[3]; rzz(0.4) q[2],q[1]; rzz(0) q[0],q[3]; rxx(0.2) q[3],q[1]; cp(0.7) q[0],q[1]; cu3(1,2,3) q[2],q[0];
crx(0.2) q[1],q[2]; ch q[3],q[0]; ccx q[0],q[1],q[3]; cswap q[2],q[3],q[1]; ccx q[3],q[2],q[0]; tdg q[2];
cz q[3],q[2]; c3x q[4],q[1],q[0],q[2]; c4x q[0],q[1],q[4],q[3],q[2];"""


@pytest.mark.parametrize("qasm", [*map(text, ["fredkin_n3", "qft_12", "qaoa_n6", "fermi6"]), HEADER + KINDS])
def test_the_literal_lowering_is_that_of_qiskit_ionq(qasm: str) -> None:
    """In a process of its own: what qiskit-ionq adds stays in Qiskit's library."""
    subprocess.run([sys.executable, "-c", LITERAL, qasm], check=True)


def test_an_answer_does_not_depend_on_those_before() -> None:
    code = (
        "import sys\nfrom qcos_optimizer import optimize\n"
        "found = [optimize(sys.argv[1], 'ionq_aria', 2).to_dict() for _ in range(2)]\n"
        "assert [one.pop('seconds') for one in found]\n"
        "assert found[0] == found[1]\n"
    )
    subprocess.run([sys.executable, "-c", code, text("bell")], check=True)


def test_swaps_become_an_output_permutation() -> None:
    made = optimize(HEADER + "qreg q[3]; x q[0]; swap q[0],q[1]; swap q[1],q[2];", "ionq_forte", 2)
    assert made.metrics["optimized"]["two_qubit_gates"] == 0
    assert made.measured == [1, 2, 0]
    assert [gate["target"] for gate in made.to_ionq_input()["circuit"]] == [0]


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("level", [0, 2])
def test_measured_bits(machine: str, level: int) -> None:
    circuit = load(text("asymmetric"))
    made = optimize(text("asymmetric"), machine, level)
    assert made.registers == [("high", 1), ("low", 4)]
    assert made.measured[2] is None
    expected = {"0100 0": 0.75, "0101 1": 0.25}
    assert close(distribution(circuit), expected)
    assert close(distribution(strict(made.to_qasm2())), expected)
    assert close(distribution(made.circuit), expected)
    assert [register.name for register in made.circuit.cregs] == ["high", "low"]


@pytest.mark.parametrize("seed", range(6))
def test_any_measurement_map(seed: int) -> None:
    circuit = random_circuit(5, 20, seed)
    circuit.swap(seed % 5, (seed + 2) % 5)
    for name, size in (("second", 3), ("first", 4)):
        circuit.add_register(ClassicalRegister(size, name))
    for qubit, bit in zip([3, 0, 4, 1][: 2 + seed % 3], [5, 0, 3, 2], strict=False):
        circuit.barrier()
        circuit.measure(qubit, bit)
    made = optimize(circuit, MACHINES[seed % 2], 2)
    assert close(distribution(circuit), distribution(strict(made.to_qasm2())))
    assert sum(qubit is not None for qubit in made.measured) == 2 + seed % 3


def test_register_names_that_clash_with_ours() -> None:
    names = ["gpi2", "zz", "q", "ms", "gpi", "q_"]
    circuit = QuantumCircuit(QuantumRegister(6, "r"), *(ClassicalRegister(1, name) for name in names))
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.x(2)
    circuit.measure(range(6), range(6))
    made = optimize(circuit, "ionq_aria")
    again = strict(made.to_qasm2())
    assert [register.name for register in again.cregs] == names
    assert close(distribution(circuit), distribution(again))


def test_a_qubit_of_the_machine_for_every_qubit_of_the_circuit() -> None:
    made = optimize(HEADER + "qreg q[5]; h q[4];", "ionq_forte")
    assert made.qubits == 5
    empty = optimize(HEADER + "qreg q[2];", "ionq_forte", 3)
    assert empty.reduction_percent == 0.0
    assert empty.metrics["optimized"]["depth"] == 0
    assert close(distribution(strict(empty.to_qasm2())), {"00": 1.0})


@pytest.mark.parametrize("objective", ["two_qubit_gates", "depth", "model_score"])
def test_the_objective_decides(objective: str) -> None:
    made = optimize(text("fermi6"), "ionq_forte", 2, objective)  # type: ignore[arg-type]
    ranks = {
        tried.name: {
            "two_qubit_gates": tried.metrics.two_qubit_gates,
            "depth": tried.metrics.depth,
            "model_score": -tried.model_score,
        }[objective]
        for tried in made.candidates
    }
    assert ranks[made.strategy] == min(ranks.values())
    assert made.objective == objective


def test_same_seed_same_answer() -> None:
    first, second = (optimize(text("fermi6"), "ionq_aria", 3, seed=7).to_dict() for _ in range(2))
    del first["seconds"], second["seconds"]
    assert first == second


@pytest.mark.parametrize("machine", ["ionq_aria", "ionq_forte"])
@pytest.mark.parametrize("name", ["asymmetric", "tof_3"])
def test_openqasm_3_says_the_same(machine: str, name: str) -> None:
    made = optimize(text(name), machine, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the reader's parser warns of its own grammar
        read = qasm3.loads(made.to_qasm3())
    assert [(register.name, register.size) for register in read.cregs] == made.registers
    assert distribution(read) == pytest.approx(distribution(qasm2.loads(made.to_qasm2())))


def test_the_document_is_strict_json() -> None:
    made = optimize(text("asymmetric"), "ionq_simulator", 2).to_dict()
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    counts = {"depth", "two_qubit_depth", "two_qubit_gates", "one_qubit_gates", "entangling_angle_microturns"}
    assert made.keys() == {
        *("target", "level", "objective", "mode", "qubits", "registers", "measured", "metrics", "reduction_percent"),
        *(
            "model_score",
            "verification",
            "strategy",
            "candidates",
            "search_complete",
            "versions",
            "seconds",
            "ionq_input",
            "qasm2",
            "qasm3",
            "certificate",
        ),
    }
    assert made["metrics"].keys() == {"original", "optimized", "literal"}
    for metrics in made["metrics"].values():
        assert metrics.keys() == counts
        assert all(type(value) is int for value in metrics.values())
    assert made["registers"] == [["high", 1], ["low", 4]]
    for tried in made["candidates"]:
        assert tried.keys() == counts - {"one_qubit_gates"} | {"name", "model_score", "verdict", "chosen"}
    assert made["versions"].keys() == {"qcos_optimizer", "qiskit", "qiskit_ionq", "numpy"}
    assert made["verification"].keys() == {"verdict", "method", "states", "windows", "max_infidelity", "error_bound"}
    assert made["model_score"]["rates"] == "defaults"
    assert 0 < made["model_score"]["original"] <= made["model_score"]["optimized"] <= 1


def test_reduction_is_of_depth() -> None:
    made = optimize(text("barenco_tof_5"), "ionq_forte", 2)
    before, after = made.metrics["original"]["depth"], made.metrics["optimized"]["depth"]
    assert after < before
    assert made.reduction_percent == round(100 * (before - after) / before, 1)


@pytest.mark.parametrize(("name", "machine", "verdicts"), [("qft_12", "ionq_forte", ("proved", "pauli"))])
def test_larger_circuits_say_how_they_were_checked(name: str, machine: str, verdicts: tuple[str, str]) -> None:
    made = optimize(text(name), machine, 2)
    assert (made.verification.verdict, made.verification.method) == verdicts
    assert made.metrics["optimized"]["two_qubit_gates"] == 66
    check_native(made)


def test_circuits_of_any_size_are_proved() -> None:
    """Beyond what states could test: level 0 by windows, a rewritten circuit by Pauli rotations."""
    made = optimize(text("wstate_n27"), "ionq_forte", 0)
    assert (made.verification.verdict, made.verification.method) == ("proved", "windows")
    made = optimize(text("wstate_n27"), "ionq_forte", 2)
    assert (made.verification.verdict, made.verification.method) == ("proved", "pauli")
    check_native(made)


def test_angles_too_small_for_qiskit_are_not_lost() -> None:
    """Its passes drop them from level 2 on; what lost them is thrown out, and the answer keeps them."""
    circuit = QuantumCircuit(3)
    circuit.h(range(3))
    for turns in range(8):
        circuit.cp(math.pi * 2.0**-18 * (1 + turns / 10), 0, 1)
        circuit.h(1)
        circuit.cp(math.pi * 2.0**-18, 1, 2)
    made = optimize(circuit, "ionq_forte", 2)
    assert any(tried.verdict == "failed" for tried in made.candidates)
    assert Operator(circuit).data.shape == (8, 8)
    assert same_but_for_final_z(circuit, body(strict(made.to_qasm2())), made.measured)  # type: ignore[arg-type]
    assert made.metrics["optimized"]["two_qubit_gates"] > 0


def test_a_wrong_candidate_is_never_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The best-looking candidate there can be, and a wrong one: it is listed as failed, and another wins."""
    honest = portfolio_module._candidates

    def seeded(*args: object) -> object:
        yield from honest(*args)  # type: ignore[arg-type]
        yield Candidate("wrong", (Native("gpi", (0,), (0.0,)),), (0.0, 0.0), (0, 1))

    monkeypatch.setattr(portfolio_module, "_candidates", seeded)
    made = optimize(text("bell"), "ionq_forte", 1)
    assert made.strategy != "wrong"
    assert [tried.verdict for tried in made.candidates if tried.name == "wrong"] == ["failed"]
    monkeypatch.setattr(portfolio_module, "_candidates", lambda *args: list(seeded(*args))[-1:])  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="could be shown equal"):
        optimize(text("bell"), "ionq_forte", 1)


def test_out_of_time_gives_what_is_proved_by_then() -> None:
    made = optimize(text("qft_12"), "ionq_forte", 3, search_seconds=0.0)
    assert made.strategy == "level0"
    assert made.verification.verdict == "proved"
    assert made.search_complete is False


def test_a_search_that_its_budget_ends_is_complete() -> None:
    """As is one that ends by itself, whatever time it was given: the same arguments give the same answer."""
    for limits in ({"budget": 3}, {"search_seconds": 3600.0}):
        assert optimize(text("bell"), "ionq_forte", 1, **limits).search_complete is True  # type: ignore[arg-type]


def test_a_check_that_the_clock_ended_leaves_the_search_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    """What looked best was not shown in time, so another is the answer."""
    honest, late = portfolio_module.Verifier.verify, []

    def verify(self: object, candidate: Candidate, deadline: float | None = None) -> object:
        if not late:
            late.append(candidate.name)
            raise TimeoutError
        return honest(self, candidate, deadline)  # type: ignore[arg-type]

    monkeypatch.setattr(portfolio_module.Verifier, "verify", verify)
    made = optimize(text("barenco_tof_5"), "ionq_forte", 1)
    assert made.strategy not in late
    assert [tried.verdict for tried in made.candidates[:2]] == ["unchecked", "proved"]
    assert made.search_complete is False


@pytest.mark.parametrize("objective", ["two_qubit_gates", "depth"])
def test_progress_is_told_after_each_candidate_and_changes_nothing(objective: Objective) -> None:
    told: list[Progress] = []
    made = optimize(text("barenco_tof_5"), "ionq_forte", 1, objective, progress=told.append)
    assert [one.candidates for one in told] == list(range(1, len(made.candidates) + 1))
    assert (told[0].two_qubit_gates, told[0].depth) == (made.original.two_qubit_gates, made.original.depth)
    assert (told[-1].two_qubit_gates, told[-1].depth) == (made.optimized.two_qubit_gates, made.optimized.depth)
    best = [one.depth if objective == "depth" else one.two_qubit_gates for one in told]
    assert best == sorted(best, reverse=True)
    assert made.gates == optimize(text("barenco_tof_5"), "ionq_forte", 1, objective).gates


def test_whoever_is_told_of_progress_may_end_the_search() -> None:
    def enough(made: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        optimize(text("bell"), "ionq_forte", 1, progress=enough)


def test_targets() -> None:
    assert {name: (machine.two_qubit_gate, machine.qubits) for name, machine in TARGETS.items()} == {
        "ionq_simulator": ("zz", 29),
        "ionq_aria": ("ms", 25),
        "ionq_forte": ("zz", 36),
        "ionq_forte_enterprise": ("zz", 36),
    }
    with pytest.raises(ValueError, match="26 qubits"):
        optimize(HEADER + "qreg q[26];", "ionq_aria")


def test_importing_the_package_imports_no_qiskit() -> None:
    code = (
        "import sys, qcos_optimizer, qcos_optimizer.sandbox\n"
        "assert not {'qiskit', 'numpy', 'scipy', 'qiskit_ionq'} & set(sys.modules), 'heavy'\n"
        "qcos_optimizer.optimize\n"
        "assert 'qiskit' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_what_other_code_teaches_qiskit_changes_nothing() -> None:
    """qiskit-ionq adds gates to a library that all of a process shares; here in a process of its own."""
    code = (
        "import json, sys; from qcos_optimizer import optimize\n"
        "if sys.argv[1] == 'taught':\n"
        "    from qiskit_ionq.ionq_equivalence_library import add_equivalences; add_equivalences()\n"
        "answer = optimize(sys.stdin.read(), 'ionq_aria', 3, 'depth', 4).to_dict(); del answer['seconds']\n"
        "print(json.dumps(answer))"
    )
    bell = text("bell")
    plain, taught = (
        subprocess.run([sys.executable, "-c", code, how], input=bell, capture_output=True, text=True, check=True).stdout
        for how in ("plain", "taught")
    )
    assert json.loads(plain)["candidates"]
    assert plain == taught
