"""What the page about a bundle says, as plain text: the words and figures, not their layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from qcos_evidence.schema import job_id
from qcos_evidence.timestamp import parse_timestamp

BARS = 8
"""So many outcomes are drawn; the others are counted together."""

_MEANING = {
    "proved": "The optimized circuit was shown to be the same operation as the submitted one, for every input.",
    "tested": "The optimized circuit agreed with the submitted one on every input tried; it was not proved for all.",
    "distribution": "The optimized circuit was shown to give the same distribution of results; its states may differ.",
}
_SOURCES = {
    "exact_probabilities": "An ideal simulation gave exact probabilities; the counts are those times the shots.",
}
_METRICS = (
    ("two_qubit_gates", "Two-qubit gates"),
    ("two_qubit_depth", "Two-qubit depth"),
    ("one_qubit_gates", "One-qubit gates"),
    ("depth", "Depth"),
    ("entangling_angle_microturns", "Entangling angle (turns)"),
)
_MICRO = 1_000_000
# Not the names of whatever language the machine is set to.
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def view(
    bundle: Mapping[str, Any], bundle_hash: str, counts: Mapping[str, int], source: object = "measured"
) -> dict[str, Any]:
    """The page's texts. Every value is text, or lists of text and booleans, in ASCII and of bounded length.

    Args:
        counts: shots by bit string.
        source: what stands behind them, ``measured`` or ``exact_probabilities`` (of an ideal simulation).
    """
    execution, log = _part(bundle, "execution_proof"), _part(bundle, "event_log")
    equivalence, signatures = _part(bundle, "equivalence"), _part(bundle, "signatures")
    issuer = _text(bundle.get("issuer"), 90)
    shots, backend = execution.get("shots"), _text(execution.get("backend"), 40)
    when = _moment(execution.get("timestamp"))
    bars, rest = _histogram(counts)
    verdict = _text(equivalence.get("verdict"), 30)
    return {
        "title": f"Evidence {_text(bundle.get('bundle_id'), 60)}",
        "issuer": issuer,
        "created": _moment(bundle.get("created_at")),
        "story": [
            f"A circuit was submitted as job {_text(job_id(bundle), 60)}, optimized, and run {_number(shots)} times on "
            f"{backend}. The run was complete by {when}.",
        ],
        "histogram": bars,
        "rest": rest if source == "measured" else f"{rest} {_SOURCES.get(str(source), 'Source unknown.')}",
        "metrics": _metrics(bundle),
        "optimization": _optimization(bundle),
        "verdict": f"{verdict.capitalize()}, by {_text(equivalence.get('method'), 40)}."
        if equivalence
        else "Not said.",
        "meaning": _MEANING.get(verdict, "" if equivalence else "The bundle holds no comparison of the two circuits."),
        "run": [
            ["Backend", _joined(backend, execution.get("provider_backend")), False],
            ["Shots", _number(shots), False],
            ["Recorded as run", when, False],
            ["Provider's job", _text(execution.get("provider_job_id"), 80), True],
            ["Job and attempt", f"{_text(job_id(bundle), 60)}, attempt {_number(bundle.get('attempt'))}", True],
            ["Software", _software(bundle), False],
        ],
        "hashes": [
            ["Bundle", bundle_hash, True],
            ["Submitted circuit", _text(bundle.get("circuit_hash")), True],
            ["Optimized circuit", _text(bundle.get("optimized_circuit_hash")), True],
            ["Result (attached)", _text(execution.get("result_hash")), True],
            ["Provider's raw result", _text(execution.get("raw_result_hash")), True],
            ["Equivalence certificate", _text(equivalence.get("certificate_hash")), True],
            ["Calibration", _text(execution.get("calibration_hash")), True],
            [f"Log of {_number(log.get('size'))} events", _text(log.get("root_hash")), True],
        ],
        "signature": [
            ["Bundle id", _text(bundle.get("bundle_id"), 80), True],
            ["Algorithm", _ALGORITHMS.get(str(signatures.get("algorithm")), "-"), False],
            ["Key", _text(signatures.get("key_id"), 80), True],
        ],
        "keys": f"{issuer.rstrip('/')}/.well-known/jwks.json",
    }


_ALGORITHMS = {
    "ML-DSA-65": "ML-DSA-65 (FIPS 204, a post-quantum signature)",
    "Ed25519": "Ed25519 (RFC 8032, a classical signature: not safe from quantum computers)",
}


def _histogram(counts: Mapping[str, int]) -> tuple[list[list[str]], str]:
    """Outcome, length of its bar in percent and its share, the most frequent first; and what the others are."""
    total = sum(counts.values())
    found = sorted(((count, outcome) for outcome, count in counts.items() if count), key=lambda one: (-one[0], one[1]))
    if not found:
        return [], "No shots."
    most = found[0][0]
    bars = [
        [_text(outcome, 40), _decimal(100 * count, most), f"{_number(count)} ({_decimal(100 * count, total)} %)"]
        for count, outcome in found[:BARS]
    ]
    others = found[BARS:]
    if not others:
        return bars, f"{_number(total)} shots. Highest classical bit on the left."
    left = sum(count for count, _ in others)
    return bars, f"And {_number(len(others))} more outcomes in {_number(left)} of {_number(total)} shots."


def _metrics(bundle: Mapping[str, Any]) -> list[list[str]]:
    table = _part(_part(bundle, "optimization"), "metrics")
    original, optimized = _part(table, "original"), _part(table, "optimized")
    return [[label, _metric(original, name), _metric(optimized, name)] for name, label in _METRICS]


def _metric(metrics: Mapping[str, Any], name: str) -> str:
    value = metrics.get(name)
    if name.endswith("_microturns") and type(value) is int and value >= 0:
        return f"{value // _MICRO}.{value % _MICRO:06d}".rstrip("0").rstrip(".")
    return _number(value)


def _optimization(bundle: Mapping[str, Any]) -> str:
    optimization = _part(bundle, "optimization")
    if not optimization:
        return "The bundle holds no figures of the optimization."
    return f"Level {_number(optimization.get('level'))}, strategy {_text(optimization.get('strategy'), 60)}."


def _software(bundle: Mapping[str, Any]) -> str:
    versions = sorted(_part(bundle, "software").items())
    return _text(", ".join(f"{name} {version}" for name, version in versions if isinstance(version, str)), 200)


def _part(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = document.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(value: object, longest: int = 80) -> str:
    """Printable ASCII only: no letter that looks like another, nothing that turns the direction of a line."""
    if not isinstance(value, str) or not value:
        return "-"
    clean = "".join(letter if " " <= letter <= "~" else "?" for letter in value[: longest + 1])
    return clean if len(clean) <= longest else f"{clean[: longest - 3]}..."


def _joined(backend: str, provider: object) -> str:
    return f"{backend} (IonQ's {_text(provider, 40)})" if isinstance(provider, str) else backend


def _moment(value: object) -> str:
    """``2026-02-06T12:00:15.000Z`` as ``6 February 2026, 12:00:15 UTC``."""
    moment = parse_timestamp(value)
    if moment is None:
        return "-"
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}, {moment:%H:%M:%S} UTC"


def _number(value: object) -> str:
    return f"{value:,}" if type(value) is int else "-"


def _decimal(numerator: int, denominator: int) -> str:
    """A non-negative quotient with one decimal, rounded half up; whole numbers only, so the same everywhere."""
    tenths = (20 * numerator + denominator) // (2 * denominator)
    return f"{tenths // 10}.{tenths % 10}"
