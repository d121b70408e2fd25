"""Bit order, marginals and rounding of results, held against Qiskit's own printing and exact arithmetic."""

from __future__ import annotations

import json
import math
import random
from fractions import Fraction
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Statevector
from qiskit.result import Counts

from qcos.results import BitMap, Results, counts


def plain(bits: int) -> BitMap:
    """One register, classical bit k from qubit k."""
    return BitMap([("c", bits)], range(bits))


# --- bit order ---------------------------------------------------------------------------------------------


def test_the_highest_classical_bit_is_on_the_left() -> None:
    assert counts(plain(3), shots=10, histogram={"1": 7, "6": 3}).counts == {"001": 7, "110": 3}


def test_a_permutation_is_undone() -> None:
    """Classical bit 0 is held by qubit 2, bit 1 by qubit 0, bit 2 by qubit 1."""
    result = counts(BitMap([("c", 3)], [2, 0, 1]), shots=3, histogram={"4": 1, "1": 2})
    assert result.counts == {"001": 1, "010": 2}


def test_registers_are_separated_and_the_last_declared_is_leftmost() -> None:
    bits = BitMap([("a", 1), ("b", 3), ("c", 2)], [0, 1, 2, 3, 4, 5])
    assert counts(bits, shots=2, histogram={"2": 1, "49": 1}).counts == {"00 001 0": 1, "11 000 1": 1}


def test_bits_never_measured_are_0() -> None:
    bits = BitMap([("a", 2), ("b", 2)], [None, 5, None, 0])
    assert counts(bits, shots=4, histogram={"33": 3, "30": 1}).counts == {"10 10": 3, "00 00": 1}


def test_one_qubit_may_be_held_by_two_bits() -> None:
    assert counts(BitMap([("c", 2)], [0, 0]), shots=5, histogram={"1": 5}).counts == {"11": 5}


def test_qubits_beyond_a_byte_and_beyond_a_word_are_found() -> None:
    bits = BitMap([("c", 3)], [8, 35, 70])
    outcome = 1 << 8 | 1 << 70 | 1 << 12
    assert counts(bits, shots=1, histogram={str(outcome): 1}).counts == {"101": 1}


def test_unmeasured_qubits_are_summed_over() -> None:
    bits = BitMap([("c", 1)], [1])
    result = counts(bits, shots=10, histogram={"0": 1, "1": 2, "2": 3, "3": 4})
    assert result.counts == {"0": 3, "1": 7}
    assert result.probabilities == {"0": 0.3, "1": 0.7}


@pytest.mark.parametrize(
    ("registers", "measured"),
    [
        ([("c", 2)], [0]),
        ([("c", 1)], [0, 1]),
        ([("c", 1), ("c", 1)], [0, 1]),
        ([("c", 0), ("d", 1)], [0]),
        ([], []),
        ([("c", 1)], [-1]),
    ],
)
def test_a_map_that_cannot_be_is_refused(registers: list[Any], measured: list[int | None]) -> None:
    with pytest.raises(ValueError, match=r"register|qubit"):
        BitMap(registers, measured)


def random_map(rng: random.Random, qubits: int) -> tuple[list[tuple[str, int]], list[int | None]]:
    sizes = [rng.randint(1, 4) for _ in range(rng.randint(1, 4))]
    bits = sum(sizes)
    targets = rng.sample(range(bits), min(bits, qubits))
    measured: list[int | None] = [None] * bits
    for bit, qubit in zip(targets, rng.sample(range(qubits), len(targets)), strict=True):
        measured[bit] = qubit if rng.random() < 0.8 else None
    return [(f"r{index}", size) for index, size in enumerate(sizes)], measured


