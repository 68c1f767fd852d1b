"""A connector's reference page, of the kind that Microsoft publishes for each connector: as Markdown, and as HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any, TypeAlias

from flowengine.connectors.snippet import snippet
from flowengine.manifests.choices import choice_source
from flowengine.manifests.lenient import as_object, as_text
from flowengine.manifests.schema import flatten, type_of

if TYPE_CHECKING:
    from flowengine.manifests.definition import Connector
    from flowengine.manifests.operation import Operation, Parameter
    from flowengine.manifests.properties import ConnectionParameter

_TRIGGERS = {"webhook": "The service tells the engine.", "polling": "The engine asks the service again and again."}


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    text: str
    anchor: str = ""


@dataclass(frozen=True, slots=True)
class Words:
    text: str


@dataclass(frozen=True, slots=True)
class Rows:
    headers: tuple[str, ...]
    rows: Sequence[Sequence[str]]
    code: int = 0
    """The column that is written as code; -1: none."""


@dataclass(frozen=True, slots=True)
class Code:
    text: str
    language: str = "yaml"


Block: TypeAlias = Heading | Words | Rows | Code


def as_markdown(connector: Connector) -> str:
    """The page as Markdown. Texts of the definition stay text: they make no headings, links or tags."""
    return "\n\n".join(_markdown(block) for block in _page(connector))


def as_html(connector: Connector) -> str:
    """The page as one HTML document that needs nothing else."""
    body = "\n".join(_html(block) for block in _page(connector))
    head = f'<meta charset="utf-8"><title>{escape(connector.title)}</title><style>{_STYLE}</style>'
    return f'<!doctype html><html lang="en"><head>{head}</head><body>\n{body}\n</body></html>'


def _page(connector: Connector) -> Iterator[Block]:
    yield Heading(1, connector.title)
    if connector.description:
        yield Words(connector.description)
    about = [("Name in flows", connector.name), ("Version", connector.version), ("Address", connector.base_url)]
    yield Rows(("", ""), [row for row in about if row[1]], code=1)
    yield from _connection(connector)
    yield from _limits(connector)
    for kind, title in (("action", "Actions"), ("trigger", "Triggers")):
        yield from _operations(connector, kind, title)
    yield from _definitions(connector)


def _connection(connector: Connector) -> Iterator[Block]:
    spec = connector.connection
    if not spec.parameters:
        return
    yield Heading(2, "Creating a connection")
    yield Code(f"flowengine connections add {connector.name}", "sh")
    if not spec.sets:
        yield _asked(spec.parameters)
        return
    yield Words("There are several ways to sign in; a connection takes one of them.")
    for one in spec.sets:
        yield Heading(3, one.title or one.name)
        if one.description:
            yield Words(one.description)
        yield _asked(one.parameters)


def _asked(parameters: Sequence[ConnectionParameter]) -> Rows:
    rows = [
        (each.name, each.title, _type_of_connection(each), _yes(each.required), each.description)
        for each in parameters
        if not each.hidden
    ]
    return Rows(("Name", "Title", "Type", "Required", "Description"), rows)


def _type_of_connection(parameter: ConnectionParameter) -> str:
    return {"securestring": "secret", "oauthsetting": "sign-in"}.get(parameter.type.lower(), parameter.type)


def _limits(connector: Connector) -> Iterator[Block]:
    if connector.limits:
        yield Heading(2, "Throttling limits")
        rows = [(f"{limit.calls} calls", f"{limit.to_json()['period_seconds']} seconds") for limit in connector.limits]
        yield Rows(("Calls for each connection", "Period"), rows, code=-1)


def _operations(connector: Connector, kind: str, title: str) -> Iterator[Block]:
    found = [each for each in connector.operations.values() if each.kind == kind and each.visibility != "internal"]
    if not found:
        return
    yield Heading(2, title)
    yield Rows(("Operation", "", ""), [(each.id, _title(each), _first_line(each.description)) for each in found])
    for each in found:
        yield from _operation(connector, each)


def _title(operation: Operation) -> str:
    text = operation.summary or operation.id
    return f"{text} (deprecated)" if operation.deprecated else text


def _operation(connector: Connector, operation: Operation) -> Iterator[Block]:
    yield Heading(3, _title(operation), operation.id)
    yield Words(f"Operation ID: {operation.id}")
    if operation.description:
        yield Words(operation.description)
    if operation.trigger_kind:
        told = " One run for each item." if operation.batch else ""
        yield Words(_TRIGGERS[operation.trigger_kind] + told)
    if operation.trigger_hint:
        yield Words(operation.trigger_hint)
    shown = sorted((each for each in operation.parameters if not each.internal), key=_rank)
    if shown:
        yield Heading(4, "Parameters")
        rows = [(each.title or each.name, each.path, _yes(each.required), _type(each), _about(each)) for each in shown]
        yield Rows(("Name", "Key", "Required", "Type", "Description"), rows, code=1)
    yield from _returns(connector, operation)
    yield Heading(4, "In a flow")
    yield Code(snippet(connector, operation))


def _rank(parameter: Parameter) -> tuple[bool, int]:
    """What is required first, then as the definition weighs it; ties stay in the file's order."""
    return not parameter.required_always, {"important": 0, "": 1, "advanced": 2}.get(parameter.visibility, 1)


