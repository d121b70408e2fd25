"""The Pauli-rotation proof: right circuits of every kind pass, hundreds of wrong ones do not."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import CUGate, CXGate, RZXGate, XXPlusYYGate, iSwapGate
from qiskit.quantum_info import Operator
from qiskit.quantum_info import Pauli as QiskitPauli
from qiskit.synthesis import TwoQubitBasisDecomposer

from qcos_optimizer import certify
from qcos_optimizer.certify import Certifier, Claim
from qcos_optimizer.condensing import condense
from qcos_optimizer.matrices import turns_matrix, turns_of_one
from qcos_optimizer.native import Native, gpi, gpi2, rz
from qcos_optimizer.passes.gadgets import Weighting, synthesize
from qcos_optimizer.pauli import Pauli, PauliForm, anticommute, sign, times
from qcos_optimizer.pulses import pulses
from qcos_optimizer.simulation import Step
from qcos_optimizer.source import take_apart
from qcos_optimizer.standard_gates import STANDARD
from qcos_optimizer.turns import TurnsCache, form_of, native_claim, placed_claims

from .circuits import HEADER, load, random_circuit


def claims_of(circuit: QuantumCircuit) -> tuple[Claim, ...]:
    cache = TurnsCache()
    return tuple(cache.claim(operation) for operation in take_apart(circuit).operations)


def pauli_matrix(x: int, z: int, qubits: int) -> np.ndarray:
    """The Hermitian Pauli with these bits, of plus sign."""
    letters = "".join("IXZY"[(x >> qubit & 1) + 2 * (z >> qubit & 1)] for qubit in reversed(range(qubits)))
    return QiskitPauli(letters).to_matrix()


def matrix(pauli: Pauli, qubits: int) -> np.ndarray:
    x, z, _ = pauli
    return sign(pauli) * pauli_matrix(x, z, qubits)


def test_what_a_gate_is_in_rotations_is_its_matrix() -> None:
    """Of every gate of qelib1.inc, all in one circuit: a name may stand for gates of several widths."""
    circuit = QuantumCircuit(5)
    for name, (angles, qubits) in sorted(STANDARD.items()):
        if name not in ("u0", "id"):
            given = ",".join(f"0.{number + 3}1" for number in range(angles))
            places = ",".join(f"q[{place}]" for place in range(qubits))
            circuit.compose(load(f"{HEADER}qreg q[5]; {name}{f'({given})' if given else ''} {places};"), inplace=True)
    claims = claims_of(circuit)
    assert {len(claim.step.qubits) for claim in claims} == {1, 2, 3, 4, 5}
    assert max(Certifier().apart(claim) for claim in claims) < 1e-12


def test_ten_thousand_rotations_are_compared() -> None:
    random = np.random.default_rng(8)
    circuit = QuantumCircuit(24)
    for _ in range(10_000):
        first, second = (int(place) for place in random.choice(24, 2, replace=False))
        circuit.cx(first, second)
        circuit.rz(float(random.uniform(0.1, 0.7)), second)
    claims, layout = claims_of(circuit), range(24)
    assert sum(len(claim.turns) for claim in claims) > 30_000
    found = Certifier().distance(claims, claims, 24, layout)
    assert found is not None
    assert found < 1e-9
    assert Certifier().distance(claims, claims[:-1], 24, layout) is None


def test_the_work_of_a_proof_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where all commute, what stands in another order is looked for among all of them."""
    circuit = QuantumCircuit(20)
    for first, second in combinations(range(20), 2):
        circuit.rzz(0.01 * (first + 20 * second), first, second)
    claims, layout = claims_of(circuit), range(20)
    assert Certifier().distance(claims, claims[::-1], 20, layout) is not None
    monkeypatch.setattr(certify, "MAX_PASSED", 45_000)
    assert Certifier().distance(claims, claims, 20, layout) is not None
    assert Certifier().distance(claims, claims[::-1], 20, layout) is None


def clifford_and_t(qubits: int, gates: int, seed: int) -> QuantumCircuit:
    random = np.random.default_rng([seed, qubits])
    circuit = QuantumCircuit(qubits)
    for _ in range(gates):
        first, second, third = (int(place) for place in random.choice(qubits, 3, replace=False))
        kind = int(random.integers(9))
        if kind < 3:
            circuit.cx(first, second)
        elif kind < 5:
            circuit.h(first)
        elif kind < 7:
            circuit.rz(float(random.choice([math.pi / 4, -math.pi / 4, 0.3, math.pi / 2])), first)
        elif kind == 7:
            circuit.ccx(first, second, third)
        else:
            circuit.swap(first, second)
    return circuit


