"""What a verifier installs: the extra ``evidence``, without a server's packages, small."""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[3]
LIMIT = 15_000_000


def needed(requirement: Requirement, found: set[str]) -> set[str]:
    """The names of what a requirement installs here, itself included."""
    if requirement.name in found or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
        return found
    found.add(requirement.name)
    for inner in metadata.requires(requirement.name) or []:
        needed(Requirement(inner), found)
    return found


def size(name: str) -> int:
    files = metadata.files(name) or []
    return sum(Path(str(file.locate())).stat().st_size for file in files if Path(str(file.locate())).is_file())


def test_the_verifier_is_small() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (line,) = re.findall(r"^evidence = \[(.*)\]$", project, re.MULTILINE)
    names: set[str] = set()
    for text in re.findall(r'"([^"]+)"', line):
        needed(Requirement(text), names)
    assert names >= {"pqcrypto", "cbor2", "rfc8785", "pynacl"}
    assert not names & {"typst", "segno", "fastapi", "boto3", "pydantic", "qiskit", "cryptography"}
    # The wheel brings all three libraries, whichever extra is asked for.
    files = (file for file in ROOT.glob("layers/*/python/*/**/*") if file.is_file() and file.suffix != ".pyc")
    ours = sum(file.stat().st_size for file in files)
    assert ours > 500_000  # they were found
    assert ours + sum(map(size, names)) < LIMIT
