"""Immutable objects in S3: every write is conditional on the key being free, and nothing is listed.

A role that reads needs ``s3:ListBucket`` all the same: without it S3 answers 403, not 404, for a missing key.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from qcos.adapters.retry import code, tries
from qcos.errors import Unavailable
from qcos.models import StoredObject, sha3_256
from qcos.ports import ObjectDamaged, ObjectMissing

TAKEN = frozenset({"PreconditionFailed", "412"})
RIVAL = frozenset({"ConditionalRequestConflict", "OperationAborted", "409"})
MISSING = frozenset({"NoSuchKey", "404"})


class S3ObjectStore:
    """An :class:`qcos.ports.ObjectStore` over one bucket."""

    def __init__(self, bucket: str, client: Any) -> None:
        self._bucket = bucket
        self._client = client

    def put(self, kind: str, data: bytes, media_type: str) -> StoredObject:
        """Store ``data`` under ``<kind>/<sha3-256 hex>``; storing it again changes nothing.

        Raises:
            qcos.errors.Unavailable: rivals writing the same key kept it from being stored.
        """
        digest = sha3_256(data)
        stored = StoredObject(digest=digest, key=f"{kind}/{digest.removeprefix('sha3-256:')}")
        self._create(stored.key, data, media_type)
        return stored

    def put_named(self, key: str, data: bytes, media_type: str) -> bytes:
        """Store ``data`` under ``key`` unless something is there; returns what is stored there now.

        Raises:
            qcos.errors.Unavailable: rivals writing the same key kept it from being stored.
        """
        return data if self._create(key, data, media_type) else self.get(key)

    def get(self, key: str) -> bytes:
        """The bytes under ``key``.

        Raises:
            ObjectMissing: nothing is there.
        """
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if code(error) in MISSING:
                raise ObjectMissing(key) from None
            raise
        with answer["Body"] as body:
            return bytes(body.read())

    def get_checked(self, stored: StoredObject) -> bytes:
        """The bytes of ``stored``.

        Raises:
            ObjectMissing: nothing is there.
            ObjectDamaged: what is there has another digest.
        """
        data = self.get(stored.key)
        if sha3_256(data) != stored.digest:
            raise ObjectDamaged(stored.key)
        return data

    def presign(self, key: str, seconds: int) -> str:
        """An address from which anybody can get the bytes under ``key`` for so many seconds.

        It ends earlier when the credentials that sign it do.
        """
        wanted = {"Bucket": self._bucket, "Key": key}
        return str(self._client.generate_presigned_url("get_object", Params=wanted, ExpiresIn=seconds))

    def _create(self, key: str, data: bytes, media_type: str) -> bool:
        """Whether this call stored the object; False when one was there."""
        for _ in tries():
            try:
                self._client.put_object(
                    Bucket=self._bucket, Key=key, Body=data, ContentType=media_type, IfNoneMatch="*"
                )
            except ClientError as error:
                if code(error) in TAKEN:
                    return False
                if code(error) not in RIVAL:
                    raise
            else:
                return True
        raise Unavailable("The object store is busy with the same object. Try again in a moment.")
