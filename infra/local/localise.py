"""From the template for AWS to the template for the emulator: a pure function, every rewrite in one table.

What runs locally is the same definition. Whatever is changed here is a thing the local run does not show, so the
table is short, each entry says why, and the workflow's text is not touched at all.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Template = dict[str, Any]


@dataclass(frozen=True)
class Rewrite:
    """One change: ``touches`` are patterns over ``section/type-or-name/path`` of what it may change."""

    name: str
    reason: str
    touches: tuple[str, ...]
    apply: Callable[[Template], None]


def localise(template: Template) -> Template:
    """A copy of the template with every rewrite of ``REWRITES`` applied in order."""
    result = copy.deepcopy(template)
    for rewrite in REWRITES:
        rewrite.apply(result)
    return result


def _resources(template: Template, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield logical_id, resource


def _drop_bootstrap_check(template: Template) -> None:
    template.pop("Rules", None)
    template.get("Parameters", {}).pop("BootstrapVersion", None)


def _software_signing_keys(template: Template) -> None:
    keys = {
        logical_id: resource["Properties"]["KeySpec"].replace("_", "-")
        for logical_id, resource in _resources(template, "AWS::KMS::Key")
        if resource["Properties"].get("KeySpec", "").startswith("ML_DSA_")
    }
    names = {
        logical_id: resource["Properties"]["TargetKeyId"]["Fn::GetAtt"][0]
        for logical_id, resource in _resources(template, "AWS::KMS::Alias")
    }
    for logical_id in names:
        del template["Resources"][logical_id]
    for logical_id, algorithm in keys.items():
        template["Resources"][logical_id] = {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "Description": f"A local signing key pair ({algorithm}), written when the stack is deployed",
                "GenerateSecretString": {"PasswordLength": 32, "ExcludePunctuation": True},
            },
        }
    for _, policy in _resources(template, "AWS::IAM::Policy"):
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            if _mentions(statement["Resource"], set(keys)):
                statement["Action"] = "secretsmanager:GetSecretValue"

    def secret(value: dict[str, Any]) -> dict[str, Any] | None:
        if _attribute_of(value, set(keys)):
            return _secret_arn(value["Fn::GetAtt"][0])
        # An alias's ARN is put together of many parts, its name among them.
        parts = value["Fn::Join"][1] if "Fn::Join" in value else ()
        named = [names[part["Ref"]] for part in parts if isinstance(part, dict) and part.get("Ref") in names]
        return _secret_arn(named[0]) if named else None

    _replace(template, secret)


def _name_secrets_by_arn(template: Template) -> None:
    secrets = {logical_id for logical_id, _ in _resources(template, "AWS::SecretsManager::Secret")}
    _replace(template, lambda value: _secret_arn(value["Ref"]) if value.get("Ref") in secrets else None)


def _secret_arn(logical_id: str) -> dict[str, Any]:
    """A secret's attribute Id is its ARN, as its Ref is on AWS."""
    return {"Fn::GetAtt": [logical_id, "Id"]}


def _attribute_of(value: dict[str, Any], logical_ids: set[str]) -> bool:
    """Whether a value is ``Fn::GetAtt`` of one of the resources."""
    attribute = value.get("Fn::GetAtt")
    return isinstance(attribute, list) and attribute[0] in logical_ids


def _mentions(value: Any, logical_ids: set[str]) -> bool:
    """Whether ``Fn::GetAtt`` of one of the resources is anywhere in a value."""
    if isinstance(value, dict):
        return _attribute_of(value, logical_ids) or any(_mentions(inner, logical_ids) for inner in value.values())
    return isinstance(value, list) and any(_mentions(inner, logical_ids) for inner in value)


def _replace(value: Any, replacement: Callable[[dict[str, Any]], Any | None]) -> Any:
    """Replace, in place and at any depth, each object for which ``replacement`` gives something else than None."""
    if isinstance(value, dict):
        new = replacement(value)
        if new is not None:
            return new
        for name, inner in value.items():
            value[name] = _replace(inner, replacement)
    elif isinstance(value, list):
        value[:] = [_replace(inner, replacement) for inner in value]
    return value


REWRITES: tuple[Rewrite, ...] = (
    Rewrite(
        name="bootstrap check",
        reason="No CDK bootstrap stack exists locally, and nothing there would read its version.",
        touches=(r"Rules", r"Parameters/BootstrapVersion"),
        apply=_drop_bootstrap_check,
    ),
    Rewrite(
        name="software signing keys",
        reason="The emulator's KMS has no ML-DSA. Key pairs in secrets sign in software: same bytes, same verifier.",
        touches=(
            r"Resources/AWS::KMS::Key",
            r"Resources/AWS::KMS::Alias",
            r"Resources/AWS::IAM::Policy/Properties/PolicyDocument/Statement/\d+/(Action|Resource)",
            r"Resources/AWS::Lambda::Function/Properties/Environment/Variables/QCOS_(SIGNING|LOG)_KEY_ARN",
            r"Outputs/(SigningKeyArn|LogKeyArn)",
        ),
        apply=_software_signing_keys,
    ),
    Rewrite(
        name="secrets by ARN",
        reason="The emulator answers Ref of a secret with its name, where AWS answers with its ARN.",
        touches=(
            r"Resources/AWS::IAM::Policy/Properties/PolicyDocument/Statement/\d+/Resource",
            r"Resources/AWS::Lambda::Function/Properties/Environment/Variables/QCOS_\w+_ARN",
            r"Outputs/IonqSecretArn",
        ),
        apply=_name_secrets_by_arn,
    ),
)
