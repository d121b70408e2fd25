"""The ``qcos`` command: the API from a shell, and what needs no server: optimize a file, verify a bundle.

Packages are imported by the command that needs them: verifying evidence takes the evidence library and nothing else.
"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from qcos.backends import CATALOGUE
from qcos.cli import log, offline, remote
from qcos.cli.files import Stop

FORMS = ("json", "cbor", "cose", "pdf")
MODES = ("unitary", "distribution")
OBJECTIVES = ("two_qubit_gates", "depth", "model_score")

EPILOG = """\
exit status:
  0    done; for verify: the bundle is valid; for log check: the newer checkpoint continues the older;
       for certify: the circuits are proved equal
  1    the answer is no: verify and a bundle that is not valid, log check and a log that was changed,
       certify and a proof that does not hold, submit --wait and a job that did not complete, a request
       that the server refused
  2    unusable input: arguments, files, a circuit that cannot be read, a package that is not installed
  3    no answer: the server cannot be reached, or the time given to wait is over

environment:
  QCOS_URL, QCOS_API_KEY    what --url and --key are when not given
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    arguments = parser().parse_args(argv)
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
    except Stop as stop:
        return _complain(str(stop), stop.status)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except BrokenPipeError:
        # Whoever read our output has stopped reading. Python would complain again when it closes it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _complain(message: str, status: int) -> int:
    print("qcos: " + " ".join(message.split()), file=sys.stderr)
    return status


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="qcos",
        description="Optimize quantum circuits for trapped ions, run them, and verify the evidence.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    server = argparse.ArgumentParser(add_help=False)
    group = server.add_argument_group("server")
    group.add_argument("--url", help="address of the API (else QCOS_URL)", metavar="URL")
    group.add_argument("--key", help="API key (else QCOS_API_KEY, which other users cannot see)", metavar="KEY")
    commands = top.add_subparsers(required=True, metavar="COMMAND", title="commands")

    def command(
        name: str, run: Any, text: str, example: str, *, remote: bool = True, among: Any = commands
    ) -> argparse.ArgumentParser:
        new: argparse.ArgumentParser = among.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            epilog=f"example:\n{textwrap.indent(example, '  ')}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            parents=[server] if remote else [],
        )
        new.set_defaults(run=run)
        return new

    new = command(
        "submit",
        remote.submit,
        "submit an OpenQASM circuit to be optimized and run",
        "qcos submit bell.qasm --backend ionq_simulator --shots 1000 --evidence --wait",
    )
    new.add_argument("file", metavar="FILE", help="the circuit; - reads standard input")
    _add_submission(new)
    _add_mode(new)
    new.add_argument("--name", metavar="NAME", help="what you call the job")
    new.add_argument("--max-cost-usd", metavar="USD", help="fail rather than run what is estimated to cost more")
    new.add_argument("--wait", action="store_true", help="wait for the job to end and show it")

    new = command(
        "batch",
        remote.batch,
        "submit several circuits at once, all or none",
        "qcos batch *.qasm --backend ionq_simulator\nqcos jobs --batch batch_abc123",
    )
    new.add_argument("files", nargs="+", metavar="FILE", help="a circuit; its job is named like the file")
    _add_submission(new)

    new = command(
        "jobs",
        remote.jobs,
        "list jobs, newest first",
        "qcos jobs --status running --status held --after 2026-02-01T00:00:00Z",
    )
    new.add_argument("--status", action="append", default=[], metavar="S", help="only of this status; may be repeated")
    new.add_argument("--backend", metavar="B", help="only for this backend")
    new.add_argument("--batch", metavar="ID", help="only of this batch")
    new.add_argument("--name", metavar="NAME", help="only of exactly this name")
    new.add_argument("--tag", metavar="TAG", help="only with this tag")
    new.add_argument("--after", metavar="TIME", help="only created at this time (RFC 3339) or after it")
    new.add_argument("--before", metavar="TIME", help="only created before this time")
    new.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (default: %(default)s)")

    new = command("cancel", remote.cancel, "cancel a job, or what is left of a batch", "qcos cancel job_xyz789")
    new.add_argument("id", metavar="ID", help="job or batch id")

    new = command("retry", remote.retry, "open another attempt of a failed job", "qcos retry job_xyz789")
    new.add_argument("id", metavar="ID", help="job id")

    command("stats", remote.stats, "show what the account has done so far", "qcos stats")

    new = command("job", remote.job, "show a job and its results", "qcos job job_xyz789 --json")
    new.add_argument("id", metavar="ID", help="job id")
    new.add_argument("--json", action="store_true", help="print all of it as JSON")

    new = command("events", remote.events, "show the log of a job, oldest event first", "qcos events job_xyz789")
    new.add_argument("id", metavar="ID", help="job id")

    new = command(
        "proof",
        remote.proof,
        "show that a bundle is in the transparency log, or an event in the log of a job",
        "qcos proof ev_abc123 -o bundle.tlog-proof\nqcos proof job_xyz789 3",
    )
    new.add_argument("id", metavar="ID", help="bundle id, or job id")
    new.add_argument("version", nargs="?", metavar="VERSION", type=int, help="of a job: which event, from 1")
    new.add_argument("-o", "--output", metavar="FILE", help="save it instead")

    new = command(
        "evidence",
        remote.evidence,
        "save an evidence bundle",
        "qcos evidence ev_abc123 -o bundle.json\nqcos evidence ev_abc123 --format pdf -o bundle.pdf",
    )
    new.add_argument("id", metavar="ID", help="bundle id, as its job names it")
    new.add_argument("--format", choices=FORMS, default=FORMS[0], help="json (default), cbor, cose or pdf, a page")
    new.add_argument("-o", "--output", required=True, metavar="FILE", help="where to save it")

    command("backends", remote.backends, "list the backends and their state", "qcos backends")

    keys = commands.add_parser("keys", help="list, create and revoke API keys", description="Needs an admin key.")
    deeds = keys.add_subparsers(required=True, metavar="COMMAND", title="commands")
    command("list", remote.list_keys, "list the API keys, none with its secret", "qcos keys list", among=deeds)
    new = command(
        "create",
        remote.create_key,
        "create an API key and print it, this once",
        "qcos keys create laptop --scope optimize:read --scope optimize:write --expires 90d",
        among=deeds,
    )
    new.add_argument("name", metavar="NAME", help="what you call the key")
    new.add_argument("--scope", action="append", required=True, metavar="S", help="what it may do; may be repeated")
    new.add_argument("--expires", metavar="SPAN", help="days or hours until it expires, like 90d (else never)")
    new = command("revoke", remote.revoke_key, "revoke an API key, for ever", "qcos keys revoke 4fGh7Kd2", among=deeds)
    new.add_argument("id", metavar="ID", help="key id, the part after qcos_live_")

    new = command(
        "verify",
        offline.verify,
        "verify an evidence bundle offline, by the keys you trust and nothing else",
        "curl -o jwks.json $QCOS_URL/.well-known/jwks.json\nqcos verify bundle.pdf --keys jwks.json",
        remote=False,
    )
    new.add_argument("bundle", metavar="FILE", help="the bundle: JSON, CBOR, COSE or PDF; - reads standard input")
    new.add_argument("--keys", required=True, metavar="JWKS.json", help="the published keys, a JWK set")
    new.add_argument("--circuit", metavar="F.qasm", help="a file that must be the submitted or the optimized circuit")
    new.add_argument(
        "--events", metavar="F.json", help="the job's log as the API answers it, which must be the bundle's"
    )
    new.add_argument(
        "--checkpoint",
        action="append",
        default=[],
        metavar="F",
        help="the bundle's tlog-proof, which must show it in the log; given again, a checkpoint that you kept, "
        "which must be of the same tree",
    )
    new.add_argument("--at", metavar="TIME", help="judge as of this time (2026-01-01T00:00:00Z) instead of now")
    new.add_argument("--json", action="store_true", help="print the verdict as JSON, reasons with their codes")
    new.add_argument(
        "--dump", metavar="DIR", help="also save tbs.bin, sig.bin and key.pem for another program to check"
    )

    deeds = commands.add_parser(
        "log", help="follow the transparency log", description="The log of every bundle that was signed."
    ).add_subparsers(required=True, metavar="COMMAND", title="commands")
    new = command(
        "checkpoint",
        remote.checkpoint,
        "show the latest checkpoint, or the one of a size",
        "qcos log checkpoint -o latest.checkpoint",
        among=deeds,
    )
    new.add_argument("size", nargs="?", metavar="SIZE", type=int, help="number of entries (else the latest)")
    new.add_argument("-o", "--output", metavar="FILE", help="save it instead")
    new = command(
        "consistency",
        remote.consistency,
        "show that the log only grew between two sizes",
        "qcos log consistency 120 150 -o consistency.json",
        among=deeds,
    )
    new.add_argument("old", metavar="OLD", type=int, help="size of the older checkpoint")
    new.add_argument("new", metavar="NEW", type=int, help="size of the newer one")
    new.add_argument("-o", "--output", metavar="FILE", help="save it instead")
    new = command(
        "check",
        log.check,
        "check offline that the log of one checkpoint continues that of an older one",
        "qcos log check kept.checkpoint latest.checkpoint consistency.json --keys jwks.json",
        remote=False,
        among=deeds,
    )
    new.add_argument("old", metavar="OLD", help="the older checkpoint, or a tlog-proof that holds it")
    new.add_argument("new", metavar="NEW", help="the newer one")
    new.add_argument(
        "proof",
        nargs="?",
        metavar="PROOF.json",
        help="what qcos log consistency saved for their sizes, unless these are the same",
    )
    new.add_argument("--keys", required=True, metavar="JWKS.json", help="the published keys, a JWK set")

    targets = sorted({backend.target for backend in CATALOGUE.values()})
    new = command(
        "optimize",
        offline.optimize,
        "optimize a circuit here, with no server",
        "qcos optimize qft.qasm --target ionq_aria --level 3 -o qft-native.qasm",
        remote=False,
    )
    new.add_argument("file", metavar="FILE", help="the circuit, OpenQASM; - reads standard input")
    new.add_argument("--target", required=True, choices=targets, help=f"one of {', '.join(targets)}", metavar="TARGET")
    _add_level(new)
    new.add_argument("--objective", choices=OBJECTIVES, default=OBJECTIVES[0], help="what to make small or good")
    _add_mode(new)
    new.add_argument("--budget", type=_count, metavar="N", help="try at most so many candidates")
    new.add_argument("--json", action="store_true", help="print the figures as JSON")
    new.add_argument("-o", "--output", metavar="OUT.qasm", help="save the optimized circuit, OpenQASM 2")
    new.add_argument("--certificate", metavar="CERT.json", help="save the proof, which qcos certify goes through again")

    new = command(
        "certify",
        offline.certify,
        "check the proof that an optimized circuit is the submitted one, without the optimizer",
        "qcos optimize qft.qasm --target ionq_forte -o native.qasm --certificate proof.json\n"
        "qcos certify qft.qasm native.qasm proof.json",
        remote=False,
    )
    new.add_argument("input", metavar="INPUT", help="the circuit as it was submitted, OpenQASM 2 or 3")
    new.add_argument("output", metavar="OUTPUT", help="the optimized circuit, OpenQASM 2 or IonQ's native JSON")
    new.add_argument("certificate", metavar="CERT", help="the certificate; it is not trusted")
    return top