def _about(parameter: Parameter) -> str:
    parts = [parameter.description or ""]
    if parameter.enum:
        parts.append("One of: " + ", ".join(map(str, parameter.enum)) + ".")
    if parameter.default not in (None, ""):
        parts.append(f"Default: {parameter.default}.")
    if (source := choice_source(parameter)) is not None:
        parts.append(f"Choices come from {source.operation}.")
    return " ".join(part for part in parts if part)


def _type(parameter: Parameter) -> str:
    return f"{parameter.type or 'any'} ({parameter.format})" if parameter.format else parameter.type or "any"


def _returns(connector: Connector, operation: Operation) -> Iterator[Block]:
    schema = operation.returns
    if not schema:
        return
    yield Heading(4, "Delivers" if operation.kind == "trigger" else "Returns")
    if name := _definition_name(schema):
        yield Words(f"{name}, see the definitions below.")
        return
    rows = _fields(connector, schema)
    yield rows if rows.rows else Words(f"A value of type {type_of(connector.resolve(schema)) or 'any'}.")


def _definition_name(schema: Any) -> str:
    inner = schema.get("items") if isinstance(schema, dict) and schema.get("type") == "array" else schema
    reference = inner.get("$ref", "") if isinstance(inner, dict) else ""
    name = str(reference).rpartition("/")[2]
    return f"A list of {name}" if name and inner is not schema else name


def _fields(connector: Connector, schema: Any) -> Rows:
    rows = [
        (
            str(field.schema.get("x-ms-summary") or field.schema.get("title") or field.name),
            field.path,
            type_of(field.schema) or "any",
            str(field.schema.get("description") or ""),
        )
        for field in flatten(connector.schemas, schema)
        if not field.internal
    ]
    return Rows(("Name", "Path", "Type", "Description"), rows, code=1)


def _definitions(connector: Connector) -> Iterator[Block]:
    if not connector.definitions:
        return
    yield Heading(2, "Definitions")
    for name, schema in connector.definitions.items():
        yield Heading(3, name, f"definition-{name}")
        if told := as_text(as_object(schema).get("description")):
            yield Words(told)
        rows = _fields(connector, schema)
        yield rows if rows.rows else Words(f"A value of type {type_of(connector.resolve(schema)) or 'any'}.")


def _yes(required: bool) -> str:
    return "yes" if required else ""


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else ""


def _markdown(block: Block) -> str:
    match block:
        case Heading(level, text, anchor):
            line = f"{'#' * level} {_safe(text)}"
            return f'<a id="{_anchor(anchor)}"></a>\n\n{line}' if anchor else line
        case Words(text):
            return _safe(text)
        case Code(text, language):
            return f"```{language}\n{text}\n```"
        case Rows(headers, rows, code):
            lines = [f"| {' | '.join(headers)} |", f"|{'---|' * len(headers)}"]
            lines += [f"| {' | '.join(_cells(row, code))} |" for row in rows]
            return "\n".join(lines)


def _cells(row: Sequence[str], code: int) -> Iterator[str]:
    return (_as_code(each) if index == code else _safe(each) for index, each in enumerate(row))


def _safe(text: str) -> str:
    """Text that Markdown takes for text."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", " ".join(text.split()))


def _as_code(text: str) -> str:
    return f"`{' '.join(text.split()).replace('`', chr(39)).replace('|', chr(92) + '|')}`" if text else ""


def _anchor(text: str) -> str:
    return re.sub(r"[^\w-]+", "-", text)


def _html(block: Block) -> str:
    match block:
        case Heading(level, text, anchor):
            return f'<h{level} id="{_anchor(anchor or text)}">{escape(text)}</h{level}>'
        case Words(text):
            return f"<p>{escape(text)}</p>"
        case Code(text):
            return f"<pre><code>{escape(text)}</code></pre>"
        case Rows(headers, rows, code):
            head = "".join(f"<th>{escape(each)}</th>" for each in headers)
            lines = "".join(f"<tr>{_html_cells(row, code)}</tr>" for row in rows)
            return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def _html_cells(row: Sequence[str], code: int) -> str:
    written = (
        f"<code>{escape(each)}</code>" if index == code and each else escape(each) for index, each in enumerate(row)
    )
    return "".join(f"<td>{each}</td>" for each in written)


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1a202c}"
    "table{border-collapse:collapse;width:100%;margin:1rem 0}td,th{border:1px solid #cbd5e0;padding:.3rem .6rem;"
    "text-align:left;vertical-align:top}pre{background:#f7fafc;padding:1rem;overflow:auto}code{font-size:.9em}"
)
