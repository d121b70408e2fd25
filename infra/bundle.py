"""What is put into the Lambda assets: handlers as they are, layers with their locked dependencies.

Dependencies are bundled without docker: uv installs the wheels Lambda needs from ``layers/<name>/requirements.txt``,
which is locked with hashes. ``python -m infra.bundle OUT`` does it by hand and prints the sizes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FUNCTIONS = ROOT / "functions"
LAYERS = ROOT / "layers"
LAYER_NAMES = ("core", "optimizer", "evidence")
# The AWS services our adapters, and the tracing library, make clients of. botocore describes 400 others in 20 MB.
AWS_SERVICES = frozenset(
    {
        "dynamodb",
        "dynamodbstreams",
        "events",
        "kms",
        "lambda",
        "s3",
        "secretsmanager",
        "sqs",
        "stepfunctions",
        "sts",
        "xray",
    }
)
# The sets of layers that functions have.
STACKED = (("core",), ("core", "optimizer"), ("core", "evidence"))

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


def _uv() -> str:
    """The uv of this environment, else the one on PATH."""
    beside = Path(sys.executable).with_name("uv")
    found = str(beside) if beside.exists() else shutil.which("uv")
    if not found:
        raise FileNotFoundError("uv is needed to bundle layers: pip install uv")
    return found


def _trim(target: Path) -> None:
    """Remove what is never imported: console scripts, test suites, type stubs, C headers, other AWS services.

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
    for service in (target / "botocore" / "data").glob("*/"):
        if service.is_dir() and service.name not in AWS_SERVICES:
            shutil.rmtree(service)


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


def main(arguments: Sequence[str]) -> int:
    """Bundle into a folder by hand; the exit code is 1 when some function with its layers would pass the limit."""
    out = Path(arguments[0])
    bundle_functions(out / "functions")
    sizes = {"functions": unzipped_size(out / "functions")}
    for name in LAYER_NAMES:
        bundle_layer(name, out / name)
        sizes[name] = unzipped_size(out / name)
    for name, size in sizes.items():
        print(f"{name:24} {size / 1e6:8.1f} MB")
    worst = 0
    for layers in STACKED:
        total = sizes["functions"] + sum(sizes[name] for name in layers)
        worst = max(worst, total)
        print(f"{' + '.join(layers):24} {total / 1e6:8.1f} MB of {LIMIT / 1e6:.1f} MB")
    return int(worst > LIMIT)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
