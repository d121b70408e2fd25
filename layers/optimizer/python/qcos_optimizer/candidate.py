"""A native circuit that claims to do what the input does, with all that is needed to check the claim."""

from __future__ import annotations

from dataclasses import dataclass

from .certify import Claim
from .native import Native


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A claim about a beginning of the circuit: up to here the input equals ``gates[:cut]``, then some one-qubit gate
    on every native qubit, read with input qubit q on native qubit ``layout[q]``."""

    cut: int
    layout: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Via:
    """A circuit between the input and the native one, gate by gate with what each is claimed to be in Pauli rotations.
    Output qubit q of the input is on its qubit ``layout[q]``. ``origin`` is the circuit of which this one was made by
    rewriting rotations, if there is one: to prove it equal to the input may be easier."""

    claims: tuple[Claim, ...]
    layout: tuple[int, ...]
    origin: Via | None = None


@dataclass(frozen=True, slots=True)
class Candidate:
    """``gates``, then RZ(``final_z[w]`` turns) on every native qubit w, with output qubit q of the input on native
    qubit ``layout[q]``, is claimed to be the input up to a global phase. The last RZs are never run: no measurement
    sees them.

    ``checkpoints``, if any, hold one claim for every window of the input (see :func:`windows.cut`), in order; with
    ``via``, one for every two-qubit block of that circuit, whose qubits start on the native qubits of their number.
    """

    name: str
    gates: tuple[Native, ...]
    final_z: tuple[float, ...]
    layout: tuple[int, ...]
    checkpoints: tuple[Checkpoint, ...] = ()
    via: Via | None = None
