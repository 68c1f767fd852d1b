"""Secrets at rest, on every database: never in clear, exchanged under a new key while others write."""

import asyncio
import sqlite3

import pytest

from flowengine.errors import ConfigurationError


async def test_what_is_kept_is_given_back(store):
    await store.secrets.set("key", "canary ü")
    await store.secrets.set("key", "canary newer")
    assert await store.secrets.get("key") == "canary newer"
    assert await store.secrets.all() == {"key": "canary newer"}
    assert await store.secrets.delete("key")
    assert not await store.secrets.delete("key")
    assert await store.secrets.get("key") is None


async def test_what_the_engine_keeps_for_itself_is_no_secret_of_a_person(store):
    await store.secrets.set("connection:desk", "tokens")
    await store.secrets.set("mine", "value")
    assert await store.secrets.names() == ["mine"]
    assert await store.secrets.delete("connection:desk")


async def test_a_new_key_is_put_in_force_while_others_write(store, tmp_path):
    for number in range(20):
        await store.secrets.set(f"key_{number}", "before")
    derived = store.secrets.derive("hook")
    changes = [store.secrets.set(f"key_{number}", "after") for number in range(0, 20, 2)]
    count, *_ = await asyncio.gather(store.secrets.rotate(), *changes)
    assert count == 20
    found = await store.secrets.all()
    # What was changed meanwhile keeps its newer value.
    assert [found[f"key_{number}"] for number in range(20)] == ["after", "before"] * 10
    key_file = tmp_path / "secret" / "key"
    assert len(key_file.read_text().split()) == 2
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert store.secrets.derive("hook") == derived


async def test_everything_is_readable_with_the_new_key_alone(open_store, tmp_path):
    key_file = tmp_path / "secret" / "key"
    async with open_store() as store:
        await store.secrets.set("one", "canary-1")
        await store.secrets.rotate()
        await store.secrets.rotate()
    key_file.write_text(key_file.read_text().split()[0] + "\n")
    async with open_store() as store:
        assert await store.secrets.get("one") == "canary-1"


async def test_a_reader_that_began_before_the_rotation_reads_on(open_store):
    async with open_store() as store:
        await store.secrets.set("one", "canary-1")
        async with open_store(write=False) as reader:
            assert await reader.secrets.get("one") == "canary-1"
            await store.secrets.rotate()
            assert await reader.secrets.get("one") == "canary-1"


async def test_a_wrong_key_is_told(open_store, tmp_path):
    async with open_store() as store:
        await store.secrets.set("one", "canary-1")
    (tmp_path / "secret" / "key").unlink()
    async with open_store() as store:
        for looked_at in (store.secrets.all(), store.secrets.get("one")):
            with pytest.raises(ConfigurationError, match="put the right key file back"):
                await looked_at


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_nothing_of_it_is_in_the_files(open_store, tmp_path):
    async with open_store() as store:
        await store.secrets.set("one", "canary-1")
        await store.secrets.delete("one")
        assert [path for path in tmp_path.rglob("*") if path.is_file() and b"canary-1" in path.read_bytes()] == []
    with sqlite3.connect(tmp_path / "flowengine.db") as database:
        assert database.execute("SELECT count(*) FROM secrets").fetchone() == (0,)
    database.close()
