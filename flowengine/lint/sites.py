"""Every text of a flow that may hold a template, with the names that can be read there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from flowengine.lint import known
from flowengine.lint.project import Project
from flowengine.lint.shapes import UNKNOWN, Shape
from flowengine.spec import actions as records
from flowengine.spec.flow import Flow, children
from flowengine.spec.language import ACTIONS, Form
from flowengine.spec.places import value_at
from flowengine.spec.source import Location
from flowengine.spec.triggers import Poll, Trigger
from flowengine.types import Json

_LISTS = frozenset(
    key.name
    for construct in ACTIONS.values()
    for key in construct.keys
    if key.form in (Form.ACTIONS, Form.BRANCHES, Form.CASES)
)
_FOR = re.compile(r"\{%[-+]?\s*for\b")
_LATE = {"output", "until"}
"""Keys that are computed after the actions inside, and see the names made there."""
_NO_TEMPLATE = frozenset({"name", "note", "save_as", "as", "connection", "use", "call"})


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that can be read at one place."""

    names: dict[str, Shape]
    maybe: frozenset[str] = frozenset()
    """Names that may be missing: made by an action with `when`."""
    done: frozenset[str] = frozenset()
    """The names of the actions that stand before."""

    def plus(self, **names: Shape) -> Scope:
        return replace(self, names={**self.names, **names})


@dataclass(frozen=True, slots=True)
class Site:
    """One text at its place, with its scope."""

    loc: Location
    text: str
    scope: Scope
    action: records.Action | None = None
    trigger: Trigger | None = None


