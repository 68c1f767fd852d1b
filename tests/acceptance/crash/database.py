"""Looks into an engine's database, and changes of it, behind the engine's back."""

from __future__ import annotations

from sqlalchemy import create_engine, text


def rows(database: str, sql: str) -> list[tuple]:
    engine = create_engine(database)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(sql))]
    engine.dispose()
    return found


def change(database: str, sql: str) -> None:
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text(sql))
    engine.dispose()
