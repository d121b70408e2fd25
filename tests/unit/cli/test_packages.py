"""What each command needs to be installed, and what it says when that is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.test_client import URL

BLOCKER = """
import importlib.abc, sys
class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refuse())
from qcos.cli import main
sys.exit(main(sys.argv[1:]))
"""


EVERYTHING_ELSE = {
    *("pydantic", "pydantic_core", "fastapi", "starlette", "mangum", "boto3", "botocore", "httpx", "aws_xray_sdk"),
    *("aws_lambda_powertools", "qiskit", "qiskit_ionq", "numpy", "scipy", "qcos_optimizer", "cryptography"),
    *("infra", "functions", "typst", "segno"),
}


def blocked(names: set[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    code = BLOCKER.format(blocked=names)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QCOS_")}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def test_verify_needs_the_evidence_library_only(files: Path) -> None:
    done = blocked(EVERYTHING_ELSE, "verify", str(files / "bundle.json"), "--keys", str(files / "jwks.json"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "verdict    VALID" in done.stdout


@pytest.mark.parametrize(
    ("missing", "extra", "arguments"),
    [
        ("httpx", "client", ["backends", "--url", URL, "--key", "k"]),
        ("pqcrypto", "evidence", ["verify", "b.json", "--keys", "k.json"]),
        ("qiskit", "optimizer", ["optimize", "{bell}", "--target", "ionq_aria"]),
    ],
)
def test_a_missing_package_is_named_with_what_to_install(
    bell: Path, missing: str, extra: str, arguments: list[str]
) -> None:
    done = blocked({missing}, *(one.format(bell=bell) for one in arguments))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"qcos: the package {missing} is not installed; try: pip install 'qcos-core-api[{extra}]'\n"
