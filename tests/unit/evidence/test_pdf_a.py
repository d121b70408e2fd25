"""The page against PDF/A-3b (ISO 19005-3), as far as its objects tell.

No validator is to be had from the package registries this project uses; docs/verify-by-hand.md says what was run by
hand. The clauses are those of ISO 19005-3:2012.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from qcos_evidence import pdf
from tests.unit.evidence.samples import RESULT, signed, text
from tests.unit.evidence.test_golden import HASHES, golden
from tests.unit.evidence.test_pdf import PAGE, full

_OBJECT = re.compile(rb"\n(\d+) 0 obj\n(.*?)\n(?:endobj|stream\n)", re.DOTALL)
# What no page of ours has reason to hold: actions and scripts (6.5), other media (6.3), what depends on the viewer.
_FORBIDDEN = (
    *(b"/JavaScript", b"/JS", b"/Launch", b"/OpenAction", b"/AA", b"/SubmitForm", b"/GoToR", b"/URI", b"/AcroForm"),
    *(b"/Movie", b"/Sound", b"/RichMedia", b"/3D", b"/Annots", b"/XFA", b"/NeedAppearances"),
    *(
        b"/LZWDecode",
        b"/Crypt",
        b"/HTP",
        b"/OPI",
        b"/PS",
        b"/Interpolate true",
        b"/Alternates",
        b"/OCProperties",
    ),
)


@dataclass(frozen=True)
class Objects:
    """A file's dictionaries by number, and its decoded streams."""

    file: bytes
    dictionaries: dict[int, bytes]
    streams: dict[int, bytes]
    wrong_lengths: list[int]

    def of(self, dictionary: bytes, name: bytes) -> int | None:
        """The number of the object that a member refers to."""
        found = re.search(rb"/" + name + rb" (\d+) 0 R", dictionary)
        return int(found[1]) if found else None

    def typed(self, kind: bytes) -> list[bytes]:
        return [one for one in self.dictionaries.values() if re.search(rb"/Type/" + kind + rb"\b", one)]


def objects(file: bytes) -> Objects:
    dictionaries, streams, wrong = {}, {}, []
    for found in _OBJECT.finditer(file):
        number, dictionary = int(found[1]), found[2]
        dictionaries[number] = dictionary
        length = re.search(rb"/Length (\d+)", dictionary)
        if not found[0].endswith(b"stream\n") or length is None:
            continue
        end = found.end() + int(length[1])
        if not file.startswith(b"\nendstream", end):
            wrong.append(number)
            continue
        data = file[found.end() : end]
        streams[number] = zlib.decompress(data) if b"/FlateDecode" in dictionary else data
    return Objects(file, dictionaries, streams, wrong)


def breaches(file: bytes) -> Iterator[str]:
    """What of the standard a file does not keep."""
    read = objects(file)
    trailer = file[file.rfind(b"trailer\n") :]
    (catalog,) = read.typed(b"Catalog") or [b""]
    if not re.match(rb"%PDF-1\.[4-7]\n%[\x80-\xff]{4}", file):
        yield "6.1.2 no header with a binary line"
    if not re.search(rb"/ID\[\([^)]+\)\([^)]+\)\]|/ID\[<", trailer):
        yield "6.1.3 no file identifier"
    if b"/Encrypt" in trailer:
        yield "6.1.3 encrypted"
    if read.wrong_lengths:
        yield "6.1.7 a stream is not as long as stated"
    for dictionary in read.dictionaries.values():
        yield from (f"{one.decode()} is there" for one in _FORBIDDEN if re.search(re.escape(one) + rb"\b", dictionary))
    yield from _output_intent(read, catalog)
    yield from _fonts(read)
    yield from _metadata(read, catalog, trailer)
    yield from _attachments(read, catalog)


def _output_intent(read: Objects, catalog: bytes) -> Iterator[str]:
    intents = [one for one in read.typed(b"OutputIntent") if b"/S/GTS_PDFA1" in one]
    profile = read.of(intents[0], b"DestOutputProfile") if intents else None
    if b"/OutputIntents" not in catalog or profile is None:
        yield "6.2.3 no output intent"
        return
    data = read.streams[profile]
    space = {b"GRAY": b"/N 1", b"RGB ": b"/N 3", b"CMYK": b"/N 4"}.get(data[16:20], b"?")
    if data[36:40] != b"acsp" or data[12:16] not in (b"mntr", b"prtr") or space not in read.dictionaries[profile]:
        yield "6.2.3 the output intent's profile is none"


def _fonts(read: Objects) -> Iterator[str]:
    fonts = read.typed(b"Font")
    if not fonts:
        yield "6.2.11 a page without a font"
    for font in fonts:
        if b"/Subtype/Type0" in font:
            continue  # its descendant has the program
        descriptor = read.dictionaries.get(read.of(font, b"FontDescriptor") or 0, b"")
        program = read.of(descriptor, b"FontFile[23]?")
        if program not in read.streams or not read.streams[program]:
            yield "6.2.11.4 a font is not embedded"
        if b"/Subtype/CIDFontType2" in font and b"/CIDToGIDMap" not in font:
            yield "6.2.11.3 no map from characters to glyphs"


