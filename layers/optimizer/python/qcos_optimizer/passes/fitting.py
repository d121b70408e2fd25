"""Unitaries of a few qubits as ZZ rotations of any angle with free one-qubit gates between them, found numerically.

A *structure* is a sequence of qubit pairs. Its circuit is one local unitary on every qubit, then for each pair
exp(-i pi t Z x Z) and a local unitary on both qubits of the pair. The angles and local unitaries that make a wanted
matrix are found by the Levenberg-Marquardt method with exact derivatives, for many starts at once: with U = S T cut
anywhere, a generator P there changes U by U (T^-1 i P T), so only Heisenberg-evolved Paulis are needed.
Index bit q of a matrix belongs to qubit q.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..native import Matrix

Pair = tuple[int, int]
Reals = NDArray[np.float64]

SOLVED = 1e-26
"""A start has converged when its mean squared distance is below this and does not fall further."""

PATIENCE = 10
STUCK = 0.9
"""A start that comes less than this much nearer in so many iterations is given up."""

_PAULIS: Matrix = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]], dtype=np.complex128)


@dataclass(frozen=True, slots=True)
class Fit:
    """``first`` (qubits, 2, 2), then for each of ``pairs`` the ZZ angle ``turns[k]`` and the local unitaries
    ``after[k]`` (2, 2, 2) on its two qubits; ``error`` is the Frobenius distance from the wanted matrix, phase aside,
    over the square root of its size."""

    pairs: tuple[Pair, ...]
    first: Matrix
    turns: Reals
    after: Matrix
    error: float

    @property
    def total(self) -> float:
        """Sum of the entangling angles, each folded into 0 to 1/4 turn."""
        return float(np.abs(self.turns - np.round(self.turns * 2) / 2).sum())

    def matrix(self) -> Matrix:
        """The circuit's unitary."""
        problem = _Problem(self.pairs, len(self.first))
        made: Matrix = problem.prefixes(self.first[None], self.turns[None], self.after[None])[0, -1]
        return made


class _Problem:
    """What depends on the structure only."""

    def __init__(self, pairs: tuple[Pair, ...], qubits: int) -> None:
        self.pairs, self.qubits, self.size = pairs, qubits, 2**qubits
        index = np.arange(self.size)
        bit = (index[:, None] >> np.arange(qubits)) & 1
        signs = 1.0 - 2.0 * bit
        self.zz = np.array([signs[:, low] * signs[:, high] for low, high in pairs]).reshape(-1, self.size)
        self.paulis = np.array([[embed(pauli, qubit, qubits) for pauli in _PAULIS] for qubit in range(qubits)])
        # X and Y on both qubits of every pair.
        self.flips = np.array([[self.paulis[low, :2], self.paulis[high, :2]] for low, high in pairs])
        self.flips = self.flips.reshape(-1, 4, self.size, self.size)
        # Where a product on a pair has its entries, and which: those that differ elsewhere are zero.
        self.entries = np.array([bit[:, low] + 2 * bit[:, high] for low, high in pairs], dtype=np.int64)
        self.entries = self.entries.reshape(-1, self.size)
        rest = [index & ~(1 << low | 1 << high) for low, high in pairs]
        self.same = np.array([other[:, None] == other for other in rest], dtype=np.float64)
        self.same = self.same.reshape(-1, self.size, self.size)

    def prefixes(self, first: Matrix, turns: Reals, after: Matrix) -> Matrix:
        """The circuit up to and with the ZZ of each pair, its locals not yet there, and at last the whole circuit:
        shape (starts, pairs + 1, size, size)."""
        starts, pairs = turns.shape
        phases = np.exp(-1j * math.pi * turns[:, :, None] * self.zz)
        locals_ = self._locals(after)
        made = np.empty((starts, pairs + 1, self.size, self.size), dtype=np.complex128)
        now = _product(first)
        for number in range(pairs):
            np.multiply(phases[:, number, :, None], now, out=made[:, number])
            now = locals_[:, number] @ made[:, number]
        made[:, pairs] = now
        return made

    def _locals(self, after: Matrix) -> Matrix:
        """The products of the unitaries on each pair, on all qubits."""
        starts, pairs = after.shape[:2]
        small = (after[:, :, 1, :, None, :, None] * after[:, :, 0, None, :, None, :]).reshape(starts, pairs, 4, 4)
        number = np.arange(pairs)[:, None, None]
        wide: Matrix = small[:, number, self.entries[:, :, None], self.entries[:, None, :]] * self.same
        return wide

    def derivatives(self, prefixes: Matrix) -> Matrix:
        """T^-1 P T for every parameter: three per qubit, then per pair its ZZ and X, Y on both qubits (a Z there is
        the same as one before the ZZ), shape (starts, parameters, size, size)."""
        starts, pairs, size = prefixes.shape[0], len(self.pairs), self.size
        free = 3 * self.qubits
        made = np.empty((starts, free + 5 * pairs, size, size), dtype=np.complex128)
        made[:, :free] = self.paulis.reshape(free, size, size)
        inner = made[:, free:].reshape(starts, pairs, 5, size, size)
        forth = prefixes[:, :pairs]
        back = forth.conj().transpose(0, 1, 3, 2)
        inner[:, :, 0] = back @ (self.zz[:, :, None] * forth)
        inner[:, :, 1:] = back[:, :, None] @ (self.flips @ forth[:, :, None])
        return made


