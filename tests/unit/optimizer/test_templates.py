"""Templates: exact, of the least number of rotations known, and their table is what its search gives."""

from __future__ import annotations

import math
from itertools import pairwise, product

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.circuit.library import CCXGate, CCZGate, CSwapGate
from qiskit.quantum_info import Operator

from qcos_optimizer.matrices import turns_matrix
from qcos_optimizer.native import Matrix
from qcos_optimizer.passes.assembly import core_turns
from qcos_optimizer.passes.axial import Axial, Entangler, axial, core, embed_bits
from qcos_optimizer.passes.fitting import fit, refine, shorten
from qcos_optimizer.passes.template_table import TABLE
from qcos_optimizer.passes.templates import operations, stored, template
from qcos_optimizer.simulation import unitary
from qcos_optimizer.source import Operation

from .axials import apart

PAIRS = ((0, 1), (0, 2), (1, 2))
I2: Matrix = np.eye(2, dtype=np.complex128)
# kind, angle, pattern: rotations and total angle in turns
CASES = {
    ("ccp", math.pi, (1, 0)): (5, 0.761),
    ("ccp", 1.23, (1, 0)): (5, 0.42),
    ("ccp", -0.3, (1, 0)): (5, 0.19),
    ("cciz", 0.125, (1, 0)): (4, 0.636),
    ("cciz", -0.125, (1, 0)): (4, 0.636),
    ("margolus", 1.0, (1, 0)): (3, 0.5001),
    ("margolus", -1.0, (0, 1)): (3, 0.5001),
    ("margolus", 1.0, (0, 0)): (3, 0.5834),
    ("peres", 1.0, (1, 0)): (4, 0.6251),
    ("peres", -1.0, (1, 0)): (4, 0.6251),
    ("peres_xx", 1.0, (1, 0)): (5, 0.8751),
    ("peres_xx", -1.0, (1, 0)): (5, 0.8751),
    ("zzz", 0.07, (1, 0)): (3, 0.5701),
    ("cswap", 0.0, (1, 0)): (6, 1.1251),
}


def entangler(case: tuple[str, float, tuple[int, int]]) -> Entangler:
    kind, angle, pattern = case
    return Entangler(kind, (0, 1, 2), (I2, I2, I2), angle, pattern)  # type: ignore[arg-type]


def made_of(item: Entangler) -> tuple[Operation, ...]:
    return operations(Axial(3, [item], [I2] * 3, (0, 1, 2), ([], [], []), [True] * 3))


@pytest.mark.parametrize("case", CASES)
def test_templates_are_exact_and_short(case: tuple[str, float, tuple[int, int]]) -> None:
    item = entangler(case)
    made = made_of(item)
    assert apart(unitary([one.step() for one in made], 3), item.core()) < 1e-13
    turns = [abs(float(one.gate.params[0])) / (2 * math.pi) for one in made if len(one.qubits) == 2]
    rotations, total = CASES[case]
    assert len(turns) == rotations
    assert sum(abs(math.remainder(turn, 0.5)) for turn in turns) <= total


@pytest.mark.parametrize("case", CASES)
def test_their_pauli_rotations_are_exact(case: tuple[str, float, tuple[int, int]]) -> None:
    item = entangler(case)
    assert apart(turns_matrix(tuple(core_turns(item)), 3), item.core()) < 1e-13


def independent(name: str) -> Matrix:
    """The target built from Qiskit's gates, knowing nothing of the library's cores."""
    circuit = QuantumCircuit(3)
    circuit.ccz(0, 1, 2)
    if name == "cciz":
        circuit.rzz(math.pi / 4, 0, 1)
    elif name.startswith("margolus"):
        low = name == "margolus_00"
        for qubit in (0, 1) if low else (1,):
            circuit.x(qubit)
        circuit.ccx(0, 1, 2)
        for qubit in (0, 1) if low else (1,):
            circuit.x(qubit)
    elif name == "peres":
        circuit.h(1)
        circuit.rzz(-math.pi / 2, 0, 1)
        circuit.h(1)
    elif name == "peres_xx":
        circuit.rxx(-math.pi / 2, 0, 1)
    elif name == "cswap":
        return np.asarray(CSwapGate().to_matrix(), dtype=np.complex128)
    return np.asarray(Operator(circuit).data, dtype=np.complex128)


@pytest.mark.parametrize("name", TABLE)
def test_the_table_against_independent_targets(name: str) -> None:
    used = stored(name)
    circuit = QuantumCircuit(3)
    for qubit, matrix in enumerate(used.first):
        circuit.unitary(matrix, [qubit])
    for (low, high), turns, after in zip(used.pairs, used.turns, used.after, strict=True):
        circuit.rzz(2 * math.pi * turns, low, high)
        circuit.unitary(after[0], [low])
        circuit.unitary(after[1], [high])
    assert apart(Operator(circuit).data, independent(name)) < 1e-13
    # A single angle off by 1e-6 shows.
    wrong = circuit.copy()
    wrong.rzz(1e-6, *used.pairs[0])
    assert apart(Operator(wrong).data, independent(name)) > 1e-7


@pytest.mark.parametrize("gate", [CCXGate(), CCZGate(), CSwapGate()])
@pytest.mark.parametrize("places", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_gates_in_any_order_of_qubits(gate: CCXGate, places: tuple[int, int, int]) -> None:
    circuit = QuantumCircuit(3)
    circuit.t(0)
    circuit.h(1)
    circuit.append(gate, places)
    read = axial([Operation(e.operation, tuple(circuit.find_bit(q).index for q in e.qubits)) for e in circuit.data], 3)
    assert apart(unitary([one.step() for one in operations(read)], 3), Operator(circuit).data) < 1e-12


@pytest.mark.parametrize(("name", "count"), [("cciz", 4), ("margolus", 3), ("peres", 4)])
def test_no_structure_with_one_rotation_less_is_found(name: str, count: int) -> None:
    assert len(stored(name).pairs) == count
    for pairs in product(PAIRS, repeat=count - 1):
        if all(one != other for one, other in pairwise(pairs)):
            assert fit(independent(name), pairs, np.random.default_rng(3), 4) == []


def test_the_search_finds_the_table_again() -> None:
    wanted = core("cciz", 0.125, (1, 0))
    found = fit(wanted, stored("cciz").pairs, np.random.default_rng(11), 12)
    assert found
    best = shorten(wanted, found[0])
    assert best.total <= found[0].total
    assert best.total == pytest.approx(sum(abs(math.remainder(turn, 0.5)) for turn in stored("cciz").turns), abs=1e-4)
    again = refine(wanted, best)
    assert again is not None
    assert apart(again.matrix(), wanted) < 1e-12
    assert [one.total for one in fit(wanted, stored("cciz").pairs, np.random.default_rng(11), 12)] == [
        one.total for one in found
    ]


def test_a_kind_without_template_is_refused() -> None:
    with pytest.raises(ValueError, match="no template"):
        template(Entangler("window", (0, 1, 2), (I2, I2, I2)))


def test_bits_move_to_their_places() -> None:
    assert embed_bits(0b101, (4, 0, 2)) == 0b10100
