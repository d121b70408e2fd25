"""What wakes a person: one alarm for each thing that does not mend itself."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.storage import Storage

_FIVE_MINUTES = cdk.Duration.minutes(5)
# A stream keeps its records for 24 hours: an hour behind is far too much and still leaves time to act.
ITERATOR_AGE_MS = 60 * 60 * 1000


class Observability(Construct):
    """CloudWatch alarms of one tenant.

    No target is wired: alarms are on the account's own event bus, where an operator's rules choose who is told.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        storage: Storage,
        functions: dict[str, lambda_.Function],
        machine: sfn.IStateMachine,
        api: apigateway.RestApi,
    ) -> None:
        super().__init__(scope, construct_id)
        self._not_empty("DeadLetters", storage.poll_dead_letters, "Messages the poll function gave up on")
        self._not_empty("ParkedRecords", storage.parked, "Events a stream reader could not handle")
        for reader in ("project", "relay"):
            self._alarm(
                f"{reader.capitalize()}Behind",
                functions[reader].metric("IteratorAge", statistic="Maximum", period=_FIVE_MINUTES),
                threshold=ITERATOR_AGE_MS,
                description=f"{reader} is more than an hour behind the event log",
            )
        for name, function in functions.items():
            if name == "authorizer":
                continue  # it says no to a bad key by failing; its own trouble is a 5xx of the API
            self._alarm(
                f"{''.join(part.capitalize() for part in name.split('_'))}Errors",
                function.metric_errors(period=_FIVE_MINUTES),
                # It is called every few minutes, and refuses to sign a log that was changed: once is enough.
                threshold=1 if name == "checkpoint" else 5,
                description=f"{name} fails again and again",
            )
        for found, description in (
            ("JobsGivenUp", "Jobs were ended because their workflows kept dying: the logs of the steps say why"),
            ("PassedOver", "Jobs that a sweep could not look at: its log names the errors"),
        ):
            self._alarm(
                f"Sweep{found}Found",
                cloudwatch.Metric(
                    namespace="qcos",
                    metric_name=found,
                    dimensions_map={"service": "sweep"},
                    statistic="Sum",
                    period=_FIVE_MINUTES,
                ),
                threshold=1,
                description=description,
            )
        self._alarm(
            "ServerErrors",
            api.metric_server_error(period=_FIVE_MINUTES, statistic="Sum"),
            threshold=5,
            description="The API answers 5xx",
        )
        for what, metric in (
            ("Failed", machine.metric_failed(period=_FIVE_MINUTES)),
            ("TimedOut", machine.metric_timed_out(period=_FIVE_MINUTES)),
        ):
            self._alarm(
                f"Workflows{what}",
                metric,
                threshold=1,
                description="A workflow ended without its job ending: the job's log says where it stands",
            )

    def _not_empty(self, construct_id: str, queue: sqs.IQueue, what: str) -> None:
        self._alarm(
            construct_id,
            queue.metric_approximate_number_of_messages_visible(period=_FIVE_MINUTES),
            threshold=1,
            description=f"{what} are waiting for a person",
        )

    def _alarm(self, construct_id: str, metric: cloudwatch.IMetric, *, threshold: float, description: str) -> None:
        cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
