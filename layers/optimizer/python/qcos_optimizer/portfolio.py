"""Candidates, each lowered, scored and verified; the best verified one is the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

from qiskit.circuit import QuantumCircuit

from .candidate import Candidate
from .chains import Chain, chains
from .choices import Mode, Objective, check_choices
from .distribution import DistributionVerifier
from .document import Optimized, Tried
from .entangling import plans
from .errors import CircuitError
from .literal import literal_metrics
from .lowering import PartsCache, level_zero, lower_windows
from .native import Metrics, measure_up
from .parsing import read
from .passes.assembly import lower_groups
from .passes.blocks import lower_merged
from .passes.reduction import reduce
from .progress import Progress
from .pulses import FRAMES
from .recheck import UNITARY_QUBITS
from .source import Source
from .synthesis import in_windows
from .targets import Target
from .targets import target as find_target
from .verification import Verifier
from .windows import Window, cut


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate, its counts and its rank: the smaller the better."""

    candidate: Candidate
    metrics: Metrics
    model_score: float
    rank: tuple[float, ...]


def optimize(
    circuit: str | QuantumCircuit,
    target: str | Target,
    level: int = 2,
    objective: Objective = "two_qubit_gates",
    seed: int = 0,
    budget: int | None = None,
    mode: Mode = "unitary",
    *,
    search_seconds: float | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Optimized:
    """The best native circuit found for ``circuit`` on ``target``, shown to be the same unitary.

    ``circuit`` is OpenQASM 2 or 3 text or a circuit, gates followed by final measurements (none: all are measured).
    ``target`` is a machine or the name of one; give a machine to score with its calibration
    (:meth:`targets.Target.calibrated`). ``level`` 0 lowers gate by gate; 1 to 3 search longer, and none does worse
    than the one before on ``objective``: ``two_qubit_gates`` (then entangling angle, then depth), ``depth`` of native
    gates (then the same), or ``model_score``, a product of fidelities at the target's error rates.

    ``budget`` is the number of evaluations, candidates generated and scored, after which the search ends; the first is
    level 0. None lets the level end it. With ``mode`` ``distribution`` all qubits are taken to start in |0>, only the
    distribution of the measured bits is kept, and the verdict is ``distribution``.

    The same arguments give the same answer, unless ``search_seconds`` (wall clock) ended the search early: then the
    best found by then is returned, level 0 at the least, and ``search_complete`` is False. ``progress`` is called after
    each candidate and changes nothing; what it raises ends the search. Raises :class:`CircuitError`,
    :class:`UnknownTarget`, or ValueError for a level, objective, seed, budget or mode there is not.

    Text from strangers belongs into :func:`qcos_optimizer.optimize_in_child`.
    """
    started = time.perf_counter()
    machine = target if isinstance(target, Target) else find_target(target)
    check_choices(level, objective, seed, budget, mode)
    source = read(circuit)
    if source.qubits > machine.qubits:
        raise CircuitError(
            f"the circuit has {source.qubits} qubits, {machine.name} has {machine.qubits}", "too_many_qubits"
        )
    deadline = None if search_seconds is None else started + search_seconds
    scored: list[Scored] = []
    complete = True
    measured = len({qubit for qubit in source.measured if qubit is not None})
    verifier: Verifier | DistributionVerifier
    if mode == "unitary":
        candidates = _candidates(source, machine, level, objective, seed, budget)
        verifier = Verifier(source, seed, circuit if isinstance(circuit, str) else None)
    else:
        reduction = reduce(source)
        candidates = _of_both(source, reduction.source, machine, level, objective, seed, budget)
        verifier = DistributionVerifier(source, reduction, seed)

    def place(entry: Scored) -> tuple[bool, tuple[float, ...]]:
        # Layers of entangling gates take longest: with objective depth none may be added to save layers of pulses.
        deeper = entry.metrics.two_qubit_depth > scored[0].metrics.two_qubit_depth
        return (objective == "depth" and deeper, entry.rank)

    for candidate in islice(candidates, budget):
        scored.append(_score(candidate, machine, objective, measured))
        if progress is not None:
            best = min(scored, key=place).metrics
            progress(Progress(len(scored), best.two_qubit_gates, best.depth))
        # The other half of the time is for checking. Whether there would have been more only searching would tell.
        if search_seconds is not None and time.perf_counter() > started + search_seconds / 2:
            complete = False
            break
    original = scored[0]
    # Level 0 comes first and sorting is stable: what is not better than it does not replace it.
    ranked = sorted(scored, key=place)
    tried: list[Tried] = []
    winner = None
    for entry in ranked:
        verification = None
        verdict: Literal["proved", "tested", "distribution", "failed", "unchecked"] = "unchecked"
        if winner is None:
            try:
                verification = verifier.verify(entry.candidate, deadline)
                verdict = "failed" if verification is None else verification.verdict
            except TimeoutError:
                complete = False
        chosen = verification is not None
        tried.append(Tried(entry.candidate.name, entry.metrics, verdict, chosen, entry.model_score))
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
        original=original.metrics,
        optimized=entry.metrics,
        literal=literal_metrics(source, machine.two_qubit_gate),
        verification=verification,
        strategy=entry.candidate.name,
        candidates=tuple(tried),
        search_complete=complete,
        seconds=time.perf_counter() - started,
        mode=mode,
        model_score={"original": original.model_score, "optimized": entry.model_score, **machine.rates()},
        layout=entry.candidate.layout,
        final_z=entry.candidate.final_z,
    )


