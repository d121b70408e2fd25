"""Whether a log held a bundle, and by when: the part of a verdict that takes a proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from qcos_evidence import transparency
from qcos_evidence.errors import EvidenceError, NotShown
from qcos_evidence.keys import KeySet
from qcos_evidence.schema import CLOCK_SKEW, Reason
from qcos_evidence.timestamp import format_seconds

Transparency = Literal["valid", "invalid", "not_checked"]


@dataclass(frozen=True)
class Logged:
    """Where a bundle is: entry ``index`` (from 0) of the log ``origin``, which had ``size`` entries at ``at`` (UTC)."""

    origin: str
    index: int
    size: int
    at: str


@dataclass(frozen=True)
class Finding:
    """What a proof came to; ``logged`` and ``at`` only if it is ``valid``."""

    outcome: Transparency
    logged: Logged | None = None
    at: datetime | None = None
    reasons: tuple[Reason, ...] = ()


def find(
    bundle: Mapping[str, Any],
    keys: KeySet,
    now: datetime,
    proof: bytes | str | None,
    checkpoint: bytes | str | None,
) -> Finding:
    """Hold a tlog-proof against a bundle, and a checkpoint that was kept elsewhere against the proof's own.

    A kept checkpoint must be of the same tree. Of the two the earlier says by when the bundle was there.
    """
    if proof is None and checkpoint is None:
        return Finding("not_checked")
    try:
        kept = None if checkpoint is None else transparency.open_checkpoint(checkpoint, keys)
        if proof is None:
            raise NotShown("proof_needed", "a checkpoint alone does not show the bundle: give its tlog-proof")
        shown = transparency.check_inclusion(proof, _entry(bundle), keys)
        if kept is not None and (kept.origin, kept.size, kept.root) != (shown.origin, shown.size, shown.root):
            raise NotShown("checkpoint_differs", "the proof is under another checkpoint than the one given")
        at = shown.at if kept is None else min(kept.at, shown.at)
        if at - now > CLOCK_SKEW:
            raise NotShown("checkpoint_in_future", "the checkpoint was signed in the future")
    except NotShown as refused:
        return Finding("invalid", reasons=(Reason("transparency", refused.code, refused.message),))
    index = transparency.read_proof(proof).index
    return Finding("valid", Logged(shown.origin, index, shown.size, format_seconds(at)), at)


def _entry(bundle: Mapping[str, Any]) -> bytes:
    try:
        return transparency.entry(bundle)
    except EvidenceError:
        raise NotShown("not_in_log", "no log can hold this: it is not a signed bundle with an id") from None
