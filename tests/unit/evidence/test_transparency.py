"""Checkpoints and proofs: their bytes against C2SP's text and another ML-DSA-44, and what no hostile text may do."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from qcos_evidence import EvidenceError, KeyPair, KeySet, LogKey, NotShown, SigningFailed, merkle, mu, note, sha3_256
from qcos_evidence.canonical import canonical
from qcos_evidence.transparency import (
    Checkpoint,
    check_inclusion,
    consistency,
    entry,
    inclusion_proof,
    leaf_hash,
    open_checkpoint,
    origin,
    read_proof,
    sign_checkpoint,
    verify_consistency,
)
from tests.unit.evidence.samples import KEYS, NOW, OURS, Log, force_sign, signed, unsigned

BUNDLES = [force_sign(unsigned(attempt=number + 1)) for number in range(5)]
LOG = Log(*BUNDLES)
OTHER_LOG = Log(*BUNDLES, tenant="other")
TRUSTED = KeySet([], [LOG.key])
CHECKPOINT = LOG.checkpoint()
PROOF = LOG.proof(3)
ROOT = merkle.root(LOG.leaf_hashes)
SECONDS = int(NOW.timestamp())


def refused(code: str, call: Callable[[], object]) -> None:
    with pytest.raises(NotShown) as raised:
        call()
    assert raised.value.code == code
    assert raised.value.message.isprintable()


def test_an_entry_fixes_the_whole_signed_bundle() -> None:
    bundle = signed()
    assert json.loads(entry(bundle)) == {"bundle_id": "ev_abc123", "bundle_hash": sha3_256(canonical(bundle))}
    assert entry(dict(reversed(bundle.items()))) == entry(bundle) == canonical(json.loads(entry(bundle)))
    again = force_sign(unsigned())  # the same content, another of the signatures that ML-DSA makes
    assert again["signatures"] != bundle["signatures"]
    assert entry(again) != entry(bundle)
    for nothing in (unsigned(), {}, signed(bundle_id=None), signed(signatures=None), signed(note="\ud800")):
        with pytest.raises(EvidenceError):
            entry(nothing)


@pytest.mark.parametrize(
    ("issuer", "tenant", "name"),
    [
        ("https://api.example.com", "acme", "api.example.com/tenants/acme"),
        ("http://127.0.0.1:8000/", "demo", "127.0.0.1:8000/tenants/demo"),
        ("https://example.com/qcos/", "a-b", "example.com/qcos/tenants/a-b"),
    ],
)
def test_origin(issuer: str, tenant: str, name: str) -> None:
    assert origin(issuer, tenant) == name
    for bad in ("a+b", "a b", "a\nb", "é", "x" * 255):
        with pytest.raises(EvidenceError):
            origin(issuer, bad)


def cosigned(name: str, size: int, root: bytes, seconds: int) -> bytes:
    """``cosigned_message`` of C2SP's tlog-cosignature, written from its text once more."""
    one = name.encode()
    return struct.pack(
        f">12sB{len(one)}sQB{len(one)}sQQ32s",
        *(b"subtree/v1\n\0", len(one), one, seconds, len(one), one, 0, size, root),
    )


def test_a_checkpoint_is_what_c2sp_says() -> None:
    """Taken apart with nothing of ours; its signature is one to OpenSSL's ML-DSA-44."""
    text, line = CHECKPOINT.split("\n\n")
    assert text == f"evidence.example/tenants/acme\n5\n{base64.b64encode(ROOT).decode()}"
    dash, name, encoded = line.removesuffix("\n").split(" ")
    assert (dash, name, line[-1]) == ("\u2014", "evidence.example/tenants/acme", "\n")
    data = base64.b64decode(encoded, validate=True)
    assert len(data) == 4 + 8 + 2420
    assert data[:4] == hashlib.sha256(name.encode() + b"\n\x06" + LOG.keypair.public).digest()[:4]
    assert data[4:12] == struct.pack(">Q", SECONDS)
    message = cosigned(name, 5, ROOT, SECONDS)
    MLDSA44PublicKey.from_public_bytes(LOG.keypair.public).verify(data[12:], message)
    vkey = f"{name}+{data[:4].hex()}+{base64.b64encode(bytes([6]) + LOG.keypair.public).decode()}"
    assert LOG.key.vkey == vkey


