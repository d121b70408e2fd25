"""What is attached to an evidence PDF: the signed bundle and the result it speaks of.

The reader goes the way a viewer goes (cross-reference table, catalog, name tree, file specification), so both find
the same files, and it takes nothing but the plain structure that our own pages have: one revision, a classical
cross-reference table, no object streams, no encryption.
"""

from __future__ import annotations

import re
import zlib

from qcos_evidence.errors import Malformed

BUNDLE = "bundle.json"
RESULT = "result.json"
MAX_RESULT_BYTES = 100_000_000
"""Longest result that is attached, in bytes: a million outcomes of 29 qubits take 72,000,000."""
MAX_PDF_BYTES = 32 * 1024 * 1024

_END = re.compile(rb"trailer\n(<<[^\n]{1,400}>>)\nstartxref\n(\d{1,8})\n%%EOF\n?")
_TABLE = re.compile(rb"xref\n0 (\d{1,5})\n((?:\d{10} \d{5} [nf][ \r]\n){1,10000})")
_ROOT = re.compile(rb"/Root (\d{1,5}) 0 R")
_OBJECT = re.compile(rb"(\d{1,5}) 0 obj\n(<<.{1,4000}?>>)\n(endobj|stream\n)", re.DOTALL)
_NAMES = re.compile(rb"/Names<</EmbeddedFiles<</Names\[((?:\([a-z.]{1,30}\)\d{1,5} 0 R)+)\]>>>>")
_NAME = re.compile(rb"\(([a-z.]+)\)(\d+) 0 R")
_FILE = re.compile(rb"<</Type/Filespec/F\(([a-z.]+)\)/UF\(([a-z.]+)\)/EF<</F (\d{1,5}) 0 R/UF (\d{1,5}) 0 R>>[^<>]*>>")
_STREAM = re.compile(
    rb"<</Length (\d{1,8})/Type/EmbeddedFile(/Filter/FlateDecode)?/Subtype/application#2Fjson"
    rb"/Params<</Size \d{1,8}/ModDate\(D:\d{14}Z\)>>>>"
)


def read(pdf: bytes) -> dict[str, bytes]:
    """The two attached files by name, :data:`BUNDLE` and :data:`RESULT`.

    Raises:
        Malformed: ``too_large``, or ``not_evidence_pdf``: it is not built as our pages are, or has other attachments.
    """
    if len(pdf) > MAX_PDF_BYTES:
        raise Malformed("too_large", f"the PDF is longer than {MAX_PDF_BYTES} bytes")
    trailer, offsets = _structure(pdf)
    root = _ROOT.findall(trailer)
    if len(root) != 1:
        raise _refused("it has no single catalog")
    catalog, _ = _object(pdf, offsets, int(root[0]))
    names = _NAMES.findall(catalog)
    listed = _NAME.findall(names[0]) if len(names) == 1 and catalog.count(b"/Names") == 2 else []
    if [name.decode() for name, _ in listed] != [BUNDLE, RESULT]:
        raise _refused(f"exactly {BUNDLE} and {RESULT} must be attached")
    return {name.decode(): _file(pdf, offsets, name, int(number)) for name, number in listed}


def _structure(pdf: bytes) -> tuple[bytes, list[int]]:
    """The trailer's dictionary, and where each object is; refused if the file was ever added to."""
    place = pdf.rfind(b"trailer\n")
    end = _END.fullmatch(pdf, place) if place >= 0 else None
    if end is None or pdf.count(b"startxref") != 1:
        raise _refused("it does not end with one trailer")
    start = int(end[2])
    table = _TABLE.fullmatch(pdf, start, place)
    if table is None or len(table[2]) != 20 * int(table[1]):
        raise _refused("it has no plain cross-reference table")
    return end[1], [int(table[2][line : line + 10]) for line in range(0, len(table[2]), 20)]


def _object(pdf: bytes, offsets: list[int], number: int) -> tuple[bytes, int]:
    """An object's dictionary, and where its stream would begin."""
    found = _OBJECT.match(pdf, offsets[number]) if 0 < number < len(offsets) else None
    if found is None or int(found[1]) != number:
        raise _refused("an object is not where the cross-reference table says")
    return found[2], found.end()


def _file(pdf: bytes, offsets: list[int], name: bytes, number: int) -> bytes:
    specification = _FILE.fullmatch(_object(pdf, offsets, number)[0])
    if (
        specification is None
        or not specification[1] == specification[2] == name
        or specification[3] != specification[4]
    ):
        raise _refused(f"the attachment {name.decode()} is not described as expected")
    dictionary, start = _object(pdf, offsets, int(specification[3]))
    stream = _STREAM.fullmatch(dictionary)
    if stream is None:
        raise _refused(f"the attachment {name.decode()} is not stored as expected")
    data = pdf[start : start + int(stream[1])]
    if not pdf.startswith(b"\nendstream", start + int(stream[1])):
        raise _refused(f"the attachment {name.decode()} is not as long as stated")
    return _inflated(data) if stream[2] else data


def _inflated(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        plain = inflater.decompress(data, MAX_RESULT_BYTES + 1)
    except zlib.error:
        raise _refused("an attachment cannot be decompressed") from None
    if len(plain) > MAX_RESULT_BYTES or not inflater.eof or inflater.unused_data:
        raise _refused("an attachment is too long, or cut")
    return plain


def _refused(message: str) -> Malformed:
    return Malformed("not_evidence_pdf", f"this is no evidence PDF as issued: {message}")
