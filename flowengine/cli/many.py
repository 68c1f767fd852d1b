"""Commands about many runs: the options that say which, what a server is asked, and what is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowengine.cli import output
from flowengine.cli.errors import Exit

if TYPE_CHECKING:
    from datetime import datetime

OfFlow = Annotated[str | None, typer.Option("--flow", "-f", help="Many: only this flow's.")]
OfVersion = Annotated[
    str | None,
    typer.Option("--flow-version", help="Many: only runs of this version of a flow; its beginning is enough."),
]
Since = Annotated[str | None, typer.Option("--since", help="Many: only newer ones: 24h, 7d, 2026-01-31.")]
Holding = Annotated[str | None, typer.Option("--search", help="Many: only those that hold this text.")]
Really = Annotated[bool, typer.Option("--yes", "-y", help="Many: do it, not only show which.")]

SHOWN = 20
"""Runs that are listed one by one."""
WITHIN = 600.0
"""Seconds that a server has for a request about many."""


def asked(wanted: dict[str, Any], *, really: bool) -> dict[str, Any]:
    """The body of a request about the runs that fit `wanted` (flow, flow_version, statuses, since, search)."""
    since: datetime | None = wanted["since"]
    return {**wanted, "since": since.isoformat() if since else None, "dry_run": not really}


def show(found: dict[str, Any], refused: str) -> None:
    """The first of the runs that fit, as a table, and why nothing was done about some (`refused`: "not cancelled")."""
    runs = found["runs"]
    if runs:
        rows = [[run["id"], run["flow"], output.status(run["status"]), run["created_at"]] for run in runs[:SHOWN]]
        output.table(("run", "flow", "status", "made"), rows)
    if len(runs) > SHOWN:
        output.say(f"... and {len(runs) - SHOWN} more")
    for each in found["refused"][:SHOWN]:
        output.tell(f"{refused}: {each['run']}: {output.clean(each['message'])}")


def emit(found: dict[str, Any]) -> None:
    output.emit(**{name: value for name, value in found.items() if name != "v"})


def exit_code(found: dict[str, Any]) -> Exit:
    return Exit.FOUND if found["refused"] else Exit.FINE
