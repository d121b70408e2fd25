"""Signing: one signature over COSE's Sig_structure (RFC 9052 section 4.4) serves every export of a bundle.

Its protected header carries the algorithm, the content type with the format's version, and the key id, so none of
them can be exchanged. ML-DSA-65 is COSE algorithm -49 (RFC 9964). Ed25519 is -19, the fully specified identifier of
RFC 9864, which retired the polymorphic -8 (EdDSA).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import cbor2

from qcos_evidence.bundle import check, content
from qcos_evidence.canonical import MAX_BYTES, canonical, plain
from qcos_evidence.errors import EvidenceError, SigningFailed
from qcos_evidence.keys import Algorithm, Signer
from qcos_evidence.schema import VERSION

CONTENT_TYPE = f"application/vnd.qcos.evidence+json; version={VERSION}"
COSE_ALGORITHMS: dict[Algorithm, int] = {"ML-DSA-65": -49, "Ed25519": -19}

# COSE header labels (RFC 9052 section 3.1).
_ALG, _CONTENT_TYPE, _KID = 1, 3, 4


def to_be_signed(bundle: Mapping[str, Any], key_id: str, algorithm: Algorithm) -> bytes:
    """The bytes a signature covers: ``["Signature1", protected, h'', content]`` in CBOR.

    Args:
        bundle: with or without ``signatures``, which are left out.
        key_id: the signing key's thumbprint; its ASCII bytes are the COSE key id.
    Raises:
        EvidenceError: the bundle has no canonical bytes.
    """
    # These integer keys sort alike under both of CBOR's canonical orders, and nothing here is a float.
    protected = cbor2.dumps(
        {_ALG: COSE_ALGORITHMS[algorithm], _CONTENT_TYPE: CONTENT_TYPE, _KID: key_id.encode("ascii")}, canonical=True
    )
    return cbor2.dumps(["Signature1", protected, b"", content(bundle)], canonical=True)


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
            "signature": f"base64:{base64.b64encode(signature).decode()}",
        }
    }
    if len(canonical(signed)) > MAX_BYTES:
        raise EvidenceError(f"a signed bundle is at most {MAX_BYTES} bytes long")
    return signed
