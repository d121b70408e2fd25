"""The commands that need no server: optimize a file, check its proof, verify a bundle."""

from __future__ import annotations

import argparse
import importlib.util
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from qcos.backends import CATALOGUE
from qcos.cli.files import MAX_FILE_BYTES, circuit, not_installed, read, shown, unusable, write
from qcos.cli.log import proof_and_checkpoint, trusted_keys
from qcos.cli.progress import progress_line
from qcos.cli.text import CUT_SHORT, gains, proof
from qcos.errors import InvalidCircuit


def verify(arguments: argparse.Namespace) -> int:
    """Judge a bundle by pinned keys, with no network; exit status 1 unless it is valid."""
    try:
        import qcos_evidence
    except ModuleNotFoundError as missing:
        raise not_installed(missing, "evidence") from None
    document, keys = read(arguments.bundle), trusted_keys(arguments.keys)
    proof, checkpoint = proof_and_checkpoint(arguments.checkpoint)
    if not len(keys):
        raise unusable(f"{arguments.keys}: holds no key that could have signed a bundle")
    try:
        bundle, _ = qcos_evidence.read(document)
        if set(bundle) == {"success", "data"}:
            raise unusable(f"{arguments.bundle}: is a whole answer of the API; the bundle is what is under data")
        verdict = qcos_evidence.verify(
            document,
            keys,
            now=_instant(arguments.at),
            circuit=read(arguments.circuit) if arguments.circuit else None,
            events=_events(arguments.events) if arguments.events else None,
            proof=proof,
            checkpoint=checkpoint,
        )
    except qcos_evidence.Malformed as problem:
        raise unusable(f"{arguments.bundle}: {problem} ({problem.code})") from None
    if arguments.dump:
        _dump(arguments.dump, bundle, keys)
    print(json.dumps(asdict(verdict), indent=2) if arguments.json else qcos_evidence.report(verdict))
    return 0 if verdict.valid else 1


def _instant(at: str | None) -> datetime:
    """The moment to judge by: now, or the one named."""
    from qcos_evidence.timestamp import parse_timestamp

    if at is None:
        return datetime.now(UTC)
    moment = parse_timestamp(at)
    if moment is None:
        raise unusable("--at: must be a real instant of the form 2026-01-01T00:00:00Z")
    return moment


def _events(name: str) -> list[Any]:
    """The events in a file: the API's answer about a job's log, or what is under its data."""
    import qcos_evidence

    try:
        document = qcos_evidence.parse(read(name), MAX_FILE_BYTES)
    except qcos_evidence.Malformed as problem:
        raise unusable(f"{shown(name)}: {problem} ({problem.code})") from None
    data = document["data"] if isinstance(document.get("data"), dict) else document
    events = data.get("events")
    if not isinstance(events, list):
        raise unusable(f"{shown(name)}: holds no events; save the answer of GET /api/v2/jobs/ID/events")
    return events


def _dump(folder: str, bundle: Mapping[str, Any], keys: Any) -> None:
    """Save what another program needs to check the signature: the signed bytes, the signature and the key."""
    import qcos_evidence

    try:
        parts = qcos_evidence.signed_parts(bundle, keys)
    except qcos_evidence.EvidenceError as problem:
        raise unusable(f"--dump: {problem}") from None
    for name, data in parts.items():
        write(str(Path(folder) / name), data)


def certify(arguments: argparse.Namespace) -> int:
    """Go through a certificate again with nothing but the two circuits; exit status 1 unless it shows them equal."""
    try:
        # numpy is all that these need: what finds circuits is not loaded.
        from qcos_optimizer.certificate import Malformed, digest
        from qcos_optimizer.recheck import LIMIT, NotShown, recheck
        from qcos_optimizer.scanning import Unreadable
    except ModuleNotFoundError as missing:
        raise not_installed(missing, "optimizer") from None
    source, output, certificate = (read(name) for name in (arguments.input, arguments.output, arguments.certificate))
    try:
        checked = recheck(source, output, certificate)
    except Unreadable as problem:
        raise unusable(f"{problem}") from None
    except Malformed as problem:
        raise unusable(f"{shown(arguments.certificate)}: {problem}") from None
    except NotShown as reason:
        print(f"verdict      not proved: {reason}")
        return 1
    print(proof(checked, LIMIT, digest(certificate)))
    return 0


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
        with progress_line() as progress:
            found = optimize_in_child(
                source,
                arguments.target,
                arguments.level,
                objective=arguments.objective,
                budget=arguments.budget,
                mode=arguments.mode,
                progress=progress,
            )
    except CircuitError as problem:
        raise unusable(f"{shown(arguments.file)}: {problem}") from None
    if arguments.output:
        write(arguments.output, found["qasm2"])
    if arguments.certificate:
        if found["certificate"] is None:
            raise unusable("--certificate: there is none: the circuit was not proved, or not from its text")
        write(arguments.certificate, found["certificate"])
    figures = _figures(found)
    if arguments.json:
        print(json.dumps(figures, indent=2))
    else:
        print(gains(figures))
        if not figures["search_complete"]:
            print(CUT_SHORT)
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
        "search_complete": found["search_complete"],
        "seconds": found["seconds"],
    }