def fit(
    wanted: Matrix,
    pairs: Sequence[Pair],
    random: np.random.Generator,
    starts: int = 16,
    iterations: int = 60,
) -> list[Fit]:
    """Every start that reached ``wanted`` up to a global phase, the least total angle first; empty if none did."""
    qubits = int(wanted.shape[0]).bit_length() - 1
    problem = _Problem(tuple(pairs), qubits)
    first = _random_locals(random, (starts, qubits))
    after = _random_locals(random, (starts, len(pairs), 2))
    turns = random.uniform(-0.25, 0.25, (starts, len(pairs)))
    return _descend(problem, wanted, first, turns, after, iterations)


def refine(wanted: Matrix, guess: Fit, iterations: int = 30) -> Fit | None:
    """``guess`` moved onto ``wanted``, or None if that does not succeed."""
    problem = _Problem(guess.pairs, len(guess.first))
    made = _descend(problem, wanted, guess.first[None], guess.turns[None], guess.after[None], iterations)
    return made[0] if made else None


def shorten(wanted: Matrix, start: Fit, rounds: int = 200) -> Fit:
    """The same structure with a smaller total angle: steps along the solutions' tangent, each brought back."""
    best, step = start, 0.1
    problem = _Problem(start.pairs, len(start.first))
    for _ in range(rounds):
        prefixes = problem.prefixes(best.first[None], best.turns[None], best.after[None])
        jacobian = _rows(problem.derivatives(prefixes))[0]
        slope = np.zeros(jacobian.shape[0])
        # A parameter's step d multiplies by exp(i d ZZ): the angle changes by -d / pi.
        folded = best.turns - np.round(best.turns * 2) / 2
        slope[3 * problem.qubits :: 5] = -np.sign(folded) * (np.abs(folded) > 1e-9)
        # Angles at zero stay there: they add a constraint, not a direction.
        pinned = [3 * problem.qubits + 5 * k for k in range(len(folded)) if abs(folded[k]) <= 1e-9]
        rows = np.concatenate([jacobian.T, np.eye(jacobian.shape[0])[pinned]])
        _, values, vectors = np.linalg.svd(rows, full_matrices=True)
        free = vectors[int((values > 1e-7).sum()) :]
        direction = -(free.T @ (free @ slope))
        size = float(np.linalg.norm(direction))
        if size < 1e-9 or step < 1e-7:
            break
        moved = _moved(problem, best.first[None], best.turns[None], best.after[None], direction[None] * step / size)
        tried = _descend(problem, wanted, *moved, 20)
        if tried and tried[0].total < best.total - 1e-12:
            best, step = tried[0], step * 1.5
        else:
            step /= 2
    return best


