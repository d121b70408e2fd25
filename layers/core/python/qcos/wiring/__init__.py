"""The composition root: each use case over its AWS adapters, configured by the environment, built once a process.

What needs the optimizer or the evidence library is in modules of its own, so that no other function loads them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from qcos import stream
from qcos.adapters.checkpoints import AwsCheckpoints
from qcos.adapters.clients import client
from qcos.adapters.control_store import DynamoControl
from qcos.adapters.event_store import DynamoEventStore, event_from_image
from qcos.adapters.ionq import IonQProvider
from qcos.adapters.messages import EventBridgeBus, SqsParkingLot, SqsPollQueue, StepFunctionsWorkflows
from qcos.adapters.object_store import S3ObjectStore
from qcos.adapters.secrets import SecretsManagerSecret
from qcos.adapters.transparency_log import DynamoTransparencyLog
from qcos.adapters.view_store import DynamoViews
from qcos.adapters.wait_store import DynamoBookmarks, DynamoWaits
from qcos.events import Event
from qcos.plans import PLANS, Plan
from qcos.service.backends import Backends
from qcos.service.batches import Batches
from qcos.service.circuits import Circuits
from qcos.service.collect import Collector
from qcos.service.execute import Execute
from qcos.service.fail import Fail
from qcos.service.held_jobs import HeldJobs
from qcos.service.jobs import Jobs
from qcos.service.keys import Keys
from qcos.service.lifecycle import Lifecycle
from qcos.service.log import JobLog
from qcos.service.poll import Poll
from qcos.service.project import Project
from qcos.service.rates import Rates
from qcos.service.redrive import Redrive
from qcos.service.relay import Relay
from qcos.service.signing_keys import SigningKeys
from qcos.service.stats import Stats
from qcos.service.submit import Submit
from qcos.service.sweep import Sweep


def setting(name: str) -> str:
    """The environment variable ``name``.

    Raises:
        RuntimeError: it is not set; the function was deployed without something it needs.
    """
    value = os.environ.get(name)
    if not value:
        raise RuntimeError(f"the environment variable {name} is not set")
    return value


def now() -> datetime:
    """The present, UTC."""
    return datetime.now(UTC)


def tenant() -> str:
    """The tenant this stack belongs to."""
    return setting("QCOS_TENANT")


def plan() -> Plan:
    """The tenant's plan."""
    return PLANS[setting("QCOS_PLAN")]


@cache
def log() -> JobLog:
    store = DynamoEventStore(setting("QCOS_EVENTS_TABLE"), setting("QCOS_CONTROL_TABLE"), client("dynamodb"))
    return JobLog(store, now, plan())


@cache
def transparency_log() -> DynamoTransparencyLog:
    return DynamoTransparencyLog(setting("QCOS_EVENTS_TABLE"), client("dynamodb"))


@cache
def checkpoints() -> AwsCheckpoints:
    bucket, table = setting("QCOS_CHECKPOINTS_BUCKET"), setting("QCOS_CONTROL_TABLE")
    return AwsCheckpoints(bucket, client("s3"), table, client("dynamodb"))


@cache
def objects() -> S3ObjectStore:
    return S3ObjectStore(setting("QCOS_BUCKET"), client("s3"))


@cache
def views() -> DynamoViews:
    return DynamoViews(setting("QCOS_VIEWS_TABLE"), client("dynamodb"))


@cache
def control() -> DynamoControl:
    return DynamoControl(setting("QCOS_CONTROL_TABLE"), client("dynamodb"))


@cache
def waits() -> DynamoWaits:
    return DynamoWaits(setting("QCOS_CONTROL_TABLE"), client("dynamodb"))


@cache
def poll_queue() -> SqsPollQueue:
    return SqsPollQueue(setting("QCOS_POLL_QUEUE_URL"), client("sqs"))


@cache
def parking_lot() -> SqsParkingLot:
    return SqsParkingLot(setting("QCOS_PARKED_QUEUE_URL"), client("sqs"))


def secret(arn_setting: str) -> SecretsManagerSecret:
    """The secret whose ARN the environment variable ``arn_setting`` holds."""
    return SecretsManagerSecret(setting(arn_setting), client("secretsmanager"))


@cache
def provider() -> IonQProvider:
    return IonQProvider(setting("QCOS_IONQ_URL"), secret("QCOS_IONQ_SECRET_ARN"))


@cache
def backends() -> Backends:
    return Backends(provider(), now)


@cache
def submit() -> Submit:
    return Submit(log(), objects(), backends())


@cache
def jobs() -> Jobs:
    return Jobs(log(), objects(), views())


@cache
def lifecycle() -> Lifecycle:
    return Lifecycle(log(), backends())


@cache
def batches() -> Batches:
    return Batches(log(), views(), lifecycle())


@cache
def circuits() -> Circuits:
    return Circuits(log(), objects())


@cache
def stats() -> Stats:
    return Stats(views(), now, plan())


@cache
def rates() -> Rates:
    return Rates(control(), now, plan())


@cache
def keys() -> Keys:
    return Keys(control(), secret("QCOS_PEPPER_SECRET_ARN"), now)


@cache
def signing_keys() -> SigningKeys:
    return SigningKeys(control(), now)


@cache
def collector() -> Collector:
    return Collector(log(), objects(), provider())


@cache
def execute() -> Execute:
    return Execute(log(), objects(), provider(), collector())


@cache
def poll() -> Poll:
    workflows = StepFunctionsWorkflows(None, client("stepfunctions"))
    return Poll(log(), provider(), collector(), waits(), workflows, poll_queue())


@cache
def held_jobs() -> HeldJobs:
    return HeldJobs(log(), provider())


@cache
def fail() -> Fail:
    return Fail(log(), poll_queue())


@cache
def project() -> Project:
    return Project(log().events, views())


@cache
def workflows() -> StepFunctionsWorkflows:
    return StepFunctionsWorkflows(setting("QCOS_STATE_MACHINE_ARN"), client("stepfunctions"))


@cache
def relay() -> Relay:
    bus = EventBridgeBus(setting("QCOS_BUS_NAME"), client("events"))
    return Relay(workflows(), poll_queue(), bus, transparency_log())


def _report(problem: Exception) -> None:
    Logger().error("passed over", exc_info=problem)


@cache
def redrive() -> Redrive:
    notes = SqsParkingLot(setting("QCOS_PARKED_QUEUE_URL"), client("sqs"), client("dynamodbstreams"))
    return Redrive(log().events, project(), relay(), notes, _report)


@cache
def sweep() -> Sweep:
    bookmarks = DynamoBookmarks(setting("QCOS_CONTROL_TABLE"), client("dynamodb"))
    return Sweep(log(), views(), waits(), bookmarks, workflows(), poll_queue(), project(), relay(), fail(), _report)


def readable(records: Sequence[Mapping[str, Any]], reader: str) -> list[Event]:
    """The events of a stream batch; what ``reader`` cannot understand is parked."""
    return stream.readable(records, reader, event_from_image, parking_lot())