def test_a_key_service_signs_the_representative_of_the_same_bytes() -> None:
    class Service:
        """As KMS with EXTERNAL_MU: it never sees the message."""

        secret = MLDSA44PrivateKey.generate()
        public = secret.public_key().public_bytes_raw()

        def sign(self, tbs: bytes) -> bytes:
            return self.secret.sign_mu(mu(self.public, tbs))

    text = sign_checkpoint(LOG.origin, 5, ROOT, NOW, Service())
    opened = open_checkpoint(text, KeySet([], [LogKey(LOG.origin, Service.public)]))
    assert (opened.size, opened.root, opened.at) == (5, ROOT, NOW)


def test_signing_refuses_what_could_not_be_opened() -> None:
    class Wrong:
        public = LOG.keypair.public

        def sign(self, tbs: bytes) -> bytes:
            return LOG.keypair.sign(tbs + b"\x00")

    with pytest.raises(SigningFailed):
        sign_checkpoint(LOG.origin, 5, ROOT, NOW, Wrong())
    good: dict[str, Any] = {"origin": LOG.origin, "size": 5, "root": ROOT, "at": NOW, "signer": LOG.keypair}
    for change in (
        {"origin": "a b"},
        {"origin": ""},
        {"size": -1},
        {"size": 2**63},
        {"size": 0},
        {"root": ROOT[1:]},
        {"at": datetime(2026, 1, 1)},  # the missing time zone is the case
        {"at": datetime(1970, 1, 1, tzinfo=UTC)},
        {"signer": OURS},
    ):
        with pytest.raises(EvidenceError):
            sign_checkpoint(**(good | change))
    sign_checkpoint(**(good | {"size": 0, "root": hashlib.sha256().digest()}))


def test_open() -> None:
    at = NOW + timedelta(milliseconds=999)
    text = LOG.checkpoint(at)
    wanted = Checkpoint(LOG.origin, 5, ROOT, NOW, LOG.key.key_id, text)
    assert open_checkpoint(text, TRUSTED) == wanted
    assert open_checkpoint(text.encode(), KeySet(KEYS, [OTHER_LOG.key, LOG.key]), LOG.origin) == wanted
    refused("other_log", lambda: open_checkpoint(text, TRUSTED, OTHER_LOG.origin))
    refused("log_key_unknown", lambda: open_checkpoint(text, KeySet([])))
    refused("log_key_unknown", lambda: open_checkpoint(text, KEYS))
    refused("log_key_unknown", lambda: open_checkpoint(text, KeySet([], [OTHER_LOG.key])))
    # The right name with another key, and the right key under another name.
    for stranger in (LogKey(LOG.origin, OTHER_LOG.keypair.public), LogKey("x.example/y", LOG.keypair.public)):
        refused("log_key_unknown", lambda one=stranger: open_checkpoint(text, KeySet([], [one])))  # type: ignore[misc] # a default binds


def key(**validity: Any) -> KeySet:
    return KeySet([], [LogKey(LOG.origin, LOG.keypair.public, **validity)])


@pytest.mark.parametrize(
    ("validity", "code"),
    [
        ({"status": "retired"}, None),
        ({"not_before": "2026-02-07T00:00:00Z", "not_after": "2026-02-07T00:00:01Z"}, None),
        ({"not_before": "2026-02-07T00:00:01Z"}, "outside_log_key_validity"),
        ({"not_after": "2026-02-07T00:00:00Z"}, "outside_log_key_validity"),
        ({"status": "revoked"}, "log_key_revoked"),
        # Whoever stole it can write any time.
        ({"status": "revoked", "revoked_at": "2027-01-01T00:00:00Z"}, "log_key_revoked"),
    ],
)
def test_validity_of_the_logs_key(validity: dict[str, Any], code: str | None) -> None:
    if code is None:
        assert open_checkpoint(CHECKPOINT, key(**validity)).at == NOW
    else:
        refused(code, lambda: open_checkpoint(CHECKPOINT, key(**validity)))


def line(keypair: KeyPair, size: int, seconds: int, name: str = LOG.origin) -> str:
    """A signature line over the checkpoint of LOG's first leaves, good in itself whatever it states."""
    signature = keypair.sign(cosigned(name, size, merkle.root(LOG.leaf_hashes[:size]), seconds))
    return note.NoteSignature(name, LogKey(name, keypair.public).note_id, struct.pack(">Q", seconds) + signature).line()


