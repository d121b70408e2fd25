"""Signing: one signature over COSE's Sig_structure (see :mod:`qcos_evidence.cose`) serves every form of a bundle."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from qcos_evidence import cose
from qcos_evidence.algorithms import Algorithm
from qcos_evidence.bundle import check, content
from qcos_evidence.canonical import MAX_BYTES, canonical, plain
from qcos_evidence.errors import EvidenceError, SigningFailed
from qcos_evidence.keys import Signer
from qcos_evidence.schema import SIGNATURE_PREFIX


def to_be_signed(bundle: Mapping[str, Any], key_id: str, algorithm: Algorithm) -> bytes:
    """The bytes a signature covers: ``["Signature1", protected, h'', content]`` in CBOR.

    Args:
        bundle: with or without ``signatures``, which are left out.
        key_id: the signing key's thumbprint; its ASCII bytes are the COSE key id.
    Raises:
        EvidenceError: the bundle has no canonical bytes.
    """
    return cose.sig_structure(cose.protected_header(algorithm, key_id), content(bundle))


def sign(bundle: Mapping[str, Any], signer: Signer) -> dict[str, Any]:
    """A copy of ``bundle`` with ``signatures``: algorithm, key id and ``base64:`` signature.

    The signature is verified before it is handed back: a damaged secret key signs without complaint.

    Raises:
        EvidenceError: the bundle is signed already, breaks the format's rules or would be longer than 256 KiB.
        SigningFailed: what the signer returned does not verify.
    """
    if "signatures" in bundle:
        raise EvidenceError("the bundle is signed already")
    unsigned = plain(bundle)
    check(unsigned)
    key = signer.public_key
    tbs = to_be_signed(unsigned, key.key_id, key.algorithm)
    signature = signer.sign(tbs)
    if not isinstance(signature, bytes) or not key.verify(tbs, signature):
        raise SigningFailed(f"the signature by key {key.key_id} does not verify")
    signed = unsigned | {
        "signatures": {
            "algorithm": key.algorithm,
            "key_id": key.key_id,
            "signature": SIGNATURE_PREFIX + base64.b64encode(signature).decode(),
        }
    }
    if len(canonical(signed)) > MAX_BYTES:
        raise EvidenceError(f"a signed bundle is at most {MAX_BYTES} bytes long")
    return signed
