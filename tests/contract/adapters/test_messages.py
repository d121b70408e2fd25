"""Queues, bus and workflows: sizes and delays are held to, failures are told, repeats are harmless."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from qcos.adapters import memory
from qcos.adapters.messages import EventBridgeBus, SqsParkingLot, SqsPollQueue, StepFunctionsWorkflows
from qcos.adapters.parked import parked
from qcos.adapters.wire import MAX_BUS_BYTES, MAX_INPUT_BYTES, MAX_MESSAGE_BYTES
from qcos.events import Event
from qcos.ports import TokenClosed, Workflows
from tests.contract.adapters.backends import EVENTS, Aws, Backend
from tests.contract.adapters.samples import STARTED, SUBMITTED, TENANT, extend, large

ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:machine"
URL = "https://sqs.us-east-1.amazonaws.com/123456789012/poll"


def fill(limit: int) -> dict[str, str]:
    """A document whose compact JSON has exactly ``limit`` bytes."""
    return {"x": "y" * (limit - len('{"x":""}'))}


# --- queues


def test_messages_arrive_as_they_were(backend: Backend) -> None:
    queue, receive = backend.poll_queue()
    messages: list[dict[str, Any]] = [
        {"job_id": "job-1", "n": 3, "text": "über\uffff\U0001f600"},
        {"token": "t" * 2000},
    ]
    for message in messages:
        queue.send(message, -5)
    assert sorted(receive(2), key=len, reverse=True) == messages


def test_a_parked_event_can_be_found_again(backend: Backend) -> None:
    lot, receive = backend.parking_lot()
    lot.park("relay", TENANT, "job-1", 4, "boom " * 1000)
    [note] = receive(1)
    assert note == {
        "reader": "relay",
        "tenant": TENANT,
        "stream_id": "job-1",
        "version": 4,
        "reason": ("boom " * 1000)[:1000],
    }


def test_notes_are_given_until_they_are_forgotten(backend: Backend) -> None:
    lot, _ = backend.parking_lot()
    assert lot.notes(10) == []
    for version in range(1, 13):
        lot.park("relay", TENANT, "job-1", version, "boom")
    notes = lot.notes(12)
    assert sorted(note.events for note in notes) == [((TENANT, "job-1", version),) for version in range(1, 13)]
    assert {note.readers for note in notes} == {("relay",)}
    for note in notes:
        lot.forget(note)
    assert lot.notes(12) == []


def test_a_note_that_was_read_is_not_given_again_at_once(aws: Aws) -> None:
    lot, _ = aws.parking_lot()
    lot.park("project", TENANT, "job-1", 1, "boom")
    assert len(lot.notes(5)) == 1
    assert lot.notes(5) == []


@pytest.mark.parametrize(
    ("stream", "version", "events"),
    [
        ("T#acme#JOB#job-1", 7, (("acme", "job-1", 7),)),
        ("T#acme#JOB#job-1", 0, ()),
        ("LOG#acme", 7, ()),
        ("?", 0, ()),
    ],
)
def test_a_record_that_could_not_be_read_is_found_by_its_key(
    aws: Aws, stream: str, version: int, events: tuple[Any, ...]
) -> None:
    """The readers know no more of it than the keys of the record."""
    lot, _ = aws.parking_lot()
    lot.park("relay", "?", stream, version, "KeyError")
    [note] = lot.notes(1)
    assert (note.readers, note.events) == (("relay",), events)


def failure_note(stream_arn: str, shard: str, first: str, last: str) -> str:
    """What Lambda sends to a stream's failure destination, as its documentation shows it."""
    return json.dumps(
        {
            "requestContext": {
                "requestId": "316aa6d0-8154-xmpl-9af7-85d5f4a6bc81",
                "functionArn": "arn:aws:lambda:us-east-1:123456789012:function:relay",
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 21,
            },
            "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
            "version": "1.0",
            "timestamp": "2026-02-06T12:38:06.021Z",
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": first,
                "endSequenceNumber": last,
                "approximateArrivalOfFirstRecord": "2026-02-06T12:38:05Z",
                "approximateArrivalOfLastRecord": "2026-02-06T12:38:06Z",
                "batchSize": 2,
                "streamArn": stream_arn,
            },
        }
    )


