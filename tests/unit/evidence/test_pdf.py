"""The page: what it says, that it is the same every time, and that nobody can slip another bundle under it."""

from __future__ import annotations

import json
import re
import sys
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qcos_evidence import EvidenceError, Malformed, attachments, digest, pdf, read, report, sha3_256, verify
from qcos_evidence.page import view
from tests.unit.evidence.samples import KEYS, NOW, OURS, RESULT, STRANGER, force_sign, signed, text, unsigned

METRICS = {
    "original": {"depth": 165, "two_qubit_gates": 1072, "entangling_angle_microturns": 18_000_000},
    "optimized": {"depth": 97, "two_qubit_gates": 60, "entangling_angle_microturns": 10_500_001},
}


def full(**changes: Any) -> dict[str, Any]:
    proof = unsigned()["execution_proof"] | {"provider_backend": "simulator", "provider_job_id": "0190"}
    members: dict[str, Any] = {
        "attempt": 2,
        "execution_proof": proof,
        "equivalence": {"verdict": "proved", "method": "unitary", "certificate_hash": sha3_256(b"report")},
        "optimization": {"level": 3, "strategy": "phase-poly", "metrics": METRICS},
        "software": {"qiskit": "2.6.2", "qcos": "0.1.0"},
    }
    return force_sign(unsigned(**(members | changes)))


BUNDLE = text(full())
PAGE = pdf.render(BUNDLE, RESULT)


def test_the_same_page_every_time() -> None:
    assert pdf.render(BUNDLE, RESULT) == PAGE
    assert pdf.page_state(PAGE) == "matches"
    # A spelling of the same bundle is another attachment, so another file, but as good.
    spelled = json.dumps(full(), indent=1).encode()
    assert pdf.page_state(pdf.render(spelled, RESULT)) == "matches"


def test_it_is_one_page_of_pdf_a_3b_with_both_attachments() -> None:
    assert re.search(rb"/Type/Pages/Count 1/", PAGE)
    assert b"<pdfaid:part>3</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>" in PAGE
    assert attachments.read(PAGE) == {"bundle.json": BUNDLE, "result.json": RESULT}
    assert read(PAGE) == (full() | {"signatures": json.loads(BUNDLE)["signatures"]}, "pdf")
    assert verify(PAGE, KEYS, now=NOW).valid


def shown(bundle: dict[str, Any] | None = None, counts: dict[str, int] | None = None, **more: Any) -> dict[str, Any]:
    return view(bundle or full(), "sha3-256:00", counts or {"00": 512, "11": 512}, **more)


def test_what_it_says() -> None:
    page = shown()
    assert page["story"] == [
        "A circuit was submitted as job job_xyz789, optimized, and run 1,024 times on ionq_simulator. "
        "The run was complete by 6 February 2026, 12:00:15 UTC."
    ]
    assert page["created"] == "6 February 2026, 12:00:20 UTC"
    assert page["verdict"] == "Proved, by unitary."
    assert ["Two-qubit gates", "1,072", "60"] in page["metrics"]
    assert ["Entangling angle (turns)", "18", "10.500001"] in page["metrics"]
    assert ["One-qubit gates", "-", "-"] in page["metrics"]
    assert ["Software", "qcos 0.1.0, qiskit 2.6.2", False] in page["run"]
    assert ["Backend", "ionq_simulator (IonQ's simulator)", False] in page["run"]
    assert ["Equivalence certificate", sha3_256(b"report"), True] in page["hashes"]
    assert page["keys"] == "https://evidence.example/.well-known/jwks.json"


def test_the_histogram_shows_eight_and_counts_the_rest() -> None:
    page = shown(counts={f"{index:04b}": 100 - index for index in range(10)})
    assert page["histogram"][:2] == [["0000", "100.0", "100 (10.5 %)"], ["0001", "99.0", "99 (10.4 %)"]]
    assert len(page["histogram"]) == 8
    assert page["rest"] == "And 2 more outcomes in 183 of 955 shots."
    assert shown(counts={"0": 0, "1": 3})["histogram"] == [["1", "100.0", "3 (100.0 %)"]]
    assert shown(counts={"0": 0})["histogram"] == []


def test_it_says_when_no_shots_were_drawn() -> None:
    assert "exact probabilities" not in shown()["rest"]
    assert "exact probabilities" in shown(source="exact_probabilities")["rest"]
    assert "Source unknown" in shown(source=None)["rest"]


@pytest.mark.parametrize(
    ("verdict", "words"), [("tested", "not proved"), ("distribution", "same distribution"), ("believed", "")]
)
def test_what_other_verdicts_mean(verdict: str, words: str) -> None:
    page = shown(full(equivalence={"verdict": verdict, "method": "x"}))
    assert words in page["meaning"]
    assert bool(words) == bool(page["meaning"])


