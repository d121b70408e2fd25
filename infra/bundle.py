"""What is put into the Lambda assets: handlers as they are, layers with their locked dependencies.

Dependencies are bundled without docker: uv installs the wheels Lambda needs from ``layers/<name>/requirements.txt``,
which is locked with hashes. ``python -m infra.bundle OUT [LAYER ...]`` does it by hand and prints the sizes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "functions"
LAYERS = ROOT / "layers"
LAYER_NAMES = ("core", "optimizer", "evidence")

# Lambda's python3.13 is Amazon Linux 2023 with glibc 2.34; pqcrypto has no wheel for anything older.
PYTHON_VERSION = "3.13"
PLATFORM = "x86_64-manylinux_2_34"
# AWS counts a function's code and all its layers together, unzipped.
LIMIT = 250 * 1024 * 1024

_NEVER = ["__pycache__", "*.pyc"]


def bundle_functions(out: Path) -> None:
    """Copy the handlers so that ``functions.api.optimize.handler`` is importable from ``out``.

    They stay uncompiled: a few short files, and synthesis must work without Lambda's version of Python.
    """
    shutil.copytree(FUNCTIONS, out / "functions", ignore=shutil.ignore_patterns(*_NEVER), dirs_exist_ok=True)


def bundle_layer(name: str, out: Path) -> None:
    """The layer's own package and its locked dependencies under ``out/python``, compiled and without dead weight."""
    source = LAYERS / name
    target = out / "python"
    subprocess.run(
        [
            *(_uv(), "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"),
            *("--python-version", PYTHON_VERSION, "--python-platform", PLATFORM),
            *("--no-installer-metadata", "--link-mode", "copy", "--target", str(target)),
            *("--requirement", str(source / "requirements.txt")),
        ],
        check=True,
    )
    shutil.copytree(source / "python", target, ignore=shutil.ignore_patterns(*_NEVER), dirs_exist_ok=True)
    _trim(target)
    _compile(target, "/opt/python")


def unzipped_size(out: Path) -> int:
    """Bytes of all files under a folder, as Lambda counts them against its limit."""
    return sum(file.stat().st_size for file in out.rglob("*") if file.is_file())


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


def _uv() -> str:
    """The uv of this environment, else the one on PATH."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise FileNotFoundError("uv is needed to bundle layers: pip install uv")
    return found


def _trim(target: Path) -> None:
    """Remove what is never imported: console scripts, test suites, type stubs, C headers.

    What looks dead but is not stays: ``numpy.f2py`` and scipy's submodules are imported by qiskit, and stripping
    symbols corrupts the OpenBLAS that numpy and scipy carry.
    """
    shutil.rmtree(target / "bin", ignore_errors=True)
    for folder in [*target.rglob("tests"), *target.rglob("include")]:
        if folder.is_dir():
            shutil.rmtree(folder)
    for pattern in ("*.pyi", "*.pxd", "*.pyx", "*.h", "*.a"):
        for file in target.rglob(pattern):
            file.unlink()


def _compile(tree: Path, shown_as: str) -> None:
    """Write bytecode for Lambda's Python that stays valid whatever happens to file times.

    ``/opt`` cannot be written to at run time, and zipping normalises times: bytecode that is checked against them
    would be compiled again at every cold start (5 s instead of 1 s for qiskit).
    """
    subprocess.run(
        [
            *(_target_python(), "-m", "compileall", "-q", "-f", "-j", "0", "--invalidation-mode", "unchecked-hash"),
            *("-s", str(tree), "-p", shown_as, str(tree)),
        ],
        check=True,
    )


def _target_python() -> str:
    """An interpreter of the version Lambda runs: bytecode is good for that version only."""
    if sys.version_info[:2] == tuple(int(part) for part in PYTHON_VERSION.split(".")):
        return sys.executable
    found = subprocess.run([_uv(), "python", "find", PYTHON_VERSION], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        raise FileNotFoundError(
            f"python {PYTHON_VERSION} is needed to bundle layers: uv python install {PYTHON_VERSION}"
        )
    return found.stdout.strip()


def main(arguments: list[str]) -> int:
    """Bundle into a folder by hand; the exit code is 1 when a function with all layers would pass the limit."""
    out = Path(arguments[0])
    names = arguments[1:] or LAYER_NAMES
    bundle_functions(out / "functions")
    total = unzipped_size(out / "functions")
    for name in names:
        bundle_layer(name, out / name)
        size = unzipped_size(out / name)
        total += size
        print(f"{name:10} {size / 1e6:8.1f} MB")
    print(f"{'together':10} {total / 1e6:8.1f} MB of {LIMIT / 1e6:.1f} MB")
    return int(total > LIMIT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
