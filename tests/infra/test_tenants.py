"""What tenants.json may say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infra.tenants import Tenant, load_tenants

GOOD = {"tenant": "acme", "region": "eu-central-1", "plan": "pro"}


def test_the_file_names_two_tenants_in_two_regions() -> None:
    tenants = load_tenants()
    assert [(tenant.tenant, tenant.stack_name) for tenant in tenants] == [("acme", "Qcos-acme"), ("demo", "Qcos-demo")]
    assert len({tenant.region for tenant in tenants}) == 2


def test_issuer_is_the_one_given_or_a_reserved_placeholder() -> None:
    assert Tenant.parse(GOOD).issuer == "https://acme.qcos.example"
    assert Tenant.parse(GOOD | {"issuer": "https://api.acme.test"}).issuer == "https://api.acme.test"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"tenant": "Acme"}, "3 to 32"),
        ({"tenant": "a-"}, "3 to 32"),
        ({"region": "frankfurt"}, "not an AWS region"),
        ({"plan": "gold"}, "none of free, pro, hybrid, enterprise"),
        ({"issuer": "acme"}, "not an http or https address"),
        ({"regoin": "x"}, "unknown fields"),
    ],
)
def test_a_malformed_entry_is_refused_by_name(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        Tenant.parse(GOOD | change)


def test_a_tenant_named_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "tenants.json"
    path.write_text(json.dumps([GOOD, GOOD | {"region": "us-east-1"}]), encoding="utf-8")
    with pytest.raises(ValueError, match="named twice"):
        load_tenants(path)
