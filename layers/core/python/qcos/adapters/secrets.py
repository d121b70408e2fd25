"""Secrets, read when first needed and again once they may have been rotated."""

from __future__ import annotations

import time
from threading import Lock
from typing import Any

KEEP_S = 300
"""How long a value is used before it is read again."""


class SecretsManagerSecret:
    """A callable that returns the text of the secret ``arn``, read from Secrets Manager at most every 5 minutes."""

    def __init__(self, arn: str, client: Any) -> None:
        self._arn = arn
        self._client = client
        self._lock = Lock()
        self._value: str | None = None
        self._read_at = 0.0

    def __call__(self) -> str:
        """The secret's text.

        Raises:
            ValueError: the secret holds bytes, not text.
        """
        with self._lock:
            now = time.monotonic()
            if self._value is None or now - self._read_at >= KEEP_S:
                answer = self._client.get_secret_value(SecretId=self._arn)
                if not isinstance(answer.get("SecretString"), str):
                    raise ValueError("the secret holds no text")
                self._value, self._read_at = answer["SecretString"], now
            return self._value
