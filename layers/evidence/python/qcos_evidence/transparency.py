"""A tenant's transparency log: that a bundle was there, since when, and that the log never forgot or changed a thing.

Every signed bundle is an entry of an append-only Merkle tree (RFC 9162). Now and then the log signs a *checkpoint*, its
size and root, with a key of its own. A bundle's *proof* shows it under such a checkpoint; a *consistency* path shows
that one checkpoint's tree is the beginning of another's. Whoever keeps checkpoints finds a log that was rewritten, a
bundle that was dated back, and what a stolen signing key made.

At the log::

    leaf_hashes.append(leaf_hash(entry(bundle)))
    checkpoint = sign_checkpoint(origin(issuer, tenant), len(leaf_hashes), merkle.root(leaf_hashes), now, signer)
    proof = inclusion_proof(leaf_hashes, index, checkpoint)

Offline, with ``KeySet.from_jwks(...)`` (see also ``verify(..., proof=...)``)::

    checkpoint = check_inclusion(proof, entry(bundle), keys)
    verify_consistency(open_checkpoint(kept, keys), checkpoint, path)

The formats are those of C2SP (https://c2sp.org, repository C2SP/C2SP at commit
5ba5ee830903e91240fc6f9f3a7a9293d49e69c9 of 2026-07-22): signed-note v1.0.0, tlog-checkpoint v1.0.0, tlog-cosignature
v1.1.0-rc.1 and tlog-proof@v1. A checkpoint is signed with ML-DSA-44 as signature type 0x06. The signature line holds,
behind the four-byte key id, ``timestamp (u64) || signature (2420 bytes)``; what is signed is::

    "subtree/v1\\n\\0"                 12 bytes
    cosigner's name                   one length byte, then the bytes: the log's origin
    timestamp                         u64, seconds since 1970
    log's origin                      one length byte, then the bytes
    start                             u64, 0
    end                               u64, the size of the tree
    root                              32 bytes

all integers big-endian. Lines beyond the three of a checkpoint would not be signed, so none are read or written.

Codes of :class:`~qcos_evidence.errors.NotShown`: ``checkpoint_malformed``, ``proof_malformed`` (not of the format);
``other_log`` (another log than expected), ``log_key_unknown`` (no trusted key of this log signed),
``checkpoint_signature_invalid``, ``checkpoint_time_missing``, ``log_key_revoked``, ``outside_log_key_validity``;
``not_in_log`` (the proof is of another bundle, place or tree); ``log_shrank`` and ``log_rewritten`` (two checkpoints
that are not of one append-only log). A verdict has three more: ``proof_needed`` (a checkpoint alone shows no bundle),
``checkpoint_differs`` (the kept one is of another tree than the proof's), ``checkpoint_in_future``.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from qcos_evidence import merkle, note
from qcos_evidence.bundle import sha3_256
from qcos_evidence.canonical import canonical
from qcos_evidence.encoding import decode_base64
from qcos_evidence.errors import EvidenceError, NotShown, SigningFailed
from qcos_evidence.keys import KeySet
from qcos_evidence.log_key import SIGNATURE_TYPE, LogKey, LogSigner, checked_origin, origin
from qcos_evidence.schema import identifier

__all__ = [
    "SIGNATURE_TYPE",
    "Checkpoint",
    "LogKey",
    "LogSigner",
    "Proof",
    "check_inclusion",
    "consistency",
    "entry",
    "inclusion_proof",
    "leaf_hash",
    "open_checkpoint",
    "origin",
    "read_proof",
    "sign_checkpoint",
    "verify_consistency",
]

_LABEL = b"subtree/v1\n\0"
_HASH_BYTES = hashlib.sha256().digest_size
_TIME_BYTES = 8
_LAST_SECOND = 253402300799  # of the year 9999, the last that a datetime holds
_MAX_SIZE = 2**63 - 1
_MAX_PATH = 63

_PROOF_HEADER = "c2sp.org/tlog-proof@v1"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True)
class Checkpoint:
    """A tree that the log stands for: its first ``size`` entries have this ``root``, and had it at the time ``at``.

    ``key_id`` is the thumbprint of the key that signed, ``text`` the whole note.
    """

    origin: str
    size: int
    root: bytes
    at: datetime
    key_id: str
    text: str


@dataclass(frozen=True)
class Proof:
    """A tlog-proof as it was read, nothing of it judged: the entry's place, the path up, the checkpoint's note."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str


def entry(bundle: Mapping[str, Any]) -> bytes:
    """What the log holds of a signed bundle: the RFC 8785 JSON of its id and its hash.

    ``bundle_hash`` is ``sha3-256:`` of the canonical bytes of the whole bundle, ``signatures`` included: an entry fixes
    which of the many signatures that ML-DSA can make over one content was issued.

    Raises:
        EvidenceError: the bundle has no id, no ``signatures`` or no canonical bytes.
    """
    if not identifier(bundle.get("bundle_id")) or not isinstance(bundle.get("signatures"), Mapping):
        raise EvidenceError("only a signed bundle with an id can be logged")
    return canonical({"bundle_id": bundle["bundle_id"], "bundle_hash": sha3_256(canonical(bundle))})


