"""What may be written at the cursor."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from flowengine.errors import ExpressionError
from flowengine.expressions.environment import TESTS
from flowengine.expressions.functions import FILTERS, FUNCTIONS
from flowengine.lint.context import Context
from flowengine.lint.editor.cursor import MARK, Cursor, cursor_at
from flowengine.lint.editor.keys import Property, properties_at
from flowengine.lint.inference import infer
from flowengine.lint.project import Project
from flowengine.lint.shapes import Shape
from flowengine.lint.sites import Scope
from flowengine.spec.language import Form
from flowengine.spec.source import Location

ItemKind = Literal["key", "value", "operation", "connector", "name", "field", "filter", "function", "test", "file"]

_OWNER = re.compile(r"((?:[A-Za-z_]\w*|\))(?:\.[A-Za-z_]\w*|\[[^\]]*\])*)\.(\w*)\Z")
_FILTER = re.compile(r"\|\s*(\w*)\Z")
_TEST = re.compile(r"\bis\s+(?:not\s+)?(\w*)\Z")
_ACTION = re.compile(r"\bactions\[\s*(['\"])([^'\"\]]*)\Z")
_NAME = re.compile(r"(\w*)\Z")
_IN_TEXT = re.compile(r"^[^'\"]*(?:'[^']*'[^'\"]*|\"[^\"]*\"[^'\"]*)*\Z")


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that may be written; it takes the place of the last `replaces` characters before the cursor."""

    label: str
    kind: ItemKind
    detail: str = ""
    about: str = ""
    insert: str = ""
    """What is written, when that is more than the label."""
    replaces: int = 0
    first: bool = False
    """Whether it should stand before the others: what is required."""


def complete(text: str, offset: int, file: str, project: Project) -> list[Item]:
    """Everything that may be written at an offset of a flow's text."""
    cursor = cursor_at(text, offset, file)
    if cursor is None:
        return []
    match cursor.kind:
        case "key":
            return list(_keys(cursor, project))
        case "value":
            return list(_values(cursor, project))
        case "template":
            return list(_template(cursor, project))


def _keys(cursor: Cursor, project: Project) -> Iterator[Item]:
    found, _ = properties_at(cursor.source.data, cursor.loc, project)
    given = cursor.at(cursor.loc)
    for one in found:
        if not isinstance(given, dict) or one.name not in given:
            yield Item(one.name, "key", one.kind, one.about, _written(one), len(cursor.typed), one.required)


def _written(one: Property) -> str:
    lists = (Form.ACTIONS, Form.CONDITIONS)
    groups = (Form.KEYS, Form.VALUES, Form.VARIABLES, Form.INPUTS, Form.CASES, Form.DURATIONS, Form.TRIGGERS)
    below = one.key is not None and one.key.form in (*lists, *groups)
    return f"{one.name}:" if below or one.kind in ("object", "array") else f"{one.name}: "


def _values(cursor: Cursor, project: Project) -> Iterator[Item]:
    name = next((str(part) for part in reversed(cursor.loc) if isinstance(part, str)), "")
    owner = cursor.loc[: len(cursor.loc) - 1 - cursor.loc[::-1].index(name)] if name else ()
    found, _ = properties_at(cursor.source.data, owner, project)
    one = next((each for each in found if each.name == name), None)
    if one is None or (isinstance(cursor.loc[-1], int) and one.key and one.key.form is Form.ACTIONS):
        # A word behind a dash, where an action or trigger begins.
        yield from _begun(cursor, project)
        return
    size = len(cursor.typed)
    form = one.key.form if one.key else None
    if form is Form.OPERATION:
        yield from _operations(cursor, project, name, triggers=name == "use" and cursor.loc[0] == "trigger")
    elif form is Form.FLOW_ID:
        yield from (Item(flow_id, "file", "flow", replaces=size) for flow_id in sorted(project.flow_ids))
    elif name == "connection" and form is not None:
        yield from _connections(cursor, project, owner)
    elif form in (Form.TRIGGERS, Form.CONDITION, Form.CONDITIONS, Form.KEYS, Form.SCHEDULE, Form.RETRY):
        yield from _begun(cursor, project)
    else:
        words = (*one.choices, *(_RETRY_WORDS if form is Form.RETRY_ON else ()), *_phrases(form))
        yield from (Item(word, "value", one.about, replaces=size) for word in words)


_RETRY_WORDS = ("408", "429", "5xx", "timeout", "unreachable")


def _phrases(form: Form | None) -> tuple[str, ...]:
    match form:
        case Form.DURATION | Form.DURATION_OR_TEMPLATE:
            return ("10 seconds", "1 minute", "15 minutes", "1 hour", "1 day")
        case Form.VERIFY:
            return ("none",)
        case _:
            return ()


