"""Evidence over HTTP, from the real use cases: files of every form, proofs, and what a verdict is held against."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import cbor2
import pytest

import qcos_evidence
from qcos.adapters.bundles import Bundles
from qcos.events import EvidenceExported
from qcos.http import evidence, gateway
from qcos.http.app import application
from qcos.job import bundle_id
from qcos.models import Caller, StoredObject, sha3_256
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

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
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


def exported(desk: Desk) -> list[EvidenceExported]:
    return [event.data for event in desk.world.story(desk.job_id) if isinstance(event.data, EvidenceExported)]


def test_the_first_export_of_each_form_is_an_event_and_no_other() -> None:
    desk = Desk()
    before = desk.world.job(desk.job_id)
    files = {form: desk.export(form) for _ in range(2) for form in FORMS}
    told = exported(desk)
    assert [(one.format, one.digest, one.size, one.key) for one in told] == [
        (form, sha3_256(files[form]), len(files[form]), None) for form in FORMS
    ]
    assert before.evidence
    assert {(one.bundle_id, one.bundle_hash, one.key_id) for one in told} == {
        (desk.bundle_id, before.evidence.bundle_hash, before.evidence.key_id)
    }
    after = desk.world.job(desk.job_id)
    assert after == replace(before, version=before.version + len(FORMS), exports=tuple(told))
    last = desk.world.story(desk.job_id)[-1]
    assert (last.document["actor"], last.document["correlation_id"]) == ("key:k1", "gateway-request")
    # What is refused or only looked at is no export.
    desk("GET", f"/api/v2/evidence/{desk.bundle_id}")
    desk("GET", f"/api/v2/evidence/export/{desk.bundle_id}", tenant="other")
    desk("GET", f"/api/v2/evidence/export/{desk.bundle_id}", scopes="optimize:read")
    assert len(exported(desk)) == len(FORMS)
    log = [event.document | {"hash": event.hash} for event in desk.world.story(desk.job_id)]
    keys = qcos_evidence.KeySet.from_jwks(desk("GET", "/.well-known/jwks.json").body)
    assert qcos_evidence.verify(files["json"], keys, now=desk.world.clock(), events=log).valid


def test_exports_that_race_are_one_event() -> None:
    desk = Desk()
    with ThreadPoolExecutor(8) as pool:
        caller = Caller(tenant=TENANT, key_id="k1", scopes=frozenset(), request_id="r")
        made = list(pool.map(lambda _: desk.world.desk.export(caller, desk.bundle_id, "cbor"), range(16)))
    assert len({file.data for file in made}) == 1
    assert [one.format for one in exported(desk)] == ["cbor"]


def test_a_list_row_follows_an_export_and_counts_nothing_anew() -> None:
    desk = Desk()
    desk.world.project(TENANT, desk.job_id)
    before, counters = desk.world.views.row(TENANT, desk.job_id), desk.world.views.counters_of(TENANT)
    desk.export("cose")
    desk.world.project(TENANT, desk.job_id)
    assert before
    assert desk.world.views.row(TENANT, desk.job_id) == replace(before, version=before.version + 1)
    assert desk.world.views.counters_of(TENANT) == counters


def test_a_file_too_long_to_be_answered_is_stored_and_goes_by_link(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    small = desk.export("cbor")
    monkeypatch.setattr("qcos.service.evidence.INLINE_BYTES", 5_000)
    path, query = f"/api/v2/evidence/export/{desk.bundle_id}", {"format": "pdf"}
    answer = desk("GET", path, query=query)
    key = f"exports/{desk.bundle_id}.pdf"
    file, media_type = desk.world.objects.objects[key]
    assert answer.status == 303
    assert answer.headers["location"] == answer.data["url"] == f"memory://{key}?seconds=900"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.data == {
        "url": f"memory://{key}?seconds=900",
        "expires_in_s": 900,
        "file_name": f"{desk.bundle_id}.pdf",
        "media_type": media_type,
        "size": len(file),
        "digest": sha3_256(file),
    }
    assert media_type == "application/pdf"
    keys = qcos_evidence.KeySet.from_jwks(desk("GET", "/.well-known/jwks.json").body)
    assert qcos_evidence.verify(file, keys, now=desk.world.clock()).page == "matches"
    assert [(one.format, one.digest, one.size, one.key) for one in exported(desk)] == [
        ("cbor", sha3_256(small), len(small), None),
        ("pdf", sha3_256(file), len(file), key),
    ]
    # From then on nothing is made: the file is the one that is stored, under whatever version of the page.
    monkeypatch.setattr(desk.world.desk.library, "write", None)
    assert desk("GET", path, query=query).data == answer.data
    assert len(exported(desk)) == 2


def test_an_export_that_died_before_its_event_is_the_file_that_was_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    monkeypatch.setattr("qcos.service.evidence.INLINE_BYTES", 0)
    desk.world.objects.put_named(f"exports/{desk.bundle_id}.cose", b"made before", "application/cose")
    answer = desk("GET", f"/api/v2/evidence/export/{desk.bundle_id}", query={"format": "cose"})
    assert (answer.data["digest"], answer.data["size"]) == (sha3_256(b"made before"), 11)
    (told,) = exported(desk)
    assert (told.digest, told.size) == (sha3_256(b"made before"), 11)


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
