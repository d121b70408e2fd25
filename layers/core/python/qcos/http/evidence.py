"""Evidence bundles: fetch one, have one judged, and the keys with which anybody can judge them offline."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from qcos.errors import BundleNotFound, ValidationFailed
from qcos.http import body, envelope, etag
from qcos.http.caller import needs
from qcos.http.documented import answers, elsewhere, files, plain, refusals, taking, unchanged
from qcos.http.requests import ExportQuery, VerifyRequest
from qcos.http.schemas import BUNDLE_ID, Bundle, ExportLink, KeySet, Verdict
from qcos.models import Caller
from qcos.service.evidence import LINK_S

if TYPE_CHECKING:
    from qcos.service.evidence import EvidenceDesk, Export

Reader = Annotated[Caller, Depends(needs("evidence:read"))]
BundleId = Annotated[str, Path(description="Id of a bundle, as its job names it", examples=[BUNDLE_ID])]
KEYS_FRESH_S = 300
_FILE_TYPES = ("application/json", "application/cbor", "application/cose", "application/pdf")

_BUNDLE_ID = re.compile(r"ev_[0-9A-Za-z_-]{1,64}", re.ASCII)


def router(desk: Callable[[], EvidenceDesk]) -> APIRouter:
    """``/api/v2/evidence`` and the published keys; ``desk`` gives the use case when a request needs it."""
    routes = APIRouter(tags=["Evidence"])

    @routes.post(
        "/api/v2/evidence/verify",
        summary="Verify an evidence bundle",
        responses=answers(Verdict, "PAYLOAD_TOO_LARGE", "UNAVAILABLE"),
        openapi_extra=taking(VerifyRequest),
    )
    async def verify_bundle(request: Request, caller: Reader) -> Response:
        """Judges by the published keys only. A bundle that fails is a 200 with valid: false and the reasons."""
        document = await body.text(request)
        wanted = body.validated(VerifyRequest, body.parse(document))
        given = wanted.model_dump(exclude={"bundle"})
        return envelope.success(_judged(desk(), _bundle(body.member(document, "bundle")), given))

    # Or GET /api/v2/evidence/{bundle_id}, which comes later, would take "verify" for an id.
    @routes.get("/api/v2/evidence/verify", include_in_schema=False)
    async def no_verdict() -> Response:
        raise HTTPException(405)

    @routes.get(
        "/api/v2/evidence/export/{bundle_id}",
        summary="An evidence bundle as a file",
        responses=files(*_FILE_TYPES)
        | elsewhere(ExportLink)
        | refusals("BUNDLE_NOT_FOUND", "CONFLICT", "PAYLOAD_TOO_LARGE", "UNAVAILABLE")
        | unchanged(),
    )
    async def export_bundle(
        bundle_id: BundleId, query: Annotated[ExportQuery, Query()], request: Request, caller: Reader
    ) -> Response:
        """JSON, CBOR, COSE (RFC 9052, RFC 9964) or one page as PDF/A-3 with the bundle and the result attached.

        Send an Accept header that allows the type. A file over 4 MB, a page with a long result, is stored and
        answered by 303: Location is a link that works for 15 minutes and wants no key. The first export of each form
        is told in the job's log.
        """
        check_bundle_id(bundle_id)
        file = desk().export(caller, bundle_id, query.format)
        if file.url is not None:
            return envelope.elsewhere(file.url, _link(file))
        headers = {"Content-Disposition": f'attachment; filename="{file.file_name}"'}
        return etag.tagged(request, Response(file.data, media_type=file.media_type, headers=headers))

    @routes.get(
        "/api/v2/evidence/{bundle_id}",
        summary="An evidence bundle",
        responses=answers(Bundle, "BUNDLE_NOT_FOUND", "UNAVAILABLE") | unchanged(),
    )
    async def get_bundle(bundle_id: BundleId, request: Request, caller: Reader) -> Response:
        """The data is the bundle exactly as it was signed; save it and verify it offline with the published keys."""
        check_bundle_id(bundle_id)
        return etag.tagged(request, envelope.success_text(desk().bundle(caller.tenant, bundle_id)))

    @routes.get("/.well-known/jwks.json", summary="The published keys", responses=plain(KeySet) | unchanged())
    async def get_keys(request: Request) -> Response:
        """Every public key that ever signed evidence here, as a JWK set without envelope. Needs no API key."""
        return etag.tagged(request, envelope.bare(desk().jwks(), cache_s=KEYS_FRESH_S))

    return routes


def _link(file: Export) -> dict[str, Any]:
    return {
        "url": file.url,
        "expires_in_s": LINK_S,
        "file_name": file.file_name,
        "media_type": file.media_type,
        "size": file.size,
        "digest": file.digest,
    }


def check_bundle_id(bundle_id: str) -> None:
    """Raise :class:`BundleNotFound` if no bundle can have that id."""
    if not _BUNDLE_ID.fullmatch(bundle_id):
        raise BundleNotFound("There is no evidence bundle of that id. A completed job names its own.")


def _bundle(text: str) -> bytes:
    """The bundle's own bytes: an object's text as it was sent, or the file that text carries in base64."""
    if not text.startswith('"'):
        return text.encode("utf-8")
    try:
        return base64.b64decode(json.loads(text).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        message = "must be an object, or a file in base64"
        raise ValidationFailed(
            f"The bundle {message}.", [{"field": "bundle", "message": message, "rule": "base64"}]
        ) from None


def _judged(desk: EvidenceDesk, bundle: bytes, given: dict[str, str | None]) -> dict[str, Any]:
    """The verdict on the bundle's own bytes, so that what the verifier's stricter reading refuses reaches it.

    Raises:
        ValidationFailed: there is no single well-defined bundle to judge.
    """
    try:
        return desk.verify(bundle, **given)
    except ValueError as problem:
        rule = getattr(problem, "code", None)
        if rule is None:
            raise
        message = f"The bundle cannot be judged: {problem}."
        raise ValidationFailed(message, [{"field": "bundle", "message": message, "rule": str(rule)}]) from None
