"""The commands that need no server: optimize a file, verify a bundle."""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from qcos.backends import CATALOGUE
from qcos.cli.files import circuit, not_installed, read, shown, unusable, write
from qcos.cli.text import gains
from qcos.errors import InvalidCircuit


def verify(arguments: argparse.Namespace) -> int:
    """Judge a bundle by pinned keys, with no network; exit status 1 unless it is valid."""
    try:
        import qcos_evidence
    except ModuleNotFoundError as missing:
        raise not_installed(missing, "evidence") from None
    document, published = read(arguments.bundle), read(arguments.keys)
    try:
        keys = qcos_evidence.KeySet.from_jwks(qcos_evidence.parse(published))
    except qcos_evidence.EvidenceError as problem:
        raise unusable(f"{arguments.keys}: {problem}") from None
    if not len(keys):
        raise unusable(f"{arguments.keys}: holds no key that could have signed a bundle")
    try:
        if set(qcos_evidence.parse(document)) == {"success", "data"}:
            raise unusable(f"{arguments.bundle}: is a whole answer of the API; the bundle is what is under data")
        verdict = qcos_evidence.verify(document, keys, now=datetime.now(UTC))
    except qcos_evidence.Malformed as problem:
        raise unusable(f"{arguments.bundle}: {problem}") from None
    print(qcos_evidence.report(verdict))
    return 0 if verdict.valid else 1


def optimize(arguments: argparse.Namespace) -> int:
    """Optimize a circuit in a child process and show what was gained."""
    source = circuit(arguments.file)
    _check(source, arguments)
    try:
        from qcos_optimizer.errors import CircuitError
        from qcos_optimizer.sandbox import optimize_in_child

        # Only the child process imports these, and what it misses it cannot say.
        for package in ("numpy", "qiskit", "qiskit_ionq"):
            if importlib.util.find_spec(package) is None:
                raise ModuleNotFoundError(name=package)
    except ModuleNotFoundError as missing:
        raise not_installed(missing, "optimizer") from None
    try:
        found = optimize_in_child(source, arguments.target, arguments.level, objective=arguments.objective)
    except CircuitError as problem:
        raise unusable(f"{shown(arguments.file)}: {problem}") from None
    if arguments.output:
        write(arguments.output, found["qasm2"])
    figures = _figures(found)
    print(json.dumps(figures, indent=2) if arguments.json else gains(figures))
    return 0


def _check(source: str, arguments: argparse.Namespace) -> None:
    """The same words, line and column as the API gives."""
    from qcos import qasm

    qubits = max(backend.qubits for backend in CATALOGUE.values() if backend.target == arguments.target)
    try:
        qasm.check(source, max_qubits=qubits)
    except InvalidCircuit as problem:
        raise unusable(f"{shown(arguments.file)}: {problem.message}") from None


def _figures(found: Mapping[str, Any]) -> dict[str, Any]:
    original, optimized = found["metrics"]["original"], found["metrics"]["optimized"]
    return {
        "original_depth": original["depth"],
        "optimized_depth": optimized["depth"],
        "reduction_percent": found["reduction_percent"],
        **{
            name: {"original": original[name], "optimized": optimized[name]}
            for name in ("two_qubit_gates", "two_qubit_depth")
        },
        "verification": {name: found["verification"][name] for name in ("verdict", "method")},
        "strategy": found["strategy"],
        "seconds": found["seconds"],
    }
