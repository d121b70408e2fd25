"""Evidence files through the gateway: bytes stay bytes, and a stranger with the keys believes them offline."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import qcos_evidence
from qcos import cli
from qcos_evidence import merkle, transparency
from tests.e2e.conftest import Api, circuit

Run = Callable[..., str]


@pytest.fixture
def run(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in a folder of its own, with the cloud's address and key; what it prints once it succeeds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QCOS_URL", api.cloud.ready["api_url"])
    monkeypatch.setenv("QCOS_API_KEY", api.cloud.ready["api_key"])

    def command(*arguments: str) -> str:
        status = cli.main(arguments)
        shown = capsys.readouterr()
        assert status == 0, shown.out + shown.err
        return shown.out

    return command


def test_files_of_every_form_leave_the_gateway_whole(api: Api, run: Run) -> None:
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
        unchanged = {"If-None-Match": f'"other", W/{answer.headers["etag"]}'} | headers
        again = api.http.get(f"/api/v2/evidence/export/{bundle_id}", params={"format": form}, headers=unchanged)
        assert (again.status_code, again.content) == (304, b"")
        asked = {"bundle": base64.b64encode(answer.content).decode(), "expected_job_id": job_id}
        online = api.http.post("/api/v2/evidence/verify", json=asked).json()["data"]
        assert (online["valid"], online["page"]) == (True, "matches" if form == "pdf" else None)
    assert len(hashes) == 1
    told = [
        event for event in api.get(f"/api/v2/jobs/{job_id}/events")["events"] if event["type"] == "EvidenceExported"
    ]
    assert [event["data"]["format"] for event in told] == ["json", "cbor", "cose", "pdf"]

    # The log: what `qcos` saves convinces `qcos verify`, with nothing else.
    run("evidence", bundle_id, "-o", "bundle.json")
    run("proof", bundle_id, "-o", "bundle.tlog-proof")
    run("log", "checkpoint", "-o", "latest.checkpoint")
    Path("jwks.json").write_bytes(api.http.get("/.well-known/jwks.json").content)
    verdict = run("verify", "bundle.json", "--keys", "jwks.json", "--checkpoint", "bundle.tlog-proof", "--json")
    told = json.loads(verdict)
    assert (told["valid"], told["transparency"]) == (True, "valid")
    keys = qcos_evidence.KeySet.from_jwks(json.loads(Path("jwks.json").read_bytes()))
    issuer = json.loads(Path("bundle.json").read_bytes())["issuer"]
    log = transparency.origin(issuer, api.cloud.tenant.tenant)
    latest = transparency.open_checkpoint(Path("latest.checkpoint").read_text(), keys, log)
    proof = transparency.read_proof(Path("bundle.tlog-proof").read_text())
    covering = transparency.open_checkpoint(proof.checkpoint, keys, log)
    run("log", "consistency", str(covering.size), str(latest.size), "-o", "consistency.json")
    run("log", "check", "bundle.tlog-proof", "latest.checkpoint", "consistency.json", "--keys", "jwks.json")
    # The emulator keeps the lock of the template's bucket as S3 does.
    s3, bucket = api.cloud.deployer().client("s3"), api.cloud.outputs["Checkpoints"]
    (version, *_) = s3.list_object_versions(Bucket=bucket)["Versions"]
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


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
