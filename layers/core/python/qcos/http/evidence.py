"""Evidence bundles: fetch one, have one judged, and the keys with which anybody can judge them offline."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from qcos.errors import BundleNotFound, ValidationFailed
from qcos.http import body, envelope
from qcos.http.caller import needs
from qcos.http.documented import answers, plain, taking
from qcos.http.schemas import BUNDLE_ID, Bundle, KeySet, Verdict, VerifyRequest
from qcos.models import Caller

if TYPE_CHECKING:
    from qcos.service.evidence import EvidenceDesk

Reader = Annotated[Caller, Depends(needs("evidence:read"))]
BundleId = Annotated[str, Path(description="Id of a bundle, as its job names it", examples=[BUNDLE_ID])]
KEYS_FRESH_S = 300

_BUNDLE_ID = re.compile(r"ev_[0-9A-Za-z_-]{1,64}", re.ASCII)


def router(desk: Callable[[], EvidenceDesk]) -> APIRouter:
    """``/api/v2/evidence`` and the published keys; ``desk`` gives the use case when a request needs it."""
    routes = APIRouter(tags=["Evidence"])

    # Before /{bundle_id}, which would take "verify" for an id.
    @routes.post(
        "/api/v2/evidence/verify",
        summary="Verify an evidence bundle",
        responses=answers(Verdict, "VALIDATION_ERROR", "PAYLOAD_TOO_LARGE", "UNAVAILABLE"),
        openapi_extra=taking(VerifyRequest),
    )
    async def verify_bundle(request: Request, caller: Reader) -> Response:
        """Judges by the published keys only. A bundle that fails is a 200 with valid: false and the reasons."""
        document = await body.text(request)
        body.validated(VerifyRequest, body.parse(document))
        return envelope.success(_judged(desk(), body.member(document, "bundle")))

    @routes.get(
        "/api/v2/evidence/{bundle_id}",
        summary="An evidence bundle",
        responses=answers(Bundle, "BUNDLE_NOT_FOUND", "UNAVAILABLE"),
    )
    async def get_bundle(bundle_id: BundleId, caller: Reader) -> Response:
        """The data is the bundle exactly as it was signed; save it and verify it offline with the published keys."""
        if not _BUNDLE_ID.fullmatch(bundle_id):
            raise BundleNotFound("There is no evidence bundle of that id. A completed job names its own.")
        return envelope.success_text(desk().bundle(caller.tenant, bundle_id))

    @routes.get("/.well-known/jwks.json", summary="The published keys", responses=plain(KeySet))
    async def get_keys() -> Response:
        """Every public key that ever signed evidence here, as a JWK set without envelope. Needs no API key."""
        return envelope.bare(desk().jwks(), cache_s=KEYS_FRESH_S)

    return routes


def _judged(desk: EvidenceDesk, bundle: str) -> dict[str, Any]:
    """The verdict on the bundle's own text, so that what the verifier's stricter reading refuses reaches it.

    Raises:
        ValidationFailed: there is no single well-defined bundle to judge.
    """
    try:
        return desk.verify(bundle.encode("utf-8"))
    except ValueError as problem:
        rule = getattr(problem, "code", None)
        if rule is None:
            raise
        message = f"The bundle cannot be judged: {problem}."
        raise ValidationFailed(message, [{"field": "bundle", "message": message, "rule": str(rule)}]) from None
