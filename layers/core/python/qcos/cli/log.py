"""The transparency log offline: a bundle's proof, and two checkpoints held against each other."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qcos.cli.files import not_installed, read, shown, unusable

if TYPE_CHECKING:
    from qcos_evidence import KeySet
    from qcos_evidence.transparency import Checkpoint

PROOF = b"c2sp.org/tlog-proof@"


def trusted_keys(name: str) -> KeySet:
    """The keys in a file.

    Raises:
        Stop: it is no JWK set.
    """
    import qcos_evidence

    try:
        return qcos_evidence.KeySet.from_jwks(qcos_evidence.parse(read(name)))
    except qcos_evidence.EvidenceError as problem:
        raise unusable(f"{shown(name)}: {problem}") from None


def proof_and_checkpoint(names: Sequence[str]) -> tuple[bytes | None, bytes | None]:
    """The tlog-proof and the checkpoint among the files given with ``--checkpoint``, at most one of each.

    Raises:
        Stop: two of a kind, or a file that cannot be read.
    """
    given: dict[str, bytes] = {}
    for name in names:
        document = read(name)
        kind = "proof" if document.startswith(PROOF) else "checkpoint"
        if kind in given:
            raise unusable(f"{shown(name)}: is a second {kind}; --checkpoint takes one proof and one checkpoint")
        given[kind] = document
    return given.get("proof"), given.get("checkpoint")


def check(arguments: argparse.Namespace) -> int:
    """Hold two checkpoints of a log against each other; exit status 1 unless the newer continues the older."""
    try:
        from qcos_evidence import NotShown, transparency
    except ModuleNotFoundError as missing:
        raise not_installed(missing, "evidence") from None
    keys = trusted_keys(arguments.keys)
    if not keys.logs:
        raise unusable(f"{shown(arguments.keys)}: holds no key of a log")
    names = (arguments.old, arguments.new)
    try:
        opened = [_opened(name, keys) for name in names]
    except _NotTrusted as refused:
        print(f"NOT CONSISTENT\n  {refused}")
        return 1
    old, new = opened
    if old.size > new.size and old.at > new.at:
        raise unusable("the older checkpoint comes first")
    for name, one in zip(names, opened, strict=True):
        print(f"{shown(name)}: {one.origin}, {one.size} entries, signed {one.at:%Y-%m-%dT%H:%M:%SZ}")
    path = _path(arguments.proof, old, new) if old.origin == new.origin and old.size < new.size else []
    try:
        transparency.verify_consistency(old, new, path)
    except NotShown as refused:
        print(f"NOT CONSISTENT\n  {refused.code}: {refused.message}")
        return 1
    print(f"CONSISTENT: every entry of the older is in the newer, and {new.size - old.size} more")
    return 0


class _NotTrusted(Exception):
    """A checkpoint that no trusted key vouches for."""


def _opened(name: str, keys: KeySet) -> Checkpoint:
    """The checkpoint in a file, or in the proof there."""
    from qcos_evidence import NotShown, transparency

    document: bytes | str = read(name)
    try:
        if isinstance(document, bytes) and document.startswith(PROOF):
            document = transparency.read_proof(document).checkpoint
        return transparency.open_checkpoint(document, keys)
    except NotShown as refused:
        if refused.code in ("checkpoint_malformed", "proof_malformed"):
            raise unusable(f"{shown(name)}: {refused} ({refused.code})") from None
        raise _NotTrusted(f"{refused.code}: {shown(name)}: {refused.message}") from None


def _path(name: str | None, old: Checkpoint, new: Checkpoint) -> list[bytes]:
    """The hashes in the API's answer about these two sizes."""
    from qcos_evidence import Malformed, parse
    from qcos_evidence.schema import sha256_bytes

    ask = f"GET /api/v2/log/consistency?from={old.size}&to={new.size}"
    if name is None:
        raise unusable(f"the two differ in size: give the answer of {ask} as well")
    try:
        document = parse(read(name))
    except Malformed as problem:
        raise unusable(f"{shown(name)}: {problem} ({problem.code})") from None
    data: Any = document["data"] if isinstance(document.get("data"), dict) else document
    path = data.get("path")
    hashes = [sha256_bytes(one) for one in path] if isinstance(path, list) else [None]
    found = [one for one in hashes if one is not None]
    if len(found) != len(hashes) or (data.get("from", old.size), data.get("to", new.size)) != (old.size, new.size):
        raise unusable(f"{shown(name)}: is not the answer of {ask}")
    return found
