"""Candidates, each lowered, scored and verified; the best verified one is the answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, get_args

from qiskit.circuit import QuantumCircuit

from .candidate import Candidate
from .chains import chains
from .document import Optimized, Tried
from .entangling import plans
from .errors import CircuitError
from .literal import literal_metrics
from .lowering import PartsCache, level_zero, lower_windows
from .native import Metrics, measure_up
from .parsing import parse
from .passes.assembly import lower_groups
from .passes.blocks import lower_merged
from .pulses import FRAMES
from .source import Source, take_apart
from .synthesis import in_windows
from .targets import Target
from .targets import target as find_target
from .verification import UNITARY_QUBITS, Verifier
from .windows import Window, cut

Objective = Literal["two_qubit_gates", "depth", "model_score"]
LEVELS = range(4)


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate, its counts and its rank: the smaller the better."""

    candidate: Candidate
    metrics: Metrics
    rank: tuple[float, ...]


def optimize(
    circuit: str | QuantumCircuit,
    target: str,
    level: int = 2,
    objective: Objective = "two_qubit_gates",
    seed: int = 0,
    *,
    search_seconds: float | None = None,
) -> Optimized:
    """The best native circuit found for ``circuit`` on ``target``, shown to be the same unitary.

    ``circuit`` is OpenQASM 2 text or a circuit, gates followed by final measurements (none: all are measured).
    ``level`` 0 lowers gate by gate; 1 to 3 search longer, and none does worse than the one before on ``objective``:
    ``two_qubit_gates`` (then entangling angle, then depth), ``depth`` of native gates (then the same), or
    ``model_score``, a product of gate fidelities at the target's default error rates. The same ``seed`` gives the same
    answer, unless ``search_seconds`` (wall clock) ended the search early: then the best found by then is returned,
    level 0 at the least. Raises :class:`CircuitError`, :class:`UnknownTarget`, or ValueError for a level, objective or
    seed there is not.

    Text from strangers belongs into :func:`qcos_optimizer.optimize_in_child`.
    """
    started = time.perf_counter()
    machine = find_target(target)
    if level not in LEVELS:
        raise ValueError("level must be 0, 1, 2 or 3")
    if objective not in get_args(Objective):
        raise ValueError(f"objective must be one of {', '.join(get_args(Objective))}")
    if not 0 <= seed < 2**32:
        raise ValueError("seed must be at least 0 and less than 2**32")
    source = take_apart(parse(circuit) if isinstance(circuit, str) else circuit)
    if source.qubits > machine.qubits:
        raise CircuitError(
            f"the circuit has {source.qubits} qubits, {machine.name} has {machine.qubits}", "too_many_qubits"
        )
    deadline = None if search_seconds is None else started + search_seconds
    scored = []
    for candidate in _candidates(source, machine, level, seed):
        scored.append(_score(candidate, machine, objective))
        # The other half of the time is for checking.
        if search_seconds is not None and time.perf_counter() > started + search_seconds / 2:
            break
    original = scored[0].metrics
    # Level 0 comes first and sorting is stable: what is not better than it does not replace it.
    scored.sort(key=lambda entry: entry.rank)
    verifier = Verifier(source, seed)
    tried: list[Tried] = []
    winner = None
    for entry in scored:
        verification = None
        verdict: Literal["proved", "tested", "failed", "unchecked"] = "unchecked"
        if winner is None:
            with suppress(TimeoutError):
                verification = verifier.verify(entry.candidate, deadline)
                verdict = "failed" if verification is None else verification.verdict
        tried.append(Tried(entry.candidate.name, entry.metrics, verdict, verification is not None))
        if verification is not None:
            winner = (entry, verification)
    if winner is None:
        raise CircuitError("no native circuit could be shown equal to this one", "unverifiable")
    entry, verification = winner
    return Optimized(
        gates=entry.candidate.gates,
        target=machine.name,
        level=level,
        objective=objective,
        qubits=source.qubits,
        registers=list(source.registers),
        measured=[None if qubit is None else entry.candidate.layout[qubit] for qubit in source.measured],
        original=original,
        optimized=entry.metrics,
        literal=literal_metrics(source, machine.two_qubit_gate),
        verification=verification,
        strategy=entry.candidate.name,
        candidates=tuple(tried),
        seconds=time.perf_counter() - started,
    )


def _candidates(source: Source, machine: Target, level: int, seed: int) -> Iterator[Candidate]:
    native = machine.two_qubit_gate
    cache = PartsCache()
    windows: tuple[Window, ...] = cut(source)
    yield level_zero(source, windows, native, cache)
    if level == 0:
        return
    frames = FRAMES[native]
    made = tuple(chains(source, level, seed))
    for chain in made:
        for frame in frames:
            yield lower_merged(f"{chain.name}+{frame}", chain.via, chain.merged, native, frame)
    for plan in plans(source, [chain.via for chain in made], level, seed):
        for frame in frames:
            yield lower_groups(f"{plan.name}+{frame}", plan.circuit, plan.groups, native, frame)
    if level == 3 and source.qubits > UNITARY_QUBITS:
        for name, pieces in in_windows(windows, level, seed):
            for frame in frames:
                yield lower_windows(f"{name}+{frame}", source.qubits, pieces, native, frame, cache)


def _score(candidate: Candidate, machine: Target, objective: Objective) -> Scored:
    metrics = measure_up(candidate.gates)
    base = (
        metrics.two_qubit_gates,
        metrics.entangling_angle_microturns,
        metrics.depth,
        metrics.one_qubit_gates,
    )
    first: float = 0.0
    if objective == "depth":
        first = metrics.depth
    elif objective == "model_score":
        first = -machine.model_score(metrics)
    return Scored(candidate, metrics, (first, *base))
