import pytest

from flowengine.config import Settings
from flowengine.connectors.client import Client
from flowengine.connectors.transport import Wire
from flowengine.types import SystemClock


@pytest.fixture
async def client():
    async with Client(Settings(), SystemClock()) as client:
        yield client


@pytest.fixture
async def get():
    """Asks an address, over a wire that takes answers of up to 100,000 bytes."""
    wire = Wire(largest_answer=100_000)

    async def get(url, *, guarded=False, seconds=3.0, headers=(), method="GET", body=None):
        return await wire.exchange(method, url, headers, body, guarded=guarded, seconds=seconds)

    yield get
    await wire.close()