def _metadata(read: Objects, catalog: bytes, trailer: bytes) -> Iterator[str]:
    number = read.of(catalog, b"Metadata")
    if number is None or number not in read.streams or b"/Filter" in read.dictionaries[number]:
        yield "6.6.2 no plain metadata"
        return
    xmp = read.streams[number]
    if b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>" not in xmp:
        yield "6.6.4 not identified as PDF/A-3b"
    information = read.dictionaries[read.of(trailer, b"Info") or 0]
    for member, element in (("Title", "dc:title"), ("Author", "dc:creator"), ("Keywords", "pdf:Keywords")):
        said = re.search(rf"/{member}\(([^)]*)\)".encode(), information)
        if said is None or not re.search(rf"<{element}>(?:<[^>]+>)*".encode() + re.escape(said[1]) + b"<", xmp):
            yield f"6.6.2.3 {member} is not {element}"
    for member, element in (("CreationDate", "xmp:CreateDate"), ("ModDate", "xmp:ModifyDate")):
        one = re.search(rf"/{member}\(D:(\d{{14}})".encode(), information)
        other = re.search(rf"<{element}>([^<+Z]+)".encode(), xmp)
        if one is None or other is None or one[1] != re.sub(rb"\D", b"", other[1]):
            yield f"6.6.2.3 {member} is not {element}"


def _attachments(read: Objects, catalog: bytes) -> Iterator[str]:
    files = read.typed(b"Filespec")
    listed = re.search(rb"/AF(?:\[| \d+ 0 R)", catalog)
    if listed is None or b"/EmbeddedFiles" not in catalog or len(files) != 2:
        yield "6.8 no associated files"
    for one in files:
        if not re.search(rb"/AFRelationship/(Source|Data|Alternative|Supplement|Unspecified)\b", one):
            yield "6.8 a file without its relationship"
        if not re.search(rb"/F\([^)]+\)/UF\([^)]+\)", one) or b"/Desc" not in one:
            yield "6.8 a file without its names and description"
        stored = read.dictionaries.get(read.of(one, b"F") or 0, b"")
        if b"/Subtype/application#2Fjson" not in stored or b"/ModDate" not in stored:
            yield "6.8 a file without its type and date"


PAGES: dict[str, Any] = {
    "everything": lambda: PAGE,
    "the least": lambda: pdf.render(text(signed()), RESULT),
    "a tested circuit": lambda: pdf.render(text(full(equivalence={"verdict": "tested", "method": "states"})), RESULT),
    **{f"golden {name}": lambda name=name: golden(name, "pdf") for name in HASHES},
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_keeps_to_the_standard(name: str) -> None:
    assert list(breaches(PAGES[name]())) == []


# Each keeps the file's length, so that every object stays where the cross-reference table says.
SEEDED = {
    "6.1.2": (b"%PDF-1.7\n%", b"%PDF-1.7\n "),
    "6.1.3 no file": (b"/ID[", b"/IX["),
    "6.1.3 encrypted": (b"/Root ", b"/Encrypt<<>>/Root "),
    "6.1.7": (b"\nendstream", b" endstream"),
    "/JavaScript": (b"/Type/Catalog", b"/JavaScript()"),
    "/Annots": (b"/Type/Page/", b"/Annots[]/Type/Page/"),
    "6.2.3 no output": (b"/S/GTS_PDFA1", b"/S/GTS_PDFX1"),
    "6.2.3 the output": (b"/N 3/Range", b"/N 4/Range"),
    "6.2.11.4": (b"/FontFile3", b"/FontFileX"),
    "6.2.11.3": (b"/CIDToGIDMap", b"/CIDToGIDXXX"),
    "6.6.2 no": (b"/Metadata ", b"/Metadatb "),
    "6.6.4": (b"<pdfaid:part>3", b"<pdfaid:part>2"),
    "6.6.2.3 Title": (b"/Title(Evidence ev_abc123)", b"/Title(Evidence ev_abc124)"),
    "6.6.2.3 ModDate": (b"<xmp:ModifyDate>2026-02-06", b"<xmp:ModifyDate>2026-02-07"),
    "6.8 no associated": (b"/AF[", b"/AX["),
    "6.8 a file without its relationship": (b"/AFRelationship/Source", b"/AFRelationship/Spurce"),
    "6.8 a file without its type": (b"/Subtype/application#2Fjson", b"/Subtype/application#2Fxxxx"),
}


@pytest.mark.parametrize("breach", SEEDED)
def test_a_breach_is_noticed(breach: str) -> None:
    old, new = SEEDED[breach]
    assert old in PAGE
    found = list(breaches(PAGE.replace(old, new, 1)))
    assert any(one.startswith(breach) for one in found), found
