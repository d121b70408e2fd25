"""Pairs of Toffoli gates made cheaper: the unitary stays, the counts fall as published, and wrong rewrites show."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from qiskit.circuit import QuantumCircuit
from qiskit.quantum_info import random_unitary

from qcos_optimizer.passes.assembly import grouped, lower_groups
from qcos_optimizer.passes.axial import Axial, Entangler, commute
from qcos_optimizer.passes.hygiene import merge
from qcos_optimizer.passes.toffoli import cost, rewrite
from qcos_optimizer.simulation import unitary
from qcos_optimizer.source import take_apart
from qcos_optimizer.verification import Verifier

from .axials import apart, read, toffolis, wanted
from .circuits import text


@pytest.mark.parametrize("seed", range(40))
def test_the_unitary_stays(seed: int) -> None:
    circuit = toffolis(seed)
    start = read(circuit)
    matrix = wanted(circuit, start)
    merged, made = merge(start), rewrite(start)
    assert made.ends == merged.ends == start.ends
    for one in (start, merged, made):
        assert apart(one.unitary(), matrix) < 1e-9
    assert cost(made) <= cost(merged) <= cost(start)


def kinds(circuit: QuantumCircuit) -> dict[str, int]:
    return dict(Counter(item.kind for item in rewrite(read(circuit)).items))


def test_pairs_are_found() -> None:
    ladder = QuantumCircuit(5)
    ladder.ccx(0, 1, 3)
    ladder.ccx(2, 3, 4)
    ladder.ccx(0, 1, 3)
    assert kinds(ladder) == {"margolus": 2, "ccp": 1}
    # Something on the target that is diagonal in no common basis: only the controls' phase can cancel.
    blocked = QuantumCircuit(4)
    blocked.ccx(0, 1, 2)
    for _ in range(2):
        blocked.cx(3, 2)
        blocked.h(2)
        blocked.t(2)
    blocked.ccx(0, 1, 2)
    assert kinds(blocked)["cciz"] == 2
    # Controls in another basis between: nothing may be rewritten.
    free = QuantumCircuit(4)
    free.ccx(0, 1, 2)
    for qubit in range(3):
        for gate in ("cx", "cy", "cz"):
            getattr(free, gate)(3, qubit)
            free.rx(0.4, 3)
    free.ccx(0, 1, 2)
    assert kinds(free)["ccp"] == 2


def test_what_cancels_is_gone() -> None:
    circuit = QuantumCircuit(4)
    circuit.h(2)
    circuit.ccz(0, 1, 2)
    circuit.cx(0, 3)
    circuit.h(2)
    circuit.h(2)
    circuit.t(0)
    circuit.ccz(2, 1, 0)
    circuit.cx(0, 3)
    circuit.cswap(0, 1, 2)
    circuit.cswap(0, 1, 2)
    assert rewrite(read(circuit)).items == []


def test_opposite_controls_leave_a_smaller_gate() -> None:
    circuit = QuantumCircuit(3)
    circuit.ccx(0, 1, 2)
    circuit.x(0)
    circuit.ccx(0, 1, 2)
    circuit.x(0)
    made = rewrite(read(circuit))
    assert [item.kind for item in made.items] == ["zz"]
    assert apart(made.unitary(), wanted(circuit, made)) < 1e-9


def test_a_controlled_phase_nearby_is_absorbed() -> None:
    circuit = QuantumCircuit(3)
    circuit.ccx(0, 1, 2)
    circuit.cp(np.pi / 2, 0, 1)
    made = rewrite(read(circuit))
    assert [item.kind for item in made.items] == ["cciz"]
    assert apart(made.unitary(), wanted(circuit, made)) < 1e-9


@pytest.mark.parametrize(
    ("name", "rotations"), [("tof_3", 11), ("barenco_tof_3", 14), ("tof_5", 23), ("barenco_tof_5", 38)]
)
def test_ladders_reach_the_known_counts(name: str, rotations: int) -> None:
    if name != "tof_3":
        circuit = ladder(int(name[-1]), name.startswith("barenco"))
    else:
        from .circuits import load

        circuit = load(text(name))
    assert cost(rewrite(read(circuit))) == rotations


def ladder(controls: int, dirty: bool) -> QuantumCircuit:
    """A Toffoli gate of many controls by clean or by dirty ancillas, as in the usual benchmark."""
    ancillas = controls - 2
    circuit = QuantumCircuit(2 * controls - 1)
    if not dirty:
        steps = [(0, 1, controls)] + [(k + 1, controls + k - 1, controls + k) for k in range(1, ancillas)]
        last = (controls - 1, controls + ancillas - 1, 2 * controls - 2)
        for one in [*steps, last, *reversed(steps)]:
            circuit.ccx(*one)
        return circuit
    down = [(controls - 1 - k, 2 * controls - 3 - k, 2 * controls - 2 - k) for k in range(ancillas)]
    down.append((0, 1, controls))
    up = list(reversed(down))[1:]
    for one in [*down, *up, *down[1:], *up[:-1]]:
        circuit.ccx(*one)
    return circuit


@pytest.mark.parametrize("seed", range(12))
def test_certified_from_the_input_to_the_native_gates(seed: int) -> None:
    circuit = toffolis(100 + seed)
    source = take_apart(circuit)
    made = rewrite(read(circuit))
    verifier = Verifier(source, 0)
    for gate, frame in (("zz", "pauli"), ("ms", "x")):
        candidate = lower_groups("toffoli", made, grouped(made.items), gate, frame)  # type: ignore[arg-type]
        found = verifier.verify(candidate)
        assert found is not None
        assert found.verdict == "proved"


def mutants(made: Axial) -> list[Axial]:
    """One wrong circuit for each kind of slip a rewrite could make."""
    wrong = []
    for place, item in enumerate(made.items):
        others: list[Entangler] = []
        if item.kind == "margolus":
            others = [replace(item, pattern=(1 - item.pattern[0], 1 - item.pattern[1])), replace(item, kind="ccp")]
        elif item.kind == "cciz":
            others = [replace(item, angle=-item.angle), item.ordered((0, 2, 1))]
        elif item.kind == "zz":
            others = [replace(item, angle=item.angle + 1e-6)]
        for other in others:
            wrong.append(replace(made, items=[*made.items[:place], other, *made.items[place + 1 :]]))
    return wrong


def test_mutants_are_caught() -> None:
    tried = 0
    for seed in range(12):
        circuit = toffolis(seed, swaps=False)
        made = rewrite(read(circuit))
        verifier = Verifier(take_apart(circuit), 0)
        for wrong in mutants(made)[:6]:
            assert apart(wrong.unitary(), made.unitary()) > 1e-7
            tried += 1
            if all(item.kind != "ccp" or item.angle for item in wrong.items):
                candidate = lower_groups("wrong", wrong, grouped(wrong.items), "zz", "z")
                assert verifier.verify(candidate) is None
    assert tried > 30


def test_commutation_is_never_claimed_wrongly() -> None:
    random = np.random.default_rng(5)
    claimed = 0
    for _ in range(400):
        pair = []
        for _ in range(2):
            kind = str(random.choice(["zz", "ccp", "cciz", "margolus", "peres", "peres_xx", "zzz", "cswap"]))
            wires = tuple(int(wire) for wire in random.permutation(4)[: 2 if kind == "zz" else 3])
            frames = tuple(FRAMES[random.integers(len(FRAMES))] for _ in wires)
            pair.append(Entangler(kind, wires, frames, 0.125))  # type: ignore[arg-type]
        one, other = pair
        if commute(one, other):
            claimed += 1
            steps = list(Axial(4, [one, other], [], (), (), []).steps())
            assert np.abs(unitary(steps, 4) - unitary(steps[::-1], 4)).max() < 1e-12
    assert claimed > 20


_H = np.array([[1, 1], [1, -1]]) / np.sqrt(2)
FRAMES = [np.eye(2, dtype=complex), _H.astype(complex), random_unitary(2, seed=4).data]
