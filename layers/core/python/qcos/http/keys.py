"""API keys: make one, see which there are, revoke one. All of it needs the scope admin, which holds every other."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from qcos.errors import KeyNotFound
from qcos.http import body, envelope, present
from qcos.http.caller import ADMIN, needs
from qcos.http.documented import answers, follow, taking
from qcos.http.requests import KeyRequest
from qcos.http.schemas import KeyLine, KeyList, KeyMade
from qcos.models import Caller

if TYPE_CHECKING:
    from qcos.service.keys import Keys

Admin = Annotated[Caller, Depends(needs(ADMIN))]
KeyId = Annotated[str, Path(description="Public id of a key: the part after qcos_live_", examples=["4fGh7Kd2"])]

_KEY_ID = re.compile(r"[0-9A-Za-z]{8}", re.ASCII)


def router(keys: Callable[[], Keys]) -> APIRouter:
    """``/api/v2/keys``; ``keys`` gives the use case when a request needs it."""
    routes = APIRouter(prefix="/api/v2/keys", tags=["Keys"])

    @routes.post(
        "",
        summary="Make an API key",
        responses=follow(answers(KeyMade, "PAYLOAD_TOO_LARGE"), "key_id", "revoke_key"),
        openapi_extra=taking(KeyRequest),
    )
    async def make_key(request: Request, caller: Admin) -> Response:
        """The key's text is in this answer and nowhere else: keep it. A request that is repeated makes another key."""
        wanted = body.validated(KeyRequest, body.parse(await body.text(request)))
        text, key = keys().mint(caller.tenant, wanted.name, wanted.scopes, wanted.expires_in)
        return envelope.success(present.key(key, keys().clock()) | {"api_key": text})

    @routes.get("", summary="List the API keys", responses=answers(KeyList))
    async def list_keys(caller: Admin) -> Response:
        """Every key, revoked and expired ones included, oldest first; never a secret."""
        now = keys().clock()
        return envelope.success({"keys": [present.key(key, now) for key in keys().all(caller.tenant)]})

    @routes.delete("/{key_id}", summary="Revoke an API key", responses=answers(KeyLine, "KEY_NOT_FOUND"))
    async def revoke_key(key_id: KeyId, caller: Admin) -> Response:
        """For ever; within 60 seconds it is refused everywhere. Revoking it again changes nothing."""
        if not _KEY_ID.fullmatch(key_id):
            raise KeyNotFound("There is no API key of that id. GET /api/v2/keys lists yours.")
        return envelope.success(present.key(keys().revoke(caller.tenant, key_id), keys().clock()))

    return routes
