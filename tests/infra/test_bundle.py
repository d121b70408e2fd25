"""What goes into the assets, without fetching anything."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra import bundle

PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^ \\;]+)", re.MULTILINE)
TESTED = dict(PIN.findall((bundle.ROOT / "tests" / "requirements.txt").read_text(encoding="utf-8")))


def test_handlers_are_importable_from_the_task_root(tmp_path: Path) -> None:
    bundle.bundle_functions(tmp_path)
    assert (tmp_path / "functions" / "api" / "optimize.py").is_file()
    assert (tmp_path / "functions" / "__init__.py").is_file()
    assert not list(tmp_path.rglob("__pycache__"))


@pytest.mark.parametrize("layer", bundle.LAYER_NAMES)
def test_a_layer_is_locked_by_hash_to_the_versions_that_are_tested(layer: str) -> None:
    text = (bundle.LAYERS / layer / "requirements.txt").read_text(encoding="utf-8")
    pins = PIN.findall(text)
    assert pins
    assert not [(name, version) for name, version in pins if TESTED[name] != version]
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert len(entries) == len(pins)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text


def test_the_layers_hold_nothing_of_the_local_cloud() -> None:
    for layer in bundle.LAYER_NAMES:
        names = {name for name, _ in PIN.findall((bundle.LAYERS / layer / "requirements.txt").read_text("utf-8"))}
        assert not names & {"ministack", "qiskit-aer", "aws-cdk-lib", "pytest", "uvicorn", "moto"}


def test_every_aws_service_our_code_uses_stays_in_the_layer() -> None:
    sources = [path.read_text(encoding="utf-8") for path in (bundle.LAYERS / "core" / "python").rglob("*.py")]
    used = {name for text in sources for name in re.findall(r"\bclient\(\"([a-z0-9-]+)\"\)", text)}
    assert used >= {"dynamodb", "s3", "sqs", "stepfunctions", "events", "kms", "secretsmanager"}
    assert used <= bundle.AWS_SERVICES


def test_trimming_removes_dead_weight_only(tmp_path: Path) -> None:
    keep = [
        "numpy/f2py/__init__.py",
        "numpy/testing/__init__.py",
        "botocore/data/s3/x.json",
        "botocore/data/endpoints.json",
    ]
    drop = ["bin/f2py", "numpy/tests/test_x.py", "numpy/_core/include/x.h", "a.pyi", "botocore/data/ec2/x.json"]
    for name in keep + drop:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("", encoding="utf-8")
    bundle._trim(tmp_path)
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == set(keep)


def test_bytecode_is_never_checked_against_file_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_target_python", lambda: sys.executable)
    (tmp_path / "module.py").write_text("VALUE = 1\n", encoding="utf-8")
    bundle._compile(tmp_path, "/opt/python")
    (compiled,) = tmp_path.rglob("*.pyc")
    # PEP 552: flags 0b01 are "hash-based, not checked".
    assert compiled.read_bytes()[4:8] == (1).to_bytes(4, "little")
    (tmp_path / "module.py").write_text("VALUE = 2\n", encoding="utf-8")
    command = [sys.executable, "-c", "import module; print(module.VALUE, module.__spec__.loader_state)"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == "1"


def test_sizes_count_every_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "c").write_bytes(b"x" * 5)
    assert bundle.unzipped_size(tmp_path) == 15
    assert bundle.LIMIT == 262_144_000
