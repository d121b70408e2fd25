"""A circuit of entanglers made native, group by group, with what is needed to prove it.

Where the passes push one-qubit gates to the end, here they are put back between the gates they came from: on each wire
the gates before entangler k have the product ``frames`` says, so between two entanglers stands the quotient of their
frames. For most circuits these are Clifford gates and single rotations, which Pauli rotations can prove.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from ..candidate import Candidate, Checkpoint, Via
from ..certify import Claim
from ..matrices import turns_of_one
from ..native import IDENTITY, Matrix
from ..pauli import Turn
from ..pulses import Emitter, Frame
from ..rotations import emit, parts_of
from ..simulation import Step, blocks, unitary
from ..targets import TwoQubitGate
from .axial import TO_Z, Axial, Entangler, Mark, embed_bits
from .templates import Template, template


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring ``items`` that touch only ``wires``; ``made``, if given, is a circuit for their product, its qubits
    in the order of ``wires``."""

    wires: tuple[int, ...]
    items: tuple[Entangler, ...]
    made: Template | None = None


def grouped(items: Sequence[Entangler]) -> list[Group]:
    """Gates on the same two qubits together, wider gates alone; groups on disjoint wires may have changed places."""
    return [
        Group(tuple(block.qubits), tuple(items[member] for member in block.members))
        for block in blocks([item.wires for item in items], 2)
    ]


def lower_groups(
    name: str, circuit: Axial, groups: Iterable[Group], two_qubit_gate: TwoQubitGate, frame: Frame
) -> Candidate:
    """The native circuit of ``groups``, which are all of ``circuit`` in order, with a checkpoint after each."""
    current = _Wires(circuit)
    prepared: list[_Prepared] = []
    for group in groups:
        before = tuple(current.frames[wire] for wire in group.wires)
        claim = _claim(group, current)
        prepared.append(_Prepared(claim, group, before, tuple(current.frames[wire] for wire in group.wires)))
    for wire, matrix in enumerate(circuit.tail):
        mark = (len(circuit.history[wire]), "z") if circuit.tail_as_read[wire] else None
        rest, turns = current.move(wire, matrix, mark)
        prepared.append(_Prepared(Claim(Step(rest, (wire,)), tuple(turns)), None, (), ()))
    emitter = Emitter(circuit.qubits, two_qubit_gate, frame)
    every = tuple(range(circuit.qubits))
    checkpoints: list[Checkpoint] = []
    for block in blocks([one.claim.step.qubits for one in prepared], 2):
        wide = prepared[block.members[0]]
        if wide.group is not None and len(wide.group.wires) > 2:
            _emit_wide(emitter, wide, wide.group)
        else:
            place = {wire: number for number, wire in enumerate(block.qubits)}
            steps = (prepared[member].claim.step for member in block.members)
            inside = [Step(step.matrix, tuple(place[wire] for wire in step.qubits)) for step in steps]
            emit(emitter, parts_of("block", (), unitary(inside, len(block.qubits))), tuple(block.qubits))
        checkpoints.append(Checkpoint(len(emitter.gates), every))
    final_z = emitter.finish()
    via = Via(tuple(one.claim for one in prepared), circuit.ends)
    return Candidate(name, tuple(emitter.gates), final_z, circuit.ends, tuple(checkpoints), via)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A step of the circuit, and the frames before and after it if it is a group."""

    claim: Claim
    group: Group | None
    before: tuple[Matrix, ...]
    after: tuple[Matrix, ...]


def _emit_wide(emitter: Emitter, one: _Prepared, group: Group) -> None:
    held = dict(zip(group.wires, one.before, strict=True))
    if group.made is None:
        for item in group.items:
            for wire, frame in zip(item.wires, item.frames, strict=True):
                emitter.one(wire, frame @ held[wire].conj().T)
                held[wire] = frame
            _emit(emitter, template(item), item.wires)
        return
    for wire, frame in held.items():
        emitter.one(wire, frame.conj().T)
    _emit(emitter, group.made, group.wires)
    for wire, frame in zip(group.wires, one.after, strict=True):
        emitter.one(wire, frame)


def _emit(emitter: Emitter, made: Template, wires: tuple[int, ...]) -> None:
    for wire, matrix in zip(wires, made.first, strict=True):
        emitter.one(wire, matrix)
    for (low, high), turns, after in zip(made.pairs, made.turns, made.after, strict=True):
        emitter.two("z", wires[low], wires[high], turns)
        emitter.one(wires[low], after[0])
        emitter.one(wires[high], after[1])


class _Wires:
    """Frames in which the wires are, and how they came about as far as that is known."""

    def __init__(self, circuit: Axial) -> None:
        self.frames: list[Matrix] = [IDENTITY] * circuit.qubits
        self.marks: list[Mark | None] = [(0, "z")] * circuit.qubits
        self._history = circuit.history

    def move(self, wire: int, frame: Matrix, mark: Mark | None) -> tuple[Matrix, list[Turn]]:
        """Go to another frame: the one-qubit gate that does, and its rotations, those the circuit was read with if
        possible."""
        rest = frame @ self.frames[wire].conj().T
        before = self.marks[wire]
        self.frames[wire], self.marks[wire] = frame, mark
        if before is None or mark is None:
            return rest, list(turns_of_one(rest))
        turns = _inverse(_TO_Z[before[1]])
        read = self._history[wire]
        turns += read[before[0] : mark[0]] if before[0] <= mark[0] else _inverse(read[mark[0] : before[0]])
        return rest, turns + _TO_Z[mark[1]]


_TO_Z: dict[str, list[Turn]] = {letter: list(turns_of_one(matrix)) for letter, matrix in TO_Z.items()}


def _inverse(turns: list[Turn]) -> list[Turn]:
    return [(x, z, -angle) for x, z, angle in reversed(turns)]


def _claim(group: Group, current: _Wires) -> Claim:
    """The group's gates as one step; ``current`` moves on to after it."""
    place = {wire: number for number, wire in enumerate(group.wires)}
    steps: list[Step] = []
    turns: list[Turn] = []
    for item in group.items:
        for wire, frame, mark in zip(item.wires, item.frames, item.marks, strict=True):
            rest, local = current.move(wire, frame, mark)
            steps.append(Step(rest, (place[wire],)))
            turns += [(x << place[wire], z << place[wire], angle) for x, z, angle in local]
        places = tuple(place[wire] for wire in item.wires)
        steps.append(Step(item.core(), places))
        turns += [(embed_bits(x, places), embed_bits(z, places), angle) for x, z, angle in core_turns(item)]
    return Claim(Step(unitary(steps, len(group.wires)), group.wires), tuple(turns))


