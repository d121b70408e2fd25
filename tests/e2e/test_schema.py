"""The running API against its own OpenAPI document: every check that schemathesis has, stateful links on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import Api

HERE = Path(__file__).parent


def test_every_answer_is_as_documented(api: Api, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("--config-file", str(HERE / "schemathesis.toml")),
        *("run", f"{api.cloud.ready['api_url']}/openapi.json", "--header", f"X-API-Key: {api.cloud.ready['api_key']}"),
        *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "3", "--seed", "1"),
        # Two different keys in one request are refused, and the header above is one.
        *("--generation-with-security-parameters", "false", "--generation-database", "none"),
        *("--no-color", "--no-shrink", "--continue-on-failure"),
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=400)
    assert done.returncode == 0, done.stdout[-6000:]
    tested = re.search(r"Tested: +(\d+)", done.stdout)
    assert tested, done.stdout[-2000:]
    assert int(tested[1]) >= 25
