"""A certificate gone through again with nothing but the two circuits: is the one the other?

Every claim of the certificate is multiplied out and compared with the matrices of the gates that are in the files. Uses
numpy, and none of what finds circuits.
"""

from __future__ import annotations

import cmath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .certificate import (
    MAX_TURNS,
    Certificate,
    Malformed,
    Rotations,
    Stage,
    Whole,
    Windows,
    canonical,
    digest,
    read_json,
)
from .certify import Certifier, Claim
from .matrices import factors, norm_apart, permuted, turns_matrix
from .native import IDENTITY, Matrix, Native, rz
from .openqasm import read_circuit
from .openqasm_three import read_source
from .scanning import Circuit, Unreadable
from .simulation import Step, fuse, unitary

LIMIT = 1e-8
"""What all errors together, in operator norm, may come to."""

UNITARY_QUBITS = 10
WINDOW_QUBITS = 6
_ANGLES = {"gpi": 1, "gpi2": 1, "zz": 1, "ms": 3}


class NotShown(Exception):
    """The certificate does not show that the circuits are equal; the message says where it fails."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Equal within ``error``, an operator norm; ``stages`` describe how."""

    error: float
    stages: tuple[str, ...]
    qubits: int
    input_gates: int
    native_gates: int


@dataclass(frozen=True, slots=True)
class Output:
    """A native circuit; ``circuit`` has its measurements if the form it was read from has any."""

    steps: tuple[Step, ...]
    qubits: int
    form: str
    digest: str
    circuit: Circuit | None


def recheck(source: bytes, output: bytes, certificate: bytes) -> Shown:
    """Check that ``output`` (OpenQASM 2 or IonQ's native JSON) is ``source`` (OpenQASM 2 or 3), by ``certificate``.

    Raises :class:`NotShown`, and :class:`Unreadable` or :class:`Malformed` for what is no circuit or no certificate.
    """
    claimed = Certificate.from_bytes(certificate)
    wanted = read_source(_text(source, "the input"))
    made = read_output(output)
    if (claimed.form, claimed.input) != (wanted.form, digest(source)):
        raise NotShown("the certificate is for another input")
    if claimed.outputs.get(made.form) != made.digest:
        raise NotShown("the certificate is for another output")
    return check(wanted, made, claimed)


def check(wanted: Circuit, made: Output, claimed: Certificate) -> Shown:
    """The same of circuits that were read already, whatever their digests."""
    every = list(range(wanted.qubits))
    if not wanted.qubits == made.qubits == claimed.qubits:
        raise NotShown("the circuits have different numbers of qubits")
    if sorted(claimed.layout) != every or len(claimed.final_z) != len(every):
        raise NotShown("the layout is no permutation of the qubits, or a qubit has no last rotation")
    read = tuple(None if qubit is None else claimed.layout[qubit] for qubit in wanted.measured)
    if claimed.measured != read or claimed.registers != wanted.registers:
        raise NotShown("the classical bits are not read from the qubits that hold them")
    bits = [(name, size) for name, size in wanted.registers if size]
    if made.circuit is not None and (made.circuit.measured, list(made.circuit.registers)) != (read, bits):
        raise NotShown("the output measures other qubits, or into other bits, than the input")
    steps, layout = wanted.steps, tuple(every)
    error = 0.0
    told = []
    for number, stage in enumerate(claimed.stages):
        last = number == len(claimed.stages) - 1
        if isinstance(stage, Rotations) != (not last):
            raise NotShown("the stages do not lead from the input to the output")
        if isinstance(stage, Rotations):
            steps, more = check_rotations(steps, wanted.qubits, stage, Certifier())
            layout = tuple(stage.layout[wire] for wire in layout)
        else:
            more = check_last(steps, layout, made.steps, claimed.layout, claimed.final_z, stage)
        error += more
        told.append(f"{describe(stage)}: within {more:.2e}")
    if not told:
        raise NotShown("the certificate has no stage")
    if not error <= LIMIT:
        raise NotShown(f"the errors add up to {error:.2e}, more than {LIMIT:.0e}")
    return Shown(error, tuple(told), wanted.qubits, len(wanted.steps), len(made.steps))


def describe(stage: Stage) -> str:
    """A stage in a few words."""
    if isinstance(stage, Whole):
        return "both circuits as whole unitaries"
    if isinstance(stage, Windows):
        return f"{len(stage.windows)} windows of at most {WINDOW_QUBITS} qubits as exact unitaries"
    how = ", blocks multiplied out" if stage.condensed else ""
    return f"{len(stage.gates)} gates and {len(stage.circuit)} as Pauli rotations{how}"


