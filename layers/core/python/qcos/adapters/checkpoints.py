"""Published checkpoints: the latest in the control table, which decides their order, all of them in S3.

The bucket has Object Lock with a default retention, so nothing put there can be removed or replaced while it lasts.
Its keys end in the size with twenty digits: S3 lists them smallest first.
"""

from __future__ import annotations

from typing import Any

from qcos.adapters.dynamo import ConditionFailed, encode, number, string, write
from qcos.adapters.object_store import S3ObjectStore
from qcos.adapters.retry import tries
from qcos.errors import Unavailable

MEDIA_TYPE = "text/plain; charset=utf-8"


class AwsCheckpoints:
    """A :class:`qcos.ports.Checkpoints` over a locked bucket.

    The control table's item ``LOG#<tenant>``, ``HEAD`` holds the latest.
    """

    def __init__(self, bucket: str, s3: Any, control_table_name: str, dynamodb: Any) -> None:
        self._bucket = bucket
        self._s3 = s3
        self._objects = S3ObjectStore(bucket, s3)
        self._table = control_table_name
        self._dynamodb = dynamodb

    def publish(self, tenant: str, size: int, text: str) -> bool:
        """Publish the checkpoint of so many entries, and archive it; False where one of as many or more is published.

        Of any that race, none is published after a larger one.
        """
        for _ in tries():
            head = self.latest(tenant)
            if head and head[0] >= size:
                self.archive(tenant)
                return head == (size, text)  # a repeated request finds what its first try wrote
            self.archive(tenant)  # before it is no longer the latest, which is all that would be known of it
            if self._follow(tenant, head, size, text):
                self.archive(tenant)
                return True
        raise Unavailable("Too many checkpoints are being published at once. Try again in a moment.")

    def _follow(self, tenant: str, head: tuple[int, str] | None, size: int, text: str) -> bool:
        """Make a checkpoint the latest; False if ``head`` is no longer the latest before it."""
        update = {
            "TableName": self._table,
            "Key": encode(_head(tenant)),
            "UpdateExpression": "SET entries = :size, checkpoint = :text",
            "ConditionExpression": "entries = :head" if head else "attribute_not_exists(entries)",
            "ExpressionAttributeValues": encode({":size": size, ":text": text, ":head": head and head[0]}),
        }
        try:
            write(self._dynamodb, [{"Update": update}])
        except ConditionFailed:
            return False
        return True

    def archive(self, tenant: str) -> None:
        """Archive the latest checkpoint if whoever published it could not; doing so again changes nothing."""
        latest = self.latest(tenant)
        if latest:
            self._objects.put_named(_key(tenant, latest[0]), latest[1].encode(), MEDIA_TYPE)

    def latest(self, tenant: str) -> tuple[int, str] | None:
        """The largest published checkpoint and its size; None before the first."""
        answer = self._dynamodb.get_item(TableName=self._table, Key=encode(_head(tenant)), ConsistentRead=True)
        item = answer.get("Item")
        return (number(item, "entries"), string(item, "checkpoint")) if item else None

    def covering(self, tenant: str, size: int) -> str | None:
        """The smallest archived checkpoint of at least ``size`` entries: the earliest that covers them."""
        return self._first(Prefix=_key(tenant), StartAfter=_key(tenant, max(0, size - 1)))

    def of_size(self, tenant: str, size: int) -> str | None:
        """The archived checkpoint of exactly so many entries."""
        return self._first(Prefix=_key(tenant, size))

    def _first(self, **place: str) -> str | None:
        # Listed, not just asked for: to a role that may not see the whole bucket, S3 denies what is missing.
        found = self._s3.list_objects_v2(Bucket=self._bucket, MaxKeys=1, **place).get("Contents", [])
        return self._objects.get(found[0]["Key"]).decode() if found else None


def _head(tenant: str) -> dict[str, str]:
    return {"pk": f"LOG#{tenant}", "sk": "HEAD"}


def _key(tenant: str, size: int | None = None) -> str:
    return f"log/{tenant}/checkpoint/" + ("" if size is None else f"{size:020d}")
