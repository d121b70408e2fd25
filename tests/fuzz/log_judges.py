"""What must hold of any proof, checkpoint, consistency answer or key set whatever, by each way in.

Believed is only what a reader that is not ours finds to be true: the very lines that a trusted key signed, with its
signature in the file, and the one path that there is from an entry, or from a smaller tree, to that root. What nobody
changed must be believed.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import qcos_evidence
from qcos import cli
from qcos.http.requests import MAX_PROOF
from qcos_evidence import NotShown, Verdict, transparency
from qcos_evidence.timestamp import format_seconds
from qcos_evidence.transparency import Checkpoint
from tests.fuzz import logs
from tests.fuzz.logs import Logs, Signature, Tree
from tests.fuzz.promises import CODES, LATE, WHEN, Finding, check
from tests.unit.evidence.samples import text
from tests.unit.evidence.test_logged import REVOKED_AT, UNDER_LOST, UNDER_STOLEN
from tests.unit.http.fakes import Context, gateway_event

LOG_CODES = frozenset(re.findall(r"``([a-z_]+)``", (transparency.__doc__ or "").partition("Codes of")[2]))

_PROOF = b"c2sp.org/tlog-proof@"
_HASH = re.compile(r"sha256:([0-9a-f]{64})")


class LogJudges:
    """The ways in over the corpus's logs; ``handler`` is the endpoint's, ``folder`` for the command's files."""

    def __init__(self, corpus: Logs, handler: Callable[[dict[str, Any], Any], dict[str, Any]], folder: Path) -> None:
        self.corpus = corpus
        self.handler = handler
        self.folder = folder
        self.keys = qcos_evidence.KeySet.from_jwks(qcos_evidence.parse(corpus.jwks))
        self.trees = {tree.head: tree for tree in corpus.trees}
        self.signed = [tree for tree in corpus.trees if tree.signatures[0].believed]
        self.opened = [transparency.open_checkpoint(tree.note, self.keys) for tree in self.signed]
        self.paths = [[_between(old, new) for new in self.signed] for old in self.signed]
        self.entries = [logs.entry(bundle) for bundle in corpus.bundles]
        self.unchanged = {kind: frozenset(documents) for kind, documents in corpus.genuine.items()}
        self.published = {key["kid"]: key for key in json.loads(corpus.jwks)["keys"]}
        self.trusted = self._file("log-jwks", corpus.jwks)

    def proof(self, document: bytes, choose: Random) -> str:
        """A tlog-proof: of which bundle, if of any, and what it does to the verdict on a bundle."""
        shown: dict[int, Checkpoint] = {}
        code = ""
        for number, entry in enumerate(self.entries):
            try:
                shown[number] = transparency.check_inclusion(document, entry, self.keys)
            except NotShown as refused:
                code = _documented(refused.code)
            else:
                self._must_be_shown(document, entry, shown[number])
        check(len(shown) < 2, "one proof shows two bundles")
        check(bool(shown) or document not in self.unchanged["proof"], "a genuine proof is refused")
        number = next(iter(shown), choose.randrange(len(self.entries)))
        kept = None if choose.randrange(4) else choose.randrange(len(self.signed))
        verdict = self._verdict(number, document, shown.get(number), kept)
        if kept is None and not choose.randrange(8):
            self._by_http(number, document, verdict)
        if not choose.randrange(8):
            self._by_command(number, document, kept, verdict)
        return "shown" if shown else f"refused {code}"

    def checkpoint(self, document: bytes, choose: Random) -> str:
        """A checkpoint: by itself, kept beside a bundle's proof, and beside another by ``qcos log check``."""
        opened, outcome = None, "opened"
        try:
            opened = transparency.open_checkpoint(document, self.keys)
        except NotShown as refused:
            outcome = f"refused {_documented(refused.code)}"
            check(document not in self.unchanged["checkpoint"], "a genuine checkpoint is refused")
        else:
            self._must_be_signed(document.decode(), opened)
        proof = choose.choice(self.corpus.genuine["proof"])
        number, carried = self._of(proof)
        bundle = text(self.corpus.bundles[number])
        verdict = qcos_evidence.verify(bundle, self.keys, now=LATE, proof=proof, checkpoint=document)
        same = opened is not None and _tree(opened) == _tree(carried)
        check(
            (verdict.transparency == "valid") == same, "a kept checkpoint of another tree is taken, or of this refused"
        )
        _documented_reasons(verdict)
        if not choose.randrange(4):
            other = choose.randrange(len(self.signed))
            status = self._log_check(self.signed[other].note.encode(), document, None)
            same = opened is not None and _tree(opened) == _tree(self.opened[other])
            check((status == 0) == same, "two trees are one without a path, or one tree is two")
        return outcome

    def consistency(self, document: bytes, choose: Random) -> str:
        """An answer about two sizes: its path held against all pairs of trees, and ``qcos log check`` against one."""
        path = _path(document)
        tied: list[tuple[int, int]] = []
        for one, old in enumerate(self.opened if path is not None else ()):
            for two, new in enumerate(self.opened):
                right = path == self.paths[one][two]
                try:
                    transparency.verify_consistency(old, new, path or [])
                except NotShown as refused:
                    check(not right, f"the right path is refused: {_documented(refused.code)}")
                else:
                    check(right, "a wrong path is taken")
                if right and old.size < new.size:
                    tied.append((one, two))
        # A pair that the path ties if there is one, else any: what is asked is always the roots, never the sizes.
        pair = choose.choice(tied) if tied and choose.random() < 0.8 else choose.choices(range(len(self.signed)), k=2)
        old_tree, new_tree = (self.signed[one] for one in pair)
        status = self._log_check(old_tree.note.encode(), new_tree.note.encode(), document)
        right = tuple(pair) in tied
        check(status != 0 or right or old_tree.head == new_tree.head, "a wrong path is consistent")
        if right and document in self.unchanged["consistency"]:
            stated = json.loads(document)["data"]
            asked = (stated["from"], stated["to"]) == (len(old_tree.entries), len(new_tree.entries))
            check(status == 0 or not asked, "the log's own answer is refused")
        return f"exit {status}"

    def jwks(self, document: bytes, choose: Random) -> str:
        """A set of keys: no checkpoint and no bundle is believed but by a key in it that made the signature."""
        genuine = document in self.unchanged["jwks"]
        try:
            keys = qcos_evidence.KeySet.from_jwks(qcos_evidence.parse(document))
        except qcos_evidence.Malformed as refused:
            check(refused.code in CODES and not genuine, f"{refused.code} is not documented, or the set is genuine")
            return f"refused {refused.code}"
        except qcos_evidence.EvidenceError:
            check(not genuine, "a genuine set is refused")
            return "refused"
        listed = json.loads(document)["keys"]
        for tree in choose.sample(self.corpus.trees, 4):
            try:
                opened = transparency.open_checkpoint(tree.note, keys)
            except NotShown as refused:
                _documented(refused.code)
                trusted = document == self.corpus.jwks and tree.signatures[0].believed
                check(not trusted, "a genuine checkpoint is refused")
            else:
                found = [one for one in tree.signatures if one.at == opened.at]
                check(
                    any(_made(key, opened.origin, one) for key in listed for one in found), "no key of the set signed"
                )
        outcome = "no bundle is believed"
        for bundle in choose.sample(self.corpus.bundles, 3):
            verdict = qcos_evidence.verify(text(bundle), keys, now=LATE)
            made = [key for key in listed if self._vouches(key, bundle)]
            check(verdict.checks["signature"] == "invalid" or bool(made), "no key of the set signed the bundle")
            created = datetime.fromisoformat(bundle["created_at"])
            check(not verdict.valid or any(_within(key, created) for key in made), "a key is believed out of its time")
            outcome = "bundles are believed" if verdict.valid else outcome
        return outcome

    def _must_be_signed(self, note: str, opened: Checkpoint) -> Tree:
        lines = note.split("\n")
        tree = self.trees.get((lines[0], lines[1], lines[2]))
        if tree is None:
            raise Finding("nobody signed such a tree")
        check(_tree(opened) == tree.head, "the checkpoint is not read as it stands there")
        present = [one.at for one in tree.signatures if one.believed and one.line in lines]
        check(opened.at == min(present, default=None), "the time is not the earliest that a trusted key signed")
        return tree

    def _must_be_shown(self, document: bytes, entry: bytes, checkpoint: Checkpoint) -> None:
        head, _, note = document.decode().partition("\n\n")
        tree = self._must_be_signed(note, checkpoint)
        _, number, *path = (line for line in head.split("\n") if not line.startswith("extra "))
        index = int(number.removeprefix("index "))
        check(index < len(tree.entries) and tree.entries[index] == entry, "that entry is not there")
        true = logs.inclusion(index, logs.leaves(tree.entries))
        check(path == [base64.b64encode(one).decode() for one in true], "the path is not that of the tree")

    def _of(self, proof: bytes) -> tuple[int, Checkpoint]:
        """The bundle that an unchanged proof is of, and the checkpoint that it carries."""
        for number, entry in enumerate(self.entries):
            with contextlib.suppress(NotShown):
                return number, transparency.check_inclusion(proof, entry, self.keys)
        raise Finding("a genuine proof is refused")

    def _verdict(self, number: int, document: bytes, shown: Checkpoint | None, kept: int | None) -> Verdict:
        """The verdict on a bundle with the proof, perhaps beside a kept checkpoint."""
        bundle = self.corpus.bundles[number]
        given = None if kept is None else self.signed[kept].note
        verdict = qcos_evidence.verify(text(bundle), self.keys, now=LATE, proof=document, checkpoint=given)
        _documented_reasons(verdict)
        valid = shown is not None and (kept is None or _tree(shown) == self.signed[kept].head)
        check((verdict.transparency == "valid") == valid == (verdict.logged is not None), "not what the proof shows")
        check(valid or not verdict.valid, "a bundle is valid by a proof that shows nothing")
        if shown is not None and verdict.logged is not None:
            at = shown.at if kept is None else min(shown.at, self.opened[kept].at)
            logged = verdict.logged
            check(logged.at == format_seconds(at), "not the earlier of the two times")
            check((logged.origin, str(logged.size)) == _tree(shown)[:2], "logged elsewhere")
            check(bundle is not UNDER_STOLEN or not verdict.valid or at < REVOKED_AT, "a revoked key is believed")
        check(bundle is not UNDER_LOST or not verdict.valid, "a key is believed that was revoked nobody knows when")
        return verdict

    def _by_http(self, number: int, document: bytes, verdict: Verdict) -> None:
        try:
            proof = document.decode()
        except UnicodeDecodeError:
            return  # no JSON holds it
        if not 1 <= len(proof) <= MAX_PROOF:
            return
        body = json.dumps({"bundle": self.corpus.bundles[number], "proof": proof})
        with contextlib.redirect_stdout(io.StringIO()):  # its metrics
            answer = self.handler(gateway_event("POST", "/api/v2/evidence/verify", body), Context())
        check(answer["statusCode"] == 200, f"the endpoint answers {answer['statusCode']}")
        check(
            json.loads(answer["body"])["data"] == json.loads(json.dumps(asdict(verdict))), "not the library's verdict"
        )

    def _by_command(self, number: int, document: bytes, kept: int | None, verdict: Verdict) -> None:
        bundle = self._file("logged-bundle", text(self.corpus.bundles[number]))
        line = ["verify", bundle, "--keys", self.trusted, "--at", WHEN, "--json"]
        line += ["--checkpoint", self._file("proof", document)]
        if kept is not None:
            line += ["--checkpoint", self._file("kept", self.signed[kept].note.encode())]
        status, out = _command(line)
        if document.startswith(_PROOF):
            check(status == (0 if verdict.valid else 1), f"the command ends with {status}")
            check(json.loads(out) == json.loads(json.dumps(asdict(verdict))), "not the library's verdict")
        else:
            # Then it is taken for a checkpoint, which alone shows nothing; two of them are refused.
            check(status == (1 if kept is None else 2), f"the command ends with {status} without a proof")

    def _log_check(self, old: bytes, new: bytes, answer: bytes | None) -> int:
        files = [self._file("old", old), self._file("new", new)]
        if answer is not None:
            files.append(self._file("answer", answer))
        status, out = _command(["log", "check", *files, "--keys", self.trusted])
        check(status == 2 or ("NOT CONSISTENT" in out) == (status == 1), "the words are not the exit status")
        return status

    def _vouches(self, key: dict[str, Any], bundle: dict[str, Any]) -> bool:
        """Whether a listed key is the one that signed the bundle, for signing bundles, and not revoked."""
        signer = self.published[bundle["signatures"]["key_id"]]
        same = all(key.get(name) == signer[name] for name in ("kty", "pub" if "pub" in signer else "x"))
        return same and "qcos:log" not in key and _public(key) and key.get("status", "active") != "revoked"

    def _file(self, name: str, data: bytes) -> str:
        file = self.folder / name
        file.write_bytes(data)
        return str(file)