@pytest.mark.parametrize("seed", range(40))
def test_random_circuits_read_as_qiskit_reads_them(seed: int) -> None:
    """Marginals from Qiskit's statevector, printed by Qiskit's own ``Counts`` over the same registers."""
    rng = random.Random(seed)
    qubits = rng.randint(2, 6)
    registers, measured = random_map(rng, qubits)
    state = Statevector(random_circuit(qubits, 4, seed=seed))
    holders = [(bit, qubit) for bit, qubit in enumerate(measured) if qubit is not None]

    expected: dict[str, float] = {}
    # Qiskit's marginal has the first of ``qargs`` as its rightmost bit.
    marginal = state.probabilities_dict([qubit for _, qubit in holders]) if holders else {"": 1.0}
    sizes = [[name, size] for name, size in registers]
    for text, share in marginal.items():
        number = sum(int(text[-1 - place]) << bit for place, (bit, _) in enumerate(holders))
        (printed,) = Counts({hex(number): 1}, creg_sizes=sizes, memory_slots=len(measured))
        expected[printed] = expected.get(printed, 0.0) + float(share)
    expected = {text: share for text, share in expected.items() if share >= 1e-12}

    native = {str(index): float(share) for index, share in enumerate(state.probabilities())}
    result = counts(BitMap(registers, measured), shots=1000, probabilities=native)

    assert list(result.probabilities) == sorted(expected)
    assert result.probabilities == pytest.approx(expected, abs=1e-12)
    assert sum(result.counts.values()) == 1000


def test_an_asymmetric_circuit_reads_as_qiskit_simulates_it() -> None:
    """X on one qubit of several, measured crosswise into two registers."""
    q, a, b = QuantumRegister(4), ClassicalRegister(2, "a"), ClassicalRegister(3, "b")
    circuit = QuantumCircuit(q, a, b)
    circuit.x(3)
    circuit.measure(q[3], a[1])
    circuit.measure(q[0], b[0])
    circuit.measure(q[1], b[2])
    bits = BitMap([(register.name, register.size) for register in circuit.cregs], [None, 3, 0, None, 1])
    assert counts(bits, shots=9, histogram={"8": 9}).counts == {"000 10": 9}


# --- exact probabilities -----------------------------------------------------------------------------------


def hamilton(shots: int, shares: dict[str, float]) -> dict[str, int]:
    """Largest remainder in rational arithmetic, straight from the definition."""
    total = sum(Fraction(share) for share in shares.values())
    quota = {text: Fraction(share) * shots / total for text, share in shares.items()}
    found = {text: math.floor(value) for text, value in quota.items()}
    left = shots - sum(found.values())
    for text in sorted(quota, key=lambda text: (found[text] - quota[text], text))[:left]:
        found[text] += 1
    return {text: count for text, count in sorted(found.items()) if count}


def test_bell_is_halved_and_the_odd_shot_goes_to_the_smaller_string() -> None:
    result = counts(plain(2), shots=1025, probabilities={"3": 0.5, "0": 0.5})
    assert result == Results({"00": 513, "11": 512}, {"00": 0.5, "11": 0.5}, 1025, "exact_probabilities")


def test_remainders_are_compared_to_the_last_bit_of_the_doubles() -> None:
    shares = {"0": 0.5 - 2.0**-53, "1": 0.5 - 2.0**-54}
    assert counts(plain(1), shots=1, probabilities=shares).counts == {"1": 1}


def test_noise_of_the_simulation_is_no_outcome() -> None:
    result = counts(plain(2), shots=10, probabilities={"0": 1.0, "1": 9.9e-13, "2": 1.1e-12})
    assert list(result.probabilities) == ["00", "10"]
    assert result.counts == {"00": 10}


def test_noise_is_judged_after_summing() -> None:
    native = {"0": 1.0} | {str(2 * k): 4e-13 for k in range(1, 4)}
    native |= {str(2 * k + 1): 4e-13 for k in range(4)}
    result = counts(BitMap([("c", 1)], [0]), shots=10, probabilities=native)
    assert result.probabilities["1"] == math.fsum([4e-13] * 4)


def test_marginals_are_rounded_once() -> None:
    """Added one after the other, the many small terms would be lost."""
    native = {"0": 0.5} | {str(2 * k): 2.0**-55 for k in range(1, 257)} | {"1": 0.5 - 2.0**-47}
    result = counts(BitMap([("c", 1)], [0]), shots=10, probabilities=native)
    assert result.probabilities["0"] == 0.5 + 2.0**-47


shares_strategy = st.dictionaries(st.integers(0, 63), st.floats(1e-9, 1, allow_nan=False), min_size=1, max_size=40).map(
    lambda weights: {str(key): weight / math.fsum(weights.values()) for key, weight in weights.items()}
)


@given(shares_strategy, st.integers(1, 100_000))
def test_counts_sum_to_the_shots_and_can_be_recomputed(shares: dict[str, float], shots: int) -> None:
    result = counts(plain(6), shots=shots, probabilities=shares)
    assert sum(result.counts.values()) == shots == result.shots
    assert result.counts == hamilton(shots, result.probabilities)
    for text, share in result.probabilities.items():
        assert abs(result.counts.get(text, 0) - share * shots) < 1 + 1e-6 * shots