def test_what_lambda_gave_up_on_is_found_in_the_stream(aws: Aws) -> None:
    stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    name = aws.table(EVENTS | {"StreamSpecification": stream})
    client, streams = aws.clients["dynamodb"], aws.clients["dynamodbstreams"]
    for pk, sk in (
        ("T#acme#JOB#job-1", 1),
        ("T#acme#JOB#job-1", 2),
        ("LOG#acme", 0),
        ("T#acme#JOB#job-2", 1),
        ("x", 1),
    ):
        client.put_item(TableName=name, Item={"pk": {"S": pk}, "sk": {"N": str(sk)}})
    arn = client.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    start = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    records = streams.get_records(ShardIterator=start["ShardIterator"])["Records"]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]

    url, _ = aws.queue()
    lot = SqsParkingLot(url, aws.clients["sqs"], streams)
    note = failure_note(arn, shard["ShardId"], numbers[1], numbers[3])
    aws.clients["sqs"].send_message(QueueUrl=url, MessageBody=note)
    [found] = lot.notes(1)
    assert found.readers == ("project", "relay")
    assert found.events == (("acme", "job-1", 2), ("acme", "job-2", 1))


@pytest.mark.parametrize("error", ["TrimmedDataAccessException", "ResourceNotFoundException", "AccessDeniedException"])
def test_what_the_stream_no_longer_has_is_a_note_without_events(aws_clients: dict[str, Any], error: str) -> None:
    client = aws_clients["dynamodbstreams"]
    arn = "arn:aws:dynamodb:us-east-1:123456789012:table/events/stream/2026-02-06T12:00:00.000"
    note = json.loads(failure_note(arn, "shardId-" + "0" * 20, "1" * 21, "2" * 21))
    with Stubber(client) as stub:
        stub.add_client_error("get_shard_iterator", error)
        if error == "AccessDeniedException":
            with pytest.raises(client.exceptions.ClientError, match=error):
                parked("r", note, client)
        else:
            assert parked("r", note, client).events == ()


def test_a_message_over_the_size_is_refused(backend: Backend) -> None:
    queue, receive = backend.poll_queue()
    with pytest.raises(ValueError, match="over"):
        queue.send(fill(MAX_MESSAGE_BYTES + 1), 0)
    queue.send(fill(MAX_MESSAGE_BYTES), 0)
    assert receive(1) == [fill(MAX_MESSAGE_BYTES)]


@pytest.mark.parametrize(("asked", "sent"), [(-1, 0), (0, 0), (20, 20), (900, 900), (901, 900), (10**6, 900)])
def test_delays_are_clamped(aws_clients: dict[str, Any], asked: int, sent: int) -> None:
    with Stubber(aws_clients["sqs"]) as stub:
        request = {"QueueUrl": URL, "MessageBody": '{"n":1}', "DelaySeconds": sent}
        stub.add_response("send_message", {}, request)
        SqsPollQueue(URL, aws_clients["sqs"]).send({"n": 1}, asked)
        stub.assert_no_pending_responses()
    queue = memory.PollQueue()
    queue.send({"n": 1}, asked)
    assert queue.sent == [({"n": 1}, sent)]


# --- bus


def detail(event: Event) -> dict[str, Any]:
    document = event.document
    names = ("event_id", "tenant", "version", "correlation_id", "schema_version", "occurred_at")
    metadata = {name: document[name] for name in names} | {"job_id": document["stream_id"]}
    return {"metadata": metadata, "data": document["data"]}


def test_subscribers_receive_what_happened(aws: Aws) -> None:
    bus, receive = aws.bus()
    events = extend([], SUBMITTED, *[STARTED] * 11)
    assert bus.publish(events) == []
    received = sorted(receive(12), key=lambda envelope: int(envelope["detail"]["metadata"]["version"]))
    assert [envelope["detail"] for envelope in received] == [detail(event) for event in events]
    assert {envelope["source"] for envelope in received} == {"qcos.jobs"}
    assert [envelope["detail-type"] for envelope in received] == ["JobSubmitted"] + ["TranspileStarted"] * 11


class Recorder:
    """Takes PutEvents calls; fails the entries whose detail holds one of ``failing``."""

    def __init__(self, *failing: str) -> None:
        self.failing = failing
        self.calls: list[list[dict[str, Any]]] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        self.calls.append(Entries)
        bad = [any(text in entry["Detail"] for text in self.failing) for entry in Entries]
        results = [{"ErrorCode": "ThrottlingException"} if wrong else {"EventId": "1"} for wrong in bad]
        return {"FailedEntryCount": sum(bad), "Entries": results}


