"""The job's state machine, from ``workflow/job.asl.json`` exactly as it is written there."""

from __future__ import annotations

from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

DEFINITION = Path(__file__).parent / "workflow" / "job.asl.json"


class Workflow(Construct):
    """One Standard state machine; an execution is one attempt of one job."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        tenant: str,
        transpile: lambda_.IFunction,
        execute: lambda_.IFunction,
        sign: lambda_.IFunction,
        fail: lambda_.IFunction,
        poll_queue: sqs.IQueue,
    ) -> None:
        super().__init__(scope, construct_id)
        steps = {
            "TranspileFunctionArn": transpile.function_arn,
            "ExecuteFunctionArn": execute.function_arn,
            "SignFunctionArn": sign.function_arn,
            "FailFunctionArn": fail.function_arn,
        }
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("states.amazonaws.com"))
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=list(steps.values())))
        role.add_to_policy(iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[poll_queue.queue_arn]))
        self.machine = sfn.StateMachine(
            self,
            "Machine",
            role=role,
            definition_body=sfn.DefinitionBody.from_string(DEFINITION.read_text(encoding="utf-8")),
            definition_substitutions={**steps, "PollQueueUrl": poll_queue.queue_url},
            state_machine_type=sfn.StateMachineType.STANDARD,
            tracing_enabled=True,
            logs=sfn.LogOptions(
                # The vended prefix keeps the account's log resource policy from growing with every tenant.
                destination=logs.LogGroup(
                    self,
                    "Log",
                    log_group_name=f"/aws/vendedlogs/states/qcos-{tenant}",
                    retention=logs.RetentionDays.THREE_MONTHS,
                    removal_policy=cdk.RemovalPolicy.DESTROY,
                ),
                level=sfn.LogLevel.ERROR,
                # Task tokens are in the execution data: whoever reads logs must not be able to resolve a wait.
                include_execution_data=False,
            ),
        )

    @property
    def executions_arn(self) -> str:
        """The ARN pattern of this machine's executions, which carry their jobs' ids in their names."""
        return cdk.Stack.of(self).format_arn(
            service="states",
            resource="execution",
            arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
            resource_name=f"{self.machine.state_machine_name}:*",
        )
