"""Better circuits for the same unitary, from Qiskit's preset passes: whole circuits, or one window at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from qiskit.circuit import QuantumCircuit
from qiskit.circuit.equivalence_library import StandardEquivalenceLibrary
from qiskit.transpiler import PassManager, generate_preset_pass_manager
from qiskit.transpiler.passes import (
    BasisTranslator,
    Collect2qBlocks,
    ConsolidateBlocks,
    HighLevelSynthesis,
    UnitarySynthesis,
)

from .lowering import Piece, operations_of
from .source import Operation, Source, clean, expand
from .windows import Window

BASES: dict[str, list[str]] = {"rzz": ["u", "rzz"], "cx": ["u", "cx"]}
"""Rotations of any angle, or CNOTs only: which is shorter depends on the circuit."""

MAX_QUBITS = 24
"""Above this a whole circuit could not be checked, so only windows are worked on."""

_WIDEST = 3

Synthesized = tuple[str, tuple[Operation, ...], tuple[int, ...]]
"""A name, gates of at most two qubits, and the qubit on which each output qubit ends."""


def whole(source: Source, level: int, seed: int) -> Iterator[Synthesized]:
    """Rewritten circuits, those of ``level`` and of every level below it, so that a level never does worse."""
    if source.qubits > MAX_QUBITS or not source.operations:
        return
    # Of a wider gate there are many decompositions: one that is not the one it is proved by could not be recognised.
    body = replace(source, operations=tuple(expand(source.operations, _WIDEST))).body()
    for effort in range(1, level + 1):
        for basis in BASES:
            made = _passes(basis, effort, seed).run(body)
            ends = _ends(made)
            yield f"l{effort}-{basis}", operations_of(made), ends
            if basis == "cx":
                merged = PassManager([Collect2qBlocks(), ConsolidateBlocks(force_consolidate=True)]).run(made)
                yield f"l{effort}-blocks", operations_of(merged), ends


def in_windows(windows: tuple[Window, ...], level: int, seed: int) -> Iterator[tuple[str, list[tuple[Window, Piece]]]]:
    """Each window rewritten by itself: less is found, but each can be proved whatever the size of the circuit."""
    for basis in BASES:
        passes = _passes(basis, level, seed)
        yield f"windows-l{level}-{basis}", [(window, _rewrite(passes, window)) for window in windows]


def _passes(basis: str, level: int, seed: int) -> PassManager:
    gates = BASES[basis]
    # No |0> is assumed anywhere: the answer must be the same unitary.
    passes = generate_preset_pass_manager(
        optimization_level=level,
        basis_gates=gates,
        seed_transpiler=seed,
        approximation_degree=1.0,
        qubits_initially_zero=False,
    )
    # The preset's own stage reads a library that other code in the process may add to, which changes what it finds.
    library = StandardEquivalenceLibrary
    passes.translation = PassManager(
        [
            UnitarySynthesis(gates, approximation_degree=1.0),
            HighLevelSynthesis(basis_gates=gates, equivalence_library=library, qubits_initially_zero=False),
            BasisTranslator(library, gates),
        ]
    )
    return passes


def _rewrite(passes: PassManager, window: Window) -> Piece:
    circuit = QuantumCircuit(len(window.qubits))
    place = {qubit: number for number, qubit in enumerate(window.qubits)}
    for operation in window.operations:
        circuit.append(clean(operation.gate), [place[qubit] for qubit in operation.qubits], copy=False)
    made = passes.run(circuit)
    return operations_of(made), _ends(made)


def _ends(made: QuantumCircuit) -> tuple[int, ...]:
    """Where the output qubits are: from level 2 on, swaps of the input become such a permutation."""
    if made.layout is None:
        return tuple(range(made.num_qubits))
    return tuple(made.layout.final_index_layout())
