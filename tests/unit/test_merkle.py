"""The tree over a job's log against the vectors of RFC 9162 and against the tree that verifiers have."""

from __future__ import annotations

import hashlib
import json

import pytest

from qcos.merkle import inclusion
from qcos_evidence.merkle import inclusion_path, root
from tests.unit.evidence.samples import VECTORS

CASES = json.loads((VECTORS / "merkle_rfc9162.json").read_text())["cases"]


def leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(b"\x00" + f"e{number}".encode()).digest() for number in range(count)]


def text(digest: bytes) -> str:
    return "sha256:" + digest.hex()


@pytest.mark.parametrize("case", CASES[1:], ids=lambda case: f"{case['n']} leaves")
def test_vector(case: dict[str, object]) -> None:
    assert isinstance(case["n"], int)
    assert isinstance(case["paths"], list)
    hashes = [text(leaf) for leaf in leaves(case["n"])]
    for index, wanted in enumerate(case["paths"]):
        assert inclusion(hashes, index) == ([f"sha256:{one}" for one in wanted], f"sha256:{case['root']}")


@pytest.mark.parametrize("count", [31, 32, 33, 100, 255, 257])
def test_it_is_the_tree_that_verifiers_have(count: int) -> None:
    hashes = leaves(count)
    for index in range(0, count, 7):
        path = [text(one) for one in inclusion_path(index, hashes)]
        assert inclusion([text(one) for one in hashes], index) == (path, text(root(hashes)))


@pytest.mark.parametrize(("count", "index"), [(0, 0), (3, 3), (3, -1)])
def test_no_such_leaf(count: int, index: int) -> None:
    with pytest.raises(IndexError):
        inclusion([text(leaf) for leaf in leaves(count)], index)
