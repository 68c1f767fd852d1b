"""What must hold before `flowengine run` makes a run: a flow without mistakes, and accounts at the services that it calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from flowengine.cli import place
from flowengine.cli.errors import NotReady
from flowengine.errors import InvalidFile
from flowengine.findings import Severity

if TYPE_CHECKING:
    from flowengine.config import Settings
    from flowengine.spec.actions import OperationAction
    from flowengine.spec.flow import Flow

NO_CONNECTION = "unknown-connection"


def refuse_unready(here: Settings, file: Path, *, calls: Literal["all", "reading", "none"]) -> None:
    """Raise what is in a run's way.

    `calls` tells which operations are really called; one whose connector has no connection is told: `NotReady`, exit code 3.
    Mistakes are `InvalidFile`, shown as `check` shows them; they come first.
    """
    from flowengine.cli.check import find_mistakes, shown_path

    if here.server:
        return  # the server knows its connections and connectors better
    errors = [each for each in find_mistakes(here, [shown_path(file)]) if each.severity is Severity.ERROR]
    if others := [each for each in errors if each.rule != NO_CONNECTION]:
        raise InvalidFile(others)
    if calls == "none":
        return
    if missing := _without_account(here, file, reading_only=calls == "reading"):
        raise NotReady(_how_to_connect(file.stem, missing, here.connections_file))
    if errors:  # a connection that is named, and is not there
        raise InvalidFile(errors)


def _without_account(here: Settings, file: Path, *, reading_only: bool) -> list[str]:
    """The connectors that the flow, or one that it calls, needs a connection for and has none."""
    from flowengine.lint.linter import called_flows
    from flowengine.spec.load import load_flow

    flows = (load_flow(file), *called_flows(file.read_bytes(), file.parent).values())
    catalog, (connections, _) = place.catalog(here), place.finish(place.connections(here))
    served = {each.connector for each in connections.values()}
    actions = [action for flow in flows for action in _operation_actions(flow)]
    called = [
        each for each in actions if not reading_only or catalog.get(each.connector).operation(each.operation).reads
    ]
    used = {each.connector for each in called} - served
    return sorted(name for name in used if catalog.get(name).connection.parameters)


def _operation_actions(flow: Flow) -> Iterator[OperationAction]:
    from flowengine.spec.actions import OperationAction

    return (action for _, action in flow.walk() if isinstance(action, OperationAction))


def _how_to_connect(flow: str, missing: Sequence[str], file: Path) -> str:
    commands = "".join(f"\n  flowengine connections add {name}" for name in missing)
    return (
        f"{flow} was not run: {file} has no connection for {' and for '.join(missing)}. Add what is missing:{commands}\n"
        f"Without an account, try the flow with answers that you write: flowengine run {flow} --mock FILE"
    )