def core_turns(item: Entangler) -> Iterator[Turn]:
    """The core of ``item`` in Pauli rotations."""
    if item.kind in ("zz", "cciz"):
        yield (0, 3, item.angle)
    if item.kind == "zzz":
        yield (0, 7, item.angle)
    if item.kind == "margolus" and item.angle < 0:
        yield from _margolus_turns(item.pattern)
    peres: Turn = (3 if item.kind == "peres_xx" else 2, 1 if item.kind == "peres" else 0, -0.25)
    if item.kind in ("peres", "peres_xx") and item.angle < 0:
        yield (*peres[:2], 0.25)
    if item.kind == "cswap":
        # n and the singlet (1 - XX)(1 - ZZ) / 4 of the two others
        yield from _phase_turns(((0, 1, 1), (6, 0, 1), (0, 6, 1)), math.pi)
    elif item.kind not in ("zz", "zzz"):
        yield from _phase_turns(((0, 1, 1), (0, 2, 1), (0, 4, 1)), item.angle if item.kind == "ccp" else math.pi)
    if item.kind in ("peres", "peres_xx") and item.angle > 0:
        yield peres
    if item.kind == "margolus" and item.angle > 0:
        yield from _margolus_turns(item.pattern)


def _margolus_turns(pattern: tuple[int, int]) -> Iterator[Turn]:
    first, second = (1 if bit else -1 for bit in pattern)
    yield from _phase_turns(((0, 1, first), (0, 2, second), (4, 0, 1)), math.pi)


def _phase_turns(paulis: tuple[tuple[int, int, int], ...], angle: float) -> Iterator[Turn]:
    """exp(i angle n1 n2 n3) with n = (1 - sign P) / 2 for commuting Paulis P (x bits, z bits, sign)."""
    for chosen in product((0, 1), repeat=len(paulis)):
        if not any(chosen):
            continue
        x = z = 0
        factor = 1.0
        for take, (bits_x, bits_z, sign) in zip(chosen, paulis, strict=True):
            if take:
                factor *= -sign
                # XX ZZ = -YY, the only product here of Paulis that are not on different qubits.
                if (x & bits_z).bit_count() == 2:
                    factor = -factor
                x, z = x ^ bits_x, z ^ bits_z
        yield (x, z, -factor * angle / (2 ** len(paulis) * math.pi))
