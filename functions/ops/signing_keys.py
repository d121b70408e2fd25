"""Lists, rotates and revokes the keys that sign evidence and checkpoints. Invoked by operators only.

``{}`` lists them. ``{"rotate": "ML-DSA-65"}`` retires every active key of an algorithm but the newest.
``{"revoke": kid}``, or with ``"at": "2026-02-06T12:00:00Z"``, revokes a key for ever.
"""

from datetime import datetime
from typing import Any

from qcos import wiring
from qcos.entry import entry


@entry(wiring.signing_keys)
def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Every key with its status, once that is done."""
    keys = wiring.signing_keys()
    match event:
        case {"rotate": str(algorithm), **rest} if not rest:
            return {"keys": keys.rotate(algorithm)}
        case {"revoke": str(kid), **rest} if set(rest) <= {"at"}:
            return {"keys": keys.revoke(kid, datetime.fromisoformat(rest["at"]) if rest else None)}
        case {**rest} if not rest:
            return {"keys": keys.all()}
    raise ValueError('give nothing, {"rotate": algorithm} or {"revoke": kid, "at": time}')