def _descend(
    problem: _Problem, wanted: Matrix, first: Matrix, turns: Reals, after: Matrix, iterations: int
) -> list[Fit]:
    made: list[Fit] = []
    damping = np.full(turns.shape[0], 0.3)
    prefixes = problem.prefixes(first, turns, after)
    error, rest = _errors(wanted, prefixes[:, -1])
    # The error PATIENCE iterations ago: who has not come nearer since is stuck in a local minimum.
    passed = [np.full_like(error, np.inf)] * PATIENCE
    eye = np.eye(3 * problem.qubits + 5 * len(problem.pairs))
    for _ in range(iterations):
        evolved = problem.derivatives(prefixes)
        rows = _rows(evolved)
        gram = rows @ rows.transpose(0, 2, 1)
        flat = evolved.reshape(*evolved.shape[:2], -1)
        slope: Reals = np.imag(flat @ rest.transpose(0, 2, 1).reshape(len(rest), -1, 1))[..., 0] / problem.size
        solved = np.linalg.solve(gram + damping[:, None, None] * eye, slope[:, :, None])
        step: Reals = solved[:, :, 0].astype(np.float64, copy=False)
        moved = _moved(problem, first, turns, after, step)
        tried = problem.prefixes(*moved)
        found, left = _errors(wanted, tried[:, -1])
        better = found < error
        damping = np.where(better, np.maximum(damping * 0.2, 1e-14), np.minimum(damping * 4, 1e3))
        error = np.where(better, found, error)
        rest = np.where(better[:, None, None], left, rest)
        first = np.where(better[:, None, None, None], moved[0], first)
        turns = np.where(better[:, None], moved[1], turns)
        after = np.where(better[:, None, None, None, None], moved[2], after)
        prefixes = np.where(better[:, None, None, None], tried, prefixes)
        done = (error < SOLVED) & ((error < 1e-31) | ~better)
        made += [Fit(problem.pairs, first[k], turns[k], after[k], math.sqrt(error[k])) for k in np.flatnonzero(done)]
        keep = ~done & (error < STUCK * passed[0])
        if not keep.any():
            break
        passed = [*(before[keep] for before in passed[1:]), error[keep]]
        error, rest, damping = error[keep], rest[keep], damping[keep]
        first, turns, after = first[keep], turns[keep], after[keep]
        prefixes = prefixes[keep]
    return sorted(made, key=lambda one: one.total)


def _rows(evolved: Matrix) -> Reals:
    """The Hermitian matrices as real vectors whose products are Re tr(G H) / size."""
    flat = np.ascontiguousarray(evolved).reshape(*evolved.shape[:2], -1).view(np.float64)
    return flat / math.sqrt(evolved.shape[-1])


def _errors(wanted: Matrix, made: Matrix) -> tuple[Reals, Matrix]:
    """The mean squared distance from ``wanted``, phase aside, and (wanted^-1 made)^-1 times that phase."""
    rest = made.conj().transpose(0, 2, 1) @ wanted
    trace = np.trace(rest, axis1=1, axis2=2)
    phase = np.exp(-1j * np.angle(trace))
    rest = rest * phase[:, None, None]
    size = wanted.shape[0]
    return np.linalg.norm(rest - np.eye(size), axis=(1, 2)) ** 2 / size, rest


def _moved(problem: _Problem, first: Matrix, turns: Reals, after: Matrix, step: Reals) -> tuple[Matrix, Reals, Matrix]:
    starts, qubits, pairs = step.shape[0], problem.qubits, len(problem.pairs)
    free = step[:, : 3 * qubits].reshape(starts, qubits, 3)
    inner = step[:, 3 * qubits :].reshape(starts, pairs, 5)
    flat = np.zeros((starts, pairs, 2, 3))
    flat[..., :2] = inner[:, :, 1:].reshape(starts, pairs, 2, 2)
    return first @ _exponential(free), turns - inner[:, :, 0] / math.pi, after @ _exponential(flat)


def _exponential(vectors: Reals) -> Matrix:
    """exp(i v.sigma) for vectors of shape (..., 3)."""
    length = np.linalg.norm(vectors, axis=-1)[..., None, None]
    sinc = np.sinc(length / math.pi)
    made: Matrix = np.cos(length) * np.eye(2) + 1j * sinc * np.einsum("...k,kij->...ij", vectors, _PAULIS)
    return made


def _random_locals(random: np.random.Generator, shape: tuple[int, ...]) -> Matrix:
    """Unitaries of determinant 1, uniformly at random."""
    four = random.normal(size=(*shape, 4))
    four /= np.linalg.norm(four, axis=-1, keepdims=True)
    made: Matrix = four[..., :1, None] * np.eye(2) + 1j * np.einsum("...k,kij->...ij", four[..., 1:], _PAULIS)
    return made


def _product(locals_: Matrix) -> Matrix:
    """The tensor products of one-qubit matrices (starts, qubits, 2, 2)."""
    made = locals_[:, 0]
    for qubit in range(1, locals_.shape[1]):
        size = 2 * made.shape[1]
        made = (locals_[:, qubit, :, None, :, None] * made[:, None, :, None, :]).reshape(-1, size, size)
    return made


def embed(matrix: Matrix, qubit: int, qubits: int) -> Matrix:
    """``matrix`` on one of ``qubits`` qubits."""
    made = np.kron(np.kron(np.eye(2 ** (qubits - 1 - qubit)), matrix), np.eye(2**qubit))
    return made.astype(np.complex128, copy=False)