@pytest.mark.parametrize("seed", range(20))
def test_products_of_paulis(seed: int) -> None:
    random = np.random.default_rng(seed)
    x, z, other_x, other_z = (int(mask) for mask in random.integers(0, 8, 4))
    one: Pauli = (x, z, (x & z).bit_count() % 4)
    other: Pauli = (other_x, other_z, ((other_x & other_z).bit_count() + 2) % 4)
    made = times(one, other)
    rest = (made[2] - (made[0] & made[1]).bit_count()) % 4
    expected = matrix(one, 3) @ matrix(other, 3)
    assert np.allclose(expected, 1j**rest * pauli_matrix(made[0], made[1], 3))


@pytest.mark.parametrize("seed", range(10))
def test_the_form_is_the_circuit(seed: int) -> None:
    """Rotations, then a Clifford that makes of each X and Z what the rows say."""
    circuit = random_circuit(3, 25, seed)
    form = form_of(claims_of(circuit), 3)
    rotations = turns_matrix(form.rotations, 3)
    clifford = Operator(circuit).data @ rotations.conj().T
    for qubit in range(3):
        for row, generator in ((form.image_x[qubit], (1 << qubit, 0)), (form.image_z[qubit], (0, 1 << qubit))):
            seen = clifford.conj().T @ pauli_matrix(*generator, 3) @ clifford
            assert np.abs(seen - matrix(row, 3)).max() < 1e-9
    assert form.error < 1e-9
    assert all(abs(turns) > 1e-12 for _, _, turns in form.rotations)


def test_equal_rotations_are_merged_across_those_that_commute() -> None:
    circuit = QuantumCircuit(3)
    circuit.t(0)
    circuit.rzz(0.3, 0, 1)
    circuit.cx(0, 2)
    circuit.t(0)
    circuit.cx(0, 2)
    circuit.rzz(-0.3, 0, 1)
    form = form_of(claims_of(circuit), 3)
    assert form.rotations == []
    circuit.h(0)
    circuit.t(0)
    circuit.h(0)
    circuit.t(0)
    first, second = form_of(claims_of(circuit), 3).rotations
    assert anticommute(*first[:2], *second[:2])
    assert first[2] == second[2] == 0.125


def test_what_stood_between_may_vanish() -> None:
    """X(0.2) Z(0.1) Z(-0.1) X(-0.2), the middle apart at first: only a second look finds that all is nothing."""
    form = PauliForm(2)
    for x, z, turns in ((1, 0, 0.2), (0, 1, 0.1), (0, 2, 0.1), (1, 0, -0.2)):
        form.turn(x, z, turns)
    assert len(form.rotations) == 4
    form.turn(1, 0, 0.2)
    form.turn(0, 1, -0.1)
    form.turn(1, 0, -0.2)
    form.settle()
    assert form.rotations == [(0, 2, 0.1)]


@pytest.mark.parametrize("seed", range(8))
def test_one_qubit_gates_are_their_turns(seed: int) -> None:
    random = np.random.default_rng(seed)
    for angles in (random.uniform(-7, 7, 3), random.integers(-4, 5, 3) * math.pi / 4):
        circuit = QuantumCircuit(1)
        circuit.u(*angles, 0)
        wanted = Operator(circuit).data
        made = turns_matrix(turns_of_one(wanted), 1)
        assert abs(abs(np.vdot(wanted, made)) - 2) < 1e-12


@pytest.mark.parametrize("away", [1e-12, 1e-10, 1e-8, 1e-6, 1e-4])
def test_nearly_a_flip_or_nearly_nothing_loses_no_digits(away: float) -> None:
    """Phases of the small entries are known badly; nothing else may be."""
    random = np.random.default_rng(3)
    for middle in (away, 0.5 - away):
        first, last = random.uniform(-0.5, 0.5, 2)
        wanted = turns_matrix(((0, 1, first), (1, 0, middle), (0, 1, last)), 1)
        made, rest = pulses(wanted)
        pulsed = rz(rest)
        for gate, turns in reversed(made):
            pulsed = pulsed @ (gpi(turns) if gate == "gpi" else gpi2(turns))
        for found in (turns_matrix(turns_of_one(wanted), 1), pulsed):
            overlap = np.vdot(found, wanted)
            assert np.abs(found * overlap / abs(overlap) - wanted).max() < 2e-12


