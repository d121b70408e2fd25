"""What each function may do: the only place where a runtime role gets a right.

The log is append-only by right, too: no role here may update or delete an event.
"""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from infra.storage import Storage

LOG_READ = ("dynamodb:Query",)
# A transaction asks for the rights of its parts: PutItem, and ConditionCheckItem for what it only looks at.
LOG_APPEND = ("dynamodb:ConditionCheckItem", "dynamodb:PutItem", "dynamodb:Query")
ROWS_READ = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")
ROWS_WRITE = (
    "dynamodb:ConditionCheckItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
)
# Counters of evaluations and money move inside the transaction of the events that move them; requests are counted one
# by one. An update with a condition that fails is answered what is there.
COUNT = ("dynamodb:GetItem", "dynamodb:UpdateItem")
VIEW_INDEXES = ("by_created", "by_status")


def allow(actions: Sequence[str], *resources: str) -> iam.PolicyStatement:
    """A statement that allows the actions on the resources."""
    return iam.PolicyStatement(actions=list(actions), resources=list(resources))


def on_table(table: dynamodb.ITable, actions: Sequence[str]) -> iam.PolicyStatement:
    """The actions on a table itself, none of its indexes."""
    return allow(actions, table.table_arn)


def on_views(table: dynamodb.ITable, actions: Sequence[str]) -> list[iam.PolicyStatement]:
    """The actions on the views, and queries on their two indexes."""
    indexes = [f"{table.table_arn}/index/{name}" for name in VIEW_INDEXES]
    return [allow(actions, table.table_arn), allow(("dynamodb:Query",), *indexes)]


def on_objects(bucket: s3.IBucket, action: str, *prefixes: str) -> iam.PolicyStatement:
    """One action on the objects under the prefixes; their names are digests, so the wildcard is what names them."""
    return allow((action,), *(bucket.arn_for_objects(f"{prefix}/*") for prefix in prefixes))


def read(bucket: s3.IBucket, *prefixes: str) -> iam.PolicyStatement:
    """Get objects under the prefixes."""
    return on_objects(bucket, "s3:GetObject", *prefixes)


def write(bucket: s3.IBucket, *prefixes: str) -> iam.PolicyStatement:
    """Put objects under the prefixes; nothing may be deleted."""
    return on_objects(bucket, "s3:PutObject", *prefixes)


def see_missing(bucket: s3.IBucket, prefix: str) -> iam.PolicyStatement:
    """Be told that an object under the prefix does not exist; without this S3 answers "access denied" instead."""
    return iam.PolicyStatement(
        actions=["s3:ListBucket"],
        resources=[bucket.bucket_arn],
        conditions={"StringLike": {"s3:prefix": f"{prefix}/*"}},
    )


def send(*queues: sqs.IQueue) -> iam.PolicyStatement:
    """Send messages to the queues."""
    return allow(("sqs:SendMessage",), *(queue.queue_arn for queue in queues))


def function_rights(storage: Storage, *, bus_arn: str) -> dict[str, list[iam.PolicyStatement]]:
    """Each function's rights, but for its secrets, its logs and the state machine.

    Those are given where the secret, the log or the machine is wired to the function.
    """
    events, views, control = storage.events, storage.views, storage.control
    bucket = storage.bucket
    return {
        "optimize": [
            on_table(events, LOG_APPEND),
            *on_views(views, (*ROWS_READ, "dynamodb:BatchGetItem")),
            on_table(control, COUNT),
            # What it may read, the links to long results that it signs may, too.
            read(bucket, "certificates", "circuits", "ionq", "optimized", "results"),
            write(bucket, "circuits"),
        ],
        "jobs": [
            on_table(events, LOG_APPEND),
            *on_views(views, ROWS_READ),
            on_table(control, COUNT),
            # A bundle says how many events its tree holds.
            read(bucket, "evidence", "results"),
        ],
        "backends": [on_table(control, COUNT)],
        "evidence": [
            # The first export of each form is an event; a file too long to be answered is stored.
            on_table(events, LOG_APPEND),
            *on_views(views, ROWS_READ),
            on_table(control, (*ROWS_READ, "dynamodb:UpdateItem")),
            read(bucket, "evidence", "exports", "results"),
            write(bucket, "exports"),
            see_missing(bucket, "evidence"),
            read(storage.checkpoints, "log"),
            see_missing(storage.checkpoints, "log"),
        ],
        "account": [on_table(control, ROWS_WRITE)],
        "authorizer": [on_table(control, ("dynamodb:GetItem", "dynamodb:UpdateItem"))],
        "transpile": [
            on_table(events, LOG_APPEND),
            on_table(control, COUNT),
            read(bucket, "circuits"),
            write(bucket, "certificates", "optimized", "ionq", "reports"),
        ],
        "execute": [
            on_table(events, LOG_APPEND),
            on_table(control, COUNT),
            read(bucket, "ionq", "reports"),
            write(bucket, "calibrations", "raw", "requests", "results"),
            send(storage.poll),
        ],
        "poll": [
            on_table(events, LOG_APPEND),
            on_table(control, (*ROWS_WRITE, "dynamodb:DeleteItem")),
            read(bucket, "reports"),
            write(bucket, "raw", "results"),
            send(storage.poll),
        ],
        "sign": [
            on_table(events, LOG_APPEND),
            on_table(control, ROWS_WRITE),
            read(bucket, "evidence"),
            write(bucket, "evidence"),
            see_missing(bucket, "evidence"),
        ],
        "fail": [on_table(events, LOG_APPEND), on_table(control, COUNT), send(storage.poll)],
        "project": [on_table(events, LOG_READ), *on_views(views, ROWS_WRITE), send(storage.parked)],
        "relay": [
            # What was signed is added to the transparency log.
            on_table(events, LOG_APPEND),
            allow(("events:PutEvents",), bus_arn),
            send(storage.poll, storage.parked),
        ],
        # Both do again what project and relay do; sweep asks the provider's questions again and ends jobs, too.
        "sweep": [
            on_table(events, LOG_APPEND),
            *on_views(views, ROWS_WRITE),
            on_table(control, ROWS_WRITE),
            allow(("events:PutEvents",), bus_arn),
            send(storage.poll),
        ],
        "redrive": [
            on_table(events, LOG_APPEND),
            allow(("dynamodb:GetRecords", "dynamodb:GetShardIterator"), str(events.table_stream_arn)),
            *on_views(views, ROWS_WRITE),
            allow(("events:PutEvents",), bus_arn),
            allow(("sqs:DeleteMessage", "sqs:ReceiveMessage"), storage.parked.queue_arn),
            send(storage.poll),
        ],
        "checkpoint": [
            on_table(events, LOG_READ),
            on_table(control, ROWS_WRITE),
            # Where one is already, it is read and kept.
            read(storage.checkpoints, "log"),
            write(storage.checkpoints, "log"),
        ],
        "mint_key": [on_table(control, ("dynamodb:PutItem",))],
        "signing_keys": [on_table(control, ("dynamodb:Query", "dynamodb:UpdateItem"))],
        # Releasing a submission gives back what was reserved for it.
        "held_job": [on_table(events, LOG_APPEND), on_table(control, COUNT)],
    }
