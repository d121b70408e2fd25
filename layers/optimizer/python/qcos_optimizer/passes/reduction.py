"""What the state |0...0> at the beginning and the measurements at the end make superfluous.

Right for the distribution of the measured bits only, not for the unitary. Every step is recorded, so that
:mod:`qcos_optimizer.distribution` can check it.
"""

from __future__ import annotations

import cmath
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from qiskit.circuit import ControlledGate, Instruction
from qiskit.circuit.library import RXXGate, UGate, UnitaryGate

from ..distribution import ZERO, Absorbed, Kept, Prepared, Record, Reduction, isometry, unseen
from ..native import Matrix
from ..simulation import Step
from ..source import Operation, Source

NEGLIGIBLE = 1e-12


def reduce(source: Source) -> Reduction:
    """``source`` without what its distribution does not need.

    Forward: as long as a qubit's state is known, gates on it are worked out instead of made. A gate that leaves known
    qubits in a product is only what it does to the others (a control that is |0> or |1>, a target that only turns a
    phase back into its control); two known qubits that become entangled are made so by one rotation. Backward: a gate
    is dropped that nothing follows and that only changes phases, or qubits that are not read.
    """
    known = dict.fromkeys(range(source.qubits), ZERO)
    made: list[Operation] = []
    records: list[Record] = []
    for operation in source.operations:
        record, more = _forward(operation, known)
        records.append(record)
        made += more
    read = {qubit for qubit in source.measured if qubit is not None}
    last = _preparations(sorted(read), known)
    made += last
    dropped = _backward(made, read)
    left = tuple(operation for place, operation in enumerate(made) if place not in dropped)
    return Reduction(
        replace(source, operations=left, parts=(1,) * len(left)),
        tuple(records),
        tuple(one.step() for one in last),
        frozenset(dropped),
    )


def _forward(operation: Operation, known: dict[int, Matrix]) -> tuple[Record, list[Operation]]:
    step = operation.step()
    there = [qubit for qubit in step.qubits if qubit in known]
    for size in range(len(there), 0, -1):
        for chosen in combinations(there, size):
            found = _absorb(operation.gate, step, chosen, known)
            if found is not None:
                return found
    if len(step.qubits) == len(there) == 2:
        steps = _entangle(step, known)
        for qubit in step.qubits:
            del known[qubit]
        return Prepared(tuple(one.step() for one in steps)), steps
    before = _preparations(step.qubits, known)
    return Kept(tuple(one.step() for one in before)), [*before, operation]


def _absorb(
    gate: Instruction, step: Step, chosen: tuple[int, ...], known: dict[int, Matrix]
) -> tuple[Absorbed, list[Operation]] | None:
    """The operation without the ``chosen`` qubits, if it leaves them in a product with each other and the rest."""
    others = tuple(qubit for qubit in step.qubits if qubit not in chosen)
    there = isometry(step, {qubit: known[qubit] for qubit in chosen}, others)
    rows = there.reshape(len(there), -1)
    place = np.unravel_index(int(np.abs(rows).argmax()), rows.shape)
    column = rows[:, place[1]] / np.linalg.norm(rows[:, place[1]])
    rest = column.conj() @ rows
    if np.linalg.norm(rows - np.outer(column, rest)) > NEGLIGIBLE:
        return None
    after = _factors(column, len(chosen))
    if after is None:
        return None
    matrix = rest.reshape(2 ** len(others), -1)
    if _alike(matrix, np.eye(len(matrix), dtype=np.complex128)):
        known.update(zip(chosen, after, strict=True))
        return Absorbed(chosen, after, (), None), []
    left = _gate_of(gate, step, chosen, matrix)
    if left is None:
        return None
    known.update(zip(chosen, after, strict=True))
    before = _preparations(others, known)
    made = Operation(left, others)
    return Absorbed(chosen, after, tuple(one.step() for one in before), made.step()), [*before, made]