def test_a_bundle_that_says_less() -> None:
    bundle = force_sign(unsigned())
    del bundle["equivalence"]
    page = shown(bundle)
    assert page["verdict"] == "Not said."
    assert page["optimization"] == "The bundle holds no figures of the optimization."
    assert pdf.page_state(pdf.render(text(bundle), RESULT)) == "matches"


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=30, deadline=None, database=None)
@given(
    name=st.sampled_from([*sorted(set(full()) - {"execution_proof", "signatures"}), "in the proof"]),
    value=JSON_VALUES,
    counts=st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=50), st.integers(0, 2**53 - 1), max_size=12),
)
def test_whatever_a_bundle_holds_makes_one_page_or_none(name: str, value: Any, counts: dict[str, int]) -> None:
    result = json.dumps({"counts": counts, "source": value}).encode()
    proof = full()["execution_proof"] | {"result_hash": sha3_256(result)}
    if name == "in the proof":
        proof |= dict.fromkeys(("backend", "shots", "timestamp", "provider_backend", "provider_job_id"), value)
    bundle = full() | {"execution_proof": proof}
    if name in bundle:
        bundle[name] = value
    try:
        page = pdf.render(text(bundle), result)
    except EvidenceError:
        return
    assert re.search(rb"/Type/Pages/Count 1/", page)
    assert pdf.page_state(page) == "matches"


@pytest.mark.parametrize("created", ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z"])
def test_a_page_of_any_year(created: str) -> None:
    page = pdf.render(text(force_sign(unsigned() | {"created_at": created})), RESULT)
    assert verify(page, KEYS, now=NOW).page == "matches"


MARKUP = '#pagebreak() $x$ *b* `r` \\u{41} "quoted" // c /* <label> @ref [x] #sys.inputs'


def test_a_bundle_is_never_markup() -> None:
    proof = unsigned()["execution_proof"] | {"backend": MARKUP, "provider_backend": MARKUP, "provider_job_id": MARKUP}
    hostile = full(
        execution_proof=proof,
        software={MARKUP: MARKUP},
        optimization={"level": 3, "strategy": MARKUP, "metrics": METRICS},
        equivalence={"verdict": MARKUP, "method": MARKUP},
    )
    page = pdf.render(text(hostile), RESULT)
    assert re.search(rb"/Type/Pages/Count 1/", page)
    assert shown(hostile)["run"][3][1] == MARKUP[:80]


def test_only_letters_that_are_what_they_look_like() -> None:
    hostile = full(software={"x": "\u202egnp.\u043e\u200b\n\x00é\ud7ff" + "a" * 300})
    (software,) = [value for label, value, _ in shown(hostile)["run"] if label == "Software"]
    assert software.startswith("x ?gnp.??????aaa")
    assert len(software) == 200
    assert pdf.render(text(hostile), RESULT)


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (RESULT + b" ", "not the one"),
        (b"x", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "no counts"),
        (b'{"counts":[]}', "no counts"),
        (b'{"counts":{"0":1.5}}', "no counts"),
        (b'{"counts":{"0":-1}}', "no counts"),
        (b'{"counts":{"0":true}}', "no counts"),
        (b'{"counts":{"0":%d}}' % 2**53, "no counts"),
        (b'{"counts":{}}' + b" " * 2_000, "at most"),
        (b'{"counts":[' + b"[]," * 500, "more than"),
    ],
    ids=range(12),
)
def test_no_page_of_what_is_no_result(monkeypatch: pytest.MonkeyPatch, result: bytes, why: str) -> None:
    if len(result) < 10_000:
        monkeypatch.setattr(attachments, "MAX_RESULT_BYTES", 2_000)
        monkeypatch.setattr(pdf, "MAX_VALUES", 500)
    spoken_of = RESULT if why == "not the one" else result
    bundle = full(execution_proof=unsigned()["execution_proof"] | {"result_hash": sha3_256(spoken_of)})
    with pytest.raises(EvidenceError, match=why):
        pdf.render(text(bundle), result)


def test_no_page_without_a_time() -> None:
    with pytest.raises(EvidenceError, match="created_at"):
        pdf.render(text(force_sign(unsigned() | {"created_at": "yesterday"})), RESULT)


def replaced(old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new)
    assert PAGE.count(old) == 1
    return PAGE.replace(old, new)


def edited_page() -> bytes:
    """What the page shows changed, and nothing that is attached."""
    start = PAGE.index(b"/Contents ") + len(b"/Contents ")
    number = PAGE[start : PAGE.index(b" 0 R", start)]
    at = PAGE.index(b"\n" + number + b" 0 obj")
    stream = PAGE.index(b"stream\n", at) + 40
    return PAGE[:stream] + bytes([PAGE[stream] ^ 1]) + PAGE[stream + 1 :]


def forged_page() -> bytes:
    """A stranger's page about a bundle of his own."""
    return pdf.render(text(force_sign(unsigned(), STRANGER)), RESULT)


