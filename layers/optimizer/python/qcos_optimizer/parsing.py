"""OpenQASM text into a circuit, reading nothing but the text."""

from __future__ import annotations

import re

from qiskit import qasm2
from qiskit.circuit import QuantumCircuit

from .errors import CircuitError
from .openqasm3 import is_openqasm3, parse3
from .source import Source, take_apart

_COMMENT = re.compile(r"//[^\n]*")
# Many tools print small angles as 1e-05; the published grammar wants a point in every real number.
_POINTLESS = re.compile(r"(?<![\w.])(\d+)([eE][+-]?\d+)\b")
_BEGINS = re.compile(r"(?:\s++|//[^\n]*+)*+OPENQASM\s++2")
_DEFINED = re.compile(r"\b(?:gate|opaque)\s+([A-Za-z_][A-Za-z0-9_]*)")
# "delay" takes a time, not an angle, and the machine has no such thing.
_WIDE_SPREAD = tuple(known for known in qasm2.LEGACY_CUSTOM_INSTRUCTIONS if known.name != "delay")


def read(circuit: str | QuantumCircuit) -> Source:
    """What ``circuit`` (OpenQASM text or a circuit) asks for; raises :class:`CircuitError`."""
    if isinstance(circuit, str):
        return take_apart(parse(circuit))
    if not isinstance(circuit, QuantumCircuit):
        raise CircuitError(
            f"a circuit is OpenQASM text or a qiskit QuantumCircuit, not {type(circuit).__name__}; "
            "optimize several one by one",
            "circuit_type",
        )
    return take_apart(circuit)


def parse(text: str) -> QuantumCircuit:
    """The circuit ``text`` describes: strict OpenQASM 2.0 plus the gates that Qiskit's own ``qelib1.inc`` adds to the
    published one (sx, p, cp, swap, rzz, ...), and 1e-05 for a number; or OpenQASM 3, as far as :mod:`openqasm3` reads
    it. No file is ever opened. Raises :class:`CircuitError`.
    """
    if is_openqasm3(text):
        return parse3(text)
    # A gate the text defines itself must mean what the text says, not what Qiskit means by that name.
    defined = set(_DEFINED.findall(_COMMENT.sub("", text)))
    known = tuple(instruction for instruction in _WIDE_SPREAD if instruction.name not in defined)
    text = _POINTLESS.sub(r"\1.0\2", text)
    try:
        return qasm2.loads(text, include_path=(), custom_instructions=known, strict=True)
    except qasm2.QASM2ParseError as error:
        if not _BEGINS.match(text):
            message = "OpenQASM text begins with 'OPENQASM 2.0;' or 'OPENQASM 3.0;'; a file has to be read first"
            raise CircuitError(message, "syntax") from None
        place = re.match(r"<input>:(\d+),(\d+):", str(error).strip("\"'"))
        where = f"line {place[1]}, column {int(place[2]) + 1}: " if place else ""
        raise CircuitError(f"{where}not valid OpenQASM 2.0", "syntax") from None
    except (TypeError, UnicodeEncodeError, OverflowError, ValueError, ArithmeticError):
        raise CircuitError("not valid OpenQASM 2.0", "syntax") from None
