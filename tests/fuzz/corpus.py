"""Where changed documents start from: bundles frozen long ago, fresh ones, and those made to deceive."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qcos_evidence import attachments, cbor, cose
from tests.fuzz import logs
from tests.unit.evidence import test_form as forms
from tests.unit.evidence import test_hostile as hostile
from tests.unit.evidence import test_pdf as pages
from tests.unit.evidence.samples import CIRCUIT, EVENTS, signed, text
from tests.unit.test_threats import as_bytes

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
FORMS = ("json", "cbor", "cose", "pdf")
LONGEST = 70_000
"""Seeds beyond this are judged by the tests as they are, and only cost time here, in bytes."""


@dataclass(frozen=True)
class Corpus:
    """Seeds by form, the keys that are trusted, and every bundle that these keys signed and that may come out valid.

    ``logs`` are seeds of other kinds, with keys of their own.
    """

    genuine: Mapping[str, tuple[bytes, ...]]
    hostile: Mapping[str, tuple[bytes, ...]]
    jwks: bytes
    bundles: tuple[dict[str, Any], ...]
    circuit: bytes
    events: bytes
    logs: logs.Logs


def build() -> Corpus:
    """The corpus of this process: the golden documents are the same in every run, the fresh ones have new keys."""
    golden = {form: [(GOLDEN / f"{name}.{form}").read_bytes() for name in ("ed25519", "ml-dsa-65")] for form in FORMS}
    fresh = {"json": text(signed()), "cbor": cbor.dumps(signed()), "cose": cose.dumps(signed()), "pdf": pages.PAGE}
    deceiving = {
        "json": [
            *(document for document, _ in hostile.MALFORMED.values()),
            *hostile.GENUINE.values(),
            *(as_bytes(document) for document in hostile.CHANGED.values()),
            *(as_bytes(document) for document, _ in hostile.BADLY_SIGNED.values()),
            *(text(make()) for make, _, _ in hostile.SIGNED_BUT_WRONG.values()),
        ],
        "cbor": [*forms.HOSTILE_CBOR.values(), *(document for document, _ in forms.FOREIGN_CBOR.values())],
        "cose": [document for document, _ in forms.HOSTILE_COSE.values()],
        "pdf": list(pages.NOT_OURS.values()),
    }
    keys = json.loads((GOLDEN / "jwks.json").read_bytes())["keys"] + hostile.TRUSTED.to_jwks()["keys"]
    genuine = [json.loads(document) for document in (*golden["json"], fresh["json"])]
    # Signed by us, and wrong only for who looks too early, or without the events.
    passing = ("created_in_future", "events_needed")
    genuine += [make() for make, _, code in hostile.SIGNED_BUT_WRONG.values() if code in passing]
    genuine.append(json.loads(attachments.read(pages.PAGE)[attachments.BUNDLE]))
    made = logs.build()
    return Corpus(
        genuine={form: (*golden[form], fresh[form]) for form in FORMS} | made.genuine,
        hostile={form: tuple(one for one in deceiving[form] if len(one) <= LONGEST) for form in FORMS} | made.hostile,
        jwks=json.dumps({"keys": keys}).encode(),
        bundles=tuple(genuine),
        circuit=CIRCUIT,
        events=json.dumps({"events": EVENTS}).encode(),
        logs=made,
    )
