"""Exports that are too long to be answered: stored once, and had by whoever was given the link."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import requests

import qcos_evidence
from qcos.adapters.object_store import S3ObjectStore
from qcos.models import sha3_256
from tests.contract.adapters.backends import Aws
from tests.unit.http.test_evidence import Desk
from tests.unit.service.world import World


def desk_of(place: Aws) -> Desk:
    """The evidence function over one finished job, its objects in S3."""
    world = World()
    world.objects = place.object_store()
    world.compose()
    return Desk(world)


def got(link: str) -> requests.Response:
    """What the link gives to somebody without credentials."""
    return requests.get(link, timeout=10)


@pytest.mark.parametrize("form", ["cose", "pdf"])
def test_a_long_export_is_had_by_its_link_alone(aws: Aws, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    desk = desk_of(aws)
    short = desk.export(form)
    monkeypatch.setattr("qcos.service.evidence.INLINE_BYTES", 100)
    path = f"/api/v2/evidence/export/{desk.bundle_id}"
    answer = desk("GET", path, query={"format": form})
    link = answer.headers["location"]
    assert (answer.status, answer.data["url"]) == (303, link)
    assert parse_qs(urlsplit(link).query)["X-Amz-Expires"] == ["900"]

    file = got(link)
    assert (file.status_code, file.headers["content-type"]) == (200, answer.data["media_type"])
    assert (len(file.content), sha3_256(file.content)) == (answer.data["size"], answer.data["digest"])
    assert file.content == short
    keys = qcos_evidence.KeySet.from_jwks(desk("GET", "/.well-known/jwks.json").body)
    verdict = qcos_evidence.verify(file.content, keys, now=desk.world.clock())
    assert (verdict.valid, verdict.form, verdict.bundle_id) == (True, form, desk.bundle_id)

    # The link is to what was stored then, and a new one for who asks again is to the same.
    key = f"exports/{desk.bundle_id}.{form}"
    assert isinstance(desk.world.objects, S3ObjectStore)
    assert desk.world.objects.get(key) == file.content
    monkeypatch.setattr(desk.world.desk.library, "write", None)
    assert got(desk("GET", path, query={"format": form}).data["url"]).content == file.content


@pytest.mark.parametrize("place", ["moto"], indirect=True)  # ministack asks nobody for a signature
def test_without_its_signature_the_link_gives_nothing(place: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_of(place)
    monkeypatch.setattr("qcos.service.evidence.INLINE_BYTES", 100)
    answer = desk("GET", f"/api/v2/evidence/export/{desk.bundle_id}", query={"format": "cose"})
    assert got(answer.data["url"]).status_code == 200
    assert got(answer.data["url"].partition("?")[0]).status_code == 403
