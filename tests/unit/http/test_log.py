"""The transparency log over HTTP: what a stranger needs to hold the service to its own history."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

import qcos_evidence
from qcos_evidence import NotShown, merkle, tiles, transparency
from tests.unit.http.conftest import Answer, Api
from tests.unit.http.fakes import TENANT
from tests.unit.http.test_whole import factories
from tests.unit.service.world import World

LOG = "qcos.test/tenants/acme"


class Logged:
    """The whole API over a tenant who has signed a few bundles."""

    def __init__(self) -> None:
        self.world = World()
        self.api = Api(factories(self.world))
        self.bundles: list[str] = []

    def get(self, path: str, **query: str) -> Answer:
        return self.api("GET", path, query=query)

    def bytes(self, path: str) -> bytes:
        answer = self.get(path)
        assert (answer.status, answer.headers["content-type"]) == (200, "application/octet-stream"), answer.text
        return base64.b64decode(answer.text)

    def sign(self, **changes: Any) -> str:
        self.bundles.append(self.world.signed(**changes))
        return self.bundles[-1]

    def keys(self) -> qcos_evidence.KeySet:
        return qcos_evidence.KeySet.from_jwks(self.get("/.well-known/jwks.json").body)

    def bundle(self, bundle_id: str) -> bytes:
        return json.dumps(self.get(f"/api/v2/evidence/{bundle_id}").data).encode()

    def verdict(self, bundle_id: str, proof: str | None) -> qcos_evidence.Verdict:
        return qcos_evidence.verify(self.bundle(bundle_id), self.keys(), now=self.world.clock(), proof=proof)


@pytest.fixture
def logged() -> Logged:
    return Logged()


def test_a_bundle_and_its_proof_convince_offline(logged: Logged) -> None:
    bundle_id = logged.sign()
    answer = logged.get(f"/api/v2/evidence/{bundle_id}/proof")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert logged.verdict(bundle_id, answer.text).transparency == "valid"
    assert logged.verdict(bundle_id, None).transparency == "not_checked"
    # Another's proof is none, and neither is one under another key.
    other = logged.sign()
    verdict = logged.verdict(other, answer.text)
    assert (verdict.valid, verdict.transparency) == (False, "invalid")
    assert logged.verdict(other, logged.get(f"/api/v2/evidence/{other}/proof").text).valid


def test_a_proof_stays_the_same_however_the_log_grows(logged: Logged) -> None:
    first, path = logged.sign(), "/api/v2/evidence/{}/proof"
    answer = logged.get(path.format(first))
    for _ in range(3):
        logged.get(path.format(logged.sign()))
    again = logged.get(path.format(first))
    assert (again.text, again.headers["etag"]) == (answer.text, answer.headers["etag"])
    headers = {"If-None-Match": answer.headers["etag"]}
    assert logged.api("GET", path.format(first), headers=headers).status == 304
    assert transparency.read_proof(answer.text).index == 0


def test_a_bundle_that_was_just_signed_is_not_logged_yet_and_then_is(logged: Logged) -> None:
    bundle_id = logged.sign(logged=False)
    path = f"/api/v2/evidence/{bundle_id}/proof"
    early = logged.get(path)
    assert (early.status, early.error["code"], early.error["retryable"]) == (409, "NOT_LOGGED", True)
    assert early.headers["retry-after"] == "1"
    logged.world.relay(logged.world.story(logged.world.events.read(TENANT, job_of(logged, bundle_id))[0].stream_id))
    assert logged.get(path).status == 200


def job_of(logged: Logged, bundle_id: str) -> str:
    return str(json.loads(logged.bundle(bundle_id))["job_id"])


def test_a_bundle_that_is_not_there_has_no_proof(logged: Logged) -> None:
    for bundle_id in ("ev_" + "0" * 32, "ev_", "..", "job_1"):
        answer = logged.get(f"/api/v2/evidence/{bundle_id}/proof")
        assert (answer.status, answer.error["code"]) == (404, "BUNDLE_NOT_FOUND")


def test_a_checkpoint_covers_all_there_is_and_is_kept_for_ever(logged: Logged) -> None:
    empty = logged.get("/api/v2/log/checkpoint")
    assert (empty.status, empty.error["code"]) == (404, "CHECKPOINT_NOT_FOUND")
    assert logged.get("/api/v2/log/checkpoint/1").error["code"] == "CHECKPOINT_NOT_FOUND"
    kept = []
    for size in (1, 2, 3):
        logged.sign()
        answer = logged.get("/api/v2/log/checkpoint")
        opened = transparency.open_checkpoint(answer.text, logged.keys(), LOG)
        assert (opened.size, opened.at) == (size, logged.world.clock())
        assert logged.get("/api/v2/log/checkpoint").text == answer.text
        kept.append(answer.text)
        logged.world.clock.forward(minutes=5)
    for size, text in enumerate(kept, 1):
        answer = logged.get(f"/api/v2/log/checkpoint/{size}")
        assert (answer.text, answer.headers["cache-control"]) == (text, "private, max-age=31536000, immutable")
    for size in ("0", "-1", "x", "1.0", "9" * 20):
        assert logged.get(f"/api/v2/log/checkpoint/{size}").error["code"] == "VALIDATION_ERROR"
    assert logged.get("/api/v2/log/checkpoint/4").error["code"] == "CHECKPOINT_NOT_FOUND"


def test_checkpoints_are_consistent_and_a_rewritten_log_is_not(logged: Logged) -> None:
    opened = []
    for _ in range(5):
        logged.sign()
        text = logged.get("/api/v2/log/checkpoint").text
        opened.append(transparency.open_checkpoint(text, logged.keys(), LOG))
    for old in opened:
        for new in opened[old.size - 1 :]:
            data = logged.get("/api/v2/log/consistency", **{"from": str(old.size), "to": str(new.size)}).data
            assert (data["from"], data["to"]) == (old.size, new.size)
            path = [bytes.fromhex(one.removeprefix("sha256:")) for one in data["path"]]
            transparency.verify_consistency(old, new, path)
            if path:
                with pytest.raises(NotShown):
                    transparency.verify_consistency(old, new, path[1:])
    for old, new in ((1, 6), (6, 6), (6, 7)):
        answer = logged.get("/api/v2/log/consistency", **{"from": str(old), "to": str(new)})
        assert (answer.status, answer.error["code"]) == (404, "CHECKPOINT_NOT_FOUND")
    for query in ({"from": "1"}, {"to": "1"}, {"from": "0", "to": "1"}, {"from": "1", "to": "2", "x": "1"}):
        assert logged.get("/api/v2/log/consistency", **query).error["code"] == "VALIDATION_ERROR"
    for sizes in ({"from": "3", "to": "2"}, {"from": "7", "to": "6"}):
        answer = logged.get("/api/v2/log/consistency", **sizes)
        assert (answer.status, answer.error["code"]) == (400, "VALIDATION_ERROR"), "whatever the log holds"
        assert answer.error["details"] == [{"field": "to", "message": "must be at least from", "rule": "order"}]


def test_every_proof_can_be_made_from_the_tiles(logged: Logged) -> None:
    # Entries as they are logged, without the jobs that they are of: it takes 256 to fill a tile.
    entries = [json.dumps({"bundle_id": f"ev_{number}"}).encode() for number in range(300)]
    for number, entry in enumerate(entries):
        logged.world.transparency_log.append(TENANT, f"ev_{number}", entry)
    checkpoint = transparency.open_checkpoint(logged.get("/api/v2/log/checkpoint").text, logged.keys())
    found = [
        entry
        for path in (tiles.entries_path(0), tiles.entries_path(1, 44))
        for entry in tiles.read_entry_bundle(logged.bytes(f"/api/v2/log/{path}"))
    ]
    assert found == entries
    leaves = [transparency.leaf_hash(entry) for entry in entries]
    assert merkle.root(leaves) == checkpoint.root
    hashes = logged.bytes("/api/v2/log/tile/0/000") + logged.bytes("/api/v2/log/tile/0/001.p/44")
    assert hashes == b"".join(leaves)
    assert logged.bytes("/api/v2/log/tile/1/000.p/1") == merkle.root(leaves[:256])
    answer = logged.get("/api/v2/log/tile/0/001.p/44")
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert (
        logged.api("GET", "/api/v2/log/tile/0/001.p/44", headers={"If-None-Match": answer.headers["etag"]}).status
        == 304
    )


def test_what_is_no_tile_of_this_log_is_not_found(logged: Logged) -> None:
    for _ in range(3):
        logged.sign()
    for path in (
        *("0/001", "0/000.p/4", "0/000", "1/000.p/1", "0/000.p/256", "0/000.p/0", "0/0", "entries/000.p/4", "64/000"),
        *("63/000", "x", "", "0/x999/x999/x999/x999/x999/999", "-1/000", "0/000/", "0//000.p/1", "00/000.p/1"),
        "../checkpoint",
    ):
        answer = logged.get(f"/api/v2/log/tile/{path}")
        assert (answer.status, answer.error["code"]) == (404, "NOT_FOUND"), path


def test_tenants_see_their_own_log(logged: Logged) -> None:
    bundle_id = logged.sign()
    for path in (f"/api/v2/evidence/{bundle_id}/proof", "/api/v2/log/checkpoint", "/api/v2/log/checkpoint/1",
                 "/api/v2/log/tile/0/000.p/1", "/api/v2/log/tile/entries/000.p/1"):  # fmt: skip
        assert logged.get(path).status == 200
        assert logged.api("GET", path, tenant="other").status == 404
    query = {"from": "1", "to": "1"}
    assert logged.api("GET", "/api/v2/log/consistency", query=query, tenant="other").status == 404
