"""The synthesised templates: made once per content of infra/, by whoever needs them first."""

from __future__ import annotations

import pytest

from infra.local import assembly
from tests.infra.template import Stack


@pytest.fixture(scope="session")
def acme() -> Stack:
    return Stack(assembly.load()[0].template("Qcos-acme"))


@pytest.fixture(scope="session")
def demo() -> Stack:
    return Stack(assembly.load()[0].template("Qcos-demo"))
