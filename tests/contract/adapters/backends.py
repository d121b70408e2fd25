"""Where the contract suite runs: in memory, on moto in this process, on ministack in a child process."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any

from qcos import ports
from qcos.adapters import memory, memory_log, memory_waits
from qcos.adapters.checkpoints import AwsCheckpoints
from qcos.adapters.control_store import DynamoControl
from qcos.adapters.event_store import DynamoEventStore
from qcos.adapters.messages import EventBridgeBus, SqsParkingLot, SqsPollQueue, StepFunctionsWorkflows
from qcos.adapters.object_store import S3ObjectStore
from qcos.adapters.transparency_log import DynamoTransparencyLog
from qcos.adapters.view_store import DynamoViews
from qcos.adapters.wait_store import DynamoBookmarks, DynamoWaits

SERVICES = ("dynamodb", "dynamodbstreams", "s3", "sqs", "events", "stepfunctions", "secretsmanager")


def table(sort_key: str = "S", indexes: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A table with the keys ``pk`` and ``sk``; ``indexes`` maps an index to the prefix of its two keys."""
    prefixes = (indexes or {}).values()
    names = {"pk": "S", "sk": sort_key} | {f"{prefix}{key}": "S" for prefix in prefixes for key in ("pk", "sk")}
    definition: dict[str, Any] = {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": kind} for name, kind in names.items()],
        "KeySchema": _keys(""),
        "BillingMode": "PAY_PER_REQUEST",
    }
    if indexes:
        definition["GlobalSecondaryIndexes"] = [
            {"IndexName": index, "KeySchema": _keys(prefix), "Projection": {"ProjectionType": "ALL"}}
            for index, prefix in indexes.items()
        ]
    return definition


def _keys(prefix: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": f"{prefix}pk", "KeyType": "HASH"},
        {"AttributeName": f"{prefix}sk", "KeyType": "RANGE"},
    ]


EVENTS = table("N")
VIEWS = table(indexes={"by_created": "gsi1", "by_status": "gsi2"})
CONTROL = table()


class Memory:
    """The in-memory adapters."""

    name = "memory"

    def __init__(self) -> None:
        self._objects = memory.ObjectStore()
        self._workflows = memory.Workflows()
        self._poll, self._parked, self._bus = memory.PollQueue(), memory_waits.ParkingLot(), memory.Bus()

    def event_store(self) -> ports.EventStore:
        return memory.EventStore()

    def views(self) -> ports.Views:
        return memory.Views()

    def control(self) -> ports.Control:
        return memory.Control()

    def waits(self) -> ports.Waits:
        return memory_waits.Waits()

    def bookmarks(self) -> ports.Bookmarks:
        return memory_waits.Bookmarks()

    def transparency_log(self) -> ports.TransparencyLog:
        return memory_log.TransparencyLog()

    def checkpoints(self) -> ports.Checkpoints:
        return memory_log.Checkpoints()

    def object_store(self) -> ports.ObjectStore:
        return self._objects

    def overwrite(self, key: str, data: bytes) -> None:
        """Do to a stored object what no adapter does."""
        self._objects.objects[key] = (data, "")

    def media_type(self, key: str) -> str:
        return self._objects.objects[key][1]

    def poll_queue(self) -> tuple[ports.PollQueue, Callable[[int], list[Any]]]:
        """The queue, and a function that gives the bodies of its next so many messages, waiting for them."""
        return self._poll, lambda count: [message for message, _ in self._poll.sent[:count]]

    def parking_lot(self) -> tuple[ports.ParkingLot, Callable[[int], list[Any]]]:
        return self._parked, lambda count: self._parked.parked[:count]

    def workflows(self) -> tuple[ports.Workflows, Callable[[], str], Callable[[str], Any]]:
        """The workflows; a function that gives the token of a started one; one that gives its input and output."""
        flows = self._workflows

        def token() -> str:
            flows.waiting.add("token-1")
            return "token-1"

        return flows, token, lambda name: (flows.started[name], flows.resolved.get("token-1"))

    def stopped(self, name: str) -> str | None:
        """Why an execution was stopped, None unless it was."""
        return self._workflows.stopped.get(name)


