"""Bodies of results and artifacts, in the v1 (decimal keys) and v2 (named registers) formats."""

from typing import Any

import numpy
from numpy.typing import NDArray

from infra.local.ionq.errors import not_found
from infra.local.ionq.jobs import Job
from infra.local.ionq.simulation import Outcome

ALL_BITS = "output_all"
"""The register of v2 formats that holds every bit; a program's own registers stand beside it."""


def probabilities(job: Job) -> dict[str, Any]:
    """Probability by outcome; for a multi-circuit job, by child and outcome, in the order of submission."""
    if job.children:
        return {child.id: probabilities(child) for child in job.children if child.status == "completed"}
    outcome = _outcome(job)
    weights = (float(weight) for weight in outcome.probabilities)
    return {str(int(key)): weight for key, weight in zip(outcome.keys, weights, strict=True)}


def histogram(job: Job) -> dict[str, int]:
    """Counts by outcome; they add up to the job's shots."""
    outcome = _sampled(job)
    return {str(int(key)): int(count) for key, count in zip(outcome.keys, outcome.weights, strict=True)}


def shots(job: Job) -> list[str]:
    """The outcome of every shot as a decimal string; the order is random but the same on every reading."""
    return [str(int(key)) for key in _shot_keys(job)]


def artifact_body(job: Job, identifier: str) -> Any:
    """The content of an artifact; 404 for an id that is not one of this job."""
    if job.status != "completed":
        raise not_found()
    makers: dict[str, Any] = {
        "ionq.native.v1": _native,
        "ionq.result.probabilities.json.v1": probabilities,
        "ionq.result.probabilities.json.v2": _probabilities_v2,
        "ionq.result.histogram.json.v1": histogram,
        "ionq.result.histogram.json.v2": _histogram_v2,
        "ionq.result.shots.json.v1": shots,
        "ionq.result.shots.json.v2": _shots_v2,
        "ionq.result.probabilities-aggregate.json.v1": probabilities,
    }
    for kind, maker in makers.items():
        if job.artifact_id(kind) == identifier:
            return maker(job)
    raise not_found()


def _outcome(job: Job) -> Outcome:
    if job.status != "completed" or job.outcome is None or job.submission.dry_run:
        raise not_found()
    return job.outcome


def _sampled(job: Job) -> Outcome:
    outcome = _outcome(job)
    if not job.submission.samples:
        raise not_found()
    return outcome


def _shot_keys(job: Job) -> NDArray[numpy.uint64]:
    outcome = _sampled(job)
    keys = numpy.repeat(outcome.keys, outcome.weights)
    numpy.random.default_rng(int(job.id.replace("-", ""), 16)).shuffle(keys)
    return keys


def _native(job: Job) -> dict[str, Any]:
    if job.outcome is None or job.outcome.native_gates is None:
        raise not_found()
    return {"qubits": job.outcome.qubits, "circuit": job.outcome.native_gates}


def _registers(outcome: Outcome) -> dict[str, list[int]]:
    return {ALL_BITS: list(range(outcome.bits)), **outcome.registers}


def _by_register(outcome: Outcome, weights: NDArray[Any]) -> dict[str, dict[str, Any]]:
    """Marginals keyed by bit strings, highest bit left."""
    answer: dict[str, dict[str, Any]] = {}
    for name, bits in _registers(outcome).items():
        marginal: dict[str, Any] = {}
        for key, weight in zip(outcome.keys.tolist(), weights.tolist(), strict=True):
            text = "".join(str(key >> bit & 1) for bit in reversed(bits))
            marginal[text] = marginal.get(text, 0) + weight
        answer[name] = marginal
    return answer


def _probabilities_v2(job: Job) -> dict[str, Any]:
    outcome = _outcome(job)
    return {"probabilities": {"registers": _by_register(outcome, outcome.probabilities)}}


def _histogram_v2(job: Job) -> dict[str, Any]:
    outcome = _sampled(job)
    return {"histogram": {"registers": _by_register(outcome, outcome.weights)}}


def _shots_v2(job: Job) -> dict[str, Any]:
    registers = _registers(_sampled(job))
    return {
        "shots": [
            {"registers": {name: [key >> bit & 1 for bit in bits] for name, bits in registers.items()}}
            for key in _shot_keys(job).tolist()
        ]
    }
