"""API keys and public signing keys in DynamoDB."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from qcos.adapters.dynamo import (
    Attributes,
    ConditionFailed,
    encode,
    number,
    optional_string,
    query,
    string,
    write,
)
from qcos.ports import ApiKey


class DynamoControl:
    """A :class:`qcos.ports.Control` over one table with the text keys ``pk`` and ``sk``, expiring by ``expires_at``."""

    def __init__(self, table_name: str, client: Any) -> None:
        self._table = table_name
        self._client = client

    def put_api_key(self, key: ApiKey) -> None:
        """Store a new key.

        Raises:
            ValueError: the public id is taken.
        """
        # Its ``expires_at`` is text, which DynamoDB's expiry passes over: an expired key is kept and refused.
        listed = {"pk": f"KEYS#{key.tenant}", "sk": key.public_id, "public_id": key.public_id}
        try:
            write(
                self._client, [self._put({"pk": f"KEY#{key.public_id}", "sk": "KEY"} | asdict(key)), self._put(listed)]
            )
        except ConditionFailed:
            raise ValueError("the API key's public id is taken") from None

    def api_key(self, public_id: str) -> ApiKey | None:
        """The key of that public id."""
        key = encode({"pk": f"KEY#{public_id}", "sk": "KEY"})
        item: Attributes = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True).get("Item") or {}
        return _api_key(item) if item else None

    def api_keys(self, tenant: str) -> list[ApiKey]:
        """Every key of a tenant, revoked and expired ones included, oldest first."""
        found = query(
            self._client,
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=encode({":pk": f"KEYS#{tenant}"}),
        )
        keys = [self.api_key(string(item, "public_id")) for item in found]
        return sorted((key for key in keys if key), key=lambda key: (key.created_at, key.public_id))

    def revoke_api_key(self, tenant: str, public_id: str, at: str) -> ApiKey | None:
        """Revoke a tenant's key; the first revocation's time stays. None when the tenant has no such key."""
        update = {
            "TableName": self._table,
            "Key": encode({"pk": f"KEY#{public_id}", "sk": "KEY"}),
            "UpdateExpression": "SET revoked_at = if_not_exists(revoked_at, :at)",
            "ConditionExpression": "tenant = :tenant",
            "ExpressionAttributeValues": encode({":at": at, ":tenant": tenant}),
        }
        try:
            write(self._client, [{"Update": update}])
        except ConditionFailed:
            return None
        return self.api_key(public_id)

    def touch_api_key(self, public_id: str, at: str) -> None:
        """Note when a key was last used."""
        update = {
            "TableName": self._table,
            "Key": encode({"pk": f"KEY#{public_id}", "sk": "KEY"}),
            "UpdateExpression": "SET last_used_at = :at",
            "ConditionExpression": (
                "attribute_exists(pk) AND (attribute_not_exists(last_used_at) OR last_used_at < :at)"
            ),
            "ExpressionAttributeValues": encode({":at": at}),
        }
        with suppress(ConditionFailed):  # gone, or somebody noted a later use
            write(self._client, [{"Update": update}])

    def count_request(self, tenant: str, window: str, expires_at: int) -> int:
        """Count one request in a window; how many it then has. The count is exact whatever races."""
        answer = self._client.update_item(
            TableName=self._table,
            Key=encode({"pk": f"RATE#{tenant}", "sk": window}),
            UpdateExpression="ADD requests :one SET expires_at = :expires_at",
            ExpressionAttributeValues=encode({":one": 1, ":expires_at": expires_at}),
            ReturnValues="UPDATED_NEW",
        )
        return number(answer["Attributes"], "requests")

    def put_signing_key(self, jwk: Mapping[str, Any]) -> None:
        """Register a public signing key (a JWK with ``kid``) for ever; registering it again changes nothing."""
        item = {
            "pk": "SIGNING_KEYS",
            "sk": str(jwk["kid"]),
            "jwk": json.dumps(dict(jwk), sort_keys=True),
            "registered_at": time.time_ns(),
        }
        try:
            self._create(item)
        except ConditionFailed:
            return

    def retire_signing_key(self, kid: str, exp: int) -> bool:
        """An active signing key becomes retired; False where no active key has that id."""
        # "status" is a word that DynamoDB keeps for itself, and "expires_at" would make it remove the key.
        update = {
            "UpdateExpression": "SET key_status = :retired, valid_until = :exp",
            "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(key_status)",
            "ExpressionAttributeValues": encode({":retired": "retired", ":exp": exp}),
        }
        item = self._change_signing_key(kid, update)
        # A repeated request finds what its first try wrote.
        return item is None or (optional_string(item, "key_status") == "retired" and number(item, "valid_until") == exp)

    def revoke_signing_key(self, kid: str, at: int) -> bool:
        """A signing key becomes revoked, for ever; False where no key has that id."""
        update = {
            "UpdateExpression": "SET key_status = :revoked, revoked_at = :at",
            "ConditionExpression": "attribute_exists(pk) AND (attribute_not_exists(revoked_at) OR revoked_at > :at)",
            "ExpressionAttributeValues": encode({":revoked": "revoked", ":at": at}),
        }
        item = self._change_signing_key(kid, update)
        return item is None or "revoked_at" in item

    def _change_signing_key(self, kid: str, update: Mapping[str, Any]) -> Attributes | None:
        """None if the key was changed; what is stored of it, maybe nothing, where the condition does not hold."""
        key = encode({"pk": "SIGNING_KEYS", "sk": kid})
        always = {"TableName": self._table, "Key": key, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        try:
            write(self._client, [{"Update": {**always, **update}}])
        except ConditionFailed as failed:
            return failed.item
        return None

    def signing_keys(self) -> list[dict[str, Any]]:
        """Every public signing key ever registered, as JWKs with their present status, oldest first."""
        items = query(
            self._client,
            TableName=self._table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=encode({":pk": "SIGNING_KEYS"}),
        )
        ordered = sorted(items, key=lambda item: (number(item, "registered_at"), string(item, "sk")))
        return [json.loads(string(item, "jwk")) | _key_state(item) for item in ordered]

    def _create(self, values: Mapping[str, Any]) -> None:
        write(self._client, [self._put(values)])

    def _put(self, values: Mapping[str, Any]) -> dict[str, Any]:
        put = {
            "TableName": self._table,
            "Item": encode(values),
            "ConditionExpression": "attribute_not_exists(pk)",
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        return {"Put": put}


def _key_state(item: Attributes) -> dict[str, Any]:
    """The JWK members that change."""
    state: dict[str, Any] = {}
    if "key_status" in item:
        state["status"] = string(item, "key_status")
    if "valid_until" in item:
        state["exp"] = number(item, "valid_until")
    if "revoked_at" in item:
        state["revoked_at"] = number(item, "revoked_at")
    return state


def _api_key(item: Attributes) -> ApiKey:
    return ApiKey(
        public_id=string(item, "public_id"),
        tenant=string(item, "tenant"),
        name=string(item, "name"),
        digest=string(item, "digest"),
        scopes=tuple(str(scope["S"]) for scope in item["scopes"]["L"]),
        created_at=string(item, "created_at"),
        expires_at=optional_string(item, "expires_at"),
        revoked_at=optional_string(item, "revoked_at"),
        last_used_at=optional_string(item, "last_used_at"),
    )
