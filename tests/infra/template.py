"""Questions to ask of a template."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Properties = dict[str, Any]


class Stack:
    """A synthesised stack's template."""

    def __init__(self, template: dict[str, Any]) -> None:
        self.template = template
        self.resources: dict[str, dict[str, Any]] = template["Resources"]

    def of(self, kind: str) -> dict[str, Properties]:
        """Properties of all resources of a type, by logical id."""
        return {
            logical_id: resource.get("Properties", {})
            for logical_id, resource in self.resources.items()
            if resource["Type"] == kind
        }

    def one(self, kind: str, prefix: str = "") -> tuple[str, Properties]:
        """The only resource of a type (whose logical id starts with ``prefix``)."""
        ((logical_id, properties),) = (item for item in self.of(kind).items() if item[0].startswith(prefix))
        return logical_id, properties

    def functions(self) -> dict[str, tuple[str, Properties]]:
        """Logical id and properties of every function, by its handler's module name."""
        return {
            properties["Handler"].split(".")[-2]: (logical_id, properties)
            for logical_id, properties in self.of("AWS::Lambda::Function").items()
        }

    def statements(self, function: str) -> list[dict[str, Any]]:
        """Every policy statement of a function's role, with Action and Resource as lists."""
        _, properties = self.functions()[function]
        role = properties["Role"]["Fn::GetAtt"][0]
        assert "Policies" not in self.resources[role]["Properties"]
        assert "ManagedPolicyArns" not in self.resources[role]["Properties"]
        return [
            statement | {"Action": _listed(statement["Action"]), "Resource": _listed(statement["Resource"])}
            for policy in self.of("AWS::IAM::Policy").values()
            if {"Ref": role} in policy["Roles"]
            for statement in policy["PolicyDocument"]["Statement"]
        ]

    def actions_on(self, function: str, logical_id: str) -> set[str]:
        """What a function may do to a resource itself, or to anything below it."""
        return {
            action
            for statement in self.statements(function)
            if any(logical_id in references(resource) for resource in statement["Resource"])
            for action in statement["Action"]
        }


def references(value: Any) -> set[str]:
    """Logical ids that a value refers to, at any depth."""
    return {
        inner if name == "Ref" else inner[0]
        for name, inner in pairs(value)
        if name == "Ref" or (name == "Fn::GetAtt" and isinstance(inner, list))
    }


def pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Every name and value of every object in a value, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            yield from pairs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from pairs(inner)


def strings(value: Any) -> Iterator[str]:
    """Every string in a value, names of objects excepted."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
