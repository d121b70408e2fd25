"""qcos verify: its exit statuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run
from tests.unit.evidence.samples import KEYS, OURS, SIGNED


@pytest.mark.parametrize(
    ("bundle", "keys", "status"),
    [
        ("bundle", "jwks", 0),
        ("altered", "jwks", 1),
        ("strangers", "jwks", 1),
        ("answer", "jwks", 2),
        ("garbage", "jwks", 2),
        ("twice", "jwks", 2),
        ("list", "jwks", 2),
        ("missing", "jwks", 2),
        ("bundle", "missing", 2),
        ("bundle", "none", 2),
        ("bundle", "list", 2),
        ("bundle", "garbage", 2),
        ("bundle", "private", 2),
        ("bundle", "bundle", 2),
    ],
)
def test_verify(run: Run, files: Path, bundle: str, keys: str, status: int) -> None:
    code, out, err = run("verify", str(files / f"{bundle}.json"), "--keys", str(files / f"{keys}.json"))
    assert code == status, err
    if status == 2:
        guilty = keys if bundle == "bundle" else bundle
        assert (out, err.count("\n")) == ("", 1)
        assert f"{guilty}.json: " in err
    else:
        assert err == ""
        assert ("verdict    VALID" in out) is (status == 0)
        assert ("verdict    NOT VALID" in out) is (status == 1)


def test_ours_is_the_key_that_signed() -> None:
    assert KEYS.get(SIGNED["signatures"]["key_id"]).public == OURS.public  # type: ignore[union-attr]
