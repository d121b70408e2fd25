"""Evidence bundles: what a quantum circuit did, signed so that a stranger can check it offline.

Assemble and sign::

    bundle = assemble(bundle_id=..., created_at=..., circuit_hash=..., execution_proof=..., event_log=..., issuer=...,
                      job_id=...)
    signed = sign(bundle, LocalSigner(KeyPair.generate("ML-DSA-65")))

Verify::

    verdict = verify(data, KeySet.from_jwks(jwks), now=datetime.now(UTC))
    print(report(verdict))

``data`` is a bundle in any form: JSON, CBOR (:mod:`qcos_evidence.cbor`), COSE (:mod:`qcos_evidence.cose`), or the page
as PDF (:mod:`qcos_evidence.pdf`, which takes two packages more and is imported by whoever makes pages).

That a log held the bundle, and since when, is shown by a proof: :mod:`qcos_evidence.transparency`; the log as static
files is :mod:`qcos_evidence.tiles`.
"""

from qcos_evidence.algorithms import mu, spki_to_public
from qcos_evidence.bundle import assemble, digest, event_hash, event_log, sha3_256
from qcos_evidence.canonical import canonical, parse
from qcos_evidence.errors import EvidenceError, Malformed, NotShown, SigningFailed
from qcos_evidence.form import Form, read, write
from qcos_evidence.keys import KeyPair, KeySet, LocalSigner, PublicKey, Signer
from qcos_evidence.log_key import LogKey, LogSigner
from qcos_evidence.schema import Reason
from qcos_evidence.signing import sign, to_be_signed
from qcos_evidence.verification import Verdict, report, signed_parts, verify

__all__ = [
    "EvidenceError",
    "Form",
    "KeyPair",
    "KeySet",
    "LocalSigner",
    "LogKey",
    "LogSigner",
    "Malformed",
    "NotShown",
    "PublicKey",
    "Reason",
    "Signer",
    "SigningFailed",
    "Verdict",
    "assemble",
    "canonical",
    "digest",
    "event_hash",
    "event_log",
    "mu",
    "parse",
    "read",
    "report",
    "sha3_256",
    "sign",
    "signed_parts",
    "spki_to_public",
    "to_be_signed",
    "verify",
    "write",
]