class Aws:
    """The AWS adapters; ``clients`` maps each service to its client. Every call makes new resources."""

    def __init__(self, name: str, clients: Mapping[str, Any]) -> None:
        self.name = name
        self.clients = clients
        self._bucket = f"objects-{secrets.token_hex(6)}"
        self._machine = ""

    def table(self, definition: Mapping[str, Any]) -> str:
        """A new table of that definition; its name."""
        name = f"table-{secrets.token_hex(6)}"
        self.clients["dynamodb"].create_table(TableName=name, **definition)
        return name

    def event_store(self) -> ports.EventStore:
        return DynamoEventStore(self.table(EVENTS), self.table(CONTROL), self.clients["dynamodb"])

    def views(self) -> ports.Views:
        return DynamoViews(self.table(VIEWS), self.clients["dynamodb"])

    def control(self) -> ports.Control:
        return DynamoControl(self.table(CONTROL), self.clients["dynamodb"])

    def waits(self) -> ports.Waits:
        return DynamoWaits(self.table(CONTROL), self.clients["dynamodb"])

    def bookmarks(self) -> ports.Bookmarks:
        return DynamoBookmarks(self.table(CONTROL), self.clients["dynamodb"])

    def transparency_log(self) -> ports.TransparencyLog:
        return DynamoTransparencyLog(self.table(EVENTS), self.clients["dynamodb"])

    def checkpoints(self) -> ports.Checkpoints:
        return AwsCheckpoints(self.bucket(), self.clients["s3"], self.table(CONTROL), self.clients["dynamodb"])

    def bucket(self) -> str:
        self.clients["s3"].create_bucket(Bucket=self._bucket)
        return self._bucket

    def object_store(self) -> ports.ObjectStore:
        return S3ObjectStore(self.bucket(), self.clients["s3"])

    def overwrite(self, key: str, data: bytes) -> None:
        """Do to a stored object what no adapter does."""
        self.clients["s3"].put_object(Bucket=self._bucket, Key=key, Body=data)

    def media_type(self, key: str) -> str:
        return str(self.clients["s3"].head_object(Bucket=self._bucket, Key=key)["ContentType"])

    def queue(self) -> tuple[str, Callable[[int], list[Any]]]:
        """A new queue's address, and a function that gives the JSON bodies of its next so many messages."""
        sqs = self.clients["sqs"]
        url = str(sqs.create_queue(QueueName=f"queue-{secrets.token_hex(6)}")["QueueUrl"])

        def receive(count: int) -> list[Any]:
            bodies: list[Any] = []
            deadline = time.monotonic() + 20
            while len(bodies) < count and time.monotonic() < deadline:
                most = min(10, count - len(bodies))  # those left are for the next call
                answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=most, WaitTimeSeconds=0)
                for message in answer.get("Messages", []):
                    bodies.append(json.loads(message["Body"]))
                    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                if len(bodies) < count:
                    time.sleep(0.02)
            return bodies

        return url, receive

    def poll_queue(self) -> tuple[ports.PollQueue, Callable[[int], list[Any]]]:
        """The queue, and a function that gives the bodies of its next so many messages, waiting for them."""
        url, receive = self.queue()
        return SqsPollQueue(url, self.clients["sqs"]), receive

    def parking_lot(self) -> tuple[ports.ParkingLot, Callable[[int], list[Any]]]:
        url, receive = self.queue()
        return SqsParkingLot(url, self.clients["sqs"]), receive

    def bus(self) -> tuple[ports.Bus, Callable[[int], list[Any]]]:
        """A new bus, and a function that gives what its subscriber receives."""
        events, name = self.clients["events"], f"bus-{secrets.token_hex(6)}"
        events.create_event_bus(Name=name)
        url, receive = self.queue()
        answer = self.clients["sqs"].get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        pattern = json.dumps({"source": ["qcos.jobs"]})
        events.put_rule(Name="all", EventBusName=name, EventPattern=pattern)
        target = {"Id": "queue", "Arn": answer["Attributes"]["QueueArn"]}
        events.put_targets(Rule="all", EventBusName=name, Targets=[target])
        return EventBridgeBus(name, events), receive

    def workflows(self) -> tuple[ports.Workflows, Callable[[], str], Callable[[str], Any]]:
        """The workflows; a function that gives the token of a started one; one that gives its input and output."""
        machines = self.clients["stepfunctions"]
        url, receive = self.queue()
        wait = {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token"}},
            "TimeoutSeconds": 60,
            "End": True,
        }
        arn = machines.create_state_machine(
            name=f"machine-{secrets.token_hex(6)}",
            definition=json.dumps({"StartAt": "Await", "States": {"Await": wait}}),
            roleArn="arn:aws:iam::123456789012:role/machine",
        )["stateMachineArn"]

        def execution(name: str) -> Any:
            deadline = time.monotonic() + 20
            while True:
                arn_of = f"{arn}:{name}".replace(":stateMachine:", ":execution:")
                answer = machines.describe_execution(executionArn=arn_of)
                if answer["status"] != "RUNNING" or time.monotonic() > deadline:
                    return json.loads(answer["input"]), json.loads(answer.get("output") or "null")
                time.sleep(0.02)

        self._machine = arn
        return StepFunctionsWorkflows(arn, machines), lambda: str(receive(1)[0]["token"]), execution

    def stopped(self, name: str) -> str | None:
        """Why an execution of the newest workflows was stopped, None unless it was."""
        arn = f"{self._machine}:{name}".replace(":stateMachine:", ":execution:")
        answer = self.clients["stepfunctions"].describe_execution(executionArn=arn)
        return str(answer["cause"]) if answer["status"] == "ABORTED" else None


