"""What could be written at a place in a flow that is being typed, and so is seldom whole.

The lines above and their indentation say what the place is; the text is read as far as it can be for names and shapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flowengine.expressions.functions import FILTERS
from flowengine.lint.known import inputs_shape, result_shape, trigger_shape, vars_shape
from flowengine.lint.project import Project
from flowengine.lint.shapes import UNKNOWN, Missing, Shape, follow
from flowengine.manifests.operation import Operation
from flowengine.spec.flow import Flow
from flowengine.spec.language import (
    ACTIONS,
    COMMON,
    COMPARISON,
    CONDITION_GROUPS,
    FLOW,
    SCHEDULE,
    TRIGGER_COMMON,
    TRIGGERS,
    VERIFY,
    VERIFY_METHODS,
    Construct,
    Form,
    Key,
)
from flowengine.spec.load import read_partly
from flowengine.types import JsonObject

AT_MOST = 200
_LISTS = frozenset({"actions", "then", "else", "do", "try", "catch", "finally", "on_failure", "default", "parallel"})
_CONDITIONS = frozenset({"conditions", "if", "when", "until", "all", "any", "not"})
_LINE = re.compile(
    r"^(?P<indent>\s*)(?P<dashes>(?:-\s+)*)(?:(?P<key>[\w.-]+|\"[^\"]*\"|'[^']*')\s*:(?:\s+(?P<value>.*))?)?"
)
_CHAIN = re.compile(r"(?P<chain>(?:\w+(?:\[\d+\])?\.)*)(?P<word>\w*)$")
_NAMES = {
    "trigger": "what came",
    "event": "id, received_at, headers, source",
    "run": "id, started_at, link",
    "flow": "id, name, version",
    "inputs": "the inputs of the run",
    "vars": "the flow's variables",
    "actions": "every action's results by its name",
    "item": "the current item of a loop",
    "loop": "index, first, last",
    "error": "what failed, in catch and on_failure",
}
_OWN = {
    "event": ("id", "received_at", "headers", "source"),
    "run": ("id", "started_at", "link"),
    "flow": ("id", "name", "version"),
}


@dataclass(frozen=True, slots=True)
class Completion:
    """Something that could be written: what is shown, what is inserted, and from which column on it replaces the line."""

    label: str
    insert: str
    kind: str
    """`key`, `operation`, `parameter`, `word`, `name`, `field` or `filter`."""
    detail: str
    from_column: int

    def to_json(self) -> JsonObject:
        return {
            "label": self.label,
            "insert": self.insert,
            "kind": self.kind,
            "detail": self.detail,
            "from_column": self.from_column,
        }


@dataclass(frozen=True, slots=True)
class _Holder:
    """A key above the place, less indented than it: one of those that it stands in."""

    key: str
    value: str
    line: int
    indent: int


def complete(text: str, line: int, column: int, project: Project) -> list[Completion]:
    """What could be written at a place, the nearest words first. Lines and columns count from 1, in characters."""
    lines = text.split("\n")
    if line > len(lines):
        return []
    before = lines[line - 1][: column - 1]
    opened = max(before.rfind("{{"), before.rfind("{%"))
    if opened >= 0 and "}}" not in before[opened:] and "%}" not in before[opened:]:
        found = _in_template(text, before[opened + 2 :], column, project)
    else:
        found = _in_yaml(lines, line, before, project)
    return [one for _, one in zip(range(AT_MOST), found, strict=False)]


def _in_template(text: str, typed: str, column: int, project: Project) -> Iterator[Completion]:
    match = _CHAIN.search(typed)
    assert match is not None, "the pattern fits the empty text"
    word, start = match["word"], column - len(match["word"])
    if typed[: match.start()].rstrip().endswith("|"):
        yield from (_made(name, name, "filter", "", start) for name in sorted(FILTERS) if name.startswith(word))
        return
    flow, _ = read_partly(text, "flows/flow.yaml")
    names = _shapes(flow, project)
    if not match["chain"]:
        every = {**_NAMES, **{name: "saved by an action" for name in names if name not in _NAMES}}
        yield from (_made(name, name, "name", told, start) for name, told in every.items() if name.startswith(word))
        return
    parts: list[str | int] = [int(part) if part.isdecimal() else part for part in re.findall(r"\w+", match["chain"])]
    root = str(parts[0])
    for field, told in _fields(names.get(root, UNKNOWN), parts[1:], root):
        if field.startswith(word):
            yield _made(field, field, "field", told, start)


def _fields(shape: Shape, parts: list[str | int], root: str) -> list[tuple[str, str]]:
    if root in _OWN and not parts:
        return [(name, "") for name in _OWN[root]]
    found = follow(shape, parts)
    if isinstance(found, Missing):
        return []
    settled = found.settled()
    return [(name, inner.settled().words) for name, inner in (settled.fields or {}).items()]


def _shapes(flow: Flow | None, project: Project) -> dict[str, Shape]:
    if flow is None:
        return {}
    shapes = {"trigger": trigger_shape(flow, project), "inputs": inputs_shape(flow), "vars": vars_shape(flow)}
    for _, action in flow.walk():
        if action.save_as:
            shapes[action.save_as] = result_shape(action, project)
    return shapes


def _in_yaml(lines: list[str], line: int, before: str, project: Project) -> Iterator[Completion]:
    match = _LINE.match(before)
    assert match is not None, "the pattern fits the empty text"
    key, value = match["key"], match["value"]
    indent = len(match["indent"]) + len(match["dashes"])
    holders = _holders(lines, line, indent, dashed=bool(match["dashes"]))
    if key and value is None and before.rstrip().endswith(":"):
        value = ""
    if key and value is not None and before[-1:] != ":":
        yield from _values(
            key, value, len(before) + 1, _key_of(key, holders, lines, line, indent, project), holders, project
        )
        return
    word = before[indent:]
    if not re.fullmatch(r"[\w.-]*", word):
        return
    taken = _siblings(lines, line, indent)
    for one, kind in _keys(holders, taken, project):
        if one.name.startswith(word) and one.name not in taken:
            yield _made(one.name, f"{one.name}: ", kind, one.doc, indent + 1)


def _values(
    name: str, value: str, end: int, key: Key | None, holders: list[_Holder], project: Project
) -> Iterator[Completion]:
    start = end - len(value)
    for label, kind, told in _words(name, key, holders, project):
        if label.lower().startswith(value.lower()) or (kind == "operation" and value.lower() in label.lower()):
            yield _made(label, label, kind, told, start)


def _words(name: str, key: Key | None, holders: list[_Holder], project: Project) -> Iterator[tuple[str, str, str]]:
    trigger = any(one.key == "trigger" for one in holders)
    if name in ("use", "poll"):
        for operation in _operations(project, starts=trigger and name == "use"):
            if name == "use" or operation.reads:
                yield f"{operation.connector}.{operation.id}", "operation", operation.summary or operation.description
    elif name == "call":
        yield from ((one, "word", "a flow of this project") for one in sorted(project.flow_ids))
    elif name == "connection":
        yield from ((one, "word", f"for {project.connections[one].connector}") for one in sorted(project.connections))
    elif name == "verify":
        yield from ((one, "word", "") for one in VERIFY_METHODS)
    elif key is not None and key.form in (Form.BOOLEAN, Form.TRUE):
        yield from ((one, "word", "") for one in ("true", "false"))
    elif key is not None:
        yield from ((one, "word", "") for one in key.choices)


def _keys(holders: list[_Holder], taken: set[str], project: Project) -> Iterator[tuple[Key, str]]:
    """The keys that can stand at a place, and what they are."""
    held = holders[0].key if holders else ""
    match held:
        case "":
            yield from ((one, "key") for one in FLOW)
        case "trigger":
            yield from ((one, "key") for one in _constructs(TRIGGERS, TRIGGER_COMMON, taken))
        case "with":
            yield from ((one, "parameter") for one in _parameters(holders[0], project))
        case "schedule":
            yield from ((one, "key") for one in SCHEDULE)
        case "verify":
            yield from ((Key(one, Form.KEYS, ""), "key") for one in VERIFY)
        case _ if held in VERIFY:
            yield from ((one, "key") for one in VERIFY[held])
        case _ if held in _CONDITIONS:
            yield from ((one, "key") for one in (*COMPARISON, *CONDITION_GROUPS))
        case _ if held in _LISTS or any(one.key == "cases" for one in holders[1:2]):
            yield from ((one, "key") for one in _constructs(ACTIONS, COMMON, taken))
        case _:
            yield from ((one, "key") for one in _inside(held))


def _constructs(kinds: dict[str, Construct], common: Iterable[Key], taken: set[str]) -> Iterator[Key]:
    """Before a construct is chosen, all of them; afterwards its own keys."""
    chosen = next((kinds[key] for key in kinds if key in taken), None)
    if chosen is not None:
        yield from chosen.keys
    else:
        yield from (Key(one.key, Form.VALUE, one.doc) for one in kinds.values())
    yield from common


def _inside(held: str) -> tuple[Key, ...]:
    every = [
        *FLOW,
        *COMMON,
        *TRIGGER_COMMON,
        *(key for one in (*ACTIONS.values(), *TRIGGERS.values()) for key in one.keys),
    ]
    return next((key.inside for key in every if key.name == held and key.inside), ())


def _key_of(
    name: str, holders: list[_Holder], lines: list[str], line: int, indent: int, project: Project
) -> Key | None:
    taken = _siblings(lines, line, indent)
    return next((key for key, _ in _keys(holders, taken, project) if key.name == name), None)


def _parameters(holder: _Holder, project: Project) -> Iterator[Key]:
    connector, _, name = holder.value.partition(".")
    operation = project.operation(connector, name)
    if operation is None:
        return
    seen: set[str] = set()
    for parameter in operation.parameters:
        first = parameter.path.split(".")[0] if parameter.location == "body" else parameter.path
        if not parameter.internal and first not in seen:
            seen.add(first)
            told = parameter.description or parameter.title
            yield Key(first, Form.VALUE, f"{told} (required)" if parameter.required else told)


def _operations(project: Project, *, starts: bool) -> Iterator[Operation]:
    for name in project.catalog.names():
        connector = project.connector(name)
        for operation in connector.operations.values() if connector else ():
            if (operation.kind == "trigger") is starts:
                yield operation


def _holders(lines: list[str], line: int, indent: int, *, dashed: bool) -> list[_Holder]:
    """The keys that the place stands in, the nearest first. `with` carries the operation beside it as its value."""
    found: list[_Holder] = []
    limit = indent
    for at in range(line - 2, -1, -1):
        match = _LINE.match(lines[at])
        if match is None or not lines[at].strip() or lines[at].lstrip().startswith("#") or not match["key"]:
            continue
        begin = len(match["indent"]) + len(match["dashes"])
        # A list may stand at its key's own indentation.
        if begin < limit or (
            dashed and not found and begin == len(match["indent"]) <= limit and not match["value"] and begin < indent
        ):
            value = match["value"] or ""
            if match["key"] == "with":
                value = _beside(lines, at, begin)
            found.append(_Holder(match["key"].strip("\"'"), value.strip(), at, begin))
            limit = begin - len(match["dashes"]) + (1 if match["dashes"] else 0)
        if limit == 0:
            break
    return found


def _beside(lines: list[str], at: int, indent: int) -> str:
    """The operation that stands beside a `with`."""
    for key, value in _around(lines, at, indent):
        if key in ("use", "poll"):
            return value
    return ""


def _siblings(lines: list[str], line: int, indent: int) -> set[str]:
    """The keys that stand beside the place in the same mapping."""
    return {key for key, _ in _around(lines, line - 1, indent)}


def _around(lines: list[str], at: int, indent: int) -> Iterator[tuple[str, str]]:
    """The keys with their values at this indentation, up and down to where the mapping ends."""
    for step in (-1, 1):
        index = at if step < 0 else at + 1
        first = True
        while 0 <= index < len(lines):
            match = _LINE.match(lines[index])
            begin = len(match["indent"]) + len(match["dashes"]) if match else 0
            blank = not lines[index].strip()
            if match is None or (not blank and begin < indent and not (first and index == at)):
                break
            starts = begin == indent and bool(match["dashes"])
            if starts and step > 0:
                break
            if begin == indent and match["key"] and index != at:
                yield match["key"].strip("\"'"), (match["value"] or "").strip()
            if starts:
                break
            first = False
            index += step


def _made(label: str, insert: str, kind: str, detail: str, start: int) -> Completion:
    return Completion(label, insert, kind, " ".join(detail.split())[:200], start)
