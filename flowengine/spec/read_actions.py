"""Reading actions: one builder a construct, over the keys that the language's table declares."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flowengine.findings import nearest
from flowengine.spec import actions as records
from flowengine.spec.build_actions import build_action
from flowengine.spec.forms import OPERATION
from flowengine.spec.language import ACTIONS, COMMON, NOT_BUILT_IN, Construct, Form, Key
from flowengine.spec.names import free_key, free_name, spelled_for_key
from flowengine.spec.places import Location
from flowengine.spec.read_conditions import read_condition, read_conditions
from flowengine.spec.read_keys import read_keys, suggest_key
from flowengine.spec.reading import REFUSED, Reader, Reading, colon_hint, describe, one_of
from flowengine.spec.scalars import resolve
from flowengine.types import Json

MOST_ACTIONS = 500
DEEPEST = 8
_STRAYS = 20
"""How many unknown keys of one action are told."""

_COMMON_NAMES = tuple(key.name for key in COMMON)
_OWNERS = {
    name: [
        kind for kind, construct in ACTIONS.items() if any(key.name == name and name != kind for key in construct.keys)
    ]
    for construct in ACTIONS.values()
    for name in (key.name for key in construct.keys)
}


class ActionReader:
    """Reads lists of actions, and keeps what must be unique in the flow while doing so."""

    def __init__(self, reading: Reading, given_names: set[str]) -> None:
        self.reading = reading
        self.generated = set(given_names)
        self.seen: dict[str, Location] = {}
        self.count = 0
        self.depth = 0
        self.siblings: list[set[str]] = []
        self.readers: dict[Form, Reader] = {
            Form.CONDITION: read_condition,
            Form.CONDITIONS: read_conditions,
            Form.ACTIONS: lambda _, loc, value, __: self.read_list(loc, value),
            Form.BRANCHES: lambda _, loc, value, __: self._branches(loc, value),
            Form.CASES: lambda _, loc, value, __: self._cases(loc, value),
            Form.KEYS: lambda _, loc, value, key: self._inside(loc, value, key),
            Form.RETRY: lambda _, loc, value, key: self._retry(loc, value, key),
            Form.MOMENT: _moment,
        }

    def read_top(self, loc: Location, value: Json, reserved: set[str] | None = None) -> tuple[records.Action, ...]:
        """The flow's own list, or that of `on_failure`: a family of siblings of its own."""
        self.siblings.append(reserved or set())
        try:
            return self.read_list(loc, value)
        finally:
            self.siblings.pop()

    def read_list(self, loc: Location, value: Json) -> tuple[records.Action, ...]:
        if not isinstance(value, list):
            hint = 'begin each action with "- "'
            self.reading.wrong_type(loc, "a list of actions", value, hint)
            return (
                (self._one(loc, value),) if isinstance(value, dict) and any(kind in value for kind in ACTIONS) else ()
            )
        if not value:
            self.reading.report(
                loc, "missing-key", f'"{loc[-1]}" has no actions', 'write at least one, beginning with "- "', key=True
            )
        return tuple(self._each(loc, value))

    def _each(self, loc: Location, value: list[Json]) -> Iterator[records.Action]:
        for index, item in enumerate(value):
            if self.count <= MOST_ACTIONS and self._is_action((*loc, index), item):
                yield self._one((*loc, index), item)

    def _is_action(self, loc: Location, item: Json) -> bool:
        if isinstance(item, dict):
            return True
        hint = colon_hint(item) or 'write its keys, such as "use: connector.Operation"'
        self.reading.report(loc, "wrong-type", f"an action cannot be {describe(item)}", hint)
        return False

    def _one(self, loc: Location, value: dict[str, Json]) -> records.Action:
        self.count += 1
        if self.count == MOST_ACTIONS + 1:
            self.reading.report(
                loc,
                "too-many-actions",
                f"the flow has more than {MOST_ACTIONS} actions",
                "move some to a flow of their own and call it",
            )
        construct = self._construct(loc, value)
        if construct is None:
            return self._unreadable(loc, value)
        name, key = self._name(loc, value, construct)
        self.siblings.append(set())
        self.depth += 1
        if self.depth == DEEPEST + 1:
            self.reading.report(
                loc,
                "too-deep",
                f"actions are nested more than {DEEPEST} levels deep here",
                "move the inner ones to a flow of their own and call it",
            )
        belongs = f'an action with "{construct.key}"'
        keys = (*construct.keys, *COMMON)
        own = {name: item for name, item in value.items() if name == construct.key or name not in ACTIONS}
        read = read_keys(
            self.reading,
            loc,
            own,
            keys,
            self.readers,
            belongs=belongs,
            elsewhere=_elsewhere(construct),
            kind=construct.key,
        )
        self.depth -= 1
        self.siblings.pop()
        return build_action(construct.key, read, _common(read, loc, self.reading, name, key))

    def _construct(self, loc: Location, value: dict[str, Json]) -> Construct | None:
        kinds = [name for name in value if name in ACTIONS]
        if len(kinds) == 1:
            return ACTIONS[kinds[0]]
        if kinds:
            for extra in kinds[1:]:
                told = f'"{extra}" stands beside "{kinds[0]}": an action does one thing'
                self.reading.report((*loc, extra), "two-kinds", told, 'begin a new action with "- "', key=True)
            return ACTIONS[kinds[0]]
        self._no_kind(loc, value)
        return None

    def _no_kind(self, loc: Location, value: dict[str, Json]) -> None:
        owned = {name: owners for name in value if (owners := _OWNERS.get(name))}
        unknown = [name for name in value if name not in _COMMON_NAMES and name not in owned][:_STRAYS]
        for name in unknown:
            hint = _kind_meant(name)
            self.reading.report((*loc, name), "unknown-key", f'an action has no key "{name}"', hint, key=True)
        if unknown and any(nearest(name, ACTIONS) or "did you mean" in suggest_key(name, ACTIONS) for name in unknown):
            return
        if owned:
            name, owners = next(iter(owned.items()))
            told = f'this action has "{name}" but not the key that it belongs to'
            self.reading.report((*loc, name), "missing-key", told, f"add {one_of(owners)}", key=True)
        elif not unknown:
            self.reading.report(
                loc, "missing-key", "this action does not say what it does", f"add one of: {', '.join(ACTIONS)}"
            )

    def _unreadable(self, loc: Location, value: dict[str, Json]) -> records.Action:
        """Stands in for an action that does not say what it does, so that its name and place still count."""
        name, key = self._name(loc, value, ACTIONS["log"])
        saved = value.get("save_as")
        common = _common({"save_as": saved if isinstance(saved, str) else None}, loc, self.reading, name, key)
        return records.Log(**common, text="")

    def _name(self, loc: Location, value: dict[str, Json], construct: Construct) -> tuple[str, str]:
        given = value.get("name")
        name = str(given).strip() if isinstance(given, str | int | float) and not isinstance(given, bool) else ""
        if name:
            self._check_unique((*loc, "name"), name)
            return name, free_key(name, construct.key, self.siblings[-1])
        operation = value.get("use") if construct.key == "use" else ""
        said = operation.rpartition(".")[2] if isinstance(operation, str) else ""
        name = free_name(construct.key, said, self.generated)
        return name, free_key(spelled_for_key(name, generated=True), construct.key, self.siblings[-1])

    def _check_unique(self, loc: Location, name: str) -> None:
        first = self.seen.setdefault(name, loc)
        if first != loc:
            line = self.reading.source.span(first).line
            self.reading.report(
                loc,
                "duplicate-name",
                f'the name "{name}" is taken by the action on line {line}',
                "give it a name of its own",
            )

    def _branches(self, loc: Location, value: Json) -> Any:
        if not isinstance(value, list):
            return self.reading.wrong_type(
                loc, "a list of branches", value, 'begin each branch with "- " and each action in it with another "- "'
            )
        return tuple(self.read_list((*loc, index), item) for index, item in enumerate(value))

    def _cases(self, loc: Location, value: Json) -> Any:
        if not isinstance(value, dict) or not value:
            return self.reading.wrong_type(loc, "values, each with a list of actions", value)
        source = self.reading.source
        return tuple(
            (name if source.is_quoted((*loc, name)) else resolve(name), self.read_list((*loc, name), item))
            for name, item in value.items()
        )

    def _inside(self, loc: Location, value: Json, key: Key) -> Any:
        return read_keys(self.reading, loc, value, key.inside, self.readers, belongs=f'"{key.name}"')

    def _retry(self, loc: Location, value: Json, key: Key) -> Any:
        if isinstance(value, int) and not isinstance(value, bool):
            value = {"times": value}
            if not 0 <= value["times"] <= 100:
                self.reading.report(loc, "not-allowed", '"retry" must be from 0 to 100 tries')
                return REFUSED
        if not isinstance(value, dict):
            return self.reading.wrong_type(
                loc, "a number of tries, or its keys", value, "write 3, or { times: 3, wait: 10 seconds }"
            )
        read = read_keys(self.reading, loc, value, key.inside, self.readers, belongs='"retry"')
        return records.Retry(**{"times": 0, **read})


