"""What a note in the parking lot is about: ours name an event, Lambda's name a piece of the table's stream."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from qcos.adapters.retry import code
from qcos.ports import Parked

READERS = ("project", "relay")
_STREAM = re.compile(r"T#([^#]+)#JOB#([^#]+)")
# The piece is older than the 24 hours that a stream keeps, or of a stream that is no more.
_GONE = frozenset({"TrimmedDataAccessException", "ResourceNotFoundException"})


def parked(receipt: str, note: Mapping[str, Any], streams: Any) -> Parked:
    """The note as the port has it, without events where nobody can tell any more which they were.

    Args:
        note: what :meth:`~qcos.adapters.messages.SqsParkingLot.park` wrote, or what Lambda writes on failure.
        streams: a client of DynamoDB Streams.
    """
    piece = note.get("DDBStreamBatchInfo")
    if isinstance(piece, Mapping):
        # It names the function, not the reader; what the other one does a second time is harmless.
        return Parked(receipt, READERS, _piece(piece, streams))
    reader, version = str(note.get("reader")), int(note.get("version", 0))
    tenant, stream_id = str(note.get("tenant")), str(note.get("stream_id"))
    place = (tenant, stream_id, version) if tenant != "?" else _place(stream_id, version)
    return Parked(receipt, (reader,), (place,) if place and version else ())


def _place(pk: str, version: int) -> tuple[str, str, int] | None:
    found = _STREAM.fullmatch(pk)
    return (found[1], found[2], version) if found else None


def _piece(piece: Mapping[str, Any], streams: Any) -> tuple[tuple[str, str, int], ...]:
    """The events in a piece of the stream, by their keys, in order."""
    last = int(piece["endSequenceNumber"])
    places: list[tuple[str, str, int]] = []
    try:
        iterator = streams.get_shard_iterator(
            StreamArn=piece["streamArn"],
            ShardId=piece["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=piece["startSequenceNumber"],
        ).get("ShardIterator")
        while iterator:
            answer = streams.get_records(ShardIterator=iterator)
            for record in (one["dynamodb"] for one in answer["Records"]):
                if int(record["SequenceNumber"]) > last:
                    return tuple(places)
                place = _place(record["Keys"]["pk"]["S"], int(record["Keys"]["sk"]["N"]))
                places += [place] if place else []
                if int(record["SequenceNumber"]) == last:
                    return tuple(places)
            iterator = answer.get("NextShardIterator")
    except ClientError as error:
        if code(error) not in _GONE:
            raise
    return ()
