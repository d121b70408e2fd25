"""The CDK side of bundling: which folder becomes which asset, and what makes it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.bundle import FUNCTIONS, LAYERS, bundle_functions, bundle_layer


def function_code() -> lambda_.Code:
    """The asset all functions share: the folder ``functions`` under the task root."""
    return lambda_.Code.from_asset(str(FUNCTIONS), **_bundled(bundle_functions))


def layer_code(scope: Construct, name: str) -> lambda_.Code:
    """A layer's asset: with its dependencies when the context ``bundle`` is true, else its own package only.

    Without ``bundle`` the template is good to look at and to run locally, not to deploy to AWS.
    """
    if str(scope.node.try_get_context("bundle")).lower() != "true":
        return lambda_.Code.from_asset(str(LAYERS / name), exclude=["**/__pycache__", "**/*.pyc"])
    return lambda_.Code.from_asset(str(LAYERS / name), **_bundled(lambda out: bundle_layer(name, out)))


@jsii.implements(ILocalBundling)
class _LocalBundling:
    """Runs a bundler of this module where CDK would start a container."""

    def __init__(self, bundler: Callable[[Path], None]) -> None:
        self._bundler = bundler

    def try_bundle(self, output_dir: str, *_image: Any, **_options: Any) -> bool:
        """Fill CDK's output folder."""
        self._bundler(Path(output_dir))
        return True


def _bundled(bundler: Callable[[Path], None]) -> dict[str, Any]:
    """Asset options: what the bundler makes decides the asset's hash, not what it was made from."""
    return {
        "asset_hash_type": AssetHashType.OUTPUT,
        "bundling": BundlingOptions(
            # Never used: the local bundler does not decline. CDK wants an image named all the same.
            image=DockerImage.from_registry("none"),
            local=_LocalBundling(bundler),
        ),
    }