def test_an_edited_page_differs_though_its_bundle_is_good() -> None:
    edited = edited_page()
    assert pdf.page_state(edited) == "differs"
    verdict = verify(edited, KEYS, now=NOW)
    assert (verdict.valid, verdict.page, verdict.checks["signature"]) == (False, "differs", "valid")
    assert [reason.code for reason in verdict.reasons] == ["page_differs"]
    assert "WAS CHANGED" in report(verdict)


def test_the_page_of_another_result_differs() -> None:
    result = RESULT.replace(b"512", b"513")
    other = pdf.render(
        text(full(execution_proof=full()["execution_proof"] | {"result_hash": sha3_256(result)})), result
    )
    assert pdf.page_state(other) == "matches"
    assert digest(read(other)[0]) != digest(full())


def test_a_page_of_another_version_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = b"qcos-evidence-page ", b"qcos-evidence-pag3 "
    assert pdf.page_state(PAGE.replace(old, new)) == "not_checked"
    monkeypatch.setitem(sys.modules, "typst", None)
    verdict = verify(PAGE, KEYS, now=NOW)
    assert (verdict.valid, verdict.form, verdict.page) == (True, "pdf", "not_checked")
    assert "NOT CHECKED" in report(verdict)


def test_a_stranger_can_make_a_page_but_not_a_valid_one() -> None:
    forged = forged_page()
    assert pdf.page_state(forged) == "matches"
    assert not verify(forged, KEYS, now=NOW).valid
    assert OURS.public != STRANGER.public


INCREMENT = (
    b"\n30 0 obj\n<</Length 2/Type/EmbeddedFile>>\nstream\n{}\nendstream\nendobj\nxref\n0 0\n"
    b"trailer\n<</Size 31/Root 29 0 R/Prev 1>>\nstartxref\n1\n%%EOF"
)
NOT_OURS = {
    "cut": PAGE[:-1],
    "head only": b"%PDF-1.7\n",
    "added to": PAGE + INCREMENT,
    "trailing": PAGE + b"\n\n",
    "table elsewhere": re.sub(rb"startxref\n(\d+)", lambda found: b"startxref\n" + b"9" * len(found[1]), PAGE),
    "attachment renamed": replaced(b"/Names[(bundle.json)", b"/Names[(bundel.json)"),
    "attachments swapped": re.sub(
        rb"Names\[\(bundle\.json\)(\d+) 0 R\(result\.json\)(\d+) 0 R",
        lambda found: b"Names[(bundle.json)" + found[2] + b" 0 R(result.json)" + found[1] + b" 0 R",
        PAGE,
    ),
    "two catalogs": replaced(b"/Type/Catalog/Pages 1 0 R", b"/Names<<>>/Pages 1 0 R/X "),
    "no attachments": replaced(b"/Names<</EmbeddedFiles", b"/Nemas<</EmbeddedFiles"),
    "length wrong": re.sub(
        rb"/Length (\d+)(/Type/EmbeddedFile)",
        lambda found: b"/Length " + b"1" * len(found[1]) + found[2],
        PAGE,
        count=1,
    ),
}


@pytest.mark.parametrize("name", NOT_OURS)
def test_a_pdf_that_is_not_built_as_issued(name: str) -> None:
    with pytest.raises(Malformed) as refused:
        verify(NOT_OURS[name], KEYS, now=NOW)
    assert refused.value.code == "not_evidence_pdf"


def test_a_large_pdf_is_not_read() -> None:
    with pytest.raises(Malformed) as refused:
        read(PAGE + bytes(attachments.MAX_PDF_BYTES))
    assert refused.value.code == "too_large"


def test_an_attachment_is_not_inflated_without_end() -> None:
    """The bundle's stream exchanged for a bomb of the same stored length."""
    found = re.search(rb"/Length (\d+)/Type/EmbeddedFile/Filter/FlateDecode", PAGE)
    assert found
    start, length = PAGE.index(b"stream\n", found.end()) + 7, int(found[1])
    bomb = zlib.compress(bytes(50_000_000), 9)[:length].ljust(length, b"\x00")
    with pytest.raises(Malformed) as refused:
        read(PAGE[:start] + bomb + PAGE[start + length :])
    assert refused.value.code == "not_evidence_pdf"


def test_every_changed_byte_of_the_attached_bundle_is_caught() -> None:
    """Of a page whose bundle is stored as it is or compressed: either way no change leaves it valid."""
    found = re.search(rb"/Length (\d+)/Type/EmbeddedFile", PAGE)
    assert found
    start, length = PAGE.index(b"stream\n", found.end()) + 7, int(found[1])
    for position in range(start, start + length, 7):
        changed = PAGE[:position] + bytes([PAGE[position] ^ 0x10]) + PAGE[position + 1 :]
        try:
            verdict = verify(changed, KEYS, now=NOW)
        except Malformed:
            continue
        # Deflate leaves a few bits unused: then what is read is what was signed.
        assert not verdict.valid or read(changed) == read(PAGE)


def test_the_samples_signature_is_not_the_pages_concern() -> None:
    assert pdf.render(text(signed()), RESULT)
