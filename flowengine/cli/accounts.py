"""Connections of the project, through the engine that holds the database when one runs, else directly."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flowengine.cli import place
from flowengine.cli.server_client import running
from flowengine.types import SystemClock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flowengine.app.accounts import Account, Accounts
    from flowengine.cli.connection_login import Code
    from flowengine.config import Settings
    from flowengine.connectors.connection import Connection
    from flowengine.findings import Finding

TEST_SECONDS = 60.0


async def read(here: Settings) -> tuple[list[Account], list[Finding]]:
    """The connections and how they stand, and what is wrong with the file. Only reads: works beside an engine."""
    from flowengine.app.accounts import Account, how_it_stands
    from flowengine.app.secrets import read_record, tokens_name

    found, findings = await place.connections(here)
    kept = await _kept(here)
    catalog, clock = place.catalog(here), SystemClock()
    return [
        Account(one, how_it_stands(catalog, one, read_record(kept.get(tokens_name(name))), clock))
        for name, one in found.items()
    ], findings


async def _kept(here: Settings) -> Mapping[str, str]:
    if not place.has_database(here):
        return {}
    async with place.history(here) as store:
        return await store.secrets.all()


def try_all(here: Settings, chosen: Sequence[Connection]) -> list[dict[str, Any]]:
    """Try each connection, one after another; where an engine runs it does it, so that no token is renewed twice."""
    if server := running(here):
        return [
            dict(server.ask("POST", f"/connections/{quote(one.name, safe='')}/test", {}, TEST_SECONDS)["connection"])
            for one in chosen
        ]

    async def trying(accounts: Accounts) -> list[dict[str, Any]]:
        return [(await accounts.test(one.name)).to_json() for one in chosen]

    result: list[dict[str, Any]] = place.finish(_with_accounts(here, trying))
    return result


def sign_in(here: Settings, name: str, code: Code | None) -> None:
    """Redeem a person's code, or let an application sign in by itself; the tokens are kept by who holds the database."""
    if server := running(here):
        body = code.to_json() if code else {}
        server.ask("POST", f"/connections/{quote(name, safe='')}/sign-in", body, TEST_SECONDS)
        return

    async def signing_in(accounts: Accounts) -> None:
        await (accounts.redeem(name, **code.to_json()) if code else accounts.sign_in_by_itself(name))

    place.finish(_with_accounts(here, signing_in))


def sign_out(here: Settings, name: str) -> None:
    """Forget a connection's tokens, if it has any."""
    from flowengine.app.secrets import tokens_name
    from flowengine.cli.changes import directly

    if server := running(here):
        server.ask("DELETE", f"/connections/{quote(name, safe='')}/sign-in")
    elif place.has_database(here):
        directly(here, lambda store: store.secrets.delete(tokens_name(name)))


async def _with_accounts(here: Settings, what: Callable[[Accounts], Awaitable[Any]]) -> Any:
    from flowengine.app.accounts import open_accounts

    async with open_accounts(here) as accounts:
        return await what(accounts)
