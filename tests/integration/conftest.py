"""What makes hundreds of small databases cheap."""

from __future__ import annotations

import pytest
from sqlalchemy import Connection

from flowengine.store import schema


@pytest.fixture(autouse=True, scope="session")
def tables_are_worded_once():
    """SQLAlchemy words every table anew for each database, three quarters of the cost of making one; here the first one's
    words serve all. The contract tests of the store make theirs as the program does."""
    make, words = schema._make, []

    def made(connection: Connection) -> None:
        if not words or connection.dialect.name != "sqlite":
            make(connection)
        else:
            with connection.begin():
                for statement in words:
                    connection.exec_driver_sql(statement)
        if connection.dialect.name == "sqlite" and not words:
            words.extend(in_words(connection))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "_make", made)
        yield


def in_words(connection: Connection) -> list[str]:
    """The statements that make this database's tables and indexes again."""
    with connection.begin():
        found = connection.exec_driver_sql(
            "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%%'"
        )
        tables = [str(sql) for sql in found.scalars()]
    return [*tables, f"INSERT INTO alembic_version (version_num) VALUES ('{schema.VERSIONS[-1]}')"]
