"""The bundle as one A4 page for people: PDF/A-3b, with the signed JSON and the result attached.

The page is a pure function of its two attachments, so anybody can make it again and compare. It takes the packages
typst and segno (``pip install 'qcos-core-api[pdf]'``), which are imported when a page is made.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from importlib.metadata import version
from typing import Any, Literal

from qcos_evidence import attachments
from qcos_evidence.bundle import digest, sha3_256
from qcos_evidence.canonical import MAX_INTEGER, parse
from qcos_evidence.errors import EvidenceError
from qcos_evidence.page import view
from qcos_evidence.timestamp import parse_timestamp

PageState = Literal["matches", "differs", "not_checked"]

MAX_VALUES = 2_500_000
"""Counts and probabilities of a million outcomes, and room to spare."""


def render(bundle: bytes, result: bytes) -> bytes:
    """The page about a signed bundle, byte-identical whenever it is made by the same versions.

    Args:
        bundle: the JSON text of the signed bundle; attached as it is.
        result: the stored result, JSON text with ``counts``, whose hash is the bundle's ``result_hash``.
    Raises:
        EvidenceError: the result is not the bundle's, is over 100,000,000 bytes or holds no counts, or the bundle is
            not of its form.
        ModuleNotFoundError: typst or segno is not installed.
    """
    import segno
    import typst

    document = parse(bundle)
    execution = document.get("execution_proof")
    if not isinstance(execution, Mapping) or execution.get("result_hash") != sha3_256(result):
        raise EvidenceError("the result is not the one that the bundle speaks of")
    if len(result) > attachments.MAX_RESULT_BYTES:
        raise EvidenceError(f"a page takes a result of at most {attachments.MAX_RESULT_BYTES:,} bytes")
    created = parse_timestamp(document.get("created_at"))
    if created is None:
        raise EvidenceError("created_at is no real instant")
    bundle_hash = digest(document)
    qr = io.BytesIO()
    segno.make(bundle_hash, error="m", micro=False).save(qr, kind="svg", border=0, xmldecl=False, svgns=True)
    outcome = _read_result(result)
    shown = view(document, bundle_hash, outcome["counts"], outcome["source"])
    shown |= {"qr": qr.getvalue().decode(), "renderer": renderer()}
    inputs = {"view": json.dumps(shown), "bundle": bundle.decode(), "result": result.decode()}
    return _compiled(typst, inputs, created)


def page_state(pdf: bytes) -> PageState:
    """Whether a PDF is, byte for byte, the page that its attachments make.

    ``not_checked``: it names another version of this library or of typst, or typst is not installed here, so that
    what its page says is not known to be true, however valid the attached bundle is.

    Raises:
        Malformed: it has no attached bundle and result.
    """
    attached = attachments.read(pdf)
    try:
        again = render(attached[attachments.BUNDLE], attached[attachments.RESULT])
    except ModuleNotFoundError:
        return "not_checked"
    except EvidenceError:
        return "differs"
    if again == pdf:
        return "matches"
    return "differs" if f"<pdf:Keywords>{renderer()}<".encode() in pdf else "not_checked"


@cache
def renderer() -> str:
    """What decides a page's bytes beside its attachments: typst's version, our layout and what we fill it with."""
    ours = b"".join(_packaged(name) for name in ("page.typ", "page.py", "pdf.py"))
    return f"qcos-evidence-page {hashlib.sha3_256(ours).hexdigest()[:16]} typst {version('typst')}"


def _read_result(result: bytes) -> dict[str, Any]:
    # Before it is read, because what is small as text and dense with values takes gigabytes as objects.
    if sum(result.count(mark) for mark in (b",", b"[", b"{")) > MAX_VALUES:
        raise EvidenceError(f"the result holds more than {MAX_VALUES:,} values")
    try:
        document = json.loads(result.decode("utf-8"))
    except (ValueError, RecursionError):
        raise EvidenceError("the result is not JSON") from None
    counts = document.get("counts") if isinstance(document, dict) else None
    if not isinstance(counts, dict) or not all(
        type(count) is int and 0 <= count <= MAX_INTEGER for count in counts.values()
    ):
        raise EvidenceError("the result holds no counts")
    return {"counts": counts, "source": document.get("source")}


def _compiled(typst: Any, inputs: dict[str, str], created: datetime) -> bytes:
    try:
        pdf = typst.compile(
            _packaged("page.typ"),
            format="pdf",
            pdf_standards=["a-3b"],
            ignore_system_fonts=True,
            sys_inputs=inputs,
            timestamp=int(created.timestamp()),
        )
    except typst.TypstError as error:
        raise EvidenceError(f"the page cannot be set: {error.message}") from None
    return bytes(pdf)


def _packaged(name: str) -> bytes:
    return resources.files("qcos_evidence").joinpath(name).read_bytes()
