"""A job's result in the user's own classical bits, printed as Qiskit prints counts.

The provider answers in native qubits; the optimizer's report says which of them holds which classical bit. Bit
strings have the highest classical bit on the left; registers are separated by a space, the last declared leftmost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Source = Literal["measured", "exact_probabilities"]

NOISE = 1e-12
"""Probabilities below this are a simulation's rounding errors, not outcomes."""

_SCALE = 96
# A double of at least NOISE > 2**-40 is a multiple of 2**-92, so times 2**96 it is a whole number, exactly.


@dataclass(frozen=True)
class BitMap:
    """Where the classical bits are.

    ``registers`` are (name, size) in declaration order; classical bit 0 is bit 0 of the first. ``measured[k]`` is
    the native qubit that holds classical bit k, or None for a bit that nothing was measured into, which reads 0.

    Raises:
        ValueError: the sizes do not add up to the bits, a name is given twice, or a number is negative.
    """

    registers: Sequence[Sequence[Any]]
    measured: Sequence[int | None]

    def __post_init__(self) -> None:
        names = [str(name) for name, _ in self.registers]
        sizes = [int(size) for _, size in self.registers]
        if len(set(names)) != len(names):
            raise ValueError("two classical registers have the same name")
        if not sizes or min(sizes) < 1 or sum(sizes) != len(self.measured):
            raise ValueError("the register sizes do not add up to the number of classical bits")
        if any(qubit is not None and qubit < 0 for qubit in self.measured):
            raise ValueError("a classical bit is mapped to a negative qubit")

    def outcomes(self, native: Iterable[int]) -> list[int]:
        """Native outcomes, whose bit k is native qubit k, as classical ones, whose bit k is classical bit k.

        The order stays. Qubits that hold no classical bit leave no trace.
        """
        numbers = list(native)
        found = [0] * len(numbers)
        for shift, table in self._tables():
            found = [bits | table[number >> shift & 0xFF] for bits, number in zip(found, numbers, strict=True)]
        return found

    def bit_strings(self, outcomes: Iterable[int]) -> list[str]:
        """Classical outcomes as Qiskit prints them, in the same order."""
        pattern = f"0{len(self.measured)}b"
        if len(self.registers) == 1:
            return [format(bits, pattern) for bits in outcomes]
        parts: list[slice] = []
        end = len(self.measured)
        for _, size in self.registers:
            parts.insert(0, slice(end - int(size), end))
            end -= int(size)
        texts = (format(bits, pattern) for bits in outcomes)
        return [" ".join([text[part] for part in parts]) for text in texts]

    def _tables(self) -> list[tuple[int, list[int]]]:
        """For each byte of a native outcome its shift and, for each of the byte's 256 values, the classical bits.

        Eight qubits a look-up keep a million outcomes within a second.
        """
        holders: dict[int, int] = {}
        for bit, qubit in enumerate(self.measured):
            if qubit is not None:
                holders[qubit] = holders.get(qubit, 0) | 1 << bit
        shifts = sorted({qubit // 8 * 8 for qubit in holders})
        return [
            (
                shift,
                [sum(holders.get(shift + k, 0) for k in range(8) if byte >> k & 1) for byte in range(256)],
            )
            for shift in shifts
        ]


@dataclass(frozen=True)
class Results:
    """What a job measured, by bit string in ascending order.

    ``counts`` are whole shots and sum to ``shots``; outcomes that never occurred are left out. ``source`` says what
    stands behind them: ``measured``, where ``probabilities`` are ``counts`` divided by ``shots``, or
    ``exact_probabilities``, where an ideal simulation gave ``probabilities`` and no shots were drawn (see
    :func:`counts`).
    """

    counts: dict[str, int]
    probabilities: dict[str, float]
    shots: int
    source: Source

    def to_document(self) -> dict[str, Any]:
        """The JSON object that is stored and hashed; probabilities are doubles, bit strings ascend."""
        return {
            "counts": dict(self.counts),
            "probabilities": dict(self.probabilities),
            "shots": self.shots,
            "source": self.source,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Results:
        """The results that :meth:`to_document` wrote.

        Raises:
            ValueError: it is none.
        """
        if document.get("source") not in ("measured", "exact_probabilities"):
            raise ValueError("a result's source is unknown")
        try:
            found, shares = document["counts"], document["probabilities"]
            results = cls(
                counts={str(key): int(found[key]) for key in sorted(found)},
                probabilities={str(key): float(shares[key]) for key in sorted(shares)},
                shots=int(document["shots"]),
                source=document["source"],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"a result is not of its form: {error}") from None
        if sum(results.counts.values()) != results.shots:
            raise ValueError("a result's counts do not add up to its shots")
        return results


def counts(
    bits: BitMap,
    *,
    shots: int,
    histogram: Mapping[str, int] | None = None,
    probabilities: Mapping[str, float] | None = None,
) -> Results:
    """The provider's answer in the user's bits; unmeasured qubits are summed over.

    Exactly one of the two is given, keyed by decimal numbers whose bit k is native qubit k. A ``histogram`` of
    ``shots`` shots is rearranged and nothing else.

    ``probabilities`` are an ideal simulation's and come without shots. Marginals are summed exactly and rounded once
    (``math.fsum``); those below 1e-12 are dropped. Counts are then the largest-remainder rounding (Hamilton's
    method) of ``shots * p / sum(p)``, computed in whole numbers from the doubles as they are: every outcome gets the
    whole part, and the shots left over go one each to the largest remainders, equal remainders to the smaller bit
    string first. Nothing is random, so anybody can recompute them from the stored probabilities.

    Raises:
        ValueError: not exactly one of the two is given, shots are fewer than 1, a histogram does not sum to
            ``shots``, or no probability is above 1e-12.
    """
    if shots < 1:
        raise ValueError("a result has at least one shot")
    if histogram is not None and probabilities is None:
        return _measured(shots, bits, histogram)
    if probabilities is not None and histogram is None:
        return _exact(shots, bits, probabilities)
    raise ValueError("a result is either a histogram or probabilities")


def _measured(shots: int, bits: BitMap, histogram: Mapping[str, int]) -> Results:
    if sum(histogram.values()) != shots:
        raise ValueError("the histogram does not sum to the shots")
    found: dict[int, int] = {}
    for outcome, count in zip(bits.outcomes(map(int, histogram)), histogram.values(), strict=True):
        if count:
            found[outcome] = found.get(outcome, 0) + count
    ascending = sorted(found)
    numbers = [found[outcome] for outcome in ascending]
    texts = bits.bit_strings(ascending)
    shares = [count / shots for count in numbers]
    return Results(dict(zip(texts, numbers, strict=True)), dict(zip(texts, shares, strict=True)), shots, "measured")


def _exact(shots: int, bits: BitMap, probabilities: Mapping[str, float]) -> Results:
    marginals = _marginals(bits.outcomes(map(int, probabilities)), list(probabilities.values()))
    ascending = sorted(outcome for outcome, share in marginals.items() if share >= NOISE)
    if not ascending:
        raise ValueError("no outcome has a probability")
    shares = [marginals[outcome] for outcome in ascending]
    texts = bits.bit_strings(ascending)
    found = {text: count for text, count in zip(texts, _largest_remainder(shots, shares), strict=True) if count}
    return Results(found, dict(zip(texts, shares, strict=True)), shots, "exact_probabilities")


def _marginals(outcomes: Sequence[int], shares: Sequence[float]) -> dict[int, float]:
    """The summed shares of each outcome, every sum rounded once."""
    found = dict(zip(outcomes, shares, strict=True))
    if len(found) == len(shares):
        return found
    parts: dict[int, list[float]] = {}
    for outcome, share in zip(outcomes, shares, strict=True):
        parts.setdefault(outcome, []).append(share)
    return {outcome: math.fsum(terms) for outcome, terms in parts.items()}


def _largest_remainder(shots: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers that sum to ``shots``, as proportional to ``shares`` as can be; exact whatever the doubles."""
    weights = [int(math.ldexp(share, _SCALE)) for share in shares]
    total = sum(weights)
    quotas = [divmod(weight * shots, total) for weight in weights]
    whole = [quota for quota, _ in quotas]
    remainders = [remainder for _, remainder in quotas]
    # The sort is stable: equal remainders stay in the order of the outcomes.
    order = sorted(range(len(weights)), key=remainders.__getitem__, reverse=True)
    for index in order[: shots - sum(whole)]:
        whole[index] += 1
    return whole
