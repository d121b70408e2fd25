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


def _software_signing_key(template: Template) -> None:
    keys = {
        logical_id
        for logical_id, resource in _resources(template, "AWS::KMS::Key")
        if resource["Properties"].get("KeySpec") == "ML_DSA_65"
    }
    for logical_id in keys:
        template["Resources"][logical_id] = {
            "Type": "AWS::SecretsManager::Secret",
            "Properties": {
                "Description": "The local signing key pair (ML-DSA-65), written when the stack is deployed",
                "GenerateSecretString": {"PasswordLength": 32, "ExcludePunctuation": True},
            },
        }
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == "AWS::IAM::Policy":
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                if any(_refers(statement["Resource"], key) for key in keys):
                    statement["Action"] = "secretsmanager:GetSecretValue"
        template["Resources"][logical_id] = _arn_by_ref(resource, keys)
    if "Outputs" in template:
        template["Outputs"] = _arn_by_ref(template["Outputs"], keys)


def _refers(value: Any, logical_id: str) -> bool:
    """Whether a value is, or holds, ``Fn::GetAtt: [logical_id, ...]``."""
    if isinstance(value, dict):
        attribute = value.get("Fn::GetAtt")
        return (isinstance(attribute, list) and attribute[0] == logical_id) or any(
            _refers(inner, logical_id) for inner in value.values()
        )
    return isinstance(value, list) and any(_refers(inner, logical_id) for inner in value)


def _arn_by_ref(value: Any, logical_ids: set[str]) -> Any:
    """A secret's ARN is its Ref, where a key's is its attribute Arn."""
    if isinstance(value, dict):
        attribute = value.get("Fn::GetAtt")
        if isinstance(attribute, list) and attribute[0] in logical_ids:
            return {"Ref": attribute[0]}
        return {name: _arn_by_ref(inner, logical_ids) for name, inner in value.items()}
    if isinstance(value, list):
        return [_arn_by_ref(inner, logical_ids) for inner in value]
    return value


REWRITES: tuple[Rewrite, ...] = (
    Rewrite(
        name="bootstrap check",
        reason="No CDK bootstrap stack exists locally, and nothing there would read its version.",
        touches=(r"Rules", r"Parameters/BootstrapVersion"),
        apply=_drop_bootstrap_check,
    ),
    Rewrite(
        name="software signing key",
        reason="The emulator's KMS has no ML-DSA. A key pair in a secret signs in software: same bytes, same verifier.",
        touches=(
            r"Resources/AWS::KMS::Key",
            r"Resources/AWS::IAM::Policy/Properties/PolicyDocument/Statement/\d+/(Action|Resource)",
            r"Resources/AWS::Lambda::Function/Properties/Environment/Variables/QCOS_SIGNING_KEY_ARN",
            r"Outputs/SigningKeyArn",
        ),
        apply=_software_signing_key,
    ),
)
