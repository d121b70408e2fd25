"""``localise`` changes what its table says, and nothing else."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra.local.localise import REWRITES, Rewrite, localise
from tests.infra.template import Stack, references


def difference(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """The deepest paths at which two templates differ; a resource's path starts with its type."""
    if isinstance(before, dict) and isinstance(after, dict) and not _replaced(before, after):
        for name in before.keys() | after.keys():
            step = before[name]["Type"] if path == "/Resources" else name
            if name not in before or name not in after:
                yield f"{path}/{step}"
            else:
                yield from difference(before[name], after[name], f"{path}/{step}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from difference(one, other, f"{path}/{index}")
    elif before != after:
        yield path


def _replaced(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether one reference stands for another, or a resource is now of another type."""
    return before.get("Type") != after.get("Type") or (before != after and bool({"Ref", "Fn::GetAtt"} & before.keys()))


def allowed(path: str, rewrite: Rewrite) -> bool:
    return any(re.fullmatch(f"/{pattern}(/.*)?", path) for pattern in rewrite.touches)


def test_every_difference_is_in_the_table(acme: Stack) -> None:
    changed = list(difference(acme.template, localise(acme.template)))
    assert changed
    assert not [path for path in changed if not any(allowed(path, rewrite) for rewrite in REWRITES)]


@pytest.mark.parametrize("rewrite", REWRITES, ids=lambda rewrite: rewrite.name)
def test_every_rewrite_is_needed_and_keeps_to_what_it_says(acme: Stack, rewrite: Rewrite) -> None:
    before = copy.deepcopy(acme.template)
    after = copy.deepcopy(acme.template)
    rewrite.apply(after)
    changed = list(difference(before, after))
    for pattern in rewrite.touches:
        assert any(re.fullmatch(f"/{pattern}(/.*)?", path) for path in changed), pattern
    assert all(allowed(path, rewrite) for path in changed)
    assert rewrite.reason.endswith(".")


def test_the_template_given_is_left_as_it_is(acme: Stack) -> None:
    before = copy.deepcopy(acme.template)
    localise(acme.template)
    assert acme.template == before


def test_localising_twice_changes_nothing_more(acme: Stack) -> None:
    once = localise(acme.template)
    assert localise(once) == once


@pytest.mark.parametrize(
    ("prefix", "setting", "holder"),
    [("RuntimeSigningKey", "QCOS_SIGNING_KEY_ARN", "sign"), ("RuntimeLogKey", "QCOS_LOG_KEY_ARN", "checkpoint")],
)
def test_a_signer_reads_its_key_pair_and_nobody_else_does(acme: Stack, prefix: str, setting: str, holder: str) -> None:
    local = Stack(localise(acme.template))
    key, _ = local.one("AWS::SecretsManager::Secret", prefix)
    assert not local.of("AWS::KMS::Key")
    assert not local.of("AWS::KMS::Alias")
    _, function = local.functions()[holder]
    assert function["Environment"]["Variables"][setting] == {"Fn::GetAtt": [key, "Id"]}
    assert local.actions_on(holder, key) == {"secretsmanager:GetSecretValue"}
    holders = {name for name, (_, properties) in local.functions().items() if key in references(properties)}
    assert holders == {holder}


def test_nothing_refers_to_what_is_gone(acme: Stack) -> None:
    local = localise(acme.template)
    known = {*local["Resources"], *local["Parameters"]}
    assert not {name for name in references(local) if not name.startswith("AWS::")} - known
