"""``python -m tests.fuzz.evidence``: changed bundles and documents of logs through the verifier, and exhaustive sweeps.

Document number n of a run is a function of the seed and n (but for signatures of the keys that a run makes). A broken
promise ends the run with status 1, the document in ``.cache/fuzz/``. Ends with the counts by outcome.
"""

from __future__ import annotations

import argparse
import functools
import logging
import multiprocessing
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from qcos_evidence import pdf
from tests.fuzz import log_mutations, mutations, sweeps
from tests.fuzz.corpus import FORMS, Corpus, build
from tests.fuzz.judges import Judges
from tests.fuzz.promises import Finding

SHARES = {"json": 400, "cbor": 250, "cose": 250, "pdf": 60, "http": 20, "command": 20}
"""Of each thousand bundles: by which form, or by which way in, whatever the form."""
LOG_SHARES = {"proof": 25, "checkpoint": 15, "consistency": 10, "jwks": 10}
"""For each thousand bundles so many documents of their logs, by kind."""
WAYS = SHARES | LOG_SHARES
FOUND = Path(".cache/fuzz")
SECONDS = 30
"""Longer than any document may take."""
CHUNK = 2000
MUTATIONS = {
    **{"json": mutations.json_of, "cbor": mutations.cbor_of, "cose": mutations.cose_of, "pdf": mutations.pdf_of},
    **{"proof": log_mutations.text_of, "checkpoint": log_mutations.text_of},
    **{"consistency": mutations.json_of, "jwks": mutations.json_of},
}


@dataclass(frozen=True)
class Task:
    """A range of one way's documents, or an exhaustive sweep."""

    way: str
    numbers: range = range(0)
    sweep: tuple[str, *tuple[str | int, ...]] | None = None


class Timeout(Finding):
    """A document that takes too long."""


def late(_: int, __: FrameType | None) -> None:
    """The alarm of a document that takes too long."""
    raise Timeout(f"longer than {SECONDS} s")


worker: Judges
seed: int


def start(corpus: Corpus, chosen: int, folder: str) -> None:
    """Make a process ready, with a folder of its own in ``folder``."""
    global worker, seed
    worker, seed = Judges(corpus, Path(tempfile.mkdtemp(dir=folder))), chosen
    signal.signal(signal.SIGALRM, late)
    logging.disable()
    # A page is a pure function of its attachments, and most changes of a page leave them as they were.
    pdf.render = functools.lru_cache(maxsize=64)(pdf.render)


def document(corpus: Corpus, chosen: int, way: str, number: int) -> tuple[bytes, Random]:
    """Document ``number`` of a way in, and the generator for what is still to be chosen."""
    choose = Random(f"{chosen} {way} {number}")
    form = way if way in MUTATIONS else choose.choices(FORMS, (50, 25, 24, 1))[0]
    first = choose.choice((corpus.genuine if choose.random() < 0.7 else corpus.hostile)[form])
    # What is spliced in is another bundle, or another document of a log.
    other = choose.choice(corpus.genuine[choose.choice(FORMS if way in SHARES else tuple(LOG_SHARES))])
    # One in 50 as it is: what is valid must be found valid, and what deceives must not.
    if choose.random() < 0.02:
        return first, choose
    try:
        return MUTATIONS[form](first, other, choose), choose
    except (OverflowError, RecursionError, TypeError, ValueError):  # a value that nothing can spell
        return mutations.of_bytes(first, other, choose), choose


def judged(judges: Judges, chosen: int, way: str, numbers: range, found: Path) -> tuple[Counter[str], str | None]:
    """Judge documents until one breaks a promise, which is saved in ``found``; the outcomes, and what was found."""
    counts: Counter[str] = Counter()
    others = {"http": judges.http, "command": judges.command} | {way: getattr(judges.logs, way) for way in LOG_SHARES}
    judge = others.get(way, judges.library)
    for number in numbers:
        made, choose = document(judges.corpus, chosen, way, number)
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            counts[judge(made, choose)] += 1
        except (Exception, SystemExit):  # noqa: BLE001 # whatever it is, it is what is looked for
            file = found / f"{way}-{chosen}-{number}"
            found.mkdir(parents=True, exist_ok=True)
            file.write_bytes(made)
            return counts, f"{file}: {traceback.format_exc()}"
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    return counts, None


def run(task: Task) -> tuple[Task, Counter[str], str | None]:
    """Do a task; the outcomes, and what was found."""
    if task.sweep is None:
        return task, *judged(worker, seed, task.way, task.numbers, FOUND)
    counts: Counter[str] = Counter()
    name, *arguments = task.sweep
    try:
        for outcome, count in getattr(sweeps, name)(*arguments):
            counts[outcome] += count
    except Exception:  # noqa: BLE001 # whatever it is, it is what is looked for
        return task, counts, f"{task.way}: {traceback.format_exc()}"
    return task, counts, None


def tasks(inputs: int, ways: Sequence[str], *, exhaustive: bool) -> Iterator[Task]:
    """Everything there is to do, the longest first."""
    if exhaustive:
        for form in sweeps.WRITERS:
            for part in range(4):
                yield Task(f"every byte, {form}", sweep=("content_bytes", form, part, 4))
        for form in sweeps.WRITERS:
            yield Task(f"every signature bit, {form}", sweep=("signature_bits", form))
        for name in sweeps.SETS:
            yield Task(f"two libraries, {name}", sweep=("differential", name))
    for way in ways:
        share = WAYS[way]
        total = inputs * share // 1000
        for begin in range(0, total, CHUNK):
            yield Task(way, numbers=range(begin, min(total, begin + CHUNK)))


def main() -> int:
    """Run everything; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.evidence", description=__doc__.split("\n\n")[0])
    parser.add_argument("--inputs", type=int, default=1_000_000, help="changed bundles (default 1,000,000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--no-sweeps", action="store_true", help="only the changed documents")
    parser.add_argument("--way", action="append", choices=WAYS, help="only these documents (may be given again)")
    chosen = parser.parse_args()
    began, shown = time.monotonic(), time.monotonic()
    counts: dict[str, Counter[str]] = {}
    found: list[str] = []
    context = multiprocessing.get_context("spawn")
    todo = list(tasks(chosen.inputs, chosen.way or list(WAYS), exhaustive=not chosen.no_sweeps))
    with (
        tempfile.TemporaryDirectory(prefix="fuzz-") as folder,
        context.Pool(chosen.processes, start, (build(), chosen.seed, folder)) as pool,
    ):
        for done, (task, outcomes, problem) in enumerate(pool.imap_unordered(run, todo), 1):
            counts.setdefault(task.way, Counter()).update(outcomes)
            if problem:
                found.append(problem)
                print(problem, flush=True)
            if time.monotonic() - shown > 10 or done == len(todo):
                shown = time.monotonic()
                judged = sum(counter.total() for counter in counts.values())
                print(f"{shown - began:6.0f} s  {judged:>9,} judged  {done}/{len(todo)} tasks", flush=True)
    for way, counter in counts.items():
        print(f"{way}: {counter.total():,}")
        for outcome, count in counter.most_common():
            print(f"  {count:>9,}  {outcome}")
    print(f"seed {chosen.seed}: {len(found)} findings in {time.monotonic() - began:.0f} s")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
