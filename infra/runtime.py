"""The Lambda functions: handler, size, layers, environment; one role and one log group each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_lambda_event_sources as sources
from aws_cdk import aws_logs as logs
from constructs import Construct

from infra.assets import function_code, layer_code
from infra.bundle import LAYER_NAMES
from infra.bus import Bus
from infra.rights import allow, function_rights
from infra.storage import POLL_TIMEOUT, Storage
from infra.tenants import Tenant

PYTHON = lambda_.Runtime.PYTHON_3_13
ARCHITECTURE = lambda_.Architecture.X86_64


@dataclass(frozen=True)
class Spec:
    """A function as the template has it.

    ``memory`` in MiB also sets its share of a processor; ``timeout`` in seconds is shorter than whoever waits for
    it allows. ``layers`` come on top of ``core``. ``needs`` names the secrets and keys it may open.
    """

    handler: str
    memory: int = 512
    timeout: int = 30
    layers: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


# A result of a million outcomes, which is one of a million shots on 20 qubits or more, is read, checked, sorted and
# stored within 670 MB and ten seconds of a processor; the page about it takes 700 MB and as long. At this size a
# function has a whole one.
_RESULT_MEMORY = 1769

FUNCTIONS: dict[str, Spec] = {
    # API Gateway gives up after 29 s: the function answers, or is cut off, before that.
    "optimize": Spec("functions.api.optimize.handler", memory=1024, timeout=28, needs=("ionq",)),
    "jobs": Spec("functions.api.jobs.handler", memory=1024, timeout=28, needs=("ionq",)),
    "backends": Spec("functions.api.backends.handler", memory=1024, timeout=28, needs=("ionq",)),
    "evidence": Spec("functions.api.evidence.handler", memory=_RESULT_MEMORY, timeout=28, layers=("evidence",)),
    "account": Spec("functions.api.account.handler", memory=1024, timeout=28, needs=("ionq", "pepper")),
    "authorizer": Spec("functions.api.authorizer.handler", timeout=10, needs=("pepper",)),
    # The last level's 840 s for a search, and some for reading and storing; 900 is the most there is.
    "transpile": Spec("functions.steps.transpile.handler", memory=3008, timeout=870, layers=("optimizer",)),
    "execute": Spec("functions.steps.execute.handler", memory=_RESULT_MEMORY, timeout=60, needs=("ionq",)),
    "poll": Spec(
        "functions.steps.poll.handler",
        memory=_RESULT_MEMORY,
        timeout=int(POLL_TIMEOUT.to_seconds()),
        needs=("ionq",),
    ),
    "sign": Spec(
        "functions.steps.sign.handler", memory=1024, timeout=60, layers=("evidence",), needs=("signing", "classical")
    ),
    "fail": Spec("functions.steps.fail.handler", timeout=45),
    "project": Spec("functions.streams.project.handler", timeout=60),
    "relay": Spec("functions.streams.relay.handler", timeout=60),
    "checkpoint": Spec(
        "functions.schedule.checkpoint.handler", memory=1024, timeout=60, layers=("evidence",), needs=("log",)
    ),
    "sweep": Spec("functions.schedule.sweep.handler", timeout=240),
    # As long as the notes that it reads are nobody else's.
    "redrive": Spec("functions.schedule.redrive.handler", timeout=120),
    "mint_key": Spec("functions.ops.mint_key.handler", needs=("pepper",)),
    "signing_keys": Spec("functions.ops.signing_keys.handler"),
    # Looks for a submission through up to a hundred pages of IonQ's.
    "held_job": Spec("functions.ops.held_job.handler", timeout=120, needs=("ionq",)),
}


# Function -> how often it is called, and for what.
SCHEDULES = {
    "checkpoint": (cdk.Duration.minutes(5), "Sign a checkpoint of the evidence log if it grew"),
    "sweep": (cdk.Duration.minutes(5), "Find what was lost between two parts of the service"),
    "redrive": (cdk.Duration.minutes(15), "Give parked events to their stream readers again"),
}


def construct_name(name: str) -> str:
    """``mint_key`` -> ``MintKey``."""
    return "".join(part.capitalize() for part in name.split("_"))


class Runtime(Construct):
    """All functions of one tenant, in ``functions`` by name, and the keys that sign evidence and checkpoints."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        tenant: Tenant,
        storage: Storage,
        bus: Bus,
        ionq_url: str,
        issuer: str,
        plan: str,
    ) -> None:
        super().__init__(scope, construct_id)
        self.roles = {
            name: iam.Role(self, f"{construct_name(name)}Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
            for name in FUNCTIONS
        }
        # What a name means is switched to a new key when keys are rotated; only this first one is in the template.
        self.signing_key = signing_key(
            self, "SigningKey", "ML_DSA_65", "Signs QCOS evidence bundles", signer=self.roles["sign"]
        )
        self.log_key = signing_key(
            self, "LogKey", "ML_DSA_44", "Signs checkpoints of the QCOS evidence log", signer=self.roles["checkpoint"]
        )
        signing_name = self._key_name("SigningKeyName", f"alias/qcos-{tenant.tenant}-evidence", self.signing_key)
        log_name = self._key_name("LogKeyName", f"alias/qcos-{tenant.tenant}-log", self.log_key)
        self.layers = {
            name: lambda_.LayerVersion(
                self,
                f"{name.capitalize()}Layer",
                code=layer_code(self, name),
                compatible_runtimes=[PYTHON],
                compatible_architectures=[ARCHITECTURE],
                description=f"QCOS {name} with its dependencies",
            )
            for name in LAYER_NAMES
        }
        common = {
            "QCOS_TENANT": tenant.tenant,
            "QCOS_PLAN": plan,
            "QCOS_ISSUER": issuer,
            "QCOS_EVENTS_TABLE": storage.events.table_name,
            "QCOS_VIEWS_TABLE": storage.views.table_name,
            "QCOS_CONTROL_TABLE": storage.control.table_name,
            "QCOS_BUCKET": storage.bucket.bucket_name,
            "QCOS_CHECKPOINTS_BUCKET": storage.checkpoints.bucket_name,
            "QCOS_POLL_QUEUE_URL": storage.poll.queue_url,
            "QCOS_PARKED_QUEUE_URL": storage.parked.queue_url,
            "QCOS_BUS_NAME": bus.bus.event_bus_name,
            "POWERTOOLS_METRICS_NAMESPACE": "qcos",
            "LOG_LEVEL": "INFO",
        }
        # Name of a need -> its environment and the statement that makes it usable.
        needs = {
            "ionq": (
                {"QCOS_IONQ_SECRET_ARN": storage.ionq_key.secret_arn, "QCOS_IONQ_URL": ionq_url},
                allow(("secretsmanager:GetSecretValue",), storage.ionq_key.secret_arn),
            ),
            "pepper": (
                {"QCOS_PEPPER_SECRET_ARN": storage.pepper.secret_arn},
                allow(("secretsmanager:GetSecretValue",), storage.pepper.secret_arn),
            ),
            "classical": (
                {"QCOS_CLASSICAL_KEY_ARN": storage.classical_seed.secret_arn},
                allow(("secretsmanager:GetSecretValue",), storage.classical_seed.secret_arn),
            ),
            "signing": (
                {"QCOS_SIGNING_KEY_ARN": signing_name},
                allow(("kms:GetPublicKey", "kms:Sign"), self.signing_key.attr_arn),
            ),
            "log": (
                {"QCOS_LOG_KEY_ARN": log_name},
                allow(("kms:GetPublicKey", "kms:Sign"), self.log_key.attr_arn),
            ),
        }
        rights = function_rights(storage, bus_arn=bus.bus.event_bus_arn)
        self.functions: dict[str, lambda_.Function] = {}
        self.log_groups: dict[str, logs.LogGroup] = {}
        code = function_code()
        for name, spec in FUNCTIONS.items():
            environment = common | {"POWERTOOLS_SERVICE_NAME": name}
            for need in spec.needs:
                environment |= needs[need][0]
            self.functions[name] = self._function(name, spec, code, environment)
            for statement in [*rights[name], *(needs[need][1] for need in spec.needs)]:
                self.roles[name].add_to_policy(statement)

        for name, (every, what) in SCHEDULES.items():
            events.Rule(
                self,
                f"{construct_name(name)}Schedule",
                description=what,
                schedule=events.Schedule.rate(every),
                targets=[targets.LambdaFunction(self.functions[name])],
            )
        checkpoint = self.functions["checkpoint"]
        # A proof that is asked for sooner does not wait for the schedule. Who asks for it cannot sign it.
        self.functions["evidence"].add_environment("QCOS_CHECKPOINT_FUNCTION", checkpoint.function_name)
        self.roles["evidence"].add_to_policy(allow(("lambda:InvokeFunction",), checkpoint.function_arn))

        self.functions["poll"].add_event_source(
            sources.SqsEventSource(storage.poll, batch_size=10, report_batch_item_failures=True)
        )
        for reader in ("project", "relay"):
            self.functions[reader].add_event_source(
                sources.DynamoEventSource(
                    storage.events,
                    starting_position=lambda_.StartingPosition.TRIM_HORIZON,
                    batch_size=100,
                    # Transient trouble is waited out for hours; a poisoned record is isolated and moved aside.
                    retry_attempts=20,
                    max_record_age=cdk.Duration.hours(12),
                    bisect_batch_on_error=True,
                    report_batch_item_failures=True,
                    on_failure=sources.SqsDlq(storage.parked),
                )
            )

    def _key_name(self, construct_id: str, alias: str, key: kms.CfnKey) -> str:
        """The ARN of an alias that means ``key``, until an operator lets it mean another."""
        made = kms.CfnAlias(self, construct_id, alias_name=alias, target_key_id=key.attr_key_id)
        stack = cdk.Stack.of(self)
        return f"arn:{stack.partition}:kms:{stack.region}:{stack.account}:{made.ref}"

    def _function(self, name: str, spec: Spec, code: lambda_.Code, environment: Mapping[str, str]) -> lambda_.Function:
        """The function with a log group of its own, which is all of the logs it may write to."""
        log_group = logs.LogGroup(
            self,
            f"{construct_name(name)}Log",
            retention=logs.RetentionDays.THREE_MONTHS,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.log_groups[name] = log_group
        self.roles[name].add_to_policy(allow(("logs:CreateLogStream", "logs:PutLogEvents"), log_group.log_group_arn))
        return lambda_.Function(
            self,
            construct_name(name),
            runtime=PYTHON,
            architecture=ARCHITECTURE,
            handler=spec.handler,
            code=code,
            role=self.roles[name],
            layers=[self.layers["core"], *(self.layers[layer] for layer in spec.layers)],
            memory_size=spec.memory,
            timeout=cdk.Duration.seconds(spec.timeout),
            environment=dict(environment),
            log_group=log_group,
            tracing=lambda_.Tracing.ACTIVE,
        )

    def drive(self, *, machine_arn: str, executions_arn: str) -> None:
        """Let ``relay``, and who does its work again, start and stop workflows and ``poll`` resolve their waits.

        Both are policies of their own: the machine depends on the functions, so a function's own policy that
        named the machine could close a circle that only the deployment would find.
        """
        drivers = ("relay", "sweep", "redrive")
        for name in drivers:
            self.functions[name].add_environment("QCOS_STATE_MACHINE_ARN", machine_arn)
        iam.Policy(
            self,
            "RelayDrivesWorkflows",
            roles=[self.roles[name] for name in drivers],
            statements=[
                allow(("states:StartExecution",), machine_arn),
                allow(("states:DescribeExecution", "states:StopExecution"), executions_arn),
            ],
        )
        iam.Policy(
            self,
            "PollResolvesWaits",
            roles=[self.roles["poll"]],
            statements=[
                allow(("states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess"), machine_arn)
            ],
        )


def signing_key(scope: Construct, construct_id: str, spec: str, purpose: str, *, signer: iam.IRole) -> kms.CfnKey:
    """A key that signs: the signer alone may use it, the account may only manage it.

    A KMS key cannot be exported, and the account's administrators cannot sign with it without first changing this
    policy, which leaves a trace.
    """
    stack = cdk.Stack.of(scope)
    key = kms.CfnKey(
        scope,
        construct_id,
        description=f"{purpose} ({spec.replace('_', '-')})",
        key_spec=spec,
        key_usage="SIGN_VERIFY",
        pending_window_in_days=30,
        key_policy={
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Manage",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:{stack.partition}:iam::{stack.account}:root"},
                    "Action": [
                        "kms:CancelKeyDeletion",
                        "kms:DescribeKey",
                        "kms:DisableKey",
                        "kms:EnableKey",
                        "kms:GetKeyPolicy",
                        "kms:GetKeyRotationStatus",
                        "kms:GetPublicKey",
                        "kms:ListResourceTags",
                        "kms:PutKeyPolicy",
                        "kms:ScheduleKeyDeletion",
                        "kms:TagResource",
                        "kms:UntagResource",
                        "kms:UpdateKeyDescription",
                        "kms:Verify",
                    ],
                    "Resource": "*",
                },
                {
                    "Sid": "Sign",
                    "Effect": "Allow",
                    "Principal": {"AWS": signer.role_arn},
                    "Action": ["kms:GetPublicKey", "kms:Sign"],
                    "Resource": "*",
                },
            ],
        },
    )
    # What it signed must stay verifiable by its key id, and a deleted key signs nothing any more.
    key.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    return key
