"""Every attack that a verifier knows, over HTTP and from the shell: the same answer from both, and never a 500."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from qcos import cli
from qcos.adapters import memory
from qcos.adapters.bundles import Bundles
from qcos.plans import PLANS
from qcos.service.evidence import EvidenceDesk
from qcos.service.log import JobLog
from qcos_evidence import KeySet
from tests.fuzz.mutations import repacked
from tests.unit.evidence import test_form as forms
from tests.unit.evidence import test_hostile as hostile
from tests.unit.evidence import test_logged as logged
from tests.unit.evidence import test_pdf as pages
from tests.unit.evidence.samples import NOW, force_sign, signed, text, unsigned
from tests.unit.http.fakes import Context, gateway_event
from tests.unit.http.test_evidence import serve

Document = Callable[[], bytes]
WHEN = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Threat:
    """A document and what it must come to: ``refused``, ``valid``, or the checks that fail; and a code among them.

    ``proof`` is given with it: a tlog-proof.
    """

    document: Document
    outcome: str
    code: str | None = None
    proof: Callable[[], str] | None = None


def as_bytes(document: bytes | dict[str, Any]) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def failing(outcomes: str) -> str:
    """``ShT`` (upper case is valid) as ``hash``."""
    names = {"s": "signature", "h": "hash", "t": "timestamp"}
    return " ".join(names[letter] for letter in outcomes if letter.islower())


def logged_threat(one: logged.Case) -> Threat:
    """A bundle and its proof; what only the proof is to blame for fails no check but ``transparency``."""
    failing = " ".join((*one.failing, *(["transparency"] if one.transparency == "invalid" else [])))
    return Threat(lambda: text(one.bundle), failing or "valid", min(one.codes, default=None), one.proof)


THREATS: dict[str, Threat] = {
    "genuine": Threat(lambda: text(signed()), "valid"),
    **{f"json: {n}": Threat(lambda d=d: d, "refused", c) for n, (d, c) in hostile.MALFORMED.items()},  # type: ignore[misc] # a default binds
    **{f"spelled: {n}": Threat(lambda d=d: d, "valid") for n, d in hostile.GENUINE.items()},  # type: ignore[misc]
    **{f"changed: {n}": Threat(lambda d=d: as_bytes(d), "signature ...") for n, d in hostile.CHANGED.items()},  # type: ignore[misc]
    **{
        f"signed: {n}": Threat(lambda d=d: as_bytes(d), "signature ...", c)  # type: ignore[misc]
        for n, (d, c) in hostile.BADLY_SIGNED.items()
    },
    **{
        f"ours: {n}": Threat(lambda m=m: text(m()), failing(o), c)  # type: ignore[misc]
        for n, (m, o, c) in hostile.SIGNED_BUT_WRONG.items()
    },
    **{
        f"cbor: {n}": Threat(lambda d=d: d, "refused", "not_deterministic_cbor")  # type: ignore[misc]
        for n, d in forms.HOSTILE_CBOR.items()
    },
    **{f"cbor: {n}": Threat(lambda d=d: d, "refused", c) for n, (d, c) in forms.FOREIGN_CBOR.items()},  # type: ignore[misc]
    **{f"cose: {n}": Threat(lambda d=d: d, "refused", c) for n, (d, c) in forms.HOSTILE_COSE.items()},  # type: ignore[misc]
    **{f"pdf: {n}": Threat(lambda d=d: d, "refused", "not_evidence_pdf") for n, d in pages.NOT_OURS.items()},  # type: ignore[misc]
    "pdf: genuine": Threat(lambda: pages.PAGE, "valid"),
    "pdf: text edited": Threat(pages.edited_page, "hash", "page_differs"),
    "pdf: a stranger's": Threat(pages.forged_page, "signature timestamp", "unknown_key"),
    "pdf: another genuine bundle attached": Threat(
        lambda: repacked(pages.PAGE, lambda _: text(force_sign(unsigned(attempt=3)))), "hash", "page_differs"
    ),
    "pdf: the attached bundle changed": Threat(
        lambda: repacked(pages.PAGE, lambda bundle: bundle.replace(b'"attempt":2', b'"attempt":1')),
        *("signature hash", "signature_invalid"),
    ),
    **{f"log: {n}": logged_threat(one) for n, one in logged.CASES.items()},
}
TRUSTED = KeySet(
    {key.key_id: key for key in (*hostile.TRUSTED, *logged.TRUSTED)}.values(),
    logged.TRUSTED.logs,
).to_jwks()


@pytest.fixture(scope="module")
def ask() -> Callable[[Any], dict[str, Any]]:
    """``POST /api/v2/evidence/verify`` over the published keys; the answer's status and body."""
    control = memory.Control()
    for jwk in TRUSTED["keys"]:
        control.put_signing_key(jwk)
    log = JobLog(memory.EventStore(), lambda: NOW, PLANS["pro"])
    handler = serve(EvidenceDesk(log, memory.ObjectStore(), control, Bundles()))

    def post(body: Any) -> dict[str, Any]:
        answer = handler(gateway_event("POST", "/api/v2/evidence/verify", body), Context())
        return {"status": answer["statusCode"], **json.loads(answer["body"])}

    return post


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("keys") / "jwks.json"
    file.write_text(json.dumps(TRUSTED))
    return file


