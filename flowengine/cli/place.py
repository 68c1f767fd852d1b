"""The project a command works on: its settings, flows, connectors, connections and store."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import typer

from flowengine.cli.errors import NotReady, WrongUsage
from flowengine.errors import DatabaseUnusable, NotFound

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.connectors.connection import Connection
    from flowengine.findings import Finding
    from flowengine.manifests.catalog import Catalog
    from flowengine.store import Store

Result = TypeVar("Result")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document instead of text.")]


def group(about: str) -> typer.Typer:
    """A command group whose help is plain text."""
    return typer.Typer(
        help=about,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def single(about: str) -> typer.Typer:
    """A command without subcommands."""
    return typer.Typer(
        help=about,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def settings(ctx: typer.Context, **given: Any) -> Settings:
    """The settings of the project folder that `-C` names; what is `given` wins."""
    from flowengine.config import Settings

    return Settings.load(ctx.obj if isinstance(ctx.obj, Path) else Path(), **given)


def project(ctx: typer.Context, **given: Any) -> Settings:
    """The settings of a folder that is a project, or a clear word that it is none."""
    here = settings(ctx, **given)
    if here.server:
        from flowengine.cli.remote import mirrored
        from flowengine.cli.server_client import Server, address_of

        return mirrored(here, Server(address_of(here.server), 0, here.token))
    if not here.flows.is_dir():
        raise NotReady(no_project(here))
    return here


def no_project(here: Settings) -> str:
    """What to say of a folder without flows."""
    return (
        f"{here.project} is not a project: it has no flows/ folder.\n"
        "Name one with -C DIR, or make one: flowengine new myproject"
    )


def catalog(here: Settings) -> Catalog:
    """The project's connectors and those that ship with the package."""
    from flowengine.manifests.catalog import Catalog, shipped_connectors

    if here.server:
        return Catalog([own_connectors(here), shipped_connectors()], _cache_home())
    kept = here.state / "connectors.cache"
    return Catalog([here.connectors, shipped_connectors()], kept if here.state.is_dir() else _cache_home())


def own_connectors(here: Settings) -> Path:
    """The folder with the project's connectors; of a server's, a passing copy."""
    if not here.server:
        return here.connectors
    from flowengine.cli.remote import mirrored_connectors
    from flowengine.cli.server_client import Server, address_of

    return mirrored_connectors(Server(address_of(here.server), 0, here.token))


def _cache_home() -> Path:
    """Where summaries are kept when there is no project to keep them in."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "flowengine" / "connectors.cache"


def flow_file(here: Settings, name: str) -> Path:
    """The file of a flow given by id or by path."""
    from flowengine.findings import did_you_mean

    given = Path(name)
    if given.suffix in (".yaml", ".yml") or "/" in name:
        if not given.is_file():
            raise NotFound(f"there is no file {name}")
        return given
    for suffix in (".yaml", ".yml"):
        if (path := here.flows / f"{name}{suffix}").is_file():
            return path
    raise NotFound(f'there is no flow "{name}" in {here.flows}; {did_you_mean(name, flow_ids(here))}')


def shown(here: Settings, file: Path) -> str:
    """A flow's file as people at this place know it: of a server, by its name there."""
    return f"flows/{file.name}" if here.server else str(file)


def flow_files(here: Settings) -> list[Path]:
    """The project's flow files by name."""
    if not here.flows.is_dir():
        return []
    return sorted(path for path in here.flows.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())


def flow_ids(here: Settings) -> list[str]:
    return [path.stem for path in flow_files(here)]


def finish(result: Coroutine[Any, Any, Result]) -> Result:
    """Run what is asynchronous to its end."""
    import asyncio

    return asyncio.run(result)


def has_database(here: Settings) -> bool:
    """Whether anything was ever stored; servers are taken at their word. Raises `DatabaseUnusable` where nothing can be."""
    if here.server:
        return True
    from flowengine.store.database import read_address
    from flowengine.store.room import refuse_no_room

    file = read_address(here.database).file
    if file is None:
        return True
    try:
        if file.exists():
            return True
    except OSError as error:
        raise DatabaseUnusable(f"the database {file} cannot be looked at: {error.strerror}") from None
    refuse_no_room(file)
    if here.database_url and not file.parent.is_dir():
        raise NotReady(f"there is no database at {file}, and no folder {file.parent}: mend FLOWENGINE_DATABASE_URL")
    return False


def has_history(here: Settings) -> bool:
    """Whether there is something to look through; a clear word for a folder that is no project."""
    if has_database(here):
        return True
    if not here.flows.is_dir():
        raise NotReady(no_project(here))
    return False


@asynccontextmanager
async def history(here: Settings) -> AsyncIterator[Store]:
    """The store, to read from; needs no lock and works while the engine runs. With `--server`, what stands for it."""
    if here.server:
        from flowengine.cli.remote import RemoteStore
        from flowengine.cli.server_client import Server, address_of

        yield cast("Store", RemoteStore(Server(address_of(here.server), 0, here.token)))
        return
    from flowengine.store import Store

    async with Store.open(here.database, write=False, key_file=here.key) as store:
        yield store


def require_history(here: Settings) -> AbstractAsyncContextManager[Store]:
    """The store to look something up in; a clear word when nothing ever ran here."""
    if not has_database(here):
        raise NotFound(f"nothing ran in {here.project} yet; start a run with flowengine run FLOW")
    return history(here)


SECRETS_VARIABLE = "FLOWENGINE_SECRET_"
"""A secret that is not stored may come from the variable of this and its name."""


async def stored_secrets(here: Settings) -> Callable[[str], str | None]:
    """A look-up of the project's secrets: stored ones, else those in the environment."""
    values: Mapping[str, str] = {}
    if has_database(here):
        async with history(here) as store:
            values = await store.secrets.all()
    return lambda name: values.get(name) or os.environ.get(SECRETS_VARIABLE + name.upper().replace("-", "_"))


def connections_told(here: Settings) -> str:
    """The file with the connections, as people at this place know it."""
    return "the server's connections.yaml" if here.server else str(here.connections_file)


async def connections(here: Settings) -> tuple[Mapping[str, Connection], list[Finding]]:
    """The connections of `connections.yaml` and what is wrong with the file."""
    from flowengine.connectors.connection import read_connections

    if here.server:
        raise WrongUsage("the values of a server's connections never leave it: leave --server out, or --connection")
    if not here.connections_file.is_file():
        return {}, []
    return read_connections(here.connections_file, os.environ, await stored_secrets(here))
