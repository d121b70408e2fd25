"""The synthesised templates: made once per content of infra/, by whoever needs them first."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local import assembly
from tests.infra.template import Stack


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("infra"))


@pytest.fixture(scope="session")
def acme() -> Stack:
    return Stack(assembly.load()[0].template("Qcos-acme"))


@pytest.fixture(scope="session")
def demo() -> Stack:
    return Stack(assembly.load()[0].template("Qcos-demo"))
