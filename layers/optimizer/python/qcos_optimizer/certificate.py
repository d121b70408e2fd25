"""The certificate of a proof as a file: all that is needed to go through the proof again without the optimizer.

Canonical JSON (names sorted, no spaces, ASCII, every number with the fewest digits that read back as the same
binary64), so that equal certificates have equal digests. Nothing in it is taken on trust: :mod:`recheck` compares every
claim with the gates of the two circuits. docs/optimizer.md describes the format.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .pauli import Turn
from .scanning import Form

FORMAT = "qcos-equivalence-certificate"
VERSION = 1
MAX_QUBITS = 1_000
MAX_TURNS = 1e6
MAX_LETTERS = 10
_LETTERS = "IXZY"


class Malformed(ValueError):
    """Not a certificate of this format; the message says what is wrong."""


@dataclass(frozen=True, slots=True)
class Whole:
    """Both circuits are multiplied out and compared."""


@dataclass(frozen=True, slots=True)
class Rotations:
    """Gate k of the circuit so far is the Pauli rotations ``claims[gates[k]]``, and the whole is equal to ``circuit``,
    each entry of which is the rotations of a claim on its qubits; output qubit q is then on qubit ``layout[q]``. With
    ``condensed``, blocks are multiplied out to show it."""

    claims: tuple[tuple[Turn, ...], ...]
    gates: tuple[int, ...]
    circuit: tuple[tuple[int, tuple[int, ...]], ...]
    layout: tuple[int, ...]
    condensed: bool


@dataclass(frozen=True, slots=True)
class Window:
    """Gates ``members`` of the circuit so far are the next ``count`` native gates. Of the qubits that the members act
    on, in the order in which they first do, number i ends where number ``ends[i]`` began."""

    members: tuple[int, ...]
    count: int
    ends: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Windows:
    """The native circuit window by window; what comes after the last are one-qubit gates."""

    windows: tuple[Window, ...]


Stage = Whole | Rotations | Windows


@dataclass(frozen=True, slots=True)
class Certificate:
    """The output, then RZ(``final_z[w]`` turns) on every native qubit w, with output qubit q of the input on native
    qubit ``layout[q]``, is the input up to a global phase; ``stages`` show it one after the other.

    ``input`` is the digest of the OpenQASM text, ``form`` its language, ``outputs`` are the digests of the forms of the
    native circuit by name. ``measured[k]`` is the native qubit that holds classical bit k at the end.
    """

    input: str
    outputs: dict[str, str]
    qubits: int
    layout: tuple[int, ...]
    final_z: tuple[float, ...]
    registers: tuple[tuple[str, int], ...]
    measured: tuple[int | None, ...]
    stages: tuple[Stage, ...]
    form: Form = "openqasm2"

    def to_bytes(self) -> bytes:
        """The file."""
        return canonical(
            {
                "format": FORMAT,
                "version": VERSION,
                "input": {self.form: self.input},
                "output": self.outputs,
                "qubits": self.qubits,
                "layout": self.layout,
                "final_z": self.final_z,
                "registers": self.registers,
                "measured": self.measured,
                "stages": [_written(stage) for stage in self.stages],
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Certificate:
        """Read the file; raises :class:`Malformed`."""
        document = read_json(data)
        _members(
            document,
            "format version input output qubits layout final_z registers measured stages",
            "the certificate",
        )
        if document["format"] != FORMAT or document["version"] is not VERSION:
            raise Malformed(f"not a {FORMAT} of version {VERSION}")
        newer = isinstance(document["input"], dict) and "openqasm3" in document["input"]
        form: Form = "openqasm3" if newer else "openqasm2"
        _members(document["input"], form, "input")
        _members(document["output"], "openqasm2 ionq", "output")
        qubits = _whole(document["qubits"], MAX_QUBITS, "qubits")
        registers = []
        for register in _list(document["registers"], "registers"):
            name, size = _tuple(register, 2, "registers")
            registers.append((_text(name, "registers"), _whole(size, MAX_QUBITS, "registers")))
        return cls(
            _text(document["input"][form], "input"),
            {name: _text(digest, "output") for name, digest in document["output"].items()},
            qubits,
            _wholes(document["layout"], qubits - 1, "layout"),
            tuple(_number(turns, "final_z") for turns in _list(document["final_z"], "final_z")),
            tuple(registers),
            tuple(
                None if qubit is None else _whole(qubit, qubits - 1, "measured")
                for qubit in _list(document["measured"], "measured")
            ),
            tuple(_stage(stage) for stage in _list(document["stages"], "stages")),
            form,
        )


def digest(data: bytes) -> str:
    """SHA3-256, as digests are written everywhere."""
    return f"sha3-256:{hashlib.sha3_256(data).hexdigest()}"


def canonical(document: Any) -> bytes:
    """The one way to write ``document``."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def read_json(data: bytes) -> Any:
    """A JSON document without names that stand twice and without numbers that are none; raises :class:`Malformed`."""
    try:
        return json.loads(data, object_pairs_hook=_object, parse_constant=_constant)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name stands twice")
    return made


