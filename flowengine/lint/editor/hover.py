"""What something in a flow means: from the language's table, the manifests and the functions' own words."""

from __future__ import annotations

from dataclasses import dataclass

from flowengine.expressions.functions import FILTERS, FUNCTIONS
from flowengine.findings import Span
from flowengine.lint.context import Context
from flowengine.lint.editor.keys import Property, properties_at
from flowengine.lint.editor.reading import Standing, standing_at
from flowengine.lint.project import Project
from flowengine.lint.shapes import Missing, Shape, follow
from flowengine.manifests.operation import Operation
from flowengine.spec.language import ACTIONS, TRIGGERS
from flowengine.spec.source import Location

_NAMES = {
    "trigger": "The event's body.",
    "event": "The event: `id`, `received_at`, `headers`, `source`.",
    "run": "This run: `id`, `started_at`, `link`.",
    "flow": "This flow: `id`, `name`, `version`.",
    "inputs": "The inputs of a manual run or a call.",
    "vars": "The run's variables; `set` changes them.",
    "actions": "The actions that ran so far, by name.",
    "loop": "Where the loop stands: `index`, `index0`, `first`, `last`.",
    "error": "The failure that is handled here.",
}


@dataclass(frozen=True, slots=True)
class Hover:
    """Markdown, and the stretch of the file it is about."""

    markdown: str
    span: Span


def hover(text: str, offset: int, file: str, project: Project) -> Hover | None:
    """What stands at an offset of a flow's text, explained; None when there is nothing to say."""
    found = standing_at(text, offset, file, project)
    told = _told(found, project) if found else None
    return Hover(told, found.span) if found and told else None


def _told(found: Standing, project: Project) -> str | None:
    if found.use is not None:
        return _function(found.use.name)
    if found.chain is not None:
        return _chain(found)
    if found.is_key:
        return of_key(found.context, found.loc, project)
    return _value(found, project)


def _function(name: str) -> str | None:
    one = FILTERS.get(name) or FUNCTIONS.get(name)
    return f"`{one.signature}`\n\n{one.about}\n\n```\n{one.example}\n→ {one.result}\n```" if one else None


def _chain(found: Standing) -> str | None:
    assert found.chain is not None
    assert found.site is not None
    root = found.site.scope.names.get(found.chain.root)
    if root is None:
        return None
    parts = found.chain.parts[1 : found.part + 1]
    shape = follow(root, parts)
    if isinstance(shape, Missing):
        return None
    words = f"`{'.'.join(str(part) for part in found.chain.parts[: found.part + 1])}`: {shape.settled().words}"
    about = _about(shape) if parts else _NAMES.get(found.chain.root, "")
    return f"{words}\n\n{about}".strip()


def _about(shape: Shape) -> str:
    if shape.connector is None or not shape.schema:
        return ""
    # The words stand beside the reference as often as behind it.
    here = shape.schema if isinstance(shape.schema, dict) else {}
    schema = {**shape.connector.resolve(shape.schema), **here}
    return str(schema.get("description") or schema.get("x-ms-summary") or "")


def of_key(context: Context, loc: Location, project: Project) -> str | None:
    """What the key at a place is for, in Markdown."""
    name = str(loc[-1])
    known, _ = properties_at(context.flow.source.data, loc[:-1], project)
    one = next((each for each in known if each.name == name), None)
    if one is None:
        return None
    construct = {**TRIGGERS, **ACTIONS}.get(name) if one.key is not None and one.required else None
    example = f"\n\n```yaml\n{construct.example}\n```" if construct else ""
    return f"{_headline(one)}\n\n{one.about}{example}".strip()


def _headline(one: Property) -> str:
    needed = ", required" if one.required else ""
    allowed = f"\n\nOne of: {', '.join(f'`{word}`' for word in one.choices)}" if one.choices else ""
    return f"**{one.name}** ({one.kind or 'anything'}{needed}){allowed}"


def _value(found: Standing, project: Project) -> str | None:
    value = found.context.flow.source.data
    for part in found.loc:
        value = value[part]
    if not isinstance(value, str) or not found.loc:
        return None
    if found.loc[-1] in ("use", "poll"):
        name, _, operation = value.partition(".")
        known = project.operation(name, operation)
        return _operation(known) if known else None
    if found.loc[-1] == "call" and value in project.flows:
        called = project.flows[value]
        return f"**{called.name}**\n\n{called.description}".strip()
    return None


def _operation(one: Operation) -> str:
    shown = [parameter for parameter in one.parameters if not parameter.internal]
    lines = [
        f"- `{parameter.path}`{' (required)' if parameter.required else ''}: {parameter.description or parameter.title}"
        for parameter in shown[:30]
    ]
    head = f"**{one.connector}.{one.id}**: {one.summary}\n\n{one.description}\n\n`{one.method} {one.path}`"
    return f"{head}\n\n{chr(10).join(lines)}".strip()
