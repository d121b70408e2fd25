"""``python -m tests.bench.random_circuits``: random circuits optimized, proved, and compared by plain unitaries.

Three in four are circuits in OpenQASM 2 of 2 to 8 qubits, some of 11, with every gate of qelib1.inc and gates of their
own, deep and shallow, measured in part, out of order and into several registers or not at all; the others are programs
in OpenQASM 3 of 2 to 7 qubits, with modifiers, broadcasts and definitions. Levels 1 and 2, both machines. Each answer
must be ``proved``, of 11 qubits ``tested`` at the least, which is told; its certificate must hold, Qiskit's unitaries
of the two files must agree, the classical bits must have the same distribution, and one planted error must be refused.
Prints what is not right; exit status 1 if anything is wrong.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
from numpy.random import Generator
from qiskit.circuit import QuantumCircuit

from qcos_optimizer import Optimized, optimize
from qcos_optimizer.recheck import UNITARY_QUBITS, NotShown, recheck
from qcos_optimizer.standard_gates import STANDARD
from tests.unit.optimizer.circuits import close, distribution, load, same_but_for_final_z
from tests.unit.qasm.programs3 import ProgramWriter3

OWN = (
    ("wave", 2, 3, "gate wave(a,b) p,q,r { h p; cu1(a/2) p,q; ccx p,q,r; rz(-b^2) r; cx r,p; barrier p,q; sdg q; }"),
    ("twist", 1, 2, "gate twist(a) p,q { u3(a,sin(a),-a) p; cx p,q; u2(0,pi/3) q; cu3(a,0.1,2*a) q,p; }"),
)
GATES = {name: size for name, size in STANDARD.items() if name != "u0"} | {name: (a, q) for name, a, q, _ in OWN}


def program(seed: int) -> str:
    """A random circuit as text, every fourth in OpenQASM 3; the same for the same seed."""
    return ProgramWriter3(Random(seed), known_to_qiskit=True).program() if seed % 4 == 3 else circuit(seed)


def circuit(seed: int) -> str:
    """A random circuit as OpenQASM 2 text; the same for the same seed."""
    random = np.random.default_rng([seed, 2026])
    # From eleven qubits on, proofs are made another way.
    qubits = 11 if seed % 8 == 5 else int(random.integers(2, 9))
    gates = int(random.choice([random.integers(3, 15), random.integers(15, 60)]))
    split = int(random.integers(1, qubits)) if random.random() < 0.3 else 0
    places = [f"a[{number}]" for number in range(split)] + [f"q[{number}]" for number in range(qubits - split)]
    lines = ["OPENQASM 2.0;", 'include "qelib1.inc";', *(text for *_, text in OWN)]
    lines += [f"qreg a[{split}];"] * bool(split) + [f"qreg q[{qubits - split}];"]
    fitting = sorted(name for name, (_, size) in GATES.items() if size <= qubits)
    narrow = [name for name in fitting if GATES[name][1] <= 2]
    for _ in range(gates):
        # Wide gates are many two-qubit gates: half of all gates come from the narrow ones.
        name = str(random.choice(fitting if random.random() < 0.5 else narrow))
        angles, size = GATES[name]
        chosen = [places[place] for place in random.choice(qubits, size, replace=False)]
        brackets = f"({','.join(_angle(random) for _ in range(angles))})" if angles else ""
        lines.append(f"{name}{brackets} {','.join(chosen)};")
    return "\n".join([*lines, *_measurements(random, places)]) + "\n"


def _angle(random: Generator) -> str:
    kind = int(random.integers(4))
    if kind == 0:
        return f"{random.uniform(-7, 7):.17g}"
    if kind == 1:
        return f"{int(random.integers(-8, 9))}*pi/{int(random.choice([1, 2, 3, 4, 8]))}"
    if kind == 2:
        return f"-pi/2^{int(random.integers(1, 6))}"
    return f"{random.choice([-1, 1]) * 10.0 ** random.uniform(-12, -1):.6e}"


def _measurements(random: Generator, places: list[str]) -> list[str]:
    if random.random() < 0.3:
        return []
    measured = [places[place] for place in random.permutation(len(places))]
    measured = measured[: int(random.integers(1, len(places) + 1))]
    first = int(random.integers(1, len(measured) + 1))
    sizes = {"m": first, "n": len(measured) - first + int(random.integers(1, 3))}
    lines = [f"creg {name}[{size}];" for name, size in sizes.items()]
    for number, qubit in enumerate(measured):
        bit = f"m[{number}]" if number < first else f"n[{number - first}]"
        lines.append(f"measure {qubit} -> {bit};")
    return lines


def body(text: str) -> QuantumCircuit:
    """The gates of a circuit, without its measurements."""
    read = load(text)
    made = QuantumCircuit(read.num_qubits)
    for entry in read.data:
        if entry.operation.name not in ("measure", "barrier"):
            made.append(entry.operation, [read.find_bit(bit).index for bit in entry.qubits])
    return made


def wrong(found: Optimized, seed: int) -> Optimized:
    """``found`` with one of its gates turned a little."""
    random = np.random.default_rng(seed)
    gates = list(found.gates)
    place = int(random.integers(len(gates)))
    by = float(random.choice([1e-6, -1e-6, 0.1]))
    gates[place] = replace(gates[place], angles=(*gates[place].angles[:-1], gates[place].angles[-1] + by))
    return replace(found, gates=tuple(gates))


WITHIN = 1e-7
"""An answer may be 1e-8 from its input in operator norm; what is compared here is made of up to nine such entries."""


def failures(seed: int) -> list[str]:
    """What is wrong with the answer for this circuit."""
    text = program(seed)
    level, machine = 1 + seed // 4 % 2, ("ionq_forte", "ionq_aria")[seed // 8 % 2]
    found = optimize(text, machine, level)
    verdict, certificate = found.verification.verdict, found.certificate
    bad = []
    output = found.to_qasm2()
    if certificate is None:
        bad.append(verdict if found.qubits > UNITARY_QUBITS and verdict == "tested" else f"not proved but {verdict}")
    else:
        try:
            recheck(text.encode(), output.encode(), certificate)
        except (NotShown, ValueError) as reason:
            bad.append(f"certificate: {reason}")
    if not same_but_for_final_z(body(text), body(output), list(found.layout), WITHIN):
        bad.append("another unitary")
    if not close(distribution(load(text)), distribution(load(output)), WITHIN):
        bad.append("another distribution")
    if found.gates and certificate is not None:
        mutant = wrong(found, seed)
        # A certificate is never trusted, so whoever changes the circuit may change the certificate with it.
        forged = mutant.certificate
        assert forged is not None
        try:
            recheck(text.encode(), mutant.to_qasm2().encode(), forged)
            if not same_but_for_final_z(body(text), body(mutant.to_qasm2()), list(found.layout), WITHIN):
                bad.append("a planted error is accepted")
        except NotShown:
            pass
    return bad


def main() -> int:
    """Run them all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=2_000, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, help="seed of the first (default: %(default)s)")
    arguments = parser.parse_args()
    started = time.perf_counter()
    told: Counter[str] = Counter()
    for seed in range(arguments.first, arguments.first + arguments.count):
        for failure in failures(seed) or ["right"]:
            told[failure if failure in ("right", "tested") else "wrong"] += 1
            if failure != "right":
                print(f"circuit {seed}: {failure}", flush=True)
        if (seed + 1 - arguments.first) % 50 == 0:
            print(f"{seed + 1 - arguments.first} circuits, {dict(told)}", flush=True)
    print(f"{arguments.count} circuits in {time.perf_counter() - started:.0f} s: {dict(told)}")
    return 1 if told["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
