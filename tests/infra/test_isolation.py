"""Two tenants are two stacks that share nothing."""

from __future__ import annotations

import json
import re

from tests.infra.template import Stack, pairs, strings

# The property in which CloudFormation takes a physical name, per type; policies are named within their role.
PHYSICAL_NAMES = {
    "AWS::ApiGateway::RestApi": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::EventBus": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::KMS::Alias": "AliasName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Lambda::LayerVersion": "LayerName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::SecretsManager::Secret": "Name",
    "AWS::StepFunctions::StateMachine": "StateMachineName",
}


def physical_names(stack: Stack) -> set[tuple[str, str]]:
    return {
        (kind, json.dumps(properties[name]))
        for kind, name in PHYSICAL_NAMES.items()
        for properties in stack.of(kind).values()
        if name in properties
    }


def test_no_physical_name_in_common(acme: Stack, demo: Stack) -> None:
    assert ("AWS::Events::EventBus", '"qcos-acme"') in physical_names(acme)
    assert not physical_names(acme) & physical_names(demo)


def test_no_stack_exports_or_imports(acme: Stack, demo: Stack) -> None:
    for stack in (acme, demo):
        assert not [name for name, _ in pairs(stack.template) if name == "Fn::ImportValue"]
        assert not [output for output in stack.template["Outputs"].values() if "Export" in output]


def test_no_stack_mentions_the_other(acme: Stack, demo: Stack) -> None:
    for stack, other in ((acme, "demo"), (demo, "acme")):
        assert not [text for text in strings(stack.template) if re.search(rf"\b{other}\b", text)]


def test_every_arn_is_the_stacks_own_or_aws_managed(acme: Stack, demo: Stack) -> None:
    """An ARN with an account in it, written out, would be a thing outside the stack."""
    for stack in (acme, demo):
        written_out = [
            text for text in strings(stack.template) if re.search(r"arn:aws[a-z-]*:[a-z0-9-]+:[^:]*:\d", text)
        ]
        assert not written_out


def test_the_tenants_name_region_and_plan_are_its_own(acme: Stack, demo: Stack) -> None:
    for stack, tenant, plan in ((acme, "acme", "pro"), (demo, "demo", "free")):
        for _, properties in stack.functions().values():
            variables = properties["Environment"]["Variables"]
            assert (variables["QCOS_TENANT"], variables["QCOS_PLAN"]) == (tenant, {"Ref": "Plan"})
        assert stack.template["Parameters"]["Plan"]["Default"] == plan
    assert "eu-central-1" in json.dumps(acme.template)
    assert "eu-central-1" not in json.dumps(demo.template)
