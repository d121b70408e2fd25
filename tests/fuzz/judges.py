"""What must hold of any document whatever, by each way in: the library, the endpoint, the command.

A judge returns the outcome, for counting, and raises :class:`Finding` (or whatever the code under test raised) when
a promise is broken: only documented refusals, no 500, the same verdict by every way, ``valid`` only for a document in
which an independent reader finds a bundle that was signed, and for every one that nobody changed.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import cbor2

import qcos_evidence
from qcos import cli
from qcos.adapters import memory
from qcos.adapters.bundles import Bundles
from qcos.plans import PLANS
from qcos.service.evidence import EvidenceDesk
from qcos.service.log import JobLog
from qcos_evidence import attachments
from qcos_evidence.verification import report
from tests.fuzz import mutations
from tests.fuzz.corpus import FORMS, Corpus
from tests.fuzz.log_judges import LogJudges
from tests.fuzz.promises import CODES, LATE, WHEN, check
from tests.unit.http.fakes import Context, gateway_event
from tests.unit.http.test_evidence import serve


class Judges:
    """The three ways in over one corpus; ``folder`` is for the command's files."""

    def __init__(self, corpus: Corpus, folder: Path) -> None:
        self.corpus = corpus
        self.keys = qcos_evidence.KeySet.from_jwks(qcos_evidence.parse(corpus.jwks))
        self.events = json.loads(corpus.events)["events"]
        self.unchanged = frozenset(one for form in FORMS for one in corpus.genuine[form])
        self.handler = _handler(corpus.jwks)
        self.folder = folder
        (self.folder / "jwks.json").write_bytes(corpus.jwks)
        self.logs = LogJudges(corpus.logs, _handler(corpus.logs.jwks), folder)

    def genuine(self, document: bytes, page: str | None) -> bool:
        """Whether a reader that is not ours finds a signed bundle in the document."""
        if document.startswith(b"%PDF-"):
            check(page in ("matches", "not_checked"), "a page that differs is valid")
            document = attachments.read(document)[attachments.BUNDLE]
        if document.startswith(b"\xd2"):
            _, _, payload, signature = cbor2.loads(document).value
            found = json.loads(payload)
            mine = next((one for one in self.corpus.bundles if one["bundle_id"] == found["bundle_id"]), {})
            spelled = "base64:" + base64.b64encode(signature).decode()
            signed = mine.get("signatures", {}).get("signature") == spelled
            return signed and found | {"signatures": mine["signatures"]} in self.corpus.bundles
        found = cbor2.loads(document) if document[0] >= 0x80 else json.loads(document)
        # True equals 1 and 1.0 in Python, not in what was signed.
        return any(json.dumps(found, sort_keys=True) == json.dumps(one, sort_keys=True) for one in self.corpus.bundles)

    def library(self, document: bytes, choose: Random) -> str:
        """By ``verify``, sometimes with something to hold the bundle against."""
        more: dict[str, Any] = {}
        if not choose.randrange(4):
            more = {"circuit": self.corpus.circuit, "events": self.events, "expected_job_id": "job_xyz789"}
            if choose.randrange(2):
                more["events"] = mutations.of_tree({"events": self.events}, choose).get("events")
        try:
            verdict = qcos_evidence.verify(document, self.keys, now=LATE, **more)
        except qcos_evidence.Malformed as refused:
            check(refused.code in CODES, f"the code {refused.code} is not documented")
            check(document not in self.unchanged, "a genuine document is refused")
            return f"refused {refused.code}"
        report(verdict)
        json.dumps(asdict(verdict))
        check(not verdict.valid or self.genuine(document, verdict.page), "a changed document is valid")
        check(verdict.valid or bool(more) or document not in self.unchanged, "a genuine document is not valid")
        check(verdict.valid == all(one == "valid" for one in verdict.checks.values()), "valid is not all checks")
        return _outcome(asdict(verdict))

    def http(self, document: bytes, choose: Random) -> str:
        """By ``POST /api/v2/evidence/verify``; a file in base64 must come to what the library says."""
        other = choose.choice(self.corpus.genuine["json"])
        request = mutations.request_of(document, other, choose)
        plain = request == b'{"bundle":"' + base64.b64encode(document) + b'"}'
        event = gateway_event("POST", "/api/v2/evidence/verify", "")
        if choose.randrange(2):
            event |= {"body": base64.b64encode(request).decode(), "isBase64Encoded": True}
        else:
            event |= {"body": request.decode("utf-8", "replace")}
        with contextlib.redirect_stdout(io.StringIO()):  # its metrics
            answer = self.handler(event, Context())
        body = json.loads(answer["body"])
        status = answer["statusCode"]
        check(status in (200, 400, 413), f"the endpoint answers {status}")
        if status != 200:
            code = body["error"]["code"]
            check(code in ("VALIDATION_ERROR", "PAYLOAD_TOO_LARGE"), f"the endpoint answers {code}")
        elif body["data"]["valid"]:
            sent = json.loads(base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"])["bundle"]
            file = base64.b64decode(sent) if isinstance(sent, str) else json.dumps(sent).encode()
            check(self.genuine(file, body["data"]["page"]), "a changed document is valid")
        if plain:
            self._same(document, body)
        return (
            f"{status} {_outcome(body['data'])}" if status == 200 else f"{status} {body['error']['details'][0]['rule']}"
        )

    def _same(self, document: bytes, body: dict[str, Any]) -> None:
        try:
            verdict = qcos_evidence.verify(document, self.keys, now=LATE)
        except qcos_evidence.Malformed as refused:
            check(
                not body["success"] and body["error"]["details"][0]["rule"] == refused.code, "not the library's refusal"
            )
        else:
            check(
                body["success"] and body["data"] == json.loads(json.dumps(asdict(verdict))), "not the library's verdict"
            )

    def command(self, document: bytes, choose: Random) -> str:
        """By ``qcos verify``; sometimes the keys or the events are what was changed."""
        line = ["verify", str(self._file("bundle", document)), "--at", WHEN]
        keys, pinned = self.folder / "jwks.json", True
        if not choose.randrange(8):
            keys, pinned = self._file("keys", mutations.json_of(self.corpus.jwks, document, choose)), False
        line += ["--keys", str(keys)]
        alone = pinned
        if not choose.randrange(4):
            alone = False
            line += ["--events", str(self._file("events", mutations.json_of(self.corpus.events, document, choose)))]
            line += ["--circuit", str(self._file("circuit", self.corpus.circuit))]
        if choose.randrange(2):
            line.append("--json")
        if not choose.randrange(8):
            line += ["--dump", str(self.folder)]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = cli.main(line)
        check(status in (0, 1, 2), f"the command ends with {status}")
        check((status == 2) == (out.getvalue() == ""), "an unusable file has a verdict, or a usable one none")
        if status == 2:
            check(err.getvalue().startswith("qcos: ") and err.getvalue().count("\n") == 1, "more or less than one line")
            return "2"
        check(status == 1 or not pinned or self.genuine(document, "not_checked"), "a changed document is valid")
        if alone and "--dump" not in line:
            verdict = qcos_evidence.verify(document, self.keys, now=LATE)
            said = json.loads(out.getvalue()) if "--json" in line else out.getvalue()
            same = json.loads(json.dumps(asdict(verdict))) if "--json" in line else report(verdict) + "\n"
            check(said == same, "not the library's verdict")
        return str(status)

    def _file(self, name: str, data: bytes) -> Path:
        file = self.folder / name
        file.write_bytes(data)
        return file


def _handler(jwks: bytes) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The evidence API's, with these published keys."""
    control = memory.Control()
    for jwk in json.loads(jwks)["keys"]:
        control.put_signing_key(jwk)
    log = JobLog(memory.EventStore(), lambda: LATE, PLANS["pro"])
    return serve(EvidenceDesk(log, memory.ObjectStore(), control, Bundles()))


def _outcome(verdict: dict[str, Any]) -> str:
    """``valid``, or the code of the first reason."""
    found: str = "valid" if verdict["valid"] else SimpleNamespace(**verdict["reasons"][0]).code
    return found
