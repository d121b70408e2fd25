"""The README's commands, run as pasted."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Api

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```bash\n(.*?)^```", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder(api: Api, tmp_path: Path) -> Path:
    """A folder that looks like the checkout of somebody who runs ``make up``."""
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "ready.json").write_text(json.dumps(api.cloud.ready))
    (tmp_path / ".venv").symlink_to(sys.prefix)
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    return tmp_path


def test_every_command_works_as_pasted(folder: Path) -> None:
    assert len(BLOCKS) == 4
    script = "set -eu -o pipefail\n" + "\necho '=== block'\n".join(BLOCKS)
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    walk, wrong, shell, alone = done.stdout.split("=== block\n")
    assert '"counts": {' in walk
    assert '"type": "JobCompleted"' in walk
    assert re.search(r"verdict +VALID", walk)
    for code in ("INVALID_CIRCUIT", "BACKEND_NOT_FOUND", "UNAUTHORIZED"):
        assert f'"code":"{code}"' in wrong
    assert "line 4" in wrong
    assert "completed" in shell
    assert "ionq_forte" in shell
    assert re.search(r"verdict +VALID", alone)
    assert (folder / "better.qasm").read_text().startswith("OPENQASM 2.0;")
