import pytest

from flowengine.config import Settings
from flowengine.connectors.client import Client
from flowengine.types import SystemClock


@pytest.fixture
async def client():
    async with Client(Settings(), SystemClock()) as client:
        yield client
