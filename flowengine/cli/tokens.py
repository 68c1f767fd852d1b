"""`flowengine tokens`: who may use the API and the pages, and as what."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from urllib.parse import quote

import typer

from flowengine.cli import changes, output, place
from flowengine.cli.errors import WrongUsage
from flowengine.cli.place import AsJson
from flowengine.types import JsonObject, SystemClock

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.store import Store
    from flowengine.store.access import TokenRecord

app = place.group("Who may use the API and the pages, and as what.")

ROLES = ("viewer", "operator", "admin")


@app.command()
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Whose or what it is, such as ann or ci.")],
    role: Annotated[
        str, typer.Option("--role", help="viewer looks; operator runs and answers, too; admin changes everything.")
    ] = "viewer",
    days: Annotated[
        float | None, typer.Option("--days", min=0.01, max=3_650, help="How long it holds; for ever when left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a token. It is shown once and can never be seen again: the database keeps only its hash."""
    if role not in ROLES:
        raise WrongUsage(f'--role "{role}": {", ".join(ROLES)}')
    document = _added(place.settings(ctx), name, role, days)
    if as_json:
        output.emit(token=document)
        return
    output.say(document["text"])
    output.tell(f"This is the token of {output.clean(name)} ({role}). Keep it now; it cannot be shown again.")


def _added(here: Settings, name: str, role: str, days: float | None) -> JsonObject:
    from flowengine.cli.server_client import running

    if server := running(here):
        given = {"name": name, "role": role} | ({} if days is None else {"days": days})
        made: JsonObject = server.ask("POST", "/tokens", given)["token"]
        return made

    async def adding(store: Store) -> JsonObject:
        expires = None if days is None else SystemClock().now() + timedelta(days=days)
        from flowengine.store.documents import token_document

        record, text = await store.access.add_token(name, role, expires)
        await store.audit.add(changes.actor(), "add_token", name, {"role": role})
        return {**token_document(record), "text": text}

    result: JsonObject = changes.directly(here, adding)
    return result


@app.command("list")
def list_(
    ctx: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Those that hold no more, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every token with its role and when it was last used."""
    here = place.settings(ctx)
    now = SystemClock().now()
    tokens = place.finish(_tokens(here)) if place.has_database(here) else []
    shown = [one for one in tokens if every or one.holds(now)]
    if as_json:
        from flowengine.store.documents import token_document

        output.emit(tokens=[token_document(one) for one in shown])
        return
    if not shown:
        output.tell("No tokens. Make one: flowengine tokens add NAME --role operator")
        return
    output.table(
        ("name", "role", "made", "last used", "holds until"),
        [
            [one.name, one.role, output.moment(one.created_at), output.moment(one.last_used_at), _until(one)]
            for one in shown
        ],
    )


@app.command()
def revoke(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The token's name or id.")],
    as_json: AsJson = False,
) -> None:
    """End a token at once, and every browser session that began with it."""
    from flowengine.cli.server_client import running

    here = place.settings(ctx)
    if server := running(here):
        server.ask("DELETE", f"/tokens/{quote(name, safe='')}")
    else:

        async def revoking(store: Store) -> None:
            await store.access.revoke(name)
            await store.audit.add(changes.actor(), "revoke_token", name)

        changes.directly(here, revoking)
    output.done(f"{name} is revoked", as_json=as_json, token={"name": name, "revoked": True})


async def _tokens(here: Settings) -> list[TokenRecord]:
    async with place.history(here) as store:
        return list(await store.access.tokens())


def _until(token: TokenRecord) -> str:
    if token.revoked_at:
        return f"revoked {output.moment(token.revoked_at)}"
    return output.moment(token.expires_at) if token.expires_at else "revoked by hand"
