"""Signed notes: text with signature lines below it (C2SP signed-note v1.0.0).

Read strictly, so that one note has one reading: UTF-8 without control characters, base64 in its only spelling, one
empty line before the signatures, nothing after them.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from qcos_evidence.encoding import decode_base64
from qcos_evidence.errors import NotShown

MAX_CHARACTERS = 256 * 1024
"""Longest note read: room for 16 signatures of any algorithm, which every verifier must accept, and more."""

_DASH = "\u2014 "
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
# A key's name holds neither a Unicode space nor a plus sign.
_SIGNATURE = re.compile(_DASH + r"([^\s+]+) ([A-Za-z0-9+/=]+)")
_KEY_ID_BYTES = 4


@dataclass(frozen=True)
class NoteSignature:
    """One signature line: the key's name, its four-byte id, and what the algorithm made."""

    name: str
    key_id: bytes
    signature: bytes

    def line(self) -> str:
        """The line as the note holds it, newline included."""
        return f"{_DASH}{self.name} {base64.b64encode(self.key_id + self.signature).decode()}\n"


def read(note: str) -> tuple[str, list[NoteSignature]]:
    """The text of a note, final newline included, and its signatures, none of them judged.

    Raises:
        NotShown: ``checkpoint_malformed``.
    """
    if len(note) > MAX_CHARACTERS:
        raise _malformed(f"it is longer than {MAX_CHARACTERS} characters")
    if _CONTROL.search(note):
        raise _malformed("it holds a control character")
    if not _is_unicode(note):
        raise _malformed("it is not Unicode")
    # The last empty line separates.
    text, separator, lines = note.rpartition("\n\n")
    if not separator or not lines.endswith("\n"):
        raise _malformed("it is not text, an empty line and signature lines")
    signatures = []
    for line in lines[:-1].split("\n"):
        found = _SIGNATURE.fullmatch(line)
        data = decode_base64(found[2], None) if found else None
        if found is None or data is None or len(data) <= _KEY_ID_BYTES:
            raise _malformed("a signature line is not of the form")
        signatures.append(NoteSignature(found[1], data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:]))
    return f"{text}\n", signatures


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False  # a lone surrogate, which no UTF-8 spells
    return True


def _malformed(message: str) -> NotShown:
    return NotShown("checkpoint_malformed", f"the checkpoint is no signed note: {message}")
