"""Are the measured bits distributed as the input's, when all qubits start in |0>? Knows no pass.

Up to 20 qubits both circuits are run from |0...0> and the probabilities of the measured qubits compared: there is only
one input, so nothing is left open. Above that a :class:`Reduction` is replayed, each of its steps a matrix identity on
at most five qubits, and the candidate is shown to be the reduced circuit as in unitary mode. Errors are distances of
states, which bound the total variation distance of the distributions, and add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .candidate import Candidate
from .native import Matrix
from .simulation import Step, fuse, product_state, run, unitary
from .source import Source
from .verification import Verification, Verifier

RUN_QUBITS = 20
TOLERANCE = 1e-9

ZERO: Matrix = np.array([1, 0], dtype=np.complex128)


@dataclass(frozen=True, slots=True)
class Absorbed:
    """The operation leaves ``qubits``, whose states are known, in the product of the states ``after``; on its other
    qubits it is ``rest`` (None: nothing), before which ``preparations`` make those of their states that are known."""

    qubits: tuple[int, ...]
    after: tuple[Matrix, ...]
    preparations: tuple[Step, ...]
    rest: Step | None


@dataclass(frozen=True, slots=True)
class Kept:
    """The operation stays, after ``preparations`` that make the known states of its qubits from |0>."""

    preparations: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The states of all its qubits are known: what comes out is made from |0...0> by ``steps`` instead."""

    steps: tuple[Step, ...]


Record = Absorbed | Kept | Prepared


@dataclass(frozen=True, slots=True)
class Reduction:
    """``source`` claims to have the distribution of another circuit.

    ``records`` hold one entry for every operation of that circuit, ``last`` what makes the states of measured qubits
    that are known to the end; ``dropped`` are places in the sequence of all these steps that no measurement sees.
    """

    source: Source
    records: tuple[Record, ...]
    last: tuple[Step, ...]
    dropped: frozenset[int]


class DistributionVerifier:
    """Checks candidates against one input; the verdict is never more than ``distribution``."""

    def __init__(self, source: Source, reduction: Reduction, seed: int) -> None:
        self._source = source
        self._whole = Verifier(source, seed)
        self._reduced = Verifier(reduction.source, seed)
        self._reduction = reduction
        self._wanted: NDArray[np.float64] | None = None
        self._replayed: float | None = None

    def verify(self, candidate: Candidate, deadline: float | None = None) -> Verification | None:
        """The verdict, or None if the candidate is wrong or cannot be checked.

        Raises TimeoutError if the circuits are not through by ``deadline`` (``time.perf_counter``, seconds)."""
        if not fits(candidate, self._source.qubits):
            return None
        if self._source.qubits <= RUN_QUBITS:
            return self._by_running(candidate, deadline)
        if self._replayed is None:
            self._replayed = replay(self._source, self._reduction)
        found = None
        if self._replayed <= TOLERANCE:
            found = self._reduced.verify(candidate, deadline)
        # Level 0 of the input itself is a candidate too.
        found = found or self._whole.verify(candidate, deadline)
        if found is None:
            return None
        apart = self._replayed + float(np.sqrt(found.max_infidelity))
        proved = found.verdict == "proved"
        return replace(
            found, verdict="distribution", method="stages" if proved else found.method, max_infidelity=apart, proof=None
        )

    def _by_running(self, candidate: Candidate, deadline: float | None) -> Verification | None:
        qubits = self._source.qubits
        read = sorted({qubit for qubit in self._source.measured if qubit is not None})
        if self._wanted is None:
            steps = [operation.step() for operation in self._source.operations]
            self._wanted = _probabilities(steps, qubits, read, deadline)
        steps = [Step(gate.matrix(), gate.qubits) for gate in candidate.gates]
        made = _probabilities(steps, qubits, [candidate.layout[qubit] for qubit in read], deadline)
        apart = float(np.abs(self._wanted - made).sum() / 2)
        return Verification("distribution", "statevector", 1, 0, apart) if apart <= TOLERANCE else None


def fits(candidate: Candidate, qubits: int) -> bool:
    """Whether gates and permutation name qubits that there are, none twice."""
    places = all(
        len(set(gate.qubits)) == len(gate.qubits) and all(0 <= qubit < qubits for qubit in gate.qubits)
        for gate in candidate.gates
    )
    return places and sorted(candidate.layout) == list(range(qubits))


def _probabilities(
    steps: Sequence[Step], qubits: int, read: Sequence[int], deadline: float | None
) -> NDArray[np.float64]:
    """Of all outcomes of ``read``, axis k being ``read[k]``, from |0...0>."""
    state = run(fuse(steps), product_state([ZERO] * qubits), deadline)[..., 0]
    chances = (state.real**2 + state.imag**2).astype(np.float64)
    axes = [qubits - 1 - qubit for qubit in read]
    others = tuple(axis for axis in range(qubits) if axis not in axes)
    kept = [axis for axis in range(qubits) if axis in axes]
    summed: NDArray[np.float64] = chances.sum(axis=others)
    return summed.transpose([kept.index(axis) for axis in axes])


