"""A disk that is full, and a file that another program holds, under a real database."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3

import pytest

from flowengine.errors import StorageUnavailable
from flowengine.store import Store, group_commit, sqlite_file
from tests.fakes.records import a_run, an_event

pytestmark = pytest.mark.timeout(30)


async def test_a_full_disk_gives_up_its_ballast_and_loses_nothing_that_was_answered(tmp_path, monkeypatch):
    monkeypatch.setattr(group_commit, "PATIENCE", 0.02)
    url = f"sqlite:///{tmp_path / 'a.db'}"
    async with Store.open(url, write=True) as store:
        ballast = tmp_path / "a.db.ballast"
        assert ballast.stat().st_size == 8_000_000
        raw = store.journal._channel.connection.connection
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


async def test_what_is_under_way_waits_for_a_program_that_holds_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(group_commit, "PATIENCE", 0.02)
    monkeypatch.setattr(sqlite_file, "BUSY_SECONDS", 0.1)
    file = tmp_path / "a.db"
    async with Store.open(f"sqlite:///{file}", write=True) as store:
        with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            held = asyncio.create_task(store.runs.add(a_run()))
            event = an_event()
            with pytest.raises(StorageUnavailable, match="locked"):
                await store.events.accept(event, [a_run(event)])
            assert not held.done()
            other.execute("ROLLBACK")
        await asyncio.wait_for(held, 20)
        assert (tmp_path / "a.db.ballast").exists()
        assert len(await store.runs.list()) == 1
