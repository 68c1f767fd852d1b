"""What `flowengine doctor` looks at. Each check gives one verdict and, where it is not `ok`, what to do."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from flowengine import __version__
from flowengine.cli import place
from flowengine.errors import FlowEngineError
from flowengine.findings import Severity
from flowengine.types import SystemClock

if TYPE_CHECKING:
    import typer

    from flowengine.config import Settings

SCARCE = 200_000_000
"""Bytes of free disk below which a warning is due."""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the report."""

    part: str
    verdict: Literal["ok", "warn", "fail"]
    told: str
    remedy: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def examine(ctx: typer.Context) -> list[Check]:
    """Every check, in the order in which a person would set things up."""
    found = [_python(), _libraries()]
    try:
        here = place.settings(ctx)
    except FlowEngineError as error:
        return [*found, Check("settings", "fail", error.message, "mend flowengine.toml or the FLOWENGINE_* variable")]
    if here.server:
        return _of_server(here)
    checks: tuple[Callable[[Settings], Iterator[Check]], ...] = (
        _project, _flows, _connectors, _database, _key, _connections, _secrets, _port, _disk, _clock,
    )  # fmt: skip
    for check in checks:
        found += _safely(check, here)
    return found


def _of_server(here: Settings) -> list[Check]:
    """What a server elsewhere says of itself."""
    from flowengine.cli.server_client import running

    server = running(here)
    assert server is not None
    found = server.ask("GET", "/health")["checks"]
    return [Check(one["part"].lower(), one["state"], one["told"], one["remedy"]) for one in found]


def _safely(check: Callable[[Settings], Iterator[Check]], here: Settings) -> list[Check]:
    part = check.__name__.strip("_")
    try:
        return list(check(here))
    except FlowEngineError as error:
        return [Check(part, "fail", error.message)]
    except OSError as error:
        return [Check(part, "fail", f"{error.filename}: {error.strerror}", "check the rights of the file")]


def _python() -> Check:
    return Check("python", "ok", f"{platform.python_version()} at {sys.executable}, flowengine {__version__}")


def _libraries() -> Check:
    """Whether every library that the package asks for is there; extras are optional."""
    wanted = [text for text in metadata.requires("flowengine") or [] if "extra ==" not in text and "win32" not in text]
    missing = [name for text in wanted if not _installed(name := _name_of(text))]
    if missing:
        return Check("libraries", "fail", f"missing: {', '.join(missing)}", "pip install --upgrade flowengine")
    return Check("libraries", "ok", f"all {len(wanted)} there")


def _name_of(requirement: str) -> str:
    end = next((at for at, sign in enumerate(requirement) if not (sign.isalnum() or sign in "-_.")), len(requirement))
    return requirement[:end]


def _installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _project(here: Settings) -> Iterator[Check]:
    if here.flows.is_dir():
        yield Check("project", "ok", str(here.project))
    else:
        remedy = "name the project with -C DIR, or make one: flowengine new myproject"
        yield Check("project", "fail", f"{here.project} has no flows/ folder", remedy)


def _flows(here: Settings) -> Iterator[Check]:
    from flowengine.cli.check import find_mistakes

    files = place.flow_files(here)
    if not files:
        if here.flows.is_dir():
            yield Check("flows", "warn", "there are none", "flowengine new --list shows templates")
        return
    findings = find_mistakes(here, files)
    errors = [each for each in findings if each.severity is Severity.ERROR]
    broken = {each.file for each in errors}
    if errors:
        yield Check("flows", "fail", f"{len(broken)} of {len(files)} have mistakes", "flowengine check")
    elif findings:
        yield Check("flows", "warn", f"{len(files)}, with {len(findings)} warnings", "flowengine check")
    else:
        yield Check("flows", "ok", f"{len(files)} without mistakes")


def _connectors(here: Settings) -> Iterator[Check]:
    summaries = place.catalog(here).summaries()
    for each in summaries:
        if each.problem:
            yield Check(
                "connectors",
                "fail",
                f"{each.name}: {each.problem}",
                f"flowengine connectors check connectors/{each.name}",
            )
    yield Check("connectors", "ok", ", ".join(each.name for each in summaries if not each.problem))


