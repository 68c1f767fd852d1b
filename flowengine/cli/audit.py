"""`flowengine audit`: who changed what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowengine.cli import output, place
from flowengine.cli.place import AsJson
from flowengine.cli.since import parse_since
from flowengine.types import JsonObject

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.store.audit import AuditRecord

app = place.group("Who changed what.")


@app.callback()
def about() -> None:
    """Who changed what."""


@app.command("list")
def list_(
    ctx: typer.Context,
    actor: Annotated[str | None, typer.Option("--actor", help="Only this one's, such as token:ci.")] = None,
    action: Annotated[str | None, typer.Option("--action", help="Only this kind, such as set_secret.")] = None,
    target: Annotated[
        str | None, typer.Option("--target", help="Only what was done to this: a flow, a run, a secret, a token.")
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only newer ones: 24h, 7d, 2026-01-31.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-L", min=1, max=10_000, help="At most this many.")] = 20,
    before: Annotated[str | None, typer.Option("--before", help="Only older than this one: the next page.")] = None,
    as_json: AsJson = False,
) -> None:
    """The newest changes first: who, what, to what, from where."""
    here = place.settings(ctx)
    query = {
        "actor": actor,
        "action": action,
        "target": target,
        "since": parse_since(since),
        "limit": limit + 1,
        "before": before,
    }
    more = place.finish(_read(here, query)) if place.has_database(here) else []
    found = more[:limit]
    following = found[-1].id if len(more) > limit else None
    if as_json:
        output.emit(changes=[_document(one) for one in found], next=following)
        return
    if not found:
        output.tell("Nothing was changed, as far as the record goes.")
        return
    output.table(
        ("at", "who", "did", "to", "from"),
        [[output.moment(one.at), one.actor, one.action, one.target, one.source or "-"] for one in found],
    )
    if following:
        output.tell(f"\nOlder ones: --before {following}")


async def _read(here: Settings, query: dict[str, Any]) -> list[AuditRecord]:
    async with place.history(here) as store:
        return list(await store.audit.list(**query))


def _document(change: AuditRecord) -> JsonObject:
    from flowengine.store.documents import timestamp

    return {
        "id": change.id,
        "at": timestamp(change.at),
        "actor": change.actor,
        "action": change.action,
        "target": change.target,
        "detail": dict(change.detail),
        "source": change.source,
    }