def test_of_several_signatures_the_earliest_counts_and_strangers_are_skipped() -> None:
    """As after a rotation of the log's key, or with witnesses."""
    rotated, witness = KeyPair.generate("ML-DSA-44"), KeyPair.generate("ML-DSA-44")
    text = CHECKPOINT + line(witness, 5, 7, "witness.example/w1") + line(rotated, 5, SECONDS - 60)
    assert open_checkpoint(text, TRUSTED).at == NOW
    both = KeySet([], [LOG.key, LogKey(LOG.origin, rotated.public)])
    assert open_checkpoint(text, both).at == NOW - timedelta(seconds=60)
    revoked = KeySet([], [LogKey(LOG.origin, rotated.public, status="revoked"), LOG.key])
    assert open_checkpoint(text, revoked).at == NOW
    # A trusted key's line that is not good spoils the note, whatever stands beside it.
    spoilt = text + line(rotated, 4, SECONDS)
    assert open_checkpoint(spoilt, TRUSTED).at == NOW
    refused("checkpoint_signature_invalid", lambda: open_checkpoint(spoilt, both))


@pytest.mark.parametrize("name", [LOG.origin, OTHER_LOG.origin])
def test_another_logs_trusted_key_signs_nothing_here(name: str) -> None:
    """Its owner signs the bytes of this log, and writes either name beside his own key's id."""
    message = cosigned(LOG.origin, 5, ROOT, SECONDS)
    signature = struct.pack(">Q", SECONDS) + OTHER_LOG.keypair.sign(message)
    text = CHECKPOINT.partition("\u2014")[0] + note.NoteSignature(name, OTHER_LOG.key.note_id, signature).line()
    refused("log_key_unknown", lambda: open_checkpoint(text, KeySet([], [LOG.key, OTHER_LOG.key])))


@pytest.mark.parametrize("seconds", [0, 253402300800, 2**63, 2**64 - 1])
def test_a_signature_that_states_no_time_dates_nothing(seconds: int) -> None:
    """Zero is how a cosigner says nothing of time; taken for 1970 it would be older than every revocation."""
    text = CHECKPOINT.partition("\u2014")[0] + line(LOG.keypair, 5, seconds)
    refused("checkpoint_time_missing", lambda: open_checkpoint(text, TRUSTED))


def changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


BODY, LINE = CHECKPOINT.split("\n\n")
NOT_CHECKPOINTS = {
    "nothing": "",
    "no signature": f"{BODY}\n\n",
    "one empty line": f"{BODY}\n{LINE}",
    "no newline at the end": CHECKPOINT[:-1],
    "text after it": f"{CHECKPOINT}x\n",
    "an empty line after it": f"{CHECKPOINT}\n",
    "carriage returns": CHECKPOINT.replace("\n", "\r\n"),
    "a tab": changed(CHECKPOINT, "\u2014 ", "\u2014\t"),
    "a null": changed(CHECKPOINT, "\n5\n", "\n5\0\n"),
    "a control character in a stranger's name": CHECKPOINT + note.NoteSignature("w\x01", bytes(4), bytes(9)).line(),
    "a lone surrogate in a stranger's name": CHECKPOINT + note.NoteSignature("w\ud800", bytes(4), bytes(9)).line(),
    "a hyphen for the dash": changed(CHECKPOINT, "\u2014", "-"),
    "a lone surrogate": changed(CHECKPOINT, "acme\n", "acme\ud800\n"),
    "not UTF-8": changed(CHECKPOINT, "acme", "acm\u00e9").encode().replace(b"\xc3\xa9", b"\xe9"),
    "an extension line": f"{BODY}\nrevoked: none\n\n{LINE}",
    "two lines": "\n".join(BODY.split("\n")[:2]) + f"\n\n{LINE}",
    "zeros before the size": changed(CHECKPOINT, "\n5\n", "\n05\n"),
    "a sign": changed(CHECKPOINT, "\n5\n", "\n+5\n"),
    "other digits": changed(CHECKPOINT, "\n5\n", "\n\u0665\n"),
    "a huge size": changed(CHECKPOINT, "\n5\n", f"\n{2**63}\n"),
    "thousands of digits": changed(CHECKPOINT, "\n5\n", f"\n{'9' * 5000}\n"),
    "a short root": changed(CHECKPOINT, base64.b64encode(ROOT).decode(), base64.b64encode(ROOT[:31]).decode()),
    "an empty tree with a root": changed(CHECKPOINT, "\n5\n", "\n0\n"),
    "a root without padding": changed(CHECKPOINT, "=\n\n", "\n\n"),
    "no name": changed(CHECKPOINT, LOG.origin, ""),
    "a name with a space": changed(CHECKPOINT, "acme\n", "a cme\n"),
    "a signature of nothing": f"{BODY}\n\n\u2014 {LOG.origin} {base64.b64encode(LOG.key.note_id).decode()}\n",
    "base64 with surplus padding": changed(CHECKPOINT, LINE, LINE[:-1] + "====\n"),
    "too long": CHECKPOINT + LINE * 80,
}


