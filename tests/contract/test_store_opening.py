"""Opening a database: who may, what is refused, and in which words."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest

from flowengine.errors import ConfigurationError, Conflict, NotFound
from flowengine.store import Store, action_rows, lock, schema
from flowengine.store.database import postgresql_engine, read_address, sqlite_engine
from flowengine.store.sqlite_file import open_sqlite
from flowengine.types import Status
from tests.fakes.records import a_run, an_action, an_event


@contextlib.contextmanager
def connected(url):
    """A connection to the database as it is, past every check."""
    address = read_address(url)
    engine = sqlite_engine(address.file) if address.file else postgresql_engine(address)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


async def test_what_was_stored_is_there_the_next_time(open_store):
    event = an_event()
    async with open_store() as store:
        first = store.epoch
        await store.events.accept(event, [a_run(event)])
    async with open_store() as store:
        assert store.epoch == first + 1
        assert await store.events.list() == [event]


async def test_a_second_engine_is_told_who_has_the_database(open_store, database_url):
    async with open_store() as store:
        store.lock.publish({"url": "http://127.0.0.1:8080"})
        with pytest.raises(Conflict, match=rf"process {os.getpid()} at http://127\.0\.0\.1:8080"):
            async with open_store():
                pass
        assert lock.holder(database_url) == {"pid": os.getpid(), "url": "http://127.0.0.1:8080"}
    assert lock.holder(database_url) is None


async def test_reading_goes_on_beside_the_engine(open_store):
    async with open_store() as store, open_store(write=False) as beside:
        event = an_event()
        await store.events.accept(event, [])
        assert await beside.events.list() == [event]


async def test_a_newer_schema_is_refused(open_store, database_url):
    async with open_store():
        pass
    with connected(database_url) as connection, connection.begin():
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for write in (True, False):
        with pytest.raises(ConfigurationError, match="newer flowengine"):
            async with open_store(write=write):
                pass


async def test_migrations_come_to_the_same_tables_as_a_new_database(open_store, database_url, tmp_path, monkeypatch):
    def shape(url):
        from sqlalchemy import inspect

        with connected(url) as connection:
            schema.bring_up_to_date(connection)
            found = inspect(connection)
            return {
                name: (
                    [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(name)],
                    found.get_pk_constraint(name)["constrained_columns"],
                    sorted(
                        (index["name"], tuple(index["column_names"]), bool(index["unique"]))
                        for index in found.get_indexes(name)
                    ),
                )
                for name in found.get_table_names()
            }

    made = shape(f"sqlite:///{tmp_path / 'made.db'}") if database_url.startswith("sqlite") else None
    monkeypatch.setattr(schema, "_make", schema.upgrade)
    migrated = shape(database_url)
    if made is None:
        assert {"runs", "events", "actions", "alembic_version"} <= set(migrated)
    else:
        assert migrated == made


async def test_what_was_migrated_opens_again(open_store, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(schema, "_make", schema.upgrade)
        async with open_store():
            pass
    async with open_store() as store:
        rows = await store.reader.rows("SELECT version_num FROM alembic_version")
    assert rows == [(schema.VERSIONS[-1],)]


def test_every_migration_is_known():
    files = sorted(file.name[:4] for file in (schema.MIGRATIONS / "versions").glob("0*.py"))
    assert list(schema.VERSIONS) == files


async def test_secrets_are_never_at_rest_in_clear(open_store, tmp_path):
    async with open_store() as store:
        await store.secrets.set("livechat_api_key", "canary-1")
        await store.secrets.set("livechat_api_key", "canary-2")
        run = a_run(status=Status.RUNNING, epoch=store.epoch)
        await store.runs.add(run)
        hidden = an_action(
            run,
            inputs={"card": "canary-3"},
            outputs={"body": "canary-4"},
            error={"code": "x", "message": "canary-5"},
            secure=frozenset({"inputs", "outputs"}),
        )
        await store.journal.commit(action_rows.put(hidden, store.epoch, store.seal))
        files = [path for path in tmp_path.iterdir() if path.is_file()]
        assert not [path for path in files if b"canary" in path.read_bytes()]
        shown = (await store.runs.actions(run.id))[0]
        assert "canary" not in repr(shown)
        assert shown.inputs == "(secure)"
        assert await store.runs.actions(run.id, reveal=True) == [hidden]
        assert await store.secrets.get("livechat_api_key") == "canary-2"
        assert await store.secrets.names() == ["livechat_api_key"]
        assert await store.secrets.delete("livechat_api_key")
        assert not await store.secrets.delete("livechat_api_key")


async def test_a_new_key_keeps_secrets_and_addresses(open_store, tmp_path):
    async with open_store() as store:
        await store.secrets.set("a", "one")
        derived = store.secrets.derive("hook:tickets")
        assert await store.secrets.rotate() == 1
        assert (await store.secrets.all(), store.secrets.derive("hook:tickets")) == ({"a": "one"}, derived)
    async with open_store() as store:
        assert (await store.secrets.all(), store.secrets.derive("hook:tickets")) == ({"a": "one"}, derived)
    key = tmp_path / "secret" / "key"
    assert len(derived) == 43
    assert key.stat().st_mode & 0o777 == 0o600
    assert len(key.read_text().split()) == 2


@pytest.mark.parametrize(("content", "words"), [("", "is empty"), ("not a key", "does not hold a key")])
async def test_a_broken_key_file_is_told(open_store, tmp_path, content, words):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text(content)
    async with open_store() as store:
        with pytest.raises(ConfigurationError, match=words):
            await store.secrets.set("a", "b")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://root:hunter2@db/x", "neither sqlite"),
        ("flowengine.db", "no scheme"),
        ("sqlite:///", "neither sqlite"),
        ("sqlite:////proc/flowengine/x.db", "cannot be made"),
        ("postgresql+psycopg://nobody:hunter2@127.0.0.1:1/none", r"postgresql://127\.0\.0\.1:1/none cannot be used"),
    ],
)
async def test_a_url_that_cannot_be_used_is_told_without_its_password(url, words):
    with pytest.raises(ConfigurationError, match=words) as raised:
        async with Store.open(url, write=True):
            pass
    assert "hunter2" not in str(raised.value)


async def test_files_that_are_no_database(tmp_path):
    (tmp_path / "folder.db").mkdir()
    (tmp_path / "text.db").write_text("this is text, and no database at all" * 40)
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE a (b)").connection.close()
    for name, words in (("folder.db", "is a folder"), ("text.db", "is not a database")):
        with pytest.raises(ConfigurationError, match=words):
            async with Store.open(f"sqlite:///{tmp_path / name}", write=True):
                pass
    for name, words in (("text.db", "is not a database"), ("other.db", "not set up yet")):
        with pytest.raises(ConfigurationError, match=words):
            async with Store.open(f"sqlite:///{tmp_path / name}", write=False):
                pass
    with pytest.raises(NotFound, match="no database"):
        async with Store.open(f"sqlite:///{tmp_path / 'none.db'}", write=False):
            pass
    assert not Path(tmp_path / "none.db").exists()


async def test_settings_that_would_lose_events_are_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="synchronous=FULL"):
        open_sqlite(":memory:")


@pytest.mark.postgresql
async def test_postgresql_is_taken_only_when_it_answers_after_its_disk_has_it(postgresql_server, tmp_path):
    """With `local` this server's disk has it, which is what counts; replicas are no part of the promise."""
    url = postgresql_server.database("durable_or_not")
    for setting, taken in (("local", True), ("off", False), ("on", True)):
        with connected(url) as connection, connection.begin():
            connection.exec_driver_sql(f"ALTER DATABASE durable_or_not SET synchronous_commit = {setting}")
        refused = pytest.raises(ConfigurationError, match="synchronous_commit = off")
        with contextlib.nullcontext() if taken else refused:
            async with Store.open(url, write=True, key_file=tmp_path / "key") as store:
                await store.events.accept(an_event(), [])
