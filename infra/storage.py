"""What keeps state: tables, buckets, queues and secrets."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sqs as sqs
from constructs import Construct

# The poll function's timeout decides its queue's: AWS asks for six times as much, so that a batch being
# retried is not handed out a second time meanwhile.
POLL_TIMEOUT = cdk.Duration.seconds(60)
POLL_VISIBILITY = cdk.Duration.seconds(6 * 60 + 30)


# What a checkpoint says of the log must outlast every dispute about the evidence in it.
CHECKPOINT_LOCK = cdk.Duration.days(3653)


def _key(name: str, kind: dynamodb.AttributeType = dynamodb.AttributeType.STRING) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=kind)


class Storage(Construct):
    """Tables, bucket, queues and secrets of one tenant."""

    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)

        # The log is the only source of truth: it survives its stack, keeps 35 days of history and never expires.
        self.events = dynamodb.Table(
            self,
            "Events",
            partition_key=_key("pk"),
            sort_key=_key("sk", dynamodb.AttributeType.NUMBER),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=True,
            stream=dynamodb.StreamViewType.NEW_IMAGE,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )

        # Projections can be rebuilt from the log, so the table may go with the stack.
        self.views = dynamodb.Table(
            self,
            "Views",
            partition_key=_key("pk"),
            sort_key=_key("sk"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        for index, prefix in (("by_created", "gsi1"), ("by_status", "gsi2")):
            self.views.add_global_secondary_index(
                index_name=index,
                partition_key=_key(f"{prefix}pk"),
                sort_key=_key(f"{prefix}sk"),
                projection_type=dynamodb.ProjectionType.ALL,
            )

        # Keys, counters and the spend ledger cannot be rebuilt from the log; expired rows remove themselves.
        self.control = dynamodb.Table(
            self,
            "Control",
            partition_key=_key("pk"),
            sort_key=_key("sk"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=True,
            time_to_live_attribute="expires_at",
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )

        # S3-managed keys: content-addressed objects are read often and by few roles, and a KMS key of their own
        # would add a paid call to every read without keeping anybody else out.
        self.bucket = s3.Bucket(
            self,
            "Objects",
            versioned=True,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=cdk.RemovalPolicy.RETAIN,
            lifecycle_rules=[s3.LifecycleRule(abort_incomplete_multipart_upload_after=cdk.Duration.days(1))],
        )

        # A lock is of a whole bucket and of versions. In this mode nobody, the account's root included, takes a
        # checkpoint back before its time is over; GOVERNANCE would leave that to whoever has the right.
        self.checkpoints = s3.Bucket(
            self,
            "Checkpoints",
            versioned=True,
            object_lock_enabled=True,
            object_lock_default_retention=s3.ObjectLockRetention.compliance(CHECKPOINT_LOCK),
            enforce_ssl=True,
            minimum_tls_version=1.2,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            encryption=s3.BucketEncryption.S3_MANAGED,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )

        self.poll_dead_letters = self._queue("PollDeadLetters")
        self.poll = sqs.Queue(
            self,
            "Poll",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            visibility_timeout=POLL_VISIBILITY,
            retention_period=cdk.Duration.days(14),
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.poll_dead_letters, max_receive_count=5),
        )
        # Records of the event stream that a reader could not handle wait here for a person.
        self.parked = self._queue("Parked")

        # Mixed into the hash of every API key: a copy of the control table alone lets nobody guess at keys.
        self.pepper = secretsmanager.Secret(
            self,
            "KeyPepper",
            description="Mixed into the stored hash of every API key. Changing it makes all keys void.",
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=64, exclude_punctuation=True),
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        self.classical_seed = secretsmanager.Secret(
            self,
            "ClassicalSeed",
            description="The Ed25519 evidence key is derived from it, for jobs that ask for no post-quantum signature.",
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=64, exclude_punctuation=True),
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        self.ionq_key = secretsmanager.Secret(
            self,
            "IonqApiKey",
            description="The tenant's IonQ API key. Holds a generated placeholder until the operator replaces it.",
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=32, exclude_punctuation=True),
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )

    def _queue(self, construct_id: str) -> sqs.Queue:
        """A queue nobody consumes by itself: it keeps what it gets as long as SQS can."""
        return sqs.Queue(
            self,
            construct_id,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
