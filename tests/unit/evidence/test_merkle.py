"""The tree of RFC 9162 against vectors and against its own recursive definition."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcos_evidence.merkle import consistency_path, inclusion_path, root, verify_consistency, verify_inclusion
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


def defined_consistency(old_size: int, hashes: list[bytes], *, known: bool = True) -> list[bytes]:
    """RFC 9162 section 2.1.4.1, word for word (SUBPROOF)."""
    if old_size == len(hashes):
        return [] if known else [defined_root(hashes)]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    if old_size <= split:
        return [*defined_consistency(old_size, hashes[:split], known=known), defined_root(hashes[split:])]
    return [*defined_consistency(old_size - split, hashes[split:], known=False), defined_root(hashes[:split])]


ROOTS = [root(leaves(size)) for size in range(72)]


def test_every_consistency_path_is_the_recursive_definition() -> None:
    for size in range(1, 34):
        hashes = leaves(size)
        for old_size in range(1, size + 1):
            assert consistency_path(old_size, hashes) == defined_consistency(old_size, hashes), (old_size, size)


def test_every_consistency_path_shows_one_tree_to_begin_another() -> None:
    """For all pairs up to 70 leaves; and with a wrong size, root, hash or number of hashes it shows nothing."""
    for size in range(1, 71):
        hashes = leaves(size)
        for old_size in range(1, size + 1):
            path, old, new = consistency_path(old_size, hashes), ROOTS[old_size], ROOTS[size]
            assert verify_consistency(old_size, old, size, new, path), (old_size, size)
            assert not verify_consistency(old_size, old, size, bytes(32), path)
            assert not verify_consistency(old_size, bytes(32), size, new, path)
            assert not verify_consistency(old_size, old, size, new, [*path, bytes(32)])
            assert old_size == size or not verify_consistency(size, new, old_size, old, path)
            if path:
                assert not verify_consistency(old_size, old, size, new, path[:-1])
                place = (7 * size + old_size) % len(path)
                wrong = [bytes(32) if at == place else one for at, one in enumerate(path)]
                assert not verify_consistency(old_size, old, size, new, wrong)
                assert not verify_consistency(old_size + 1, ROOTS[old_size + 1], size, new, path)


def test_a_consistency_path_ties_the_roots_of_the_vectors() -> None:
    roots = {case["n"]: bytes.fromhex(case["root"]) for case in CASES}
    for size, old_size in ((new, old) for new in roots for old in range(new + 1)):
        assert verify_consistency(
            old_size, roots[old_size], size, roots[size], consistency_path(old_size, leaves(size))
        )


@pytest.mark.parametrize(("old_size", "size"), [(1, 2), (2, 4), (4, 8), (3, 4), (4, 5), (7, 8), (8, 9), (6, 9)])
def test_a_forked_tree_is_not_a_continuation(old_size: int, size: int) -> None:
    """The best that the owner of a rewritten log can offer: the honest path of the new tree."""
    forked = [*leaves(size)]
    forked[old_size - 1] = bytes(32)
    assert not verify_consistency(old_size, ROOTS[old_size], size, root(forked), consistency_path(old_size, forked))
    assert verify_consistency(old_size, root(forked[:old_size]), size, root(forked), consistency_path(old_size, forked))


def test_consistency_of_the_empty_tree_and_of_none() -> None:
    empty = hashlib.sha256().digest()
    assert verify_consistency(0, empty, 5, ROOTS[5], [])
    assert not verify_consistency(0, ROOTS[5], 5, ROOTS[5], [])
    assert not verify_consistency(0, empty, 0, ROOTS[5], [])
    assert not verify_consistency(-1, empty, 5, ROOTS[5], [])
    assert not verify_consistency(3, ROOTS[3], 5, ROOTS[5], [])
    for old_size in (-1, 4):
        with pytest.raises(IndexError):
            consistency_path(old_size, leaves(3))


@pytest.mark.parametrize(("old_size", "size", "claimed"), [(1, 2, 3), (1, 2, 4), (2, 4, 5), (3, 4, 5), (4, 8, 16)])
def test_a_consistency_path_has_the_length_its_tree_demands(old_size: int, size: int, claimed: int) -> None:
    """The hashes alone agree here: only the claimed size tells that the path is too short."""
    path = consistency_path(old_size, leaves(size))
    assert verify_consistency(old_size, ROOTS[old_size], size, ROOTS[size], path)
    assert not verify_consistency(old_size, ROOTS[old_size], claimed, ROOTS[size], path)
