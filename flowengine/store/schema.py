"""Bringing a database's tables up to this program's version.

A new database gets its tables in one go; an older one is migrated by Alembic, whose import takes longer than everything else
together and is skipped when there is nothing to do.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from flowengine import failpoints
from flowengine.errors import ConfigurationError

if TYPE_CHECKING:
    from sqlalchemy import Connection

VERSIONS = ("0001", "0002", "0003", "0004", "0005")
"""Every schema this program knows, oldest first; the last is the one it writes."""
MIGRATIONS = Path(__file__).parent / "migrations"


def bring_up_to_date(connection: Connection) -> None:
    """Make or migrate the tables. Raises `ConfigurationError` for a schema newer than this program."""
    found = current(connection)
    connection.rollback()
    if found is None:
        _make(connection)
    else:
        refuse_newer(found)
        if found != VERSIONS[-1]:
            upgrade(connection)


def is_current(connection: sqlite3.Connection) -> bool:
    """Whether a SQLite file has the tables that this program writes: asked without SQLAlchemy, which takes a while to load."""
    try:
        found: tuple[str] | None = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:  # no such table
        return False
    return found == (VERSIONS[-1],)


def current(connection: Connection) -> str | None:
    """The schema's version; None for a database without tables of ours."""
    from sqlalchemy import inspect

    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return None if found is None else str(found)


def refuse_newer(found: str) -> None:
    """Raises `ConfigurationError` when a newer program made this schema."""
    if found not in VERSIONS:
        raise ConfigurationError(
            f"the database was written by a newer flowengine (schema {found}, this program knows {VERSIONS[-1]}): update flowengine"
        )


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing, in one transaction."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    with connection.begin():
        command.upgrade(config, "head")
        failpoints.reach("before_migration_commit")
    failpoints.reach("after_migration_commit")


def _make(connection: Connection) -> None:
    from flowengine.store.tables import metadata

    with connection.begin():
        metadata.create_all(connection)
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        connection.exec_driver_sql(f"INSERT INTO alembic_version (version_num) VALUES ('{VERSIONS[-1]}')")  # noqa: S608
        failpoints.reach("before_migration_commit")
    failpoints.reach("after_migration_commit")
