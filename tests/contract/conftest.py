"""Each contract test runs over every database that can be had here."""

from __future__ import annotations

import pytest

from flowengine.store import Store


@pytest.fixture
def open_store(database_url, tmp_path):
    """Opens the store as its engine; may be opened again after it is closed."""
    return lambda **given: Store.open(database_url, **{"write": True, "key_file": tmp_path / "secret" / "key", **given})


@pytest.fixture
async def store(open_store):
    async with open_store() as opened:
        yield opened
