"""Entangling gates merged and cancelled along what commutes with them."""

from __future__ import annotations

import math

import numpy as np

from ..native import Matrix
from .axial import PAULI, Axial, Entangler, Vector, commute, parallel, rotation

REACH = 400
"""How many gates back a partner is looked for."""

NEGLIGIBLE = 1e-12
_FULL = 2 * math.pi


def merge(circuit: Axial) -> Axial:
    """The same circuit with every gate merged into an earlier one of the same axes that it can be moved back to; what
    cancels is gone, what became a product of one-qubit gates is pushed to the end."""
    made = Axial(circuit.qubits, [], list(circuit.tail), circuit.ends, circuit.history, list(circuit.tail_as_read))
    waiting = list(reversed(circuit.items))
    while waiting:
        item = waiting.pop()
        if item.kind == "zz" and _is_local(item.angle):
            _push_paulis(made, waiting, item)
            continue
        place = _partner(made.items, item)
        if place is None:
            made.items.append(item)
            continue
        entanglers, locals_ = _merged(made.items.pop(place), item)
        # What both do commutes with all that stands between them, so the rest of it may stand here; the locals about
        # the same axes stay where the partner was and turn what follows.
        for wire, matrix in locals_:
            turn_rest(made, place, wire, matrix)
            waiting[:] = [entry.turned(wire, matrix) if wire in entry.wires else entry for entry in waiting]
        waiting.extend(reversed(entanglers))
    return made


def turn_rest(circuit: Axial, after: int, wire: int, by: Matrix) -> None:
    """Put the one-qubit gate ``by`` before item number ``after`` and push it to the end."""
    rest = (item.turned(wire, by) if wire in item.wires else item for item in circuit.items[after:])
    circuit.items[after:] = list(rest)
    circuit.tail[wire] = circuit.tail[wire] @ by
    circuit.tail_as_read[wire] = False


def _partner(items: list[Entangler], item: Entangler) -> int | None:
    for place in range(len(items) - 1, max(-1, len(items) - 1 - REACH), -1):
        other = items[place]
        if not set(other.wires).isdisjoint(item.wires):
            if _mergeable(other, item):
                return place
            if not commute(other, item):
                return None
    return None


def _mergeable(one: Entangler, other: Entangler) -> bool:
    if sorted(one.wires) != sorted(other.wires):
        return False
    if one.kind == other.kind and one.kind in ("zz", "ccp"):
        return all(parallel(one.axis(wire), other.axis(wire)) for wire in one.wires)
    if one.kind == other.kind == "cswap" or one.kind == other.kind == "margolus":
        return one.wires == other.wires and _is_phase(other.unitary() @ one.unitary())
    return False


def _merged(one: Entangler, other: Entangler) -> tuple[list[Entangler], list[tuple[int, Matrix]]]:
    """Their product: entangling gates that all commute with whatever both do, and locals that follow them."""
    if one.kind in ("cswap", "margolus"):
        return [], []
    signs = [1 if float(np.dot(_axis(one, wire), _axis(other, wire))) > 0 else -1 for wire in one.wires]
    if one.kind == "zz":
        return [_zz(one, (0, 1), one.angle + math.prod(signs) * other.angle)], []
    # n of an opposite axis is 1 - n: multiply out, then one gate for each set of qubits.
    phases: dict[tuple[int, ...], float] = {(0, 1, 2): one.angle}
    terms: dict[tuple[int, ...], float] = {(): other.angle}
    for place, sign in enumerate(signs):
        grown: dict[tuple[int, ...], float] = {}
        for subset, angle in terms.items():
            grown[(*subset, place)] = grown.get((*subset, place), 0.0) + (angle if sign > 0 else -angle)
            if sign < 0:
                grown[subset] = grown.get(subset, 0.0) + angle
        terms = grown
    for subset, angle in terms.items():
        phases[subset] = phases.get(subset, 0.0) + angle
    entanglers: list[Entangler] = []
    locals_: list[tuple[int, Matrix]] = []
    for subset, angle in sorted(phases.items()):
        turned = math.remainder(angle, _FULL)
        if abs(turned) < NEGLIGIBLE or not subset:
            continue
        if len(subset) == 3:
            entanglers.append(Entangler("ccp", one.wires, one.frames, turned))
        elif len(subset) == 2:
            # n m = (1 - A - B + A B) / 4
            entanglers.append(_zz(one, subset, -turned / (4 * math.pi)))
            locals_ += [(one.wires[place], rotation(_axis(one, one.wires[place]), turned / 4)) for place in subset]
        else:
            wire = one.wires[subset[0]]
            locals_.append((wire, rotation(_axis(one, wire), turned / 2)))
    return entanglers, locals_


def _zz(item: Entangler, places: tuple[int, ...], turns: float) -> Entangler:
    return item.zz(places, turns)


def _is_local(turns: float) -> bool:
    return abs(turns * 2 - round(turns * 2)) < NEGLIGIBLE


def _push_paulis(made: Axial, waiting: list[Entangler], item: Entangler) -> None:
    """A rotation by a multiple of half a turn is 1 or a Pauli on both qubits."""
    if round(item.angle * 2) % 2:
        for wire, frame in zip(item.wires, item.frames, strict=True):
            pauli = frame.conj().T @ PAULI[2] @ frame
            turn_rest(made, len(made.items), wire, pauli)
            waiting[:] = [entry.turned(wire, pauli) if wire in entry.wires else entry for entry in waiting]


def _axis(item: Entangler, wire: int) -> Vector:
    axis = item.axis(wire)
    assert axis is not None
    return axis


def _is_phase(matrix: Matrix) -> bool:
    return bool(np.abs(matrix - matrix[0, 0] * np.eye(len(matrix))).max() < NEGLIGIBLE)