def _constant(name: str) -> float:
    raise ValueError(name)


def _written(stage: Stage) -> dict[str, Any]:
    if isinstance(stage, Whole):
        return {"stage": "unitary"}
    if isinstance(stage, Windows):
        return {
            "stage": "windows",
            "windows": [
                # Hardly any window changes the order of its qubits: only those that do say so.
                [one.members, one.count, *([] if list(one.ends) == sorted(one.ends) else [one.ends])]
                for one in stage.windows
            ],
        }
    # Letters as many as the gate has qubits, which the table must know for every claim.
    widths = [1] * len(stage.claims)
    for number, claim in enumerate(stage.claims):
        for x, z, _ in claim:
            widths[number] = max(widths[number], (x | z).bit_length())
    return {
        "stage": "rotations",
        "condensed": stage.condensed,
        "claims": [
            [
                ["".join(_LETTERS[(x >> slot & 1) + 2 * (z >> slot & 1)] for slot in range(width)), t]
                for x, z, t in claim
            ]
            for claim, width in zip(stage.claims, widths, strict=True)
        ],
        "gates": stage.gates,
        "circuit": [[number, *qubits] for number, qubits in stage.circuit],
        "layout": stage.layout,
    }


def _stage(document: Any) -> Stage:
    name = document.get("stage") if isinstance(document, dict) else None
    if name == "unitary":
        _members(document, "stage", "the stage")
        return Whole()
    if name == "windows":
        _members(document, "stage windows", "the stage")
        return Windows(tuple(_window(window) for window in _list(document["windows"], "windows")))
    if name != "rotations":
        raise Malformed("a stage is unitary, rotations or windows")
    _members(document, "stage condensed claims gates circuit layout", "the stage")
    if not isinstance(document["condensed"], bool):
        raise Malformed("condensed is true or false")
    claims = tuple(
        tuple(_turn(turn) for turn in _list(claim, "claims")) for claim in _list(document["claims"], "claims")
    )
    circuit = []
    for entry in _list(document["circuit"], "circuit"):
        number, *qubits = _wholes(entry, max(MAX_QUBITS, len(claims)), "circuit") or (len(claims),)
        if number >= len(claims):
            raise Malformed("circuit: there is no such claim")
        circuit.append((number, tuple(qubits)))
    return Rotations(
        claims,
        _wholes(document["gates"], len(claims) - 1, "gates"),
        tuple(circuit),
        _wholes(document["layout"], MAX_QUBITS, "layout"),
        document["condensed"],
    )


def _window(document: Any) -> Window:
    entry = _list(document, "windows")
    if len(entry) not in (2, 3):
        raise Malformed("windows: a window is its gates, a number and perhaps an order")
    members = _wholes(entry[0], 10**7, "windows")
    return Window(members, _whole(entry[1], 10**7, "windows"), _wholes(entry[2], 64, "windows") if entry[2:] else ())


def _turn(document: Any) -> Turn:
    letters, turns = _tuple(document, 2, "claims")
    x = z = 0
    for slot, letter in enumerate(_text(letters, "claims")):
        if letter not in _LETTERS or slot >= MAX_LETTERS:
            raise Malformed("claims: a Pauli is written with I, X, Y and Z")
        x |= (letter in "XY") << slot
        z |= (letter in "ZY") << slot
    return (x, z, _number(turns, "claims"))


def _members(document: Any, names: str, where: str) -> None:
    if not isinstance(document, dict) or set(document) != set(names.split()):
        raise Malformed(f"{where}: has other members than {names}")


def _list(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed(f"{where}: not a list")
    return value


def _tuple(value: Any, size: int, where: str) -> list[Any]:
    if len(_list(value, where)) != size:
        raise Malformed(f"{where}: not {size} values")
    return list(value)


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{where}: not a text")
    return value


def _whole(value: Any, most: int, where: str) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise Malformed(f"{where}: not a whole number from 0 to {most}")
    return value


def _wholes(value: Any, most: int, where: str) -> tuple[int, ...]:
    return tuple(_whole(item, most, where) for item in _list(value, where))


def _number(value: Any, where: str) -> float:
    # Beyond some size an angle has lost its meaning, and arithmetic its grip.
    if type(value) not in (int, float) or not abs(value) <= MAX_TURNS:
        raise Malformed(f"{where}: not a number of turns")
    return float(value)


def claims_table(
    gates: Sequence[tuple[Turn, ...]], circuit: Sequence[tuple[tuple[Turn, ...], tuple[int, ...]]]
) -> tuple[tuple[tuple[Turn, ...], ...], tuple[int, ...], tuple[tuple[int, tuple[int, ...]], ...]]:
    """``claims``, ``gates`` and ``circuit`` of a :class:`Rotations`, every claim written once."""
    known: dict[tuple[Turn, ...], int] = {}
    numbers = tuple(known.setdefault(turns, len(known)) for turns in gates)
    placed = tuple((known.setdefault(turns, len(known)), qubits) for turns, qubits in circuit)
    return tuple(known), numbers, placed
