"""Connections of the project, through the engine that holds the database when one runs, else directly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flowengine.cli import place
from flowengine.cli.server_client import Server, running
from flowengine.types import JsonObject, SystemClock

if TYPE_CHECKING:
    from flowengine.app.accounts import Accounts
    from flowengine.cli.connection_login import Code
    from flowengine.config import Settings
    from flowengine.findings import Finding
    from flowengine.manifests.definition import Connector

TEST_SECONDS = 60.0


def read(here: Settings) -> tuple[list[JsonObject], list[Finding]]:
    """The connections and how they stand, and what is wrong with the file. Only reads: works beside an engine."""
    if here.server and (server := running(here)):
        return list(server.ask("GET", "/connections")["connections"]), []
    return place.finish(_read_here(here))


async def _read_here(here: Settings) -> tuple[list[JsonObject], list[Finding]]:
    from flowengine.app.accounts import Account, how_it_stands
    from flowengine.app.secrets import read_record, tokens_name

    found, findings = await place.connections(here)
    kept = await _kept(here)
    catalog, clock = place.catalog(here), SystemClock()
    return [
        Account(one, how_it_stands(catalog, one, read_record(kept.get(tokens_name(name))), clock)).to_json()
        for name, one in found.items()
    ], findings


async def _kept(here: Settings) -> Mapping[str, str]:
    if not place.has_database(here):
        return {}
    async with place.history(here) as store:
        return await store.secrets.all()


def names_of(here: Settings, name: str | None) -> tuple[list[str], list[Finding]]:
    """The connection of that name, or all; and what is wrong with the file. Raises `NotFound` with the nearest one."""
    from flowengine.app.accounts import find_connection

    if here.server:
        found: Mapping[str, Any] = {one["name"]: one for one in read(here)[0]}
        findings: list[Finding] = []
    else:
        found, findings = place.finish(place.connections(here))
    if name:
        find_connection(found, name)
    return [name] if name else list(found), findings


def try_all(here: Settings, chosen: Sequence[str]) -> list[dict[str, Any]]:
    """Try each connection, one after another; where an engine runs it does it, so that no token is renewed twice."""
    if server := running(here):
        return [dict(server.ask("POST", f"{_at(name)}/test", {}, TEST_SECONDS)["connection"]) for name in chosen]

    async def trying(accounts: Accounts) -> list[dict[str, Any]]:
        return [(await accounts.test(name)).to_json() for name in chosen]

    result: list[dict[str, Any]] = place.finish(_with_accounts(here, trying))
    return result


def refuse_known(here: Settings, name: str) -> None:
    """Before anybody is asked for anything. A server says so itself."""
    from flowengine.app import connection_file

    if not here.server:
        connection_file.refuse_known(here, name)


def add(
    here: Settings,
    connector: Connector,
    name: str,
    way: str,
    values: Mapping[str, str],
    *,
    base_url: str | None,
    private: bool,
) -> bool:
    """Write a connection and store its secrets. Whether somebody has to sign in before it works."""
    from flowengine.app import connection_file
    from flowengine.app.new_connection import made_of
    from flowengine.cli.changes import set_secret

    made = made_of(connector, name, way, values, base_url=base_url, private=private)
    if here.server and (server := running(here)):
        body = {"name": name, "connector": connector.name, "values": dict(values), "allow_private_network": private}
        body |= {"base_url": base_url} if base_url else {}
        server.ask("POST", "/connections", body | ({"authentication": way} if way else {}))
        return made.signs_in
    text = connection_file.appended(here, made.entry)
    for secret, value in made.secrets.items():
        set_secret(here, secret, value)
    connection_file.append(here, text)
    return made.signs_in


def remove(here: Settings, name: str) -> list[str]:
    """Take a connection out and forget its tokens; gives the names of the secrets that it used."""
    from flowengine.app import connection_file
    from flowengine.errors import NotFound

    if here.server and (server := running(here)):
        return list(server.ask("DELETE", _at(name))["secrets"])
    if not here.connections_file.is_file():
        raise NotFound(f"there is no {here.connections_file}")
    used = connection_file.cut(here, name)
    sign_out(here, name)
    return used


def asked_code(
    here: Settings, name: str, *, port: int, redirect_url: str | None, browser: bool, seconds: float
) -> Code | None:
    """A person's sign-in at the service; None for a connection that signs in by itself."""
    from flowengine.cli.connection_login import REDIRECT, address_of, ask_for_code

    if here.server and (server := running(here)):
        if _address(server, name, redirect_url or REDIRECT, "-", "-") is None:
            return None
        address = lambda back, state, verifier: str(_address(server, name, back, state, verifier))  # noqa: E731
    else:
        way = _way_here(here, name, redirect_url or REDIRECT)
        if way.by_itself:
            return None
        address = address_of(way)
    return ask_for_code(address, port=port, redirect_url=redirect_url, browser=browser, seconds=seconds)


def _address(server: Server, name: str, back: str, state: str, verifier: str) -> str | None:
    body = {"redirect_url": back, "state": state, "verifier": verifier}
    found: str | None = server.ask("POST", f"{_at(name)}/sign-in/address", body)["address"]
    return found


def _way_here(here: Settings, name: str, redirect_url: str) -> Any:
    from flowengine.app.accounts import find_connection, refuse_nameless, way_to_sign_in
    from flowengine.cli import output
    from flowengine.cli.sources import findings_with_lines

    found, findings = place.finish(place.connections(here))
    if name not in found and findings:
        output.tell(findings_with_lines(findings).rstrip("\n"))
    way = way_to_sign_in(place.catalog(here), find_connection(found, name))
    refuse_nameless(name, way, redirect_url)
    return way


def sign_in(here: Settings, name: str, code: Code | None) -> None:
    """Redeem a person's code, or let an application sign in by itself; the tokens are kept by who holds the database."""
    if server := running(here):
        server.ask("POST", f"{_at(name)}/sign-in", code.to_json() if code else {}, TEST_SECONDS)
        return

    async def signing_in(accounts: Accounts) -> None:
        await (accounts.redeem(name, **code.to_json()) if code else accounts.sign_in_by_itself(name))

    place.finish(_with_accounts(here, signing_in))


def sign_out(here: Settings, name: str) -> None:
    """Forget a connection's tokens, if it has any."""
    from flowengine.app.secrets import tokens_name
    from flowengine.cli.changes import directly

    if server := running(here):
        server.ask("DELETE", f"{_at(name)}/sign-in")
    elif place.has_database(here):
        directly(here, lambda store: store.secrets.delete(tokens_name(name)))


def _at(name: str) -> str:
    return f"/connections/{quote(name, safe='')}"


async def _with_accounts(here: Settings, what: Callable[[Accounts], Awaitable[Any]]) -> Any:
    from flowengine.app.accounts import open_accounts

    async with open_accounts(here) as accounts:
        return await what(accounts)
