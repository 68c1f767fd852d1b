"""PostgreSQL's backup, made by the real `pg_dump` while the engine goes on, and put back."""

from __future__ import annotations

import os
import subprocess

import pytest

from flowengine.errors import ConfigurationError
from flowengine.store import Store
from flowengine.store.backup import back_up
from tests.fakes.records import a_run

pytestmark = pytest.mark.postgresql


@pytest.fixture
def programs(postgresql_server, monkeypatch):
    """The programs that came with the server, first on the PATH."""
    monkeypatch.setenv("PATH", f"{postgresql_server.programs}{os.pathsep}{os.environ['PATH']}")
    return postgresql_server.programs


async def test_a_backup_made_under_way_can_be_put_back(programs, postgresql_server, tmp_path):
    url, copy = postgresql_server.database("backed_up"), tmp_path / "copy.dump"
    async with Store.open(url, write=True, key_file=tmp_path / "key") as store:
        run = a_run()
        await store.runs.add(run)
        await store.secrets.set("token", "canary")
        assert back_up(url, copy) == copy.stat().st_size > 0
        await store.runs.add(a_run())
    assert copy.stat().st_mode & 0o077 == 0
    assert b"canary" not in copy.read_bytes()
    back = postgresql_server.database("put_back")
    subprocess.run(
        [programs / "pg_restore", "--no-owner", f"--dbname={back.replace('+psycopg', '')}", copy], check=True
    )
    async with Store.open(back, write=True, key_file=tmp_path / "key") as restored:
        assert [each.id for each in await restored.runs.list()] == [run.id]
        assert await restored.secrets.get("token") == "canary"


async def test_without_pg_dump_one_is_told_what_to_install(postgresql_server, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match="postgresql-client"):
        back_up(postgresql_server.database("no_program"), tmp_path / "copy.dump")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            (
                "pg_dump: error: aborting because of server version mismatch\n"
                "pg_dump: detail: server version: 16.2; pg_dump version: 15.1"
            ),
            r"older than the server \(server version: 16.2; pg_dump version: 15.1\); install",
        ),
        ("pg_dump: error: connection to server failed", "backup: error: connection to server failed"),
        ("", "no reason given"),
    ],
)
def test_what_pg_dump_says_is_passed_on_and_nothing_is_left(said, told, tmp_path, monkeypatch):
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "pg_dump").write_text(f"#!/bin/sh\nprintf '%s' '{said}' >&2\nexit 1\n")
    (programs / "pg_dump").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ConfigurationError, match=told):
        back_up("postgresql+psycopg://someone@127.0.0.1:1/none", tmp_path / "copy.dump")
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]