@pytest.mark.parametrize("name", NOT_CHECKPOINTS)
def test_not_a_checkpoint(name: str) -> None:
    refused("checkpoint_malformed", lambda: open_checkpoint(NOT_CHECKPOINTS[name], TRUSTED))


@pytest.mark.parametrize(
    "text",
    [
        changed(CHECKPOINT, "\n5\n", "\n6\n"),
        changed(CHECKPOINT, base64.b64encode(ROOT).decode(), base64.b64encode(bytes(32)).decode()),
        f"{BODY}\n\n{note.NoteSignature(LOG.origin, LOG.key.note_id, bytes(8)).line()}",
        f"{BODY}\n\n{note.NoteSignature(LOG.origin, LOG.key.note_id, bytes(2428)).line()}",
        f"{BODY}\n\n{note.NoteSignature(LOG.origin, LOG.key.note_id, b'x').line()}",
    ],
    ids=range(5),
)
def test_what_the_key_did_not_sign(text: str) -> None:
    refused("checkpoint_signature_invalid", lambda: open_checkpoint(text, TRUSTED))


def test_every_byte_of_a_checkpoint_counts() -> None:
    """No change of one bit in text or signature opens; only a key id that is nobody's gives another code."""
    for place, byte in enumerate(CHECKPOINT.encode()):
        if place > 200 and place % 40:
            continue  # the signature's base64 is all alike
        data = bytearray(CHECKPOINT.encode())
        data[place] = byte ^ 1
        with pytest.raises(NotShown):
            open_checkpoint(bytes(data), TRUSTED)


def test_inclusion() -> None:
    for index, bundle in enumerate(BUNDLES):
        proof = LOG.proof(index)
        for text in (proof, proof.encode()):
            assert check_inclusion(text, entry(bundle), TRUSTED, LOG.origin).size == 5
        for other in BUNDLES[:index] + BUNDLES[index + 1 :]:
            refused("not_in_log", lambda text=proof, one=other: check_inclusion(text, entry(one), TRUSTED))  # type: ignore[misc] # a default binds
        refused("other_log", lambda text=proof: check_inclusion(text, entry(BUNDLES[0]), TRUSTED, "x.example"))  # type: ignore[misc]


def test_a_proof_is_what_c2sp_says() -> None:
    header, index, *path = PROOF.split("\n\n")[0].split("\n")
    assert (header, index) == ("c2sp.org/tlog-proof@v1", "index 3")
    assert [base64.b64decode(one) for one in path] == merkle.inclusion_path(3, LOG.leaf_hashes)
    assert PROOF.split("\n\n", 1)[1].partition("\n\n")[0] == CHECKPOINT.partition("\n\n")[0]
    assert read_proof(PROOF).index == 3
    extra = changed(PROOF, "index", "extra AAEC\nindex")
    assert read_proof(extra) == read_proof(PROOF)
    assert check_inclusion(extra, entry(BUNDLES[3]), TRUSTED).size == 5


def test_a_proof_of_the_only_entry_has_no_path() -> None:
    log = Log(signed())
    proof = log.proof(0)
    assert proof.startswith("c2sp.org/tlog-proof@v1\nindex 0\n\nevidence.example")
    assert check_inclusion(proof, entry(signed()), KeySet([], [log.key])).size == 1


def test_a_proof_under_an_older_checkpoint() -> None:
    old = LOG.proof(1, NOW - timedelta(days=9), size=2)
    assert check_inclusion(old, entry(BUNDLES[1]), TRUSTED).at == NOW - timedelta(days=9)
    for wrong in (
        lambda: LOG.proof(2, size=2),
        lambda: LOG.proof(-1),
        lambda: inclusion_proof(LOG.leaf_hashes[:4], 0, CHECKPOINT),
        lambda: inclusion_proof([*LOG.leaf_hashes[:4], bytes(32)], 0, CHECKPOINT),
    ):
        with pytest.raises(EvidenceError):
            wrong()


