"""What is sent to other parts of the service: queue messages, bus events, workflow starts and answers, calls.

The emulators take more than AWS does, so sizes and delays are held to here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from qcos.adapters.parked import parked
from qcos.adapters.retry import code
from qcos.adapters.wire import (
    MAX_BUS_BYTES,
    MAX_INPUT_BYTES,
    MAX_MESSAGE_BYTES,
    bus_entry,
    bus_entry_bytes,
    delay,
    parking_note,
    text,
)
from qcos.errors import Unavailable
from qcos.events import Event
from qcos.ports import Execution, Parked, TokenClosed

MAX_ENTRIES = 10
"""Entries of one PutEvents call."""
AGAIN_S = 120
"""Seconds until a note that was read is given again."""
CLOSED = frozenset({"TaskTimedOut", "TaskDoesNotExist", "InvalidToken"})


class SqsPollQueue:
    """A :class:`qcos.ports.PollQueue`."""

    def __init__(self, queue_url: str, client: Any) -> None:
        self._url = queue_url
        self._client = client

    def send(self, message: Mapping[str, Any], delay_s: int) -> None:
        """Deliver ``message`` after ``delay_s`` seconds (clamped to 0..900), at least once.

        Raises:
            ValueError: the message is too large.
        """
        body = text(message, MAX_MESSAGE_BYTES)
        self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=delay(delay_s))


class SqsParkingLot:
    """A :class:`qcos.ports.ParkingLot`: a queue that nothing reads by itself.

    Lambda puts notes of its own there for what a reader kept failing on. They name a piece of the table's stream,
    which is looked up with ``streams`` (a client of DynamoDB Streams) as long as the stream has it, 24 hours.
    """

    def __init__(self, queue_url: str, client: Any, streams: Any = None) -> None:
        self._url = queue_url
        self._client = client
        self._streams = streams

    def park(self, reader: str, tenant: str, stream_id: str, version: int, reason: str) -> None:
        """Keep a note of one event to read again later."""
        note = parking_note(reader, tenant, stream_id, version, reason)
        self._client.send_message(QueueUrl=self._url, MessageBody=text(note, MAX_MESSAGE_BYTES))

    def notes(self, limit: int) -> list[Parked]:
        """At most ``limit`` notes; none of them is given again for two minutes."""
        found: list[Parked] = []
        while len(found) < limit:
            most = min(10, limit - len(found))
            answer = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=most, VisibilityTimeout=AGAIN_S, WaitTimeSeconds=0
            )
            messages = answer.get("Messages", [])
            if not messages:
                break
            found += [parked(one["ReceiptHandle"], json.loads(one["Body"]), self._streams) for one in messages]
        return found

    def forget(self, note: Parked) -> None:
        """Remove a note whose events were handled."""
        self._client.delete_message(QueueUrl=self._url, ReceiptHandle=note.receipt)


class EventBridgeBus:
    """A :class:`qcos.ports.Bus`."""

    def __init__(self, bus_name: str, client: Any) -> None:
        self._bus = bus_name
        self._client = client

    def publish(self, events: Sequence[Event]) -> list[Event]:
        """Publish events; returns those that the bus did not take, among them any too large for it."""
        entries = [(event, bus_entry(event)) for event in events]
        refused = [event for event, entry in entries if bus_entry_bytes(entry) > MAX_BUS_BYTES]
        for part in _parts([pair for pair in entries if bus_entry_bytes(pair[1]) <= MAX_BUS_BYTES]):
            answer = self._client.put_events(Entries=[entry | {"EventBusName": self._bus} for _, entry in part])
            if answer["FailedEntryCount"]:
                results = zip(part, answer["Entries"], strict=True)
                refused += [event for (event, _), result in results if result.get("ErrorCode")]
        return refused


def _parts(entries: Sequence[tuple[Event, dict[str, str]]]) -> Iterator[list[tuple[Event, dict[str, str]]]]:
    """``entries`` in order, cut so that each part fits one call."""
    part: list[tuple[Event, dict[str, str]]] = []
    size = 0
    for event, entry in entries:
        more = bus_entry_bytes(entry)
        if part and (len(part) == MAX_ENTRIES or size + more > MAX_BUS_BYTES):
            yield part
            part, size = [], 0
        part.append((event, entry))
        size += more
    if part:
        yield part


class StepFunctionsWorkflows:
    """A :class:`qcos.ports.Workflows`; without a state machine it only resolves tokens."""

    def __init__(self, state_machine_arn: str | None, client: Any) -> None:
        self._arn = state_machine_arn
        self._client = client

    def start(self, name: str, payload: Mapping[str, Any]) -> None:
        """Start the execution ``name``; it already running, or having run, with this name is success.

        Raises:
            ValueError: the payload is too large, or no state machine was given.
        """
        if self._arn is None:
            raise ValueError("no state machine was given")
        body = text(payload, MAX_INPUT_BYTES)
        try:
            self._client.start_execution(stateMachineArn=self._arn, name=name, input=body)
        except ClientError as error:
            if code(error) != "ExecutionAlreadyExists":
                raise

    def stop(self, name: str, reason: str) -> None:
        """Stop the execution ``name``; one that has ended, or never was, is success.

        Raises:
            ValueError: no state machine was given.
        """
        if self._arn is None:
            raise ValueError("no state machine was given")
        arn = self._arn.replace(":stateMachine:", ":execution:") + f":{name}"
        try:
            self._client.stop_execution(executionArn=arn, cause=reason)
        except ClientError as error:
            # That one has ended is told as invalid input, as much else is.
            ended = code(error) == "ValidationException" and self._has_ended(arn)
            if not ended and code(error) != "ExecutionDoesNotExist":
                raise

    def _has_ended(self, arn: str) -> bool:
        return bool(self._client.describe_execution(executionArn=arn)["status"] != "RUNNING")

    def execution(self, name: str) -> Execution | None:
        """The execution ``name``, None if there never was one, or it ended 90 days ago.

        Raises:
            ValueError: no state machine was given.
        """
        if self._arn is None:
            raise ValueError("no state machine was given")
        arn = self._arn.replace(":stateMachine:", ":execution:") + f":{name}"
        try:
            answer = self._client.describe_execution(executionArn=arn)
        except ClientError as error:
            if code(error) != "ExecutionDoesNotExist":
                raise
            return None
        return Execution(name, answer["startDate"], answer["status"] == "RUNNING")

    def resolve(self, token: str, output: Mapping[str, Any]) -> None:
        """Answer a waiting task.

        Raises:
            TokenClosed: nobody waits for that token any more.
            ValueError: the output is too large.
        """
        body = text(output, MAX_MESSAGE_BYTES)
        try:
            self._client.send_task_success(taskToken=token, output=body)
        except ClientError as error:
            if code(error) in CLOSED:
                raise TokenClosed(token) from None
            raise


class LambdaFunction:
    """A function of the service that another one calls and waits for."""

    def __init__(self, name: str, client: Any) -> None:
        self._name = name
        self._client = client

    def __call__(self) -> None:
        """Call it with an empty event.

        Raises:
            Unavailable: it failed, or is busy.
        """
        try:
            answer = self._client.invoke(FunctionName=self._name, Payload=b"{}")
        except ClientError as error:
            if code(error) != "TooManyRequestsException":
                raise
            answer = {"FunctionError": "Busy"}
        if "FunctionError" in answer:
            raise Unavailable("Something this needs is not working. Try again in a moment.")