@pytest.mark.parametrize("name", THREATS)
def test_the_same_answer_from_both(
    ask: Callable[[Any], dict[str, Any]],
    keys: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
) -> None:
    threat = THREATS[name]
    document = threat.document()
    body, options = {"bundle": base64.b64encode(document).decode()}, []
    file = tmp_path / "bundle"
    file.write_bytes(document)
    if threat.proof:
        body["proof"] = threat.proof()
        (tmp_path / "proof").write_bytes(body["proof"].encode())
        options = ["--checkpoint", str(tmp_path / "proof")]
    answer = ask(body)
    capsys.readouterr()
    status = cli.main(["verify", str(file), "--keys", str(keys), "--at", WHEN, "--json", *options])
    shown = capsys.readouterr()

    if threat.outcome == "refused":
        assert (answer["status"], status) == (400, 2)
        assert answer["error"]["details"][0]["rule"] == threat.code
        assert f"({threat.code})" in shown.err
        return
    assert answer["status"] == 200
    assert json.loads(shown.out) == answer["data"]
    assert status == int(not answer["data"]["valid"])
    wrong = [check for check, outcome in answer["data"]["checks"].items() if outcome != "valid"]
    if answer["data"]["transparency"] == "invalid":
        wrong.append("transparency")
    assert (answer["data"]["transparency"] == "not_checked") == (threat.proof is None)
    if threat.outcome == "valid":
        assert wrong == []
    elif threat.outcome.endswith("..."):
        assert "signature" in wrong
    else:
        assert " ".join(wrong) == threat.outcome
    if threat.code:
        assert threat.code in {reason["code"] for reason in answer["data"]["reasons"]}


# The spaces that make this one too large stand outside of the bundle: they are the request's.
AS_OBJECTS = [
    name for name in THREATS if name.startswith(("json: ", "spelled: ", "ours: ")) and name != "json: too large"
]


@pytest.mark.parametrize("name", AS_OBJECTS)
def test_as_an_object_in_the_request_it_comes_to_the_same(ask: Callable[[Any], dict[str, Any]], name: str) -> None:
    """The bundle's own text reaches the verifier; what is no JSON object at all is refused before it."""
    threat = THREATS[name]
    document = threat.document()
    try:
        body = '{"bundle":' + document.decode() + "}"
    except UnicodeDecodeError:
        return  # what is not UTF-8 cannot be part of a request's JSON
    answer = ask(body)
    if threat.outcome == "refused":
        assert answer["status"] == 400
        return
    assert answer["status"] == 200
    packed = ask({"bundle": base64.b64encode(document).decode()})
    assert answer["data"] == packed["data"]


def test_an_old_bundle_of_another_job_is_told_from_the_one_that_was_expected(
    ask: Callable[[Any], dict[str, Any]],
) -> None:
    bundle = signed()
    assert ask({"bundle": bundle, "expected_job_id": bundle["job_id"]})["data"]["valid"] is True
    replayed = ask({"bundle": bundle, "expected_job_id": "job_of_today"})["data"]
    assert (replayed["valid"], replayed["checks"]["signature"], replayed["checks"]["hash"]) == (
        False,
        "valid",
        "invalid",
    )
    assert (replayed["bundle_id"], replayed["job_id"]) == (bundle["bundle_id"], bundle["job_id"])


@pytest.mark.parametrize(
    ("proof", "status"),
    [
        ('"\\ud800"', 400),
        ('"c2sp.org/tlog-proof@v1\\n"', 200),
        ('"\\u0000"', 200),
        ('"' + "x" * 256 * 1024 + '"', 200),
        ('"' + "x" * (256 * 1024 + 1) + '"', 400),
        ('""', 400),
        ("7", 400),
        ("[]", 400),
        ("null", 200),
    ],
    ids=range(9),
)
def test_a_proof_of_any_form_is_answered(ask: Callable[[Any], dict[str, Any]], proof: str, status: int) -> None:
    answer = ask('{"bundle":' + text(signed()).decode() + ',"proof":' + proof + "}")
    assert answer["status"] == status
    if status == 200:
        assert answer["data"]["valid"] == (proof == "null")
        assert answer["data"]["transparency"] == ("not_checked" if proof == "null" else "invalid")
