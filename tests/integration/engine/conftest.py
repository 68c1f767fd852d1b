from __future__ import annotations

import pytest

from flowengine.engine import parking, rounds
from tests.fakes.engines import Bench


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch):
    """The engine looks at the clock more often than it need, so that tests that move it need not wait."""
    monkeypatch.setattr(rounds, "TICK", 0.02)
    monkeypatch.setattr(parking, "DOZE", 0.02)


@pytest.fixture
def make_bench(tmp_path):
    return lambda **given: Bench(f"sqlite:///{tmp_path / 'flowengine.db'}", tmp_path / "key", **given)


@pytest.fixture
def cold(make_bench):
    """A bench that is not running yet."""
    return make_bench()


@pytest.fixture
async def bench(cold):
    async with cold.running():
        yield cold