def _database(here: Settings) -> Iterator[Check]:
    from flowengine.cli.server_client import Server
    from flowengine.store.database import read_address
    from flowengine.store.lock import holder

    address = read_address(here.database)
    if not place.has_database(here):
        yield Check("database", "ok", f"none yet; {address} is made by the first run")
        return
    place.finish(_opened(here))
    yield Check("database", "ok", f"{address} can be read")
    held = holder(here.database)
    trouble = Server(str(held["url"]), 0).trouble() if held and held.get("url") else ""
    if held and trouble:
        yield Check(
            "engine", "fail", f"process {held.get('pid')} is not ready: {trouble}", "it goes on when that is mended"
        )
    elif held:
        yield Check("engine", "ok", f"process {held.get('pid')} runs at {held.get('url') or 'no address'}")
    else:
        yield Check("engine", "warn", "none runs: webhooks, schedules and polls start nothing", "flowengine serve")


async def _opened(here: Settings) -> None:
    async with place.history(here) as store:
        await store.runs.list(limit=1)


def _key(here: Settings) -> Iterator[Check]:
    path = here.key
    if not path.exists():
        if place.has_database(here):
            yield Check(
                "key",
                "warn",
                f"{path} is not there",
                "restore it from a backup if secrets were stored; else it is made anew",
            )
        return
    mode = path.stat().st_mode & 0o077
    if mode and os.name == "posix":
        yield Check("key", "fail", f"{path} can be read by others", f"chmod 600 {path}")
    else:
        yield Check("key", "ok", f"{path}; keep a copy apart from the database's backups")


def _connections(here: Settings) -> Iterator[Check]:
    if not here.connections_file.is_file():
        yield Check("connections", "warn", "there is no connections.yaml", "flowengine connections add NAME")
        return
    from flowengine.cli.accounts import read

    found, findings = read(here)
    for each in findings:
        verdict: Literal["warn", "fail"] = "fail" if each.severity is Severity.ERROR else "warn"
        where = f"{Path(each.file).name}:{each.span.line}:{each.span.column}"
        yield Check("connections", verdict, f"{where}: {each.message}", each.hint)
    unready = [one for one in found if one["state"] != "ready"]
    for account in unready:
        name = account["name"]
        hint = f"flowengine connections login {name}" if account["state"] == "sign_in_needed" else ""
        yield Check("connections", "fail", f"{name}: {account['why']}", hint)
    if not findings and not unready:
        names = ", ".join(one["name"] for one in found) or "none"
        yield Check("connections", "ok", f"{names}; try them: flowengine connections test")


def _secrets(here: Settings) -> Iterator[Check]:
    from flowengine.cli.hook_secrets import missing

    for told in missing(here, place.flow_files(here)):
        what, _, remedy = told.partition("; set it with: ")
        command, _, until = remedy.partition(". ")
        yield Check("secrets", "warn", f"{what}. {until}", command)


def _port(here: Settings) -> Iterator[Check]:
    from flowengine.store.lock import holder

    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((here.host, here.port))
        except OSError as error:
            if (holder(here.database) or {}).get("url"):
                return
            remedy = "choose another: flowengine serve --port N, or port = N in flowengine.toml"
            yield Check("port", "warn", f"{here.host}:{here.port}: {error.strerror}", remedy)
            return
    yield Check("port", "ok", f"{here.host}:{here.port} is free for flowengine serve")


def _disk(here: Settings) -> Iterator[Check]:
    from flowengine.store.database import read_address
    from flowengine.store.room import BALLAST_BYTES

    file = read_address(here.database).file
    own = file.parent if file and file.parent.is_dir() else here.state
    folder: Path = own if own.is_dir() else here.project
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        yield Check("disk", "fail", f"{folder} cannot be written to", "give this user the right to write there")
    elif free < BALLAST_BYTES:
        told = f"{folder} is full ({free // 1_000_000} MB free): no event is taken in until there is room"
        yield Check("disk", "fail", told, "make room; flowengine runs prune lets old history go")
    elif free < SCARCE:
        yield Check("disk", "warn", f"{free // 1_000_000} MB free", "make room: a full disk stops the engine")
    else:
        yield Check("disk", "ok", f"{free // 1_000_000_000} GB free")


def _clock(_: Settings) -> Iterator[Check]:
    import zoneinfo

    now = SystemClock().now()
    if now.year < 2025:
        yield Check(
            "clock", "fail", f"it says {now:%Y-%m-%d %H:%M} UTC", "set the clock: schedules and sign-ins depend on it"
        )
    local = now.astimezone()
    if "Europe/Warsaw" not in zoneinfo.available_timezones():
        yield Check("clock", "fail", "the time zone database is missing", "pip install tzdata")
    yield Check("clock", "ok", f"{local:%Y-%m-%d %H:%M} {local.tzname()}; schedules without a timezone are in UTC")
