"""DynamoDB's conditional writes and attribute values, narrowed to what the tables here need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from qcos.adapters.retry import code, tries
from qcos.errors import Unavailable

Value = str | int | bytes | Sequence[str] | None
Attributes = dict[str, dict[str, Any]]

# Nothing was written, and the same write may succeed in a moment. As a single write's error, and as a reason
# inside a cancelled transaction (which botocore does not repeat by itself).
PASSING = frozenset(
    {
        "TransactionConflictException",
        "TransactionInProgressException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TransactionConflict",
        "ProvisionedThroughputExceeded",
        "ThrottlingError",
    }
)


class ConditionFailed(Exception):
    """A condition did not hold and nothing was written.

    ``item`` is what a single write's key held, if asked for; ``positions`` are the writes that failed.
    """

    def __init__(self, item: Attributes, positions: Sequence[int] = (0,)) -> None:
        super().__init__("a condition did not hold")
        self.item = item
        self.positions = tuple(positions)


def write(client: Any, writes: Sequence[Mapping[str, Any]]) -> None:
    """Do ``writes`` (TransactWriteItems elements, ``Put`` or ``Update``), all or none; a single one untransacted.

    Raises:
        ConditionFailed: the condition of one of them does not hold.
        Unavailable: rivals or throttling kept it from happening, and it did not happen.
    """
    for _ in tries():
        try:
            _write_once(client, writes)
        except ClientError as error:
            reasons = [str(reason.get("Code")) for reason in _reasons(error)]
            names = {code(error), *reasons}
            if names & {"ConditionalCheckFailedException", "ConditionalCheckFailed"}:
                positions = [at for at, reason in enumerate(reasons) if reason == "ConditionalCheckFailed"]
                raise ConditionFailed(error.response.get("Item") or {}, positions or (0,)) from None
            if not names & PASSING:
                raise
        else:
            return
    raise Unavailable("The database is busy with other changes of the same data. Try again in a moment.")


def _write_once(client: Any, writes: Sequence[Mapping[str, Any]]) -> None:
    if len(writes) > 1:
        client.transact_write_items(TransactItems=list(writes))
    elif "Put" in writes[0]:
        client.put_item(**writes[0]["Put"])
    else:
        client.update_item(**writes[0]["Update"])


def _reasons(error: ClientError) -> list[dict[str, Any]]:
    return error.response.get("CancellationReasons") or []


def query(client: Any, **request: Any) -> Iterator[Attributes]:
    """Every item a Query finds, page after page (a page ends at 1 MB)."""
    while True:
        answer = client.query(**request)
        yield from answer["Items"]
        if not answer.get("LastEvaluatedKey"):
            return
        request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def encode(values: Mapping[str, Value]) -> Attributes:
    """Plain values as DynamoDB attributes; what is None is left out."""
    return {name: _encode(value) for name, value in values.items() if value is not None}


def _encode(value: str | int | bytes | Sequence[str]) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case int():
            return {"N": str(value)}
        case _:
            return {"L": [{"S": item} for item in value]}


def string(item: Attributes, name: str) -> str:
    """The text attribute ``name``."""
    return str(item[name]["S"])


def optional_string(item: Attributes, name: str) -> str | None:
    """The text attribute ``name``, or None where the item has none."""
    return string(item, name) if name in item else None


def number(item: Attributes, name: str) -> int:
    """The whole-number attribute ``name``."""
    return int(item[name]["N"])