def _moment(reading: Reading, loc: Location, value: Json, key: Key) -> Any:
    if not isinstance(value, str):
        return reading.wrong_type(loc, str(key.form), value)
    return value


def _elsewhere(construct: Construct) -> dict[str, str]:
    """For each key of other constructs: where it belongs."""
    own = {key.name for key in construct.keys}
    return {name: f"it belongs to {one_of(owners)}" for name, owners in _OWNERS.items() if owners and name not in own}


def _common(read: dict[str, Any], loc: Location, reading: Reading, name: str, key: str) -> dict[str, Any]:
    return {
        "key": key,
        "name": name,
        "loc": loc,
        "span": reading.source.span(loc),
        "when": read.get("when"),
        "save_as": read.get("save_as"),
        "retry": read.get("retry"),
        "timeout": read.get("timeout"),
        "on_error_continue": "on_error" in read,
        "connection": read.get("connection"),
        "secure": read.get("secure", frozenset()),
        "note": read.get("note", ""),
        "output": read.get("output"),
    }


def _kind_meant(name: str) -> str:
    """What an author meant by a key that would make an action, were there such a thing."""
    if OPERATION.fullmatch(name):
        return f'write "use: {name}", and its inputs under "with:"'
    if built_in := NOT_BUILT_IN.get(name.lower().replace("-", "_")):
        return built_in
    hint = suggest_key(name, [*ACTIONS, *_COMMON_NAMES])
    if not hint.startswith("there is"):
        return hint
    return f'an action begins with one of: {", ".join(ACTIONS)}; services are called by "use: connector.Operation"'
