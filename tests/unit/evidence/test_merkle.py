"""The tree of RFC 9162 against vectors and against its own recursive definition."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcos_evidence.merkle import inclusion_path, root, verify_inclusion
from tests.unit.evidence.samples import VECTORS

CASES = json.loads((VECTORS / "merkle_rfc9162.json").read_text())["cases"]


def leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(b"\x00" + f"e{number}".encode()).digest() for number in range(count)]


def defined_root(hashes: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.1, word for word."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    return hashlib.sha256(b"\x01" + defined_root(hashes[:split]) + defined_root(hashes[split:])).digest()


def test_the_vectors_are_there() -> None:
    assert [case["n"] for case in CASES] == list(range(18))
    assert sum(len(case["paths"]) for case in CASES) == 17 * 18 // 2


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['n']} leaves")
def test_vector(case: dict[str, object]) -> None:
    assert isinstance(case["n"], int)
    assert isinstance(case["paths"], list)
    hashes = leaves(case["n"])
    head = root(hashes)
    assert head.hex() == case["root"]
    for index, wanted in enumerate(case["paths"]):
        path = inclusion_path(index, hashes)
        assert [one.hex() for one in path] == wanted
        assert verify_inclusion(hashes[index], index, len(hashes), path, head)


@pytest.mark.parametrize("count", [0, 1, 2, 31, 32, 33, 255, 256, 257, 1000])
def test_root_is_the_recursive_definition(count: int) -> None:
    assert root(leaves(count)) == defined_root(leaves(count))


@settings(max_examples=80, deadline=None, database=None)
@given(data=st.data(), size=st.integers(1, 70))
def test_a_proof_shows_one_leaf_in_one_place_of_one_tree(data: st.DataObject, size: int) -> None:
    hashes = leaves(size)
    index = data.draw(st.integers(0, size - 1))
    path, head = inclusion_path(index, hashes), root(hashes)
    assert verify_inclusion(hashes[index], index, size, path, head)

    other = data.draw(st.integers(0, size + 3).filter(lambda one: one != index))
    assert not verify_inclusion(hashes[index], other, size, path, head)
    assert not verify_inclusion(leaves(size + 1)[index + 1], index, size, path, head)
    assert not verify_inclusion(hashes[index], index, size, [*path, bytes(32)], head)
    assert not verify_inclusion(hashes[index], index, size, path, bytes(32))
    if path:
        assert not verify_inclusion(hashes[index], index, size, path[:-1], head)
        changed = data.draw(st.integers(0, len(path) - 1))
        wrong = [bytes(32) if place == changed else one for place, one in enumerate(path)]
        assert not verify_inclusion(hashes[index], index, size, wrong, head)


def test_a_path_has_the_length_its_tree_demands() -> None:
    """The hashes alone agree here: only the claimed size tells that the path is too long, or too short."""
    first, second = leaves(2)
    head = root([first, second])
    assert verify_inclusion(second, 1, 2, [first], head)
    assert not verify_inclusion(second, 0, 1, [first], head)
    assert verify_inclusion(first, 0, 2, [second], head)
    assert not verify_inclusion(first, 0, 3, [second], head)
    assert not verify_inclusion(first, 0, 4, [second], head)


def test_no_such_leaf() -> None:
    for index in (-1, 3):
        with pytest.raises(IndexError):
            inclusion_path(index, leaves(3))
        assert not verify_inclusion(leaves(3)[0], index, 3, [], root(leaves(3)))
    assert not verify_inclusion(leaves(1)[0], 0, 0, [], root([]))