@given(
    shares_strategy,
    st.lists(st.one_of(st.none(), st.integers(0, 7)), min_size=1, max_size=8),
    st.integers(1, 5000),
)
def test_marginals_agree_with_the_definition(shares: dict[str, float], measured: list[int | None], shots: int) -> None:
    expected: dict[str, list[float]] = {}
    for key, share in shares.items():
        bits = ["0" if qubit is None else str(int(key) >> qubit & 1) for qubit in measured]
        expected.setdefault("".join(reversed(bits)), []).append(share)
    result = counts(BitMap([("c", len(measured))], measured), shots=shots, probabilities=shares)
    assert result.probabilities == {text: math.fsum(terms) for text, terms in expected.items()}


@given(
    st.dictionaries(st.integers(0, 63), st.integers(0, 500), min_size=1, max_size=40).filter(
        lambda found: sum(found.values()) > 0
    ),
    st.lists(st.one_of(st.none(), st.integers(0, 7)), min_size=1, max_size=8),
)
def test_no_shot_is_lost_or_invented(found: dict[int, int], measured: list[int | None]) -> None:
    shots = sum(found.values())
    histogram = {str(key): count for key, count in found.items()}
    result = counts(BitMap([("c", len(measured))], measured), shots=shots, histogram=histogram)
    assert sum(result.counts.values()) == shots
    assert min(result.counts.values()) > 0
    for bit, qubit in enumerate(measured):
        ones = sum(count for text, count in result.counts.items() if text[-1 - bit] == "1")
        assert ones == sum(count for key, count in found.items() if qubit is not None and key >> qubit & 1)


@pytest.mark.parametrize(
    ("shots", "given_", "says"),
    [
        (10, {"histogram": {"0": 9}}, "does not sum"),
        (10, {"histogram": {"0": 11}}, "does not sum"),
        (10, {}, "either"),
        (10, {"histogram": {"0": 10}, "probabilities": {"0": 1.0}}, "either"),
        (10, {"probabilities": {}}, "no outcome"),
        (10, {"probabilities": {"0": 1e-13}}, "no outcome"),
        (0, {"histogram": {}}, "at least one shot"),
    ],
)
def test_what_is_no_result_is_refused(shots: int, given_: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        counts(plain(1), shots=shots, **given_)


# --- the stored document -----------------------------------------------------------------------------------


def test_the_document_is_read_back_as_it_was_written() -> None:
    bits = BitMap([("a", 2), ("b", 1)], [2, 0, 1])
    result = counts(bits, shots=1000, probabilities={"0": 0.1, "3": 0.2, "6": 0.7})
    document = result.to_document()
    assert list(document["counts"]) == sorted(document["counts"])
    assert Results.from_document(json.loads(rfc8785.dumps(document))) == result


def test_the_document_of_measured_counts() -> None:
    result = counts(plain(2), shots=4, histogram={"3": 3, "1": 1, "2": 0})
    assert result.to_document() == {
        "counts": {"01": 1, "11": 3},
        "probabilities": {"01": 0.25, "11": 0.75},
        "shots": 4,
        "source": "measured",
    }


@pytest.mark.parametrize(
    "change", [{"counts": {"0": 1}}, {"source": "guessed"}, {"shots": 3}, {"counts": None}, {"probabilities": 7}]
)
def test_a_document_that_is_no_result_is_refused(change: dict[str, Any]) -> None:
    document = {"counts": {"0": 2}, "probabilities": {"0": 1.0}, "shots": 2, "source": "measured"} | change
    with pytest.raises(ValueError, match="a result"):
        Results.from_document(document)


def test_a_document_without_its_counts_is_refused() -> None:
    with pytest.raises(ValueError, match="a result"):
        Results.from_document({"probabilities": {"0": 1.0}, "shots": 2, "source": "measured"})


def test_many_outcomes_keep_every_shot() -> None:
    qubits = 16
    shares = {str(k): (1 + k % 7) for k in range(1 << qubits)}
    total = sum(shares.values())
    bits = BitMap([("a", 8), ("b", 8)], list(reversed(range(qubits))))
    result = counts(bits, shots=1_000_000, probabilities={key: share / total for key, share in shares.items()})
    assert sum(result.counts.values()) == 1_000_000
    assert len(result.probabilities) == 1 << qubits