def check_rotations(
    steps: Sequence[Step], qubits: int, stage: Rotations, certifier: Certifier
) -> tuple[tuple[Step, ...], float]:
    """The circuit the stage leads to, and how far at most it is from ``steps``; raises :class:`NotShown`."""
    if len(stage.gates) != len(steps):
        raise NotShown("there is not one claim for every gate")
    if max(stage.gates, default=-1) >= len(stage.claims):
        raise NotShown("there is no such claim")
    wanted = [Claim(step, stage.claims[number]) for step, number in zip(steps, stage.gates, strict=True)]
    known: dict[tuple[int, int], Matrix] = {}
    made = []
    for number, places in stage.circuit:
        turns, size = stage.claims[number], len(places)
        if size > WINDOW_QUBITS or any((x | z) >> size for x, z, _ in turns):
            raise NotShown("a claim does not fit its qubits")
        if (number, size) not in known:
            known[number, size] = turns_matrix(turns, size)
        made.append(Claim(Step(known[number, size], places), turns))
    error = certifier.distance(wanted, made, qubits, stage.layout, condensed=stage.condensed)
    if error is None:
        raise NotShown("the Pauli rotations of the two circuits do not cancel")
    if not error <= LIMIT:
        raise NotShown(f"the gates are {error:.2e} from the rotations they are said to be")
    return tuple(claim.step for claim in made), error


def check_last(
    steps: Sequence[Step],
    layout: Sequence[int],
    native: Sequence[Step],
    ends: Sequence[int],
    final_z: Sequence[float],
    stage: Whole | Windows,
) -> float:
    """How far at most the ``native`` gates, RZ(``final_z``) and output qubit q on wire ``ends[q]`` are from ``steps``
    with output qubit q on ``layout[q]``; raises :class:`NotShown`."""
    qubits = len(layout)
    if any(not _placed(step, qubits) for step in native):
        raise NotShown("a native gate names a qubit that is not there, or one twice")
    if isinstance(stage, Windows):
        return _check_windows(steps, layout, native, ends, final_z, stage)
    if qubits > UNITARY_QUBITS:
        raise NotShown(f"circuits of more than {UNITARY_QUBITS} qubits are not compared as a whole")
    wanted = permuted(unitary(fuse(steps), qubits), layout)
    last = [Step(rz(turns), (wire,)) for wire, turns in enumerate(final_z)]
    made = permuted(unitary(fuse([*native, *last]), qubits), ends)
    return operator_norm_apart(wanted, made)


def operator_norm_apart(wanted: Matrix, made: Matrix) -> float:
    """A bound on the operator norm of the difference up to a global phase: exact where the cheap one is too large."""
    apart = norm_apart(wanted, made)
    if apart <= LIMIT or not apart <= LIMIT * len(wanted) ** 0.5:
        return apart
    phase = cmath.phase(complex(np.vdot(wanted, made)))
    return float(np.linalg.norm(wanted - made * cmath.exp(-1j * phase), 2))


def _check_windows(
    steps: Sequence[Step],
    layout: Sequence[int],
    native: Sequence[Step],
    ends: Sequence[int],
    final_z: Sequence[float],
    stage: Windows,
) -> float:
    """Each window, after what the windows before it left over, is its native gates and one-qubit gates after them:
    these are what it leaves over."""
    qubits = len(layout)
    _check_order(steps, qubits, stage)
    wires = list(range(qubits))
    pending: list[Matrix] = [IDENTITY] * qubits
    total, place = 0.0, 0
    for number, window in enumerate(stage.windows):
        inside = list(dict.fromkeys(qubit for member in window.members for qubit in steps[member].qubits))
        size = len(inside)
        order = window.ends or tuple(range(size))
        if size > WINDOW_QUBITS or sorted(order) != list(range(size)):
            raise NotShown(f"window {number}: more than {WINDOW_QUBITS} qubits, or they do not keep apart")
        home = [wires[qubit] for qubit in inside]
        local = {wire: slot for slot, wire in enumerate(home)}
        gates = native[place : place + window.count]
        place += window.count
        if place > len(native) or any(wire not in local for gate in gates for wire in gate.qubits):
            raise NotShown(f"window {number}: its native gates act on other qubits")
        slot = {qubit: position for position, qubit in enumerate(inside)}
        asked = [Step(pending[wire], (local[wire],)) for wire in home]
        asked += [Step(steps[member].matrix, tuple(slot[q] for q in steps[member].qubits)) for member in window.members]
        done = unitary([Step(gate.matrix, tuple(local[wire] for wire in gate.qubits)) for gate in gates], size)
        # Where qubit number i is at the end is where number order[i] began.
        back = tuple(order.index(position) for position in range(size))
        left, apart = factors(permuted(unitary(asked, size), back) @ done.conj().T)
        total += apart
        if not total <= LIMIT:
            raise NotShown(f"window {number}: its native gates are not what the circuit has there")
        for position, wire in enumerate(home):
            pending[wire] = left[position]
        for position, qubit in enumerate(inside):
            wires[qubit] = home[order[position]]
    for gate in native[place:]:
        if len(gate.qubits) != 1:
            raise NotShown("there are native gates after the last window")
        pending[gate.qubits[0]] = pending[gate.qubits[0]] @ gate.matrix.conj().T
    total += sum(norm_apart(rz(turns), pending[wire]) for wire, turns in enumerate(final_z))
    if [wires[place] for place in layout] != list(ends):
        raise NotShown("the qubits end in other places than the layout says")
    if not total <= LIMIT:
        raise NotShown("the last one-qubit gates and rotations are not what is left over")
    return total