@pytest.mark.parametrize("gate", [("gpi", (0,), (0.3,)), ("gpi2", (0,), (0.7,)), ("zz", (0, 1), (0.2,))])
def test_native_gates_are_their_turns(gate: tuple[str, tuple[int, ...], tuple[float, ...]]) -> None:
    assert Certifier().distance([native_claim(Native(*gate))], [native_claim(Native(*gate))], 2, (0, 1)) is not None  # type: ignore[arg-type]
    ms = native_claim(Native("ms", (0, 1), (0.1, 0.4, 0.2)))
    assert abs(abs(np.vdot(ms.step.matrix, turns_matrix(ms.turns, 2))) - 4) < 1e-12


@pytest.mark.parametrize("qubits", [3, 5, 14])
@pytest.mark.parametrize("seed", range(4))
def test_rewritten_circuits_are_proved(qubits: int, seed: int) -> None:
    circuit = clifford_and_t(qubits, 60, seed)
    wanted = claims_of(circuit)
    made = synthesize(form_of(wanted, qubits), Weighting())
    assert made is not None
    found = Certifier().distance(wanted, placed_claims(made.turns), qubits, made.layout)
    assert found is not None
    assert found < 1e-10
    if qubits <= 5:
        small = turns_matrix(
            (
                (
                    sum(1 << wire for slot, wire in enumerate(wires) if x >> slot & 1),
                    sum(1 << wire for slot, wire in enumerate(wires) if z >> slot & 1),
                    turns,
                )
                for (x, z, turns), wires in made.turns
            ),
            qubits,
        )
        tensor = small.reshape((2,) * qubits + (2**qubits,))
        axes = [qubits - 1 - made.layout[qubits - 1 - axis] for axis in range(qubits)] + [qubits]
        again = tensor.transpose(axes).reshape(2**qubits, 2**qubits)
        assert abs(abs(np.vdot(Operator(circuit).data, again)) / 2**qubits - 1) < 1e-10


def mutants(claims: tuple[Claim, ...], random: np.random.Generator) -> list[tuple[Claim, ...]]:
    """One change each, every one of which changes the unitary: the changed claim itself stays true."""
    made = []
    for _ in range(12):
        place = int(random.integers(len(claims)))
        (x, z, turns), qubits = claims[place].turns[0], claims[place].step.qubits
        kind = int(random.integers(5))
        if kind == 0:
            other: tuple[Claim, ...] = ()
        elif kind == 1:
            other = placed_claims([((x, z, turns + float(random.choice([1e-6, -0.01, 0.25, 0.5]))), qubits)])
        elif kind == 2 and abs(math.remainder(turns, 0.5)) > 1e-6:
            other = placed_claims([((x, z, -turns), qubits)])
        elif kind == 3:
            masks = (z, x) if x != z else (x, 0)
            other = placed_claims([((*masks, turns), qubits)])
        else:
            other = (*placed_claims([((1, 0, 0.5), (qubits[0],))]), claims[place])
        made.append((*claims[:place], *other, *claims[place + 1 :]))
    return made


@pytest.mark.parametrize("seed", range(30))
def test_no_mutant_is_proved(seed: int) -> None:
    qubits = 3 + seed % 8
    wanted = claims_of(clifford_and_t(qubits, 40, seed))
    form = form_of(wanted, qubits)
    made = synthesize(form, Weighting())
    assert made is not None
    certifier = Certifier()
    right = placed_claims(made.turns)
    assert certifier.distance(wanted, right, qubits, made.layout) is not None
    for mutant in mutants(right, np.random.default_rng(seed)):
        assert certifier.distance(wanted, mutant, qubits, made.layout) is None
    swapped = (made.layout[1], made.layout[0], *made.layout[2:])
    assert certifier.distance(wanted, right, qubits, swapped) is None
    assert certifier.distance(wanted, right, qubits, (0,) * qubits) is None


