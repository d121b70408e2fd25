"""Contestants on circuits, each run in a process of its own with a deadline, one line of JSON for each."""

from __future__ import annotations

import json
import math
import multiprocessing
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from qcos_optimizer import optimize, target
from qcos_optimizer.candidate import Candidate
from qcos_optimizer.lowering import PartsCache, lower, operations_of
from qcos_optimizer.native import Native, measure_up
from qcos_optimizer.parsing import parse
from qcos_optimizer.source import take_apart
from qcos_optimizer.verification import STATE_QUBITS, Verifier

from .peers import Peer

DEADLINE_S = 900
"""Wall-clock seconds after which a run is stopped and said to have no answer."""


@dataclass(frozen=True, slots=True)
class Found:
    """What one contestant made of one circuit, in native gates of the machine.

    ``cx``: its two-qubit gates if they all had to be CX (an entangling gate of a quarter turn is one, of any other
    angle two). ``seconds``: CPU of all its processes, checking of our own answers included. ``verdict``: proved or
    tested, ``unequal`` if it was seen to be wrong, ``unchecked`` if it is too wide to say, else why there is no answer.
    """

    circuit: str
    contestant: str
    qubits: int
    two: int = 0
    two_depth: int = 0
    depth: int = 0
    microturns: int = 0
    cx: int = 0
    seconds: float = 0.0
    verdict: str = ""

    @property
    def answered(self) -> bool:
        """Whether there is a circuit to count; one that was seen to be wrong is none."""
        return self.verdict in ("proved", "tested", "unchecked")


@dataclass(frozen=True, slots=True)
class Ours:
    """This optimizer at a level and objective."""

    level: int
    objective: str

    @property
    def name(self) -> str:
        """As the tables call it."""
        return f"level {self.level}" + (", depth" if self.objective == "depth" else "")


Contestant = Ours | Peer


def run(path: Path, contestant: Contestant, machine: str) -> Found:
    """Run one contestant on one circuit, in this process."""
    source = take_apart(parse(path.read_text()))
    started = _cpu_seconds()
    if isinstance(contestant, Ours):
        answer = optimize(path.read_text(), machine, contestant.level, contestant.objective)  # type: ignore[arg-type]  # the literals are checked at run time
        gates, verdict = answer.gates, str(answer.verification.verdict)
        seconds = _cpu_seconds() - started
    else:
        made, layout = contestant.run(source.body())
        seconds = _cpu_seconds() - started
        candidate = lower(
            contestant.name, operations_of(made), layout, target(machine).two_qubit_gate, "z", PartsCache()
        )
        gates, verdict = candidate.gates, _checked(Verifier(source, 0), candidate, source.qubits)
    counts = measure_up(gates)
    return Found(
        path.stem,
        contestant.name,
        source.qubits,
        counts.two_qubit_gates,
        counts.two_qubit_depth,
        counts.depth,
        counts.entangling_angle_microturns,
        sum(map(_cx, gates)),
        round(seconds, 3),
        verdict,
    )


def _checked(verifier: Verifier, candidate: Candidate, qubits: int) -> str:
    found = verifier.verify(candidate)
    if found is not None:
        return str(found.verdict)
    return "unequal" if qubits <= STATE_QUBITS else "unchecked"


def _cx(gate: Native) -> int:
    if len(gate.qubits) == 1:
        return 0
    return 1 if math.isclose(abs(gate.angles[-1]), 0.25, abs_tol=1e-9) else 2


def _cpu_seconds() -> float:
    mine, theirs = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


def contest(
    paths: Sequence[Path], contestants: Sequence[Contestant], machine: str, processes: int, record: Path
) -> Iterator[Found]:
    """Everything, ``processes`` at a time; each result is written to ``record`` as soon as it is there."""
    waiting = [(path, contestant) for path in paths for contestant in contestants]
    running: dict[Connection, tuple[BaseProcess, Path, Contestant, float]] = {}
    fork = multiprocessing.get_context("fork")  # the libraries are imported once, outside of what is timed
    with record.open("w") as lines:
        while waiting or running:
            while waiting and len(running) < processes:
                path, contestant = waiting.pop(0)
                here, there = fork.Pipe(duplex=False)
                process = fork.Process(target=_child, args=(there, path, contestant, machine))
                process.start()
                there.close()
                running[here] = (process, path, contestant, time.monotonic() + DEADLINE_S)
            for pipe in wait(list(running), timeout=1.0):
                assert isinstance(pipe, Connection)
                process, path, contestant, _ = running.pop(pipe)
                try:
                    found = Found(**pipe.recv())
                except EOFError:
                    found = Found(path.stem, contestant.name, 0, verdict="ended without an answer")
                process.join()
                lines.write(json.dumps(asdict(found)) + "\n")
                lines.flush()
                yield found
            for process, _, _, end in running.values():
                if time.monotonic() > end:
                    process.kill()


def _child(pipe: Connection, path: Path, contestant: Contestant, machine: str) -> None:
    try:
        found = run(path, contestant, machine)
    except Exception as error:  # noqa: BLE001 - whatever a tool raises is its result
        found = Found(path.stem, contestant.name, 0, verdict=f"{type(error).__name__}: {error}"[:200])
    pipe.send(asdict(found))