def _candidates(
    source: Source, machine: Target, level: int, objective: Objective, seed: int, budget: int | None = None
) -> Iterator[Candidate]:
    native = machine.two_qubit_gate
    cache = PartsCache()
    windows: tuple[Window, ...] = cut(source)
    yield level_zero(source, windows, native, cache)
    if level == 0:
        return
    frames = FRAMES[native]
    made: list[Chain] = []
    # Every chain makes a candidate or more: what is beyond the budget need not be worked out.
    for chain in islice(chains(source, level, seed, "depth" if objective == "depth" else "gates"), budget):
        made.append(chain)
        for frame in frames:
            yield lower_merged(f"{chain.name}+{frame}", chain.via, chain.merged, native, frame)
    # Of chains of the same name the last is the best.
    vias = {chain.name: chain.via for chain in made}
    for plan in plans(source, list(vias.values()), level, seed):
        for frame in frames:
            yield lower_groups(f"{plan.name}+{frame}", plan.circuit, plan.groups, native, frame)
    if level == 3 and source.qubits > UNITARY_QUBITS:
        for name, pieces in in_windows(windows, level, seed):
            for frame in frames:
                yield lower_windows(f"{name}+{frame}", source.qubits, pieces, native, frame, cache)


def _of_both(
    source: Source,
    reduced: Source,
    machine: Target,
    level: int,
    objective: Objective,
    seed: int,
    budget: int | None,
) -> Iterator[Candidate]:
    """Level 0 of ``source``, which everything is compared with, then the candidates of the ``reduced`` circuit, and of
    ``source`` too if that still entangles: a mode that asks for less must not give more."""
    yield from _candidates(source, machine, 0, objective, seed)
    for candidate in _candidates(reduced, machine, level, objective, seed, budget):
        yield replace(candidate, name=f"reduced-{candidate.name}")
    if any(len(operation.qubits) > 1 for operation in reduced.operations):
        yield from islice(_candidates(source, machine, level, objective, seed, budget), 1, None)


def _score(candidate: Candidate, machine: Target, objective: Objective, measured: int) -> Scored:
    metrics = measure_up(candidate.gates)
    score = machine.model_score(candidate.gates, measured)
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
        first = -score
    return Scored(candidate, metrics, score, (first, *base))
