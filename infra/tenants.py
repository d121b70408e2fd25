"""Who gets a stack: the entries of ``tenants.json``, checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TENANTS_FILE = Path(__file__).with_name("tenants.json")

# The name becomes part of resource names, keys and API key records: short, lower case, no surprises.
_NAME = re.compile(r"[a-z][a-z0-9-]{1,30}[a-z0-9]")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
ISSUER_PATTERN = r"https?://[^ ]+"
PLANS = ("free", "pro", "hybrid", "enterprise")


@dataclass(frozen=True)
class Tenant:
    """One customer: its own stack in its own region.

    ``issuer`` is the http(s) address evidence bundles name as their issuer: where the tenant's API and its published
    keys are to be found. The default is a placeholder under a reserved domain, for trying things out.
    """

    tenant: str
    region: str
    plan: str
    issuer: str

    @classmethod
    def parse(cls, entry: Mapping[str, Any]) -> Tenant:
        """The entry as a tenant; ``ValueError`` names the field that is wrong."""
        unknown = set(entry) - {"tenant", "region", "plan", "issuer"}
        if unknown:
            raise ValueError(f"unknown fields in tenants.json: {sorted(unknown)}")
        name, region, plan = (str(entry.get(field, "")) for field in ("tenant", "region", "plan"))
        if not _NAME.fullmatch(name):
            raise ValueError(f"tenant {name!r} is not 3 to 32 of a-z, 0-9 and -, starting with a letter")
        if not _REGION.fullmatch(region):
            raise ValueError(f"tenant {name}: {region!r} is not an AWS region")
        if plan not in PLANS:
            raise ValueError(f"tenant {name}: plan {plan!r} is none of {', '.join(PLANS)}")
        issuer = str(entry.get("issuer", f"https://{name}.qcos.example"))
        if not re.fullmatch(ISSUER_PATTERN, issuer):
            raise ValueError(f"tenant {name}: issuer {issuer!r} is not an http or https address")
        return cls(tenant=name, region=region, plan=plan, issuer=issuer)

    @property
    def stack_name(self) -> str:
        """The CloudFormation stack's name."""
        return f"Qcos-{self.tenant}"


def load_tenants(path: Path = TENANTS_FILE) -> list[Tenant]:
    """All tenants of a file, in its order; ``ValueError`` when one is malformed or named twice."""
    tenants = [Tenant.parse(entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    names = [tenant.tenant for tenant in tenants]
    if len(set(names)) != len(names):
        raise ValueError(f"a tenant is named twice in {path.name}: {names}")
    return tenants
