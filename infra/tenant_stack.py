"""One tenant's stack: composes the constructs and nothing else."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from infra.api import Api
from infra.bus import Bus
from infra.observability import Observability
from infra.runtime import Runtime
from infra.storage import Storage
from infra.tenants import ISSUER_PATTERN, PLANS, Tenant
from infra.workflow import Workflow


class TenantStack(cdk.Stack):
    """Everything one tenant has; two tenants share nothing."""

    def __init__(self, scope: Construct, construct_id: str, *, tenant: Tenant) -> None:
        super().__init__(
            scope,
            construct_id,
            env=cdk.Environment(region=tenant.region),
            description=f"QCOS Core API, tenant {tenant.tenant}",
            tags={"qcos:tenant": tenant.tenant},
            # Tables, bucket and keys are kept anyway; this keeps the stack that owns them.
            termination_protection=True,
        )
        ionq_url = cdk.CfnParameter(
            self,
            "IonqUrl",
            default="https://api.ionq.co/v0.4",
            allowed_pattern="https?://[^ ]+",
            description="Base address of the IonQ API, with its version",
        )
        issuer = cdk.CfnParameter(
            self,
            "Issuer",
            default=tenant.issuer,
            allowed_pattern=ISSUER_PATTERN,
            description="The address of the issuer that evidence bundles name: this API's own",
        )
        plan = cdk.CfnParameter(
            self,
            "Plan",
            default=tenant.plan,
            allowed_values=list(PLANS),
            description="The plan whose quotas and rates hold; changing it needs no new template",
        )
        storage = Storage(self, "Storage")
        bus = Bus(self, "Bus", tenant=tenant.tenant)
        runtime = Runtime(
            self,
            "Runtime",
            tenant=tenant,
            storage=storage,
            bus=bus,
            ionq_url=ionq_url.value_as_string,
            issuer=issuer.value_as_string,
            plan=plan.value_as_string,
        )
        functions = runtime.functions
        workflow = Workflow(
            self,
            "Workflow",
            tenant=tenant.tenant,
            transpile=functions["transpile"],
            execute=functions["execute"],
            sign=functions["sign"],
            fail=functions["fail"],
            poll_queue=storage.poll,
        )
        runtime.drive(machine_arn=workflow.machine.state_machine_arn, executions_arn=workflow.executions_arn)
        api = Api(self, "Api", tenant=tenant, functions=functions)
        Observability(
            self,
            "Observability",
            storage=storage,
            functions=functions,
            machine=workflow.machine,
            api=api.api,
        )
        for name, value in {
            "ApiUrl": api.api.url,
            "ApiId": api.api.rest_api_id,
            "ApiStage": api.api.deployment_stage.stage_name,
            "MintKeyFunction": functions["mint_key"].function_name,
            "SigningKeysFunction": functions["signing_keys"].function_name,
            "HeldJobFunction": functions["held_job"].function_name,
            "StateMachineArn": workflow.machine.state_machine_arn,
            "EventsTable": storage.events.table_name,
            "ViewsTable": storage.views.table_name,
            "ControlTable": storage.control.table_name,
            "Objects": storage.bucket.bucket_name,
            "PollQueueUrl": storage.poll.queue_url,
            "ParkedQueueUrl": storage.parked.queue_url,
            "BusName": bus.bus.event_bus_name,
            "IonqSecretArn": storage.ionq_key.secret_arn,
            "SigningKeyArn": runtime.signing_key.attr_arn,
            "LogKeyArn": runtime.log_key.attr_arn,
            "Checkpoints": storage.checkpoints.bucket_name,
        }.items():
            cdk.CfnOutput(self, name, value=value)
