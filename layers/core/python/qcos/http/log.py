"""The tenant's transparency log in the formats of C2SP: checkpoints, tiles, and the proof beside each bundle."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import Response

from qcos.http import envelope, etag
from qcos.http.caller import needs
from qcos.http.documented import answers, files, refusals, text, unchanged
from qcos.http.evidence import BundleId, check_bundle_id
from qcos.http.examples import CHECKPOINT, PROOF
from qcos.http.requests import ConsistencyQuery, Number
from qcos.http.schemas import Consistency
from qcos.models import Caller

if TYPE_CHECKING:
    from qcos.service.transparency import Transparency

Reader = Annotated[Caller, Depends(needs("evidence:read"))]
Size = Annotated[Number, Path(ge=1, le=2**53 - 1, description="Number of entries")]

FOR_EVER = "private, max-age=31536000, immutable"
"""What the log said once it never says differently."""


def router(log: Callable[[], Transparency]) -> APIRouter:
    """``/api/v2/log`` and the proofs of bundles; ``log`` gives the use case when a request needs it."""
    routes = APIRouter(tags=["Transparency log"])

    @routes.get(
        "/api/v2/evidence/{bundle_id}/proof",
        summary="That a bundle is in the transparency log",
        response_class=Response,
        responses=text(PROOF) | refusals("BUNDLE_NOT_FOUND", "NOT_LOGGED", "UNAVAILABLE") | unchanged(),
    )
    async def get_bundle_proof(bundle_id: BundleId, request: Request, caller: Reader) -> Response:
        """A tlog-proof (c2sp.org/tlog-proof@v1) under the earliest checkpoint that covers the bundle.

        Keep it beside the bundle: with it the bundle can be believed even if its key is revoked later. 409 with
        Retry-After means that the bundle was signed a moment ago and is about to be logged.
        """
        check_bundle_id(bundle_id)
        return etag.tagged(request, _text(log().proof(caller.tenant, bundle_id)))

    @routes.get(
        "/api/v2/log/checkpoint",
        summary="The latest checkpoint of the transparency log",
        response_class=Response,
        responses=text(CHECKPOINT) | refusals("CHECKPOINT_NOT_FOUND", "UNAVAILABLE") | unchanged(),
    )
    async def get_checkpoint(request: Request, caller: Reader) -> Response:
        """A signed note (c2sp.org/tlog-checkpoint) over everything that is in the log by now.

        Its key is the one with the member qcos:log among the published keys. Keep checkpoints: two of them, and the
        consistency of their sizes, show that nothing was taken out of the log or put in later.
        """
        return etag.tagged(request, _text(log().latest(caller.tenant)))

    @routes.get(
        "/api/v2/log/checkpoint/{size}",
        summary="The checkpoint of a size",
        response_class=Response,
        responses=text(CHECKPOINT) | refusals("CHECKPOINT_NOT_FOUND", "UNAVAILABLE") | unchanged(),
    )
    async def get_checkpoint_of_size(size: Size, request: Request, caller: Reader) -> Response:
        """As it was signed then. Not every size has one."""
        return etag.tagged(request, _kept(_text(log().of_size(caller.tenant, size))))

    @routes.get(
        "/api/v2/log/consistency",
        summary="That the log only grew between two sizes",
        responses=answers(Consistency, "CHECKPOINT_NOT_FOUND", "UNAVAILABLE") | unchanged(),
    )
    async def get_consistency(
        query: Annotated[ConsistencyQuery, Query()], request: Request, caller: Reader
    ) -> Response:
        """The path of RFC 9162 section 2.1.4: the tree of `to` entries begins with the tree of `from`."""
        found = log().consistency(caller.tenant, query.old, query.new)
        return etag.tagged(request, _kept(envelope.success(found)))

    @routes.get(
        "/api/v2/log/tile/{path:path}",
        summary="A tile of the log",
        response_class=Response,
        responses=files("application/octet-stream") | refusals("NOT_FOUND", "UNAVAILABLE") | unchanged(),
    )
    async def get_tile(
        path: Annotated[str, Path(description="As in c2sp.org/tlog-tiles", examples=["0/000.p/1", "entries/x001/234"])],
        request: Request,
        caller: Reader,
    ) -> Response:
        """Hashes, or below entries/ the entries themselves, as c2sp.org/tlog-tiles has them: all proofs can be made
        from them. The log's address for tools of C2SP is /api/v2/log.
        """
        data = log().tile(caller.tenant, path)
        return etag.tagged(request, _kept(Response(data, media_type="application/octet-stream")))

    return routes


def _text(content: str) -> Response:
    return Response(content, media_type="text/plain")


def _kept(response: Response) -> Response:
    response.headers["Cache-Control"] = FOR_EVER
    return response
