"""Evidence files through the gateway: bytes stay bytes, and a stranger with the keys believes them offline."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import qcos_evidence
from qcos_evidence import merkle
from tests.e2e.conftest import Api, circuit


def test_files_of_every_form_leave_the_gateway_whole(api: Api) -> None:
    source = circuit("asymmetric")
    job_id = api.submit(source, options={"evidence": True, "pqc_signing": True})
    bundle_id = api.finished(job_id)["evidence_bundle_id"]
    keys = qcos_evidence.KeySet.from_jwks(api.http.get("/.well-known/jwks.json").json())
    events = api.get(f"/api/v2/jobs/{job_id}/events")["events"]
    now = datetime.now(UTC) + timedelta(minutes=1)
    hashes = set()
    for form in "json", "cbor", "cose", "pdf":
        # What a browser accepts names no binary type first.
        headers = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
        answer = api.http.get(f"/api/v2/evidence/export/{bundle_id}", params={"format": form}, headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-disposition"] == f'attachment; filename="{bundle_id}.{form}"'
        verdict = qcos_evidence.verify(answer.content, keys, now=now, circuit=source.encode(), events=events)
        assert verdict.valid, verdict.reasons
        assert (verdict.form, verdict.job_id) == (form, job_id)
        hashes.add(verdict.bundle_hash)
        asked = {"bundle": base64.b64encode(answer.content).decode(), "expected_job_id": job_id}
        online = api.http.post("/api/v2/evidence/verify", json=asked).json()["data"]
        assert (online["valid"], online["page"]) == (True, "matches" if form == "pdf" else None)
    assert len(hashes) == 1


def test_an_event_is_proved_under_the_root_that_is_signed(api: Api) -> None:
    job_id = api.submit(circuit("bell"), options={"evidence": True, "pqc_signing": False})
    bundle_id = api.finished(job_id)["evidence_bundle_id"]
    log = api.get(f"/api/v2/evidence/{bundle_id}")["event_log"]
    events = api.get(f"/api/v2/jobs/{job_id}/events")["events"]
    proof = api.get(f"/api/v2/jobs/{job_id}/events/2/proof")
    assert (proof["leaf"], proof["root"], proof["size"]) == (events[1]["hash"], log["root_hash"], log["size"])
    leaf, root, *path = (bytes.fromhex(one[len("sha256:") :]) for one in (proof["leaf"], proof["root"], *proof["path"]))
    assert merkle.verify_inclusion(leaf, proof["index"], proof["size"], path, root)
    assert proof["bundle_id"] == bundle_id
    last = api.get(f"/api/v2/jobs/{job_id}/events/{len(events)}/proof")
    assert (last["bundle_id"], last["leaf"], last["size"]) == (None, events[-1]["hash"], len(events))
    assert api.get(f"/api/v2/jobs/{job_id}/events/{len(events) + 1}/proof", status=404)["code"] == "EVENT_NOT_FOUND"
