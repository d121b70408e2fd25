"""How a command ends early, and the files it reads and writes."""

from __future__ import annotations

import sys
from pathlib import Path

MAX_FILE_BYTES = 32 * 1024 * 1024


class Stop(Exception):
    """The command ends with one line for people and an exit status."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


def unusable(message: str) -> Stop:
    """Exit status 2."""
    return Stop(message, 2)


def shown(name: str) -> str:
    """What a file is called in messages."""
    return "standard input" if name == "-" else name


def circuit(name: str) -> str:
    """A circuit file's text, no longer than a circuit may be."""
    from qcos.qasm import Limits

    data, limit = read(name), Limits().source_bytes
    if len(data) > limit:
        raise unusable(f"{shown(name)}: has {len(data):,} bytes; a circuit may have {limit:,}")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise unusable(f"{shown(name)}: is not text in UTF-8, so it is no OpenQASM file") from None


def read(name: str) -> bytes:
    """A whole file, or standard input for ``-``; what is absurdly large is not read to its end."""
    try:
        if name == "-":
            data = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
    except OSError as problem:
        raise unusable(f"{shown(name)}: cannot be read: {problem.strerror or problem}") from None
    if len(data) > MAX_FILE_BYTES:
        raise unusable(f"{shown(name)}: is larger than {MAX_FILE_BYTES:,} bytes")
    return data


def write(name: str, content: str | bytes) -> None:
    """Save text, or bytes as they are."""
    try:
        Path(name).write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    except OSError as problem:
        raise unusable(f"{name}: cannot be written: {problem.strerror or problem}") from None


def not_installed(missing: ModuleNotFoundError, extra: str) -> Stop:
    """What to install."""
    return unusable(f"the package {missing.name} is not installed; try: pip install 'qcos-core-api[{extra}]'")