Backend = Memory | Aws


class Serial:
    """A client whose calls happen one after the other, and which remembers their names.

    moto runs in the caller's threads and does not check a condition and write in one step, as a service does.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = RLock()
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(*operation: str, **request: Any) -> Any:
            with self._lock:
                self.calls.append(name)
                return method(*operation, **request)

        return call


class AnswerLost:
    """A client that does every write twice, as botocore does when the answer to the first is lost on its way."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._client, name)

        def call(**request: Any) -> Any:
            if name.startswith(("put_", "update_", "transact_")):
                method(**request)
            return method(**request)

        return call


# SIGKILL for the emulator when this process goes, however it goes (PR_SET_PDEATHSIG of <sys/prctl.h>).
CHILD = """
import ctypes, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)
sys.argv = ["ministack"]
from ministack.app import main
main()
"""


@contextmanager
def ministack() -> Iterator[str]:
    """Run the emulator as a child process on 127.0.0.1; its address."""
    scratch = Path(tempfile.mkdtemp(prefix="ministack-"))
    try:
        for _ in range(3):  # another process may take the free port first
            port = _free_port()
            with (scratch / "output").open("wb") as output:
                child = subprocess.Popen(
                    [sys.executable, "-c", CHILD],
                    env=_environment(port, scratch),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            try:
                if _answers(port, child):
                    yield f"http://127.0.0.1:{port}"
                    return
            finally:
                _stop(child)
        raise RuntimeError(f"ministack did not start: {(scratch / 'output').read_text()[-2000:]}")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment(port: int, scratch: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "STATE_DIR": str(scratch / "state"),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_WORKER_THREADS": "64",
        "IOT_MTLS_ENABLED": "0",  # otherwise a broker listens on every interface
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }


def _answers(port: int, child: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 60
    while child.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=5) as answer:
                return int(answer.status) == 200
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    return False


def _stop(child: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)  # it leads its own group, and nothing it holds is worth keeping
    child.wait()
