"""Tiles and entry bundles against the text of C2SP's tlog-tiles."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcos_evidence import EvidenceError
from qcos_evidence.merkle import root
from qcos_evidence.tiles import (
    available,
    entries_path,
    entry_bundle,
    parse_tile_path,
    read_entry_bundle,
    tile,
    tile_path,
)

LEAVES = [hashlib.sha256(b"\x00" + str(number).encode()).digest() for number in range(70_000)]


def test_the_example_of_the_specification() -> None:
    """A tree of 70,000 entries: 273 full and one partial tile of 112, one full and one of 17 above, one of 1 on top."""
    assert [available(70_000, 0, index) for index in (0, 272, 273, 274)] == [256, 256, 112, 0]
    assert [available(70_000, 1, index) for index in (0, 1, 2)] == [256, 17, 0]
    assert [available(70_000, level, 0) for level in (2, 3, 63)] == [1, 0, 0]
    assert [available(256, level, 0) for level in (0, 1)] == [256, 1]
    assert [available(70_000, "entries", index) for index in (0, 273)] == [256, 112]


def test_a_tile_above_holds_the_roots_of_full_tiles_below() -> None:
    assert tile(LEAVES, 0, 3) == b"".join(LEAVES[768:1024])
    assert tile(LEAVES, 0, 273, 112) == b"".join(LEAVES[69888:])
    assert tile(LEAVES, 0, 273, 5) == b"".join(LEAVES[69888:69893])
    above = tile(LEAVES, 1, 1, 17)
    assert len(above) == 17 * 32
    assert above[:32] == root(LEAVES[65536:65792])
    full = tile(LEAVES, 1, 0)
    hashes = [full[place : place + 32] for place in range(0, 256 * 32, 32)]
    assert tile(LEAVES, 2, 0, 1) == root(hashes) == root(LEAVES[:65536])


@pytest.mark.parametrize(
    ("level", "index", "width"),
    [(0, 273, 113), (0, 274, 1), (1, 1, 256), (3, 0, 1), (0, 0, 0), (0, 0, 257), (0, -1, 1), (-1, 0, 1), (64, 0, 1)],
)
def test_no_such_tile(level: int, index: int, width: int) -> None:
    with pytest.raises(IndexError):
        tile(LEAVES, level, index, width)


def test_entry_bundles() -> None:
    assert entry_bundle([b"ab", b"", b"c" * 300]) == b"\0\2ab\0\0\1\x2c" + b"c" * 300
    for entries in ([b"x"], [b"", b"yy"], [bytes(65_535)], [b"z"] * 256):
        assert read_entry_bundle(entry_bundle(entries)) == entries
    for wrong in ([], [b"x"] * 257, [bytes(65_536)]):
        with pytest.raises(EvidenceError):
            entry_bundle(wrong)
    for data in (b"", b"\0", b"\0\2a", b"\0\1ab", b"\0\0" * 257):
        with pytest.raises(EvidenceError):
            read_entry_bundle(data)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("tile/0/x001/x234/067", (0, 1234067, 256)),
        ("tile/0/000", (0, 0, 256)),
        ("tile/1/005.p/17", (1, 5, 17)),
        ("tile/63/x001/000.p/255", (63, 1000, 255)),
        ("tile/entries/x001/x234/067.p/1", ("entries", 1234067, 1)),
    ],
)
def test_paths(path: str, place: Any) -> None:
    assert tile_path(*place) == path
    assert parse_tile_path(path) == place
    if place[0] == "entries":
        assert entries_path(*place[1:]) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "tile/0/0",
        "tile/0/0000",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/0/000.p/",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/\u0660\u0660\u0660",
        "tile/entry/000",
        "tile/0/" + "x001/" * 6 + "000",
    ],
)
def test_no_path(path: str) -> None:
    with pytest.raises(EvidenceError):
        parse_tile_path(path)


@settings(max_examples=60, deadline=None, database=None)
@given(level=st.integers(0, 63) | st.just("entries"), index=st.integers(0, 10**17), width=st.integers(1, 256))
def test_a_path_says_one_tile(level: Any, index: int, width: int) -> None:
    assert parse_tile_path(tile_path(level, index, width)) == (level, index, width)