PATH = PROOF.split("\n\n")[0].split("\n")[2]
NOT_PROOFS = {
    "nothing": "",
    "a checkpoint": CHECKPOINT,
    "another version": changed(PROOF, "@v1", "@v2"),
    "no index": changed(PROOF, "index 3\n", ""),
    "zeros before the index": changed(PROOF, "index 3", "index 03"),
    "a negative index": changed(PROOF, "index 3", "index -3"),
    "a huge index": changed(PROOF, "index 3", f"index {2**63}"),
    "two indexes": changed(PROOF, "index 3\n", "index 3\nindex 3\n"),
    "no checkpoint": PROOF.split("\n\n")[0],
    "an empty extra": changed(PROOF, "index", "extra \nindex"),
    "a bad extra": changed(PROOF, "index", "extra ???\nindex"),
    "two extras": changed(PROOF, "index", "extra AAEC\nextra AAEC\nindex"),
    "a short hash": changed(PROOF, PATH, "AAAA"),
    "a hash spelled otherwise": changed(PROOF, PATH, PATH[:-1]),
    "64 hashes": changed(PROOF, PATH, "\n".join([PATH] * 62)),
    "carriage returns": PROOF.replace("\n", "\r\n"),
    "not UTF-8": b"\xff" + PROOF.encode(),
    "too long": PROOF + "x" * note.MAX_CHARACTERS,
}


@pytest.mark.parametrize("name", NOT_PROOFS)
def test_not_a_proof(name: str) -> None:
    refused("proof_malformed", lambda: check_inclusion(NOT_PROOFS[name], entry(BUNDLES[3]), TRUSTED))


def test_proofs_that_show_nothing() -> None:
    logged = entry(BUNDLES[3])
    for text in (
        changed(PROOF, "index 3", "index 2"),
        changed(PROOF, "index 3", "index 5"),
        changed(PROOF, f"{PATH}\n", ""),
        changed(PROOF, f"{PATH}\n", f"{PATH}\n{PATH}\n"),
        changed(PROOF, PATH, base64.b64encode(bytes(32)).decode()),
        PROOF.split("\n\n", 1)[0] + "\n\n" + LOG.checkpoint(size=4),
    ):
        refused("not_in_log", lambda one=text: check_inclusion(one, logged, TRUSTED))  # type: ignore[misc]
    elsewhere = PROOF.split("\n\n", 1)[0] + "\n\n" + OTHER_LOG.checkpoint()
    refused("log_key_unknown", lambda: check_inclusion(elsewhere, logged, TRUSTED))


def test_consistency() -> None:
    opened = [open_checkpoint(LOG.checkpoint(size=size), TRUSTED) for size in range(6)]
    for new in range(6):
        for old in range(new + 1):
            path = consistency(LOG.leaf_hashes[:new], old)
            verify_consistency(opened[old], opened[new], path)
            if old < new:
                refused("log_shrank", lambda o=old, n=new, p=path: verify_consistency(opened[n], opened[o], p))  # type: ignore[misc]
            refused(
                "log_rewritten",
                lambda o=old, n=new, p=path: verify_consistency(opened[o], opened[n], [*p, bytes(32)]),  # type: ignore[misc]
            )
    forked = Checkpoint(LOG.origin, 5, bytes(32), NOW, LOG.key.key_id, "")
    refused("log_rewritten", lambda: verify_consistency(opened[5], forked, []))
    refused("log_rewritten", lambda: verify_consistency(opened[3], forked, consistency(LOG.leaf_hashes, 3)))
    other = open_checkpoint(OTHER_LOG.checkpoint(), KeySet([], [OTHER_LOG.key]))
    refused("other_log", lambda: verify_consistency(opened[5], other, []))


def test_leaf_hash_is_of_rfc_9162() -> None:
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"


SPLICES = st.lists(
    st.tuples(st.integers(0, len(PROOF)), st.integers(0, 40), st.text(max_size=12) | st.sampled_from(["\n", "\n\n"])),
    min_size=1,
    max_size=4,
)


@settings(max_examples=120, deadline=None, database=None)
@given(base=st.sampled_from([PROOF, CHECKPOINT, LOG.proof(0, size=1)]), splices=SPLICES, arbitrary=st.text(max_size=60))
def test_no_text_raises_anything_else(base: str, splices: list[tuple[int, int, str]], arbitrary: str) -> None:
    """And none that differs from an honest one in what is signed comes through."""
    text = base
    for place, length, put in splices:
        text = text[:place] + put + text[place + length :]
    for one in (text, arbitrary, text.encode("utf-8", "replace")):
        for judge in (lambda t: open_checkpoint(t, TRUSTED), lambda t: check_inclusion(t, entry(BUNDLES[3]), TRUSTED)):
            try:
                opened = judge(one)
            except NotShown:
                continue
            assert (opened.origin, opened.root) == (LOG.origin, merkle.root(LOG.leaf_hashes[: opened.size]))


@settings(max_examples=60, deadline=None, database=None)
@given(data=st.binary(max_size=80))
def test_no_bytes_raise_anything_else(data: bytes) -> None:
    for judge in (lambda d: open_checkpoint(d, TRUSTED), read_proof):
        with pytest.raises(NotShown):
            judge(data)
