"""Does a candidate do what the input does? Exactly, by windows, or on random states; nothing unverified is ever chosen.

The input is taken as the product of its gates' matrices, the candidate as the product of its native gates' matrices,
its final RZs and its output permutation: these, and a global phase, are the only freedoms. Nothing is assumed of the
input state.
"""

from __future__ import annotations

import cmath
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any, Literal

import numpy as np

from .candidate import Candidate, Via
from .certificate import Rotations, Stage, Whole, Window, Windows, claims_table, digest
from .certify import Certifier, Claim
from .matrices import permuted, spread
from .native import Matrix, rz
from .openqasm_three import read_source
from .passes.gather import gather, straighten
from .pauli import Turn
from .recheck import LIMIT, UNITARY_QUBITS, NotShown, check_last, check_rotations
from .scanning import Circuit, Form, Unreadable
from .simulation import Step, blocks, fuse, product_state, run
from .source import Operation, Source
from .turns import TurnsCache, placed_claims
from .windows import WINDOW_QUBITS

STATE_QUBITS = 24
TOLERANCE = 1e-9
CONDENSED_CLAIMS = 4_000
"""Beyond so many gates no blocks are multiplied out to find a proof."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What the certificate is made of: that the native circuit is the input follows from ``stages``, up to ``error`` in
    operator norm. ``source`` is the form and the digest of the text that was read, None if the input was no text, or
    one that the checker does not read."""

    source: tuple[Form, str] | None
    stages: tuple[Stage, ...]
    error: float
    layout: tuple[int, ...]
    final_z: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Verification:
    """``proved``: equal as unitaries, checked whole (``unitary``), window by window (``windows``), or by Pauli
    rotations up to a circuit from which windows lead to the native one (``pauli``). ``tested``: equal on ``states``
    random product states, strong evidence but no proof. ``max_infidelity`` is the worst 1 - fidelity seen, or for what
    is proved an upper bound on it. ``distribution``: only the measured bits are distributed alike,
    from |0...0> (see :mod:`distribution`); ``max_infidelity`` bounds the total variation distance."""

    verdict: Literal["proved", "tested", "distribution"]
    method: Literal["unitary", "windows", "pauli", "product_states", "statevector", "stages"]
    states: int
    windows: int
    max_infidelity: float
    proof: Proof | None = None

    def to_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return {
            "verdict": self.verdict,
            "method": self.method,
            "states": self.states,
            "windows": self.windows,
            "max_infidelity": self.max_infidelity,
            "error_bound": None if self.proof is None else self.proof.error,
        }


