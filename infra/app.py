"""The CDK app: one stack per tenant. ``python -m infra.app`` synthesises without the CDK command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import aws_cdk as cdk

from infra.tenant_stack import TenantStack
from infra.tenants import Tenant, load_tenants


def build(tenants: Iterable[Tenant], *, outdir: str | None = None, context: Mapping[str, Any] | None = None) -> cdk.App:
    """The app with a stack for each tenant, not synthesised yet.

    ``outdir`` defaults to the environment's ``CDK_OUTDIR``, then a temporary folder, as CDK has it.
    """
    app = cdk.App(outdir=outdir, analytics_reporting=False, context=context)
    for tenant in tenants:
        TenantStack(app, tenant.stack_name, tenant=tenant)
    return app


def main() -> None:
    """Synthesise every tenant's stack and say where."""
    print(build(load_tenants()).synth().directory)


if __name__ == "__main__":
    main()
