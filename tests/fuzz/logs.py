"""Transparency logs whose proofs are changed, and what is true of them, by RFC 9162's recursive definitions.

The library climbs trees level by level; here they are split as the RFC writes it, so the two have nothing in common.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from qcos_evidence import KeyPair, LogKey, merkle, tiles, transparency
from tests.unit.evidence import test_logged as logged
from tests.unit.evidence import test_transparency as hostile
from tests.unit.evidence.samples import Log

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
KINDS = ("proof", "checkpoint", "consistency", "jwks")
"""What is changed: a tlog-proof, a signed checkpoint, the API's answer about two sizes, a set of keys."""
LONGEST = 70_000

_SIZES = (0, 1, 2, 3, 4, 5, 7, 8, 13)
_ENTRIES = 13
_FIRST = logged.NOW - timedelta(hours=11)  # half an hour after the bundles were created
_DASH = "\u2014 "


@dataclass(frozen=True)
class Signature:
    """A signature line, without its newline: whose it is (``pub`` of the JWK), and when it was made.

    ``believed`` unless the published set says that the key was revoked, or not valid then.
    """

    line: str
    public: str
    at: datetime
    believed: bool = True


@dataclass(frozen=True)
class Tree:
    """The first entries of a log, and what was signed of them."""

    origin: str
    entries: tuple[bytes, ...]
    signatures: tuple[Signature, ...]

    @property
    def head(self) -> tuple[str, str, str]:
        """The three lines that are signed, in their only spelling."""
        return self.origin, str(len(self.entries)), base64.b64encode(root(leaves(self.entries))).decode()

    @property
    def note(self) -> str:
        """The checkpoint, with every signature."""
        return "\n".join((*self.head, "", *(one.line for one in self.signatures), ""))


@dataclass(frozen=True)
class Logs:
    """Documents by kind, the trees that trusted keys signed, the bundles that are in them, and those keys."""

    genuine: Mapping[str, tuple[bytes, ...]]
    hostile: Mapping[str, tuple[bytes, ...]]
    trees: tuple[Tree, ...]
    bundles: tuple[dict[str, Any], ...]
    jwks: bytes


