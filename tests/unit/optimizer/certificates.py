"""Circuits with certificates of every kind, and what is wrong when one thing is changed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from qcos_optimizer import Optimized, optimize
from qcos_optimizer.candidate import Via
from qcos_optimizer.chains import chains
from qcos_optimizer.native import Native
from qcos_optimizer.parsing import parse
from qcos_optimizer.passes.blocks import lower_merged, merge
from qcos_optimizer.recheck import Shown, recheck
from qcos_optimizer.source import take_apart
from qcos_optimizer.synthesis import whole
from qcos_optimizer.turns import TurnsCache
from qcos_optimizer.verification import Verifier

from .circuits import HEADER

SMALL = (
    HEADER + "qreg q[4];\ncreg m[2];\ncreg n[3];\n"
    "h q[0];\nccx q[0],q[1],q[2];\ncu3(0.3,-0.7,1.9) q[2],q[3];\nrzz(0.4) q[0],q[3];\nswap q[1],q[3];\ncz q[0],q[1];\n"
    "measure q[2] -> m[1];\nmeasure q[0] -> n[2];\nmeasure q[3] -> n[0];\n"
)
"""Measured in part, out of order, into several registers; ends with a CZ."""

LARGE = HEADER + "".join(
    [
        "qreg q[12];\ncreg c[12];\nh q;\n",
        *(f"cu1(pi/{qubit + 2}) q[{qubit}],q[{qubit + 1}];\nrx(0.{qubit + 1}) q[{qubit}];\n" for qubit in range(11)),
        "swap q[0],q[11];\ncswap q[3],q[7],q[9];\ncu(0.1,0.2,0.3,0.4) q[5],q[2];\ncz q[4],q[10];\n",
        "measure q -> c;\n",
    ]
)

SMALL_3 = """OPENQASM 3.0;
include "stdgates.inc";
const uint n = 4;
gate g(a) x, y { ctrl @ inv @ t x, y; negctrl @ rx(a / 2) y, x; gphase(a); }
qubit[n] q; bit[2] m; bit[n - 1] k;
h q[0];
ctrl(2) @ x q[0], q[1], q[2];
pow(-2) @ g(0.3) q[2], q[3];
ctrl @ g(0.7) q[1], q[3], q[0];
ctrl(3) @ gphase(pi / 7) q[0], q[1], q[-1];
id q;
cz q[0], q[1];
m[1] = measure q[2]; k[2] = measure q[0]; k[0] = measure q[3];
"""
"""Modifiers of every kind on gates without and with a name of their own."""

LARGE_3 = (
    LARGE.replace(HEADER, 'OPENQASM 3.0;\ninclude "stdgates.inc";\n')
    .replace("cu1(", "cp(")
    .replace("creg c[12];", "bit[12] c;")
    .replace("measure q -> c;", "c = measure q;")
    .replace("cswap ", "ctrl @ inv @ t q[11],q[4];\nctrl(2) @ negctrl @ ry(-0.3) q[1],q[8],q[2],q[6];\nctrl @ swap ")
)

CASES = ("unitary", "windows", "rotations", "blocks", "unitary3", "windows3", "rotations3", "blocks3")
"""How the proof goes: whole; by windows; by Pauli rotations and windows; with blocks multiplied out besides. With a 3,
the input is OpenQASM 3."""


@cache
def case(how: str) -> tuple[str, Optimized]:
    newer, how = how.endswith("3"), how.rstrip("3")
    if how == "unitary":
        text = SMALL_3 if newer else SMALL
        return text, optimize(text, "ionq_forte", 1)
    text = LARGE_3 if newer else LARGE
    if how == "windows":
        return text, optimize(text, "ionq_forte", 0)
    base = case("windows3" if newer else "windows")[1]
    source = take_apart(parse(text))
    if how == "rotations":
        via = next(chain for chain in chains(source, 1, 0) if chain.name.startswith("gadgets")).via
    else:
        cache = TurnsCache()
        operations, layout = next(made[1:] for made in whole(source, 1, 0) if made[0] == "l1-cx")
        via = Via(tuple(cache.claim(operation) for operation in operations), layout)
    candidate = lower_merged(how, via, merge([claim.step for claim in via.claims]), "zz", "z")
    found = Verifier(source, 0, text).verify(candidate)
    assert found is not None
    assert found.proof is not None
    measured: list[int | None] = [candidate.layout[qubit] for qubit in range(source.qubits)]
    return text, replace(base, gates=candidate.gates, measured=measured, verification=found)


def outputs(made: Optimized) -> dict[str, bytes]:
    return {"openqasm2": made.to_qasm2().encode(), "ionq": json.dumps(made.to_ionq_input(), indent=1).encode()}


def stages(how: str) -> list[dict[str, Any]]:
    certificate = case(how)[1].certificate
    assert certificate is not None
    made: list[dict[str, Any]] = json.loads(certificate)["stages"]
    return made


def check(text: str, output: bytes, certificate: bytes) -> Shown:
    return recheck(text.encode(), output, certificate)


def mutants(made: Optimized) -> Iterator[tuple[str, Optimized]]:
    """The same answer with one thing wrong, and its certificate written anew, digests and all."""
    gates, proof = made.gates, made.verification.proof
    assert proof is not None
    half = len(gates) // 2
    turned = next(place for place in range(half, len(gates)) if len(gates[place].qubits) == 2)

    def turn(place: int, angle: float) -> tuple[Native, ...]:
        other = replace(gates[place], angles=(*gates[place].angles[:-1], angle))
        return (*gates[:place], other, *gates[place + 1 :])

    yield "dropped gate", replace(made, gates=gates[:turned] + gates[turned + 1 :])
    yield "dropped pulse", replace(made, gates=gates[1:])
    yield "angle wrong by 1e-6", replace(made, gates=turn(turned, gates[turned].angles[-1] + 1e-6))
    yield "phase wrong by 1e-6", replace(made, gates=turn(0, gates[0].angles[-1] + 1e-6))
    signed = next(place for place, gate in enumerate(gates) if abs(gate.angles[-1] * 4 % 1 - 0.5) < 0.49)
    yield "wrong sign", replace(made, gates=turn(signed, -gates[signed].angles[-1]))
    yield "one more gate", replace(made, gates=(*gates, Native("gpi", (0,), (0.0,))))
    first, second, *rest = proof.layout
    layout = (second, first, *rest)
    moved = {wire: layout[qubit] for qubit, wire in enumerate(proof.layout)}
    measured = [None if wire is None else moved[wire] for wire in made.measured]
    wrong = replace(made.verification, proof=replace(proof, layout=layout))
    yield "wrong permutation", replace(made, verification=wrong, measured=measured)
    late = replace(made.verification, proof=replace(proof, final_z=(proof.final_z[0] + 1e-6, *proof.final_z[1:])))
    yield "wrong last rotation", replace(made, verification=late)
    bits = [bit for bit, wire in enumerate(made.measured) if wire is not None]
    fewer, swapped = list(made.measured), list(made.measured)
    fewer[bits[0]] = None
    swapped[bits[0]], swapped[bits[1]] = swapped[bits[1]], swapped[bits[0]]
    yield "missing measurement", replace(made, measured=fewer)
    yield "swapped classical bits", replace(made, measured=swapped)
    yield "another register", replace(made, registers=[("other", len(made.measured))])
