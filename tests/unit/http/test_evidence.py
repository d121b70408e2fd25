"""Evidence over HTTP, from the real use cases: files of every form, proofs, and what a verdict is held against."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import cbor2
import pytest

import qcos_evidence
from qcos.adapters.bundles import Bundles
from qcos.http import evidence, gateway
from qcos.http.app import application
from qcos.job import bundle_id
from qcos.models import StoredObject
from qcos.service.evidence import MAX_RESULT_BYTES, MEDIA_TYPES, EvidenceDesk
from qcos_evidence import attachments
from tests.unit.http.conftest import Answer, hold_against_document
from tests.unit.http.fakes import TENANT, Context, gateway_event
from tests.unit.service.world import World

FORMS = ("json", "cbor", "cose", "pdf")


def serve(desk: EvidenceDesk) -> gateway.Handler:
    """The evidence function over a desk; everybody may ask as often as he likes."""
    rates: Any = SimpleNamespace(count=lambda tenant: SimpleNamespace(limit=300, remaining=299, reset_s=60))
    app = application(evidence.router(lambda: desk), rates=lambda: rates)
    return gateway.handler(app, warm="/api/v2/evidence/ev_0", prepare=())


class Desk:
    """The evidence function over one finished job."""

    def __init__(self) -> None:
        self.world = World()
        self.world.provider.quick = True
        self.job_id = self.world.submitted()
        for step in (self.world.transpile, self.world.execute, self.world.sign):
            step(TENANT, self.job_id, 1)
        self.bundle_id = bundle_id(self.world.job(self.job_id))
        self.handler = serve(self.world.desk)

    def raw(self, method: str, path: str, body: Any = None, **event: Any) -> dict[str, Any]:
        return self.handler(gateway_event(method, path, body, **event), Context())

    def __call__(self, method: str, path: str, body: Any = None, **event: Any) -> Answer:
        raw = self.raw(method, path, body, **event)
        answer = Answer(raw["statusCode"], raw["headers"], json.loads(raw["body"]), raw["body"])
        hold_against_document(method, path, answer)
        return answer

    def export(self, form: str | None = None) -> bytes:
        query = {"format": form} if form else None
        raw = self.raw("GET", f"/api/v2/evidence/export/{self.bundle_id}", query=query)
        assert raw["statusCode"] == 200, raw["body"]
        wanted = form or "json"
        assert raw["headers"]["content-type"] == MEDIA_TYPES[wanted]  # type: ignore[index] # one of the forms
        assert raw["headers"]["content-disposition"] == f'attachment; filename="{self.bundle_id}.{wanted}"'
        assert raw["isBase64Encoded"] is (wanted != "json")
        return base64.b64decode(raw["body"]) if raw["isBase64Encoded"] else raw["body"].encode()

    def verdict(self, bundle: Any, **expected: Any) -> dict[str, Any]:
        data: dict[str, Any] = self("POST", "/api/v2/evidence/verify", {"bundle": bundle, **expected}).data
        return data


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk()


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_every_form_verifies_everywhere(desk: Desk, form: str) -> None:
    file = desk.export(form)
    keys = qcos_evidence.KeySet.from_jwks(desk("GET", "/.well-known/jwks.json").body)
    offline = qcos_evidence.verify(file, keys, now=desk.world.clock())
    assert (offline.valid, offline.form, offline.bundle_id) == (True, form, desk.bundle_id)
    online = desk.verdict(base64.b64encode(file).decode())
    assert (online["valid"], online["form"], online["bundle_hash"]) == (True, form, offline.bundle_hash)
    assert online["page"] == offline.page == ("matches" if form == "pdf" else None)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_that_the_reader_has_is_not_sent_again(desk: Desk, form: str) -> None:
    path, query = f"/api/v2/evidence/export/{desk.bundle_id}", {"format": form}
    tag = desk.raw("GET", path, query=query)["headers"]["etag"]
    again = desk.raw("GET", path, query=query, headers={"If-None-Match": f'"other", W/{tag}'})
    assert (again["statusCode"], again["body"], again["headers"]["etag"]) == (304, "", tag)
    others = {desk.raw("GET", path, query={"format": one})["headers"]["etag"] for one in FORMS}
    assert len(others) == len(FORMS)


def test_the_file_is_what_was_signed(desk: Desk) -> None:
    served = desk("GET", f"/api/v2/evidence/{desk.bundle_id}").data
    assert json.loads(desk.export()) == json.loads(desk.export("json")) == cbor2.loads(desk.export("cbor")) == served
    page = desk.export("pdf")
    assert page == desk.export("pdf")
    job = desk.world.job(desk.job_id)
    assert job.execution
    result = desk.world.objects.get_checked(job.execution.result)
    assert attachments.read(page) == {"bundle.json": desk.export("json"), "result.json": result}


@pytest.mark.parametrize(
    ("path", "query", "status", "code"),
    [
        ("/api/v2/evidence/export/{id}", {"format": "xml"}, 400, "VALIDATION_ERROR"),
        ("/api/v2/evidence/export/{id}", {"format": "PDF"}, 400, "VALIDATION_ERROR"),
        ("/api/v2/evidence/export/{id}", {"form": "pdf"}, 400, "VALIDATION_ERROR"),
        ("/api/v2/evidence/export/ev_" + "0" * 32, {"format": "pdf"}, 404, "BUNDLE_NOT_FOUND"),
        ("/api/v2/evidence/export/ev_%2E%2E", None, 404, "BUNDLE_NOT_FOUND"),
        ("/api/v2/evidence/export/nonsense", None, 404, "BUNDLE_NOT_FOUND"),
    ],
)
def test_no_file(desk: Desk, path: str, query: Any, status: int, code: str) -> None:
    answer = desk("GET", path.format(id=desk.bundle_id), query=query)
    assert (answer.status, answer.error["code"]) == (status, code)


@pytest.mark.parametrize("path", ["/api/v2/evidence/export/{id}", "/api/v2/evidence/{id}"])
def test_another_tenants_bundle_is_like_none(desk: Desk, path: str) -> None:
    answer = desk("GET", path.format(id=desk.bundle_id), tenant="other")
    assert (answer.status, answer.error["code"]) == (404, "BUNDLE_NOT_FOUND")
    assert desk("GET", path.format(id=desk.bundle_id), scopes="optimize:read").status == 403
    assert desk("GET", path.format(id=desk.bundle_id), scopes=None).status == 401


def test_a_result_too_long_for_a_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_RESULT_BYTES == attachments.MAX_RESULT_BYTES

    def long(stored: StoredObject) -> bytes:
        return bytes(MAX_RESULT_BYTES + 1)

    monkeypatch.setattr(desk.world.objects, "get_checked", long)
    answer = desk("GET", f"/api/v2/evidence/export/{desk.bundle_id}", query={"format": "pdf"})
    assert (answer.status, answer.error["code"]) == (413, "PAYLOAD_TOO_LARGE")
    assert desk.export("cose")


def test_what_is_expected_must_be_so(desk: Desk) -> None:
    bundle = json.loads(desk.export())
    circuit = bundle["circuit_hash"]
    assert desk.verdict(bundle, expected_job_id=desk.job_id, expected_circuit_hash=circuit)["valid"] is True
    assert desk.verdict(bundle, expected_job_id=None, expected_circuit_hash=None)["valid"] is True
    for expected, code in (
        ({"expected_job_id": "job_other"}, "job_id_mismatch"),
        ({"expected_circuit_hash": "sha3-256:" + "0" * 64}, "circuit_hash_mismatch"),
    ):
        verdict = desk.verdict(bundle, **expected)
        assert (verdict["valid"], verdict["checks"]["signature"]) == (False, "valid")
        assert verdict["checks"]["hash"] == "invalid"
        assert [reason["code"] for reason in verdict["reasons"]] == [code]


@pytest.mark.parametrize(
    "expected",
    [{"expected_job_id": ""}, {"expected_job_id": 1}, {"expected_circuit_hash": "00"}, {"expected": "x"}],
    ids=str,
)
def test_expectations_of_another_form(desk: Desk, expected: dict[str, Any]) -> None:
    answer = desk("POST", "/api/v2/evidence/verify", {"bundle": {}, **expected})
    assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR")


def test_a_job_without_a_result_has_no_page(desk: Desk) -> None:
    """A state the log cannot reach; it must not be mistaken for a bundle that is absent."""
    world = SimpleNamespace(job_id="job_1", execution=None)
    with pytest.raises(ValueError, match="no result"):
        desk.world.desk._result(world)  # type: ignore[arg-type] # in place of a job
    assert isinstance(desk.world.desk.library, Bundles)