def _add_submission(new: argparse.ArgumentParser) -> None:
    new.add_argument("--backend", required=True, metavar="B", help="backend id, see: qcos backends")
    new.add_argument("--shots", type=int, default=1024, metavar="N", help="number of shots (default: %(default)s)")
    _add_level(new)
    new.add_argument("--evidence", action=argparse.BooleanOptionalAction, default=False, help="sign an evidence bundle")
    new.add_argument("--tag", action="append", default=[], metavar="TAG", help="a word to find it by; may be repeated")
    new.add_argument("--dry-run", action="store_true", help="optimize and estimate cost and time, but run nothing")
    new.add_argument(
        "--idempotency-key", metavar="K", help="submit once however often this is repeated with K (else a new one)"
    )


def _add_mode(new: argparse.ArgumentParser) -> None:
    new.add_argument(
        "--mode", choices=MODES, default=MODES[0], help="what to keep: the unitary, or only the results' distribution"
    )


def _count(text: str) -> int:
    """A whole number, at least 1."""
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or text.strip("0") == "":
        raise argparse.ArgumentTypeError("must be a whole number of at least 1 and at most 9 digits")
    return int(text)


def _add_level(new: argparse.ArgumentParser) -> None:
    new.add_argument("--level", type=int, choices=range(4), default=2, help="optimization level (default: %(default)s)")
