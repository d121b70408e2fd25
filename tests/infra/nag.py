"""Synthesise the first tenant's stack with cdk-nag's AWS Solutions rules; run as a program, in a process of its own."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import aws_cdk as cdk
import cdk_nag

from infra.app import build
from infra.tenants import load_tenants

app = build(load_tenants()[:1], context={"aws:cdk:disable-asset-staging": True, "aws:cdk:bundling-stacks": []})
cdk.Aspects.of(app).add(cdk_nag.AwsSolutionsChecks())
app.synth()