def _command(line: list[str]) -> tuple[int, str]:
    """Exit status and output of ``qcos``; what it cannot use it says in one line."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = cli.main(line)
    check(status in (0, 1, 2), f"the command ends with {status}")
    one_line = err.getvalue().startswith("qcos: ") and err.getvalue().count("\n") == 1
    check(status != 2 or one_line, "an unusable file is not refused in one line")
    return status, out.getvalue()


def _tree(opened: Checkpoint) -> tuple[str, str, str]:
    return opened.origin, str(opened.size), base64.b64encode(opened.root).decode()


def _between(old: Tree, new: Tree) -> list[bytes] | None:
    """The one path that shows the old tree to begin the new; None if it does not."""
    if not logs.continues(old, new):
        return None
    return logs.consistency(len(old.entries), logs.leaves(new.entries))


def _path(document: bytes) -> list[bytes] | None:
    """The path in an answer as Python's json reads it."""
    try:
        answer = json.loads(document)
    except (ValueError, RecursionError):
        return None
    answer = answer if isinstance(answer, dict) else {}
    data = answer["data"] if isinstance(answer.get("data"), dict) else answer
    path = data.get("path")
    found = (
        [_HASH.fullmatch(one) if isinstance(one, str) else None for one in path] if isinstance(path, list) else [None]
    )
    return [bytes.fromhex(one[1]) for one in found if one] if all(found) else None


def _made(key: dict[str, Any], origin: str, signature: Signature) -> bool:
    """Whether a listed key is the one that made a log's signature, is said to be, and was valid then."""
    named = (key.get("kty"), key.get("alg"), key.get("pub"), key.get("qcos:log"))
    same = named == ("AKP", "ML-DSA-44", signature.public, origin)
    return same and _public(key) and key.get("status", "active") != "revoked" and _within(key, signature.at)


def _public(key: dict[str, Any]) -> bool:
    return "priv" not in key and "d" not in key


def _within(key: dict[str, Any], moment: datetime) -> bool:
    seconds = moment.timestamp()
    return bool(key.get("nbf", 0) <= seconds < key.get("exp", seconds + 1))


def _documented(code: str) -> str:
    check(code in LOG_CODES, f"the code {code} is not documented")
    return code


def _documented_reasons(verdict: Verdict) -> None:
    for reason in verdict.reasons:
        if reason.check == "transparency":
            _documented(reason.code)
