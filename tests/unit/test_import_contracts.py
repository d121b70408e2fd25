"""The import contracts hold, and each would notice the import it forbids."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TREES = ("layers", "functions", "infra")

SEEDS = {
    "service imports an adapter": ("layers/core/python/qcos/service/submit.py", "import qcos.adapters.object_store"),
    "adapter imports a use case": ("layers/core/python/qcos/adapters/object_store.py", "import qcos.service.log"),
    "domain imports ports": ("layers/core/python/qcos/job.py", "import qcos.ports"),
    "events import the job": ("layers/core/python/qcos/events.py", "import qcos.job"),
    "use case imports boto3": ("layers/core/python/qcos/service/poll.py", "import boto3"),
    "use case imports the optimizer": ("layers/core/python/qcos/service/transpile.py", "import qcos_optimizer"),
    "handler imports boto3": ("functions/steps/poll.py", "import boto3"),
    "handler imports a sibling": ("functions/steps/poll.py", "import functions.steps.execute"),
    "handler imports an adapter": ("functions/api/jobs.py", "import qcos.adapters.view_store"),
    "API reaches the optimizer": ("functions/api/optimize.py", "import qcos.wiring.transpiling"),
    "API reaches qiskit": ("functions/api/backends.py", "import qiskit"),
    "scheduled function reaches the optimizer": ("functions/schedule/sweep.py", "import qcos.wiring.transpiling"),
    "scheduled function reaches evidence": ("functions/schedule/redrive.py", "import qcos.wiring.signing"),
    "transpile step reaches evidence": ("functions/steps/transpile.py", "import qcos.wiring.signing"),
    "sign step reaches the optimizer": ("functions/steps/sign.py", "import qcos.wiring.transpiling"),
    "stream reader reaches evidence": ("functions/streams/relay.py", "import qcos.wiring.signing"),
    "common wiring reaches evidence": ("layers/core/python/qcos/wiring/__init__.py", "import qcos.adapters.custody"),
    "optimizer imports the service": ("layers/optimizer/python/qcos_optimizer/targets.py", "import qcos.models"),
    "checking a proof imports a pass": (
        "layers/optimizer/python/qcos_optimizer/matrices.py",
        "import qcos_optimizer.passes.gather",
    ),
    "checking a proof imports qiskit": ("layers/optimizer/python/qcos_optimizer/openqasm.py", "import qiskit"),
    "the checker reads with the optimizer's reader": (
        "layers/optimizer/python/qcos_optimizer/openqasm_three.py",
        "import qcos_optimizer.openqasm3.expression",
    ),
    "evidence imports boto3": ("layers/evidence/python/qcos_evidence/keys.py", "import boto3"),
    "infrastructure imports the service": ("infra/runtime.py", "import qcos.models"),
    "infrastructure imports a handler": ("infra/runtime.py", "import functions.steps.poll"),
    "runtime imports infrastructure": ("functions/steps/poll.py", "import infra.runtime"),
}


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(
        str(root / part) for part in ("", *(f"layers/{n}/python" for n in ("core", "optimizer", "evidence")))
    )
    lint_imports = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(lint_imports), "--no-cache", "--config", str(root / "pyproject.toml")],
        cwd=root,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for tree in TREES:
        shutil.copytree(ROOT / tree, tmp_path / tree, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_tree_as_it_is_keeps_every_contract(copy: Path) -> None:
    result = lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("seed", SEEDS)
def test_a_forbidden_import_is_caught(copy: Path, seed: str) -> None:
    name, line = SEEDS[seed]
    module = copy / name
    module.write_text(f"{module.read_text()}\n\n{line}\n")
    result = lint(copy)
    assert result.returncode == 1, result.stdout
    assert "BROKEN" in result.stdout


@pytest.mark.parametrize("wiring", ["transpiling", "signing"])
def test_a_new_function_is_held_to_the_contracts(copy: Path, wiring: str) -> None:
    """No list of functions has to be kept for that."""
    folder = copy / "functions" / "later"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "added.py").write_text(f"from qcos.wiring import {wiring}\n")
    result = lint(copy)
    assert result.returncode == 1, result.stdout
    assert "functions.later.added" in result.stdout


def test_a_module_without_a_place_is_caught(copy: Path) -> None:
    (copy / "layers/core/python/qcos/drawer.py").write_text("")
    result = lint(copy)
    assert result.returncode == 1
    assert "drawer" in result.stdout