@dataclass(slots=True)
class Sites:
    """Walks a flow once, in running order."""

    flow: Flow
    project: Project
    found: list[Site] = field(default_factory=list)
    saved: list[tuple[str, records.Action, Scope]] = field(default_factory=list)
    """Each `save_as` with the scope in which it is made."""

    def collect(self) -> Sites:
        start = Scope(self._start(known.trigger_shape(self.flow, self.project)))
        self._triggers()
        event = self._start(self._event_shape())
        for name in ("per", "conditions"):
            self._texts((name,), self._value((name,)), Scope(event))
        end = self._list(self.flow.actions, start)
        self._texts(("output",), self.flow.output, end)
        self._texts(
            ("vars",), self.flow.vars, Scope({name: shape for name, shape in start.names.items() if name != "vars"})
        )
        # What the actions saved is there as far as they came.
        failure = Scope(
            {**end.names, "error": known.ERROR},
            maybe=end.maybe | (end.names.keys() - start.names.keys()),
            done=frozenset(action.name for _, action in self.flow.walk()),
        )
        self._list(self.flow.on_failure, failure)
        return self

    def _start(self, trigger: Shape) -> dict[str, Shape]:
        return {
            "trigger": trigger,
            "event": known.EVENT,
            "run": known.RUN,
            "flow": known.FLOW,
            "inputs": known.inputs_shape(self.flow),
            "vars": known.vars_shape(self.flow),
            "actions": UNKNOWN,
        }

    def _event_shape(self) -> Shape:
        return known.trigger_shape(self.flow, self.project)

    def _triggers(self) -> None:
        for trigger in self.flow.triggers:
            whole = known.one_trigger_shape(trigger, self.project, before_split=True)
            one = known.one_trigger_shape(trigger, self.project)
            self._texts((*trigger.loc, "split"), trigger.split, Scope(self._start(whole)), trigger=trigger)
            self._texts((*trigger.loc, "dedupe"), trigger.dedupe, Scope(self._start(one)), trigger=trigger)
            conditions = self._value((*trigger.loc, "conditions"))
            self._texts((*trigger.loc, "conditions"), conditions, Scope(self._start(one)), trigger=trigger)
            self._trigger_inputs(trigger, one)

    def _trigger_inputs(self, trigger: Trigger, one: Shape) -> None:
        early = {name: shape for name, shape in self._start(UNKNOWN).items() if name in ("flow", "vars")}
        if isinstance(trigger, Poll):
            early["cursor"] = UNKNOWN
        self._texts((*trigger.loc, "with"), self._value((*trigger.loc, "with")), Scope(early), trigger=trigger)
        if isinstance(trigger, Poll):
            body = known.operation_shape(trigger.connector, trigger.operation, self.project)
            answer = {"body": body, "headers": UNKNOWN, "status_code": UNKNOWN}
            for name, scope in (("items", answer), ("item_id", {"item": one}), ("cursor", {"item": one})):
                self._texts((*trigger.loc, name), self._value((*trigger.loc, name)), Scope(scope), trigger=trigger)

    def _list(self, actions: tuple[records.Action, ...], scope: Scope) -> Scope:
        """Walk a list of actions; gives the scope at its end."""
        asks = [index for index, one in enumerate(actions) if isinstance(one, records.Ask)]
        waits = [index for index, one in enumerate(actions) if isinstance(one, records.WaitFor)]
        for index, action in enumerate(actions):
            here = scope
            if asks and index <= asks[-1]:
                here = here.plus(approval=known.APPROVAL)
            if waits and index <= waits[-1]:
                here = here.plus(callback=known.CALLBACK)
            done = self._action(action, here)
            scope = self._after(action, replace(scope, done=done.done))
        return scope

    def _after(self, action: records.Action, scope: Scope) -> Scope:
        done = replace(scope, done=scope.done | {action.name})
        if action.save_as is None:
            return done
        self.saved.append((action.save_as, action, scope))
        if action.save_as in known.RESERVED:
            return done
        maybe = scope.maybe | {action.save_as} if action.when is not None else scope.maybe - {action.save_as}
        return replace(done.plus(**{action.save_as: known.result_shape(action, self.project)}), maybe=maybe)

    def _action(self, action: records.Action, scope: Scope) -> Scope:
        """Walk one action's own texts and the actions inside it; gives what is done at its end."""
        data = self._value(action.loc)
        if not isinstance(data, dict):
            return scope
        early = {name: value for name, value in data.items() if name not in _LISTS | _LATE | _NO_TEMPLATE}
        late: Location | None = None
        if isinstance(action, records.Repeat) and isinstance(early.get("repeat"), dict):
            late = (*action.loc, "repeat", "until")
            early["repeat"] = {name: value for name, value in early["repeat"].items() if name != "until"}
        for name, value in early.items():
            self._texts((*action.loc, name), value, scope, action=action)
        inner = self._inside(action, scope)
        if "output" in data:
            self._texts((*action.loc, "output"), data["output"], inner, action=action)
        if late is not None:
            self._texts(late, self._value(late), inner, action=action)
        return replace(scope, done=inner.done)

    def _inside(self, action: records.Action, scope: Scope) -> Scope:
        """Walk the lists inside an action; gives the scope in which its `output` is computed."""
        base = scope
        if isinstance(action, records.ForEach):
            base = scope.plus(**{action.item_name: known.item_shape(action.items, scope.names), "loop": known.LOOP})
        elif isinstance(action, records.Repeat):
            base = scope.plus(loop=known.ROUND)
        ends: list[Scope] = []
        for branch in children(action):
            start = base
            if isinstance(action, records.Try) and branch is action.catch:
                start = base.plus(error=known.ERROR)
            start = replace(start, done=base.done | frozenset().union(*(end.done for end in ends)))
            ends.append(self._list(branch, start))
        names = {
            name: shape for end in ends for name, shape in end.names.items() if name not in ("approval", "callback")
        }
        maybe = frozenset().union(base.maybe, *(end.maybe for end in ends))
        return Scope({**names, **base.names}, maybe, frozenset().union(base.done, *(end.done for end in ends)))

    def _value(self, loc: Location) -> Json:
        return value_at(self.flow.source.data, loc)

    def _texts(
        self,
        loc: Location,
        value: Json,
        scope: Scope,
        *,
        action: records.Action | None = None,
        trigger: Trigger | None = None,
    ) -> None:
        for place, text in texts(loc, value):
            # Jinja's own loop has a `loop` of its own.
            here = scope.plus(loop=UNKNOWN) if _FOR.search(text) else scope
            self.found.append(Site(place, text, here, action, trigger))


def texts(loc: Location, value: Json) -> Iterator[tuple[Location, str]]:
    """Every text below a value, with its place."""
    if isinstance(value, str):
        yield loc, value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from texts((*loc, name), item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts((*loc, index), item)
