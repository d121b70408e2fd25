"""COSE (RFC 9052): what is signed, and a bundle as a COSE_Sign1 message that any RFC 9964 library verifies.

The protected header carries the algorithm, the content type with the format's version, and the key id, so none of
them can be exchanged. ML-DSA-65 is COSE algorithm -49 (RFC 9964). Ed25519 is -19, the fully specified identifier of
RFC 9864, which retired the polymorphic -8 (EdDSA). The payload is the RFC 8785 JSON of the bundle without
``signatures``: the message holds the very signature that the JSON holds.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

from qcos_evidence.algorithms import SIGNATURE_BYTES, Algorithm
from qcos_evidence.bundle import content
from qcos_evidence.canonical import MAX_BYTES, canonical, parse
from qcos_evidence.cbor import decode, encode
from qcos_evidence.encoding import decode_base64
from qcos_evidence.errors import EvidenceError, Malformed
from qcos_evidence.schema import SIGNATURE_PREFIX, VERSION

CONTENT_TYPE = f"application/vnd.qcos.evidence+json; version={VERSION}"
COSE_ALGORITHMS: dict[Algorithm, int] = {"ML-DSA-65": -49, "Ed25519": -19}

# COSE header labels (RFC 9052 section 3.1).
_ALG, _CONTENT_TYPE, _KID = 1, 3, 4
# Tag 18, COSE_Sign1, in its one-byte form.
TAG = b"\xd2"
# Headers and signature come on top of the payload.
_MAX_BYTES = MAX_BYTES + 8192


def protected_header(algorithm: Algorithm, key_id: str) -> bytes:
    """The protected header as its CBOR map; the key id's ASCII bytes are the COSE ``kid``."""
    return encode({_ALG: COSE_ALGORITHMS[algorithm], _CONTENT_TYPE: CONTENT_TYPE, _KID: key_id.encode("ascii")})


def sig_structure(protected: bytes, payload: bytes) -> bytes:
    """The bytes a signature covers, ``["Signature1", protected, h'', payload]`` (RFC 9052 section 4.4)."""
    return encode(["Signature1", protected, b"", payload])


def dumps(bundle: Mapping[str, Any]) -> bytes:
    """A signed bundle as a tagged COSE_Sign1 message.

    Raises:
        EvidenceError: its ``signatures`` are not of the form that signing gives them.
    """
    signatures = bundle.get("signatures")
    signatures = signatures if isinstance(signatures, Mapping) else {}
    key_id, text = signatures.get("key_id"), signatures.get("signature")
    algorithm = next((name for name in COSE_ALGORITHMS if name == signatures.get("algorithm")), None)
    if algorithm is None or len(signatures) != 3 or not isinstance(key_id, str) or not isinstance(text, str):
        raise EvidenceError("the bundle is not signed")
    signature = decode_base64(text.removeprefix(SIGNATURE_PREFIX), SIGNATURE_BYTES[algorithm])
    if signature is None or not key_id.isascii() or not text.startswith(SIGNATURE_PREFIX):
        raise EvidenceError("the bundle's signature is not of the documented form")
    return TAG + encode([protected_header(algorithm, key_id), {}, content(bundle), signature])


def loads(data: bytes) -> dict[str, Any]:
    """The bundle in a COSE_Sign1 message, its signature not yet judged.

    An algorithm that bundles are not signed with comes out as ``COSE`` and its number, which no key allows.

    Raises:
        Malformed: ``too_large``; ``not_deterministic_cbor``; ``not_cose_evidence``, which is another structure, a
            header that is not ours (unprotected ones are not signed) or a payload not in canonical form; or a code
            of :func:`~qcos_evidence.canonical.parse`.
    """
    if len(data) > _MAX_BYTES:
        raise Malformed("too_large", f"the message is longer than {_MAX_BYTES} bytes")
    if not data.startswith(TAG):
        raise _refused("the message is not tagged as COSE_Sign1")
    match decode(data[len(TAG) :]):
        case [bytes() as protected, dict() as unprotected, bytes() as payload, bytes() as signature]:
            pass
        case _:
            raise _refused("the message is not a COSE_Sign1 with its payload inside")
    if unprotected:
        raise _refused("the message has unprotected headers, which are not signed")
    algorithm, key_id = _read_header(protected)
    bundle = parse(payload)
    if "signatures" in bundle or not _is_canonical(bundle, payload):
        raise _refused("the payload is not the RFC 8785 JSON of a bundle without signatures")
    text = SIGNATURE_PREFIX + base64.b64encode(signature).decode()
    return bundle | {"signatures": {"algorithm": algorithm, "key_id": key_id, "signature": text}}


def _read_header(protected: bytes) -> tuple[str, str]:
    """Algorithm and key id of a protected header that holds those and our content type, nothing else."""
    match decode(protected):
        case {1: int() as number, 3: str() as content_type, 4: bytes() as kid, **others} if not others:
            pass
        case _:
            raise _refused("the protected header must hold alg, content type and kid, and nothing else")
    if content_type != CONTENT_TYPE or not kid.isascii():
        raise _refused(f"the content type must be {CONTENT_TYPE}, and kid ASCII")
    key_id = kid.decode("ascii")
    algorithm = next((name for name, known in COSE_ALGORITHMS.items() if known == number), None)
    if algorithm is None:
        return f"COSE {number}", key_id
    # Python takes true for 1, here a label: only the same bytes are the header that is signed.
    if protected != protected_header(algorithm, key_id):
        raise _refused("the protected header must hold alg, content type and kid, and nothing else")
    return algorithm, key_id


def _is_canonical(bundle: Mapping[str, Any], payload: bytes) -> bool:
    try:
        return canonical(bundle) == payload
    except EvidenceError:
        return False


def _refused(message: str) -> Malformed:
    return Malformed("not_cose_evidence", message)
