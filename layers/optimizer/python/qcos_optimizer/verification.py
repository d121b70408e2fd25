"""Does a candidate do what the input does? Exactly, by windows, or on random states; nothing unverified is ever chosen.

The input is taken as the product of its gates' matrices, the candidate as the product of its native gates' matrices,
its final RZs and its output permutation: these, and a global phase, are the only freedoms. Nothing is assumed of the
input state.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from .candidate import Candidate, Checkpoint, Via
from .certify import Certifier, Claim
from .native import IDENTITY, Matrix, Native, rz
from .simulation import Step, blocks, fuse, product_state, run, unitary
from .source import Source
from .turns import TurnsCache
from .windows import cut

UNITARY_QUBITS = 10
STATE_QUBITS = 24
TOLERANCE = 1e-9
NORM_TOLERANCE = 1e-8

Piece = tuple[tuple[int, ...], tuple[Step, ...]]
"""The qubits of a window, and its gates."""


@dataclass(frozen=True, slots=True)
class Verification:
    """``proved``: equal as unitaries, checked whole (``unitary``), window by window (``windows``), or by Pauli
    rotations up to a circuit from which windows lead to the native one (``pauli``). ``tested``: equal on ``states``
    random product states, strong evidence but no proof. ``max_infidelity`` is the worst 1 - fidelity seen, or for
    windows and Pauli rotations an upper bound on it. ``distribution``: only the measured bits are distributed alike,
    from |0...0> (see :mod:`distribution`); ``max_infidelity`` bounds the total variation distance."""

    verdict: Literal["proved", "tested", "distribution"]
    method: Literal["unitary", "windows", "pauli", "product_states", "statevector", "stages"]
    states: int
    windows: int
    max_infidelity: float

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return {
            "verdict": self.verdict,
            "method": self.method,
            "states": self.states,
            "windows": self.windows,
            "max_infidelity": self.max_infidelity,
        }


class Verifier:
    """Checks candidates against one input; what it works out about the input is kept for the next candidate."""

    def __init__(self, source: Source, seed: int) -> None:
        self._source = source
        self._seed = seed
        self._certifier = Certifier()
        self._vias: dict[int, tuple[Via, Verification | None]] = {}

    def verify(self, candidate: Candidate, deadline: float | None = None) -> Verification | None:
        """The verdict, or None if the candidate is wrong or cannot be checked (above 24 qubits without checkpoints).

        Raises TimeoutError if random states are not through by ``deadline`` (``time.perf_counter``, seconds)."""
        if not self._well_formed(candidate):
            return None
        if self._source.qubits <= UNITARY_QUBITS:
            return self._whole(candidate)
        if candidate.via is not None:
            return self._by_blocks(candidate, candidate.via, deadline)
        # A circuit without gates has no window to check, and is proved by none.
        if candidate.checkpoints or not self._source.operations:
            return self._by_windows(candidate)
        if self._source.qubits <= STATE_QUBITS:
            return self._on_states(_steps(candidate), candidate.layout, deadline)
        return None

    def _well_formed(self, candidate: Candidate) -> bool:
        every = list(range(self._source.qubits))
        within = all(
            qubit in range(self._source.qubits) and len(set(gate.qubits)) == len(gate.qubits)
            for gate in candidate.gates
            for qubit in gate.qubits
        )
        return within and sorted(candidate.layout) == every and len(candidate.final_z) == len(every)

    @cached_property
    def _unitary(self) -> Matrix:
        return unitary(self._reference, self._source.qubits)

    @cached_property
    def _reference(self) -> list[Step]:
        return fuse([operation.step() for operation in self._source.operations])

    @cached_property
    def _windows(self) -> tuple[Piece, ...]:
        return tuple(
            (window.qubits, tuple(operation.step() for operation in window.operations)) for window in cut(self._source)
        )

    @cached_property
    def _claims(self) -> tuple[Claim, ...]:
        cache = TurnsCache()
        return tuple(cache.claim(operation) for operation in self._source.operations)

    def _whole(self, candidate: Candidate) -> Verification | None:
        qubits = self._source.qubits
        made: Matrix = unitary(fuse(_steps(candidate)), qubits).reshape((2,) * qubits + (2**qubits,))
        made = _permute(made, candidate.layout).reshape(2**qubits, 2**qubits)
        overlap = complex(np.vdot(self._unitary, made)) / 2**qubits
        infidelity = max(0.0, 1 - abs(overlap) ** 2)
        if not (infidelity <= TOLERANCE and _distance(self._unitary, made, overlap) <= TOLERANCE):
            return None
        return Verification("proved", "unitary", 0, 0, infidelity)

    def _on_states(self, steps: Sequence[Step], layout: tuple[int, ...], deadline: float | None) -> Verification | None:
        qubits = self._source.qubits
        states = 8 if qubits <= 14 else 4 if qubits <= 18 else 2
        random = np.random.default_rng([self._seed, qubits])
        made_steps = fuse(steps)
        worst = 0.0
        for _ in range(states):
            vectors = random.normal(size=(qubits, 2)) + 1j * random.normal(size=(qubits, 2))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            made = _permute(run(made_steps, product_state(list(vectors)), deadline), layout)
            wanted = run(self._reference, product_state(list(vectors)), deadline)
            # Summed row by row: the arrays are views in different orders, and flat copies would double the memory.
            overlap = complex(sum(np.sum(one.conj() * other) for one, other in zip(wanted, made, strict=True)))
            infidelity = max(0.0, 1 - abs(overlap) ** 2)
            apart = max(_distance(one, other, overlap) for one, other in zip(wanted, made, strict=True))
            if not (infidelity <= TOLERANCE and apart <= TOLERANCE):
                return None
            worst = max(worst, infidelity)
        return Verification("tested", "product_states", states, 0, worst)

    def _by_windows(self, candidate: Candidate) -> Verification | None:
        apart = _windows_error(self._windows, candidate, candidate.layout)
        if not apart <= NORM_TOLERANCE:
            return None
        # A fidelity differs from 1 by at most the square of the norm.
        return Verification("proved", "windows", 0, len(self._windows), apart**2)

    def _by_blocks(self, candidate: Candidate, via: Via, deadline: float | None) -> Verification | None:
        """The input against ``via``, and ``via`` against the native circuit block by block."""
        first = self._shown(via, deadline)
        if first is None:
            return None
        steps = [claim.step for claim in via.claims]
        pieces = tuple(
            (tuple(block.qubits), tuple(steps[member] for member in block.members))
            for block in blocks([step.qubits for step in steps], 2)
        )
        wires = [0] * self._source.qubits
        for qubit, place in enumerate(via.layout):
            wires[place] = candidate.layout[qubit]
        apart = _windows_error(pieces, candidate, tuple(wires))
        worst = (math.sqrt(first.max_infidelity) + apart) ** 2
        if not apart <= NORM_TOLERANCE or (first.verdict == "proved" and worst > NORM_TOLERANCE**2):
            return None
        return replace(first, windows=len(pieces), max_infidelity=worst)

    def _shown(self, via: Via, deadline: float | None) -> Verification | None:
        """How the input and ``via`` were shown equal: by Pauli rotations, else on states; kept for the next time."""
        if id(via) not in self._vias:
            found = None
            apart = self._certifier.distance(self._claims, via.claims, self._source.qubits, via.layout)
            if apart is not None and apart <= NORM_TOLERANCE:
                found = Verification("proved", "pauli", 0, 0, apart**2)
            elif self._source.qubits <= STATE_QUBITS:
                found = self._on_states([claim.step for claim in via.claims], via.layout, deadline)
            self._vias[id(via)] = (via, found)
        return self._vias[id(via)][1]


def _windows_error(pieces: Sequence[Piece], candidate: Candidate, layout: tuple[int, ...]) -> float:
    """The norm by which the candidate's claims about ``pieces`` fail: each piece after what was pending before it =
    what is pending after its native gates. Infinite if they do not fit together, or do not end with ``layout``."""
    qubits = len(layout)
    before = Checkpoint(0, (IDENTITY,) * qubits, tuple(range(qubits)))
    if len(candidate.checkpoints) != len(pieces):
        return float("inf")
    total = 0.0
    for (inside, steps), after in zip(pieces, candidate.checkpoints, strict=True):
        total += _window_error(inside, steps, candidate.gates, before, after)
        if not total <= NORM_TOLERANCE:
            return float("inf")
        before = after
    if before.layout != layout:
        return float("inf")
    tail: list[list[Native]] = [[] for _ in range(qubits)]
    for gate in candidate.gates[before.cut :]:
        if len(gate.qubits) != 1:
            return float("inf")
        tail[gate.qubits[0]].append(gate)
    for wire, gates in enumerate(tail):
        made: Matrix = IDENTITY
        for gate in gates:
            made = gate.matrix() @ made
        made = rz(candidate.final_z[wire]) @ made
        total += _norm_apart(before.pending[wire], made)
    # The errors of unitaries in a row add up at most.
    return total


def _window_error(
    qubits: tuple[int, ...], steps: Sequence[Step], gates: Sequence[Native], before: Checkpoint, after: Checkpoint
) -> float:
    """The norm by which one window's claim fails; infinite if something outside the window changed."""
    wires = [before.layout[qubit] for qubit in qubits]
    local = {wire: number for number, wire in enumerate(wires)}
    inside = gates[before.cut : after.cut]
    if after.cut < before.cut or any(wire not in local for gate in inside for wire in gate.qubits):
        return float("inf")
    for qubit, (was, now) in enumerate(zip(before.layout, after.layout, strict=True)):
        if now != was and qubit not in qubits:
            return float("inf")
    if sorted(after.layout[qubit] for qubit in qubits) != sorted(wires):
        return float("inf")
    for wire, (held, holds) in enumerate(zip(before.pending, after.pending, strict=True)):
        if wire not in local and not np.array_equal(held, holds):
            return float("inf")
    place = {qubit: number for number, qubit in enumerate(qubits)}
    asked = [Step(before.pending[wire], (local[wire],)) for wire in wires]
    for step in steps:
        asked.append(Step(step.matrix, tuple(place[qubit] for qubit in step.qubits)))
    done = [Step(gate.matrix(), tuple(local[wire] for wire in gate.qubits)) for gate in inside]
    done += [Step(after.pending[wire], (local[wire],)) for wire in wires]
    size = len(wires)
    made: Matrix = unitary(done, size).reshape((2,) * size + (2**size,))
    made = _permute(made, tuple(local[after.layout[qubit]] for qubit in qubits)).reshape(2**size, 2**size)
    return _norm_apart(unitary(asked, size), made)


def _steps(candidate: Candidate) -> list[Step]:
    made = [Step(gate.matrix(), gate.qubits) for gate in candidate.gates]
    return made + [Step(rz(turns), (wire,)) for wire, turns in enumerate(candidate.final_z) if turns]


def _permute(state: Matrix, layout: tuple[int, ...]) -> Matrix:
    """Read qubit q of the result from qubit ``layout[q]`` of ``state``."""
    last = len(layout) - 1
    return state.transpose([last - layout[last - axis] for axis in range(len(layout))] + [len(layout)])


def _distance(wanted: Matrix, made: Matrix, overlap: complex) -> float:
    """The largest difference between entries once the global phase of ``overlap`` is taken out."""
    if overlap == 0:
        return float("inf")
    return float(np.abs(wanted - made * cmath.exp(-1j * cmath.phase(overlap))).max())


def _norm_apart(wanted: Matrix, made: Matrix) -> float:
    """The Frobenius norm of the difference up to a global phase: at least the operator norm."""
    overlap = complex(np.vdot(wanted, made))
    if overlap == 0:
        return float("inf")
    return float(np.linalg.norm(wanted - made * cmath.exp(-1j * cmath.phase(overlap))))