def _factors(state: Matrix, qubits: int) -> tuple[Matrix, ...] | None:
    """A product state's qubits, the least significant first; None if it is no product."""
    made = []
    for _ in range(qubits):
        rows = state.reshape(-1, 2)
        row = rows[int(np.linalg.norm(rows, axis=1).argmax())]
        one = row / np.linalg.norm(row)
        rest = rows @ one.conj()
        if np.linalg.norm(rows - np.outer(rest, one)) > NEGLIGIBLE:
            return None
        made.append(one)
        state = rest
    return tuple(made)


def _gate_of(gate: Instruction, step: Step, chosen: tuple[int, ...], matrix: Matrix) -> Instruction | None:
    """A gate of this ``matrix``: one of the library's where controls fall away, so that later passes know it."""
    if len(matrix) == 2:
        return _one_qubit(matrix)
    if isinstance(gate, ControlledGate):
        controls = gate.num_ctrl_qubits
        if all(step.qubits.index(qubit) < controls for qubit in chosen):
            inner = gate.base_gate
            smaller = inner if len(chosen) == controls else inner.control(controls - len(chosen), annotated=False)
            if _alike(np.asarray(smaller.to_matrix()), matrix):
                return smaller
    return UnitaryGate(matrix) if len(matrix) == 4 else None


def _alike(one: Matrix, other: Matrix) -> bool:
    """Equal up to a phase."""
    overlap = complex(np.vdot(other, one))
    return overlap != 0 and float(np.abs(one - other * (overlap / abs(overlap))).max()) < NEGLIGIBLE


def _one_qubit(matrix: Matrix) -> UGate:
    """``matrix`` up to a phase. The phase of a small entry is known badly, so it decides about small entries only."""
    theta = 2 * float(np.arctan2(abs(matrix[1, 0]), abs(matrix[0, 0])))
    phi = cmath.phase(matrix[1, 0] * matrix[0, 0].conjugate())
    if abs(matrix[0, 0]) >= abs(matrix[1, 0]):
        return UGate(theta, phi, cmath.phase(matrix[1, 1] * matrix[0, 0].conjugate()) - phi)
    return UGate(theta, phi, phi - cmath.phase(-matrix[1, 0] * matrix[0, 1].conjugate()))


def _preparations(qubits: Sequence[int], known: dict[int, Matrix]) -> list[Operation]:
    """Gates that make the known states of ``qubits`` from |0>; they are not known any more."""
    made = []
    for qubit in qubits:
        state = known.pop(qubit, None)
        if state is not None and abs(state[1]) > NEGLIGIBLE / 10:
            made.append(Operation(_making(state), (qubit,)))
    return made


def _making(state: Matrix) -> UGate:
    theta = 2 * float(np.arctan2(abs(state[1]), abs(state[0])))
    return UGate(theta, cmath.phase(state[1] * state[0].conjugate()) if abs(state[0]) > NEGLIGIBLE else 0.0, 0.0)


def _entangle(step: Step, known: dict[int, Matrix]) -> list[Operation]:
    """What ``step`` makes of two known qubits, by one rotation: cos |u v> + sin |u' v'> is RXX on |00>, turned."""
    first, second = step.qubits
    state = (step.matrix @ np.kron(known[second], known[first])).reshape(2, 2)
    left, weights, right = np.linalg.svd(state)
    angle = 2 * float(np.arctan2(weights[1], weights[0]))
    # state[s, f] = sum over k of weights[k] left[s, k] right[k, f]; the rotation gives its second term a -i.
    ones = (right.T, left @ np.diag([1, 1j]))
    turned = [Operation(_one_qubit(matrix), (qubit,)) for matrix, qubit in zip(ones, (first, second), strict=True)]
    return [Operation(RXXGate(angle), (first, second)), *turned]


def _backward(made: Sequence[Operation], read: set[int]) -> set[int]:
    dropped = set()
    busy: set[int] = set()
    for place in reversed(range(len(made))):
        operation = made[place]
        if busy.isdisjoint(operation.qubits) and unseen(operation.step(), read) <= NEGLIGIBLE:
            dropped.add(place)
        else:
            busy.update(operation.qubits)
    return dropped