def test_a_call_holds_at_most_ten_entries() -> None:
    client = Recorder()
    events = extend([], *[STARTED] * 23)
    assert EventBridgeBus("bus", client).publish(events) == []
    assert [len(call) for call in client.calls] == [10, 10, 3]
    assert [json.loads(entry["Detail"]) for call in client.calls for entry in call] == [detail(e) for e in events]
    assert {entry["EventBusName"] for call in client.calls for entry in call} == {"bus"}


def test_a_call_holds_at_most_what_eventbridge_takes() -> None:
    client = Recorder()
    events = extend([], *[large(100_000)] * 5, STARTED)
    assert EventBridgeBus("bus", client).publish(events) == []
    assert [len(call) for call in client.calls] == [2, 2, 2]
    for call in client.calls:
        assert sum(len(e["Source"]) + len(e["DetailType"]) + len(e["Detail"].encode()) for e in call) <= MAX_BUS_BYTES


@pytest.mark.parametrize("make", [lambda: EventBridgeBus("bus", Recorder()), memory.Bus])
def test_an_event_too_large_for_the_bus_is_given_back_and_the_rest_goes_on(make: Any) -> None:
    events = extend([], STARTED, large(300_000), STARTED)
    assert make().publish(events) == [events[1]]


def test_what_the_bus_failed_to_take_is_given_back() -> None:
    events = extend([], *[STARTED] * 12)
    client = Recorder(events[1].event_id, events[11].event_id)
    assert EventBridgeBus("bus", client).publish(events) == [events[1], events[11]]


def test_partial_failures_are_read_as_eventbridge_answers_them(aws_clients: dict[str, Any]) -> None:
    events = extend([], *[STARTED] * 3)
    with Stubber(aws_clients["events"]) as stub:
        results = [{"EventId": "1"}, {"ErrorCode": "InternalFailure", "ErrorMessage": "x"}, {"EventId": "2"}]
        stub.add_response("put_events", {"FailedEntryCount": 1, "Entries": results}, {"Entries": ANY})
        assert EventBridgeBus("bus", aws_clients["events"]).publish(events) == [events[1]]
        stub.assert_no_pending_responses()


def test_nothing_to_publish_calls_nobody() -> None:
    client = Recorder()
    assert EventBridgeBus("bus", client).publish([]) == []
    assert client.calls == []


def test_the_memory_bus_gives_back_what_it_is_told_to_refuse() -> None:
    bus, events = memory.Bus(), extend([], *[STARTED] * 3)
    bus.refusing.add(events[1].event_id)
    assert bus.publish(events) == [events[1]]
    assert bus.published == [events[0], events[2]]


# --- workflows


def test_a_name_is_started_once_and_its_token_answered_once(backend: Backend) -> None:
    flows, token, execution = backend.workflows()
    flows.start("job-1-1", {"job_id": "job-1"})
    flows.start("job-1-1", {"job_id": "job-1"})
    flows.start("job-1-1", {"job_id": "another"})
    waiting = token()
    flows.resolve(waiting, {"outcome": "done"})
    assert execution("job-1-1") == ({"job_id": "job-1"}, {"outcome": "done"})
    with pytest.raises(TokenClosed):
        flows.resolve(waiting, {"outcome": "failed"})
    if backend.name != "memory":  # where nothing ends by itself
        ended = flows.execution("job-1-1")
        assert ended
        assert (ended.name, ended.running) == ("job-1-1", False)
    flows.start("job-1-1", {"job_id": "job-1"})  # it has ended, and its name stays taken
    assert execution("job-1-1") == ({"job_id": "job-1"}, {"outcome": "done"})


def test_an_unknown_token_is_closed(backend: Backend) -> None:
    flows, _, _ = backend.workflows()
    with pytest.raises(TokenClosed):
        flows.resolve("nobody's", {"outcome": "done"})


def end(flows: Workflows, *tokens: str) -> None:
    """Leave nothing waiting: moto does so in a thread, for a minute, whatever becomes of the test."""
    for token in tokens:
        with suppress(TokenClosed):
            flows.resolve(token, {})


def test_a_running_execution_is_stopped_and_its_name_stays_taken(backend: Backend) -> None:
    flows, token, _ = backend.workflows()
    waiting = []
    for name in ("job-1-1", "job-2-1"):
        flows.start(name, {"job_id": name})
        waiting.append(token())
    flows.stop("job-1-1", "cancelled by the user")
    flows.stop("job-1-1", "cancelled by the user")
    flows.start("job-1-1", {"job_id": "another"})
    if backend.name != "moto":  # which goes on with an execution that was stopped
        assert backend.stopped("job-1-1") == "cancelled by the user"
    assert backend.stopped("job-2-1") is None
    end(flows, *waiting)


