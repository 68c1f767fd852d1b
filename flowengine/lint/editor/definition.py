"""Where something that a flow names is made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from flowengine.errors import NotFound
from flowengine.findings import Span
from flowengine.lint.editor.reading import Standing, standing_at
from flowengine.lint.project import Project
from flowengine.manifests.files import definition_file
from flowengine.spec import actions as records
from flowengine.spec.source import Location

_START = Span(1, 1, 1, 1)


@dataclass(frozen=True, slots=True)
class Definition:
    """A place in a file; None: the file that was asked about."""

    span: Span
    file: Path | None = None


def definition(text: str, offset: int, file: str, project: Project) -> Definition | None:
    """Where what stands at an offset of a flow's text is made."""
    found = standing_at(text, offset, file, project)
    if found is None or found.is_key:
        return None
    return _of_chain(found) if found.chain is not None else _of_value(found, Path(file), project)


def _of_chain(found: Standing) -> Definition | None:
    assert found.chain is not None
    flow, parts = found.context.flow, found.chain.parts
    name = str(parts[1]) if len(parts) > 1 else ""
    if found.chain.root in ("vars", "inputs"):
        loc: Location = (found.chain.root, name)
        return Definition(flow.source.key_span(loc)) if flow.source.has(loc) else None
    if found.chain.root == "actions":
        named = next((action for _, action in flow.walk() if action.name == name), None)
        return Definition(_name_of(found, named)) if named else None
    if found.chain.root == "trigger":
        return Definition(flow.source.key_span(("trigger",)))
    return _made(found, found.chain.root)


def _name_of(found: Standing, action: records.Action) -> Span:
    source = found.context.flow.source
    loc = (*action.loc, "name")
    return source.span(loc) if source.has(loc) else action.span


def _made(found: Standing, name: str) -> Definition | None:
    """The `save_as` or the loop that makes a name: the nearest one above."""
    source = found.context.flow.source
    makers: list[Span] = []
    for _, action in found.context.flow.walk():
        if action.save_as == name:
            makers.append(source.span((*action.loc, "save_as")))
        if isinstance(action, records.ForEach) and action.item_name == name:
            loc = (*action.loc, "as")
            makers.append(source.span(loc) if source.has(loc) else source.key_span((*action.loc, "for_each")))
    above = [span for span in makers if span <= found.span]
    return Definition(max(above)) if above else Definition(makers[0]) if makers else None


def _of_value(found: Standing, file: Path, project: Project) -> Definition | None:
    value = found.context.flow.source.data
    for part in found.loc:
        value = value[part]
    if not isinstance(value, str) or not found.loc:
        return None
    if found.loc[-1] == "call":
        other = next(
            (one for one in (file.parent / f"{value}{end}" for end in (".yaml", ".yml")) if one.is_file()), None
        )
        return Definition(_START, other) if other else None
    if found.loc[-1] in ("use", "poll"):
        return _of_operation(value, project)
    return None


def _of_operation(use: str, project: Project) -> Definition | None:
    name, _, operation = use.partition(".")
    try:
        folder = project.catalog.folder(name)
    except NotFound:
        return None
    path, _ = definition_file(folder)
    if path is None:
        return None
    pattern = re.compile(rf"operationId[\"']?\s*:\s*[\"']?({re.escape(operation)})[\"']?\s*(?:,|$)", re.MULTILINE)
    text = path.read_text(encoding="utf-8", errors="replace")
    match = pattern.search(text) if operation else None
    return Definition(_span(text, match.start(1), match.end(1)) if match else _START, path)


def _span(text: str, start: int, end: int) -> Span:
    line = text.count("\n", 0, start) + 1
    begun = text.rfind("\n", 0, start)
    return Span(line, start - begun, line, end - begun)
