"""`flowengine eval`: what an expression gives, in the context of a run, an event, or of nothing."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flowengine.cli import output, place
from flowengine.cli.place import AsJson
from flowengine.errors import ExpressionError
from flowengine.types import JsonObject

if TYPE_CHECKING:
    from flowengine.config import Settings

app = place.single("What an expression gives, in the context of a run or an event.")


@app.command()
def evaluate(
    ctx: typer.Context,
    expression: Annotated[
        str, typer.Argument(metavar="EXPRESSION", help="Such as 'trigger.subject | upper', or a whole template.")
    ],
    run: Annotated[
        str | None, typer.Option("--run", metavar="RUN", help="See what this run saw: an id, @last, @last-failed.")
    ] = None,
    action: Annotated[
        str | None, typer.Option("--action", "-a", metavar="PATH", help="As it was just before this action.")
    ] = None,
    event: Annotated[
        str | None, typer.Option("--event", "-e", metavar="FILE", help="The event's body, a JSON file; - reads stdin.")
    ] = None,
    names: Annotated[bool, typer.Option("--names", help="List the names that are there, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Give the value of an expression.

    With --run it sees what the run's templates saw at its end, or with --action just before that action; with --event the
    trigger is that event. Exit code 1 when it cannot be computed.
    """
    from flowengine.cli.run import read_event

    here = place.settings(ctx)
    scope = place.finish(_scope(here, run, action)) if run is not None else {}
    if event is not None:
        scope["trigger"] = read_event(event)
    try:
        value = place.finish(_evaluated(here, _as_template(expression), scope))
    except ExpressionError as error:
        _point(expression, error)
        raise
    if names:
        output.tell(f"names: {', '.join(sorted(name for name in scope if not name.startswith('__')))}")
    if as_json:
        output.emit(value=value)
    else:
        said = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
        # A program gets the value as it is; a terminal would be led by what is in it.
        output.say(output.clean(said, lines=True) if output.on_terminal() else said)


def _point(expression: str, error: ExpressionError) -> None:
    """Show where in the expression the mistake is."""
    if error.span is None:
        return
    from flowengine.cli.sources import caret_lines

    for line in caret_lines(_as_template(expression), error.span):
        output.tell(line)


def _as_template(expression: str) -> str:
    return expression if "{{" in expression or "{%" in expression else f"{{{{ {expression} }}}}"


async def _scope(here: Settings, reference: str, action: str | None) -> JsonObject:
    from flowengine.app.looking_back import names_at
    from flowengine.cli import run_page

    found = await run_page.read(here, reference)
    return names_at(found.run, found.event, found.actions, found.text, found.file, action)


async def _evaluated(here: Settings, text: str, scope: JsonObject) -> Any:
    from flowengine.expressions.evaluate import default
    from flowengine.expressions.functions.draw import SEED, seed
    from flowengine.types import SystemClock

    started = scope.get("run", {}).get("started_at")
    now = datetime.fromisoformat(started) if started else SystemClock().now()
    async with default(here.limits) as evaluator:
        return await evaluator.render(text, {**scope, SEED: seed(now, "eval")})
