"""For every test: how many examples Hypothesis makes, a quiet garbage collector, databases to test against.

Databases: SQLite always, PostgreSQL where its wheel is installed. Hypothesis: `HYPOTHESIS_PROFILE=long` makes many
examples and new ones each time; by default they are few and always the same, so that no test fails by chance.
"""

from __future__ import annotations

import gc
import itertools
import os

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes import postgresql

# No deadlines: a machine that is busy with other work is no fault of what is tested.
settings.register_profile("quick", max_examples=20, deadline=None, derandomize=True, suppress_health_check=HealthCheck)
settings.register_profile("long", max_examples=1_000, deadline=None, suppress_health_check=HealthCheck)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

_numbers = itertools.count(1)

ORDER = ("unit", "integration", "contract", "acceptance", "browser", "crash")
"""Folders, from quick to slow: what is broken shows as early as can be."""


def pytest_collection() -> None:
    """What is imported and collected stays until the end: looking through it for garbage costs seconds."""
    gc.disable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: (place := place_of(item), longest(item) if place == ORDER.index("crash") else 0))


def place_of(item: pytest.Item) -> int:
    return max((ORDER.index(part) for part in item.path.parts if part in ORDER), default=0)


def longest(item: pytest.Item) -> float:
    """Among the slow ones the longest first, so that at the end no worker waits for another."""
    limit = item.get_closest_marker("timeout")
    return -limit.args[0] if limit else 0


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def ids_of_now():
    """Identifiers never go back within a process: after a test whose clock stands in the future they would all lie there."""
    from flowengine.store import ids  # not above: the process that only hands tests out need not load the program

    ids._last = 0


@pytest.fixture(scope="session")
def postgresql_server():
    server = postgresql.make()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'flowengine.db'}"
    return request.getfixturevalue("postgresql_server").database(f"flowengine_{next(_numbers)}")
