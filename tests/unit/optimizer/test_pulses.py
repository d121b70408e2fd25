"""Every identity the lowering rests on, and the pulses it makes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from qiskit_ionq import GPI2Gate, GPIGate, MSGate, ZZGate
from scipy.linalg import expm
from scipy.stats import unitary_group

from qcos_optimizer.native import Matrix, Native, gpi, gpi2, measure_up, rz
from qcos_optimizer.pulses import FRAMES, Axis, Emitter, phase, pulses
from qcos_optimizer.simulation import Step, unitary
from qcos_optimizer.targets import TwoQubitGate

X = np.array([[0, 1], [1, 0]], dtype=complex)
ONE = np.eye(2, dtype=complex)
Y = np.array([[0, -1j], [1j, 0]])
Z = np.diag([1, -1]).astype(complex)
H = (X + Z) / math.sqrt(2)
PAULI: dict[Axis, Matrix] = {"x": X, "y": Y, "z": Z}
TURNS = [-0.9, -0.25, -0.13, 0.0, 0.07, 0.25, 0.31, 0.5, 0.77, 1.0]


def apart(wanted: Matrix, made: Matrix) -> float:
    overlap = np.vdot(wanted, made)
    return float(np.abs(wanted * overlap / abs(overlap) - made).max())


def ms(first: float, second: float, turns: float) -> Matrix:
    return Native("ms", (0, 1), (first, second, turns)).matrix()


def zz(turns: float) -> Matrix:
    return Native("zz", (0, 1), (turns,)).matrix()


def both(first: Matrix, second: Matrix) -> Matrix:
    return np.kron(second, first).astype(np.complex128)


@pytest.mark.parametrize("turns", TURNS)
@pytest.mark.parametrize("other", [0.0, 0.25, 0.4])
def test_matrices_are_those_of_qiskit_ionq(turns: float, other: float) -> None:
    assert apart(np.asarray(GPIGate(turns)), gpi(turns)) < 1e-12
    assert apart(np.asarray(GPI2Gate(turns)), gpi2(turns)) < 1e-12
    assert apart(np.asarray(ZZGate(turns)), zz(turns)) < 1e-12
    # Its matrix, as its definition, takes the first qubit as the least significant bit.
    assert apart(np.asarray(MSGate(turns, other, 0.11)), ms(turns, other, 0.11)) < 1e-12


@pytest.mark.parametrize("a", TURNS)
@pytest.mark.parametrize("f", [0.0, 0.21, 0.75])
@pytest.mark.parametrize("t", [0.0, 0.1, 0.25, 0.4])
def test_identities(a: float, f: float, t: float) -> None:
    b = 0.37 - a
    assert apart(gpi2(f) @ rz(a), rz(a) @ gpi2(f - a)) < 1e-12
    assert apart(gpi(f) @ rz(a), rz(a) @ gpi(f - a)) < 1e-12
    assert apart(gpi2(f) @ gpi2(f), gpi(f)) < 1e-12
    assert apart(ms(f, a, t) @ both(rz(a), rz(b)), both(rz(a), rz(b)) @ ms(f - a, a - b, t)) < 1e-12
    assert apart(ms(f, a, -t), ms(f + 0.5, a, t)) < 1e-12
    assert apart(ms(0, 0, t + 0.5), both(X, X) @ ms(0, 0, t)) < 1e-12
    assert apart(zz(t) @ both(rz(a), rz(b)), both(rz(a), rz(b)) @ zz(t)) < 1e-12
    assert apart(zz(t + 0.5), both(Z, Z) @ zz(t)) < 1e-12
    assert apart(zz(-t), both(X, ONE) @ zz(t) @ both(X, ONE)) < 1e-12
    assert apart(zz(t), expm(-1j * math.pi * t * np.kron(Z, Z))) < 1e-12
    assert apart(ms(f, a, t), expm(-1j * math.pi * t * np.kron(gpi(a), gpi(f)))) < 1e-12


@pytest.mark.parametrize(
    ("matrix", "count"),
    [
        (np.eye(2), 0),
        (rz(0.3), 0),
        (X, 1),
        (gpi(0.123), 1),
        (rz(0.1) @ Y @ rz(0.4), 1),
        (H, 1),
        (gpi2(0.9), 1),
        (rz(0.7) @ H @ rz(0.2), 1),
        *((matrix, 2) for matrix in unitary_group.rvs(2, size=50, random_state=1)),
    ],
)
def test_pulses_are_right_and_few(matrix: Matrix, count: int) -> None:
    made, turns = pulses(np.asarray(matrix, dtype=complex))
    product = np.eye(2, dtype=complex)
    for gate, angle in made:
        product = (gpi(angle) if gate == "gpi" else gpi2(angle)) @ product
        assert 0 <= angle < 1
    assert apart(matrix, rz(turns) @ product) < 1e-12
    assert len(made) == count


def test_phases_are_legal_at_the_edges() -> None:
    for turns in (-1e-17, 1 - 1e-17, 1.0, -1.0, 0.9999999999999999, 17.25, -1e-13):
        assert 0 <= phase(turns) < 1


@pytest.mark.parametrize(
    ("native", "frame"), [(native, frame) for native, frames in FRAMES.items() for frame in frames]
)
@pytest.mark.parametrize("seed", range(12))
def test_emitter_makes_what_it_is_asked_for(native: TwoQubitGate, frame: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    emitter = Emitter(3, native, frame)  # type: ignore[arg-type]  # the parameters are those of FRAMES
    asked: list[Step] = []
    special = [X, Z, H, rz(0.2), gpi2(0.3) @ X]
    for _ in range(40):
        if random.random() < 0.5:
            qubit = int(random.integers(3))
            matrix = special[random.integers(5)] if random.random() < 0.6 else unitary_group.rvs(2, random_state=random)
            emitter.one(qubit, matrix)
            asked.append(Step(matrix, (qubit,)))
        else:
            first, second = (int(place) for place in random.permutation(3)[:2])
            axis: Axis = ("x", "y", "z")[random.integers(3)]
            turns = float(random.choice([*TURNS, random.uniform(-2, 2)]))
            emitter.two(axis, first, second, turns)
            asked.append(Step(expm(-1j * math.pi * turns * np.kron(PAULI[axis], PAULI[axis])), (first, second)))
    final = emitter.finish()
    made = [Step(gate.matrix(), gate.qubits) for gate in emitter.gates]
    made += [Step(rz(turns), (qubit,)) for qubit, turns in enumerate(final)]
    assert apart(unitary(asked, 3), unitary(made, 3)) < 1e-11
    for gate in emitter.gates:
        if gate.gate in ("ms", "zz"):
            assert gate.gate == native
            assert 0 < gate.angles[-1] <= 0.25
        assert all(0 <= angle < 1 for angle in gate.angles)


def test_an_ms_frame_needs_one_pulse_a_run() -> None:
    random = np.random.default_rng(5)
    emitter = Emitter(2, "ms", "x")
    for _ in range(10):
        for qubit in (0, 1):
            emitter.one(qubit, unitary_group.rvs(2, random_state=random))
        emitter.two("x", 0, 1, 0.2)
    assert measure_up(emitter.gates).one_qubit_gates == 20


def test_a_frame_of_another_machine_is_refused() -> None:
    with pytest.raises(ValueError, match="frame"):
        Emitter(1, "zz", "x")


def test_counts() -> None:
    gates = [
        Native("gpi2", (0,), (0.0,)),
        Native("zz", (0, 1), (0.25,)),
        Native("gpi", (2,), (0.0,)),
        Native("zz", (2, 1), (0.125,)),
    ]
    assert measure_up(gates).to_dict() == {
        "depth": 3,
        "two_qubit_depth": 2,
        "two_qubit_gates": 2,
        "one_qubit_gates": 2,
        "entangling_angle_microturns": 375_000,
    }
    assert measure_up([]).depth == 0