@pytest.mark.parametrize("cautious", [True, False])
@pytest.mark.parametrize("seed", range(12))
def test_condensing_changes_no_unitary(seed: int, cautious: bool) -> None:
    """Whatever is brought together and written anew: rotations and Clifford are still the circuit."""
    circuit, other = random_circuit(3, 8, seed), random_circuit(3, 8, seed + 100)
    wanted = claims_of(circuit) + claims_of(other.inverse()) + claims_of(other)
    form = form_of(wanted, 3)
    for wires in ((0, 1), (2, 1), (0,), (0, 2)):
        condense(form, wires, cautious=cautious)
    assert form.error < 1e-10
    clifford = Operator(circuit).data @ turns_matrix(form.rotations, 3).conj().T
    for qubit in range(3):
        for row, generator in ((form.image_x[qubit], (1 << qubit, 0)), (form.image_z[qubit], (0, 1 << qubit))):
            seen = clifford.conj().T @ pauli_matrix(*generator, 3) @ clifford
            assert np.abs(seen - matrix(row, 3)).max() < 1e-9


def decomposed(circuit: QuantumCircuit) -> tuple[Claim, ...]:
    """Each two-qubit gate by itself as Qiskit decomposes its matrix: angles of its own, one-qubit gates besides."""
    made = QuantumCircuit(circuit.num_qubits)
    for entry in circuit.data:
        places = [circuit.find_bit(bit).index for bit in entry.qubits]
        made.compose(TwoQubitBasisDecomposer(CXGate())(Operator(entry.operation).data), places, inplace=True)
    return claims_of(made)


def two_qubit_circuit(seed: int, qubits: int = 11) -> QuantumCircuit:
    random = np.random.default_rng(seed)
    circuit = QuantumCircuit(qubits)
    for number in range(30):
        first, second = (int(place) for place in random.choice(qubits, 2, replace=False))
        angles = random.uniform(-3, 3, 3)
        gate = (CUGate(*angles, 0.3), XXPlusYYGate(angles[0], angles[1]), iSwapGate(), RZXGate(angles[0]))[number % 4]
        circuit.append(gate, [first, second])
    return circuit


@pytest.mark.parametrize("seed", range(4))
def test_decompositions_without_a_common_angle_are_proved(seed: int) -> None:
    circuit = two_qubit_circuit(seed)
    wanted, made, every = claims_of(circuit), decomposed(circuit), tuple(range(11))
    assert Certifier().distance(wanted, made, 11, every) is None
    found = Certifier().distance(wanted, made, 11, every, condensed=True)
    assert found is not None
    assert found < 1e-10
    certifier = Certifier()
    for mutant in mutants(made, np.random.default_rng(seed)):
        apart = certifier.distance(wanted, mutant, 11, every, condensed=True)
        assert apart is None or apart > 1e-8
    assert certifier.distance(wanted, made, 11, (1, 0, *range(2, 11)), condensed=True) is None


def test_a_false_claim_shows_in_the_distance() -> None:
    true = placed_claims([((1, 2, 0.1), (0, 1))])[0]
    false = replace(true, turns=((1, 2, 0.1 + 1e-6),))
    found = Certifier().distance([true], [replace(false, step=true.step)], 2, (0, 1))
    assert found is None or found > 1e-6
    found = Certifier().distance([true], [false], 2, (0, 1))
    assert found is None
    # A claim of other rotations than its matrix, equal to the wanted ones: the matrix counts.
    lying = Claim(Step(turns_matrix(((1, 2, 0.3),), 2), (0, 1)), true.turns)
    found = Certifier().distance([true], [lying], 2, (0, 1))
    assert found is not None
    assert found > 0.1


@pytest.mark.parametrize(
    "broken",
    [
        Claim(Step(np.eye(4, dtype=np.complex128), (0, 0)), ()),
        Claim(Step(np.eye(4, dtype=np.complex128), (0, 2)), ()),
        Claim(Step(np.eye(2, dtype=np.complex128), (0, 1)), ()),
        Claim(Step(np.eye(2, dtype=np.complex128), (0,)), ((2, 0, 1.0),)),
    ],
)
def test_claims_that_do_not_fit(broken: Claim) -> None:
    assert Certifier().distance([], [broken], 2, (0, 1)) is None
    assert Certifier().distance([broken], [], 2, (0, 1)) is None
    assert Certifier().distance([], [], 2, (0, 1)) == 0.0
