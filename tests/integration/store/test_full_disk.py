"""A disk that is full, under a real database."""

from __future__ import annotations

import asyncio

import pytest

from flowengine.errors import StorageUnavailable
from flowengine.store import Store, journal
from tests.fakes.records import a_run, an_event

pytestmark = pytest.mark.timeout(30)


async def test_a_full_disk_gives_up_its_ballast_and_loses_nothing_that_was_answered(tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "PATIENCE", 0.02)
    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with Store.open(url, write=True) as store:
        ballast = tmp_path / "a.db.ballast"
        assert ballast.stat().st_size == 8_000_000
        raw = store.journal._connection.connection.connection.driver_connection
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
        raw.execute(f"PRAGMA max_page_count={pages}")
        big = an_event(body=b"x" * 500_000)
        with pytest.raises(StorageUnavailable, match="full"):
            await store.events.accept(big, [a_run(big)])
        assert not ballast.exists()
        held = asyncio.create_task(store.runs.add(a_run(trigger="y" * 200_000)))
        await asyncio.sleep(0.1)
        assert "full" in store.journal.trouble
        raw.execute("PRAGMA max_page_count=100000")
        await asyncio.wait_for(held, 20)
        assert (await store.events.list(), len(await store.runs.list())) == ([], 1)
        assert (await store.events.accept(big, [])) == big
