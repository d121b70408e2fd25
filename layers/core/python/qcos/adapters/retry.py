"""Trying again after a refusal that passes by itself: bounded, with full jitter, so that rivals part ways."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from botocore.exceptions import ClientError

FIRST_S = 0.02
LONGEST_S = 0.5


def tries(limit: int = 8) -> Iterator[int]:
    """Count up to ``limit`` tries, sleeping a random time before each but the first."""
    for n in range(limit):
        if n:
            time.sleep(random.uniform(0, min(LONGEST_S, FIRST_S * 2**n)))
        yield n


def code(error: ClientError) -> str:
    """The service's own name of the error, such as ``ThrottlingException``; empty when it gave none."""
    return str(error.response.get("Error", {}).get("Code", ""))
