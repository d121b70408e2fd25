"""Changed tlog-proofs and checkpoints: of their lines, numbers, base64 and signatures, so that a change is read."""

from __future__ import annotations

import base64
import binascii
import re
import string
from random import Random

from tests.fuzz import mutations

_DASH = "\u2014 "
_NUMBER = re.compile(r"(index |)(\d+)")
_ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
_BASE64 = re.compile(r"[A-Za-z0-9+/]{8,}={0,2}")


def text_of(document: bytes, other: bytes, choose: Random) -> bytes:
    """A proof or a checkpoint with other bytes, or with one to three of its lines changed; ``other`` to splice in."""
    if choose.random() < 0.2:
        return mutations.of_bytes(document, other, choose)
    lines, foreign = (one.decode("utf-8", "surrogateescape").split("\n") for one in (document, other))
    for _ in range(choose.choice((1, 1, 1, 2))):
        _change(lines, foreign, choose)
    text = "\n".join(lines)
    match choose.randrange(30):
        case 0:
            text = text.replace("\n", choose.choice(("\r\n", "\n\n", "\u2028")))
        case 1:
            text = choose.choice((text + "\n", text[:-1], "\ufeff" + text, text + text))
        case 2 if "\n\n" in text and b"\n\n" in other:
            # The path of one under the checkpoint of another.
            text = text.partition("\n\n")[0] + "\n\n" + "\n".join(foreign).rpartition("\n\n")[2]
    return text.encode("utf-8", "surrogatepass")


def _change(lines: list[str], foreign: list[str], choose: Random) -> None:
    """One change of one line, in place; mostly one that leaves the format as it is."""
    at = choose.randrange(len(lines)) if lines else 0
    match choose.randrange(18):
        case 0 if lines:
            del lines[at]
        case 1 if lines:
            lines.insert(choose.randrange(len(lines)), lines[at])
        case 2 if lines:
            to = choose.randrange(len(lines))
            lines[at], lines[to] = lines[to], lines[at]
        case 3:
            lines[at : at + choose.randrange(2)] = [choose.choice(foreign)]
        case 4 | 5 | 6 | 7:
            _change_number(lines, choose)
        case 8 | 9 | 10:
            _change_base64(lines, choose)
        case 11 | 12 | 13 | 14:
            _change_signature(lines, foreign, choose)
        case 15 | 16:
            _add(lines, choose)
        case _ if lines:
            lines[at] = mutations.of_text(lines[at], choose)


def _change_number(lines: list[str], choose: Random) -> None:
    """The index or a size: another number, or the same one as nobody should spell it."""
    places = [(at, found) for at, line in enumerate(lines) if (found := _NUMBER.fullmatch(line))]
    if not places:
        return
    at, found = choose.choice(places)
    word, value = found[1], int(found[2][:30])
    strange = (f"0{value}", f"+{value}", f"-{value}", f"{value}.0", f" {value}", f"{value} ", hex(value), "\u0665", "")
    near = (value + 1, value - 1, value ^ 4, value * 2, value + 2**32, value + 2**63, value + 2**64, 2**63 - 1, 0, 5, 8)
    lines[at] = word + str(choose.choice((*near, *strange)))


def _change_base64(lines: list[str], choose: Random) -> None:
    """A hash or a signature: other bytes, or the same bytes spelled otherwise."""
    places = [(at, found) for at, line in enumerate(lines) for found in _BASE64.finditer(line)]
    if not places:
        return
    at, found = choose.choice(places)
    spelled, line = found[0], lines[at]
    try:
        data = base64.b64decode(spelled)
    except binascii.Error:
        return
    other = base64.b64encode(mutations.of_bytes(data, bytes(32), choose)).decode()
    bare = spelled.rstrip("=")
    spare_bit = _ALPHABET[_ALPHABET.index(bare[-1]) ^ 1]
    respelled = (
        bare,
        spelled + "=",
        spelled.replace("+", "-").replace("/", "_"),
        spelled[:4] + " " + spelled[4:],
        bare[:-1] + spare_bit + "=" * (len(spelled) - len(bare)),
    )
    lines[at] = line[: found.start()] + choose.choice((other, other, *respelled)) + line[found.end() :]


def _change_signature(lines: list[str], foreign: list[str], choose: Random) -> None:
    """Of a signature line the name, the key's id, the time or the rest; or its order among others."""
    places = [at for at, line in enumerate(lines) if line.startswith(_DASH) and line.count(" ") == 2]
    if not places:
        return
    at = choose.choice(places)
    _, name, spelled = lines[at].split(" ")
    others = [line.split(" ") for line in (*foreign, *lines) if line.startswith(_DASH) and line.count(" ") == 2]
    _, other_name, other_spelled = choose.choice(others)
    try:
        data, other = base64.b64decode(spelled), base64.b64decode(other_spelled)
    except (binascii.Error, ValueError):
        return
    key_id, time, rest = data[:4], data[4:12], data[12:]
    seconds = int.from_bytes(time, "big")
    match choose.randrange(7):
        case 0:
            name = choose.choice((other_name, "x", name.upper(), lines[0]))
        case 1:
            key_id = choose.choice((other[:4], bytes(4)))
        case 2:
            time = (choose.choice((0, seconds - 1, seconds + 1, 1, 2**64 - 1, 253402300800)) % 2**64).to_bytes(8, "big")
        case 3:
            rest = choose.choice((other[12:], rest[:-1], rest + b"\x00", b"", bytes(len(rest))))
        case 4:
            time, rest = other[4:12], other[12:]
        case 5:
            lines.insert(choose.choice(places), lines.pop(at))
            return
        case _:
            lines.insert(at, _DASH + f"{other_name} {other_spelled}")
            return
    lines[at] = _DASH + f"{name} {base64.b64encode(key_id + time + rest).decode()}"


def _add(lines: list[str], choose: Random) -> None:
    """A line that changes nothing where the format allows it: a witness's signature, the proof's extra data."""
    witness = base64.b64encode(choose.randbytes(76)).decode()
    name = choose.choice(("witness.example/w1", "\u0431\u0430\u0437\u0430", lines[0] if lines else "x"))
    if choose.randrange(2):
        lines.insert(max(0, len(lines) - choose.randrange(3)), f"{_DASH}{name} {witness}")
    else:
        lines.insert(min(1, len(lines)), choose.choice(("extra AAEC", "extra ", "extra AA", "extra\u00a0AAEC")))