def replay(source: Source, reduction: Reduction) -> float:
    """How far the distributions of ``source`` and ``reduction.source`` may be apart; infinite if the steps do not
    lead from one to the other."""
    if len(reduction.records) != len(source.operations):
        return float("inf")
    known = dict.fromkeys(range(source.qubits), ZERO)
    made: list[Step] = []
    error = 0.0
    for operation, record in zip(source.operations, reduction.records, strict=True):
        error += _replay_one(operation.step(), record, known, made)
        if not error <= TOLERANCE:
            return float("inf")
    read = {qubit for qubit in source.measured if qubit is not None}
    error += _prepare(reduction.last, read, known, made)
    error += _drop(made, reduction.dropped, read)
    left = [step for place, step in enumerate(made) if place not in reduction.dropped]
    there = [operation.step() for operation in reduction.source.operations]
    same = len(left) == len(there) and all(
        one.qubits == other.qubits
        and one.matrix.shape == other.matrix.shape
        and np.allclose(one.matrix, other.matrix, rtol=0, atol=1e-15)
        for one, other in zip(left, there, strict=True)
    )
    kept = (reduction.source.qubits, reduction.source.measured, reduction.source.registers)
    if not same or kept != (source.qubits, source.measured, source.registers):
        return float("inf")
    return error if error <= TOLERANCE else float("inf")


def _replay_one(step: Step, record: Record, known: dict[int, Matrix], made: list[Step]) -> float:
    match record:
        case Kept(preparations):
            error = _prepare(preparations, set(step.qubits), known, made)
            made.append(step)
            return error
        case Prepared(steps):
            if not known.keys() >= set(step.qubits) or any(set(one.qubits) - set(step.qubits) for one in steps):
                return float("inf")
            place = {qubit: number for number, qubit in enumerate(step.qubits)}
            local = [Step(one.matrix, tuple(place[qubit] for qubit in one.qubits)) for one in steps]
            held = product_state([known.pop(qubit) for qubit in step.qubits]).reshape(-1)
            made.extend(steps)
            return _apart(step.matrix @ held, unitary(local, len(place))[:, 0])
        case Absorbed(qubits, after, preparations, rest):
            others = tuple(qubit for qubit in step.qubits if qubit not in qubits)
            inside = set(qubits) <= set(step.qubits) & known.keys() and len(set(qubits)) == len(qubits) == len(after)
            if not inside or (preparations if rest is None else rest.qubits != others):
                return float("inf")
            wanted = isometry(step, {qubit: known[qubit] for qubit in qubits}, others)
            left: Matrix = np.eye(2 ** len(others), dtype=np.complex128) if rest is None else rest.matrix
            vector = product_state([one / np.linalg.norm(one) for one in after]).reshape(-1)
            error = _apart(wanted.reshape(-1), np.multiply.outer(vector, left).reshape(-1))
            known.update(zip(qubits, after, strict=True))
            if rest is not None:
                error += _prepare(preparations, set(others), known, made)
                made.append(rest)
            return error


def isometry(step: Step, known: dict[int, Matrix], others: tuple[int, ...]) -> Matrix:
    """``step`` on qubits that start in the ``known`` states: an array of shape (2**k, 2**m, 2**m), its axes the known
    qubits after it, the ``others`` after it and before it; first qubits are least significant."""
    size = len(step.qubits)
    tensor = step.matrix.reshape((2,) * (2 * size))
    axis = {qubit: size - 1 - place for place, qubit in enumerate(step.qubits)}
    order = (
        [axis[qubit] for qubit in reversed(known)]
        + [axis[qubit] for qubit in reversed(others)]
        + [size + axis[qubit] for qubit in reversed(others)]
        + [size + axis[qubit] for qubit in reversed(known)]
    )
    width = 2 ** len(others)
    moved = tensor.transpose(order).reshape(2 ** len(known), width, width, 2 ** len(known))
    made: Matrix = moved @ product_state(list(known.values())).reshape(-1)
    return made


def _prepare(steps: Sequence[Step], qubits: set[int], known: dict[int, Matrix], made: list[Step]) -> float:
    """The known states of ``qubits`` are made by ``steps``, one for each that is not |0>, and are not known after."""
    error = 0.0
    waiting = {qubit: known.pop(qubit) for qubit in sorted(qubits) if qubit in known}
    for step in steps:
        if len(step.qubits) != 1 or step.qubits[0] not in waiting:
            return float("inf")
        error += _apart(waiting.pop(step.qubits[0]), step.matrix[:, 0]) + _not_unitary(step)
        made.append(step)
    return error + sum(_apart(state, ZERO) for state in waiting.values())


def _drop(made: Sequence[Step], dropped: frozenset[int], read: set[int]) -> float:
    """Steps after which nothing happens to their qubits, and which do not change what is read from them: whatever is
    not read may be changed, even depending on what is."""
    error = 0.0
    busy: set[int] = set()
    for place in reversed(range(len(made))):
        step = made[place]
        if place not in dropped:
            busy.update(step.qubits)
        elif busy.isdisjoint(step.qubits):
            error += unseen(step, read)
        else:
            return float("inf")
    return error if all(0 <= place < len(made) for place in dropped) else float("inf")


def unseen(step: Step, read: set[int]) -> float:
    """The norm by which ``step`` changes the bits of those of its qubits that are ``read``."""
    mask = sum(1 << place for place, qubit in enumerate(step.qubits) if qubit in read)
    index = np.arange(len(step.matrix)) & mask
    return float(2 * np.linalg.norm(step.matrix[index[:, None] != index[None, :]]))


def _apart(one: Matrix, other: Matrix) -> float:
    """The distance of two vectors up to a phase."""
    overlap = complex(np.vdot(other, one))
    if overlap == 0:
        return float("inf")
    return float(np.linalg.norm(one - other * (overlap / abs(overlap))))


def _not_unitary(step: Step) -> float:
    return float(np.linalg.norm(step.matrix @ step.matrix.conj().T - np.eye(len(step.matrix))))