def leaf_hash(entry: bytes) -> bytes:
    """SHA-256(0x00 || entry), 32 bytes (RFC 9162 section 2.1.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def sign_checkpoint(origin: str, size: int, root: bytes, at: datetime, signer: LogSigner) -> str:
    """The signed note that says: at this time the log ``origin`` had ``size`` entries under ``root``.

    Whoever calls it makes sure that it never says less than, or other than, a checkpoint before.

    Args:
        root: 32 bytes, of the first ``size`` leaf hashes.
        at: with a time zone; signed in whole seconds, rounded down.
    Raises:
        EvidenceError: something is out of its range.
        SigningFailed: what the signer returned does not verify.
    """
    if at.tzinfo is None:
        raise EvidenceError("the time of a checkpoint must have a time zone")
    seconds = int(at.timestamp())
    if not 0 <= size <= _MAX_SIZE or len(root) != _HASH_BYTES or seconds <= 0:
        raise EvidenceError("a checkpoint has a size from 0, a root of 32 bytes and a time after 1970")
    if size == 0 and root != merkle.root([]):
        raise EvidenceError("the root of the empty tree is the hash of nothing")
    key = LogKey(origin, signer.public)
    message = _cosigned_message(origin, size, root, seconds)
    signature = signer.sign(message)
    if not isinstance(signature, bytes) or not key.verify(message, signature):
        raise SigningFailed(f"the signature by the log's key {key.key_id} does not verify")
    line = note.NoteSignature(origin, key.note_id, seconds.to_bytes(_TIME_BYTES, "big") + signature).line()
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n\n{line}"


def open_checkpoint(text: str | bytes, keys: KeySet, origin: str | None = None) -> Checkpoint:
    """The checkpoint in a note, once a trusted key of the log it names has signed it.

    Signatures of others (witnesses, keys not in the set) are skipped; one of a trusted key must be good. Of several the
    earliest counts: the tree was there by then.

    Args:
        keys: of which only ``logs`` are asked.
        origin: the only log to accept; by default any log that ``keys`` has a key of.
    Raises:
        NotShown: with the module's codes. Nothing else, whatever the text.
    """
    head = _read_head(text)
    if origin is not None and head.origin != origin:
        raise NotShown("other_log", "the checkpoint is of another log than expected")
    refusals: list[NotShown] = []
    opened: list[Checkpoint] = []
    for signature in head.signatures:
        for key in keys.logs:
            # The line's name and id are its writer's choice: that the key is of this log is asked of the key.
            if key.origin != head.origin or (signature.name, signature.key_id) != (key.origin, key.note_id):
                continue
            seconds = _signed_time(head, key, signature.signature)
            refusal = _refusal(key, seconds)
            if refusal:
                refusals.append(refusal)
            else:
                at = datetime.fromtimestamp(seconds, UTC)
                opened.append(Checkpoint(head.origin, head.size, head.root, at, key.key_id, head.text))
    if opened:
        return min(opened, key=lambda one: one.at)
    raise refusals[0] if refusals else NotShown("log_key_unknown", "no trusted key of this log signed the checkpoint")


def inclusion_proof(leaf_hashes: Sequence[bytes], index: int, checkpoint: str) -> str:
    """The tlog-proof that leaf ``index`` (from 0) is under a checkpoint.

    Args:
        leaf_hashes: of the log, from its first entry; more than the checkpoint has are not looked at.
        checkpoint: the signed note; its signature is not judged here.
    Raises:
        EvidenceError: the checkpoint is not of these leaves, or has no such leaf.
        NotShown: ``checkpoint_malformed``.
    """
    head = _read_head(checkpoint)
    covered = leaf_hashes[: head.size]
    if len(covered) != head.size or merkle.root(covered) != head.root:
        raise EvidenceError("the checkpoint is not of this log's entries")
    if not 0 <= index < head.size:
        raise EvidenceError("the checkpoint does not cover this entry")
    path = "".join(f"{base64.b64encode(one).decode()}\n" for one in merkle.inclusion_path(index, covered))
    return f"{_PROOF_HEADER}\nindex {index}\n{path}\n{checkpoint}"


def read_proof(text: str | bytes) -> Proof:
    """What a tlog-proof holds. Its ``extra`` line, which nobody signed, is dropped.

    Raises:
        NotShown: ``proof_malformed``.
    """
    proof = _unicode(text, "proof_malformed")
    if len(proof) > note.MAX_CHARACTERS:
        raise _bad_proof()
    head, separator, checkpoint = proof.partition("\n\n")
    header, *lines = head.split("\n")
    if lines and lines[0].startswith("extra "):
        if not decode_base64(lines[0].removeprefix("extra "), None):
            raise _bad_proof()
        del lines[0]
    if not separator or header != _PROOF_HEADER or not lines or not lines[0].startswith("index "):
        raise _bad_proof()
    index = _number(lines[0].removeprefix("index "))
    path = [decode_base64(line, _HASH_BYTES) for line in lines[1 : _MAX_PATH + 1]]
    found = tuple(one for one in path if one is not None)
    if index is None or len(found) != len(lines) - 1:
        raise _bad_proof()
    return Proof(index, found, checkpoint)


def check_inclusion(proof: str | bytes, entry: bytes, keys: KeySet, origin: str | None = None) -> Checkpoint:
    """The checkpoint that a tlog-proof shows ``entry`` to be under.

    Raises:
        NotShown: as :func:`read_proof` and :func:`open_checkpoint`; and ``not_in_log``.
    """
    read = read_proof(proof)
    checkpoint = open_checkpoint(read.checkpoint, keys, origin)
    if not merkle.verify_inclusion(leaf_hash(entry), read.index, checkpoint.size, read.path, checkpoint.root):
        raise NotShown("not_in_log", "the proof does not show this bundle to be in the log")
    return checkpoint


def consistency(leaf_hashes: Sequence[bytes], old_size: int) -> list[bytes]:
    """The RFC 9162 path from the tree of the first ``old_size`` leaves to the tree of all of ``leaf_hashes``.

    Raises:
        IndexError: there are not so many leaves.
    """
    return merkle.consistency_path(old_size, leaf_hashes)


def verify_consistency(old: Checkpoint, new: Checkpoint, path: Sequence[bytes]) -> None:
    """Return if the tree of ``new`` is the one of ``old`` with entries appended, or none.

    Raises:
        NotShown: ``other_log``; ``log_shrank``: ``new`` is smaller; ``log_rewritten``: the path does not show it. Two
            checkpoints of one size with two roots are proof that the log's key signed two histories.
    """
    if old.origin != new.origin:
        raise NotShown("other_log", "the two checkpoints are of two logs")
    if new.size < old.size:
        raise NotShown("log_shrank", "the new checkpoint has fewer entries than the old one")
    if not merkle.verify_consistency(old.size, old.root, new.size, new.root, path):
        raise NotShown("log_rewritten", "it is not shown that the old checkpoint's entries are the new one's first")


@dataclass(frozen=True)
class _Head:
    origin: str
    size: int
    root: bytes
    signatures: list[note.NoteSignature]
    text: str


def _read_head(text: str | bytes) -> _Head:
    document = _unicode(text, "checkpoint_malformed")
    body, signatures = note.read(document)
    lines = body.split("\n")[:-1]
    size = _number(lines[1]) if len(lines) == 3 else None
    root = decode_base64(lines[2], _HASH_BYTES) if size is not None else None
    if size is None or root is None or (size == 0 and root != merkle.root([])):
        raise _bad_checkpoint()
    try:
        return _Head(checked_origin(lines[0]), size, root, signatures, document)
    except EvidenceError:
        raise _bad_checkpoint() from None


def _cosigned_message(origin: str, size: int, root: bytes, seconds: int) -> bytes:
    name = len(origin).to_bytes(1, "big") + origin.encode("ascii")
    tree = (0).to_bytes(8, "big") + size.to_bytes(8, "big") + root
    return _LABEL + name + seconds.to_bytes(_TIME_BYTES, "big") + name + tree


def _signed_time(head: _Head, key: LogKey, signature: bytes) -> int:
    """The seconds since 1970 that a good signature states."""
    seconds = int.from_bytes(signature[:_TIME_BYTES], "big")
    message = _cosigned_message(head.origin, head.size, head.root, seconds) if len(signature) > _TIME_BYTES else b""
    if not key.verify(message, signature[_TIME_BYTES:]):
        raise NotShown("checkpoint_signature_invalid", "the log's key did not sign this checkpoint")
    return seconds


def _refusal(key: LogKey, seconds: int) -> NotShown | None:
    """Why a good signature is not believed."""
    if key.status == "revoked":
        return NotShown("log_key_revoked", "the log's key was revoked; nothing it signed is believed")
    if not 0 < seconds <= _LAST_SECOND:
        return NotShown("checkpoint_time_missing", "the checkpoint's signature states no time")
    if not key.covers(datetime.fromtimestamp(seconds, UTC)):
        return NotShown("outside_log_key_validity", "the log's key was not valid when the checkpoint was signed")
    return None


def _number(text: str) -> int | None:
    number = int(text) if _NUMBER.fullmatch(text) else None
    return number if number is not None and number <= _MAX_SIZE else None


def _unicode(text: str | bytes, code: str) -> str:
    try:
        return text if isinstance(text, str) else text.decode("utf-8")
    except UnicodeDecodeError:
        raise NotShown(code, f"the {code.removesuffix('_malformed')} is not text in UTF-8") from None


def _bad_checkpoint() -> NotShown:
    return NotShown("checkpoint_malformed", "a checkpoint is the log's name, its size and its root, one line each")


def _bad_proof() -> NotShown:
    return NotShown("proof_malformed", f"the proof is not of the form {_PROOF_HEADER}, byte for byte")