class Verifier:
    """Checks candidates against one input; what it works out about the input is kept for the next candidate.

    With the ``text`` the input was read from, candidates are compared with what a second reader makes of it.
    """

    def __init__(self, source: Source, seed: int, text: str | None = None) -> None:
        self._source = source
        self._seed = seed
        self._text = text
        self._certifier = Certifier()
        self._vias: dict[int, tuple[Via, _Shown | None]] = {}

    def verify(self, candidate: Candidate, deadline: float | None = None) -> Verification | None:
        """The verdict, or None if the candidate is wrong or cannot be checked (above 24 qubits without checkpoints).

        Raises TimeoutError if ``deadline`` (``time.perf_counter``, seconds) has passed before a proof by rotations is
        tried, or random states are through."""
        if not self._well_formed(candidate) or self._steps is None:
            return None
        # A whole unitary is four times the work with every qubit, windows are no more work with more qubits.
        in_windows = candidate.via is None and candidate.checkpoints and self._source.qubits > WINDOW_QUBITS
        if self._source.qubits <= UNITARY_QUBITS and not in_windows:
            whole = _Shown((), tuple(self._reference), self._every, 0.0)
            return self._exactly(candidate, whole, Whole(), "unitary")
        if candidate.via is not None:
            shown = self._shown(candidate.via, deadline)
            windows = _windows([claim.step.qubits for claim in candidate.via.claims], 2, candidate)
            return None if shown is None else self._exactly(candidate, shown, windows, "pauli")
        # A circuit without gates has no window to check, and is proved by none.
        if candidate.checkpoints or not self._source.operations:
            windows = _windows([entry.qubits for entry in self._source.operations], WINDOW_QUBITS, candidate)
            apart = self._taken_apart
            return None if apart is None else self._exactly(candidate, apart, windows, "windows")
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

    @property
    def _every(self) -> tuple[int, ...]:
        return tuple(range(self._source.qubits))

    @cached_property
    def _read(self) -> Circuit | None:
        """What the second reader makes of the text, if it reads it; raises :class:`_ReadDifferently`."""
        if self._text is None:
            return None
        try:
            read = read_source(self._text)
        except Unreadable:
            return None
        source = self._source
        same = (read.qubits, read.registers, read.measured) == (source.qubits, source.registers, source.measured)
        if not same or len(read.steps) != len(self._parts(read)):
            raise _ReadDifferently
        for step, part in zip(read.steps, self._parts(read), strict=True):
            if not {qubit for entry in part for qubit in entry.qubits} <= set(step.qubits):
                raise _ReadDifferently
        return read

    def _parts(self, read: Circuit) -> list[tuple[Operation, ...]]:
        """The operations that became of each gate that the second reader sees."""
        operations = iter(self._source.operations)
        # Of OpenQASM 2 both see the same gates; of OpenQASM 3, controlled ones that have no name are taken apart.
        counts = self._source.parts if read.form == "openqasm3" else [1] * len(self._source.operations)
        return [tuple(islice(operations, count)) for count in counts]

    @cached_property
    def _steps(self) -> tuple[Step, ...] | None:
        """The input's gates; None if two readers do not understand it alike, so that nothing can be shown of it."""
        try:
            read = self._read
        except _ReadDifferently:
            return None
        return read.steps if read is not None else tuple(operation.step() for operation in self._source.operations)

    @cached_property
    def _digest(self) -> tuple[Form, str] | None:
        return None if self._text is None or self._read is None else (self._read.form, digest(self._text.encode()))

    @cached_property
    def _taken_apart(self) -> _Shown | None:
        """The circuit of ``source.operations``, of which windows are cut, and how it was shown to be the input."""
        read = self._read
        if read is None:
            return _Shown((), self._steps or (), self._every, 0.0)
        if [step.qubits for step in read.steps] == [operation.qubits for operation in self._source.operations]:
            return _Shown((), read.steps, self._every, 0.0)
        stage = _rotations(self._claims, self._each, self._every, condensed=False)
        try:
            steps, error = check_rotations(read.steps, self._source.qubits, stage, self._certifier)
        except NotShown:
            # There may only be too many rotations: then each gate is compared with what it became, for want of a stage
            # of the certificate that does so.
            error = sum(self._certifier.apart(claim) for claim in self._claims)
            steps = tuple(claim.step for claim in self._each)
            return _Shown((), steps, self._every, error, from_text=False) if error <= LIMIT else None
        return _Shown((stage,), steps, self._every, error)

    @cached_property
    def _reference(self) -> list[Step]:
        return fuse(self._steps or ())

    @cached_property
    def _claims(self) -> tuple[Claim, ...]:
        read = self._read
        if read is None:
            return self._each
        each = iter(self._each)
        made = []
        for step, part in zip(read.steps, self._parts(read), strict=True):
            turns: list[Turn] = []
            for claim in islice(each, len(part)):
                slots = [step.qubits.index(qubit) for qubit in claim.step.qubits]
                turns += ((spread(x, slots), spread(z, slots), angle) for x, z, angle in claim.turns)
            made.append(Claim(step, tuple(turns)))
        return tuple(made)

    @cached_property
    def _each(self) -> tuple[Claim, ...]:
        """The operations, in rotations."""
        cache = TurnsCache()
        return tuple(cache.claim(operation) for operation in self._source.operations)

    def _exactly(
        self,
        candidate: Candidate,
        shown: _Shown,
        last: Whole | Windows | None,
        method: Literal["unitary", "windows", "pauli"],
    ) -> Verification | None:
        """The native circuit against the one that was ``shown`` to be the input, each block an exact unitary."""
        native = [Step(gate.matrix(), gate.qubits) for gate in candidate.gates]
        if last is None:
            return None
        try:
            apart = check_last(shown.steps, shown.layout, native, candidate.layout, candidate.final_z, last)
        except NotShown:
            return None
        windows = len(last.windows) if isinstance(last, Windows) else 0
        if shown.tested is not None:
            worst = (shown.tested.max_infidelity**0.5 + apart) ** 2
            return replace(shown.tested, windows=windows, max_infidelity=worst) if apart <= LIMIT else None
        error = shown.error + apart
        if not error <= LIMIT:
            return None
        source = self._digest if shown.from_text else None
        proof = Proof(source, (*shown.stages, last), error, candidate.layout, candidate.final_z)
        # A fidelity differs from 1 by at most the square of the norm.
        return Verification("proved", method, 0, windows, error**2, proof)

    def _on_states(self, steps: Sequence[Step], layout: tuple[int, ...], deadline: float | None) -> Verification | None:
        qubits = self._source.qubits
        states = 8 if qubits <= 14 else 4 if qubits <= 18 else 2
        random = np.random.default_rng([self._seed, qubits])
        made_steps = fuse(steps)
        worst = 0.0
        for _ in range(states):
            vectors = random.normal(size=(qubits, 2)) + 1j * random.normal(size=(qubits, 2))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            made = permuted(run(made_steps, product_state(list(vectors)), deadline), layout)
            wanted = run(self._reference, product_state(list(vectors)), deadline)
            # Summed row by row: the arrays are views in different orders, and flat copies would double the memory.
            overlap = complex(sum(np.sum(one.conj() * other) for one, other in zip(wanted, made, strict=True)))
            infidelity = max(0.0, 1 - abs(overlap) ** 2)
            apart = max(_distance(one, other, overlap) for one, other in zip(wanted, made, strict=True))
            if not (infidelity <= TOLERANCE and apart <= TOLERANCE):
                return None
            worst = max(worst, infidelity)
        return Verification("tested", "product_states", states, 0, worst)

    def _shown(self, via: Via, deadline: float | None) -> _Shown | None:
        """How the input and ``via`` were shown equal: by Pauli rotations, else on states; kept for the next time."""
        if id(via) not in self._vias:
            found = self._by_rotations(via, deadline)
            if found is None and self._source.qubits <= STATE_QUBITS:
                steps = tuple(claim.step for claim in via.claims)
                tested = self._on_states(steps, via.layout, deadline)
                found = None if tested is None else _Shown((), steps, via.layout, 0.0, tested)
            self._vias[id(via)] = (via, found)
        return self._vias[id(via)][1]

    def _by_rotations(self, via: Via, deadline: float | None) -> _Shown | None:
        """The input and ``via`` in one stage if rotations cancel, or where blocks are multiplied out; else in two, over
        the circuit that ``via`` becomes when rotations that commute are brought together, or the one it was made of."""
        chains: list[list[tuple[tuple[Claim, ...], tuple[int, ...], bool]]] = [[(via.claims, via.layout, False)]]
        if len(via.claims) <= CONDENSED_CLAIMS:
            chains.append([(via.claims, via.layout, True)])
            for base in (via, via.origin) if via.origin else (via,):
                gathered = placed_claims(gather(straighten(base.claims, len(base.layout))))
                rest = [0] * len(via.layout)
                for place, wire in zip(base.layout, via.layout, strict=True):
                    rest[place] = wire
                for between in (base.claims, gathered):
                    if between is not via.claims:
                        chains.append([(between, base.layout, True), (via.claims, tuple(rest), False)])
        for chain in chains:
            if deadline is not None and time.perf_counter() > deadline:
                raise TimeoutError
            steps, claims = self._steps or (), self._claims
            stages: list[Stage] = []
            error = 0.0
            with suppress(NotShown):
                for made, layout, condensed in chain:
                    stage = _rotations(claims, made, layout, condensed=condensed)
                    steps, more = check_rotations(steps, self._source.qubits, stage, self._certifier)
                    error += more
                    stages.append(stage)
                    claims = made
                if error <= LIMIT:
                    return _Shown(tuple(stages), steps, via.layout, error)
        return None


