"""The Idempotency-Key header: the same key and request, however often it is sent, is one submission."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request

from qcos.errors import ValidationFailed

HEADER = "Idempotency-Key"


async def _key(
    request: Request,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias=HEADER,
            min_length=1,
            max_length=255,
            pattern="^[\x21-\x7e]+$",
            description="Any text of your own, different for each new request: sent again with the same key, the "
            "same request is accepted once and answered alike; another request with the key is refused (422)",
            examples=["0f8fad5b-d9cb-469f-a165-70867728950e"],
        ),
    ] = None,
) -> str | None:
    """The key, None without one.

    Raises:
        ValidationFailed: two different ones were sent.
    """
    if len(set(request.headers.getlist(HEADER))) > 1:
        raise ValidationFailed("Two different Idempotency-Keys were sent; send one.", [{"field": HEADER}])
    return idempotency_key


IdempotencyKey = Annotated[str | None, Depends(_key)]