def test_an_execution_says_whether_it_runs_and_since_when(backend: Backend) -> None:
    flows, token, _ = backend.workflows()
    assert flows.execution("job-1-1") is None
    flows.start("job-1-1", {"job_id": "job-1"})
    waiting = token()
    running = flows.execution("job-1-1")
    assert running
    assert (running.name, running.running) == ("job-1-1", True)
    assert running.started_at.tzinfo is not None
    assert flows.execution("job-1-1-r1") is None
    flows.stop("job-1-1", "cancelled by the user")
    stopped = flows.execution("job-1-1")
    if backend.name != "moto":  # which goes on with an execution that was stopped
        assert stopped == replace(running, running=False)
    end(flows, waiting)


def test_stopping_what_has_ended_or_never_was_is_harmless(backend: Backend) -> None:
    flows, token, execution = backend.workflows()
    flows.stop("job-9-1", "cancelled by the user")
    flows.start("job-1-1", {"job_id": "job-1"})
    flows.resolve(token(), {"outcome": "done"})
    ended = execution("job-1-1")
    flows.stop("job-1-1", "cancelled by the user")
    assert execution("job-1-1") == ended == ({"job_id": "job-1"}, {"outcome": "done"})


EXECUTION = {"executionArn": f"{ARN.replace('stateMachine', 'execution', 1)}:job-1-1"}


@pytest.mark.parametrize(
    ("error", "status", "harmless"),
    [
        ("ExecutionDoesNotExist", None, True),
        ("ValidationException", "SUCCEEDED", True),
        ("ValidationException", "ABORTED", True),
        ("ValidationException", "RUNNING", False),
        ("AccessDeniedException", None, False),
    ],
)
def test_only_what_does_not_run_is_as_good_as_stopped(
    aws_clients: dict[str, Any], error: str, status: str | None, harmless: bool
) -> None:
    client = aws_clients["stepfunctions"]
    flows, seen = StepFunctionsWorkflows(ARN, client), {"stateMachineArn": ARN, "startDate": 0, **EXECUTION}
    with Stubber(client) as stub:
        stub.add_client_error("stop_execution", error, expected_params={**EXECUTION, "cause": "why"})
        if status:
            stub.add_response("describe_execution", {**seen, "status": status}, EXECUTION)
        if harmless:
            flows.stop("job-1-1", "why")
        else:
            with pytest.raises(client.exceptions.ClientError, match=error):
                flows.stop("job-1-1", "why")
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("name", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
def test_every_way_to_say_closed_is_closed(aws_clients: dict[str, Any], name: str) -> None:
    with Stubber(aws_clients["stepfunctions"]) as stub:
        stub.add_client_error("send_task_success", name)
        with pytest.raises(TokenClosed):
            StepFunctionsWorkflows(None, aws_clients["stepfunctions"]).resolve("t", {})


@pytest.mark.parametrize("operation", ["start_execution", "send_task_success"])
def test_other_errors_are_not_hidden(aws_clients: dict[str, Any], operation: str) -> None:
    client = aws_clients["stepfunctions"]
    flows = StepFunctionsWorkflows(ARN, client)
    with Stubber(client) as stub:
        stub.add_client_error(operation, "AccessDeniedException")
        with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
            flows.start("n", {}) if operation == "start_execution" else flows.resolve("t", {})


def test_inputs_and_outputs_over_the_size_are_refused(backend: Backend) -> None:
    flows, _, _ = backend.workflows()
    with pytest.raises(ValueError, match="over"):
        flows.start("large", fill(MAX_INPUT_BYTES + 1))
    with pytest.raises(ValueError, match="over"):
        flows.resolve("token", fill(MAX_MESSAGE_BYTES + 1))


def test_without_a_state_machine_nothing_starts_or_stops(aws_clients: dict[str, Any]) -> None:
    flows = StepFunctionsWorkflows(None, aws_clients["stepfunctions"])
    with pytest.raises(ValueError, match="state machine"):
        flows.start("n", {})
    with pytest.raises(ValueError, match="state machine"):
        flows.stop("n", "why")
    with pytest.raises(ValueError, match="state machine"):
        flows.execution("n")
