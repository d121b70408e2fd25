"""The one place that makes AWS clients. ``AWS_ENDPOINT_URL`` sends them to a local cloud; boto3 reads it itself."""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config

# A function answers within seconds or is called again, so a call that hangs must end well before its caller does.
CONFIG = Config(
    connect_timeout=2,
    read_timeout=10,
    retries={"mode": "standard", "total_max_attempts": 4},
)
# Without this, addresses signed for others would use the old signature, which newer regions do not know.
SIGNED_ADDRESSES = CONFIG.merge(Config(signature_version="s3v4"))

_LOCK = Lock()


def client(name: str) -> Any:
    """The process's client of the AWS service ``name`` (``dynamodb``, ``s3``, ...), which threads may share."""
    with _LOCK:  # making one is not thread-safe, using one is
        return _client(name)


@cache
def _client(name: str) -> Any:
    return boto3.client(name, config=SIGNED_ADDRESSES if name == "s3" else CONFIG)