def _begun(cursor: Cursor, project: Project) -> Iterator[Item]:
    """Keys, where so far there is a value: a word behind a dash, or alone below a key."""
    found, _ = properties_at(cursor.source.data, cursor.loc, project)
    for one in found:
        yield Item(one.name, "key", one.kind, one.about, _written(one), len(cursor.typed), one.required)


def _operations(cursor: Cursor, project: Project, key: str, *, triggers: bool) -> Iterator[Item]:
    name, dot, _ = cursor.typed.partition(".")
    size = len(cursor.typed)
    connector = project.connector(name) if dot else None
    if connector is None:
        for each in project.catalog.names():
            yield Item(each, "connector", "connector", insert=f"{each}.", replaces=size)
        return
    for operation in connector.operations.values():
        fits = operation.kind == ("trigger" if triggers else "action") and (key != "poll" or operation.reads)
        if fits and operation.visibility != "internal":
            yield Item(
                f"{name}.{operation.id}", "operation", operation.summary, operation.description, replaces=size,
                first=operation.visibility == "important",
            )  # fmt: skip


def _connections(cursor: Cursor, project: Project, owner: Location) -> Iterator[Item]:
    data = cursor.at(owner)
    use = str(data.get("use") or data.get("poll") or "") if isinstance(data, dict) else ""
    connector = use.partition(".")[0]
    for name, one in project.connections.items():
        if not connector or connector in (one.connector, "http"):
            yield Item(name, "value", one.connector, replaces=len(cursor.typed))


def _template(cursor: Cursor, project: Project) -> Iterator[Item]:
    scope = _scope(cursor, project)
    if scope is None:
        return
    typed = cursor.typed
    action, owner = _ACTION.search(typed), _OWNER.search(typed)
    if action:
        yield from (Item(name, "name", "action", replaces=len(action[2])) for name in sorted(scope.done))
    elif _IN_TEXT.match(typed) is None:
        return  # inside quotes nothing can be known
    elif owner:
        yield from _fields(_owner_text(typed[: owner.end(1)]), owner[2], scope)
    elif (word := _FILTER.search(typed)) is not None:
        for name, one in FILTERS.items():
            yield Item(name, "filter", one.signature, f"{one.about}\n\n`{one.example}`", replaces=len(word[1]))
    elif (word := _TEST.search(typed)) is not None:
        yield from (Item(name, "test", replaces=len(word[1])) for name in TESTS if name.isidentifier())
    else:
        yield from _names(scope, len((_NAME.search(typed) or [""])[0]))


def _names(scope: Scope, size: int) -> Iterator[Item]:
    for name, shape in scope.names.items():
        yield Item(name, "name", shape.settled().words, replaces=size, first=True)
    for name, one in FUNCTIONS.items():
        about = f"{one.about}\n\n`{one.example}`"
        yield Item(name, "function", one.signature, about, f"{name}(", size)


def _owner_text(text: str) -> str:
    """The expression whose field is read: what stands before the dot, back to where it begins."""
    at = re.search(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[[^\]]*\])*\Z", text)
    if at and not text[: at.start()].endswith(")."):
        return at[0]
    depth, index = 0, len(text)
    for index in range(len(text) - 1, -1, -1):  # where it stops is what is asked for
        depth += {")": 1, "(": -1}.get(text[index], 0)
        if depth == 0 and text[index] == "(":
            break
    begun = re.search(r"\w*\Z", text[:index])
    return text[begun.start() if begun else index :]


def _fields(owner: str, typed: str, scope: Scope) -> Iterator[Item]:
    if owner == "actions":
        return
    try:
        shape = infer(f"{{{{ {owner} }}}}", scope.names).shape.settled()
    except ExpressionError:
        return
    yield from (_field(name, one, len(typed)) for name, one in _of(shape))


def _of(shape: Shape) -> Iterable[tuple[str, Shape]]:
    return (shape.fields or {}).items() if shape.type == "object" else ()


def _field(name: str, shape: Shape, size: int) -> Item:
    schema = shape.connector.resolve(shape.schema) if shape.connector is not None and shape.schema else {}
    return Item(name, "field", shape.settled().words, str(schema.get("description") or ""), replaces=size)


def _scope(cursor: Cursor, project: Project) -> Scope | None:
    """The names that can be read at the cursor."""
    if cursor.flow is None:
        return None
    context = Context(cursor.flow, project)
    return next((site.scope for site in context.sites.found if MARK in site.text), None)
