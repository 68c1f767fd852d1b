"""`flowengine secrets`: passwords and keys, kept encrypted. Values come by prompt or stdin, and never go out again."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from flowengine.cli import changes, output, place
from flowengine.cli.errors import NotReady, WrongUsage
from flowengine.cli.place import AsJson

if TYPE_CHECKING:
    from flowengine.config import Settings

app = place.group("Passwords and keys, kept encrypted in the database.")


@app.command("set")
def set_(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What connections.yaml calls it: {{ secrets.NAME }}.")],
    as_json: AsJson = False,
) -> None:
    """Store a secret; its value is asked for, or read from stdin. It is never an argument: other users could see it."""
    here = place.settings(ctx)
    if not name.isidentifier():
        raise WrongUsage(f'"{name}" cannot be a secret\'s name; use letters, digits and _, such as livechat_api_key')
    changes.set_secret(here, name, ask(f"Value of {name}"))
    told = f"{name} is stored. Use it in connections.yaml as {{{{ secrets.{name} }}}}"
    output.done(told, as_json=as_json, secret={"name": name, "stored": True})


def ask(question: str) -> str:
    """A value by prompt without echo, or what stdin holds."""
    if sys.stdin.isatty():
        return str(typer.prompt(question, hide_input=True, err=True))
    value = sys.stdin.read().rstrip("\n")
    if not value:
        raise WrongUsage(
            'no value: type it at the prompt, or pipe it in, such as: printf %s "$KEY" | flowengine secrets set NAME'
        )
    return value


@app.command("list")
def list_(ctx: typer.Context, as_json: AsJson = False) -> None:
    """The names; values are never shown."""
    here = place.settings(ctx)
    names = place.finish(_names(here)) if place.has_database(here) else []
    if as_json:
        output.emit(secrets=[{"name": name} for name in names])
        return
    for name in names:
        output.say(name)
    if not names:
        output.tell("No secrets. Store one: flowengine secrets set NAME")


async def _names(here: Settings) -> list[str]:
    async with place.history(here) as store:
        return sorted(await store.secrets.names())


@app.command()
def remove(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The secret's name.")],
    as_json: AsJson = False,
) -> None:
    """Forget a secret."""
    from flowengine.errors import NotFound
    from flowengine.findings import did_you_mean

    here = place.settings(ctx)
    names = place.finish(_names(here)) if place.has_database(here) else []
    if name not in names:
        raise NotFound(f'there is no secret "{name}"; {did_you_mean(name, names)}'.rstrip("; "))
    changes.remove_secret(here, name)
    output.done(f"{name} is forgotten", as_json=as_json, secret={"name": name, "stored": False})


@app.command("rotate-key")
def rotate_key(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Put a new key in force and encrypt every secret with it; a running engine goes on."""
    here = place.settings(ctx)
    if not place.has_database(here):
        raise NotReady(f"nothing is stored in {here.project} yet, so there is no key to change")
    count = changes.rotate_key(here)
    told = f"A new key is in force; {count} secret{'' if count == 1 else 's'} encrypted with it"
    output.done(told, as_json=as_json, key={"file": str(here.key), "secrets": count})
    output.tell("The old key stays in the key file below it: the history and backups still need it.")