def _check_order(steps: Sequence[Step], qubits: int, stage: Windows) -> None:
    """Every gate stands in one window, and gates that share a qubit keep their order: so only gates on different qubits
    change places, and the windows one after the other are the circuit."""
    order = [member for window in stage.windows for member in window.members]
    if sorted(order) != list(range(len(steps))):
        raise NotShown("not every gate is in exactly one window")
    newest = [-1] * qubits
    for member in order:
        for qubit in steps[member].qubits:
            if newest[qubit] > member:
                raise NotShown("the windows change the order of gates on the same qubit")
            newest[qubit] = member


def _placed(step: Step, qubits: int) -> bool:
    return len(set(step.qubits)) == len(step.qubits) and all(0 <= qubit < qubits for qubit in step.qubits)


def _text(data: bytes, what: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Unreadable(f"{what} is not text in UTF-8") from None


def read_output(data: bytes) -> Output:
    """A native circuit from OpenQASM 2 or IonQ's JSON; raises :class:`Unreadable`."""
    text = _text(data, "the output")
    if not text.lstrip().startswith("{"):
        circuit = read_circuit(text, whole=True)
        return Output(circuit.steps, circuit.qubits, "openqasm2", digest(data), circuit)
    try:
        document = read_json(data)
    except Malformed:
        raise Unreadable("the output is not JSON") from None
    try:
        if set(document) != {"gateset", "qubits", "circuit"} or document["gateset"] != "native":
            raise Unreadable("the output is not IonQ's native JSON")
        qubits = document["qubits"]
        gates = [_native(entry) for entry in document["circuit"]]
        if type(qubits) is not int or any(not _placed(gate, qubits) for gate in gates):
            raise Unreadable("the output has a gate on a qubit that is not there")
    except (KeyError, TypeError, ValueError):
        raise Unreadable("the output has a gate that is not IonQ's native JSON") from None
    return Output(tuple(gates), qubits, "ionq", digest(canonical(document)), None)


def _native(entry: dict[str, object]) -> Step:
    name = entry["gate"]
    if name not in _ANGLES:
        raise Unreadable("the output has a gate that is not native")
    single = name in ("gpi", "gpi2")
    names = {"gate", "target", "phase"} if single else {"gate", "targets", "angle"} | ({"phases"} & {*entry})
    if set(entry) != names or ("phases" in entry) != (name == "ms"):
        raise Unreadable("the output has a gate with other members than a native gate has")
    qubits = [entry["target"]] if single else entry["targets"]
    angles = [entry["phase"]] if single else [*_items(entry.get("phases", ())), entry["angle"]]
    places = [qubit for qubit in _items(qubits) if type(qubit) is int]
    numbers = [float(angle) for angle in angles if type(angle) in (int, float)]  # type: ignore[arg-type]  # checked
    fit = len(places) == (1 if single else 2) and len(numbers) == len(angles) == _ANGLES[str(name)]
    if not fit or any(not abs(number) <= MAX_TURNS for number in numbers):
        raise Unreadable("the output has a gate whose qubits or angles are not numbers")
    gate = Native(name, tuple(places), tuple(numbers))  # type: ignore[arg-type]  # one of the four
    return Step(gate.matrix(), gate.qubits)


def _items(value: object) -> Iterable[object]:
    if not isinstance(value, list | tuple):
        raise Unreadable("the output has a gate whose qubits or angles are no list")
    return value
