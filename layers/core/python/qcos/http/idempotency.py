"""The Idempotency-Key header: the same key and request, however often it is sent, is one submission."""

from __future__ import annotations

from typing import Annotated

from fastapi import Header

# Two of them arrive as one text with a comma and a space between, which is none.
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[\x21-\x7e]+$",
        description="Any text of your own, different for each new request: sent again with the same key, the same "
        "request is accepted once and answered alike; another request with the key is refused (422)",
        examples=["0f8fad5b-d9cb-469f-a165-70867728950e"],
    ),
]