class _ReadDifferently(Exception):
    """Two readers understand the text differently."""


@dataclass(frozen=True, slots=True)
class _Shown:
    """A circuit that ``stages`` show to be the input, output qubit q on its qubit ``layout[q]``; or that was only
    ``tested``. Unless it is ``from_text``, the stages begin with what the optimizer's reader made of it."""

    stages: tuple[Stage, ...]
    steps: tuple[Step, ...]
    layout: tuple[int, ...]
    error: float
    tested: Verification | None = None
    from_text: bool = True


def _rotations(
    claims: Sequence[Claim], made: Sequence[Claim], layout: tuple[int, ...], *, condensed: bool
) -> Rotations:
    table, gates, circuit = claims_table(
        [claim.turns for claim in claims], [(claim.turns, claim.step.qubits) for claim in made]
    )
    return Rotations(table, gates, circuit, layout, condensed)


def _windows(supports: Sequence[tuple[int, ...]], width: int, candidate: Candidate) -> Windows | None:
    """What the candidate's checkpoints claim of the blocks of a circuit; None if they do not fit together."""
    pieces = blocks(supports, width)
    if len(candidate.checkpoints) != len(pieces):
        return None
    made = []
    cut, layout = 0, tuple(range(len(candidate.layout)))
    for piece, after in zip(pieces, candidate.checkpoints, strict=True):
        home = [layout[qubit] for qubit in piece.qubits]
        ends = [after.layout[qubit] for qubit in piece.qubits]
        if after.cut < cut or sorted(home) != sorted(ends):
            return None
        made.append(Window(tuple(piece.members), after.cut - cut, tuple(home.index(wire) for wire in ends)))
        cut, layout = after.cut, after.layout
    return Windows(tuple(made))


def _steps(candidate: Candidate) -> list[Step]:
    made = [Step(gate.matrix(), gate.qubits) for gate in candidate.gates]
    return made + [Step(rz(turns), (wire,)) for wire, turns in enumerate(candidate.final_z) if turns]


def _distance(wanted: Matrix, made: Matrix, overlap: complex) -> float:
    """The largest difference between entries once the global phase of ``overlap`` is taken out."""
    if overlap == 0:
        return float("inf")
    return float(np.abs(wanted - made * cmath.exp(-1j * cmath.phase(overlap))).max())