def leaves(entries: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """The leaf hashes of entries."""
    return tuple(hashlib.sha256(b"\x00" + one).digest() for one in entries)


@cache
def root(hashes: tuple[bytes, ...]) -> bytes:
    """MTH of section 2.1.1, over leaf hashes."""
    if len(hashes) < 2:
        return hashes[0] if hashes else hashlib.sha256().digest()
    split = _split(len(hashes))
    return hashlib.sha256(b"\x01" + root(hashes[:split]) + root(hashes[split:])).digest()


def inclusion(index: int, hashes: tuple[bytes, ...]) -> list[bytes]:
    """PATH of section 2.1.3.1."""
    if len(hashes) == 1:
        return []
    split = _split(len(hashes))
    if index < split:
        return [*inclusion(index, hashes[:split]), root(hashes[split:])]
    return [*inclusion(index - split, hashes[split:]), root(hashes[:split])]


def consistency(size: int, hashes: tuple[bytes, ...]) -> list[bytes]:
    """PROOF of section 2.1.4.1; nothing from the empty tree, as from the same tree."""
    return _subproof(size, hashes, True) if size else []


def entry(bundle: Mapping[str, Any]) -> bytes:
    """What a log holds of a bundle, by Python's json and hashlib alone."""

    def plain(document: Mapping[str, Any]) -> bytes:
        return json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    digest = hashlib.sha3_256(plain(bundle)).hexdigest()
    return plain({"bundle_hash": f"sha3-256:{digest}", "bundle_id": bundle["bundle_id"]})


def build() -> Logs:
    """The golden log, and fresh ones: with a second key, with a revoked one, forked, and of another tenant."""
    golden = [json.loads((GOLDEN / f"{name}.json").read_bytes()) for name in ("ml-dsa-65", "ed25519")]
    bundles = (*golden, *logged.LOGGED)
    made_up = [b'{"bundle_id":"ev_%d"}' % number for number in range(_ENTRIES - len(logged.LOGGED))]
    entries = (*map(entry, logged.LOGGED), *made_up)
    ours, theirs, fork = Log(), Log(tenant="mallory"), (*entries[:3], b"{}", *entries[4:])
    second, revoked = (KeyPair.generate("ML-DSA-44") for _ in range(2))
    trees = [
        *_golden_trees(),
        *(_tree(ours.origin, entries[:size], (ours.keypair, _at(size))) for size in _SIZES),
        # Signed again by the key that replaced it, and once more by the first.
        _tree(ours.origin, entries[:12], (ours.keypair, _at(12)), (second, _at(20)), (ours.keypair, _at(30))),
        # Whoever has the key can sign two histories; each is believed for itself, and never as the other's beginning.
        *(_tree(ours.origin, fork[:size], (ours.keypair, _at(size))) for size in (5, 8)),
        *(_tree(theirs.origin, entries[:size], (theirs.keypair, _at(size))) for size in (5, 8)),
    ]
    disbelieved = _tree(ours.origin, entries[:6], (revoked, _at(6)), believed=False)
    keys = [
        *json.loads((GOLDEN / "log.jwks.json").read_bytes())["keys"],
        *logged.TRUSTED.to_jwks()["keys"][:-1],  # but the key of its log, which is not one of these
        *(LogKey(ours.origin, pair.public).to_jwk() for pair in (ours.keypair, second)),
        LogKey(ours.origin, revoked.public, status="revoked").to_jwk(),
        LogKey(theirs.origin, theirs.keypair.public).to_jwk(),
    ]
    known = {entry(one) for one in bundles}
    genuine = {
        "proof": tuple(_proof(tree, index) for tree in trees for index, one in enumerate(tree.entries) if one in known),
        "checkpoint": tuple(tree.note.encode() for tree in trees),
        "consistency": tuple(_answer(old, new) for old in trees for new in trees if continues(old, new)),
        "jwks": ((GOLDEN / "log.jwks.json").read_bytes(), json.dumps({"keys": keys}).encode()),
    }
    deceiving = {
        "proof": (*map(_bytes, hostile.NOT_PROOFS.values()), _proof(disbelieved, 0)),
        "checkpoint": (*map(_bytes, hostile.NOT_CHECKPOINTS.values()), disbelieved.note.encode()),
        "consistency": tuple(_answer(old, new) for old in trees[-4:] for new in trees if not continues(old, new)),
        "jwks": tuple(map(_keys, _strange_keys(keys))),
    }
    short = {kind: tuple(one for one in documents if len(one) <= LONGEST) for kind, documents in deceiving.items()}
    return Logs(genuine, short, (*trees, disbelieved), bundles, genuine["jwks"][1])


def continues(old: Tree, new: Tree) -> bool:
    """Whether one tree is the beginning of another of the same log."""
    return old.origin == new.origin and new.entries[: len(old.entries)] == old.entries


def _split(size: int) -> int:
    """The largest power of two below ``size``."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def _subproof(size: int, hashes: tuple[bytes, ...], whole: bool) -> list[bytes]:
    if size == len(hashes):
        return [] if whole else [root(hashes)]
    split = _split(len(hashes))
    if size <= split:
        return [*_subproof(size, hashes[:split], whole), root(hashes[split:])]
    return [*_subproof(size - split, hashes[split:], False), root(hashes[:split])]


def _at(half_hours: int) -> datetime:
    return _FIRST + timedelta(minutes=30 * half_hours)


def _tree(origin: str, entries: tuple[bytes, ...], *signers: tuple[KeyPair, datetime], believed: bool = True) -> Tree:
    signatures = []
    for keypair, at in signers:
        note = transparency.sign_checkpoint(origin, len(entries), merkle.root(leaves(entries)), at, keypair)
        public = LogKey(origin, keypair.public).to_jwk()["pub"]
        signatures.append(Signature(note.split("\n")[4], public, at, believed))
    return Tree(origin, entries, tuple(signatures))


def _golden_trees() -> list[Tree]:
    entries = tuple(tiles.read_entry_bundle((GOLDEN / "log.entries").read_bytes()))
    (public,) = (one["pub"] for one in json.loads((GOLDEN / "log.jwks.json").read_bytes())["keys"] if "qcos:log" in one)
    found = []
    for size, time in ((5, "2026-11-22T12:00:00Z"), (8, "2026-11-22T12:50:00Z")):
        lines = (GOLDEN / f"log.{size}.checkpoint").read_text(encoding="utf-8").split("\n")
        signature = Signature(lines[4], public, datetime.fromisoformat(time))
        found.append(Tree(lines[0], entries[:size], (signature,)))
    return found


def _proof(tree: Tree, index: int) -> bytes:
    path = [base64.b64encode(one).decode() for one in inclusion(index, leaves(tree.entries))]
    return "\n".join(("c2sp.org/tlog-proof@v1", f"index {index}", *path, "", tree.note)).encode()


def _answer(old: Tree, new: Tree) -> bytes:
    sizes = len(old.entries), len(new.entries)
    path = consistency(sizes[0], leaves(new.entries)) if sizes[0] <= sizes[1] else []
    shown = {"from": sizes[0], "to": sizes[1], "path": [f"sha256:{one.hex()}" for one in path]}
    return json.dumps({"success": True, "data": shown}).encode()


def _strange_keys(keys: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Sets in which a key of one kind is dressed as one of the other, or of another log."""
    logs, others = ([one for one in keys if ("qcos:log" in one) == is_log] for is_log in (True, False))
    return [
        [*logs, *(one | {"qcos:log": logs[0]["qcos:log"]} for one in others)],
        [*others, *({name: one[name] for name in one if name != "qcos:log"} for one in logs)],
        [one | {"qcos:log": logs[-1]["qcos:log"]} for one in logs],
        [one | {"alg": "ML-DSA-65"} for one in logs],
        [one | {"priv": one.get("pub", "")} for one in keys],
        [one | {"status": "revoked", "revoked_at": 1} for one in keys],
        [*keys, keys[-1]],
    ]


def _keys(keys: list[dict[str, Any]]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def _bytes(document: str | bytes) -> bytes:
    return document if isinstance(document, bytes) else document.encode("utf-8", "surrogatepass")
