"""What every action of one run shares: the flow, the way out to the world, the variables, and how things are put on record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from flowengine.config import Limits
from flowengine.errors import ActionError, ExpressionError
from flowengine.expressions.evaluate import Evaluator
from flowengine.expressions.functions.draw import SEED, seed
from flowengine.expressions.render import needs_seed
from flowengine.findings import Span
from flowengine.interpreter.conditions import Verdict, evaluate, templates_of
from flowengine.interpreter.effects import ActionEvent, Effects, Failure, Start
from flowengine.interpreter.scope import Results, Scope
from flowengine.spec.actions import Action
from flowengine.spec.conditions import Condition
from flowengine.spec.flow import Flow
from flowengine.spec.source import Location
from flowengine.types import Json, JsonObject, Path, Status, format_path

Sequence: TypeAlias = Callable[["Walk", tuple[Action, ...], Path, Scope], Awaitable[None]]


@dataclass(slots=True)
class Walk:
    """One walk through a flow."""

    flow: Flow
    start: Start
    effects: Effects
    evaluator: Evaluator
    limits: Limits
    sequence: Sequence
    """Runs a list of actions; handed in, since lists hold actions that hold lists."""
    variables: JsonObject = field(default_factory=dict)
    """Replaced by `set`, never changed: templates may have taken it."""

    def root(self) -> Scope:
        """The names that are there when the first action begins."""
        start, flow = self.start, self.flow
        defaults = {name: declared.default for name, declared in flow.inputs.items()}
        names: JsonObject = {
            "trigger": start.trigger,
            "event": start.event,
            "run": {"id": start.run_id, "started_at": start.started_at.isoformat(), "link": start.link},
            "flow": {"id": flow.id, "name": flow.name, "version": flow.version},
            "inputs": {**defaults, **start.inputs},
        }
        return Scope(names, Results())

    async def render(self, value: Json, scope: Scope, path: Path, loc: Location) -> Json:
        """A value of the file at `loc`, rendered for the action at `path`."""
        if value is None:
            return None
        names = await self._names(scope, path, loc, asks=needs_seed(value))
        try:
            return await self.evaluator.render(value, names)
        except ExpressionError as error:
            error.at = (*loc, *error.at)
            raise

    async def holds(self, condition: Condition, scope: Scope, path: Path) -> Verdict:
        """A condition, decided for the action at `path`."""
        asks = any(needs_seed(value) for value in templates_of(condition))
        names = await self._names(scope, path, condition.loc, asks=asks)
        return await evaluate(condition, names, self.evaluator)

    async def _names(self, scope: Scope, path: Path, loc: Location, *, asks: bool) -> Mapping[str, Any]:
        names = scope.visible(self.variables)
        if asks:
            key = f"{self.start.run_id}:{format_path(path)}:{'.'.join(map(str, loc))}"
            names[SEED] = seed(await self.effects.now(path), key)
        return names

    async def record(self, action: Action, path: Path, status: Status, **more: Any) -> None:
        """Put what became of an action on record."""
        await self.effects.record(
            ActionEvent(path=path, name=action.name, kind=action.kind, status=status, secure=action.secure, **more)
        )

    def failure(self, action: Action, path: Path, error: ActionError) -> Failure:
        """Why an action failed, with the place in the file."""
        span = self._span(error) or action.span
        return Failure(
            action=format_path(path),
            name=action.name,
            code=error.code,
            message=error.message,
            status_code=error.status_code,
            body=error.body,
            line=span.line,
            column=span.column,
        )

    def run_failure(self, error: ActionError) -> Failure:
        """Why a run failed when no action is to blame."""
        span = self._span(error)
        return Failure(
            action="",
            name="",
            code=error.code,
            message=error.message,
            line=span.line if span else None,
            column=span.column if span else None,
        )

    def _span(self, error: ActionError) -> Span | None:
        if not isinstance(error, ExpressionError) or not error.at:
            return None
        if error.span is None:
            return self.flow.source.span(error.at)
        lines = error.template.split("\n")[: error.span.line - 1]
        return self.flow.source.locate(error.at, sum(len(line) + 1 for line in lines) + error.span.column - 1)
